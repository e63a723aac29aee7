/*
 * provider_google - Google Cloud DNS v1: managed zones, record sets, and atomic
 * changes whose deletions repeat the present set exactly.
 * CLOUDSDK_API_ENDPOINT_OVERRIDES_DNS chooses another endpoint.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/map.h"
#include "sync/batch.h"
#include "sync/domain_filter.h"
#include "sync/google_token.h"
#include "sync/http_api.h"
#include "sync/paging.h"
#include "sync/provider.h"
#include "sync/spelling.h"

#define BASE_URL    "https://dns.googleapis.com/"
#define DEFAULT_TTL 300

extern const struct provider_ops provider_google;

struct google_zone {
	char *id;        /* the zone's name at Google */
	char *name;      /* the DNS name */
	struct map sets; /* "name type" -> cJSON of the set as Google has it */
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct http_api *api;
	struct google_token *token;
	char *project;
	struct google_zone **zones;
	size_t nzones;
	struct strv origins;
	int64_t skew_s; /* of Google's clock */
	/* what a change may hold, by the project's quota; 0 = not known */
	size_t max_sets, max_bytes;
};

static void free_json(void *json)
{
	cJSON_Delete(json);
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		map_fini(&p->zones[i]->sets, free_json);
		free(p->zones[i]->id);
		free(p->zones[i]->name);
		free(p->zones[i]);
	}
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->origins);
}

static char *error_words(const struct http_api_result *r)
{
	const char *message = json_text(r->json, "error.message");

	if (message)
		return mem_printf("%d: %.300s", r->status, message);
	return r->status ? mem_printf("HTTP status %d", r->status) : mem_printf("%.300s", r->body);
}

/* --- reading ---------------------------------------------------------------------------- */

struct reading {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void *ctx;
	size_t at;
	struct paging pages;
	struct endpoint_list out;
};

static void read_end(struct reading *rd, int err, const char *text)
{
	if (err)
		endpoint_list_fini(&rd->out);
	endpoint_list_sort(&rd->out);
	rd->p->reading = NULL;
	rd->done(rd->ctx, err, text, &rd->out);
	paging_reset(&rd->pages);
	free(rd);
}

static void read_fail(struct reading *rd, const struct http_api_result *r)
{
	char *why = error_words(r), *text = mem_printf("google: %s", why);

	read_end(rd, r->err ? r->err : ERR_PROTOCOL, text);
	free(why);
	free(text);
}

static char *set_key(const char *name, const char *type)
{
	return mem_printf("%s %s", name, type);
}

/* All texts under "rrdatas", however deep: a routing policy holds them in its items. */
static void collect_values(const cJSON *o, struct strv *values)
{
	const cJSON *it = NULL;

	if (o && o->string && strcmp(o->string, "rrdatas") == 0) {
		cJSON_ArrayForEach(it, o)
			if (cJSON_IsString(it))
				(void)strv_add_unique(values, it->valuestring);
		return;
	}
	cJSON_ArrayForEach(it, o)
		collect_values(it, values);
}

/* What a deletion must repeat: the set without what the service only tells. */
static cJSON *exact_copy(const cJSON *json)
{
	static const char *const members[] = { "name", "type", "ttl", "rrdatas", "routingPolicy" };
	cJSON *copy = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const cJSON *m = json_get(json, members[i]);

		if (m)
			(void)cJSON_AddItemToObject(copy, members[i], cJSON_Duplicate(m, true));
	}
	return copy;
}

/*
 * A set with a routing policy is somebody's own: it shows with all its values, so that no record
 * is planned where it stands.
 */
static void take_set(struct reading *rd, const cJSON *json)
{
	const char *name = json_text(json, "name"), *type = json_text(json, "type");
	struct strv values = { 0 };

	if (!name || !type)
		return;
	collect_values(json, &values);
	char *plain = dname_text_normal(name), *key = set_key(plain, type);
	cJSON_Delete(map_put(&rd->p->zones[rd->at]->sets, key, exact_copy(json)));
	struct endpoint *e = endpoint_new(plain, type, json_number(json, "ttl", 0));
	for (size_t i = 0; i < values.n; i++)
		strv_take(&e->targets, spelling_plain(type, values.s[i]));
	endpoint_list_take(&rd->out, e);
	strv_fini(&values);
	free(plain);
	free(key);
}

static void read_sets(struct reading *rd, const char *page);

static void on_sets(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *list = json_get(r->json, "rrsets");
	const char *next = json_text(r->json, "nextPageToken");

	if (r->err || !cJSON_IsObject(r->json)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, list)
		take_set(rd, it);
	if (next && !paging_may_go(&rd->pages, next)) {
		read_end(rd, ERR_PROTOCOL, "google: " PAGING_TEXT);
		return;
	}
	if (next == NULL) {
		rd->at++;
		paging_reset(&rd->pages);
	}
	read_sets(rd, next);
}

static void add_page(struct buf *path, const char *page)
{
	if (page == NULL)
		return;
	buf_puts(path, "&pageToken=");
	http_api_escape(path, page);
}

static void read_sets(struct reading *rd, const char *page)
{
	struct buf path = { 0 };

	if (rd->at == rd->p->nzones) {
		read_end(rd, 0, NULL);
		return;
	}
	buf_printf(&path, "/dns/v1/projects/%s/managedZones/%s/rrsets?maxResults=1000",
		   rd->p->project, rd->p->zones[rd->at]->id);
	add_page(&path, page);
	http_api_json(rd->p->api, "GET", path.data, NULL, on_sets, rd);
	buf_fini(&path);
}

/* As ExternalDNS compares: an id by its end. */
static bool ends_with_any(const char *text, const struct strv *ends)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < ends->n; i++) {
		size_t n = strlen(ends->s[i]);

		if (len >= n && strcmp(text + len - n, ends->s[i]) == 0)
			return true;
	}
	return false;
}

static bool zone_is_wanted(const struct provider *p, const cJSON *json, const char *dns_name)
{
	const struct strv *ids = config_list(p->env.config, OPT_ZONE_ID_FILTER);
	const char *wanted = config_text(p->env.config, OPT_GOOGLE_ZONE_VISIBILITY);
	const char *visibility = json_text(json, "visibility");
	const char *id = json_text(json, "id"), *name = json_text(json, "name");

	if (*wanted && visibility && strcmp(wanted, visibility) != 0)
		return false;
	if (json_get(json, "peeringConfig")) /* another network's zone */
		return false;
	if (ids->n && !(id && ends_with_any(id, ids)) && !ends_with_any(name, ids))
		return false;
	return domain_filter_match_zone(p->env.filter, dns_name);
}

static void take_zone(struct provider *p, const cJSON *json)
{
	const char *name = json_text(json, "name"), *dns_name = json_text(json, "dnsName");

	if (!name || !dns_name)
		return;
	char *plain = dname_text_normal(dns_name);
	if (!zone_is_wanted(p, json, plain)) {
		free(plain);
		return;
	}
	struct google_zone *z = MEM_NEW(struct google_zone);
	z->id = mem_strdup(name);
	z->name = plain;
	p->zones = mem_array(p->zones, p->nzones + 1, sizeof(struct google_zone *));
	p->zones[p->nzones++] = z;
	strv_add(&p->origins, plain);
}

static void read_zones(struct reading *rd, const char *page);

static void on_zones(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL;
	const char *next = json_text(r->json, "nextPageToken");

	if (r->err || !cJSON_IsObject(r->json)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, json_get(r->json, "managedZones"))
		take_zone(rd->p, it);
	if (next && !paging_may_go(&rd->pages, next)) {
		read_end(rd, ERR_PROTOCOL, "google: " PAGING_TEXT);
	} else if (next) {
		read_zones(rd, next);
	} else {
		paging_reset(&rd->pages);
		read_sets(rd, NULL);
	}
}

static void read_zones(struct reading *rd, const char *page)
{
	struct buf path = { 0 };

	buf_printf(&path, "/dns/v1/projects/%s/managedZones?maxResults=500", rd->p->project);
	add_page(&path, page);
	http_api_json(rd->p->api, "GET", path.data, NULL, on_zones, rd);
	buf_fini(&path);
}

/* The quota bounds a change; without the right to read it the flags do. */
static void on_quota(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	struct provider *p = rd->p;
	const cJSON *q = r->err ? NULL : json_get(r->json, "quota");
	int64_t add = json_number(q, "rrsetAdditionsPerChange", 0);
	int64_t del = json_number(q, "rrsetDeletionsPerChange", 0);
	int64_t bytes = json_number(q, "totalRrdataSizePerChange", 0);

	p->max_sets = add > 0 ? (size_t)add : 0;
	if (del > 0 && (p->max_sets == 0 || (size_t)del < p->max_sets))
		p->max_sets = (size_t)del;
	p->max_bytes = bytes > 0 ? (size_t)bytes : 0;
	read_zones(rd, NULL);
}

static void read_quota(struct reading *rd)
{
	char *path = mem_printf("/dns/v1/projects/%s", rd->p->project);

	http_api_json(rd->p->api, "GET", path, NULL, on_quota, rd);
	free(path);
}

static void on_project(void *ctx, int err, const char *text, const char *project)
{
	struct reading *rd = ctx;

	if (err || project == NULL) {
		read_end(rd, err ? err : ERR_INVALID,
			 err ? text
			     : "google: set --google-project: the credentials name no project");
		return;
	}
	mem_strset(&rd->p->project, project);
	read_quota(rd);
}

static void google_records(struct provider *p,
			   void (*done)(void *ctx, int err, const char *err_text,
					struct endpoint_list *records),
			   void *ctx)
{
	struct reading *rd = p->reading = MEM_NEW(struct reading);

	zones_clear(p);
	*rd = (struct reading){ .p = p, .done = done, .ctx = ctx };
	if (p->project && p->max_sets)
		read_zones(rd, NULL);
	else if (p->project)
		read_quota(rd);
	else
		google_token_project(p->token, on_project, rd);
}

/* --- writing ------------------------------------------------------------------------------ */

struct applying {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text);
	void *ctx;
};

struct sending {
	struct batch *b;
	struct google_zone *zone;
	cJSON *body;
};

/* The deletion of the set as it stands; none if it is not there. */
static void put_deletion(struct sending *s, const struct endpoint *e)
{
	char *key = set_key(e->dns_name, e->record_type);
	const cJSON *now = map_get(&s->zone->sets, key);

	if (now)
		(void)cJSON_AddItemToArray(json_get(s->body, "deletions"),
					   cJSON_Duplicate(now, true));
	free(key);
}

static void put_addition(struct sending *s, const struct endpoint *e)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *values = cJSON_CreateArray();
	char *name = mem_printf("%s.", e->dns_name);
	bool is_txt = strcmp(e->record_type, "TXT") == 0;

	(void)cJSON_AddStringToObject(o, "name", name);
	(void)cJSON_AddStringToObject(o, "type", e->record_type);
	(void)cJSON_AddNumberToObject(o, "ttl",
				      (double)(e->record_ttl > 0 ? e->record_ttl : DEFAULT_TTL));
	for (size_t i = 0; i < e->targets.n; i++) {
		char *value = is_txt ? spelling_quoted(e->targets.s[i])
				     : spelling_absolute(e->record_type, e->targets.s[i]);

		(void)cJSON_AddItemToArray(values, cJSON_CreateString(value));
		free(value);
	}
	(void)cJSON_AddItemToObject(o, "rrdatas", values);
	(void)cJSON_AddItemToArray(json_get(s->body, "additions"), o);
	free(name);
}

static void finish(struct sending *s, int err, const char *text)
{
	struct batch *b = s->b;

	cJSON_Delete(s->body);
	free(s);
	batch_sent(b, err, text, -1);
}

static void each_set(struct sending *s, const char *list, bool put)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(s->body, list)) {
		char *name = dname_text_normal(json_text(it, "name"));
		char *key = set_key(name, json_text(it, "type"));

		if (put)
			cJSON_Delete(map_put(&s->zone->sets, key, cJSON_Duplicate(it, true)));
		else
			cJSON_Delete(map_remove(&s->zone->sets, key));
		free(key);
		free(name);
	}
}

/* 404 for a deletion, 409, 412: the zone is not as we saw it. */
static int error_of(const struct http_api_result *r)
{
	const char *message = json_text(r->json, "error.message");

	if (r->err == ERR_NOT_FOUND && message && strstr(message, "entity.change"))
		return ERR_STALE;
	return r->err == ERR_AGAIN ? ERR_NETWORK : r->err; /* 5xx: it may have landed */
}

static void on_changed(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;

	if (r->err) {
		char *why = error_words(r);

		finish(s, error_of(r), why);
		free(why);
		return;
	}
	each_set(s, "deletions", false);
	each_set(s, "additions", true);
	finish(s, 0, NULL);
}

static void send_piece(void *ctx, struct batch *b, void *zone, struct change *const *list, size_t n)
{
	struct provider *p = ((struct applying *)ctx)->p;
	struct sending *s = MEM_NEW(struct sending);

	*s = (struct sending){ .b = b, .zone = zone, .body = cJSON_CreateObject() };
	(void)cJSON_AddArrayToObject(s->body, "additions");
	(void)cJSON_AddArrayToObject(s->body, "deletions");
	for (size_t i = 0; i < n; i++) {
		const struct change *c = list[i];

		/* also on create: what stands at this very name and type is replaced by
		 * compare-and-swap */
		put_deletion(s, c->before ? c->before : c->after);
		if (c->after)
			put_addition(s, c->after);
	}
	if (cJSON_GetArraySize(json_get(s->body, "additions")) == 0 &&
	    cJSON_GetArraySize(json_get(s->body, "deletions")) == 0) {
		finish(s, 0, NULL);
		return;
	}
	char *path =
		mem_printf("/dns/v1/projects/%s/managedZones/%s/changes", p->project, s->zone->id);
	http_api_json(p->api, "POST", path, s->body, on_changed, s);
	free(path);
}

static struct batch_cost cost(void *ctx, const struct change *c)
{
	struct batch_cost cost = { .changes = 1 };

	(void)ctx;
	for (size_t i = 0; c->after && i < c->after->targets.n; i++)
		cost.bytes += strlen(c->after->targets.s[i]);
	return cost;
}

static struct google_zone *zone_of(const struct provider *p, const char *dns_name)
{
	struct google_zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(dns_name, p->zones[i]->name) &&
		    (!best || strlen(p->zones[i]->name) > strlen(best->name)))
			best = p->zones[i];
	return best;
}

static void *zone_of_change(void *ctx, const struct change *c)
{
	const struct endpoint *e = c->after ? c->after : c->before;

	return zone_of(((struct applying *)ctx)->p, e->dns_name);
}

static void on_done(void *ctx, int err, const char *err_text)
{
	struct applying *a = ctx;

	a->done(a->ctx, err, err_text);
	free(a);
}

static void google_apply(struct provider *p, struct change *changes, size_t n,
			 void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = {
		.zone = zone_of_change, .cost = cost, .send = send_piece, .done = on_done
	};
	int64_t asked = config_number(p->env.config, OPT_GOOGLE_BATCH_CHANGE_SIZE);
	struct batch_limits limits = { .changes = asked > 0 ? (size_t)asked : 1,
				       .bytes = p->max_bytes,
				       .interval_ms = (unsigned)config_ms(
					       p->env.config, OPT_GOOGLE_BATCH_CHANGE_INTERVAL) };
	struct applying *a = MEM_NEW(struct applying);

	if (p->max_sets && p->max_sets < limits.changes)
		limits.changes = p->max_sets;
	*a = (struct applying){ .p = p, .done = done, .ctx = ctx };
	(void)batch_start(p->env.loop, &ops, a, &limits, NULL, changes, n);
}

/* --- life --------------------------------------------------------------------------------- */

static void on_token(void *ctx, int err, const char *text, const char *token)
{
	struct http_api_call *call = ctx;

	if (err == 0)
		http_api_call_header(call, "Authorization: Bearer %s", token);
	http_api_call_go(call, err, text);
}

static void authorize(void *ctx, struct http_api_call *call)
{
	struct provider *p = ctx;

	google_token_get(p->token, on_token, call);
}

/* The token is not taken: it ended early, or our clock is off. */
static bool renew(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;
	int64_t theirs = http_api_date_s(r);

	if (r->status != 401)
		return false;
	if (theirs > 0)
		p->skew_s = theirs - clock_real_s();
	google_token_drop(p->token, p->skew_s);
	return true;
}

/* 403 with one of these reasons is a rate limit. */
static bool is_throttle(void *ctx, int status, const char *body)
{
	(void)ctx;
	return status == 403 && strstr(body, "ateLimitExceeded");
}

static void google_adjust(struct provider *p, struct endpoint_list *desired)
{
	(void)p;
	for (size_t i = 0; i < desired->n; i++)
		spelling_quote_txt(desired->e[i]);
}

static const struct strv *google_zones(struct provider *p)
{
	return &p->origins;
}

static void google_close(struct provider *p)
{
	if (p == NULL)
		return;
	if (p->reading) {
		endpoint_list_fini(&p->reading->out);
		paging_reset(&p->reading->pages);
	}
	free(p->reading);
	http_api_free(p->api);
	google_token_free(p->token);
	zones_clear(p);
	free(p->project);
	free(p);
}

static int google_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	const char *base = getenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_DNS");
	const char *project = config_text(env->config, OPT_GOOGLE_PROJECT);

	(void)ret_why;
	p->env = *env;
	p->token = google_token_new(env->loop, env->http);
	if (*project)
		p->project = mem_strdup(project);
	if (base == NULL || *base == '\0')
		base = BASE_URL;
	size_t len = strlen(base);
	char *url = mem_strndup(base, base[len - 1] == '/' ? len - 1 : len);
	struct http_api_config c = { .loop = env->loop,
				     .http = env->http,
				     .base_url = url,
				     .rate_per_s = 10,
				     .burst = 100,
				     .authorize = authorize,
				     .is_throttle = is_throttle,
				     .renew = renew,
				     .ctx = p };
	p->api = http_api_new(&c);
	free(url);
	*ret = p;
	return 0;
}

const struct provider_ops provider_google = {
	.name = "google",
	.open = google_open,
	.close = google_close,
	.records = google_records,
	.apply = google_apply,
	.adjust = google_adjust,
	.zones = google_zones,
};

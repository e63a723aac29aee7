/*
 * provider_hetzner - Hetzner DNS by the Cloud API v1: record sets and actions.
 * HCLOUD_TOKEN (also HETZNER_TOKEN, HETZNER_API_KEY; "file:PATH" is read);
 * HCLOUD_ENDPOINT chooses another endpoint.  The old dns.hetzner.com API ended in 2026.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "sync/apply_each.h"
#include "sync/domain_filter.h"
#include "sync/hetzner_label.h"
#include "sync/http_api.h"
#include "sync/paging.h"
#include "sync/provider.h"
#include "sync/spelling.h"
#include "sync/target.h"

#define BASE_URL  "https://api.hetzner.cloud/v1"
#define MIN_TTL   60
#define PAGES_MAX 10000
#define POLL_MS   250
#define POLLS_MAX 240

extern const struct provider_ops provider_hetzner;

struct hetzner_zone {
	char *id, *name;
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct http_api *api;
	struct hetzner_zone *zones;
	size_t nzones;
	struct strv origins;
	struct map labelled; /* "name type" -> struct endpoint: a set that has labels */
};

static void free_endpoint(void *e)
{
	endpoint_free(e);
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		free(p->zones[i].id);
		free(p->zones[i].name);
	}
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	map_fini(&p->labelled, free_endpoint);
	p->labelled = (struct map){ 0 };
	strv_fini(&p->origins);
}

static const struct hetzner_zone *zone_of(const struct provider *p, const char *dns_name)
{
	const struct hetzner_zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(dns_name, p->zones[i].name) &&
		    (!best || strlen(p->zones[i].name) > strlen(best->name)))
			best = &p->zones[i];
	return best;
}

static char *error_words(const struct http_api_result *r)
{
	const char *code = json_text(r->json, "error.code");
	const char *message = json_text(r->json, "error.message");

	if (code)
		return mem_printf("%s: %.300s", code, message ? message : "");
	return r->status ? mem_printf("HTTP status %d", r->status) : mem_printf("%.300s", r->body);
}

/* --- reading --------------------------------------------------------------------------- */

struct reading {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void *ctx;
	size_t at;
	unsigned page;
	struct endpoint_list out;
};

static void read_end(struct reading *rd, int err, const char *text)
{
	if (err)
		endpoint_list_fini(&rd->out);
	endpoint_list_sort(&rd->out);
	rd->p->reading = NULL;
	rd->done(rd->ctx, err, text, &rd->out);
	free(rd);
}

static void read_fail(struct reading *rd, const struct http_api_result *r)
{
	char *why = error_words(r), *text = mem_printf("hetzner: %s", why);

	read_end(rd, r->err ? r->err : ERR_PROTOCOL, text);
	free(why);
	free(text);
}

/*
 * 1 if there is another page after this LIST, 0 if not, ERR_PROTOCOL if they have no end: a page
 * that brings nothing is none.
 */
static int more_pages(const struct reading *rd, const struct http_api_result *r, const cJSON *list)
{
	const cJSON *next = json_get(r->json, "meta.pagination.next_page");

	if (!cJSON_IsNumber(next))
		return 0;
	if (rd->page >= PAGES_MAX || cJSON_GetArraySize(list) == 0 ||
	    next->valuedouble != rd->page + 1)
		return ERR_PROTOCOL;
	return 1;
}

/* A value as Hetzner keeps it: names without a final dot are relative to the zone. */
static char *read_value(const char *type, const char *value, const char *zone)
{
	char *plain = spelling_plain(type, value), *absolute = spelling_absolute(type, value);
	bool is_relative = strcmp(absolute, value) != 0;

	free(absolute);
	if (!is_relative)
		return plain;
	char *full = mem_printf("%s.%s", plain, zone);
	free(plain);
	return full;
}

static void take_rrset(struct reading *rd, const cJSON *json)
{
	const char *zone = rd->p->zones[rd->at].name;
	const char *name = json_text(json, "name"), *type = json_text(json, "type");
	const cJSON *it = NULL;

	if (!name || !type || strcmp(type, "SOA") == 0)
		return;
	char *full = spelling_full_name(name, zone);
	struct endpoint *e = endpoint_new(full, type, json_number(json, "ttl", 0));
	free(full);
	cJSON_ArrayForEach(it, json_get(json, "records")) {
		const char *value = json_text(it, "value");

		if (value)
			strv_take(&e->targets, read_value(type, value, zone));
	}
	strv_sort(&e->targets);
	hetzner_label_read(json, e);
	if (cJSON_GetArraySize(json_get(json, "labels"))) {
		char *key = mem_printf("%s %s", e->dns_name, e->record_type);

		free_endpoint(map_put(&rd->p->labelled, key, endpoint_copy(e)));
		free(key);
	}
	endpoint_list_take(&rd->out, e);
}

static void read_rrsets(struct reading *rd);

static void on_rrsets(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *list = json_get(r->json, "rrsets");

	if (r->err || !cJSON_IsArray(list)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, list)
		take_rrset(rd, it);
	int more = more_pages(rd, r, list);
	if (more < 0) {
		read_end(rd, more, "hetzner: " PAGING_TEXT);
		return;
	}
	rd->at += more == 0;
	rd->page = more ? rd->page + 1 : 1;
	read_rrsets(rd);
}

static void read_rrsets(struct reading *rd)
{
	if (rd->at == rd->p->nzones) {
		read_end(rd, 0, NULL);
		return;
	}
	char *path = mem_printf("/zones/%s/rrsets?page=%u&per_page=100", rd->p->zones[rd->at].id,
				rd->page);
	http_api_json(rd->p->api, "GET", path, NULL, on_rrsets, rd);
	free(path);
}

static void take_zone(struct provider *p, const cJSON *json)
{
	const char *name = json_text(json, "name"), *mode = json_text(json, "mode");
	char *id = mem_printf("%lld", (long long)json_number(json, "id", 0));
	const struct strv *ids = config_list(p->env.config, OPT_ZONE_ID_FILTER);

	/* a secondary zone is somebody else's to write */
	if (!name || (mode && strcmp(mode, "secondary") == 0) || (ids->n && !strv_has(ids, id)) ||
	    !domain_filter_match_zone(p->env.filter, name)) {
		free(id);
		return;
	}
	p->zones = mem_array(p->zones, p->nzones + 1, sizeof(*p->zones));
	p->zones[p->nzones++] = (struct hetzner_zone){ id, dname_text_normal(name) };
	strv_add(&p->origins, p->zones[p->nzones - 1].name);
}

static void read_zones(struct reading *rd);

static void on_zones(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *list = json_get(r->json, "zones");

	if (r->err || !cJSON_IsArray(list)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, list)
		take_zone(rd->p, it);
	int more = more_pages(rd, r, list);
	if (more < 0) {
		read_end(rd, more, "hetzner: " PAGING_TEXT);
		return;
	}
	rd->page = more ? rd->page + 1 : 1;
	if (more)
		read_zones(rd);
	else
		read_rrsets(rd);
}

static void read_zones(struct reading *rd)
{
	char *path = mem_printf("/zones?page=%u&per_page=50", rd->page);

	http_api_json(rd->p->api, "GET", path, NULL, on_zones, rd);
	free(path);
}

static void hetzner_records(struct provider *p,
			    void (*done)(void *ctx, int err, const char *err_text,
					 struct endpoint_list *records),
			    void *ctx)
{
	struct reading *rd = p->reading = MEM_NEW(struct reading);

	zones_clear(p);
	*rd = (struct reading){ .p = p, .done = done, .ctx = ctx, .page = 1 };
	read_zones(rd);
}

/* --- writing ------------------------------------------------------------------------------ */

struct sending {
	struct provider *p;
	struct apply_each *a;
	const struct hetzner_zone *zone;
	const struct change *change;
	char *path;        /* of the record set */
	bool ttl_to_do;    /* change_ttl comes after set_records */
	bool labels_to_do; /* and then the labels */
	long long action;  /* that we wait for */
	unsigned polls;
	struct loop_timer *timer;
};

static void finish(struct sending *s, int err, const char *text)
{
	struct apply_each *a = s->a;

	loop_timer_free(s->timer);
	free(s->path);
	free(s);
	apply_each_result(a, err, text);
}

static void finish_failed(struct sending *s, const struct http_api_result *r)
{
	char *why = error_words(r);

	finish(s, r->err, why);
	free(why);
}

static void write_ttl(struct sending *s);
static void write_labels(struct sending *s);
static void on_action(void *ctx, const struct http_api_result *r);

static void poll_action(void *ctx)
{
	struct sending *s = ctx;
	char *path = mem_printf("/zones/actions/%lld", s->action);

	http_api_json(s->p->api, "GET", path, NULL, on_action, s);
	free(path);
}

/* Every write answers with an action; the change has landed when that says success. */
static void on_action(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	const char *status = json_text(r->json, "action.status");

	if (r->status == 404 && s->change->kind == CHANGE_DELETE && s->action == 0) {
		finish(s, 0, NULL); /* gone already */
		return;
	}
	if (r->err) {
		finish_failed(s, r);
		return;
	}
	if (status && strcmp(status, "error") == 0) {
		const char *message = json_text(r->json, "action.error.message");

		finish(s, ERR_INVALID, message ? message : "the action failed");
		return;
	}
	if (status && strcmp(status, "running") == 0) {
		s->action = (long long)json_number(json_get(r->json, "action"), "id", 0);
		if (++s->polls > POLLS_MAX) {
			finish(s, ERR_TIMEOUT, "the action does not end");
			return;
		}
		loop_timer_set(s->timer, POLL_MS);
		return;
	}
	s->action = 0;
	s->polls = 0;
	if (s->ttl_to_do)
		write_ttl(s);
	else if (s->labels_to_do)
		write_labels(s);
	else
		finish(s, 0, NULL);
}

/* The values of E, but for those that are in EXCEPT (may be NULL). */
static cJSON *records_json(const struct endpoint *e, const struct endpoint *except)
{
	cJSON *list = cJSON_CreateArray();
	bool is_txt = strcmp(e->record_type, "TXT") == 0;

	for (size_t i = 0; i < e->targets.n; i++) {
		if (except && target_set_has(&except->targets, e->targets.s[i]))
			continue;
		cJSON *o = cJSON_CreateObject();
		char *value = is_txt ? spelling_quoted(e->targets.s[i])
				     : spelling_absolute(e->record_type, e->targets.s[i]);

		(void)cJSON_AddStringToObject(o, "value", value);
		(void)cJSON_AddItemToArray(list, o);
		free(value);
	}
	return list;
}

static void add_ttl(cJSON *body, const struct endpoint *e)
{
	if (e->record_ttl > 0)
		(void)cJSON_AddNumberToObject(body, "ttl", (double)e->record_ttl);
	else
		(void)cJSON_AddNullToObject(body, "ttl");
}

static void write_ttl(struct sending *s)
{
	cJSON *body = cJSON_CreateObject();
	char *path = mem_printf("%s/actions/change_ttl", s->path);

	s->ttl_to_do = false;
	add_ttl(body, s->change->after);
	http_api_json(s->p->api, "POST", path, body, on_action, s);
	cJSON_Delete(body);
	free(path);
}

/* The answer is the set, not an action: it has landed at once. */
static void write_labels(struct sending *s)
{
	cJSON *body = cJSON_CreateObject();

	s->labels_to_do = false;
	(void)cJSON_AddItemToObject(body, "labels", hetzner_label_json(s->change->after));
	http_api_json(s->p->api, "PUT", s->path, body, on_action, s);
	cJSON_Delete(body);
}

static void create(struct sending *s, const char *relative)
{
	cJSON *body = cJSON_CreateObject();
	char *path = mem_printf("/zones/%s/rrsets", s->zone->id);

	(void)cJSON_AddStringToObject(body, "name", relative);
	(void)cJSON_AddStringToObject(body, "type", s->change->after->record_type);
	if (s->change->after->record_ttl > 0)
		add_ttl(body, s->change->after);
	(void)cJSON_AddItemToObject(body, "records", records_json(s->change->after, NULL));
	cJSON *labels = hetzner_label_json(s->change->after);
	if (labels)
		(void)cJSON_AddItemToObject(body, "labels", labels);
	http_api_json(s->p->api, "POST", path, body, on_action, s);
	cJSON_Delete(body);
	free(path);
}

/*
 * A set that only gains or only loses values is changed by these alone: the set may be shared, and
 * what others put in since we looked stays.
 */
static void update(struct sending *s)
{
	const struct endpoint *before = s->change->before, *after = s->change->after;
	cJSON *gained = records_json(after, before);
	cJSON *lost = before ? records_json(before, after) : cJSON_CreateArray();
	const char *action = "set_records";

	s->ttl_to_do =
		after->record_ttl > 0 && (!before || before->record_ttl != after->record_ttl);
	s->labels_to_do = hetzner_label_differ(before, after);
	cJSON *list = NULL;
	if (before && cJSON_GetArraySize(lost) == 0 && cJSON_GetArraySize(gained)) {
		action = "add_records";
		list = gained;
	} else if (cJSON_GetArraySize(gained) == 0 && cJSON_GetArraySize(lost)) {
		action = "remove_records";
		list = lost;
	} else if (cJSON_GetArraySize(gained) == 0 && (s->ttl_to_do || s->labels_to_do)) {
		action = NULL; /* the TTL alone, or the labels */
	}
	cJSON *body = cJSON_CreateObject();
	(void)cJSON_AddItemToObject(body, "records",
				    list ? cJSON_Duplicate(list, true) : records_json(after, NULL));
	char *path = action ? mem_printf("%s/actions/%s", s->path, action) : NULL;
	if (path)
		http_api_json(s->p->api, "POST", path, body, on_action, s);
	else if (s->ttl_to_do)
		write_ttl(s);
	else
		write_labels(s);
	cJSON_Delete(gained);
	cJSON_Delete(lost);
	cJSON_Delete(body);
	free(path);
}

static void send_change(struct provider *p, struct apply_each *a, const struct change *c)
{
	const struct endpoint *e = c->after ? c->after : c->before;
	const struct hetzner_zone *zone = zone_of(p, e->dns_name);

	if (zone == NULL) {
		apply_each_result(a, ERR_NOT_FOUND, "no zone of this project has this name");
		return;
	}
	struct sending *s = MEM_NEW(struct sending);
	char *relative = spelling_relative(e->dns_name, zone->name);
	struct buf path = { 0 };
	buf_printf(&path, "/zones/%s/rrsets/", zone->id);
	http_api_escape(&path, relative);
	buf_printf(&path, "/%s", e->record_type);
	*s = (struct sending){ .p = p, .a = a, .zone = zone, .change = c, .path = buf_take(&path) };
	s->timer = loop_timer_new(p->env.loop, poll_action, s);
	switch (c->kind) {
	case CHANGE_CREATE:
		create(s, relative);
		break;
	case CHANGE_UPDATE:
		update(s);
		break;
	case CHANGE_DELETE:
		http_api_json(p->api, "DELETE", s->path, NULL, on_action, s);
		break;
	}
	free(relative);
}

static void hetzner_apply(struct provider *p, struct change *changes, size_t n,
			  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	apply_each(p, "hetzner", p->env.loop, changes, n, send_change, done, ctx);
}

static void hetzner_adjust(struct provider *p, struct endpoint_list *desired)
{
	for (size_t i = 0; i < desired->n; i++) {
		struct endpoint *e = desired->e[i];
		char *key = mem_printf("%s %s", e->dns_name, e->record_type);
		const struct endpoint *standing = map_get(&p->labelled, key);

		if (e->record_ttl > 0 && e->record_ttl < MIN_TTL)
			e->record_ttl = MIN_TTL;
		spelling_quote_txt(e);
		if (standing)
			hetzner_label_keep(standing, e);
		free(key);
	}
}

static bool hetzner_keeps(struct provider *p, const char *property)
{
	(void)p;
	return hetzner_label_is(property);
}

/* --- life ------------------------------------------------------------------------------------ */

/* Of the project; read anew each time, "file:PATH" may change.  *ret NULL: there is none. */
static int read_token(char **ret, char **ret_why)
{
	static const char *const names[] = { "HCLOUD_TOKEN", "HETZNER_TOKEN", "HETZNER_API_KEY" };
	int err = 0;

	*ret = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names) && !*ret && !err; i++)
		err = http_api_secret(names[i], ret, ret_why);
	return err;
}

static void authorize(void *ctx, struct http_api_call *call)
{
	char *token = NULL, *why = NULL;
	int err = read_token(&token, &why);

	(void)ctx;
	if (err == 0 && token == NULL) {
		err = ERR_AUTH;
		why = mem_strdup("HCLOUD_TOKEN is empty");
	}
	if (err == 0)
		http_api_call_header(call, "Authorization: Bearer %s", token);
	mem_wipe(token, token ? strlen(token) : 0);
	free(token);
	http_api_call_go(call, err, why);
	free(why);
}

static const struct strv *hetzner_zones(struct provider *p)
{
	return &p->origins;
}

static void hetzner_close(struct provider *p)
{
	if (p == NULL)
		return;
	if (p->reading) {
		endpoint_list_fini(&p->reading->out);
	}
	free(p->reading);
	http_api_free(p->api);
	zones_clear(p);
	free(p);
}

static int hetzner_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	const char *base = getenv("HCLOUD_ENDPOINT");
	char *token = NULL;
	int err = read_token(&token, ret_why);

	if (err == 0 && token == NULL) {
		err = ERR_INVALID;
		*ret_why = mem_strdup(
			"hetzner: set HCLOUD_TOKEN to an API token of the Cloud Console's "
			"project (tokens of the old dns.hetzner.com API do not work here)");
	} else if (err == 0 && base && strstr(base, "dns.hetzner.com")) {
		err = ERR_UNSUPPORTED;
		*ret_why = mem_strdup(
			"hetzner: HCLOUD_ENDPOINT: the API at dns.hetzner.com was shut down in "
			"2026; migrate the zone to the Cloud Console");
	}
	mem_wipe(token, token ? strlen(token) : 0);
	free(token);
	if (err)
		return err;
	struct provider *p = MEM_NEW(struct provider);
	p->env = *env;
	size_t len = base ? strlen(base) : 0;
	char *url = len ? mem_strndup(base, base[len - 1] == '/' ? len - 1 : len)
			: mem_strdup(BASE_URL);
	/* 3,600 requests an hour */
	struct http_api_config c = { .loop = env->loop,
				     .http = env->http,
				     .base_url = url,
				     .rate_per_s = 1,
				     .burst = 600,
				     .authorize = authorize,
				     .ctx = p };
	p->api = http_api_new(&c);
	free(url);
	*ret = p;
	return 0;
}

const struct provider_ops provider_hetzner = {
	.name = "hetzner",
	.open = hetzner_open,
	.close = hetzner_close,
	.records = hetzner_records,
	.apply = hetzner_apply,
	.adjust = hetzner_adjust,
	.zones = hetzner_zones,
	.keeps = hetzner_keeps,
	.adjust_reads_view = true,
};

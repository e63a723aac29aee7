/*
 * provider_cloudflare - Cloudflare DNS (API v4): zones, records, and what a
 * desired record becomes there.  Writing is in cloudflare_apply.c.
 *
 * CF_API_TOKEN, or CF_API_KEY with CF_API_EMAIL; "file:PATH" values are read for
 * each request, so a token may rotate.  CLOUDFLARE_BASE_URL chooses another endpoint.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "sync/cloudflare.h"
#include "sync/domain_filter.h"
#include "sync/paging.h"
#include "sync/spelling.h"

#define BASE_URL       "https://api.cloudflare.com/client/v4"
#define ZONES_PER_PAGE 50
#define PAGES_MAX      10000 /* a service that never ends its pages is broken */

extern const struct provider_ops provider_cloudflare;

/* --- the view ----------------------------------------------------------------- */

static void set_free(void *ptr)
{
	struct cloudflare_set *s = ptr;

	for (size_t i = 0; i < s->n; i++)
		cloudflare_record_fini(&s->records[i]);
	free(s->records);
	free(s);
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		map_fini(&p->zones[i]->sets, set_free);
		cloudflare_host_clear(p->zones[i]);
		free(p->zones[i]->id);
		free(p->zones[i]->name);
		free(p->zones[i]);
	}
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->origins);
}

struct cloudflare_zone *cloudflare_zone_of(struct provider *p, const char *dns_name)
{
	struct cloudflare_zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(dns_name, p->zones[i]->name) &&
		    (!best || strlen(p->zones[i]->name) > strlen(best->name)))
			best = p->zones[i];
	return best;
}

struct cloudflare_set *cloudflare_set_of(struct cloudflare_zone *z, const char *name,
					 const char *type, bool create)
{
	char *key = mem_printf("%s %s", name, type);
	struct cloudflare_set *s = map_get(&z->sets, key);

	if (s == NULL && create) {
		s = MEM_NEW(struct cloudflare_set);
		(void)map_put(&z->sets, key, s); /* was not there */
	}
	free(key);
	return s;
}

void cloudflare_view_drop(struct cloudflare_zone *z, const char *id)
{
	for (struct map_item *it = map_first(&z->sets); it; it = map_next(&z->sets, it)) {
		struct cloudflare_set *s = it->value;

		for (size_t i = 0; i < s->n; i++) {
			if (strcmp(s->records[i].id, id) != 0)
				continue;
			cloudflare_record_fini(&s->records[i]);
			s->records[i] = s->records[--s->n];
			return;
		}
	}
}

void cloudflare_view_put(struct cloudflare_zone *z, struct cloudflare_record *r)
{
	struct cloudflare_set *s = cloudflare_set_of(z, r->name, r->type, true);

	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->records[i].id, r->id) != 0)
			continue;
		cloudflare_record_fini(&s->records[i]);
		s->records[i] = *r;
		return;
	}
	s->records = mem_array(s->records, s->n + 1, sizeof(*s->records));
	s->records[s->n++] = *r;
}

char *cloudflare_error_text(const struct http_api_result *r)
{
	const cJSON *e = cJSON_GetArrayItem(json_get(r->json, "errors"), 0);
	const char *message = json_text(e, "message");

	if (message)
		return mem_printf("%d: %.300s", (int)json_number(e, "code", 0), message);
	if (r->status)
		return mem_printf("HTTP status %d", r->status);
	return mem_printf("%.300s", r->body);
}

/* --- reading ------------------------------------------------------------------- */

struct reading {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void *ctx;
	const struct strv *ids; /* --zone-id-filter */
	size_t at;              /* id or zone at work */
	unsigned page;
};

static void read_end(struct reading *rd, int err, const char *text, struct endpoint_list *records)
{
	struct endpoint_list none = { 0 };

	rd->p->reading = NULL;
	rd->done(rd->ctx, err, text, records ? records : &none);
	free(rd);
}

static void read_fail(struct reading *rd, const struct http_api_result *r)
{
	char *why = cloudflare_error_text(r);
	char *text =
		mem_printf("cloudflare: %s: %s", error_text(r->err ? r->err : ERR_PROTOCOL), why);

	read_end(rd, r->err ? r->err : ERR_PROTOCOL, text, NULL);
	free(text);
	free(why);
}

static bool answer_is_good(const struct http_api_result *r)
{
	return r->err == 0 && json_bool(r->json, "success", false) && json_get(r->json, "result");
}

/*
 * 1 if there is another page after this one, 0 if not, ERR_PROTOCOL if they have no end: a page
 * that brings nothing is none.
 */
static int more_pages(const struct reading *rd, const struct http_api_result *r)
{
	if (rd->page >= (unsigned)json_number(r->json, "result_info.total_pages", 1))
		return 0;
	if (rd->page >= PAGES_MAX || cJSON_GetArraySize(json_get(r->json, "result")) == 0)
		return ERR_PROTOCOL;
	return 1;
}

/* The set as one endpoint.  Where records differ, the first by target speaks. */
static struct endpoint *set_endpoint(const struct cloudflare_zone *z,
				     const struct cloudflare_set *s)
{
	const struct cloudflare_record *r = &s->records[0];

	for (size_t i = 1; i < s->n; i++)
		if (strcmp(s->records[i].target, r->target) < 0)
			r = &s->records[i];
	struct endpoint *e = endpoint_new(r->name, r->type, r->ttl);
	for (size_t i = 0; i < s->n; i++)
		strv_add(&e->targets, s->records[i].target);
	strv_sort(&e->targets);
	/* one record that differs in TTL or proxied makes the set differ from any wish */
	bool proxied = r->proxied;
	for (size_t i = 0; i < s->n; i++) {
		if (s->records[i].ttl != r->ttl)
			e->record_ttl = -1;
		if (s->records[i].proxied != r->proxied)
			proxied = !r->proxied;
	}
	endpoint_set_prop(e, CLOUDFLARE_PROP_PROXIED, proxied ? "true" : "false");
	if (*r->comment)
		endpoint_set_prop(e, CLOUDFLARE_PROP_COMMENT, r->comment);
	if (*r->tags)
		endpoint_set_prop(e, CLOUDFLARE_PROP_TAGS, r->tags);
	cloudflare_host_note(z, e);
	return e;
}

static void read_all_done(struct reading *rd)
{
	struct endpoint_list out = { 0 };

	for (size_t i = 0; i < rd->p->nzones; i++) {
		struct map *sets = &rd->p->zones[i]->sets;

		for (struct map_item *it = map_first(sets); it; it = map_next(sets, it)) {
			const struct cloudflare_set *s = it->value;

			if (s->n)
				endpoint_list_take(&out, set_endpoint(rd->p->zones[i], s));
		}
	}
	endpoint_list_sort(&out);
	read_end(rd, 0, NULL, &out);
}

static void read_records(struct reading *rd);

static void on_hosts(void *ctx, int err, const char *text)
{
	struct reading *rd = ctx;

	if (err) {
		read_end(rd, err, text, NULL);
		return;
	}
	rd->at++;
	rd->page = 1;
	read_records(rd);
}

static void on_records(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL;

	if (!answer_is_good(r)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, json_get(r->json, "result")) {
		struct cloudflare_record rec;

		if (cloudflare_record_read(it, &rec))
			cloudflare_view_put(rd->p->zones[rd->at], &rec);
	}
	int more = more_pages(rd, r);
	if (more < 0) {
		read_end(rd, more, "cloudflare: " PAGING_TEXT, NULL);
	} else if (more) {
		rd->page++;
		read_records(rd);
	} else {
		cloudflare_host_read(rd->p, rd->p->zones[rd->at], on_hosts, rd);
	}
}

static void read_records(struct reading *rd)
{
	struct provider *p = rd->p;

	if (rd->at == p->nzones) {
		read_all_done(rd);
		return;
	}
	char *path = mem_printf(
		"/zones/%s/dns_records?page=%u&per_page=%d", p->zones[rd->at]->id, rd->page,
		(int)config_number(p->env.config, OPT_CLOUDFLARE_DNS_RECORDS_PER_PAGE));
	http_api_json(p->api, "GET", path, NULL, on_records, rd);
	free(path);
}

static void add_zone(struct provider *p, const cJSON *json)
{
	const char *id = json_text(json, "id"), *name = json_text(json, "name");
	const char *plan = json_text(json, "plan.legacy_id");

	if (!id || !name || !domain_filter_match_zone(p->env.filter, name))
		return;
	struct cloudflare_zone *z = MEM_NEW(struct cloudflare_zone);
	z->id = mem_strdup(id);
	z->name = dname_text_normal(name);
	z->is_enterprise = plan && strcmp(plan, "enterprise") == 0;
	z->is_free = plan == NULL || strcmp(plan, "free") == 0;
	p->zones = mem_array(p->zones, p->nzones + 1, sizeof(struct cloudflare_zone *));
	p->zones[p->nzones++] = z;
	strv_add(&p->origins, z->name);
}

static void read_zones(struct reading *rd);

static void on_zones(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *result = json_get(r->json, "result");

	if (!answer_is_good(r)) {
		read_fail(rd, r);
		return;
	}
	if (rd->ids->n) { /* one zone by its id */
		add_zone(rd->p, result);
		rd->at++;
	} else {
		cJSON_ArrayForEach(it, result)
			add_zone(rd->p, it);
		int more = more_pages(rd, r);
		if (more < 0) {
			read_end(rd, more, "cloudflare: " PAGING_TEXT, NULL);
			return;
		}
		rd->page = more ? rd->page + 1 : 0;
	}
	read_zones(rd);
}

static void read_zones(struct reading *rd)
{
	char *path = NULL;

	if (rd->ids->n && rd->at < rd->ids->n)
		path = mem_printf("/zones/%s", rd->ids->s[rd->at]);
	else if (rd->ids->n == 0 && rd->page)
		path = mem_printf("/zones?page=%u&per_page=%d", rd->page, ZONES_PER_PAGE);
	if (path == NULL) {
		rd->at = 0;
		rd->page = 1;
		read_records(rd);
		return;
	}
	http_api_json(rd->p->api, "GET", path, NULL, on_zones, rd);
	free(path);
}

static void cloudflare_records(struct provider *p,
			       void (*done)(void *ctx, int err, const char *err_text,
					    struct endpoint_list *records),
			       void *ctx)
{
	struct reading *rd = p->reading = MEM_NEW(struct reading);

	zones_clear(p);
	*rd = (struct reading){ .p = p,
				.done = done,
				.ctx = ctx,
				.ids = config_list(p->env.config, OPT_ZONE_ID_FILTER),
				.page = 1 };
	read_zones(rd);
}

/* --- wishes -------------------------------------------------------------------- */

/* Both prefixes become the one we read back. */
static void canonical_prop(struct endpoint *e, const char *suffix, const char *name,
			   const char *fallback)
{
	const char *value = cloudflare_record_prop(e, suffix);
	char *copy = mem_strdup(value ? value : fallback);
	char *other = mem_printf("external-dns.kubernetes.io/%s", suffix);

	endpoint_set_prop(e, other, NULL);
	endpoint_set_prop(e, name, copy && *copy ? copy : NULL);
	free(other);
	free(copy);
}

static void sort_tags(struct endpoint *e)
{
	const char *tags = endpoint_prop(e, CLOUDFLARE_PROP_TAGS);
	struct strv list = { 0 };

	if (tags == NULL)
		return;
	strv_split(&list, tags, ",");
	strv_sort(&list);
	char *text = strv_join(&list, ",");
	endpoint_set_prop(e, CLOUDFLARE_PROP_TAGS, *text ? text : NULL);
	free(text);
	strv_fini(&list);
}

/* What somebody wrote by hand stays unless the wish names it. */
static void keep_what_stands(struct provider *p, struct endpoint *e)
{
	struct cloudflare_zone *z = cloudflare_zone_of(p, e->dns_name);
	const struct cloudflare_set *s =
		z ? cloudflare_set_of(z, e->dns_name, e->record_type, false) : NULL;

	if (s == NULL || s->n == 0)
		return;
	struct endpoint *now = set_endpoint(z, s);
	const char *comment = endpoint_prop(now, CLOUDFLARE_PROP_COMMENT);
	const char *tags = endpoint_prop(now, CLOUDFLARE_PROP_TAGS);
	if (comment && !endpoint_prop(e, CLOUDFLARE_PROP_COMMENT))
		endpoint_set_prop(e, CLOUDFLARE_PROP_COMMENT, comment);
	if (tags && !endpoint_prop(e, CLOUDFLARE_PROP_TAGS))
		endpoint_set_prop(e, CLOUDFLARE_PROP_TAGS, tags);
	endpoint_free(now);
}

static void clamp_ttl(const struct cloudflare_zone *z, struct endpoint *e)
{
	int64_t least = z && z->is_enterprise ? 30 : 60;

	if (e->record_ttl <= 1)
		return; /* 0 = as it comes, 1 = automatic */
	if (e->record_ttl < least)
		e->record_ttl = least;
	if (e->record_ttl > 86400)
		e->record_ttl = 86400;
}

static void clamp_comment(const struct cloudflare_zone *z, struct endpoint *e)
{
	const char *comment = endpoint_prop(e, CLOUDFLARE_PROP_COMMENT);
	size_t max = z && z->is_free ? 100 : 500;

	if (comment == NULL || strlen(comment) <= max)
		return;
	while (max && ((unsigned char)comment[max] & 0xc0) == 0x80)
		max--; /* not in the middle of a character */
	char *cut = mem_strndup(comment, max);
	endpoint_set_prop(e, CLOUDFLARE_PROP_COMMENT, cut);
	free(cut);
}

/* A truth value as Go's strconv.ParseBool takes it; FALLBACK for anything else. */
static bool says_yes(const char *text, bool fallback)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE", "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE", "False" };

	for (size_t i = 0; text && i < ARRAY_SIZE(yes); i++) {
		if (strcmp(text, yes[i]) == 0)
			return true;
		if (strcmp(text, no[i]) == 0)
			return false;
	}
	return fallback;
}

static bool cloudflare_keeps(struct provider *p, const char *property)
{
	const char *word = strrchr(property, '/');

	(void)p;
	return word && strncmp(word, "/cloudflare-", 12) == 0;
}

static void cloudflare_adjust(struct provider *p, struct endpoint_list *desired)
{
	const struct config *c = p->env.config;

	for (size_t i = 0; i < desired->n; i++) {
		struct endpoint *e = desired->e[i];
		const struct cloudflare_zone *z = cloudflare_zone_of(p, e->dns_name);

		canonical_prop(e, "cloudflare-proxied", CLOUDFLARE_PROP_PROXIED,
			       config_bool(c, OPT_CLOUDFLARE_PROXIED) ? "true" : "false");
		canonical_prop(e, "cloudflare-record-comment", CLOUDFLARE_PROP_COMMENT,
			       config_text(c, OPT_CLOUDFLARE_RECORD_COMMENT));
		canonical_prop(e, "cloudflare-tags", CLOUDFLARE_PROP_TAGS, NULL);
		canonical_prop(e, "cloudflare-custom-hostname", CLOUDFLARE_PROP_CUSTOM, NULL);
		canonical_prop(e, "cloudflare-region-key", CLOUDFLARE_PROP_REGION, NULL);
		cloudflare_host_adjust(c, e);
		sort_tags(e);
		spelling_quote_txt(e);
		const char *proxied = endpoint_prop(e, CLOUDFLARE_PROP_PROXIED);
		bool on = says_yes(proxied, config_bool(c, OPT_CLOUDFLARE_PROXIED)) &&
			  cloudflare_record_is_proxiable(e->record_type);
		endpoint_set_prop(e, CLOUDFLARE_PROP_PROXIED, on ? "true" : "false");
		if (on)
			e->record_ttl = 0; /* automatic is all that a proxied record can have */
		clamp_ttl(z, e);
		clamp_comment(z, e);
		keep_what_stands(p, e);
	}
}

static const struct strv *cloudflare_zones(struct provider *p)
{
	return &p->origins;
}

/* --- life ---------------------------------------------------------------------- */

/* Read anew for each request: the files behind "file:PATH" may change. */
static void authorize(void *ctx, struct http_api_call *call)
{
	char *token = NULL, *key = NULL, *email = NULL, *why = NULL;
	int err;

	(void)ctx;
	if ((err = http_api_secret("CF_API_TOKEN", &token, &why)) == 0 && token) {
		http_api_call_header(call, "Authorization: Bearer %s", token);
	} else if (err == 0 && (err = http_api_secret("CF_API_KEY", &key, &why)) == 0 &&
		   (err = http_api_secret("CF_API_EMAIL", &email, &why)) == 0 && key && email) {
		http_api_call_header(call, "X-Auth-Key: %s", key);
		http_api_call_header(call, "X-Auth-Email: %s", email);
	} else if (err == 0) {
		err = ERR_AUTH;
		why = mem_strdup("CF_API_TOKEN is empty");
	}
	mem_wipe(token, token ? strlen(token) : 0);
	mem_wipe(key, key ? strlen(key) : 0);
	free(token);
	free(key);
	free(email);
	http_api_call_go(call, err, why);
	free(why);
}

static void cloudflare_close(struct provider *p)
{
	if (p == NULL)
		return;
	free(p->reading);
	http_api_free(p->api);
	zones_clear(p);
	free(p);
}

/* 0 if the environment names credentials that can be read. */
static int check_secrets(char **ret_why)
{
	char *token = NULL, *key = NULL, *email = NULL;
	int err;

	if ((err = http_api_secret("CF_API_TOKEN", &token, ret_why)) == 0 &&
	    (err = http_api_secret("CF_API_KEY", &key, ret_why)) == 0)
		err = http_api_secret("CF_API_EMAIL", &email, ret_why);
	if (err == 0 && token == NULL && (key == NULL || email == NULL)) {
		err = ERR_INVALID;
		*ret_why =
			mem_strdup("cloudflare: set CF_API_TOKEN, or CF_API_KEY and CF_API_EMAIL");
	}
	mem_wipe(token, token ? strlen(token) : 0);
	mem_wipe(key, key ? strlen(key) : 0);
	free(token);
	free(key);
	free(email);
	return err;
}

static int cloudflare_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	const char *base = getenv("CLOUDFLARE_BASE_URL");
	int err = check_secrets(ret_why);

	if (err)
		return err;
	struct provider *p = MEM_NEW(struct provider);
	p->env = *env;
	char *url = mem_strdup(base && *base ? base : BASE_URL);
	size_t len = strlen(url);
	if (len && url[len - 1] == '/')
		url[len - 1] = '\0';
	/* 1,200 requests in 5 minutes, then a block of 5 minutes: stay below */
	struct http_api_config c = { .loop = env->loop,
				     .http = env->http,
				     .base_url = url,
				     .rate_per_s = 3.5,
				     .burst = 150,
				     .authorize = authorize,
				     .ctx = p };
	p->api = http_api_new(&c);
	free(url);
	*ret = p;
	return 0;
}

const struct provider_ops provider_cloudflare = {
	.name = "cloudflare",
	.open = cloudflare_open,
	.close = cloudflare_close,
	.records = cloudflare_records,
	.apply = cloudflare_apply,
	.adjust = cloudflare_adjust,
	.zones = cloudflare_zones,
	.keeps = cloudflare_keeps,
	.adjust_reads_view = true,
};

#include "sync/azure.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/map.h"
#include "sync/apply_each.h"
#include "sync/azure_record.h"
#include "sync/azure_token.h"
#include "sync/domain_filter.h"
#include "sync/http_api.h"
#include "sync/paging.h"
#include "sync/spelling.h"

struct azure_zone {
	char *name;
	char *path;       /* of the resource */
	struct map etags; /* "name type" -> etag */
	struct map tags;  /* "name type" -> the set's metadata as the property says it */
};

struct provider {
	struct provider_env env;
	struct reading *reading; /* that is on its way; NULL = none */
	struct azure_account account;
	struct azure_token *token;
	struct http_api *api;
	bool is_private;
	struct azure_zone **zones;
	size_t nzones;
	struct strv origins;
	uint64_t zones_read_ms; /* when the list of zones was read; 0 = never */
};

static const char *api_version(const struct provider *p)
{
	return p->is_private ? "api-version=2018-09-01" : "api-version=2018-05-01";
}

static void zone_clear(struct azure_zone *z)
{
	map_fini(&z->etags, free);
	map_fini(&z->tags, free);
	z->etags = z->tags = (struct map){ 0 };
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		zone_clear(p->zones[i]);
		free(p->zones[i]->name);
		free(p->zones[i]->path);
		free(p->zones[i]);
	}
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->origins);
}

static char *error_words(const struct http_api_result *r)
{
	const char *code = json_text(r->json, "error.code"),
		   *message = json_text(r->json, "error.message");

	if (code == NULL) {
		code = json_text(r->json, "code");
		message = json_text(r->json, "message");
	}
	if (code)
		return mem_printf("%s: %.300s", code, message ? message : "");
	return r->status ? mem_printf("HTTP status %d", r->status) : mem_printf("%.300s", r->body);
}

static char *set_key(const char *name, const char *type)
{
	return mem_printf("%s %s", name, type);
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
	char *why = error_words(r), *text = mem_printf("azure: %s", why);

	read_end(rd, r->err ? r->err : ERR_PROTOCOL, text);
	free(why);
	free(text);
}

/*
 * The next page in *ret_next, NULL if this was the last.  nextLink is an absolute URL of the
 * service: only its own host gets our token.  ERR_PROTOCOL if it leads elsewhere or in a circle.
 */
static int next_page(struct reading *rd, const struct http_api_result *r, const char **ret_next)
{
	const char *next = json_text(r->json, "nextLink");
	const char *base = rd->p->account.resource_manager;
	size_t n = strlen(base);

	*ret_next = NULL;
	if (next == NULL || *next == '\0')
		return 0;
	if (strncasecmp(next, base, n) != 0 || next[n] != '/' || !paging_may_go(&rd->pages, next))
		return ERR_PROTOCOL;
	*ret_next = next;
	return 0;
}

static void read_sets(struct reading *rd, const char *next);

static void note_tags(struct azure_zone *z, const char *key, const struct endpoint *e)
{
	const char *tags = endpoint_prop(e, AZURE_PROP_TAGS);

	if (tags)
		free(map_put(&z->tags, key, mem_strdup(tags)));
	else
		free(map_remove(&z->tags, key));
}

static void on_sets(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *list = json_get(r->json, "value");

	if (r->err || !cJSON_IsArray(list)) {
		read_fail(rd, r);
		return;
	}
	struct azure_zone *z = rd->p->zones[rd->at];
	cJSON_ArrayForEach(it, list) {
		struct endpoint *e = azure_record_read(it, z->name);
		const char *etag = json_text(it, "etag");

		if (e == NULL)
			continue;
		char *key = set_key(e->dns_name, e->record_type);
		free(map_put(&z->etags, key, mem_strdup(etag ? etag : "*")));
		note_tags(z, key, e);
		free(key);
		endpoint_list_take(&rd->out, e);
	}
	const char *next;
	if (next_page(rd, r, &next) < 0) {
		read_end(rd, ERR_PROTOCOL, "azure: " PAGING_TEXT);
		return;
	}
	if (next == NULL) {
		rd->at++;
		paging_reset(&rd->pages);
	}
	read_sets(rd, next);
}

static void read_sets(struct reading *rd, const char *next)
{
	struct provider *p = rd->p;

	if (next) {
		http_api_json(p->api, "GET", next, NULL, on_sets, rd);
		return;
	}
	if (rd->at == p->nzones) {
		read_end(rd, 0, NULL);
		return;
	}
	char *path = mem_printf("%s/%s?%s", p->zones[rd->at]->path, p->is_private ? "ALL" : "all",
				api_version(p));
	http_api_json(p->api, "GET", path, NULL, on_sets, rd);
	free(path);
}

static void take_zone(struct provider *p, const cJSON *json)
{
	const char *name = json_text(json, "name"), *id = json_text(json, "id");
	const struct strv *ids = config_list(p->env.config, OPT_ZONE_ID_FILTER);
	const struct strv *names = config_list(p->env.config, OPT_ZONE_NAME_FILTER);
	bool wanted = name && id && id[0] == '/' && domain_filter_match_zone(p->env.filter, name);

	for (size_t i = 0; wanted && names->n && i <= names->n; i++) {
		if (i == names->n)
			wanted = false;
		else if (dname_text_is_below(name, names->s[i]))
			break;
	}
	for (size_t i = 0; wanted && ids->n && i <= ids->n; i++) {
		size_t n = i < ids->n ? strlen(ids->s[i]) : 0;

		if (i == ids->n)
			wanted = false;
		else if (strlen(id) >= n && strcasecmp(id + strlen(id) - n, ids->s[i]) == 0)
			break;
	}
	if (!wanted)
		return;
	struct azure_zone *z = MEM_NEW(struct azure_zone);
	z->name = dname_text_normal(name);
	/* as the API documents it: lists spell it "dnszones" */
	z->path =
		mem_printf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/%s/%s",
			   p->account.subscription_id, p->account.resource_group,
			   p->is_private ? "privateDnsZones" : "dnsZones", name);
	p->zones = mem_array(p->zones, p->nzones + 1, sizeof(struct azure_zone *));
	p->zones[p->nzones++] = z;
	strv_add(&p->origins, z->name);
}

static void on_zones(void *ctx, const struct http_api_result *r)
{
	struct reading *rd = ctx;
	const cJSON *it = NULL, *list = json_get(r->json, "value");

	if (r->err || !cJSON_IsArray(list)) {
		read_fail(rd, r);
		return;
	}
	cJSON_ArrayForEach(it, list)
		take_zone(rd->p, it);
	const char *next;
	if (next_page(rd, r, &next) < 0) {
		read_end(rd, ERR_PROTOCOL, "azure: " PAGING_TEXT);
	} else if (next) {
		http_api_json(rd->p->api, "GET", next, NULL, on_zones, rd);
	} else {
		rd->p->zones_read_ms = clock_mono_ms();
		paging_reset(&rd->pages);
		read_sets(rd, NULL);
	}
}

void azure_records(struct provider *p,
		   void (*done)(void *ctx, int err, const char *err_text,
				struct endpoint_list *records),
		   void *ctx)
{
	struct reading *rd = p->reading = MEM_NEW(struct reading);
	uint64_t trust_ms = (uint64_t)config_ms(p->env.config, OPT_AZURE_ZONES_CACHE_DURATION);

	*rd = (struct reading){ .p = p, .done = done, .ctx = ctx };
	if (p->zones_read_ms && clock_mono_ms() < p->zones_read_ms + trust_ms) {
		for (size_t i = 0; i < p->nzones; i++)
			zone_clear(p->zones[i]);
		read_sets(rd, NULL);
		return;
	}
	char *path =
		mem_printf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/%s?%s",
			   p->account.subscription_id, p->account.resource_group,
			   p->is_private ? "privateDnsZones" : "dnsZones", api_version(p));

	zones_clear(p);
	p->zones_read_ms = 0;
	http_api_json(p->api, "GET", path, NULL, on_zones, rd);
	free(path);
}

/* --- writing ------------------------------------------------------------------------------ */

struct sending {
	struct apply_each *a;
	struct azure_zone *zone;
	char *key;
	const struct endpoint *after; /* NULL: a deletion */
};

static void on_written(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	struct apply_each *a = s->a;
	bool gone = s->after == NULL && r->status == 404;
	const char *etag = json_text(r->json, "etag");

	if (r->err && !gone) {
		char *why = error_words(r);

		apply_each_result(a, r->err, why);
		free(why);
	} else {
		if (s->after == NULL)
			free(map_remove(&s->zone->etags, s->key));
		else
			free(map_put(&s->zone->etags, s->key, mem_strdup(etag ? etag : "*")));
		if (s->after)
			note_tags(s->zone, s->key, s->after);
		else
			free(map_remove(&s->zone->tags, s->key));
		apply_each_result(a, 0, NULL);
	}
	free(s->key);
	free(s);
}

static struct azure_zone *zone_of(const struct provider *p, const char *dns_name)
{
	struct azure_zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(dns_name, p->zones[i]->name) &&
		    (!best || strlen(p->zones[i]->name) > strlen(best->name)))
			best = p->zones[i];
	return best;
}

/* Compare and swap: a set that we saw must still be that one, a new one must not be there. */
static void send_change(struct provider *p, struct apply_each *a, const struct change *c)
{
	const struct endpoint *e = c->after ? c->after : c->before;
	struct azure_zone *zone = zone_of(p, e->dns_name);
	cJSON *body = c->after ? azure_record_body(c->after, p->is_private) : NULL;

	if (zone == NULL) {
		cJSON_Delete(body);
		apply_each_result(a, ERR_NOT_FOUND, "no zone of this resource group has this name");
		return;
	}
	if (c->after && body == NULL) {
		apply_each_result(a, ERR_INVALID, "a target does not fit its record type");
		return;
	}
	struct sending *s = MEM_NEW(struct sending);
	*s = (struct sending){ a, zone, set_key(e->dns_name, e->record_type), c->after };
	const char *etag = map_get(&zone->etags, s->key);
	char *relative = spelling_relative(e->dns_name, zone->name);
	struct buf path = { 0 };
	buf_printf(&path, "%s/%s/", zone->path, e->record_type);
	http_api_escape(&path, relative);
	buf_printf(&path, "?%s", api_version(p));
	char *condition = etag ? mem_printf("If-Match: %s", etag) : mem_strdup("If-None-Match: *");
	const char *headers[] = { condition, NULL };
	char *text = body ? json_print(body) : NULL;
	http_api_send(p->api, c->after ? "PUT" : "DELETE", path.data, text, NULL,
		      c->after == NULL && !etag ? NULL : headers, on_written, s);
	free(text);
	free(condition);
	free(relative);
	buf_fini(&path);
	cJSON_Delete(body);
}

void azure_apply(struct provider *p, struct change *changes, size_t n,
		 void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	apply_each(p, "azure", p->env.loop, changes, n, send_change, done, ctx);
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

	azure_token_get(p->token, on_token, call);
}

/* The token is not taken: it ended before its time. */
static bool renew(void *ctx, const struct http_response *r)
{
	struct provider *p = ctx;

	if (r->status != 401)
		return false;
	azure_token_drop(p->token);
	return true;
}

bool azure_keeps(struct provider *p, const char *property)
{
	(void)p;
	return strcmp(property, AZURE_PROP_TAGS) == 0;
}

/* Metadata that somebody wrote by hand stays unless the wish names some. */
void azure_adjust(struct provider *p, struct endpoint_list *desired)
{
	for (size_t i = 0; i < desired->n; i++) {
		struct endpoint *e = desired->e[i];
		const struct azure_zone *z = zone_of(p, e->dns_name);

		azure_record_adjust(e);
		if (z == NULL || endpoint_prop(e, AZURE_PROP_TAGS))
			continue;
		char *key = set_key(e->dns_name, e->record_type);
		endpoint_set_prop(e, AZURE_PROP_TAGS, map_get(&z->tags, key));
		free(key);
	}
}

const struct strv *azure_zones(struct provider *p)
{
	return &p->origins;
}

void azure_close(struct provider *p)
{
	if (p == NULL)
		return;
	if (p->reading) {
		endpoint_list_fini(&p->reading->out);
		paging_reset(&p->reading->pages);
	}
	free(p->reading);
	http_api_free(p->api);
	azure_token_free(p->token);
	azure_account_fini(&p->account);
	zones_clear(p);
	free(p);
}

int azure_open(const struct provider_env *env, bool is_private, struct provider **ret,
	       char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	int err;

	p->env = *env;
	p->is_private = is_private;
	if ((err = azure_account_load(env->config, &p->account, ret_why)) < 0) {
		azure_close(p);
		return err;
	}
	p->token = azure_token_new(env->loop, env->http, env->config);
	struct http_api_config c = {
		.loop = env->loop,
		.http = env->http,
		.base_url = p->account.resource_manager,
		.rate_per_s = 20,
		.burst = 200,
		.max_tries = (unsigned)config_number(env->config, OPT_AZURE_MAXRETRIES_COUNT) + 1,
		.authorize = authorize,
		.renew = renew,
		.ctx = p,
	};
	p->api = http_api_new(&c);
	*ret = p;
	return 0;
}

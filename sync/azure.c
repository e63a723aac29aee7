#include "sync/azure.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

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
#include "sync/spelling.h"

#define PAGES_MAX 10000

struct azure_zone {
	char *name;
	char *path;       /* resource id as Azure spells it */
	struct map etags; /* "name type" -> etag */
};

struct provider {
	struct provider_env env;
	struct azure_account account;
	struct azure_token *token;
	struct http_api *api;
	bool is_private;
	struct azure_zone **zones;
	size_t nzones;
	struct strv origins;
};

static const char *api_version(const struct provider *p)
{
	return p->is_private ? "api-version=2018-09-01" : "api-version=2018-05-01";
}

static void zones_clear(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		map_fini(&p->zones[i]->etags, free);
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
	unsigned pages;
	struct endpoint_list out;
};

static void read_end(struct reading *rd, int err, const char *text)
{
	if (err)
		endpoint_list_fini(&rd->out);
	endpoint_list_sort(&rd->out);
	rd->done(rd->ctx, err, text, &rd->out);
	free(rd);
}

static void read_fail(struct reading *rd, const struct http_api_result *r)
{
	char *why = error_words(r), *text = mem_printf("azure: %s", why);

	read_end(rd, r->err ? r->err : ERR_PROTOCOL, text);
	free(why);
	free(text);
}

/* nextLink is an absolute URL of the service: only its own host gets our token. */
static const char *next_page(struct reading *rd, const struct http_api_result *r)
{
	const char *next = json_text(r->json, "nextLink");
	const char *base = rd->p->account.resource_manager;

	if (next == NULL || *next == '\0' || ++rd->pages > PAGES_MAX)
		return NULL;
	return strncasecmp(next, base, strlen(base)) == 0 ? next : NULL;
}

static void read_sets(struct reading *rd, const char *next);

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
		free(key);
		endpoint_list_take(&rd->out, e);
	}
	const char *next = next_page(rd, r);
	if (next == NULL)
		rd->at++;
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
	z->path = mem_strdup(id);
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
	const char *next = next_page(rd, r);
	if (next)
		http_api_json(rd->p->api, "GET", next, NULL, on_zones, rd);
	else
		read_sets(rd, NULL);
}

void azure_records(struct provider *p,
		   void (*done)(void *ctx, int err, const char *err_text,
				struct endpoint_list *records),
		   void *ctx)
{
	struct reading *rd = MEM_NEW(struct reading);
	char *path =
		mem_printf("/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Network/%s?%s",
			   p->account.subscription_id, p->account.resource_group,
			   p->is_private ? "privateDnsZones" : "dnsZones", api_version(p));

	zones_clear(p);
	*rd = (struct reading){ .p = p, .done = done, .ctx = ctx };
	http_api_json(p->api, "GET", path, NULL, on_zones, rd);
	free(path);
}

/* --- writing ------------------------------------------------------------------------------ */

struct sending {
	struct apply_each *a;
	struct azure_zone *zone;
	char *key;
	bool is_delete;
};

static void on_written(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	struct apply_each *a = s->a;
	bool gone = s->is_delete && r->status == 404;
	const char *etag = json_text(r->json, "etag");

	if (r->err && !gone) {
		char *why = error_words(r);

		apply_each_result(a, r->err, why);
		free(why);
	} else {
		if (s->is_delete)
			free(map_remove(&s->zone->etags, s->key));
		else
			free(map_put(&s->zone->etags, s->key, mem_strdup(etag ? etag : "*")));
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
	*s = (struct sending){ a, zone, set_key(e->dns_name, e->record_type), c->after == NULL };
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
		      s->is_delete && !etag ? NULL : headers, on_written, s);
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

const struct strv *azure_zones(struct provider *p)
{
	return &p->origins;
}

void azure_close(struct provider *p)
{
	if (p == NULL)
		return;
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
	p->token = azure_token_new(env->loop, env->http, &p->account);
	struct http_api_config c = {
		.loop = env->loop,
		.http = env->http,
		.base_url = p->account.resource_manager,
		.rate_per_s = 20,
		.burst = 200,
		.max_tries = (unsigned)config_number(env->config, OPT_AZURE_MAXRETRIES_COUNT) + 1,
		.authorize = authorize,
		.ctx = p,
	};
	p->api = http_api_new(&c);
	*ret = p;
	return 0;
}

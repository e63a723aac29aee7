/*
 * provider_pdns - PowerDNS Authoritative by its HTTP API: one PATCH a zone, all or
 * nothing.
 *
 *	GET /api/v1/servers/ID/zones, then each zone; PATCH …/zones/ZONE
 *
 * A CNAME at a zone's apex, and one with the property "alias", is an ALIAS there.
 */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/secret_file.h"
#include "sync/batch.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/http_api.h"
#include "sync/provider.h"
#include "sync/spelling.h"
#include "sync/target.h"
#include "sync/wire_target.h"

#define DEFAULT_TTL   300
#define PIECE_CHANGES 1000

struct zone {
	char *id;   /* in URLs */
	char *name; /* normal form */
};

struct provider {
	struct provider_env env;
	struct http_api *api;
	char *key;         /* or "file:PATH" */
	char *server_path; /* "/api/v1/servers/ID" */
	struct zone *zones;
	size_t nzones;
	struct strv zone_names;
	struct map disabled; /* "name type" -> struct strv: contents that are switched off, to be
				kept */

	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	struct endpoint_list records;
	size_t at; /* zone that is read */
	struct batch *batch;
};

/* --- the key ------------------------------------------------------------------------- */

/* The key, or what its file holds, read anew each time: it may have been changed. */
static char *read_key(const struct provider *p)
{
	if (strncmp(p->key, "file:", 5) != 0)
		return mem_strdup(p->key);
	return secret_file_read(p->key + 5);
}

static void authorize(void *ctx, struct http_api_call *call)
{
	struct provider *p = ctx;
	char *key = read_key(p);

	if (key)
		http_api_call_header(call, "X-API-Key: %s", key);
	http_api_call_go(call, key ? 0 : ERR_IO, "--pdns-api-key: the file cannot be read");
	secret_file_free(key);
}

/* --- reading --------------------------------------------------------------------------- */

static void zones_fini(struct provider *p)
{
	for (size_t i = 0; i < p->nzones; i++) {
		free(p->zones[i].id);
		free(p->zones[i].name);
	}
	free(p->zones);
	p->zones = NULL;
	p->nzones = 0;
	strv_fini(&p->zone_names);
}

static void strv_free(void *v)
{
	strv_fini(v);
	free(v);
}

/* PowerDNS says {"error": "…"}, or plain text. */
static char *explain(const char *what, const struct http_api_result *r)
{
	const char *said = r->json ? json_text(r->json, "error") : NULL;

	if (said == NULL)
		said = r->status && r->len ? r->body : error_text(r->err);
	return r->status ? mem_printf("%s: status %d: %.300s", what, r->status, said)
			 : mem_printf("%s: %.300s", what, said);
}

static void end_records(struct provider *p, int err, char *why)
{
	struct endpoint_list all = p->records;

	p->records = (struct endpoint_list){ 0 };
	if (err)
		endpoint_list_fini(&all);
	p->on_records(p->ctx, err, why, &all);
	free(why);
}

/* Contents of an RRset that are in use; the others are remembered. */
static void read_contents(struct provider *p, const cJSON *rrset, const char *type,
			  struct endpoint *e)
{
	const cJSON *records = cJSON_GetObjectItemCaseSensitive(rrset, "records"), *r;

	cJSON_ArrayForEach(r, records) {
		const char *content = json_text(r, "content");

		if (content == NULL)
			continue;
		if (!json_bool(r, "disabled", false)) {
			strv_take(&e->targets, target_normal(e->record_type, content));
			continue;
		}
		char *key = mem_printf("%s %s", e->dns_name, type);
		struct strv *off = map_get(&p->disabled, key);

		if (off == NULL) {
			off = MEM_NEW(struct strv);
			(void)map_put(&p->disabled, key, off); /* was not there */
		}
		strv_add(off, content);
		free(key);
	}
}

static void read_rrset(struct provider *p, const cJSON *rrset)
{
	const char *name = json_text(rrset, "name"), *type = json_text(rrset, "type");
	uint16_t number;
	bool is_alias;

	if (name == NULL || type == NULL)
		return;
	if (rrtype_from_text(type, &number) == 0 && !wire_target_is_shown(number))
		return;
	is_alias = strcmp(type, "ALIAS") == 0;
	char *normal = idna_normal(name);
	struct endpoint *e =
		endpoint_new(normal, is_alias ? "CNAME" : type, json_number(rrset, "ttl", 0));
	free(normal);
	if (is_alias)
		endpoint_set_prop(e, "alias", "true");
	read_contents(p, rrset, type, e);
	if (e->targets.n)
		endpoint_list_take(&p->records, e);
	else
		endpoint_free(e);
}

static void read_zone(struct provider *p);

static void got_zone(void *ctx, const struct http_api_result *r)
{
	struct provider *p = ctx;
	const cJSON *rrset,
		*all = r->json ? cJSON_GetObjectItemCaseSensitive(r->json, "rrsets") : NULL;

	if (r->err || !cJSON_IsArray(all)) { /* not to be taken for an empty zone */
		end_records(p, r->err ? r->err : ERR_PROTOCOL, explain(p->zones[p->at].name, r));
		return;
	}
	cJSON_ArrayForEach(rrset, all)
		read_rrset(p, rrset);
	p->at++;
	read_zone(p);
}

static char *zone_path(const struct provider *p, const struct zone *z)
{
	struct buf path = { 0 };

	buf_printf(&path, "%s/zones/", p->server_path);
	http_api_escape(&path, z->id);
	return buf_take(&path);
}

static void read_zone(struct provider *p)
{
	if (p->at == p->nzones) {
		end_records(p, 0, NULL);
		return;
	}
	char *path = zone_path(p, &p->zones[p->at]);
	http_api_send(p->api, "GET", path, NULL, NULL, NULL, got_zone, p);
	free(path);
}

static void got_zones(void *ctx, const struct http_api_result *r)
{
	struct provider *p = ctx;
	const cJSON *z;

	if (r->err || !cJSON_IsArray(r->json)) {
		end_records(p, r->err ? r->err : ERR_PROTOCOL, explain("zones", r));
		return;
	}
	zones_fini(p);
	map_fini(&p->disabled, strv_free);
	p->disabled = (struct map){ 0 };
	cJSON_ArrayForEach(z, r->json) {
		const char *id = json_text(z, "id"), *name = json_text(z, "name");

		if (id == NULL || name == NULL || !domain_filter_match_zone(p->env.filter, name))
			continue;
		p->zones = mem_array(p->zones, p->nzones + 1, sizeof(*p->zones));
		p->zones[p->nzones++] = (struct zone){ mem_strdup(id), idna_normal(name) };
		strv_add(&p->zone_names, p->zones[p->nzones - 1].name);
	}
	p->at = 0;
	read_zone(p);
}

static void records(struct provider *p,
		    void (*done)(void *ctx, int err, const char *err_text,
				 struct endpoint_list *records),
		    void *ctx)
{
	char *path = mem_printf("%s/zones", p->server_path);

	p->on_records = done;
	p->ctx = ctx;
	http_api_send(p->api, "GET", path, NULL, NULL, NULL, got_zones, p);
	free(path);
}

/* --- writing ------------------------------------------------------------------------------ */

static struct zone *find_zone(const struct provider *p, const char *name)
{
	struct zone *best = NULL;

	for (size_t i = 0; i < p->nzones; i++)
		if (dname_text_is_below(name, p->zones[i].name) &&
		    (best == NULL || strlen(p->zones[i].name) > strlen(best->name)))
			best = &p->zones[i];
	return best;
}

static void *zone_of(void *ctx, const struct change *c)
{
	return find_zone(ctx, change_endpoint(c)->dns_name);
}

static const char *type_of(const struct zone *z, const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	if (strcmp(e->record_type, "CNAME") == 0 &&
	    (strcmp(e->dns_name, z->name) == 0 || (alias && strcmp(alias, "true") == 0)))
		return "ALIAS";
	return e->record_type;
}

static cJSON *rrset_json(const struct zone *z, const struct endpoint *e, const char *change)
{
	cJSON *o = cJSON_CreateObject();
	char *name = mem_printf("%s.", e->dns_name);

	(void)cJSON_AddStringToObject(o, "name", name);
	(void)cJSON_AddStringToObject(o, "type", type_of(z, e));
	(void)cJSON_AddStringToObject(o, "changetype", change);
	free(name);
	return o;
}

static void add_content(cJSON *records, const char *content, bool disabled)
{
	cJSON *r = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(r, "content", content);
	(void)cJSON_AddBoolToObject(r, "disabled", disabled);
	cJSON_AddItemToArray(records, r);
}

static cJSON *replace_json(const struct provider *p, const struct zone *z, const struct endpoint *e)
{
	cJSON *o = rrset_json(z, e, "REPLACE"), *list = cJSON_AddArrayToObject(o, "records");
	char *key = mem_printf("%s %s", e->dns_name, type_of(z, e));
	const struct strv *off = map_get(&p->disabled, key);

	(void)cJSON_AddNumberToObject(o, "ttl",
				      (double)(e->record_ttl ? e->record_ttl : DEFAULT_TTL));
	for (size_t i = 0; i < e->targets.n; i++) {
		char *content = strcmp(e->record_type, "TXT") == 0 && e->targets.s[i][0] != '"'
					? spelling_quoted(e->targets.s[i])
					: spelling_absolute(e->record_type, e->targets.s[i]);

		add_content(list, content, false);
		free(content);
	}
	for (size_t i = 0; off && i < off->n; i++)
		add_content(list, off->s[i], true);
	free(key);
	return o;
}

static void patched(void *ctx, const struct http_api_result *r)
{
	struct provider *p = ctx;
	char *why = r->err ? explain("PATCH", r) : NULL;
	int err = r->err;

	if (r->status == 404) /* the zone went away: all of it, not one name */
		err = ERR_PROTOCOL;
	batch_sent(p->batch, err, why, -1);
	free(why);
}

static void send_patch(void *ctx, struct batch *b, void *zone, struct change *const *c, size_t n)
{
	struct provider *p = ctx;
	const struct zone *z = zone;
	cJSON *body = cJSON_CreateObject(), *rrsets = cJSON_AddArrayToObject(body, "rrsets");
	char *path = zone_path(p, z);

	p->batch = b;
	for (size_t i = 0; i < n; i++) {
		const struct endpoint *before = c[i]->before, *after = c[i]->after;

		if (before && (after == NULL || strcmp(type_of(z, before), type_of(z, after)) != 0))
			cJSON_AddItemToArray(rrsets, rrset_json(z, before, "DELETE"));
		if (after)
			cJSON_AddItemToArray(rrsets, replace_json(p, z, after));
	}
	http_api_json(p->api, "PATCH", path, body, patched, p);
	cJSON_Delete(body);
	free(path);
}

static void batch_done(void *ctx, int err, const char *err_text)
{
	struct provider *p = ctx;

	p->batch = NULL;
	p->on_applied(p->ctx, err, err_text);
}

static void apply(struct provider *p, struct change *changes, size_t n,
		  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = { .zone = zone_of,
					      .send = send_patch,
					      .done = batch_done };
	struct batch_limits limits = { .changes = PIECE_CHANGES };

	p->on_applied = done;
	p->ctx = ctx;
	p->batch = batch_start(p->env.loop, &ops, p, &limits, NULL, changes, n);
}

/* --- life ---------------------------------------------------------------------------------- */

static void close_provider(struct provider *p)
{
	http_api_free(p->api);
	batch_cancel(p->batch);
	zones_fini(p);
	map_fini(&p->disabled, strv_free);
	endpoint_list_fini(&p->records);
	if (p->key)
		mem_wipe(p->key, strlen(p->key));
	free(p->key);
	free(p->server_path);
	free(p);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int open_provider(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	const struct config *c = env->config;
	const char *url = config_text(c, OPT_PDNS_SERVER);
	struct provider *p;
	struct buf id = { 0 };

	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
		*ret_why =
			mem_printf("--pdns-server=%s: a URL with http or https is expected", url);
		return ERR_INVALID;
	}
	if (*config_text(c, OPT_PDNS_API_KEY) == '\0') {
		*ret_why = mem_strdup("--provider=pdns needs --pdns-api-key "
				      "(EXTERNAL_DNS_PDNS_API_KEY)");
		return ERR_INVALID;
	}
	p = MEM_NEW(struct provider);
	p->env = *env;
	p->key = mem_strdup(config_text(c, OPT_PDNS_API_KEY));
	http_api_escape(&id, config_text(c, OPT_PDNS_SERVER_ID));
	p->server_path = mem_printf("/api/v1/servers/%s", buf_str(&id));
	buf_fini(&id);
	char *base = mem_strndup(url, strlen(url) - (url[strlen(url) - 1] == '/'));
	struct http_api_config api = { .loop = env->loop,
				       .http = env->http,
				       .base_url = base,
				       .ca_file = or_null(config_text(c, OPT_TLS_CA)),
				       .client_cert = or_null(config_text(c, OPT_TLS_CLIENT_CERT)),
				       .client_key =
					       or_null(config_text(c, OPT_TLS_CLIENT_CERT_KEY)),
				       .insecure = config_bool(c, OPT_PDNS_SKIP_TLS_VERIFY),
				       .authorize = authorize,
				       .ctx = p };
	p->api = http_api_new(&api);
	free(base);
	*ret = p;
	return 0;
}

static const struct strv *zones(struct provider *p)
{
	return &p->zone_names;
}

/* A CNAME that will be an ALIAS says so, as it will when it is read back. */
static void adjust(struct provider *p, struct endpoint_list *desired)
{
	for (size_t i = 0; i < desired->n; i++) {
		struct endpoint *e = desired->e[i];
		const char *alias = endpoint_prop(e, "alias");
		bool is_cname = strcmp(e->record_type, "CNAME") == 0;
		bool is_alias = is_cname && ((alias && strcmp(alias, "true") == 0) ||
					     strv_has(&p->zone_names, e->dns_name));

		wire_target_adjust(&(struct endpoint_list){ .e = &desired->e[i], .n = 1 }, 0);
		if (is_alias)
			endpoint_set_prop(e, "alias", "true");
	}
}

static bool keeps(struct provider *p, const char *property)
{
	(void)p;
	return strcmp(property, "alias") == 0;
}

const struct provider_ops provider_pdns = { .name = "pdns",
					    .open = open_provider,
					    .close = close_provider,
					    .records = records,
					    .apply = apply,
					    .adjust = adjust,
					    .zones = zones,
					    .keeps = keeps,
					    .no_inner_asterisk = true };

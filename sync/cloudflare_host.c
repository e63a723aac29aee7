/*
 * cloudflare_host - names that hang on records at Cloudflare: custom hostnames
 * (Cloudflare for SaaS: a customer's name led to one of ours) and regional hostnames
 * (where our name may be served).  Written after the records of a batch, one call each.
 */
#include "sync/cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/json.h"

#define PER_PAGE  50
#define PAGES_MAX 10000

bool cloudflare_host_custom_is_on(const struct config *c)
{
	return config_bool(c, OPT_CLOUDFLARE_CUSTOM_HOSTNAMES);
}

/* A default region switches them on, as in ExternalDNS. */
bool cloudflare_host_regional_is_on(const struct config *c)
{
	return config_bool(c, OPT_CLOUDFLARE_REGIONAL_SERVICES) ||
	       *config_text(c, OPT_CLOUDFLARE_REGION_KEY);
}

static bool can_be_origin(const char *type)
{
	return strcmp(type, "A") == 0 || strcmp(type, "CNAME") == 0;
}

static bool can_be_regional(const char *type)
{
	return can_be_origin(type) || strcmp(type, "AAAA") == 0;
}

static void custom_free(void *ptr)
{
	struct cloudflare_custom *c = ptr;

	if (c == NULL)
		return;
	free(c->id);
	free(c->origin);
	free(c);
}

void cloudflare_host_clear(struct cloudflare_zone *z)
{
	map_fini(&z->custom, custom_free);
	map_fini(&z->regions, free);
	z->custom = z->regions = (struct map){ 0 };
}

/* --- words on endpoints ------------------------------------------------------------ */

void cloudflare_host_note(const struct cloudflare_zone *z, struct endpoint *e)
{
	struct strv names = { 0 };
	const char *region = map_get(&z->regions, e->dns_name);

	if (region && can_be_regional(e->record_type))
		endpoint_set_prop(e, CLOUDFLARE_PROP_REGION, region);
	if (!can_be_origin(e->record_type))
		return;
	for (struct map_item *it = map_first(&z->custom); it; it = map_next(&z->custom, it)) {
		const struct cloudflare_custom *c = it->value;

		if (strcmp(c->origin, e->dns_name) == 0)
			strv_add(&names, it->key);
	}
	strv_sort(&names);
	char *text = strv_join(&names, ",");
	endpoint_set_prop(e, CLOUDFLARE_PROP_CUSTOM, *text ? text : NULL);
	free(text);
	strv_fini(&names);
}

static void adjust_custom(struct endpoint *e)
{
	const char *wish = endpoint_prop(e, CLOUDFLARE_PROP_CUSTOM);
	struct strv all = { 0 }, names = { 0 };

	if (wish == NULL)
		return;
	strv_split(&all, wish, ",");
	for (size_t i = 0; i < all.n; i++)
		(void)strv_add_unique(&names, all.s[i]);
	strv_sort(&names);
	char *text = strv_join(&names, ",");
	endpoint_set_prop(e, CLOUDFLARE_PROP_CUSTOM, *text ? text : NULL);
	free(text);
	strv_fini(&all);
	strv_fini(&names);
}

void cloudflare_host_adjust(const struct config *c, struct endpoint *e)
{
	const char *standard = config_text(c, OPT_CLOUDFLARE_REGION_KEY);

	if (cloudflare_host_custom_is_on(c) && can_be_origin(e->record_type))
		adjust_custom(e);
	else
		endpoint_set_prop(e, CLOUDFLARE_PROP_CUSTOM, NULL);
	if (!cloudflare_host_regional_is_on(c) || !can_be_regional(e->record_type))
		endpoint_set_prop(e, CLOUDFLARE_PROP_REGION, NULL);
	else if (endpoint_prop(e, CLOUDFLARE_PROP_REGION) == NULL && *standard)
		endpoint_set_prop(e, CLOUDFLARE_PROP_REGION, standard);
}

/* --- reading ------------------------------------------------------------------------ */

struct host_reading {
	struct provider *p;
	struct cloudflare_zone *z;
	void (*done)(void *ctx, int err, const char *text);
	void *ctx;
	unsigned page;
};

static void read_end(struct host_reading *h, const struct http_api_result *r, const char *what)
{
	if (r == NULL) {
		h->done(h->ctx, 0, NULL);
	} else {
		char *why = cloudflare_error_text(r);
		char *text = mem_printf("%s of zone %s: %s", what, h->z->name, why);

		h->done(h->ctx, r->err ? r->err : ERR_PROTOCOL, text);
		free(text);
		free(why);
	}
	free(h);
}

static bool is_good(const struct http_api_result *r)
{
	return r->err == 0 && json_bool(r->json, "success", false);
}

static void take_custom(struct cloudflare_zone *z, const cJSON *json)
{
	const char *name = json_text(json, "hostname"), *id = json_text(json, "id");
	const char *origin = json_text(json, "custom_origin_server");

	if (!name || !id)
		return;
	struct cloudflare_custom *c = MEM_NEW(struct cloudflare_custom);
	c->id = mem_strdup(id);
	c->origin = mem_strdup(origin ? origin : "");
	custom_free(map_put(&z->custom, name, c));
}

static void on_regions(void *ctx, const struct http_api_result *r)
{
	struct host_reading *h = ctx;
	const cJSON *it = NULL;

	if (!is_good(r)) {
		read_end(h, r, "regional hostnames");
		return;
	}
	cJSON_ArrayForEach(it, json_get(r->json, "result")) {
		const char *name = json_text(it, "hostname"), *key = json_text(it, "region_key");

		if (name && key)
			free(map_put(&h->z->regions, name, mem_strdup(key)));
	}
	read_end(h, NULL, "");
}

static void read_regions(struct host_reading *h)
{
	if (!cloudflare_host_regional_is_on(h->p->env.config)) {
		read_end(h, NULL, "");
		return;
	}
	char *path = mem_printf("/zones/%s/addressing/regional_hostnames", h->z->id);
	http_api_json(h->p->api, "GET", path, NULL, on_regions, h);
	free(path);
}

static void read_custom(struct host_reading *h);

static void on_custom(void *ctx, const struct http_api_result *r)
{
	struct host_reading *h = ctx;
	const cJSON *it = NULL;

	if (!is_good(r)) {
		read_end(h, r, "custom hostnames");
		return;
	}
	cJSON_ArrayForEach(it, json_get(r->json, "result"))
		take_custom(h->z, it);
	if (h->page < PAGES_MAX &&
	    h->page < (unsigned)json_number(r->json, "result_info.total_pages", 1)) {
		h->page++;
		read_custom(h);
		return;
	}
	read_regions(h);
}

static void read_custom(struct host_reading *h)
{
	char *path = mem_printf("/zones/%s/custom_hostnames?page=%u&per_page=%d", h->z->id, h->page,
				PER_PAGE);

	http_api_json(h->p->api, "GET", path, NULL, on_custom, h);
	free(path);
}

void cloudflare_host_read(struct provider *p, struct cloudflare_zone *z,
			  void (*done)(void *ctx, int err, const char *text), void *ctx)
{
	struct host_reading *h = MEM_NEW(struct host_reading);

	*h = (struct host_reading){ .p = p, .z = z, .done = done, .ctx = ctx, .page = 1 };
	if (cloudflare_host_custom_is_on(p->env.config))
		read_custom(h);
	else
		read_regions(h);
}

/* --- writing ------------------------------------------------------------------------- */

struct host_op {
	const char *method;
	char *path, *name;
	cJSON *body;
	bool is_region;
};

struct host_writing {
	struct provider *p;
	struct cloudflare_zone *z;
	struct host_op *ops;
	size_t n, at;
	void (*done)(void *ctx, int err, const char *text);
	void *ctx;
};

static void write_end(struct host_writing *w, int err, const char *text)
{
	w->done(w->ctx, err, text);
	for (size_t i = 0; i < w->n; i++) {
		free(w->ops[i].path);
		free(w->ops[i].name);
		cJSON_Delete(w->ops[i].body);
	}
	free(w->ops);
	free(w);
}

/* Takes PATH and BODY. */
static struct host_op *add_op(struct host_writing *w, const char *method, const char *name,
			      char *path, cJSON *body)
{
	w->ops = mem_array(w->ops, w->n + 1, sizeof(*w->ops));
	w->ops[w->n] = (struct host_op){
		.method = method, .path = path, .name = mem_strdup(name), .body = body
	};
	return &w->ops[w->n++];
}

static cJSON *custom_body(const struct config *c, const char *name, const char *origin)
{
	const char *authority =
		config_text(c, OPT_CLOUDFLARE_CUSTOM_HOSTNAMES_CERTIFICATE_AUTHORITY);
	cJSON *body = cJSON_CreateObject();
	cJSON *ssl = cJSON_AddObjectToObject(body, "ssl");
	cJSON *settings;

	(void)cJSON_AddStringToObject(body, "hostname", name);
	(void)cJSON_AddStringToObject(body, "custom_origin_server", origin);
	(void)cJSON_AddStringToObject(ssl, "method", "http");
	(void)cJSON_AddStringToObject(ssl, "type", "dv");
	(void)cJSON_AddStringToObject(ssl, "bundle_method", "ubiquitous");
	/* only the enterprise plan may name one at all */
	if (*authority && strcmp(authority, "none") != 0)
		(void)cJSON_AddStringToObject(ssl, "certificate_authority", authority);
	settings = cJSON_AddObjectToObject(ssl, "settings");
	(void)cJSON_AddStringToObject(
		settings, "min_tls_version",
		config_text(c, OPT_CLOUDFLARE_CUSTOM_HOSTNAMES_MIN_TLS_VERSION));
	return body;
}

enum concern { CONCERN_NONE, CONCERN_DELETE, CONCERN_WRITE };

/* What the changes of LIST at NAME wish by PROP; NULL if they only delete or wish nothing. */
static const char *wish_at(struct change *const *list, size_t n, const char *name, const char *prop,
			   bool (*is_type)(const char *type), enum concern *ret_concern)
{
	const char *wish = NULL;
	enum concern concern = CONCERN_NONE;

	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = list[i]->after ? list[i]->after : list[i]->before;

		if (strcmp(e->dns_name, name) != 0 || !is_type(e->record_type))
			continue;
		if (list[i]->after)
			concern = CONCERN_WRITE;
		else if (concern == CONCERN_NONE)
			concern = CONCERN_DELETE;
		if (list[i]->after && wish == NULL)
			wish = endpoint_prop(list[i]->after, prop);
	}
	*ret_concern = concern;
	return wish;
}

static void plan_custom(struct host_writing *w, const char *name, const char *wish)
{
	struct strv want = { 0 };

	strv_split(&want, wish ? wish : "", ",");
	for (struct map_item *it = map_first(&w->z->custom); it; it = map_next(&w->z->custom, it)) {
		const struct cloudflare_custom *c = it->value;

		if (strcmp(c->origin, name) == 0 && !strv_has(&want, it->key))
			(void)add_op(w, "DELETE", it->key,
				     mem_printf("/zones/%s/custom_hostnames/%s", w->z->id, c->id),
				     NULL);
	}
	for (size_t i = 0; i < want.n; i++) {
		const struct cloudflare_custom *c = map_get(&w->z->custom, want.s[i]);

		/* one that leads elsewhere is not ours to turn: the service refuses the POST */
		if (c == NULL || strcmp(c->origin, name) != 0)
			(void)add_op(w, "POST", want.s[i],
				     mem_printf("/zones/%s/custom_hostnames", w->z->id),
				     custom_body(w->p->env.config, want.s[i], name));
	}
	strv_fini(&want);
}

/* Does a record that can be regional still stand at NAME? */
static bool still_stands(struct cloudflare_zone *z, const char *name)
{
	static const char *const types[] = { "A", "AAAA", "CNAME" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct cloudflare_set *s = cloudflare_set_of(z, name, types[i], false);

		if (s && s->n)
			return true;
	}
	return false;
}

static void plan_region(struct host_writing *w, const char *name, const char *wish)
{
	const char *now = map_get(&w->z->regions, name);
	const char *zone = w->z->id;
	struct host_op *op = NULL;
	cJSON *body = NULL;

	if (wish && (now == NULL || strcmp(now, wish) != 0)) {
		body = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(body, "region_key", wish);
		if (now == NULL)
			(void)cJSON_AddStringToObject(body, "hostname", name);
		op = now ? add_op(w, "PATCH", name,
				  mem_printf("/zones/%s/addressing/regional_hostnames/%s", zone,
					     name),
				  body)
			 : add_op(w, "POST", name,
				  mem_printf("/zones/%s/addressing/regional_hostnames", zone),
				  body);
	} else if (wish == NULL && now) {
		op = add_op(w, "DELETE", name,
			    mem_printf("/zones/%s/addressing/regional_hostnames/%s", zone, name),
			    NULL);
	}
	if (op)
		op->is_region = true;
}

static void plan_name(struct host_writing *w, struct change *const *list, size_t n,
		      const char *name)
{
	const struct config *c = w->p->env.config;
	enum concern concern;
	const char *wish;

	wish = wish_at(list, n, name, CLOUDFLARE_PROP_CUSTOM, can_be_origin, &concern);
	if (concern != CONCERN_NONE && cloudflare_host_custom_is_on(c))
		plan_custom(w, name, wish);
	wish = wish_at(list, n, name, CLOUDFLARE_PROP_REGION, can_be_regional, &concern);
	if (cloudflare_host_regional_is_on(c) &&
	    (concern == CONCERN_WRITE || (concern == CONCERN_DELETE && !still_stands(w->z, name))))
		plan_region(w, name, wish);
}

static void landed(struct host_writing *w, const struct http_api_result *r)
{
	struct host_op *op = &w->ops[w->at];
	bool is_delete = strcmp(op->method, "DELETE") == 0;
	const char *key = json_text(op->body, "region_key");

	if (op->is_region && is_delete)
		free(map_remove(&w->z->regions, op->name));
	else if (op->is_region)
		free(map_put(&w->z->regions, op->name, mem_strdup(key)));
	else if (is_delete)
		custom_free(map_remove(&w->z->custom, op->name));
	else
		take_custom(w->z, json_get(r->json, "result"));
}

static void write_next(struct host_writing *w);

static void on_written(void *ctx, const struct http_api_result *r)
{
	struct host_writing *w = ctx;
	const struct host_op *op = &w->ops[w->at];

	if (r->err && !(r->status == 404 && strcmp(op->method, "DELETE") == 0)) {
		char *why = cloudflare_error_text(r);
		char *text = mem_printf("%s hostname %s: %s", op->is_region ? "regional" : "custom",
					op->name, why);

		write_end(w, r->err == ERR_AGAIN ? ERR_NETWORK : r->err, text);
		free(text);
		free(why);
		return;
	}
	landed(w, r);
	w->at++;
	write_next(w);
}

static void write_next(struct host_writing *w)
{
	if (w->at == w->n) {
		write_end(w, 0, NULL);
		return;
	}
	const struct host_op *op = &w->ops[w->at];
	http_api_json(w->p->api, op->method, op->path, op->body, on_written, w);
}

void cloudflare_host_write(struct provider *p, struct cloudflare_zone *z,
			   struct change *const *list, size_t n,
			   void (*done)(void *ctx, int err, const char *text), void *ctx)
{
	struct host_writing *w = MEM_NEW(struct host_writing);
	const char *last = "";

	*w = (struct host_writing){ .p = p, .z = z, .done = done, .ctx = ctx };
	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = list[i]->after ? list[i]->after : list[i]->before;

		/* changes of a name are neighbours; a name met twice plans nothing the second time
		 */
		if (can_be_regional(e->record_type) && strcmp(e->dns_name, last) != 0)
			plan_name(w, list, n, e->dns_name);
		if (can_be_regional(e->record_type))
			last = e->dns_name;
	}
	write_next(w);
}

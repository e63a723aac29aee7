/*
 * cloudflare_apply - writes changes to Cloudflare: one POST dns_records/batch a
 * piece of sync/batch, or single calls where the service has no batch call.
 *
 * A value that changes keeps its record's id (PUT), so that the name is never
 * without an answer between two calls.  Called by provider_cloudflare.c.
 */
#include "sync/cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/json.h"
#include "sync/batch.h"

#define BATCH_FREE 200
#define BATCH_PAID 3500

struct applying {
	struct provider *p;
	void (*done)(void *ctx, int err, const char *err_text);
	void *ctx;
};

/* One batch on its way. */
struct sending {
	struct provider *p;
	struct batch *b;
	struct cloudflare_zone *zone;
	struct change **list; /* the changes; a copy of the list */
	size_t n;
	cJSON *body;
	size_t single; /* without batches: the operation at work */
};

/* --- operations of one change -------------------------------------------------- */

static void add_delete(cJSON *body, const char *id)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "id", id);
	(void)cJSON_AddItemToArray(json_get(body, "deletes"), o);
}

/* A whole record, at ID (PUT) or new (POST, id NULL).  False if the target is none. */
static bool add_write(cJSON *body, const struct endpoint *e, const char *target, const char *id)
{
	cJSON *o = cloudflare_record_body(e, target);

	if (o == NULL)
		return false;
	if (id)
		(void)cJSON_AddStringToObject(o, "id", id);
	(void)cJSON_AddItemToArray(json_get(body, id ? "puts" : "posts"), o);
	return true;
}

static bool record_is_as_wished(const struct cloudflare_record *r, const struct endpoint *e)
{
	const char *proxied = cloudflare_record_prop(e, "cloudflare-proxied");
	const char *comment = cloudflare_record_prop(e, "cloudflare-record-comment");
	const char *tags = cloudflare_record_prop(e, "cloudflare-tags");
	bool on = proxied && strcmp(proxied, "true") == 0 &&
		  cloudflare_record_is_proxiable(e->record_type);

	if (e->record_ttl > 0 && e->record_ttl != r->ttl)
		return false;
	return r->proxied == on && (!comment || strcmp(comment, r->comment) == 0) &&
	       (!tags || strcmp(tags, r->tags) == 0);
}

static bool is_wanted(const struct endpoint *e, const struct cloudflare_record *r)
{
	for (size_t i = 0; i < e->targets.n; i++)
		if (cloudflare_record_same_target(e->record_type, e->targets.s[i], r->target))
			return true;
	return false;
}

/* The id of a record that is not wanted and not taken yet, now taken; or NULL. */
static const char *spare_id(const struct cloudflare_set *s, const struct endpoint *e, bool *taken)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (taken[i] || is_wanted(e, &s->records[i]))
			continue;
		taken[i] = true;
		return s->records[i].id;
	}
	return NULL;
}

/* The record that has this target already, now taken; or NULL. */
static const struct cloudflare_record *same_record(const struct cloudflare_set *s,
						   const struct endpoint *e, const char *target,
						   bool *taken)
{
	for (size_t i = 0; s && i < s->n; i++) {
		if (taken[i] ||
		    !cloudflare_record_same_target(e->record_type, target, s->records[i].target))
			continue;
		taken[i] = true;
		return &s->records[i];
	}
	return NULL;
}

/* What turns the records of the set into the wish E.  False if a target does not parse. */
static bool add_upsert(cJSON *body, const struct cloudflare_set *s, const struct endpoint *e)
{
	bool *taken = mem_calloc(s ? s->n : 0, sizeof(*taken));
	bool good = true;

	for (size_t t = 0; good && t < e->targets.n; t++) {
		const char *target = e->targets.s[t];
		const struct cloudflare_record *have = same_record(s, e, target, taken);

		if (!have || !record_is_as_wished(have, e))
			good = add_write(body, e, target, have ? have->id : spare_id(s, e, taken));
	}
	for (size_t i = 0; good && s && i < s->n; i++)
		if (!taken[i])
			add_delete(body, s->records[i].id);
	free(taken);
	return good;
}

static bool add_change(cJSON *body, struct cloudflare_zone *z, const struct change *c)
{
	const struct endpoint *e = c->after ? c->after : c->before;
	const struct cloudflare_set *s = cloudflare_set_of(z, e->dns_name, e->record_type, false);

	if (c->kind != CHANGE_DELETE)
		return add_upsert(body, s, c->after);
	for (size_t i = 0; s && i < s->n; i++)
		if (is_wanted(c->before, &s->records[i]))
			add_delete(body, s->records[i].id);
	return true;
}

/* --- the end of a batch ----------------------------------------------------------- */

static void finish(struct sending *s, int err, const char *text)
{
	struct batch *b = s->b;

	cJSON_Delete(s->body);
	free(s->list);
	free(s);
	batch_sent(b, err, text, -1);
}

/* The records are there: now what hangs on them. */
static void on_hosts(void *ctx, int err, const char *text)
{
	finish(ctx, err, text);
}

static void finish_landed(struct sending *s)
{
	cloudflare_host_write(s->p, s->zone, s->list, s->n, on_hosts, s);
}

/* What a refusal says of our view, rather than of the wish. */
static int error_of(const struct http_api_result *r)
{
	const cJSON *e = cJSON_GetArrayItem(json_get(r->json, "errors"), 0);

	switch (json_number(e, "code", 0)) {
	case 81044: /* no such record */
	case 81058: /* an identical one is there */
		return ERR_STALE;
	case 81053: /* an A, AAAA or CNAME is there */
	case 81057:
		return ERR_CONFLICT;
	default:
		break;
	}
	if (r->err == ERR_AGAIN) /* 5xx: it may have landed */
		return ERR_NETWORK;
	return r->err ? r->err : ERR_PROTOCOL;
}

static void finish_failed(struct sending *s, const struct http_api_result *r)
{
	char *why = cloudflare_error_text(r);

	finish(s, error_of(r), why);
	free(why);
}

static void take_results(struct cloudflare_zone *z, const cJSON *list)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, list) {
		struct cloudflare_record r;

		if (cloudflare_record_read(it, &r))
			cloudflare_view_put(z, &r);
	}
}

/* --- one by one, for a service without batches ---------------------------------- */

static const struct {
	const char *list, *method;
} singles[] = { { "deletes", "DELETE" }, { "puts", "PUT" }, { "posts", "POST" } };

/* Operation number s->single of the body, in the order that the batch call has. */
static cJSON *single_op(const struct sending *s, const char **ret_method)
{
	size_t at = s->single;

	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		cJSON *list = json_get(s->body, singles[i].list);
		size_t n = (size_t)cJSON_GetArraySize(list);

		if (at < n) {
			*ret_method = singles[i].method;
			return cJSON_GetArrayItem(list, (int)at);
		}
		at -= n;
	}
	return NULL;
}

static void send_single(struct sending *s);

static void on_single(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	const char *method = "";
	const cJSON *op = single_op(s, &method);
	bool is_delete = strcmp(method, "DELETE") == 0;

	if (r->err && !(is_delete && r->status == 404)) {
		finish_failed(s, r);
		return;
	}
	struct cloudflare_record rec;
	if (is_delete)
		cloudflare_view_drop(s->zone, json_text(op, "id"));
	else if (cloudflare_record_read(json_get(r->json, "result"), &rec))
		cloudflare_view_put(s->zone, &rec);
	s->single++;
	send_single(s);
}

static void send_single(struct sending *s)
{
	const char *method = "";
	const cJSON *op = single_op(s, &method);

	if (op == NULL) {
		finish_landed(s);
		return;
	}
	const char *id = json_text(op, "id");
	char *path = id ? mem_printf("/zones/%s/dns_records/%s", s->zone->id, id)
			: mem_printf("/zones/%s/dns_records", s->zone->id);
	http_api_json(s->p->api, method, path, strcmp(method, "DELETE") ? op : NULL, on_single, s);
	free(path);
}

/* --- batches ------------------------------------------------------------------------ */

static void on_batch(void *ctx, const struct http_api_result *r)
{
	struct sending *s = ctx;
	const cJSON *it = NULL;

	/* an API that answers in its own form knows the call; a bare 404 or 405 means it has none
	 */
	if (r->status == 405 || (r->status == 404 && json_get(r->json, "success") == NULL)) {
		s->p->no_batch = true;
		send_single(s);
		return;
	}
	if (r->err || !json_bool(r->json, "success", false)) {
		finish_failed(s, r);
		return;
	}
	cJSON_ArrayForEach(it, json_get(s->body, "deletes"))
		cloudflare_view_drop(s->zone, json_text(it, "id"));
	take_results(s->zone, json_get(r->json, "result.puts"));
	take_results(s->zone, json_get(r->json, "result.posts"));
	finish_landed(s);
}

static cJSON *body_new(void)
{
	static const char *const lists[] = { "deletes", "patches", "puts", "posts" };
	cJSON *body = cJSON_CreateObject();

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		(void)cJSON_AddArrayToObject(body, lists[i]);
	return body;
}

static void send_piece(void *ctx, struct batch *b, void *zone, struct change *const *list, size_t n)
{
	struct provider *p = ((struct applying *)ctx)->p;
	struct sending *s = MEM_NEW(struct sending);
	const char *method;

	*s = (struct sending){ .p = p,
			       .b = b,
			       .zone = zone,
			       .list = mem_dup(list, n * sizeof(struct change *)),
			       .n = n,
			       .body = body_new() };
	for (size_t i = 0; i < n; i++) {
		if (add_change(s->body, s->zone, list[i]))
			continue;
		finish(s, ERR_INVALID, "a target does not fit its record type");
		return;
	}
	if (single_op(s, &method) == NULL) {
		finish_landed(s); /* the records stand so already */
	} else if (p->no_batch) {
		send_single(s);
	} else {
		char *path = mem_printf("/zones/%s/dns_records/batch", s->zone->id);

		http_api_json(p->api, "POST", path, s->body, on_batch, s);
		free(path);
	}
}

static struct batch_cost cost(void *ctx, const struct change *c)
{
	size_t n = (c->before ? c->before->targets.n : 0) + (c->after ? c->after->targets.n : 0);

	(void)ctx;
	return (struct batch_cost){ .changes = n };
}

static void *zone_of(void *ctx, const struct change *c)
{
	const struct endpoint *e = c->after ? c->after : c->before;

	return cloudflare_zone_of(((struct applying *)ctx)->p, e->dns_name);
}

static void on_done(void *ctx, int err, const char *err_text)
{
	struct applying *a = ctx;

	a->done(a->ctx, err, err_text);
	free(a);
}

/* What one call may hold: as asked, but not more than the plan of any zone of the account. */
static size_t limit(const struct provider *p)
{
	int64_t asked = config_number(p->env.config, OPT_BATCH_CHANGE_SIZE);
	size_t most = BATCH_PAID;

	for (size_t i = 0; i < p->nzones; i++)
		if (p->zones[i]->is_free)
			most = BATCH_FREE;
	return asked > 0 && (size_t)asked < most ? (size_t)asked : most;
}

void cloudflare_apply(struct provider *p, struct change *changes, size_t n,
		      void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = {
		.zone = zone_of, .cost = cost, .send = send_piece, .done = on_done
	};
	struct batch_limits limits = { .changes = limit(p),
				       .interval_ms = (unsigned)config_ms(
					       p->env.config, OPT_BATCH_CHANGE_INTERVAL) };
	struct applying *a = MEM_NEW(struct applying);

	*a = (struct applying){ .p = p, .done = done, .ctx = ctx };
	(void)batch_start(p->env.loop, &ops, a, &limits, NULL, changes, n);
}

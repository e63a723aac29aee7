#include "k8s/lease.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "k8s/api.h"
#include "lib/clock.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"

#define DURATION_S  15
#define DEADLINE_MS 10000
#define RETRY_MS    2000
#define TIMEOUT_MS  5000
#define DENIED_MS   8000

struct lease {
	struct loop *loop;
	struct api *api;
	char *collection, *path, *name, *namespace;
	char *identity;
	void (*cb)(void *ctx, bool leader);
	void *ctx;
	struct loop_timer *timer;
	struct api_call *call;
	bool leader, alone, releasing;
	bool worked;         /* leases could be used once */
	uint64_t denied_ms;  /* since when they cannot; 0 = they can */
	uint64_t renewed_ms; /* our last success */
	uint64_t sent_ms;
	/* what was seen of the lease, and when, by our own clock */
	cJSON *seen;
	char *seen_text; /* holder and renewTime */
	uint64_t seen_ms;
	void (*released)(void *ctx);
	void *released_ctx;
};

static void set_leader(struct lease *l, bool leader)
{
	if (l->leader == leader)
		return;
	l->leader = leader;
	log_info("%s", leader ? "this replica leads: it writes"
			      : "this replica no longer leads: it only answers");
	if (!l->releasing)
		l->cb(l->ctx, leader);
}

static void again(struct lease *l)
{
	loop_timer_set(l->timer, RETRY_MS);
}

static const char *holder_of(const cJSON *lease)
{
	const char *h = json_text(lease, "spec.holderIdentity");

	return h ? h : "";
}

/* Note what is there; the clock of expiry starts anew only when it changed. */
static void see(struct lease *l, cJSON *lease)
{
	const char *renewed = json_text(lease, "spec.renewTime");
	char *text = mem_printf("%s %s", holder_of(lease), renewed ? renewed : "");

	cJSON_Delete(l->seen);
	l->seen = lease;
	if (l->seen_text && strcmp(l->seen_text, text) == 0) {
		free(text);
		return;
	}
	free(l->seen_text);
	l->seen_text = text;
	l->seen_ms = clock_mono_ms();
}

static bool is_free(const struct lease *l)
{
	const char *holder = holder_of(l->seen);
	int64_t duration_s = json_number(l->seen, "spec.leaseDurationSeconds", DURATION_S);

	return *holder == '\0' || strcmp(holder, l->identity) == 0 ||
	       clock_mono_ms() - l->seen_ms >= (uint64_t)duration_s * 1000;
}

/* --- what is written ------------------------------------------------------------------ */

/* RFC 3339 with microseconds, Kubernetes' MicroTime. */
static char *micro_time(void)
{
	int64_t ms = clock_real_ms();
	char text[32];

	(void)clock_rfc3339(ms / 1000, text);
	text[strcspn(text, "Z")] = '\0';
	return mem_printf("%s.%03d000Z", text, (int)(ms % 1000));
}

static void set_text(cJSON *o, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, name);
	(void)cJSON_AddStringToObject(o, name, value);
}

static void set_number(cJSON *o, const char *name, double value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, name);
	(void)cJSON_AddNumberToObject(o, name, value);
}

/* The lease as we want it; LEASE is what is there, or NULL. */
static char *body(const struct lease *l, const cJSON *lease, const char *holder)
{
	cJSON *doc = lease ? cJSON_Duplicate(lease, true) : cJSON_CreateObject();
	cJSON *spec = json_get(doc, "spec");
	char *now = micro_time();

	if (lease == NULL) {
		(void)cJSON_AddStringToObject(doc, "apiVersion", "coordination.k8s.io/v1");
		(void)cJSON_AddStringToObject(doc, "kind", "Lease");
		cJSON *meta = cJSON_AddObjectToObject(doc, "metadata");
		(void)cJSON_AddStringToObject(meta, "name", l->name);
		(void)cJSON_AddStringToObject(meta, "namespace", l->namespace);
	}
	if (spec == NULL)
		spec = cJSON_AddObjectToObject(doc, "spec");
	if (*holder && strcmp(holder_of(doc), holder) != 0) {
		set_text(spec, "acquireTime", now);
		set_number(spec, "leaseTransitions",
			   lease ? (double)json_number(spec, "leaseTransitions", 0) + 1 : 0);
	}
	set_text(spec, "holderIdentity", holder);
	set_text(spec, "renewTime", now);
	set_number(spec, "leaseDurationSeconds", *holder ? DURATION_S : 1);
	char *text = json_print(doc);
	cJSON_Delete(doc);
	free(now);
	return text;
}

/* --- rounds --------------------------------------------------------------------------- */

static void check_deadline(struct lease *l)
{
	if (l->leader && !l->alone && clock_mono_ms() - l->renewed_ms >= DEADLINE_MS)
		set_leader(l, false);
}

/* We may not use leases: then nobody else of our kind can either. */
static void stand_alone(struct lease *l, const char *why)
{
	if (!l->alone)
		log_warning("no leader election (%s): this replica writes as if it were alone",
			    why);
	l->alone = true;
	set_leader(l, true);
}

static void failed(struct lease *l, const struct http_response *r)
{
	char *why = api_message(r);

	uint64_t now = clock_mono_ms();
	bool denied = r->err == 0 && r->status == 403;

	if (!denied)
		l->denied_ms = 0;
	else if (l->denied_ms == 0)
		l->denied_ms = now; /* a server that starts may not know our rights yet */
	if (denied && !l->worked && now - l->denied_ms >= DENIED_MS)
		stand_alone(l, why);
	else
		log_debug("lease: %s", why);
	free(why);
	check_deadline(l);
	again(l);
}

static void on_written(void *ctx, const struct http_response *r)
{
	struct lease *l = ctx;

	l->call = NULL;
	if (r->err || r->status / 100 != 2) {
		failed(l, r);
		return;
	}
	cJSON *doc = cJSON_ParseWithLength(buf_str(&r->body), r->body.len);
	if (doc)
		see(l, doc);
	l->alone = false;
	l->worked = true;
	l->denied_ms = 0;
	l->renewed_ms = l->sent_ms;
	set_leader(l, true);
	again(l);
}

static void write_lease(struct lease *l, const cJSON *lease)
{
	char *text = body(l, lease, l->identity);

	l->sent_ms = clock_mono_ms();
	l->call = api_send(l->api, &(struct api_request){ .method = lease ? "PUT" : "POST",
							  .path = lease ? l->path : l->collection,
							  .body = text,
							  .free = true,
							  .timeout_ms = TIMEOUT_MS,
							  .on_done = on_written,
							  .ctx = l });
	free(text);
}

static void on_read(void *ctx, const struct http_response *r)
{
	struct lease *l = ctx;
	cJSON *doc = NULL;

	l->call = NULL;
	if (r->err == 0 && r->status == 404) {
		write_lease(l, NULL);
		return;
	}
	if (r->err == 0 && r->status == 200)
		doc = cJSON_ParseWithLength(buf_str(&r->body), r->body.len);
	if (doc == NULL) {
		failed(l, r);
		return;
	}
	see(l, doc);
	if (is_free(l)) {
		write_lease(l, l->seen);
		return;
	}
	l->alone = false;
	set_leader(l, false);
	again(l);
}

static void round_begins(void *ctx)
{
	struct lease *l = ctx;

	check_deadline(l);
	if (l->call)
		return;
	l->call = api_send(l->api, &(struct api_request){ .path = l->path,
							  .free = true,
							  .timeout_ms = TIMEOUT_MS,
							  .on_done = on_read,
							  .ctx = l });
}

/* --- life ----------------------------------------------------------------------------- */

static char *new_identity(void)
{
	char host[256] = "gslbd";
	uint32_t r[2] = { 0 };

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	(void)!getrandom(r, sizeof(r), 0);
	return mem_printf("%s_%08x%08x", host, r[0], r[1]);
}

struct lease *lease_new(struct loop *loop, struct api *api, const char *namespace, const char *name,
			void (*cb)(void *ctx, bool leader), void *ctx)
{
	struct lease *l = MEM_NEW(struct lease);

	l->loop = loop;
	l->api = api;
	l->namespace = mem_strdup(namespace);
	l->name = mem_strdup(name);
	l->collection = mem_printf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", namespace);
	l->path = mem_printf("%s/%s", l->collection, name);
	l->identity = new_identity();
	l->cb = cb;
	l->ctx = ctx;
	l->timer = loop_timer_new(loop, round_begins, l);
	return l;
}

void lease_free(struct lease *l)
{
	if (l == NULL)
		return;
	api_cancel(l->call);
	loop_timer_free(l->timer);
	cJSON_Delete(l->seen);
	free(l->seen_text);
	free(l->collection);
	free(l->path);
	free(l->name);
	free(l->namespace);
	free(l->identity);
	free(l);
}

void lease_start(struct lease *l)
{
	loop_timer_set(l->timer, 0);
}

bool lease_is_leader(const struct lease *l)
{
	return l->leader;
}

static void on_released(void *ctx, const struct http_response *r)
{
	struct lease *l = ctx;

	(void)r; /* if it failed the lease ends by itself */
	l->call = NULL;
	l->released(l->released_ctx);
}

void lease_release(struct lease *l, void (*done)(void *ctx), void *ctx)
{
	bool held =
		l->leader && !l->alone && l->seen && strcmp(holder_of(l->seen), l->identity) == 0;

	l->releasing = true;
	api_cancel(l->call);
	l->call = NULL;
	loop_timer_cancel(l->timer);
	set_leader(l, false);
	if (!held) {
		done(ctx);
		return;
	}
	char *text = body(l, l->seen, "");
	l->released = done;
	l->released_ctx = ctx;
	l->call = api_send(l->api, &(struct api_request){ .method = "PUT",
							  .path = l->path,
							  .body = text,
							  .free = true,
							  .timeout_ms = TIMEOUT_MS,
							  .on_done = on_released,
							  .ctx = l });
	free(text);
}

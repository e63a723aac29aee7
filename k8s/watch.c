#include "k8s/watch.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/api.h"
#include "k8s/discovery.h"
#include "k8s/json_read.h"
#include "k8s/slim.h"
#include "lib/backoff.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"

#define PAGE            500
#define MAX_LINE        (32UL << 20)
#define WATCH_LIST_FROM 27 /* minor version that knows sendInitialEvents, if only to refuse it */
/* The server ends a watch after so long (up to half as much more): then silence is a stall. */
#define WATCH_S 60
#define STALL_S 15
/* A stream that lived so long was fine: the next begins at once. */
#define HEALTHY_MS 5000
/* An API server that starts knows its CRDs and our rights a little later than its address. */
#define ABSENT_MS   30000
#define DENIED_MS   5000
#define MAX_GARBAGE 3

enum phase { PHASE_IDLE, PHASE_PAGES, PHASE_WATCH_LIST, PHASE_WATCH };

static unsigned hurry = 1;

void watch_hurry(unsigned times)
{
	hurry = times;
}

struct watch {
	struct watch_env *env;
	enum kind_id kind;
	char *namespace;
	char *name; /* "gslbs.k8gb.io", for messages and metrics */
	enum store_state state;
	enum phase phase;
	char *resource_version; /* where a watch goes on; NULL = list first */
	char *version;          /* of the API, from discovery */
	struct api_call *call;
	struct loop_timer *timer;
	struct backoff backoff, denied;
	uint64_t begun_ms;
	uint64_t missing_ms; /* since when discovery does not know the kind; 0 = it does */
	uint64_t denied_ms;  /* since when we may not read it; 0 = we may */
	bool listed;         /* once: the store has what there was then */
	char *trouble;
	/* a list under way */
	struct map seen; /* "namespace/name" */
	char *more;      /* continue token */
	bool whole;      /* the token expired once: all in one page */
	/* a stream */
	struct buf line;
	struct json_keep event_keep[3], list_keep[3];
	int verdict; /* why the stream was ended from here: 0, ERR_GONE, ERR_SYNTAX, … */
	unsigned garbage;
};

static void begin(void *ctx);

/* --- state ---------------------------------------------------------------------------- */

static void set_state(struct watch *w, enum store_state state)
{
	metric_set(METRIC_WATCH_SYNCED, state == STORE_SYNCED, w->name);
	if (w->state == state)
		return;
	w->state = state;
	status_touch();
	w->env->on_state(w->env->ctx, w);
}

/* Said once, until it is something else or over. */
static void set_trouble(struct watch *w, const char *why)
{
	if (why == NULL && w->trouble)
		log_debug("%s: watched again", w->name);
	if (why && (w->trouble == NULL || strcmp(w->trouble, why) != 0))
		log_warning("%s: %s", w->name, why);
	mem_strset(&w->trouble, why);
}

/* No connection is the same trouble for all watches: it is said once. */
static void set_unreachable(struct watch *w, const char *why)
{
	if (!w->env->unreachable)
		log_warning("%s: %s; what was listed stays", api_server(w->env->api), why);
	w->env->unreachable = true;
	log_debug("%s: %s", w->name, why);
	mem_strset(&w->trouble, why);
}

static void set_reachable(struct watch *w)
{
	if (w->env->unreachable)
		log_info("%s answers again", api_server(w->env->api));
	w->env->unreachable = false;
}

static void again(struct watch *w, uint64_t in_ms, const char *reason)
{
	w->phase = PHASE_IDLE;
	metric_add(METRIC_WATCH_RESTARTS_TOTAL, 1, w->name, reason);
	loop_timer_set(w->timer, in_ms);
}

static void relist(struct watch *w)
{
	mem_strset(&w->resource_version, NULL);
	again(w, 0, "expired");
}

/* --- objects into the store ----------------------------------------------------------- */

static struct object *make_object(struct watch *w, cJSON *json)
{
	struct object *o = NULL;
	char *why = NULL;

	if (object_new(json, &o, &why) == 0 && o->kind == w->kind)
		return o;
	log_warning("%s: an object that cannot be read: %s", w->name, why ? why : "another kind");
	metric_add(METRIC_OBJECT_ERRORS_TOTAL, 1, kinds[w->kind].name);
	object_unref(o);
	free(why);
	return NULL;
}

/* Takes JSON. */
static void put(struct watch *w, cJSON *json)
{
	struct object *o = make_object(w, json);

	if (o == NULL)
		return;
	if (w->phase != PHASE_WATCH) {
		char *key = object_key(o);

		(void)map_put(&w->seen, key, w);
		free(key);
	}
	store_put(w->env->store, o);
}

struct sweep {
	const struct watch *w;
	struct strv gone; /* namespace, name, namespace, name … */
};

static void find_gone(void *ctx, const struct object *o)
{
	struct sweep *s = ctx;
	char *key = object_key(o);

	if (map_get(&s->w->seen, key) == NULL) {
		strv_add(&s->gone, o->namespace);
		strv_add(&s->gone, o->name);
	}
	free(key);
}

/* What the store has of us and the list had not. */
static void remove_unseen(struct watch *w)
{
	struct sweep s = { .w = w };

	store_each(w->env->store, w->kind, w->namespace, find_gone, &s);
	for (size_t i = 0; i + 1 < s.gone.n; i += 2)
		store_remove(w->env->store, w->kind, s.gone.s[i], s.gone.s[i + 1]);
	strv_fini(&s.gone);
}

static void listed(struct watch *w, const char *resource_version)
{
	mem_strset(&w->resource_version, resource_version);
	remove_unseen(w);
	map_fini(&w->seen, NULL);
	backoff_reset(&w->backoff);
	backoff_reset(&w->denied);
	w->denied_ms = 0;
	w->listed = true;
	log_debug("%s: %zu objects listed", w->name, store_count(w->env->store, w->kind));
	set_trouble(w, NULL);
	set_state(w, STORE_SYNCED);
}

/* --- failures ------------------------------------------------------------------------- */

/* What was there once is believed to be gone only after a while. */
static void absent(struct watch *w)
{
	uint64_t now = clock_mono_ms();

	if (w->missing_ms == 0)
		w->missing_ms = now;
	if (w->listed && now - w->missing_ms < ABSENT_MS / hurry) {
		loop_timer_set(w->timer, ABSENT_MS / hurry / 8);
		return;
	}
	w->listed = false;
	mem_strset(&w->resource_version, NULL);
	map_fini(&w->seen, NULL);
	remove_unseen(w);
	set_state(w, STORE_ABSENT);
	set_trouble(w, NULL);
}

static void forbidden(struct watch *w, const char *why)
{
	uint64_t now = clock_mono_ms();

	if (w->denied_ms == 0)
		w->denied_ms = now;
	if (!w->listed || now - w->denied_ms >= DENIED_MS / hurry) {
		set_trouble(w, why);
		set_state(w, STORE_FORBIDDEN);
	}
	again(w, backoff_next_ms(&w->denied), "forbidden");
}

static bool is_about_version(const char *why)
{
	return strstr(why, "oo large resource version") || strstr(why, "oo old resource version");
}

/* An HTTP answer that is none of 2xx, or none at all. */
static void refused(struct watch *w, const struct http_response *r)
{
	char *why = api_message(r);
	long after_ms = r->err ? -1 : http_response_retry_after_ms(r);
	int status = r->err ? 0 : r->status;

	if (status == 410 || (status && is_about_version(why))) {
		w->whole = w->phase == PHASE_PAGES && w->more != NULL;
		relist(w);
	} else if (status == 403) {
		forbidden(w, why);
	} else if (status == 404) {
		set_trouble(w, why);
		discovery_refresh(w->env->discovery);
		again(w, backoff_next_ms(&w->backoff), "absent");
	} else if ((status == 400 || status == 422) && w->phase == PHASE_WATCH_LIST) {
		w->env->no_watch_list = true;
		again(w, 0, "no watch list");
	} else if (after_ms >= 0) {
		again(w, (uint64_t)(after_ms < 30000 ? after_ms : 30000) + 1, "busy");
	} else if (status == 0) {
		set_unreachable(w, why);
		again(w, backoff_next_ms(&w->backoff), "broken");
	} else {
		set_trouble(w, why);
		again(w, backoff_next_ms(&w->backoff), status == 401 ? "unauthorized" : "error");
	}
	free(why);
}

/* --- the list in pages ---------------------------------------------------------------- */

static char *collection(const struct watch *w)
{
	const struct kind *k = &kinds[w->kind];
	char *base = *k->group ? mem_printf("/apis/%s/%s", k->group, w->version)
			       : mem_printf("/api/%s", w->version);
	char *path = w->namespace ? mem_printf("%s/namespaces/%s/%s", base, w->namespace, k->plural)
				  : mem_printf("%s/%s", base, k->plural);
	free(base);
	return path;
}

/* A token is base64 and more; only what is safe in a query stays as it is. */
static void add_escaped(struct buf *b, const char *s)
{
	for (; *s; s++)
		if ((*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
		    (*s >= 'a' && *s <= 'z') || *s == '-' || *s == '_' || *s == '.' || *s == '~')
			buf_putc(b, *s);
		else
			buf_printf(b, "%%%02X", (unsigned char)*s);
}

static void list(struct watch *w);

static void take_page(struct watch *w, const struct http_response *r)
{
	const struct kind *k = &kinds[w->kind];
	char *version =
		*k->group ? mem_printf("%s/%s", k->group, w->version) : mem_strdup(w->version);
	cJSON *doc = NULL, *item, *items_array;
	size_t at = 0;

	if (json_read(buf_str(&r->body), r->body.len, w->list_keep, &doc, &at) != 0) {
		set_trouble(w, "the list is no JSON");
		again(w, backoff_next_ms(&w->backoff), "garbage");
		goto out;
	}
	items_array = json_get(doc, "items");
	while (items_array && (item = items_array->child) != NULL) {
		/* detached by hand: the search for the last one would be long */
		(void)cJSON_DetachItemViaPointer(items_array, item);
		if (json_text(item, "kind") == NULL)
			(void)cJSON_AddStringToObject(item, "kind", k->name);
		if (json_text(item, "apiVersion") == NULL)
			(void)cJSON_AddStringToObject(item, "apiVersion", version);
		put(w, item);
	}
	const char *more = json_text(doc, "metadata.continue");
	mem_strset(&w->more, more && *more ? more : NULL);
	if (w->more) {
		list(w);
	} else {
		const char *rv = json_text(doc, "metadata.resourceVersion");

		w->whole = false;
		listed(w, rv ? rv : "0");
		w->phase = PHASE_IDLE;
		loop_timer_set(w->timer, 0);
	}
out:
	cJSON_Delete(doc);
	free(version);
}

static void on_page(void *ctx, const struct http_response *r)
{
	struct watch *w = ctx;

	w->call = NULL;
	if (r->err == 0)
		set_reachable(w);
	if (r->err || r->status != 200)
		refused(w, r);
	else
		take_page(w, r);
}

static void list(struct watch *w)
{
	struct buf path = { 0 };
	char *base = collection(w);

	buf_puts(&path, base);
	free(base);
	if (!w->whole) {
		buf_printf(&path, "?limit=%d", PAGE);
		if (w->more) {
			buf_puts(&path, "&continue=");
			add_escaped(&path, w->more);
		}
	}
	w->call = api_send(w->env->api, &(struct api_request){ .path = buf_str(&path),
							       .free = true,
							       .on_done = on_page,
							       .ctx = w });
	buf_fini(&path);
}

/* --- the stream ----------------------------------------------------------------------- */

/* An ERROR event: a Status. */
static int on_error_event(struct watch *w, const char *line, size_t len)
{
	cJSON *doc = NULL;
	size_t at;

	if (json_read(line, len, NULL, &doc, &at) != 0)
		return ERR_SYNTAX;
	int64_t code = json_number(doc, "object.code", 0);
	const char *message = json_text(doc, "object.message");
	int err = code == 410 || is_about_version(message ? message : "") ? ERR_GONE : ERR_AGAIN;

	if (err == ERR_AGAIN)
		set_trouble(w, message ? message : "the server ended the watch with an error");
	cJSON_Delete(doc);
	return err;
}

static void on_bookmark(struct watch *w, const cJSON *object)
{
	const cJSON *annotations = json_get(object, "metadata.annotations");
	const char *end = json_member(annotations, "k8s.io/initial-events-end");
	const char *rv = json_text(object, "metadata.resourceVersion");

	if (rv == NULL)
		return;
	if (w->phase != PHASE_WATCH_LIST) {
		mem_strset(&w->resource_version, rv);
	} else if (end && strcmp(end, "true") == 0) {
		w->phase = PHASE_WATCH;
		listed(w, rv);
	}
}

static int on_object(struct watch *w, const char *type, cJSON *doc)
{
	cJSON *object = cJSON_DetachItemFromObjectCaseSensitive(doc, "object");
	const char *rv = json_text(object, "metadata.resourceVersion");

	if (object == NULL)
		return ERR_SYNTAX;
	if (w->phase == PHASE_WATCH && rv)
		mem_strset(&w->resource_version, rv);
	if (strcmp(type, "DELETED") == 0) {
		struct object *o = make_object(w, object);

		if (o)
			store_remove(w->env->store, o->kind, o->namespace, o->name);
		object_unref(o);
	} else {
		put(w, object);
	}
	return 0;
}

static int on_line(struct watch *w, const char *line, size_t len)
{
	cJSON *doc = NULL;
	size_t at;

	if (len == 0)
		return 0;
	if (len > 15 && memcmp(line, "{\"type\":\"ERROR\"", 15) == 0)
		return on_error_event(w, line, len);
	if (json_read(line, len, w->event_keep, &doc, &at) != 0)
		return ERR_SYNTAX;
	const char *type = json_text(doc, "type");
	int err = 0;
	if (type == NULL)
		err = ERR_SYNTAX;
	else if (strcmp(type, "BOOKMARK") == 0)
		on_bookmark(w, json_get(doc, "object"));
	else if (strcmp(type, "ERROR") == 0)
		err = on_error_event(w, line, len);
	else
		err = on_object(w, type, doc);
	if (type)
		metric_add(METRIC_WATCH_EVENTS_TOTAL, 1, w->name, type);
	cJSON_Delete(doc);
	return err;
}

/* Whole lines at once; the rest waits for more. */
static int on_data(void *ctx, const char *data, size_t len)
{
	struct watch *w = ctx;
	const char *end;

	while (w->verdict == 0 && (end = memchr(data, '\n', len)) != NULL) {
		size_t n = (size_t)(end - data);

		if (w->line.len) {
			buf_add(&w->line, data, n);
			w->verdict = on_line(w, buf_str(&w->line), w->line.len);
			buf_reset(&w->line);
		} else {
			w->verdict = on_line(w, data, n);
		}
		data += n + 1;
		len -= n + 1;
	}
	if (w->verdict == 0 && w->line.len + len > MAX_LINE)
		w->verdict = ERR_LIMIT;
	if (w->verdict == 0)
		buf_add(&w->line, data, len);
	return w->verdict;
}

/* The line was none: once is an accident, more often a list is safer. */
static void garbage(struct watch *w)
{
	set_trouble(w, "the watch sent what is no event");
	if (++w->garbage >= MAX_GARBAGE) {
		w->garbage = 0;
		mem_strset(&w->resource_version, NULL);
	}
	again(w, backoff_next_ms(&w->backoff), "garbage");
}

static void on_stream_end(void *ctx, const struct http_response *r)
{
	struct watch *w = ctx;
	uint64_t lived_ms = clock_mono_ms() - w->begun_ms;

	w->call = NULL;
	buf_reset(&w->line); /* half a line comes again with the next watch */
	if (w->verdict == ERR_GONE) {
		relist(w);
	} else if (w->verdict == ERR_SYNTAX || w->verdict == ERR_LIMIT) {
		garbage(w);
	} else if (w->verdict) {
		again(w, backoff_next_ms(&w->backoff), "error event");
	} else if (r->err == 0 && r->status != 200) {
		refused(w, r);
	} else if (r->err == 0) {
		w->garbage = 0;
		if (lived_ms >= HEALTHY_MS)
			backoff_reset(&w->backoff);
		again(w, lived_ms >= HEALTHY_MS ? 0 : backoff_next_ms(&w->backoff), "ended");
	} else {
		if (lived_ms >= HEALTHY_MS)
			backoff_reset(&w->backoff);
		set_unreachable(w, *r->error ? r->error : error_text(r->err));
		again(w, backoff_next_ms(&w->backoff),
		      r->err == ERR_TIMEOUT ? "stalled" : "broken");
	}
}

static void on_stream_headers(void *ctx, const struct http_response *r)
{
	struct watch *w = ctx;

	set_reachable(w);
	if (r->status != 200 || w->phase != PHASE_WATCH)
		return;
	w->denied_ms = 0;
	set_trouble(w, NULL);
	set_state(w, STORE_SYNCED); /* it may have been forbidden meanwhile */
}

static void stream(struct watch *w)
{
	uint64_t jitter = map_hash(w->name, strlen(w->name)) + w->begun_ms;
	unsigned seconds = WATCH_S + (unsigned)(jitter % (WATCH_S / 2));
	char *base = collection(w);
	char *path =
		w->phase == PHASE_WATCH_LIST
			? mem_printf("%s?watch=true&sendInitialEvents=true"
				     "&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
				     "&timeoutSeconds=%u",
				     base, seconds)
			: mem_printf("%s?watch=true&allowWatchBookmarks=true&resourceVersion=%s"
				     "&timeoutSeconds=%u",
				     base, w->resource_version, seconds);

	w->verdict = 0;
	buf_reset(&w->line);
	w->call = api_send(w->env->api,
			   &(struct api_request){ .path = path,
						  .stream = true,
						  .free = true,
						  .idle_timeout_ms = (seconds + STALL_S) * 1000,
						  .on_data = on_data,
						  .on_headers = on_stream_headers,
						  .on_done = on_stream_end,
						  .ctx = w });
	free(path);
	free(base);
}

/* --- life ----------------------------------------------------------------------------- */

static void begin(void *ctx)
{
	struct watch *w = ctx;
	struct watch_env *env = w->env;

	if (w->call || !discovery_is_known(env->discovery))
		return;
	const char *version = discovery_version(env->discovery, w->kind);
	if (version == NULL) {
		absent(w);
		return;
	}
	w->missing_ms = 0;
	if (w->version == NULL || strcmp(w->version, version) != 0)
		mem_strset(&w->resource_version, NULL);
	mem_strset(&w->version, version);
	w->begun_ms = clock_mono_ms();
	if (w->resource_version) {
		w->phase = PHASE_WATCH;
		stream(w);
		return;
	}
	map_fini(&w->seen, NULL);
	mem_strset(&w->more, NULL);
	bool streamed = !env->no_watch_list && discovery_minor(env->discovery) >= WATCH_LIST_FROM;
	w->phase = streamed ? PHASE_WATCH_LIST : PHASE_PAGES;
	if (streamed)
		stream(w);
	else
		list(w);
}

void watch_discovered(struct watch *w)
{
	bool there = discovery_version(w->env->discovery, w->kind) != NULL;

	if (w->call) /* a running stream ends by itself when its kind is gone */
		return;
	if (there && w->state == STORE_ABSENT)
		log_info("%s: now there", w->name);
	if (!there || w->state == STORE_ABSENT || w->version == NULL)
		loop_timer_set(w->timer, 0);
}

struct watch *watch_new(struct watch_env *env, enum kind_id kind, const char *namespace)
{
	const struct kind *k = &kinds[kind];
	struct watch *w = MEM_NEW(struct watch);

	w->env = env;
	w->kind = kind;
	w->namespace = k->namespaced ? mem_strdup(namespace) : NULL;
	w->name = *k->group ? mem_printf("%s.%s", k->plural, k->group) : mem_strdup(k->plural);
	w->timer = loop_timer_new(env->loop, begin, w);
	w->backoff = (struct backoff){ .min_ms = 200, .max_ms = 5000 };
	w->denied = (struct backoff){ .min_ms = 500, .max_ms = 5000 };
	w->event_keep[0] = (struct json_keep){ "type", NULL };
	w->event_keep[1] = (struct json_keep){ "object", slim_object(kind) };
	w->list_keep[0] = (struct json_keep){ "metadata", NULL };
	w->list_keep[1] = (struct json_keep){ "items", slim_object(kind) };
	return w;
}

void watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	api_cancel(w->call);
	loop_timer_free(w->timer);
	map_fini(&w->seen, NULL);
	buf_fini(&w->line);
	free(w->namespace);
	free(w->name);
	free(w->resource_version);
	free(w->version);
	free(w->trouble);
	free(w->more);
	free(w);
}

void watch_start(struct watch *w)
{
	begin(w);
}

enum kind_id watch_kind(const struct watch *w)
{
	return w->kind;
}

const char *watch_namespace(const struct watch *w)
{
	return w->namespace;
}

enum store_state watch_state(const struct watch *w)
{
	return w->state;
}

const char *watch_trouble(const struct watch *w)
{
	return w->trouble;
}

const char *watch_resource_version(const struct watch *w)
{
	return w->resource_version ? w->resource_version : "";
}

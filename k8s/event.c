#include "k8s/event.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/writer.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"

/* Series that end are forgotten; then the same event is a new one. */
#define FORGET_MS  600000
#define MAX_SERIES 4096
/* For one object: so many at once, then one each 5 minutes (client-go's spam filter). */
#define BURST       25
#define REFILL_MS   300000
#define MAX_MESSAGE 1000

struct series {
	char *name, *path, *first;
	unsigned count;
	uint64_t last_ms;
};

struct allowance {
	double tokens;
	uint64_t filled_ms;
};

struct event_recorder {
	struct writer *writer;
	struct map series;     /* "uid reason message" -> struct series */
	struct map allowances; /* uid -> struct allowance */
	struct loop_timer *timer;
};

static void series_free(void *p)
{
	struct series *s = p;

	free(s->name);
	free(s->path);
	free(s->first);
	free(s);
}

static bool may_tell(struct event_recorder *e, const char *uid)
{
	struct allowance *a = map_get(&e->allowances, uid);
	uint64_t now = clock_mono_ms();

	if (a == NULL) {
		a = MEM_NEW(struct allowance);
		a->tokens = BURST;
		a->filled_ms = now;
		(void)map_put(&e->allowances, uid, a);
	}
	a->tokens += (double)(now - a->filled_ms) / REFILL_MS;
	a->filled_ms = now;
	if (a->tokens > BURST)
		a->tokens = BURST;
	if (a->tokens < 1)
		return false;
	a->tokens -= 1;
	return true;
}

static cJSON *involved(const struct object *o, const char *api_version)
{
	cJSON *ref = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(ref, "apiVersion", api_version);
	(void)cJSON_AddStringToObject(ref, "kind", kinds[o->kind].name);
	(void)cJSON_AddStringToObject(ref, "name", o->name);
	if (*o->namespace)
		(void)cJSON_AddStringToObject(ref, "namespace", o->namespace);
	(void)cJSON_AddStringToObject(ref, "uid", o->uid);
	if (*o->resource_version)
		(void)cJSON_AddStringToObject(ref, "resourceVersion", o->resource_version);
	return ref;
}

static void tell_first(struct event_recorder *e, const struct series *s, const struct object *o,
		       const char *api_version, bool warning, const char *reason,
		       const char *message)
{
	const char *ns = *o->namespace ? o->namespace : "default";
	char *collection = mem_printf("/api/v1/namespaces/%s/events", ns);
	char *cut = mem_strndup(message, MAX_MESSAGE);
	cJSON *doc = cJSON_CreateObject(), *meta;

	(void)cJSON_AddStringToObject(doc, "apiVersion", "v1");
	(void)cJSON_AddStringToObject(doc, "kind", "Event");
	meta = cJSON_AddObjectToObject(doc, "metadata");
	(void)cJSON_AddStringToObject(meta, "name", s->name);
	(void)cJSON_AddStringToObject(meta, "namespace", ns);
	(void)cJSON_AddItemToObject(doc, "involvedObject", involved(o, api_version));
	(void)cJSON_AddStringToObject(doc, "reason", reason);
	(void)cJSON_AddStringToObject(doc, "message", cut);
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(doc, "source"), "component", "gslbd");
	(void)cJSON_AddStringToObject(doc, "reportingComponent", "gslbd");
	(void)cJSON_AddStringToObject(doc, "type", warning ? "Warning" : "Normal");
	(void)cJSON_AddStringToObject(doc, "firstTimestamp", s->first);
	(void)cJSON_AddStringToObject(doc, "lastTimestamp", s->first);
	(void)cJSON_AddNumberToObject(doc, "count", 1);
	char *body = json_print(doc);
	writer_put(e->writer, s->name,
		   &(struct write){
			   .kind = WRITE_CREATE, .path = collection, .body = body, .once = true });
	free(body);
	free(cut);
	free(collection);
	cJSON_Delete(doc);
}

static void tell_again(struct event_recorder *e, const struct series *s)
{
	char now[32];
	char *body = mem_printf("{\"count\":%u,\"lastTimestamp\":\"%s\"}", s->count,
				clock_rfc3339(clock_real_s(), now));
	char *key = mem_printf("%s again", s->name);

	writer_put(e->writer, key,
		   &(struct write){
			   .kind = WRITE_MERGE, .path = s->path, .body = body, .once = true });
	free(key);
	free(body);
}

static struct series *new_series(struct event_recorder *e, const struct object *o, const char *key)
{
	struct series *s = MEM_NEW(struct series);
	const char *ns = *o->namespace ? o->namespace : "default";
	char now[32];

	/* at most 253 characters, and one no other process makes */
	s->name = mem_printf(
		"%.200s.%016llx", o->name,
		(unsigned long long)(map_hash(key, strlen(key)) ^ (uint64_t)clock_real_ms()));
	s->path = mem_printf("/api/v1/namespaces/%s/events/%s", ns, s->name);
	s->first = mem_strdup(clock_rfc3339(clock_real_s(), now));
	(void)map_put(&e->series, key, s);
	return s;
}

void event_record(struct event_recorder *e, const struct object *about, const char *api_version,
		  bool warning, const char *reason, const char *message)
{
	if (*about->uid == '\0' || !may_tell(e, about->uid))
		return;
	char *key = mem_printf("%s %s %s", about->uid, reason, message);
	struct series *s = map_get(&e->series, key);
	if (s == NULL && e->series.n < MAX_SERIES) {
		s = new_series(e, about, key);
		s->count = 1;
		tell_first(e, s, about, api_version, warning, reason, message);
	} else if (s) {
		s->count++;
		tell_again(e, s);
	}
	if (s)
		s->last_ms = clock_mono_ms();
	if (!loop_timer_is_set(e->timer))
		loop_timer_set(e->timer, FORGET_MS);
	free(key);
}

static void forget(void *ctx)
{
	struct event_recorder *e = ctx;
	uint64_t now = clock_mono_ms();
	struct map_item *next;

	for (struct map_item *it = map_first(&e->series); it; it = next) {
		struct series *s = it->value;

		next = map_next(&e->series, it);
		if (now - s->last_ms >= FORGET_MS)
			series_free(map_remove(&e->series, it->key));
	}
	for (struct map_item *it = map_first(&e->allowances); it; it = next) {
		struct allowance *a = it->value;

		next = map_next(&e->allowances, it);
		if (now - a->filled_ms >= (uint64_t)BURST * REFILL_MS)
			free(map_remove(&e->allowances, it->key));
	}
	if (e->series.n || e->allowances.n)
		loop_timer_set(e->timer, FORGET_MS);
}

struct event_recorder *event_recorder_new(struct loop *loop, struct writer *writer)
{
	struct event_recorder *e = MEM_NEW(struct event_recorder);

	e->writer = writer;
	e->timer = loop_timer_new(loop, forget, e);
	return e;
}

void event_recorder_free(struct event_recorder *e)
{
	if (e == NULL)
		return;
	map_fini(&e->series, series_free);
	map_fini(&e->allowances, free);
	loop_timer_free(e->timer);
	free(e);
}

#include "k8s/source.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/dependency.h"
#include "k8s/host_resolver.h"
#include "k8s/postprocess.h"
#include "k8s/source_parts.h"
#include "k8s/source_settings.h"
#include "k8s/source_table.h"
#include "k8s/store.h"
#include "k8s/subject.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/gslb_decl.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/metric.h"
#include "lib/status.h"

/* --- what became dirty ---------------------------------------------------------------- */

static void mark_slices(struct source_set *set, const struct object *o)
{
	const char *service = o && o->kind == KIND_ENDPOINT_SLICE
				      ? object_label(o, "kubernetes.io/service-name")
				      : NULL;

	if (service)
		dependency_mark(set, dependency_slice(o->namespace, service));
}

bool source_has_kind(const enum kind_id *list, enum kind_id kind)
{
	for (; list && *list != KIND_COUNT; list++)
		if (*list == kind)
			return true;
	return false;
}

static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	struct source_set *set = ctx;
	const struct object *o = after ? after : before;

	for (size_t i = 0; i < set->n; i++)
		if (set->sources[i].started &&
		    source_has_kind(set->sources[i].ops->primary, o->kind))
			subject_mark(subject_for(&set->sources[i], o));
	dependency_mark(set, dependency_object(o->kind, o->namespace, o->name));
	dependency_mark(set, dependency_kind(o->kind, o->namespace));
	if (*o->namespace)
		dependency_mark(set, dependency_kind(o->kind, "*"));
	mark_slices(set, before);
	mark_slices(set, after);
}

/* KIND, one of the source's, is read with the flags that there are. */
static bool reads(const struct source *src, enum kind_id kind)
{
	return src->ops->reads == NULL || source_has_kind(src->ops->primary, kind) ||
	       src->ops->reads(src->set->settings, kind);
}

/* --- starting: only when all that a source reads was listed --------------------------- */

static bool is_settled(const struct source *src, const enum kind_id *list)
{
	for (; list && *list != KIND_COUNT; list++)
		if (reads(src, *list) && store_state(src->set->store, *list) == STORE_PENDING)
			return false;
	return true;
}

static bool is_complete(const struct store *store, const enum kind_id *list)
{
	for (; list && *list != KIND_COUNT; list++)
		if (!store_is_synced(store, *list))
			return false;
	return true;
}

static void begin(struct source *src)
{
	struct source_run run = { .set = src->set };

	src->ops->begin(&run);
	postprocess_put(src->set->postprocess, src->ops->name, src->ops->name, &run.emitted);
	subject_faults_free(run.faults, run.nfaults);
}

static void start_object(void *ctx, const struct object *o)
{
	subject_mark(subject_for(ctx, o));
}

/* A source that once was synced stays so while a watch is down: its objects are still known. */
static void on_state(void *ctx, enum kind_id kind)
{
	struct source_set *set = ctx;

	(void)kind;
	for (size_t i = 0; i < set->n; i++) {
		struct source *src = &set->sources[i];

		if (src->started || !is_settled(src, src->ops->primary) ||
		    !is_settled(src, src->ops->also))
			continue;
		src->started = true;
		if (src->ops->begin)
			begin(src);
		for (const enum kind_id *k = src->ops->primary; *k != KIND_COUNT; k++)
			store_each(set->store, *k, NULL, start_object, src);
	}
	if (!loop_timer_is_set(set->flush))
		loop_timer_set(set->flush, 0); /* tells synced once it has collected */
}

static void tell_synced(struct source_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct source *src = &set->sources[i];
		const enum kind_id *must = src->ops->must ? src->ops->must : src->ops->primary;
		bool synced = src->started && is_complete(set->store, must);

		if (synced == src->synced)
			continue;
		src->synced = synced;
		log_debug("source %s is %s", src->ops->name,
			  synced ? "synced" : "no longer synced");
		if (set->sink->synced)
			set->sink->synced(set->sink->ctx, src->ops->name, synced);
		status_touch();
	}
}

static void flush(void *ctx)
{
	struct source_set *set = ctx;

	if (set->dirty_first)
		status_touch();
	while (set->dirty_first) {
		struct subject *s = set->dirty_first;

		subject_unmark(s);
		subject_collect(s);
	}
	postprocess_flush(set->postprocess);
	tell_synced(set);
}

/* --- the set -------------------------------------------------------------------------- */

static const struct source_ops *find_ops(const struct source_ops *const *table, const char *name)
{
	for (; *table; table++)
		if (strcmp((*table)->name, name) == 0)
			return *table;
	return NULL;
}

static char *unknown(const struct source_ops *const *table, const char *name)
{
	struct strv known = { 0 };

	for (; *table; table++)
		strv_add(&known, (*table)->name);
	strv_sort(&known);
	char *list = strv_join(&known, ", ");
	char *why = mem_printf("--source=%s: there is no such source; known are %s", name, list);
	free(list);
	strv_fini(&known);
	return why;
}

static void describe(void *ctx, cJSON *out)
{
	struct source_set *set = ctx;

	for (size_t i = 0; i < set->n; i++) {
		struct source *src = &set->sources[i];
		cJSON *o = cJSON_AddObjectToObject(out, src->ops->name);
		cJSON *errors = cJSON_AddObjectToObject(o, "errors");
		size_t endpoints = 0;

		for (struct map_item *it = map_first(&src->subjects); it;
		     it = map_next(&src->subjects, it)) {
			const struct subject *s = it->value;

			endpoints += s->nendpoints;
			if (s->nfaults == 0 || cJSON_GetArraySize(errors) >= 100)
				continue;
			char *resource = subject_resource(s);
			cJSON *list = cJSON_AddArrayToObject(errors, resource);
			for (size_t j = 0; j < s->nfaults; j++)
				(void)cJSON_AddItemToArray(
					list, cJSON_CreateString(s->faults[j].message));
			free(resource);
		}
		(void)cJSON_AddBoolToObject(o, "synced", src->synced);
		(void)cJSON_AddNumberToObject(o, "objects", (double)src->subjects.n);
		(void)cJSON_AddNumberToObject(o, "endpoints", (double)endpoints);
		(void)cJSON_AddNumberToObject(o, "faulty", (double)src->nfaults);
	}
}

static void on_resolved(void *ctx, const char *name)
{
	dependency_mark(ctx, dependency_host(name));
}

int source_set_new(struct loop *loop, const struct config *config, struct store *store,
		   const struct endpoint_sink *sink, const struct strv *names,
		   const struct source_ops *const *table, struct source_set **ret, char **ret_why)
{
	struct strv wanted = { 0 };
	struct source_settings *settings = NULL;
	struct postprocess *post = NULL;

	if (table == NULL)
		table = source_table;
	for (size_t i = 0; i < names->n; i++) {
		if (find_ops(table, names->s[i]) == NULL) {
			*ret_why = unknown(table, names->s[i]);
			strv_fini(&wanted);
			return ERR_INVALID;
		}
		(void)strv_add_unique(&wanted, names->s[i]);
	}
	int err = source_settings_new(config, &settings, ret_why);
	if (err == 0)
		err = postprocess_new(config, sink, &post, ret_why);
	if (err) {
		source_settings_free(settings);
		strv_fini(&wanted);
		return err;
	}
	struct source_set *set = MEM_NEW(struct source_set);
	set->settings = settings;
	set->postprocess = post;
	set->resolver = host_resolver_new(loop, (uint64_t)config_ms(config, OPT_INTERVAL),
					  on_resolved, set);
	set->loop = loop;
	set->config = config;
	set->store = store;
	set->sink = sink;
	set->n = wanted.n;
	set->sources = mem_calloc(wanted.n + 1, sizeof(*set->sources));
	for (size_t i = 0; i < wanted.n; i++) {
		set->sources[i].ops = find_ops(table, wanted.s[i]);
		set->sources[i].set = set;
	}
	strv_fini(&wanted);
	set->flush = loop_timer_new(loop, flush, set);
	store_on_change(store, on_change, set);
	store_on_synced(store, on_state, set);
	on_state(set, KIND_COUNT);
	status_section("sources", describe, set);
	*ret = set;
	return 0;
}

void source_set_free(struct source_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++)
		map_fini(&set->sources[i].subjects, subject_free);
	map_fini(&set->deps, dependency_free);
	loop_timer_free(set->flush);
	host_resolver_free(set->resolver);
	postprocess_free(set->postprocess);
	source_settings_free(set->settings);
	free(set->sources);
	free(set);
}

void source_set_announce(struct source_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->sources[i].synced && set->sink->synced)
			set->sink->synced(set->sink->ctx, set->sources[i].ops->name, false);
}

bool source_set_needs(const struct source_set *set, enum kind_id kind)
{
	for (size_t i = 0; i < set->n; i++)
		if (source_has_kind(set->sources[i].ops->primary, kind) ||
		    (source_has_kind(set->sources[i].ops->also, kind) &&
		     reads(&set->sources[i], kind)))
			return true;
	return false;
}

void source_set_namespaces(const struct source_set *set, enum kind_id kind, struct strv *v)
{
	source_settings_namespaces(set->settings, kind, v);
}

bool source_set_has(const struct source_set *set, const char *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->sources[i].ops->name, name) == 0)
			return true;
	return false;
}

void source_set_on_error(struct source_set *set, source_error_cb cb, void *ctx)
{
	set->on_error = cb;
	set->on_error_ctx = ctx;
}

void source_set_on_collected(struct source_set *set, source_collected_cb cb, void *ctx)
{
	set->on_collected = cb;
	set->on_collected_ctx = ctx;
}

void source_set_flush(struct source_set *set)
{
	loop_timer_cancel(set->flush);
	flush(set);
}

void source_set_dirty(struct source_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		for (struct map_item *it = map_first(&set->sources[i].subjects); it;
		     it = map_next(&set->sources[i].subjects, it))
			subject_mark(it->value);
}

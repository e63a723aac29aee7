#include "k8s/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/endpoint_check.h"
#include "k8s/host_resolver.h"
#include "k8s/postprocess.h"
#include "k8s/source_settings.h"
#include "k8s/source_table.h"
#include "k8s/store.h"
#include "k8s/zone_allow.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/gslb_decl.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/metric.h"
#include "lib/status.h"

/*
 *   store --change--> deps[key] --> subjects --dirty--> (end of the pass) collect
 *                                                             --> postprocess --> sink
 *
 * A dep is something that a collection looked at: one object ("o…"), a kind in a namespace or
 * in all ("k…"), the slices of a Service ("s…"), a host's addresses ("h…").  A subject is one
 * primary object in one source.  Both point at each other; POS makes unlinking O(1).
 */
struct subject;

struct link {
	struct dep *dep;
	size_t pos; /* in dep->to */
};

struct backlink {
	struct subject *subject;
	size_t pos; /* in subject->links */
};

struct dep {
	char *key;
	struct backlink *to;
	size_t n, cap;
};

struct fault {
	char *reason;
	char *message;
	bool warning;
};

struct said {
	uint64_t hash;
	bool again;
};

struct source {
	const struct source_ops *ops;
	struct source_set *set;
	struct map subjects; /* "KIND_ID/namespace/name" -> struct subject */
	bool started, synced;
	size_t nfaults;
};

struct subject {
	struct source *source;
	struct subject *dirty_prev, *dirty_next;
	bool dirty;
	enum kind_id kind;
	const struct object *obj; /* as last collected; NULL before the first time */
	char *namespace, *name;
	struct link *links;
	size_t nlinks;
	size_t nendpoints; /* that it gave postprocess */
	struct map said;   /* key -> struct said */
	struct fault *faults;
	size_t nfaults;
};

struct source_set {
	struct loop *loop;
	const struct config *config;
	struct store *store;
	const struct endpoint_sink *sink;
	struct source_settings *settings;
	struct postprocess *postprocess;
	struct host_resolver *resolver;
	struct source *sources;
	size_t n;
	struct map deps;
	struct subject *dirty_first, *dirty_last;
	struct loop_timer *flush;
	source_error_cb on_error;
	void *on_error_ctx;
	source_collected_cb on_collected;
	void *on_collected_ctx;
};

struct source_run {
	struct source_set *set;
	struct subject *subject;
	struct endpoint_list emitted;
	bool keep; /* what was emitted before */
	bool gone; /* the object is */
	struct fault *faults;
	size_t nfaults;
};

/* --- dependencies --------------------------------------------------------------------- */

static void depend(struct subject *s, const char *key)
{
	struct map *deps = &s->source->set->deps;
	struct dep *d = map_get(deps, key);

	if (d == NULL) {
		d = MEM_NEW(struct dep);
		d->key = mem_strdup(key);
		(void)map_put(deps, key, d);
	}
	/* asked twice in a row, as collections do: the last backlink is ours already */
	if (d->n && d->to[d->n - 1].subject == s)
		return;
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 1;
		d->to = mem_array(d->to, d->cap, sizeof(*d->to));
	}
	s->links = mem_array(s->links, s->nlinks + 1, sizeof(*s->links));
	s->links[s->nlinks] = (struct link){ d, d->n };
	d->to[d->n++] = (struct backlink){ s, s->nlinks++ };
}

static void dep_free(void *p)
{
	struct dep *d = p;

	free(d->key);
	free(d->to);
	free(d);
}

static void unlink_deps(struct subject *s)
{
	for (size_t i = 0; i < s->nlinks; i++) {
		struct dep *d = s->links[i].dep;
		size_t pos = s->links[i].pos;

		d->to[pos] = d->to[--d->n];
		d->to[pos].subject->links[d->to[pos].pos].pos = pos;
		if (d->n == 0)
			dep_free(map_remove(&s->source->set->deps, d->key));
	}
	s->nlinks = 0;
}

static char *object_dep(enum kind_id kind, const char *namespace, const char *name)
{
	return mem_printf("o%d/%s/%s", (int)kind, namespace, name);
}

/* Namespace "" = cluster-scoped, "*" = all. */
static char *kind_dep(enum kind_id kind, const char *namespace)
{
	return mem_printf("k%d/%s", (int)kind, namespace);
}

static char *slice_dep(const char *namespace, const char *service)
{
	return mem_printf("s%s/%s", namespace, service);
}

static void depend_take(struct subject *s, char *key)
{
	depend(s, key);
	free(key);
}

/* --- what became dirty ---------------------------------------------------------------- */

static void flush(void *ctx);
static void faults_free(struct fault *f, size_t n);

static void mark(struct subject *s)
{
	struct source_set *set = s->source->set;

	if (s->dirty || !s->source->started)
		return;
	s->dirty = true;
	s->dirty_prev = set->dirty_last;
	s->dirty_next = NULL;
	if (set->dirty_last)
		set->dirty_last->dirty_next = s;
	else
		set->dirty_first = s;
	set->dirty_last = s;
	if (!loop_timer_is_set(set->flush))
		loop_timer_set(set->flush, 0);
}

static void unmark(struct subject *s)
{
	struct source_set *set = s->source->set;

	if (!s->dirty)
		return;
	s->dirty = false;
	if (s->dirty_prev)
		s->dirty_prev->dirty_next = s->dirty_next;
	else
		set->dirty_first = s->dirty_next;
	if (s->dirty_next)
		s->dirty_next->dirty_prev = s->dirty_prev;
	else
		set->dirty_last = s->dirty_prev;
}

static void mark_dep(struct source_set *set, char *key)
{
	const struct dep *d = key ? map_get(&set->deps, key) : NULL;

	for (size_t i = 0; d && i < d->n; i++)
		mark(d->to[i].subject);
	free(key);
}

static void mark_slices(struct source_set *set, const struct object *o)
{
	const char *service = o && o->kind == KIND_ENDPOINT_SLICE
				      ? object_label(o, "kubernetes.io/service-name")
				      : NULL;

	if (service)
		mark_dep(set, slice_dep(o->namespace, service));
}

static bool has_kind(const enum kind_id *list, enum kind_id kind)
{
	for (; list && *list != KIND_COUNT; list++)
		if (*list == kind)
			return true;
	return false;
}

static struct subject *subject_for(struct source *src, const struct object *o)
{
	char *key = mem_printf("%d/%s/%s", (int)o->kind, o->namespace, o->name);
	struct subject *s = map_get(&src->subjects, key);

	if (s == NULL) {
		s = MEM_NEW(struct subject);
		s->source = src;
		s->kind = o->kind;
		s->namespace = mem_strdup(o->namespace);
		s->name = mem_strdup(o->name);
		(void)map_put(&src->subjects, key, s);
	}
	free(key);
	return s;
}

static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	struct source_set *set = ctx;
	const struct object *o = after ? after : before;

	for (size_t i = 0; i < set->n; i++)
		if (set->sources[i].started && has_kind(set->sources[i].ops->primary, o->kind))
			mark(subject_for(&set->sources[i], o));
	mark_dep(set, object_dep(o->kind, o->namespace, o->name));
	mark_dep(set, kind_dep(o->kind, o->namespace));
	if (*o->namespace)
		mark_dep(set, kind_dep(o->kind, "*"));
	mark_slices(set, before);
	mark_slices(set, after);
}

/* KIND, one of the source's, is read with the flags that there are. */
static bool reads(const struct source *src, enum kind_id kind)
{
	return src->ops->reads == NULL || has_kind(src->ops->primary, kind) ||
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
	faults_free(run.faults, run.nfaults);
}

static void start_object(void *ctx, const struct object *o)
{
	mark(subject_for(ctx, o));
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

/* --- a collection --------------------------------------------------------------------- */

static char *resource_of(const struct subject *s)
{
	char *kind = mem_strdup(kinds[s->kind].name);
	char *text;

	for (char *p = kind; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	text = *s->namespace ? mem_printf("%s/%s/%s", kind, s->namespace, s->name)
			     : mem_printf("%s/%s", kind, s->name);
	free(kind);
	return text;
}

static void pass_endpoints(struct source_run *run)
{
	struct subject *s = run->subject;

	if ((run->keep && s->nendpoints) || (run->emitted.n == 0 && s->nendpoints == 0)) {
		endpoint_list_fini(&run->emitted);
		return;
	}
	s->nendpoints = run->emitted.n;
	char *resource = resource_of(s);
	postprocess_put(run->set->postprocess, s->source->ops->name, resource,
			run->gone ? NULL : &run->emitted);
	free(resource);
}

static void faults_free(struct fault *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].reason);
		free(f[i].message);
	}
	free(f);
}

static bool had_fault(const struct subject *s, const struct fault *f)
{
	for (size_t i = 0; i < s->nfaults; i++)
		if (strcmp(s->faults[i].reason, f->reason) == 0 &&
		    strcmp(s->faults[i].message, f->message) == 0)
			return true;
	return false;
}

static size_t errors_in(const struct fault *f, size_t n)
{
	size_t errors = 0;

	for (size_t i = 0; i < n; i++)
		errors += !f[i].warning;
	return errors;
}

static void count_faults(struct subject *s, size_t now)
{
	size_t sum = 0;

	if (!!errors_in(s->faults, s->nfaults) == !!now)
		return;
	if (now)
		s->source->nfaults++;
	else
		s->source->nfaults--;
	for (size_t i = 0; i < s->source->set->n; i++) {
		const struct source *src = &s->source->set->sources[i];

		if (has_kind(src->ops->primary, s->kind))
			sum += src->nfaults;
	}
	metric_set(METRIC_OBJECT_ERRORS, (double)sum, kinds[s->kind].name);
}

static void pass_faults(struct source_run *run, const struct object *obj)
{
	struct subject *s = run->subject;
	struct source_set *set = run->set;

	for (size_t i = 0; i < run->nfaults; i++) {
		const struct fault *f = &run->faults[i];

		if (had_fault(s, f))
			continue;
		char *key = object_key(obj);
		log_warning("%s %s: %s", kinds[obj->kind].name, key, f->message);
		free(key);
		if (!f->warning) {
			metric_add(METRIC_OBJECT_ERRORS_TOTAL, 1, kinds[s->kind].name);
			metric_add(METRIC_EXTDNS_SOURCE_ERRORS_TOTAL, 1);
		}
		if (set->on_error)
			set->on_error(set->on_error_ctx, obj, f->reason, f->message);
	}
	count_faults(s, errors_in(run->faults, run->nfaults));
	faults_free(s->faults, s->nfaults);
	s->faults = run->faults;
	s->nfaults = run->nfaults;
}

static void drop_unsaid(struct subject *s)
{
	struct map_item *next;

	for (struct map_item *it = map_first(&s->said); it; it = next) {
		struct said *said = it->value;

		next = map_next(&s->said, it);
		if (!said->again)
			free(map_remove(&s->said, it->key));
		else
			said->again = false;
	}
}

static void subject_free(void *p)
{
	struct subject *s = p;

	unmark(s);
	unlink_deps(s);
	faults_free(s->faults, s->nfaults);
	map_fini(&s->said, free);
	object_unref(s->obj);
	free(s->links);
	free(s->namespace);
	free(s->name);
	free(s);
}

static void gone(struct subject *s)
{
	struct source *src = s->source;
	struct source_run run = { .set = src->set, .subject = s };
	char *key = mem_printf("%d/%s/%s", (int)s->kind, s->namespace, s->name);

	if (src->ops->removed && s->obj)
		src->ops->removed(&run, s->obj);
	endpoint_list_fini(&run.emitted);
	run.gone = true;
	pass_endpoints(&run);
	count_faults(s, 0);
	faults_free(run.faults, run.nfaults);
	subject_free(map_remove(&src->subjects, key));
	free(key);
}

static void collect(struct subject *s)
{
	struct source_run run = { .set = s->source->set, .subject = s };
	const struct object *obj = store_get(run.set->store, s->kind, s->namespace, s->name);

	if (obj == NULL) {
		gone(s);
		return;
	}
	object_ref(obj);
	unlink_deps(s);
	s->source->ops->collect(&run, obj);
	object_unref(s->obj);
	s->obj = obj;
	drop_unsaid(s);
	pass_endpoints(&run);
	pass_faults(&run, obj);
	if (run.set->on_collected)
		run.set->on_collected(run.set->on_collected_ctx, s->source->ops->name, obj,
				      s->nendpoints, s->nfaults ? s->faults[0].message : NULL);
}

static void flush(void *ctx)
{
	struct source_set *set = ctx;

	if (set->dirty_first)
		status_touch();
	while (set->dirty_first) {
		struct subject *s = set->dirty_first;

		unmark(s);
		collect(s);
	}
	postprocess_flush(set->postprocess);
	tell_synced(set);
}

/* --- for the sources ------------------------------------------------------------------ */

const struct store *source_store(const struct source_run *run)
{
	return run->set->store;
}

const struct config *source_config(const struct source_run *run)
{
	return run->set->config;
}

const struct source_settings *source_settings(const struct source_run *run)
{
	return run->set->settings;
}

const struct endpoint_sink *source_sink(const struct source_run *run)
{
	return run->set->sink;
}

const struct object *source_get(struct source_run *run, enum kind_id kind, const char *namespace,
				const char *name)
{
	const char *ns = kinds[kind].namespaced && namespace ? namespace : "";

	depend_take(run->subject, object_dep(kind, ns, name));
	return store_get(run->set->store, kind, ns, name);
}

void source_each(struct source_run *run, enum kind_id kind, const char *namespace,
		 void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	const char *ns = !kinds[kind].namespaced ? "" : namespace ? namespace : "*";

	depend_take(run->subject, kind_dep(kind, ns));
	store_each(run->set->store, kind, kinds[kind].namespaced ? namespace : NULL, cb, ctx);
}

void source_each_slice(struct source_run *run, const char *namespace, const char *service,
		       void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	depend_take(run->subject, slice_dep(namespace, service));
	store_each_slice(run->set->store, namespace, service, cb, ctx);
}

void source_resolve(struct source_run *run, const char *hostname, struct strv *v)
{
	depend_take(run->subject, mem_printf("h%s", hostname));
	host_resolver_get(run->set->resolver, hostname, v);
}

void source_keep(struct source_run *run)
{
	run->keep = true;
}

/* Postprocess leaves it out and counts it; the object's owner is to know. */
static void report_invalid(struct source_run *run, const struct endpoint *e)
{
	const char *why = endpoint_check(e);

	if (why && !config_bool(run->set->config, OPT_FORCE_DEFAULT_TARGETS))
		source_error(run, NULL, "InvalidEndpoint", "\"%s\" %s is left out: %s", e->dns_name,
			     e->record_type, why);
}

void source_emit(struct source_run *run, struct endpoint *e)
{
	if (endpoint_label(e, "resource") == NULL) {
		char *resource = resource_of(run->subject);

		endpoint_set_label(e, "resource", resource);
		free(resource);
	}
	const char *namespace = run->subject ? run->subject->namespace : NULL;
	/* an endpoint that no object gave (source fake) is nobody's claim */
	if (namespace && !zone_allow_host(source_config(run), namespace, e->dns_name)) {
		source_error(run, NULL, "HostNotAllowed",
			     "%s: namespace %s may not claim it (--zone-allow)", e->dns_name,
			     namespace);
		endpoint_free(e);
		return;
	}
	report_invalid(run, e);
	endpoint_list_take(&run->emitted, e);
}

static void add_fault(struct source_run *run, bool warning, const char *reason, char *message)
{
	run->faults = mem_array(run->faults, run->nfaults + 1, sizeof(*run->faults));
	run->faults[run->nfaults++] = (struct fault){ mem_strdup(reason), message, warning };
}

void source_error(struct source_run *run, const struct object *obj, const char *reason,
		  const char *fmt, ...)
{
	va_list ap;

	(void)obj; /* always the run's own object today */
	va_start(ap, fmt);
	add_fault(run, false, reason, mem_vprintf(fmt, ap));
	va_end(ap);
}

void source_warning(struct source_run *run, const struct object *obj, const char *reason,
		    const char *fmt, ...)
{
	va_list ap;

	(void)obj;
	va_start(ap, fmt);
	add_fault(run, true, reason, mem_vprintf(fmt, ap));
	va_end(ap);
}

bool source_unsay(struct source_run *run, const char *key)
{
	void *said = map_remove(&run->subject->said, key);
	bool was = said != NULL;

	free(said);
	return was;
}

bool source_is_new(struct source_run *run, const char *key, const char *signature)
{
	struct map *m = &run->subject->said;
	struct said *said = map_get(m, key);
	uint64_t hash = map_hash(signature, strlen(signature));

	if (said == NULL) {
		said = MEM_NEW(struct said);
		(void)map_put(m, key, said);
	} else if (said->hash == hash) {
		said->again = true;
		return false;
	}
	said->hash = hash;
	said->again = true;
	return true;
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
			char *resource = resource_of(s);
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
	mark_dep(ctx, mem_printf("h%s", name));
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
	map_fini(&set->deps, dep_free);
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
		if (has_kind(set->sources[i].ops->primary, kind) ||
		    (has_kind(set->sources[i].ops->also, kind) && reads(&set->sources[i], kind)))
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
			mark(it->value);
}

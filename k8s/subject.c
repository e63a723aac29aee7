#include "k8s/subject.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/dependency.h"
#include "k8s/postprocess.h"
#include "k8s/source.h"
#include "k8s/source_parts.h"
#include "k8s/store.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"

void subject_mark(struct subject *s)
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

void subject_unmark(struct subject *s)
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

struct subject *subject_for(struct source *src, const struct object *o)
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

char *subject_resource(const struct subject *s)
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

/* A kind of the same name in another group comes before this one in the source. */
static bool has_namesake(const struct subject *s)
{
	for (const enum kind_id *k = s->source->ops->primary; *k != s->kind && *k != KIND_COUNT;
	     k++)
		if (strcmp(kinds[*k].name, kinds[s->kind].name) == 0)
			return true;
	return false;
}

/* What tells the object from the source's others; caller frees. */
static char *giver_key(const struct subject *s)
{
	char *resource = subject_resource(s), *key;

	if (!has_namesake(s))
		return resource;
	key = mem_printf("%s (%s)", resource, kinds[s->kind].group);
	free(resource);
	return key;
}

static void pass_endpoints(struct source_run *run)
{
	struct subject *s = run->subject;

	if ((run->keep && s->nendpoints) || (run->emitted.n == 0 && s->nendpoints == 0)) {
		endpoint_list_fini(&run->emitted);
		return;
	}
	s->nendpoints = run->emitted.n;
	char *key = giver_key(s);
	postprocess_put(run->set->postprocess, s->source->ops->name, key,
			run->gone ? NULL : &run->emitted);
	free(key);
}

void subject_faults_free(struct fault *f, size_t n)
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

		if (source_has_kind(src->ops->primary, s->kind))
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
	subject_faults_free(s->faults, s->nfaults);
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

void subject_free(void *p)
{
	struct subject *s = p;

	subject_unmark(s);
	dependency_unlink(s);
	subject_faults_free(s->faults, s->nfaults);
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
	subject_faults_free(run.faults, run.nfaults);
	subject_free(map_remove(&src->subjects, key));
	free(key);
}

void subject_collect(struct subject *s)
{
	struct source_run run = { .set = s->source->set, .subject = s };
	const struct object *obj = store_get(run.set->store, s->kind, s->namespace, s->name);

	if (obj == NULL) {
		gone(s);
		return;
	}
	object_ref(obj);
	dependency_unlink(s);
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

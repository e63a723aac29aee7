#include "sync/desired.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/idna.h"
#include "lib/mem.h"
#include "sync/adopt.h"
#include "sync/target.h"

#define LABEL_RESOURCES " resources" /* sync/txt_registry.c reads it */

struct object {
	char *source, *name;
	size_t rank; /* of the source */
	struct endpoint_list e;
};

/* One endpoint that wants a name. */
struct want {
	const struct object *object;
	struct endpoint *e; /* the object's */
};

struct wants {
	struct want *w;
	size_t n;
};

static void object_free(void *p)
{
	struct object *o = p;

	free(o->source);
	free(o->name);
	endpoint_list_fini(&o->e);
	free(o);
}

static void wants_free(void *p)
{
	struct wants *w = p;

	free(w->w);
	free(w);
}

void desired_init(struct desired *d, const struct strv *order)
{
	*d = (struct desired){ 0 };
	if (order)
		strv_copy(&d->order, order);
}

void desired_fini(struct desired *d)
{
	map_fini(&d->names, wants_free);
	map_fini(&d->objects, object_free);
	strv_fini(&d->order);
}

static size_t rank_of(const struct desired *d, const char *source)
{
	for (size_t i = 0; i < d->order.n; i++)
		if (strcmp(d->order.s[i], source) == 0)
			return i;
	return d->order.n;
}

static struct endpoint *normalise(const struct endpoint *from)
{
	struct endpoint *e = endpoint_copy(from);

	if (!idna_is_normal(e->dns_name)) {
		char *name = idna_normal(e->dns_name);

		free(e->dns_name);
		e->dns_name = name;
	}
	for (char *p = e->record_type; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	target_normalise(e);
	if (target_is_name(e->record_type)) {
		for (size_t i = 0; i < e->targets.n; i++) {
			/* only names beyond ASCII are changed: case is kept as written */
			if (strpbrk(e->targets.s[i], " \t") == NULL)
				for (char *p = e->targets.s[i]; *p; p++)
					if (*p & 0x80) {
						char *t = idna_normal(e->targets.s[i]);

						free(e->targets.s[i]);
						e->targets.s[i] = t;
						break;
					}
		}
	}
	if (strcmp(e->record_type, "CNAME") == 0 && e->targets.n > 1) {
		/* RFC 2181 10.1: one CNAME a name; which one must not depend on luck */
		strv_sort(&e->targets);
		while (e->targets.n > 1)
			strv_remove(&e->targets, e->targets.n - 1);
	}
	adopt_strip(e);
	return e;
}

static void drop_wants(struct desired *d, const struct object *o, struct strv *changed)
{
	for (size_t i = 0; i < o->e.n; i++) {
		const char *name = o->e.e[i]->dns_name;
		struct wants *w = map_get(&d->names, name);

		(void)strv_add_unique(changed, name);
		for (size_t k = 0; w && k < w->n; k++) {
			if (w->w[k].e != o->e.e[i])
				continue;
			w->n--;
			memmove(&w->w[k], &w->w[k + 1], (w->n - k) * sizeof(*w->w));
			break;
		}
		if (w && w->n == 0)
			wants_free(map_remove(&d->names, name));
	}
	d->n -= o->e.n;
}

static void add_wants(struct desired *d, const struct object *o, struct strv *changed)
{
	for (size_t i = 0; i < o->e.n; i++) {
		const char *name = o->e.e[i]->dns_name;
		struct wants *w = map_get(&d->names, name);

		(void)strv_add_unique(changed, name);
		if (w == NULL) {
			w = MEM_NEW(struct wants);
			(void)map_put(&d->names, name, w); /* was not there */
		}
		w->w = mem_array(w->w, w->n + 1, sizeof(*w->w));
		w->w[w->n++] = (struct want){ .object = o, .e = o->e.e[i] };
	}
	d->n += o->e.n;
}

static bool gives_the_same(const struct object *o, const struct endpoint_list *l)
{
	if (o->e.n != l->n)
		return false;
	for (size_t i = 0; i < l->n; i++)
		if (!endpoint_equal(o->e.e[i], l->e[i]))
			return false;
	return true;
}

void desired_set(struct desired *d, const char *source, const char *object,
		 struct endpoint *const *endpoints, size_t n, struct strv *changed)
{
	char *key = mem_printf("%s %s", source, object);
	struct object *o = map_get(&d->objects, key);
	struct endpoint_list now = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct endpoint *e = normalise(endpoints[i]);

		/*
		 * Name servers and their addresses: clusters that have one owner id must not take
		 * each other's for leftovers of their own.
		 */
		e->shared = e->shared || strcmp(source, "gslb") == 0;
		endpoint_list_take(&now, e);
	}
	if (o && gives_the_same(o, &now)) {
		endpoint_list_fini(&now);
		free(key);
		return;
	}
	if (o) {
		drop_wants(d, o, changed);
		object_free(map_remove(&d->objects, key));
	}
	if (n) {
		o = MEM_NEW(struct object);
		o->source = mem_strdup(source);
		o->name = mem_strdup(object);
		o->rank = rank_of(d, source);
		o->e = now;
		(void)map_put(&d->objects, key, o); /* was removed above */
		add_wants(d, o, changed);
	}
	free(key);
}

static const char *resource_of(const struct endpoint *e)
{
	const char *r = endpoint_label(e, "resource");

	return r ? r : "";
}

static int compare_wants(const void *pa, const void *pb)
{
	const struct want *a = pa, *b = pb;

	if (a->object->rank != b->object->rank)
		return a->object->rank < b->object->rank ? -1 : 1;
	int d = strcmp(a->object->source, b->object->source);
	if (d == 0)
		d = strcmp(resource_of(a->e), resource_of(b->e));
	return d ? d : strcmp(a->object->name, b->object->name);
}

static bool can_unite(const struct want *a, const struct want *b)
{
	return strcmp(a->object->source, b->object->source) == 0 &&
	       endpoint_compare_key(a->e, b->e) == 0 && a->e->record_ttl == b->e->record_ttl &&
	       !a->e->shared && !b->e->shared && strcmp(a->e->record_type, "CNAME") != 0;
}

static void add_resource(struct endpoint *to, const struct endpoint *from)
{
	const char *all = endpoint_label(to, LABEL_RESOURCES), *more = resource_of(from);

	if (*more == '\0' || strcmp(resource_of(to), more) == 0)
		return;
	char *text = mem_printf("%s %s", all ? all : resource_of(to), more);
	endpoint_set_label(to, LABEL_RESOURCES, text);
	free(text);
}

static void unite(struct endpoint *to, const struct endpoint *from)
{
	for (size_t i = 0; i < from->targets.n; i++)
		if (!target_set_has(&to->targets, from->targets.s[i]))
			strv_add(&to->targets, from->targets.s[i]);
	add_resource(to, from);
}

void desired_candidates(const struct desired *d, const char *name, struct endpoint_list *out)
{
	struct wants *w = map_get(&d->names, name);
	size_t first = out->n;

	if (w == NULL)
		return;
	if (w->n > 1)
		qsort(w->w, w->n, sizeof(*w->w), compare_wants);
	const struct want **from = mem_calloc(w->n, sizeof(*from)); /* of each in OUT */
	for (size_t i = 0; i < w->n; i++) {
		bool done = false;

		for (size_t k = first; k < out->n && !done; k++) {
			struct endpoint *e = out->e[k];

			if (can_unite(from[k - first], &w->w[i])) {
				unite(e, w->w[i].e);
				done = true;
			} else if (endpoint_compare_key(e, w->w[i].e) == 0 &&
				   e->shared == w->w[i].e->shared &&
				   e->record_ttl == w->w[i].e->record_ttl &&
				   target_set_equal(&e->targets, &w->w[i].e->targets) &&
				   strcmp(resource_of(e), resource_of(w->w[i].e)) == 0) {
				done = true;
			}
		}
		if (done)
			continue;
		from[out->n - first] = &w->w[i];
		endpoint_list_take(out, endpoint_copy(w->w[i].e));
	}
	free(from);
}

void desired_each_name(const struct desired *d, void (*cb)(void *ctx, const char *name), void *ctx)
{
	for (struct map_item *it = map_first(&d->names); it; it = map_next(&d->names, it))
		cb(ctx, it->key);
}

const char *desired_object(const struct desired *d, const struct endpoint *e)
{
	const struct wants *w = map_get(&d->names, e->dns_name);
	const char *resource = endpoint_label(e, "resource"), *any = NULL;

	for (size_t i = 0; w && i < w->n; i++) {
		if (endpoint_compare_key(w->w[i].e, e) != 0)
			continue;
		if (resource && strcmp(resource_of(w->w[i].e), resource) == 0)
			return w->w[i].object->name;
		any = any ? any : w->w[i].object->name;
	}
	return any;
}

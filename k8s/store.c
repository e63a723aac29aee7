#include "k8s/store.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

/* kind -> namespace -> name -> object: a get copies no key, a namespace is walked alone. */
struct shelf {
	struct map namespaces; /* namespace -> struct map of name -> struct object */
	size_t n;
	enum store_state state;
};

struct slices {
	struct object **o;
	size_t n;
};

struct change_cb {
	void (*cb)(void *ctx, const struct object *before, const struct object *after);
	void *ctx;
};

struct synced_cb {
	void (*cb)(void *ctx, enum kind_id kind);
	void *ctx;
};

struct store {
	struct shelf kind[KIND_COUNT];
	struct map slices; /* "namespace/service" -> struct slices */
	struct change_cb *on_change;
	size_t non_change;
	struct synced_cb *on_synced;
	size_t non_synced;
};

struct store *store_new(void)
{
	return MEM_NEW(struct store);
}

static void unref(void *o)
{
	object_unref(o);
}

static void free_namespace(void *m)
{
	map_fini(m, unref);
	free(m);
}

static void free_slices(void *v)
{
	struct slices *s = v;

	free(s->o);
	free(s);
}

void store_free(struct store *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < KIND_COUNT; i++)
		map_fini(&s->kind[i].namespaces, free_namespace);
	map_fini(&s->slices, free_slices);
	free(s->on_change);
	free(s->on_synced);
	free(s);
}

static char *slice_key(const struct object *o)
{
	const char *service = object_label(o, SERVICE_LABEL);

	if (o->kind != KIND_ENDPOINT_SLICE || service == NULL)
		return NULL;
	return mem_printf("%s/%s", o->namespace, service);
}

static void index_slice(struct store *s, struct object *o)
{
	char *key = slice_key(o);

	if (key == NULL)
		return;
	struct slices *v = map_get(&s->slices, key);
	if (v == NULL) {
		v = MEM_NEW(struct slices);
		(void)map_put(&s->slices, key, v);
	}
	v->o = mem_array(v->o, v->n + 1, sizeof(struct object *));
	v->o[v->n++] = o;
	free(key);
}

static void unindex_slice(struct store *s, const struct object *o)
{
	char *key = slice_key(o);
	struct slices *v = key ? map_get(&s->slices, key) : NULL;

	for (size_t i = 0; v && i < v->n; i++) {
		if (v->o[i] != o)
			continue;
		v->o[i] = v->o[--v->n];
		if (v->n == 0)
			free_slices(map_remove(&s->slices, key));
		break;
	}
	free(key);
}

static void tell(struct store *s, const struct object *before, const struct object *after)
{
	for (size_t i = 0; i < s->non_change; i++)
		s->on_change[i].cb(s->on_change[i].ctx, before, after);
}

static bool is_same(const struct object *a, const struct object *b)
{
	if (*a->resource_version || *b->resource_version)
		return strcmp(a->resource_version, b->resource_version) == 0 &&
		       strcmp(a->uid, b->uid) == 0;
	return json_equal(a->json, b->json);
}

void store_put(struct store *s, struct object *o)
{
	struct shelf *shelf = &s->kind[o->kind];
	struct map *m = map_get(&shelf->namespaces, o->namespace);

	if (m == NULL) {
		m = MEM_NEW(struct map);
		(void)map_put(&shelf->namespaces, o->namespace, m);
	}
	struct object *before = map_get(m, o->name);
	if (before && is_same(before, o)) {
		object_unref(o);
		return;
	}
	(void)map_put(m, o->name, o);
	if (before)
		unindex_slice(s, before);
	else
		shelf->n++;
	index_slice(s, o);
	tell(s, before, o);
	object_unref(before);
}

void store_remove(struct store *s, enum kind_id kind, const char *namespace, const char *name)
{
	struct shelf *shelf = &s->kind[kind];
	struct map *m = map_get(&shelf->namespaces, namespace);
	struct object *o = m ? map_remove(m, name) : NULL;

	if (o == NULL)
		return;
	shelf->n--;
	unindex_slice(s, o);
	if (m->n == 0)
		free_namespace(map_remove(&shelf->namespaces, o->namespace));
	tell(s, o, NULL);
	object_unref(o);
}

const struct object *store_get(const struct store *s, enum kind_id kind, const char *namespace,
			       const char *name)
{
	const struct map *m = map_get(&s->kind[kind].namespaces, namespace);

	return m ? map_get(m, name) : NULL;
}

size_t store_count(const struct store *s, enum kind_id kind)
{
	return s->kind[kind].n;
}

static void each_of(const struct map *m, void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	for (struct map_item *it = map_first(m); it; it = map_next(m, it))
		cb(ctx, it->value);
}

void store_each(const struct store *s, enum kind_id kind, const char *namespace,
		void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	const struct map *all = &s->kind[kind].namespaces;

	if (namespace) {
		const struct map *m = map_get(all, namespace);

		if (m)
			each_of(m, cb, ctx);
		return;
	}
	for (struct map_item *it = map_first(all); it; it = map_next(all, it))
		each_of(it->value, cb, ctx);
}

void store_each_slice(const struct store *s, const char *namespace, const char *service,
		      void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	char *key = mem_printf("%s/%s", namespace, service);
	const struct slices *v = map_get(&s->slices, key);

	for (size_t i = 0; v && i < v->n; i++)
		cb(ctx, v->o[i]);
	free(key);
}

void store_on_change(struct store *s,
		     void (*cb)(void *ctx, const struct object *before, const struct object *after),
		     void *ctx)
{
	s->on_change = mem_array(s->on_change, s->non_change + 1, sizeof(*s->on_change));
	s->on_change[s->non_change++] = (struct change_cb){ cb, ctx };
}

void store_set_state(struct store *s, enum kind_id kind, enum store_state state)
{
	if (s->kind[kind].state == state)
		return;
	s->kind[kind].state = state;
	for (size_t i = 0; i < s->non_synced; i++)
		s->on_synced[i].cb(s->on_synced[i].ctx, kind);
}

enum store_state store_state(const struct store *s, enum kind_id kind)
{
	return s->kind[kind].state;
}

void store_set_synced(struct store *s, enum kind_id kind, bool synced)
{
	store_set_state(s, kind, synced ? STORE_SYNCED : STORE_PENDING);
}

bool store_is_synced(const struct store *s, enum kind_id kind)
{
	return s->kind[kind].state == STORE_SYNCED || s->kind[kind].state == STORE_ABSENT;
}

void store_on_synced(struct store *s, void (*cb)(void *ctx, enum kind_id kind), void *ctx)
{
	s->on_synced = mem_array(s->on_synced, s->non_synced + 1, sizeof(*s->on_synced));
	s->on_synced[s->non_synced++] = (struct synced_cb){ cb, ctx };
}

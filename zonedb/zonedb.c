#include "zonedb/zonedb.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "zonedb/version.h"

char version_readers;

struct zonedb *zonedb_new(void)
{
	struct zonedb *db = MEM_NEW(struct zonedb);

	qname_seed_init();
	pthread_mutex_init(&db->lock, NULL);
	db->current = MEM_NEW(struct zonedb_version);
	db->current->db = db;
	db->current->refs = 1; /* the database's own */
	return db;
}

static void destroy_zone(void *ctx, void *leaf)
{
	zone_destroy(leaf, *(const uint64_t *)ctx);
}

static void destroy_version(struct zonedb_version *v, uint64_t birth)
{
	trie_free(v->zones, birth, destroy_zone, &birth);
	cow_dead_fini(&v->dead);
	free(v);
}

void zonedb_free(struct zonedb *db)
{
	if (db == NULL)
		return;
	rcu_barrier();                 /* versions on their way out */
	pthread_mutex_lock(&db->lock); /* what their thread did to the line is seen from here on */
	pthread_mutex_unlock(&db->lock);
	assert(db->current->older == NULL); /* else somebody still holds a reference */
	destroy_version(db->current, 0);
	pthread_mutex_destroy(&db->lock);
	free(db);
}

const struct zonedb_version *zonedb_current(const struct zonedb *db)
{
	return __atomic_load_n(&db->current, __ATOMIC_ACQUIRE);
}

const struct zonedb_version *zonedb_ref(const struct zonedb *db)
{
	struct zonedb *d = (struct zonedb *)(uintptr_t)db;

	pthread_mutex_lock(&d->lock);
	struct zonedb_version *v = d->current;
	v->refs++;
	pthread_mutex_unlock(&d->lock);
	return v;
}

/* No reader and no reference is left: take V out of the line and free what only it had. */
static void version_free(struct rcu_head *head)
{
	VERSION_READERS_LEFT();
	struct zonedb_version *v =
		(struct zonedb_version *)(void *)((char *)head -
						  offsetof(struct zonedb_version, rcu));
	struct zonedb *db = v->db;

	pthread_mutex_lock(&db->lock);
	struct zonedb_version *newer = v->newer;
	struct zonedb_version *older = v->older;
	struct cow_dead keep = { 0 };
	struct cow_dead doomed = newer->dead; /* V is never the current one, so there is one */

	newer->older = older;
	if (older)
		older->newer = newer;
	memset(&newer->dead, 0, sizeof(newer->dead));
	/* of what NEWER dropped, the part born after OLDER was V's alone */
	cow_dead_split(&doomed, older ? older->id : 0, &keep);
	cow_dead_move(&keep, &v->dead); /* empty without OLDER */
	newer->dead = keep;
	pthread_mutex_unlock(&db->lock);
	cow_dead_free(&doomed);
	free(v);
}

void zonedb_unref(const struct zonedb_version *version)
{
	struct zonedb_version *v = (struct zonedb_version *)(uintptr_t)version;

	if (v == NULL)
		return;
	pthread_mutex_lock(&v->db->lock);
	bool last = --v->refs == 0;
	pthread_mutex_unlock(&v->db->lock);
	VERSION_READER_DONE();
	if (last)
		call_rcu(&v->rcu, version_free);
}

const struct zone *version_find_deep(const struct zonedb_version *v, const struct qname *q,
				     unsigned max)
{
	for (unsigned d = max; d >= 63; d--) {
		const struct zone *z = version_zone_at(v, q, d);

		if (z)
			return z;
	}
	return NULL;
}

struct zonedb_version *version_next(struct zonedb *db)
{
	struct zonedb_version *v = MEM_NEW(struct zonedb_version);

	v->id = ++db->last_id;
	v->zones = db->current->zones;
	v->depths = db->current->depths;
	v->nzones = db->current->nzones;
	memcpy(v->depth, db->current->depth, sizeof(v->depth));
	v->db = db;
	v->refs = 1;
	return v;
}

void version_publish(struct zonedb_version *v, struct cow *c)
{
	struct zonedb *db = v->db;

	pthread_mutex_lock(&db->lock);
	v->dead = c->dead;
	v->older = db->current;
	db->current->newer = v;
	__atomic_store_n(&db->current, v, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&db->lock);
}

void version_discard(struct zonedb_version *v, struct cow *c)
{
	cow_dead_fini(&c->dead);
	destroy_version(v, c->id);
}

const struct zone *zonedb_zone(const struct zonedb_version *v, const uint8_t *origin)
{
	struct qname q;

	qname_set(&q, origin);
	const struct zone *z = (const struct zone *)trie_find(v->zones, &q, 0);
	return z && !z->is_held ? z : NULL;
}

const struct zone *zonedb_find(const struct zonedb_version *v, const uint8_t *qname)
{
	struct qname q;

	qname_set(&q, qname);
	const struct zone *z = version_find(v, &q, q.labels);
	return z && !z->is_held ? z : NULL;
}

struct zone_list {
	const struct zone **zones;
	size_t n;
};

static bool collect(void *ctx, const struct trie_leaf *leaf)
{
	struct zone_list *l = ctx;

	const struct zone *z = (const struct zone *)leaf;

	if (!z->is_held)
		l->zones[l->n++] = z;
	return true;
}

static int by_origin(const void *a, const void *b)
{
	const struct zone *const *x = a;
	const struct zone *const *y = b;

	return dname_compare((*x)->leaf.name, (*y)->leaf.name);
}

void zonedb_each(const struct zonedb_version *v, void (*cb)(void *ctx, const struct zone *z),
		 void *ctx)
{
	struct zone_list l = { mem_calloc(v->nzones + 1, sizeof(l.zones[0])), 0 };

	(void)trie_each(v->zones, collect, &l); /* collect never stops */
	qsort(l.zones, l.n, sizeof(l.zones[0]), by_origin);
	for (size_t i = 0; i < l.n; i++)
		cb(ctx, l.zones[i]);
	free(l.zones);
}

void zonedb_on_commit(struct zonedb *db,
		      void (*cb)(void *ctx, const struct zone *before, const struct zone *after),
		      void *ctx)
{
	assert(db->non_commit < ARRAY_SIZE(db->on_commit));
	db->on_commit[db->non_commit] = cb;
	db->on_commit_ctx[db->non_commit++] = ctx;
}

void zonedb_on_new_zone(struct zonedb *db,
			void (*cb)(void *ctx, struct txn *t, const uint8_t *origin), void *ctx)
{
	assert(db->non_new_zone < ARRAY_SIZE(db->on_new_zone));
	db->on_new_zone[db->non_new_zone] = cb;
	db->on_new_zone_ctx[db->non_new_zone++] = ctx;
}

/*
 * version - one immutable view of all zones, and the line of versions still in
 * use.  The inside of zonedb/; the answer path looks at it through
 * version_zone_of.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#define _LGPL_SOURCE 1 /* liburcu's inline readers */
#include <urcu-qsbr.h>

#include "zonedb/cow.h"
#include "zonedb/trie.h"
#include "zonedb/zone.h"

struct txn;

#if defined(__SANITIZE_THREAD__)
#define VERSION_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VERSION_TSAN 1
#endif
#endif

/*
 * ThreadSanitizer does not see how liburcu orders readers before the freeing of versions: a reader
 * that is done says so, and who frees hears it.  Nothing in other builds.
 */
extern char version_readers;
#ifdef VERSION_TSAN
void __tsan_release(void *);
void __tsan_acquire(void *);
#define VERSION_READER_DONE()  __tsan_release(&version_readers)
#define VERSION_READERS_LEFT() __tsan_acquire(&version_readers)
#else
#define VERSION_READER_DONE()  ((void)0)
#define VERSION_READERS_LEFT() ((void)0)
#endif

#define VERSION_DEPTHS 16 /* deeper origins are found by hash alone */

struct zonedb_version {
	uint64_t id; /* of the transaction that made it */
	trie_ref zones;
	uint64_t depths; /* bit min(d, 63): an origin with d labels is there */
	size_t nzones;
	/* by number of labels: how many zones, and the zone if there is one alone (else NULL) */
	struct {
		size_t n;
		const struct zone *lone;
	} depth[VERSION_DEPTHS];
	struct zonedb *db;
	unsigned refs;                        /* under db->lock */
	struct zonedb_version *older, *newer; /* versions still in use; under db->lock */
	struct cow_dead dead; /* what the version before had and this has not; under db->lock */
	struct rcu_head rcu;
};

struct zonedb {
	struct zonedb_version *current; /* RCU */
	pthread_mutex_t lock;           /* refs, the line of versions, their dead */
	uint64_t last_id;
	void *txn; /* the running one */
	void (*on_commit[8])(void *ctx, const struct zone *before, const struct zone *after);
	void *on_commit_ctx[8];
	unsigned non_commit;
	void (*on_new_zone[4])(void *ctx, struct txn *t, const uint8_t *origin);
	void *on_new_zone_ctx[4];
	unsigned non_new_zone;
};

/* The zone whose origin is Q's suffix of D labels, or NULL. */
static inline const struct zone *version_zone_at(const struct zonedb_version *v,
						 const struct qname *q, unsigned d)
{
	if (d < VERSION_DEPTHS && v->depth[d].lone) {
		const struct zone *z = v->depth[d].lone;

		return qname_suffix_is(q, q->labels - d, z->leaf.name, z->leaf.name_len) ? z : NULL;
	}
	return (const struct zone *)trie_find(v->zones, q, q->labels - d);
}

/* version_find among origins of 63 labels and more, of which v->depths knows no details. */
const struct zone *version_find_deep(const struct zonedb_version *v, const struct qname *q,
				     unsigned max);

/*
 * The deepest zone that Q's name is in, among origins of at most MAX labels; NULL if none.
 * Any thread that holds V.
 */
static inline const struct zone *version_find(const struct zonedb_version *v, const struct qname *q,
					      unsigned max)
{
	uint64_t depths = v->depths;

	if (__builtin_expect(max < 63, 1))
		depths &= (2ULL << max) - 1;
	while (depths) {
		unsigned d = 63 - (unsigned)__builtin_clzll(depths);
		const struct zone *z = __builtin_expect(d == 63, 0) ? version_find_deep(v, q, max)
								    : version_zone_at(v, q, d);

		if (z)
			return z;
		depths &= ~(1ULL << d);
	}
	return NULL;
}

/* The next version after db->current, with everything in it still shared. */
struct zonedb_version *version_next(struct zonedb *db);
/* Publish V, made by version_next and changed with C; the version before goes when unused. */
void version_publish(struct zonedb_version *v, struct cow *c);
/* V was never published: free what its transaction made. */
void version_discard(struct zonedb_version *v, struct cow *c);

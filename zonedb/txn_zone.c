/* The zones of a transaction: added, dropped, held, cleared (zonedb/txn.h). */
#include "zonedb/txn.h"

#include <stdlib.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "zonedb/txn_inside.h"

/* Held ones, too. */
const struct zone *txn_zone_find_any(const struct txn *t, const uint8_t *origin)
{
	struct qname q;

	qname_set(&q, origin);
	return (const struct zone *)trie_find(t->v->zones, &q, 0);
}

const struct zone *txn_zone_find(const struct txn *t, const uint8_t *origin)
{
	const struct zone *z = txn_zone_find_any(t, origin);

	return z && !z->is_held ? z : NULL;
}

void txn_zone_put(struct txn *t, const struct zone *z)
{
	const struct trie_leaf *old;

	/* sixteen origins with one 64-bit hash need the seed to be known */
	if (trie_put(&t->v->zones, &t->cow, &z->leaf, &old))
		abort();
	t->v->depths |= depth_bit(z->labels);
	t->v->nzones += old == NULL;
	if (z->labels >= VERSION_DEPTHS)
		return;
	t->v->depth[z->labels].n += old == NULL;
	t->v->depth[z->labels].lone = t->v->depth[z->labels].n == 1 ? z : NULL;
}

struct txn_zone *txn_zone_touch(struct txn *t, const struct zone *before, struct zone *now)
{
	struct txn_zone *tz = MEM_NEW(struct txn_zone);

	tz->before = before;
	tz->now = now;
	if (now)
		now->txn = tz;
	tz->next = t->zones;
	t->zones = tz;
	return tz;
}

/* Z of this transaction, copied if it is still the published one. */
struct zone *txn_zone_own(struct txn *t, const struct zone *z)
{
	if (z->txn)
		return z->txn->now;
	struct zone *copy = zone_copy(z, t->cow.id);
	txn_zone_touch(t, z, copy);
	txn_zone_put(t, copy);
	cow_retire(&t->cow, (void *)(uintptr_t)z, COW_ZONE);
	return copy;
}

void txn_zone_retire(struct txn *t, const struct zone *z)
{
	struct zone parts = *z;

	zone_retire_data(&parts, &t->cow);
	cow_retire(&t->cow, (void *)(uintptr_t)z, COW_ZONE);
}

static struct zone *empty_zone(struct txn *t, const uint8_t *origin)
{
	struct qname q;
	const struct trie_leaf *old;

	qname_set(&q, origin);
	struct zone *z = zone_new(&q, t->cow.id);
	struct node *apex = node_new(&q, 0, origin, t->cow.id);
	apex->flags = NODE_APEX;
	(void)trie_put(&z->nodes, &t->cow, &apex->leaf, &old); /* the first one */
	z->apex = apex;
	return z;
}

static bool add_depth(void *ctx, const struct trie_leaf *leaf)
{
	*(uint64_t *)ctx |= depth_bit(((const struct zone *)leaf)->labels);
	return true;
}

static void zones_remove(struct txn *t, const struct zone *z)
{
	trie_remove(&t->v->zones, &t->cow, &z->leaf);
	t->v->nzones--;
	if (z->labels < VERSION_DEPTHS) {
		/* the one that may be left is found by hash until it changes */
		t->v->depth[z->labels].n--;
		t->v->depth[z->labels].lone = NULL;
	}
	t->v->depths = 0;
	(void)trie_each(t->v->zones, add_depth, &t->v->depths); /* add_depth never stops */
}

/* HELD, if it is one, is not there any more. */
static bool release(struct txn *t, const struct zone *held)
{
	if (held == NULL || !held->is_held)
		return false;
	if (held->txn)
		held->txn->now = NULL;
	else
		txn_zone_touch(t, NULL, NULL)->is_hold = true;
	zones_remove(t, held);
	cow_retire(&t->cow, (void *)(uintptr_t)held, COW_ZONE);
	return true;
}

int txn_zone_add(struct txn *t, const uint8_t *origin)
{
	if (txn_zone_find(t, origin))
		return 0;
	(void)release(t, txn_zone_find_any(t, origin)); /* it may be held, or not there */
	struct zone *z = empty_zone(t, origin);
	for (struct txn_zone *tz = t->ndropped ? t->zones : NULL; tz; tz = tz->next) {
		if (tz->now || tz->before == NULL || !dname_equal(tz->before->leaf.name, origin))
			continue;
		tz->now = z; /* dropped before in this transaction */
		z->txn = tz;
		txn_zone_put(t, z);
		return 0;
	}
	txn_zone_touch(t, NULL, z);
	txn_zone_put(t, z);
	return 0;
}

int txn_zone_drop(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = txn_zone_find(t, origin);

	if (z == NULL)
		return release(t, txn_zone_find_any(t, origin)) ? 0 : ERR_NOT_FOUND;
	if (z->txn == NULL) {
		struct zone *empty = empty_zone(t, origin);

		txn_zone_touch(t, z, empty)->afresh = true;
		txn_zone_put(t, empty);
		z = empty;
	}
	struct txn_zone *tz = z->txn;
	zones_remove(t, z);
	txn_zone_retire(t, z);
	tz->now = NULL;
	t->ndropped++;
	return 0;
}

void txn_zone_hold(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = txn_zone_find_any(t, origin);
	struct qname q;

	if (z && z->is_held)
		return;
	if (z)
		(void)txn_zone_drop(t, origin); /* it is there */
	qname_set(&q, origin);
	struct zone *held = zone_new(&q, t->cow.id);
	held->is_held = true;
	txn_zone_touch(t, NULL, held)->is_hold = true;
	txn_zone_put(t, held);
}

int txn_zone_clear(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = txn_zone_find(t, origin);

	if (z == NULL)
		return ERR_NOT_FOUND;
	struct zone *empty = empty_zone(t, origin);
	struct txn_zone *tz = z->txn;

	txn_zone_put(t, empty); /* while Z, which may be this transaction's own, is still whole */
	if (tz == NULL) {
		txn_zone_touch(t, z, empty)->afresh = true;
		return 0;
	}
	empty->txn = tz;
	tz->now = empty;
	txn_zone_retire(t, z);
	return 0;
}

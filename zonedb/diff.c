#include "zonedb/diff.h"

#include <string.h>

#include "zonedb/zone.h"

enum { LEVELS = 16 }; /* of the trie; below is a bucket (zonedb/trie.h) */

struct diff {
	diff_cb cb;
	void *ctx;
};

static bool same_records(const struct rrset *a, const struct rrset *b)
{
	const struct variant *x = &a->variants[0], *y = &b->variants[0];

	return x->ttl == y->ttl && x->len == y->len &&
	       memcmp(rrset_rrs(a, 0), rrset_rrs(b, 0), x->len) == 0;
}

static void nodes(const struct diff *d, const struct node *a, const struct node *b)
{
	for (unsigned i = 0; a && i < a->nrrsets; i++) {
		const struct rrset *old = a->rrsets[i].rrset;
		const struct rrset *new = b ? node_rrset(b, old->type) : NULL;

		if (new == NULL || (new != old && !same_records(old, new)))
			d->cb(d->ctx, b ? b->owner : a->owner, old, new);
	}
	for (unsigned i = 0; b && i < b->nrrsets; i++)
		if (a == NULL || node_rrset(a, b->rrsets[i].type) == NULL)
			d->cb(d->ctx, b->owner, NULL, b->rrsets[i].rrset);
}

/* The leaf of REF, any shape, that has LEAF's name. */
static const struct trie_leaf *twin(trie_ref ref, const struct trie_leaf *leaf, unsigned level)
{
	const struct trie_leaf *l = (const struct trie_leaf *)ref;

	while (ref & 1 && level < LEVELS) {
		ref = trie_inner(ref)->slot[leaf->hash >> 4 * level & 15];
		level++;
	}
	for (unsigned i = 0; ref & 1 && i < 16; i++) {
		l = (const struct trie_leaf *)trie_inner(ref)->slot[i];
		if (l && l->name_len == leaf->name_len &&
		    memcmp(l->name, leaf->name, l->name_len) == 0)
			return l;
	}
	if (ref & 1)
		return NULL;
	l = (const struct trie_leaf *)ref;
	return l && l->name_len == leaf->name_len && memcmp(l->name, leaf->name, l->name_len) == 0
		       ? l
		       : NULL;
}

struct one_sided {
	const struct diff *d;
	trie_ref other;
	unsigned level;
	bool is_before; /* the leaves walked are BEFORE's */
};

static bool one_leaf(void *ctx, const struct trie_leaf *leaf)
{
	const struct one_sided *o = ctx;
	const struct node *n = (const struct node *)leaf;
	const struct node *t = (const struct node *)twin(o->other, leaf, o->level);

	if (o->is_before)
		nodes(o->d, n, t); /* with its twin or gone */
	else if (t == NULL)
		nodes(o->d, NULL, n); /* with a twin it was told above */
	return true;
}

static void refs(const struct diff *d, trie_ref a, trie_ref b, unsigned level)
{
	if (a == b)
		return;
	if (a & 1 && b & 1 && level < LEVELS) {
		for (unsigned i = 0; i < 16; i++)
			refs(d, trie_inner(a)->slot[i], trie_inner(b)->slot[i], level + 1);
		return;
	}
	struct one_sided before = { d, b, level, true }, after = { d, a, level, false };
	(void)trie_each(a, one_leaf, &before); /* one_leaf never stops */
	(void)trie_each(b, one_leaf, &after);
}

void diff_zones(const struct zone *before, const struct zone *after, diff_cb cb, void *ctx)
{
	struct diff d = { cb, ctx };

	refs(&d, before->nodes, after->nodes, 0);
}

static bool has(const struct rrset *r, const uint8_t *rdata, uint16_t len)
{
	const uint8_t *other;
	uint16_t other_len;
	size_t pos = 0;

	while (rrset_next(r, &pos, &other, &other_len))
		if (other_len == len && memcmp(other, rdata, len) == 0)
			return true;
	return false;
}

void diff_records(const struct rrset *old, const struct rrset *new,
		  void (*cb)(void *ctx, const uint8_t *rdata, uint16_t len), void *ctx)
{
	const uint8_t *rdata;
	uint16_t len;
	size_t pos = 0;

	if (old == NULL)
		return;
	bool all = new == NULL || old->variants[0].ttl != new->variants[0].ttl;
	while (rrset_next(old, &pos, &rdata, &len))
		if (all || !has(new, rdata, len))
			cb(ctx, rdata, len);
}

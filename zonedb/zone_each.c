/*
 * zone_each - a zone's RRsets in canonical order (RFC 4034 6.1).  The trie has no order, so its
 *nodes are sorted for each walk, by the first octets of a key that compares as the names do:
 *
 *	b.aa.z.test in z.test	=> "aa" 00 "b" 00 00 …
 */
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/zone.h"

#define KEY_LEN 24

struct item {
	uint64_t key[KEY_LEN / 8]; /* big endian read as numbers */
	const struct node *node;
};

struct order {
	struct item *items;
	size_t n, cap;
	unsigned origin_labels;
};

/* One label; octets 0 and 1 are escaped so that the separator 0 sorts before all octets. */
static size_t add_label(uint8_t *key, size_t at, const uint8_t *label)
{
	for (unsigned i = 1; i <= label[0] && at < KEY_LEN; i++) {
		if (label[i] > 1) {
			key[at++] = label[i];
			continue;
		}
		key[at++] = 1;
		if (at < KEY_LEN)
			key[at++] = (uint8_t)(label[i] + 1);
	}
	return at < KEY_LEN ? at + 1 : at;
}

static void make_key(struct item *it, const struct node *n, unsigned origin_labels)
{
	const uint8_t *labels[DNAME_LABELS_MAX];
	uint8_t key[KEY_LEN + 2] = { 0 };
	const uint8_t *p = n->leaf.name;
	unsigned count = n->labels - origin_labels;
	size_t at = 0;

	for (unsigned i = 0; i < count; i++, p += *p + 1)
		labels[i] = p;
	while (count && at < KEY_LEN)
		at = add_label(key, at, labels[--count]);
	for (unsigned i = 0; i < KEY_LEN / 8; i++)
		it->key[i] = wire_get64(key + 8 * i);
	it->node = n;
}

static bool collect(void *ctx, const struct trie_leaf *leaf)
{
	struct order *o = ctx;
	const struct node *n = (const struct node *)leaf;

	if (n->nrrsets == 0)
		return true;
	if (o->n == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 64;
		o->items = mem_array(o->items, o->cap, sizeof(o->items[0]));
	}
	make_key(&o->items[o->n++], n, o->origin_labels);
	return true;
}

static int by_name(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;

	for (unsigned i = 0; i < KEY_LEN / 8; i++)
		if (x->key[i] != y->key[i])
			return x->key[i] < y->key[i] ? -1 : 1;
	return dname_compare(x->node->leaf.name, y->node->leaf.name);
}

static bool each_rrset(const struct node *n,
		       bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset),
		       void *ctx)
{
	const struct rrset *soa = n->flags & NODE_APEX ? node_rrset(n, RRTYPE_SOA) : NULL;

	if (soa && !cb(ctx, n->owner, soa))
		return false;
	for (unsigned i = 0; i < n->nrrsets; i++)
		if (n->rrsets[i].rrset != soa && !cb(ctx, n->owner, n->rrsets[i].rrset))
			return false;
	return true;
}

void zone_each(const struct zone *z,
	       bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset), void *ctx)
{
	struct order o = { .origin_labels = z->labels };

	(void)trie_each(z->nodes, collect, &o); /* collect never stops */
	if (o.n)
		qsort(o.items, o.n, sizeof(o.items[0]), by_name);
	for (size_t i = 0; i < o.n; i++)
		if (!each_rrset(o.items[i].node, cb, ctx))
			break;
	free(o.items);
}

struct unordered {
	bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset);
	void *ctx;
};

static bool each_leaf(void *ctx, const struct trie_leaf *leaf)
{
	const struct unordered *u = ctx;

	return each_rrset((const struct node *)leaf, u->cb, u->ctx);
}

void zone_each_unordered(const struct zone *z,
			 bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset),
			 void *ctx)
{
	struct unordered u = { cb, ctx };

	(void)trie_each(z->nodes, each_leaf, &u); /* false: CB had enough */
}

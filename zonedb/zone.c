#include "zonedb/zone.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

static size_t padded(size_t len)
{
	return (len + 15) & ~(size_t)15;
}

struct zone *zone_new(const struct qname *q, uint64_t birth)
{
	struct zone *z = mem_zalloc(sizeof(*z) + padded(q->len));

	z->leaf.cow.birth = birth;
	z->leaf.hash = qname_hash(q, 0);
	z->leaf.name = memcpy(z->name, q->lower, q->len);
	z->leaf.name_len = q->len;
	z->labels = q->labels;
	return z;
}

struct zone *zone_copy(const struct zone *z, uint64_t birth)
{
	struct zone *copy = mem_dup(z, sizeof(*z) + padded(z->leaf.name_len));

	copy->leaf.cow.birth = birth;
	copy->leaf.name = copy->name;
	copy->txn = NULL;
	return copy;
}

struct destroy {
	uint64_t birth;
};

static void destroy_rrset(const struct rrset *r, uint64_t birth)
{
	if (r && r->cow.birth >= birth)
		rrset_free((struct rrset *)(uintptr_t)r);
}

static void destroy_node(void *ctx, void *leaf)
{
	const struct destroy *d = ctx;
	struct node *n = leaf;

	if (n->leaf.cow.birth < d->birth)
		return;
	for (unsigned i = 0; i < n->nrrsets; i++)
		destroy_rrset(n->rrsets[i].rrset, d->birth);
	free(n);
}

void zone_destroy(struct zone *z, uint64_t birth)
{
	struct destroy d = { birth };

	if (z->leaf.cow.birth < birth)
		return;
	trie_free(z->nodes, birth, destroy_node, &d);
	destroy_rrset(z->negative, birth);
	free(z);
}

static void retire_ref(trie_ref ref, struct cow *c)
{
	if (ref == 0)
		return;
	if (ref & 1) {
		for (unsigned i = 0; i < 16; i++)
			retire_ref(trie_inner(ref)->slot[i], c);
		cow_retire(c, (void *)(ref - 1), COW_TRIE);
		return;
	}
	struct node *n = (struct node *)ref;
	for (unsigned i = 0; i < n->nrrsets; i++)
		cow_retire(c, (void *)(uintptr_t)n->rrsets[i].rrset, COW_RRSET);
	cow_retire(c, n, COW_NODE);
}

void zone_retire_data(struct zone *z, struct cow *c)
{
	retire_ref(z->nodes, c);
	cow_retire(c, (void *)(uintptr_t)z->negative, COW_RRSET);
	z->nodes = 0;
	z->apex = NULL;
	z->negative = NULL;
	z->nrrsets = 0;
	z->cut_depths = 0;
}

const uint8_t *zone_origin(const struct zone *z)
{
	return z->leaf.name;
}

uint32_t zone_serial(const struct zone *z)
{
	return z->serial;
}

size_t zone_count(const struct zone *z)
{
	return z->nrrsets;
}

const struct rrset *zone_rrset(const struct zone *z, const uint8_t *owner, uint16_t type)
{
	struct qname q;

	qname_set(&q, owner);
	const struct node *n = zone_node(z, &q, 0);
	return n ? node_rrset(n, type) : NULL;
}

size_t zone_types(const struct zone *z, const uint8_t *owner, uint16_t *out, size_t max)
{
	struct qname q;

	qname_set(&q, owner);
	const struct node *n = zone_node(z, &q, 0);
	for (size_t i = 0; n && i < n->nrrsets && i < max; i++)
		out[i] = n->rrsets[i].type;
	return n ? n->nrrsets : 0;
}

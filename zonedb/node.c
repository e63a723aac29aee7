#include "zonedb/node.h"

#include <string.h>

#include "lib/mem.h"
#include "lib/rrtype.h"

static size_t padded(size_t len)
{
	return (len + 15) & ~(size_t)15;
}

static bool has_case(const uint8_t *lower, const uint8_t *owner, size_t len)
{
	return memcmp(lower, owner, len) != 0;
}

/* Memory for a node with N RRsets and these names; header fields but the counts are set. */
static struct node *make(const uint8_t *lower, const uint8_t *owner, size_t len, unsigned n,
			 uint64_t birth)
{
	size_t head = sizeof(struct node) + n * sizeof(struct node_rrset);
	bool two = has_case(lower, owner, len);
	struct node *node = mem_zalloc(head + padded(len) + (two ? len : 0));
	uint8_t *names = (uint8_t *)node + head;

	node->leaf.cow.birth = birth;
	node->leaf.name = memcpy(names, lower, len);
	node->leaf.name_len = (uint8_t)len;
	node->owner = two ? memcpy(names + padded(len), owner, len) : node->leaf.name;
	node->nrrsets = (uint16_t)n;
	return node;
}

struct node *node_new(const struct qname *q, unsigned i, const uint8_t *owner, uint64_t birth)
{
	struct node *n = make(q->lower + q->off[i], owner, qname_suffix_len(q, i), 0, birth);

	n->leaf.hash = qname_hash(q, i);
	n->labels = (uint8_t)(q->labels - i);
	return n;
}

static struct node *resized(const struct node *n, unsigned nrrsets, uint64_t birth)
{
	struct node *copy = make(n->leaf.name, n->owner, n->leaf.name_len, nrrsets, birth);

	copy->leaf.hash = n->leaf.hash;
	copy->labels = n->labels;
	copy->flags = n->flags;
	copy->children = n->children;
	return copy;
}

static void set_flags(struct node *n)
{
	n->flags &= (uint8_t) ~(NODE_CUT | NODE_DNAME);
	if (!(n->flags & NODE_APEX) && node_rrset(n, RRTYPE_NS))
		n->flags |= NODE_CUT;
	if (node_rrset(n, RRTYPE_DNAME))
		n->flags |= NODE_DNAME;
}

struct node *node_with(const struct node *n, const struct rrset *r, uint64_t birth)
{
	bool replaces = node_rrset(n, r->type) != NULL;
	struct node *copy = resized(n, n->nrrsets + !replaces, birth);
	unsigned k = 0;

	for (unsigned i = 0; i < n->nrrsets; i++) {
		copy->rrsets[k] = n->rrsets[i];
		if (n->rrsets[i].type == r->type)
			copy->rrsets[k].rrset = r;
		k++;
	}
	if (!replaces)
		copy->rrsets[k] = (struct node_rrset){ r->type, r };
	set_flags(copy);
	return copy;
}

struct node *node_without(const struct node *n, uint16_t type, uint64_t birth)
{
	struct node *copy = resized(n, n->nrrsets - (node_rrset(n, type) != NULL), birth);
	unsigned k = 0;

	for (unsigned i = 0; i < n->nrrsets; i++)
		if (n->rrsets[i].type != type)
			copy->rrsets[k++] = n->rrsets[i];
	set_flags(copy);
	return copy;
}

struct node *node_copy(const struct node *n, uint64_t birth)
{
	struct node *copy = resized(n, n->nrrsets, birth);

	memcpy(copy->rrsets, n->rrsets, n->nrrsets * sizeof(n->rrsets[0]));
	return copy;
}

#include "zonedb/trie.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"

#define LEVELS 16u /* 64 bits of hash, four a level; deeper is a bucket */

static bool leaf_is(const struct trie_leaf *leaf, uint64_t h, const uint8_t *name, size_t len)
{
	return leaf->hash == h && leaf->name_len == len && memcmp(leaf->name, name, len) == 0;
}

const struct trie_leaf *trie_find_name(trie_ref root, uint64_t h, const uint8_t *name, size_t len)
{
	trie_ref ref = root;
	unsigned level = 0;

	for (; ref & 1 && level < LEVELS; level++)
		ref = trie_inner(ref)->slot[h >> 4 * level & 15];
	if (!(ref & 1)) {
		const struct trie_leaf *leaf = (const struct trie_leaf *)ref;

		return leaf && leaf_is(leaf, h, name, len) ? leaf : NULL;
	}
	for (unsigned i = 0; i < 16 && trie_inner(ref)->slot[i]; i++) {
		const struct trie_leaf *leaf = (const struct trie_leaf *)trie_inner(ref)->slot[i];

		if (leaf_is(leaf, h, name, len))
			return leaf;
	}
	return NULL;
}

const struct trie_leaf *trie_find_in_bucket(trie_ref root, const struct qname *q, unsigned i)
{
	return trie_find_name(root, qname_hash(q, i), q->lower + q->off[i], qname_suffix_len(q, i));
}

static struct trie_node *inner_new(struct cow *c)
{
	struct trie_node *n = MEM_NEW(struct trie_node);

	n->cow.birth = c->id;
	return n;
}

/* The inner node of *ref, made writable. */
static struct trie_node *inner_own(trie_ref *ref, struct cow *c)
{
	struct trie_node *old = (struct trie_node *)(*ref - 1);

	if (old->cow.birth == c->id)
		return old;
	struct trie_node *copy = mem_dup(old, sizeof(*old));
	copy->cow.birth = c->id;
	cow_retire(c, old, COW_TRIE);
	*ref = (trie_ref)copy | 1;
	return copy;
}

/* Where LEAF belongs in a bucket: its twin's slot, else the first empty one, else 16. */
static unsigned bucket_slot(const struct trie_node *n, const struct trie_leaf *leaf)
{
	unsigned i = 0;

	for (; i < 16 && n->slot[i]; i++)
		if (leaf_is((const struct trie_leaf *)n->slot[i], leaf->hash, leaf->name,
			    leaf->name_len))
			break;
	return i;
}

/* Two leaves at one place: an inner node with OLD in it takes their place. */
static void split(trie_ref *ref, struct cow *c, const struct trie_leaf *old, unsigned level)
{
	struct trie_node *n = inner_new(c);

	n->slot[level < LEVELS ? old->hash >> 4 * level & 15 : 0] = (trie_ref)old;
	*ref = (trie_ref)n | 1;
}

int trie_put(trie_ref *root, struct cow *c, const struct trie_leaf *leaf,
	     const struct trie_leaf **ret_old)
{
	trie_ref *ref = root;

	for (unsigned level = 0;; level++) {
		const struct trie_leaf *there = (const struct trie_leaf *)*ref;

		if (*ref == 0 ||
		    (!(*ref & 1) && leaf_is(there, leaf->hash, leaf->name, leaf->name_len))) {
			*ref = (trie_ref)leaf;
			*ret_old = there;
			return 0;
		}
		if (!(*ref & 1))
			split(ref, c, there, level);
		struct trie_node *n = inner_own(ref, c);
		unsigned i = level < LEVELS ? (unsigned)(leaf->hash >> 4 * level) & 15
					    : bucket_slot(n, leaf);
		if (i == 16)
			return ERR_LIMIT;
		ref = &n->slot[i];
	}
}

/* An inner node with one leaf alone becomes that leaf, so that shape depends on content only. */
static void collapse(trie_ref *ref, struct cow *c)
{
	struct trie_node *n = (struct trie_node *)(*ref - 1);
	trie_ref only = 0;

	for (unsigned i = 0; i < 16; i++) {
		if (n->slot[i] == 0)
			continue;
		if (only || n->slot[i] & 1)
			return;
		only = n->slot[i];
	}
	*ref = only;
	cow_retire(c, n, COW_TRIE);
}

static void bucket_remove(struct trie_node *n, const struct trie_leaf *leaf)
{
	unsigned i = bucket_slot(n, leaf);
	unsigned last = i;

	while (last + 1 < 16 && n->slot[last + 1])
		last++;
	n->slot[i] = n->slot[last]; /* slot 0 stays filled: trie_find ends there */
	n->slot[last] = 0;
}

static void remove_at(trie_ref *ref, struct cow *c, const struct trie_leaf *leaf, unsigned level)
{
	if (!(*ref & 1)) {
		*ref = 0;
		return;
	}
	struct trie_node *n = inner_own(ref, c);
	if (level == LEVELS)
		bucket_remove(n, leaf);
	else
		remove_at(&n->slot[leaf->hash >> 4 * level & 15], c, leaf, level + 1);
	collapse(ref, c);
}

void trie_remove(trie_ref *root, struct cow *c, const struct trie_leaf *leaf)
{
	if (trie_find_name(*root, leaf->hash, leaf->name, leaf->name_len))
		remove_at(root, c, leaf, 0);
}

bool trie_each(trie_ref root, bool (*cb)(void *ctx, const struct trie_leaf *leaf), void *ctx)
{
	if (root == 0)
		return true;
	if (!(root & 1))
		return cb(ctx, (const struct trie_leaf *)root);
	for (unsigned i = 0; i < 16; i++)
		if (!trie_each(trie_inner(root)->slot[i], cb, ctx))
			return false;
	return true;
}

void trie_free(trie_ref root, uint64_t birth, void (*free_leaf)(void *ctx, void *leaf), void *ctx)
{
	if (root == 0)
		return;
	if (!(root & 1)) {
		free_leaf(ctx, (void *)root);
		return;
	}
	struct trie_node *n = (struct trie_node *)(root - 1);
	if (n->cow.birth < birth)
		return; /* shared with an older version, and so is all below */
	for (unsigned i = 0; i < 16; i++)
		trie_free(n->slot[i], birth, free_leaf, ctx);
	free(n);
}

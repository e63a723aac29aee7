/*
 * trie - a persistent hash trie from names to leaves (nodes of a zone, zones of
 * a version).  Sixteen-way, four bits of the name's hash a level, lowest first;
 * slots are not packed, since a probe is then one load a level.
 *
 *	root ─► [ .  .  ╷  .  ]
 *	                └─► [ .  leaf  .  ╷ ]
 *	                                  └─► leaf
 *
 * A reference is 0 (empty), a leaf's address, or an inner node's address | 1.
 * Below the sixteenth level (all 64 bits equal) a node is a bucket: leaves side by side from
 * slot 0, told apart by name.
 *
 * Changing copies the nodes from the root to the leaf (cow.h); readers of older versions see
 * nothing.  Reading: any thread that holds a version.  Changing: control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonedb/cow.h"
#include "zonedb/qname.h"

typedef uintptr_t trie_ref;

struct trie_node {
	struct cow_object cow;
	trie_ref slot[16];
};

/* First member of each leaf. */
struct trie_leaf {
	struct cow_object cow;
	uint64_t hash;
	const uint8_t *name; /* wire, lower case, zero octets up to a multiple of 16 follow */
	uint8_t name_len;
};

static inline const struct trie_node *trie_inner(trie_ref ref)
{
	return (const struct trie_node *)(ref - 1);
}

/* Leaves with equal hashes: look for the name.  Never in practice. */
const struct trie_leaf *trie_find_in_bucket(trie_ref root, const struct qname *q, unsigned i);

/* The leaf of Q's suffix that begins at label I, or NULL. */
static inline const struct trie_leaf *trie_find(trie_ref root, const struct qname *q, unsigned i)
{
	uint64_t hash = qname_hash(q, i);
	trie_ref ref = root;

	for (uint64_t h = hash; ref & 1; h >>= 4)
		ref = trie_inner(ref)->slot[h & 15];
	const struct trie_leaf *leaf = (const struct trie_leaf *)ref;
	if (leaf == NULL || leaf->hash != hash)
		return NULL;
	if (__builtin_expect(!qname_suffix_is(q, i, leaf->name, leaf->name_len), 0))
		return trie_find_in_bucket(root, q, i);
	return leaf;
}

/* The leaf with hash H whose name is NAME (lower case, LEN octets), or NULL. */
const struct trie_leaf *trie_find_name(trie_ref root, uint64_t h, const uint8_t *name, size_t len);
/*
 * Put LEAF in, in place of one with its name, which is not freed; *ret_old = that one or NULL.
 * ERR_LIMIT when 16 names with this hash are there (chosen by somebody who knows the seed).
 */
int trie_put(trie_ref *root, struct cow *c, const struct trie_leaf *leaf,
	     const struct trie_leaf **ret_old);
/* Take the leaf with LEAF's name out; it is not freed. */
void trie_remove(trie_ref *root, struct cow *c, const struct trie_leaf *leaf);
/* Every leaf in no order; stops when CB returns false, then returns false. */
bool trie_each(trie_ref root, bool (*cb)(void *ctx, const struct trie_leaf *leaf), void *ctx);
/*
 * Free inner nodes born in BIRTH or later and call FREE_LEAF (leaf may be older: the callee looks)
 * for the leaves below them.  With BIRTH 0: all.
 */
void trie_free(trie_ref root, uint64_t birth, void (*free_leaf)(void *ctx, void *leaf), void *ctx);

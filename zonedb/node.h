/*
 * node - one owner name of a zone with its RRsets; a leaf of the zone's trie.
 * Names between that own nothing (empty non-terminals, RFC 4592 2.2.2) have a
 * node too, so that "exists" is one probe.
 *
 * Immutable once published.  Changing: control thread, inside a transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "zonedb/rrset.h"
#include "zonedb/trie.h"

enum node_flag {
	NODE_APEX = 1,
	NODE_CUT = 2, /* NS below the apex: a delegation */
	NODE_DNAME = 4,
	NODE_WILDCARD = 8, /* a child "*" exists */
};

struct node_rrset {
	uint16_t type;
	const struct rrset *rrset;
};

struct node {
	struct trie_leaf leaf;
	const uint8_t *owner; /* as it was written; leaf.name when that is lower case */
	uint32_t children;    /* names one label below that exist */
	uint8_t labels;
	uint8_t flags; /* enum node_flag */
	uint16_t nrrsets;
	struct node_rrset rrsets[]; /* the names follow */
};

static inline const struct rrset *node_rrset(const struct node *n, uint16_t type)
{
	for (unsigned i = 0; i < n->nrrsets; i++)
		if (n->rrsets[i].type == type)
			return n->rrsets[i].rrset;
	return NULL;
}

/* A node without RRsets for Q's suffix at label I; OWNER with its case. */
struct node *node_new(const struct qname *q, unsigned i, const uint8_t *owner, uint64_t birth);
/* A copy with R in place of the RRset of its type, or added. */
struct node *node_with(const struct node *n, const struct rrset *r, uint64_t birth);
/* A copy without TYPE. */
struct node *node_without(const struct node *n, uint16_t type, uint64_t birth);
/* A plain copy. */
struct node *node_copy(const struct node *n, uint64_t birth);

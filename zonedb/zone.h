/*
 * zone - one zone in one version; a leaf of the version's trie of zones.
 * Public readers are in zonedb/zonedb.h; this is the inside, for zonedb/ and
 * the answer path.
 *
 * Immutable once published.  Changing: control thread, inside a transaction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "zonedb/node.h"
#include "zonedb/zonedb.h"

struct txn_zone;

struct zone {
	struct trie_leaf leaf; /* the origin */
	trie_ref nodes;
	const struct node *apex;
	/*
	 * SOA with TTL = min(SOA TTL, MINIMUM): the authority section of a negative answer
	 * (RFC 2308 3, 5).
	 */
	const struct rrset *negative;
	/* Bit min(d, 63): somewhere is a cut or DNAME with d labels.  May be set too often. */
	uint64_t cut_depths;
	size_t nrrsets;
	uint32_t serial;
	uint8_t labels;
	bool is_held;         /* nothing but the name: not ready to be answered (txn_zone_hold) */
	struct txn_zone *txn; /* only in a running transaction */
	uint8_t name[];
};

/* An empty zone for Q, named. */
struct zone *zone_new(const struct qname *q, uint64_t birth);
struct zone *zone_copy(const struct zone *z, uint64_t birth);

static inline const struct node *zone_node(const struct zone *z, const struct qname *q, unsigned i)
{
	return (const struct node *)trie_find(z->nodes, q, i);
}

static inline uint64_t depth_bit(unsigned labels)
{
	return 1ULL << (labels < 63 ? labels : 63);
}

/* Free what was born in BIRTH or later of this zone, the zone itself too.  BIRTH 0: all. */
void zone_destroy(struct zone *z, uint64_t birth);
/* Retire everything of the zone but itself. */
void zone_retire_data(struct zone *z, struct cow *c);

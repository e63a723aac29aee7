/*
 * txn_inside - what the files of a transaction share: txn (begin, commit), txn_zone (the zones
 * that it touched), txn_rrset (names and RRsets in them), txn_soa.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonedb/version.h"

/* A zone that the transaction touched. */
struct txn_zone {
	struct txn_zone *next;
	const struct zone *before; /* published, NULL if new */
	/*
	 * NOW was built from nothing while BEFORE still has all its parts: the two are compared at
	 * commit, so that a reload with the same data is no change.
	 */
	bool afresh;
	struct zone *now; /* NULL: dropped */
	bool is_hold;     /* NOW is held, or was: a change that nobody is told of */
	bool has_serial, has_least, has_same;
	uint32_t serial, least, same;
};

struct txn {
	struct zonedb *db;
	struct zonedb_version *v;
	struct cow cow;
	struct txn_zone *zones;
	size_t ndropped; /* zones, also such that came back */
};

/* txn_zone.c: the zone as it stands in T, or NULL.  Held ones too, or without them. */
const struct zone *txn_zone_find_any(const struct txn *t, const uint8_t *origin);
const struct zone *txn_zone_find(const struct txn *t, const uint8_t *origin);
/* Z takes its place among T's zones. */
void txn_zone_put(struct txn *t, const struct zone *z);
/* Note that BEFORE (NULL: none) becomes NOW (NULL: goes). */
struct txn_zone *txn_zone_touch(struct txn *t, const struct zone *before, struct zone *now);
/* Z of this transaction, copied if it is still the published one. */
struct zone *txn_zone_own(struct txn *t, const struct zone *z);
/* Z with all its data leaves T. */
void txn_zone_retire(struct txn *t, const struct zone *z);

/* txn_rrset.c: NEW takes the place of OLD, which is retired. */
void txn_replace_node(struct txn *t, struct zone *z, const struct node *old, struct node *new);

/* txn_soa.c: RFC 1982 3.2. */
bool txn_serial_is_newer(uint32_t a, uint32_t b);
uint32_t txn_soa_serial(const struct rrset *soa);
/* SOA of Z with another TTL and serial; the caller's. */
struct rrset *txn_soa_with(const struct zone *z, const struct rrset *soa, uint32_t ttl,
			   uint32_t serial, uint64_t birth);
/* Nothing to do: R is what is there already; an SOA with no newer serial counts as the same. */
bool txn_is_no_change(const struct zone *z, const struct rrset *there, const struct rrset *r);

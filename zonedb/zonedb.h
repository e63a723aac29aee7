/*
 * zonedb - the set of zones as one immutable published version.
 *
 *	writer (control thread)            readers (workers)
 *	txn_begin … txn_commit ──swap──►   zonedb_current() inside one
 *	old version freed by RCU           rcu quiescent period
 *
 * A version is a consistent view of all zones: transfers keep one by reference.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct zonedb;
struct zonedb_version;
struct zone;  /* one zone in one version: immutable */
struct rrset; /* zonedb/rrset.h */
struct txn;   /* zonedb/txn.h */

struct zonedb *zonedb_new(void);
void zonedb_free(struct zonedb *db); /* no reader may be left */

/* The published version.  Workers: valid until the next quiescent state. Control thread: until the
 * next commit. */
const struct zonedb_version *zonedb_current(const struct zonedb *db);
/* Keep a version beyond that (transfers, diffs).  Any thread. */
const struct zonedb_version *zonedb_ref(const struct zonedb *db);
void zonedb_unref(const struct zonedb_version *v);

/* The zone with exactly this ORIGIN (any case), or NULL. */
const struct zone *zonedb_zone(const struct zonedb_version *v, const uint8_t *origin);
/* The deepest zone that QNAME is in, or NULL. */
const struct zone *zonedb_find(const struct zonedb_version *v, const uint8_t *qname);
/* Every zone, in canonical order of origins. */
void zonedb_each(const struct zonedb_version *v, void (*cb)(void *ctx, const struct zone *z),
		 void *ctx);

const uint8_t *zone_origin(const struct zone *z); /* wire, lower case */
uint32_t zone_serial(const struct zone *z);
size_t zone_count(const struct zone *z); /* RRsets */
/*
 * Every RRset in canonical owner order, SOA of the apex first.  OWNER is wire with the case it was
 * written in.  Stops when CB returns false.
 */
void zone_each(const struct zone *z,
	       bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset), void *ctx);
/* The same in no order, without the cost of sorting. */
void zone_each_unordered(const struct zone *z,
			 bool (*cb)(void *ctx, const uint8_t *owner, const struct rrset *rrset),
			 void *ctx);
/* Types of the RRsets at OWNER, the first MAX of them in OUT; returns how many there are. */
size_t zone_types(const struct zone *z, const uint8_t *owner, uint16_t *out, size_t max);
/* The RRset of (OWNER, TYPE), or NULL. */
const struct rrset *zone_rrset(const struct zone *z, const uint8_t *owner, uint16_t type);

/*
 * Called after each commit, on the control thread, once for each zone that changed:
 * BEFORE is NULL for a new zone, AFTER is NULL for a dropped one.  Both are valid during the call
 * (zonedb_ref keeps them).  For the journal, NOTIFY and catalog.
 */
void zonedb_on_commit(struct zonedb *db,
		      void (*cb)(void *ctx, const struct zone *before, const struct zone *after),
		      void *ctx);
/*
 * Called in txn_commit before a zone is published that was not there, in the order of
 * registration: CB may put into it and call txn_serial_least.
 */
void zonedb_on_new_zone(struct zonedb *db,
			void (*cb)(void *ctx, struct txn *t, const uint8_t *origin), void *ctx);

/*
 * txn - a transaction on the zone database: begin, put and remove RRsets, then
 * commit publishes everything at once or nothing.  Control thread only, one
 * transaction at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rrset;
struct selector;
struct txn;
struct zone;
struct zonedb;

struct rdata {
	const uint8_t *data; /* wire, names uncompressed */
	uint16_t len;
};

/* One alternative answer for an RRset: a set of RDATA.  Order is kept. */
struct variant_spec {
	const struct rdata *rdata;
	size_t n; /* >= 1, except: a GSLB RRset may have one empty variant = NODATA, the name exists
		   */
	uint32_t ttl; /* 0 = the RRset's */
};

/* Borrowed by txn_put but for SELECTOR, which it takes. */
struct rrset_spec {
	const uint8_t *owner; /* wire */
	uint16_t type;
	uint32_t ttl;
	const struct variant_spec *variants;
	size_t nvariants;
	/*
	 * NULL: variant 0 is the answer.  Else select() chooses one per query (zonedb/selector.h).
	 * Transfers and dumps show variant 0.
	 */
	struct selector *selector;
	bool rotate;  /* start the RRs at a different one each time (round robin order) */
	bool refused; /* an empty variant is answered REFUSED in place of NODATA */
};

struct txn *txn_begin(struct zonedb *db);
/* Add an empty zone, or do nothing if it is there.  It needs SOA and NS before commit. */
int txn_zone_add(struct txn *t, const uint8_t *origin);
/* Remove a zone with all its data.  ERR_NOT_FOUND. */
int txn_zone_drop(struct txn *t, const uint8_t *origin);
/*
 * The zone is ours but cannot be answered for now (expired, not yet transferred or synced): its
 * data go, and names in it are answered SERVFAIL with EDE 14, "not ready".  For all readers of
 * zonedb.h it is not there.  txn_zone_add ends this, txn_zone_drop too.
 */
void txn_zone_hold(struct txn *t, const uint8_t *origin);
/* Remove all RRsets of a zone (before a reload). */
int txn_zone_clear(struct txn *t, const uint8_t *origin);
/*
 * Replace the RRset (owner, type).  ERR_NOT_FOUND no such zone; ERR_RANGE owner not in it;
 * ERR_CONFLICT CNAME beside other data (RFC 1034 3.6.2; RRSIG/NSEC may stand), DNAME rules, two
 * SOAs; ERR_SYNTAX RDATA that does not parse for its type.  The transaction goes on without it.
 */
int txn_put(struct txn *t, const uint8_t *origin, const struct rrset_spec *spec);
/* One RRset with plain RDATA: the usual case. */
int txn_put_rrset(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		  uint32_t ttl, const struct rdata *rdata, size_t n);
/* Presentation form, e.g. "10 mail.example.com."; names absolute. ERR_SYNTAX. */
int txn_put_text(struct txn *t, const uint8_t *origin, const char *owner, uint16_t type,
		 uint32_t ttl, const char *const *rdata, size_t n);
/* Remove (owner, type); type 0 = all at the name.  Removing what is not there is fine. */
int txn_remove(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type);
/*
 * Serials: a zone whose data changed and whose SOA was not put with a newer serial gets
 * the old serial + 1 (RFC 1982), or SERIAL if txn_serial set one; unchanged zones keep theirs and
 * their version (putting equal data is not a change).
 */
void txn_serial(struct txn *t, const uint8_t *origin, uint32_t serial);
/*
 * If the zone changed: its serial is at least SERIAL (the greatest said), unless txn_serial set
 * one.  A new zone whose SOA says 0 gets SERIAL itself.
 */
void txn_serial_least(struct txn *t, const uint8_t *origin, uint32_t serial);
/*
 * A zone that appears has the data that had SERIAL once: it gets that again, whatever
 * txn_serial_least says, unless its SOA has a newer one or txn_serial set one.
 */
void txn_serial_same(struct txn *t, const uint8_t *origin, uint32_t serial);
/* The zone as the transaction would publish it, but for its serial; NULL if none. */
const struct zone *txn_zone(struct txn *t, const uint8_t *origin);
/* The data the transaction would publish (after puts), e.g. for prerequisites. NULL if none. */
const struct rrset *txn_rrset(struct txn *t, const uint8_t *origin, const uint8_t *owner,
			      uint16_t type);
/*
 * Check and publish.  ERR_INVALID with *ret_why (caller frees) if a zone lacks SOA or NS; then
 * nothing is published.  Frees T in each case.
 */
int txn_commit(struct txn *t, char **ret_why);
void txn_abort(struct txn *t);

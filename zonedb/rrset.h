/*
 * rrset - the answers for one (name, type), ready to be copied into a message.
 *
 * An RRset has one or more variants; a selector chooses among them (zonedb/selector.h).
 * A variant is flat octets: each RR is
 *
 *	c0 0c | type | class IN | TTL | RDLENGTH | RDATA
 *
 * with the owner as a pointer to the question (offset 12), patched when the owner is another.
 * Types of RFC 1035 whose RDATA names lie in the zone have a second, shorter form ("wire") in which
 * the owner or the zone's origin is a pointer; FIX lists the places of those pointers, to be set to
 * where the owner or the origin is in the message at hand.  Behind the octets there is room to read
 *32 beyond the end.
 *
 * Immutable once published; any thread that holds the version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zonedb/cow.h"

struct rrset_spec;
struct selector;

#define RRSET_SLACK     32          /* octets readable behind a variant's */
#define RRSET_FIX_OWNER 0x80000000u /* this pointer is the owner's, not the origin's */
#define RR_FIXED        12          /* owner pointer, type, class, TTL, RDLENGTH */

struct variant {
	uint32_t ttl;
	uint16_t count;       /* RRs */
	uint16_t rrsig_count; /* RRSIGs that cover them */
	uint16_t len;         /* octets of the RRs, names in full */
	uint16_t wire_len;    /* octets of the RRs as sent */
	uint16_t stride;      /* octets of an RR if all have the same, else 0 */
	uint16_t nfix;        /* pointers in the wire form's RDATA */
	uint32_t at;          /* the RRs, from the RRset's begin */
	uint32_t wire_at;     /* the RRs as sent; == at when nothing was shortened */
	uint32_t fix_at;      /* uint32_t[nfix]: offsets from wire_at, RRSET_FIX_OWNER or'ed in */
	uint32_t rrsig_at;
	uint32_t rrsig_len;
};

struct rrset {
	struct cow_object cow;
	struct selector *selector; /* owned, or NULL */
	uint32_t ttl;
	uint16_t type;
	uint16_t nvariants;
	bool rotate;
	bool refused;   /* an empty variant is answered REFUSED, not NODATA */
	bool has_hosts; /* RDATA names hosts whose addresses help: NS, MX, SRV, SVCB, HTTPS */
	struct variant variants[];
};

/*
 * Build from SPEC, whose RDATA was checked before; equal RRs are put once (RFC 2181 5).
 * birth: of the transaction.  origin: of the zone, lower case.  Takes the selector on success.
 * ERR_TOO_LONG when a variant cannot fit into any message.
 */
int rrset_new(const struct rrset_spec *spec, const uint8_t *origin, uint64_t birth,
	      struct rrset **ret);
void rrset_free(struct rrset *r);
/* Same type, TTLs, RDATA in the same order, selectors equal: putting B in A's place changes
 * nothing. */
bool rrset_equal(const struct rrset *a, const struct rrset *b);

/* RRs of variant 0, which is what transfers and dumps show. */
static inline unsigned rrset_count(const struct rrset *r)
{
	return r->variants[0].count;
}

/*
 * Walk the RDATA of variant 0: *pos is 0 to begin.  False at the end.
 * *ret_rdata: names in full, valid as long as the version.
 */
bool rrset_next(const struct rrset *r, size_t *pos, const uint8_t **ret_rdata, uint16_t *ret_len);

/* RRs of variant I with names in full; *ret_rdata of its first RR is at +RR_FIXED. */
static inline const uint8_t *rrset_rrs(const struct rrset *r, unsigned i)
{
	return (const uint8_t *)r + r->variants[i].at;
}

/* RRs of variant I as sent. */
static inline const uint8_t *rrset_wire(const struct rrset *r, unsigned i)
{
	return (const uint8_t *)r + r->variants[i].wire_at;
}

static inline const uint32_t *rrset_fix(const struct rrset *r, unsigned i)
{
	return (const uint32_t *)(const void *)((const uint8_t *)r + r->variants[i].fix_at);
}

/*
 * response - the writer of an answer, over the query in the same buffer: header
 * and question stay where they are, RRsets are copied behind them.
 *
 * The buffer must have RESPONSE_SLACK octets behind MAX.  Worker threads; no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "zonedb/rrset.h"

#define RESPONSE_SLACK 32
#define PTR_MAX        0x3fff /* the farthest place a compression pointer reaches */
#define QNAME_AT       12u    /* where the question's name is */

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct response {
	uint8_t *msg;
	size_t len;      /* written */
	size_t max;      /* whole RRsets stay below; what OPT needs is taken off already */
	uint64_t counts; /* of the header, as one number: QDCOUNT << 48 … ARCOUNT */
	uint16_t rcode;  /* may be extended (OPT) */
	bool aa, tc;
};

/* A name that an RRset is to be written for. */
struct response_owner {
	const uint8_t *name; /* wire, complete */
	size_t at;           /* where the message has it, also as "labels, pointer" */
};

static inline void response_count(struct response *r, enum section s, unsigned n)
{
	r->counts += (uint64_t)n << (32 - 16 * s);
}

/* response_rrset for all that is not plain copying. */
bool response_rrset_patched(struct response *r, enum section s, const struct rrset *rrset,
			    unsigned v, unsigned first, const struct response_owner *owner,
			    size_t origin_at);

/*
 * Copy variant V of RRSET into the section S, its RRs beginning with the one at FIRST (0 = as they
 * are), all or nothing: false if it does not fit.  origin_at: where the origin of the RRset's zone
 * is in the message.
 */
static inline bool response_rrset(struct response *r, enum section s, const struct rrset *rrset,
				  unsigned i, unsigned first, const struct response_owner *owner,
				  size_t origin_at)
{
	const struct variant *v = &rrset->variants[i];

	if (__builtin_expect(first != 0 || v->nfix != 0 || owner->at != QNAME_AT, 0))
		return response_rrset_patched(r, s, rrset, i, first, owner, origin_at);
	if (__builtin_expect(r->len + v->len > r->max, 0))
		return false;
	/* in steps of 32: both sides have slack behind their end */
	const uint8_t *from = rrset_rrs(rrset, i);
	uint8_t *to = r->msg + r->len;
	for (size_t n = 0; n < v->len; n += 32)
		memcpy(to + n, from + n, 32);
	r->len += v->len;
	response_count(r, s, v->count);
	return true;
}

/* Where the suffix without the first SKIP labels of the name at AT begins; follows our own
 * pointers. */
size_t response_suffix(const struct response *r, size_t at, unsigned skip);

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

#include "zonedb/rrset.h"

#define RESPONSE_SLACK 32
#define PTR_MAX        0x3fff /* the farthest place a compression pointer reaches */

enum section { SECTION_ANSWER, SECTION_AUTHORITY, SECTION_ADDITIONAL };

struct response {
	uint8_t *msg;
	size_t len;        /* written */
	size_t max;        /* whole RRsets stay below; what OPT needs is taken off already */
	uint16_t count[3]; /* by enum section */
	uint16_t rcode;    /* may be extended (OPT) */
	bool aa, tc;
};

/* A name that an RRset is to be written for. */
struct response_owner {
	const uint8_t *name; /* wire, complete */
	size_t at;           /* where the message has it, also as "labels, pointer" */
};

/*
 * Copy variant V of RRSET into the section S, its RRs beginning with the one at FIRST (0 = as they
 * are), all or nothing: false if it does not fit.  origin_at: where the origin of the RRset's zone
 * is in the message.
 */
bool response_rrset(struct response *r, enum section s, const struct rrset *rrset, unsigned v,
		    unsigned first, const struct response_owner *owner, size_t origin_at);

/* Where the suffix without the first SKIP labels of the name at AT begins; follows our own
 * pointers. */
size_t response_suffix(const struct response *r, size_t at, unsigned skip);

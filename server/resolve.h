/*
 * resolve - RFC 1034 4.3.2 over the zones we serve: fills the sections of one
 * answer.  The inside of answer.c.
 *
 * Worker threads; no allocation.
 */
#pragma once

#include "server/answer.h"
#include "server/response.h"
#include "zonedb/lookup.h"
#include "zonedb/version.h"

/* An RRset in the message whose RDATA names hosts whose addresses help the client. */
struct resolve_hosts {
	size_t at; /* of its first RR, which has its owner as a pointer */
	uint16_t type, count;
	const struct node *cut; /* a referral's: glue below it must not be missing (RFC 9471) */
};

struct resolution {
	struct answerer *a;
	const struct zonedb_version *version;
	const struct answer_client *client;
	struct response r;
	/* the name now looked up: the question, or where aliases led */
	const struct qname *name;
	struct response_owner owner;
	const struct zone *zone;
	size_t origin_at;               /* of the zone's origin in the message */
	uint64_t seen[ANSWER_HOPS + 1]; /* names so far, against loops */
	unsigned hops;
	struct resolve_hosts hosts[2];
	unsigned nhosts;
	enum stats_kind kind;
	uint16_t ede;
	uint8_t scope; /* address bits that the choice of variants depends on */
	uint64_t key;  /* for rate limiting: what the answer is about */
};

/* Fill the answer, authority and additional sections for S->a->query; sets rcode, aa, tc, kind. */
void resolve_query(struct resolution *s);
/* The additional section for S->hosts. */
void additional_put(struct resolution *s);
/* resolve_variant for RRsets with a selector, or whose order changes. */
unsigned resolve_choose(struct resolution *s, const struct rrset *rrset, unsigned *ret_first);

/* Variant of RRSET for this client and which of its RRs begins. */
static inline unsigned resolve_variant(struct resolution *s, const struct rrset *rrset,
				       unsigned *ret_first)
{
	*ret_first = 0;
	if (__builtin_expect(rrset->selector != NULL || rrset->rotate, 0))
		return resolve_choose(s, rrset, ret_first);
	return 0;
}

/*
 * gather - records one by one into a transaction as whole RRsets.  Those of one
 * (owner, type) that follow one another are put together; when more come later, they join
 * what is there.  For master files and transfers.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/dname.h"

struct rdata;
struct txn;
struct zonefile_sums;

struct gather {
	struct txn *t;
	uint8_t zone[DNAME_MAX];
	/* the RRset at hand, which is put when another begins */
	uint8_t owner[DNAME_MAX];
	size_t owner_len;
	uint16_t type;
	uint32_t ttl;
	unsigned tag; /* of its first record: the caller's, for messages */
	uint64_t key;
	struct buf bytes; /* RDATA, one behind the other */
	uint16_t *lens;
	size_t n, cap;
	struct rdata *list; /* what is put */
	size_t list_cap;
	size_t records;
	struct zonefile_sums *sums; /* of all records so far */
	/* Skip RRsets whose sum is the same in both; NULL: none. */
	const struct zonefile_sums *old, *now;
};

/* The zone must be in T. */
void gather_init(struct gather *g, struct txn *t, const uint8_t *zone);
void gather_fini(struct gather *g);
/*
 * The next record; RDATA is checked by txn_put.  An error is that of the RRset at hand (g->owner,
 * g->type, g->tag), which ends with this record.
 */
int gather_add(struct gather *g, const uint8_t *owner, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t len, unsigned tag);
/* Put the last one. */
int gather_flush(struct gather *g);

/*
 * rr_edit - one record in or out of an RRset of a running transaction, as updates
 * and incremental transfers do.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rrset;
struct txn;

/* Is this record in S?  Names compare without case (RFC 2136 1.1.1). */
bool rr_edit_has(const struct rrset *s, const uint8_t *rdata, uint16_t len);
/*
 * Add; the RRset gets TTL.  ERR_EXISTS if it is there (nothing is done); else as txn_put.
 */
int rr_edit_add(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, uint16_t len);
/* The RRset becomes this record alone. */
int rr_edit_set(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, uint16_t len);
/* Remove; an RRset without records goes.  ERR_NOT_FOUND if it is not there. */
int rr_edit_remove(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		   const uint8_t *rdata, uint16_t len);

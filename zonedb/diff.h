/*
 * diff - what changed between two versions of a zone.  Versions share what did
 * not change, so the cost is that of the change, not of the zone.
 * Control thread, or any that holds both versions.
 */
#pragma once

#include <stdint.h>

struct rrset;
struct zone;

/* OLD: NULL if it was added; NEW: NULL if it was removed.  owner: wire. */
typedef void (*diff_cb)(void *ctx, const uint8_t *owner, const struct rrset *old,
			const struct rrset *new);

/* Each RRset that differs in variant 0, in no order.  before, after: of the same origin. */
void diff_zones(const struct zone *before, const struct zone *after, diff_cb cb, void *ctx);
/*
 * Each record of OLD that is not in NEW (TTL counts): the RDATA that went, or with the two
 * changed about, that came.  Either may be NULL.
 */
void diff_records(const struct rrset *old, const struct rrset *new,
		  void (*cb)(void *ctx, const uint8_t *rdata, uint16_t len), void *ctx);

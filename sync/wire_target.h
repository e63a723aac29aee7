/*
 * wire_target - targets of endpoints as RDATA and back, for the providers that
 * speak DNS itself (zonedb, rfc2136).  Pure.
 */
#pragma once

#include <stdint.h>

#include "lib/buf.h"
#include "lib/endpoint.h"

/* A record of this type that an endpoint can stand for?  *ret: its number. */
bool wire_target_type(const char *record_type, uint16_t *ret);
/* Does a record of TYPE show up as an endpoint (not SOA, not what signing makes)? */
bool wire_target_is_shown(uint16_t type);
/* TARGET's RDATA is appended to OUT.  ERR_SYNTAX and friends of rdata_from_text. */
int wire_target_put(uint16_t type, const char *record_type, const char *target, struct buf *out);
/* The target of RDATA (valid) as endpoints have it: no final dot but in SRV, TXT quoted.  Caller
 * frees. */
char *wire_target_get(uint16_t type, const uint8_t *rdata, size_t len);
/*
 * Targets spelled as they will be read back; endpoints whose targets do not parse stay as they
 * are.  A TTL between 1 and MIN_TTL becomes MIN_TTL.  The property "alias" goes: DNS has none.
 */
void wire_target_adjust(struct endpoint_list *desired, int64_t min_ttl);

/*
 * received - what a transfer brought, record by record, and how it becomes a zone.
 * For secondary.c.  Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/transfer.h"

struct dns_record;
struct txn;
struct zone;

struct received {
	/* op 1, then as in the journal: owner, type 2, TTL 4, RDLENGTH 2, RDATA */
	struct buf records;
	size_t n;
};

void received_reset(struct received *r);
void received_fini(struct received *r);
/* transfer's on_record. */
int received_add(struct received *r, enum transfer_op op, const struct dns_record *rec);
/*
 * Bring the zone ORIGIN of T to what was received, with its serial.  Differences must
 * fit exactly what is there (ERR_CONFLICT), then the whole zone has to be asked for.
 * Other errors: as txn_put, *ret_why (caller frees) names the record.  Abort T then.
 */
int received_apply(const struct received *r, struct txn *t, const uint8_t *origin, char **ret_why);
/* The zone as if it had been received whole: to be kept. */
void received_from_zone(struct received *r, const struct zone *z);
/* Take BYTES that were kept; ERR_SYNTAX if they are damaged. */
int received_from_bytes(struct received *r, const void *bytes, size_t len);

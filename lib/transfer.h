/*
 * transfer - what a stream of records of AXFR (RFC 5936) or IXFR (RFC 1995) means:
 * feed the answers' records one by one, get told what each is and when the end
 * has come.  Pure: no I/O.  The primary is hostile: every step is checked and counted.
 *
 *	IXFR: SOA new | SOA old, deletions, SOA next, additions | … | SOA new
 *	AXFR: SOA | everything | SOA
 *	current: one SOA not newer than ours
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dname.h"

struct dns_record;

enum transfer_op {
	TRANSFER_FULL,   /* a record of the whole zone; the SOA first, once */
	TRANSFER_DELETE, /* of a difference; a SOA begins one */
	TRANSFER_ADD,    /* of a difference; a SOA begins the additions */
};

enum transfer_state {
	TRANSFER_STATE_BEGIN,
	TRANSFER_STATE_FIRST, /* one SOA was seen: form not known yet */
	TRANSFER_STATE_FULL,
	TRANSFER_STATE_DELETE,
	TRANSFER_STATE_ADD,
	TRANSFER_STATE_END,
};

struct transfer {
	uint8_t zone[DNAME_MAX];
	bool incremental;     /* IXFR was asked */
	uint32_t serial;      /* ours, if incremental */
	uint32_t new_serial;  /* of the first SOA */
	uint32_t diff_serial; /* the zone's serial after the differences so far */
	enum transfer_state state;
	bool is_full, is_current; /* at the end: which form it was */
	size_t records, bytes;    /* counted */
	size_t max_records, max_bytes;
	uint8_t soa[2 * DNAME_MAX + 24]; /* the first SOA's RDATA, and its TTL behind it */
	uint16_t soa_len;
	/* Each record; borrowed.  Not 0 stops the transfer with that error. */
	int (*on_record)(void *ctx, enum transfer_op op, const struct dns_record *r);
	void *ctx;
};

/* zone: wire.  max_*: 0 = no limit. */
void transfer_init(struct transfer *t, const uint8_t *zone, bool incremental, uint32_t serial);
/*
 * The next record of an answer section.  0; ERR_PROTOCOL (wrong order, class, owner or
 * serial), ERR_LIMIT, or on_record's.  After the end every record is ERR_PROTOCOL.
 */
int transfer_feed(struct transfer *t, const struct dns_record *r);
/*
 * A message has ended, and whether the transfer has with it: a single SOA in the
 * first message of an IXFR answer is the end if it is not newer than ours.
 */
bool transfer_is_done(struct transfer *t);

/* Serial arithmetic (RFC 1982): <0, 0, >0; a distance of 2^31 counts as less. */
int transfer_serial_compare(uint32_t a, uint32_t b);
/* The serial in a SOA's RDATA (valid). */
uint32_t transfer_soa_serial(const uint8_t *rdata, size_t len);

/*
 * journal - what each zone was like before: the differences between its last
 * versions (for IXFR), in memory within a limit and, with a state dir, over a
 * restart.  With one it also remembers serial and content of each zone, so that a
 * zone that comes back unchanged keeps its serial and one that comes back changed gets a newer.
 *
 *	txn_commit ─► on_new_zone: serial from the state dir
 *		   ─► on_commit: difference appended, written behind
 *
 * Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct journal;
struct state;
struct zonedb;

/* One step from a serial to a newer one.  Immutable; counted references. */
struct journal_diff {
	uint32_t from, to;
	unsigned refs;
	unsigned deleted, added; /* records; each list begins with the SOA */
	size_t deleted_len;      /* octets of the deleted ones, the added follow */
	size_t len;
	uint8_t bytes[]; /* records: owner, type 2, TTL 4, RDLENGTH 2, RDATA */
};

/* state: NULL = nothing survives.  max_bytes: of all differences in memory; 0 = 64 MiB. */
struct journal *journal_new(struct zonedb *db, struct state *state, size_t max_bytes);
/* After the database's last commit. */
void journal_free(struct journal *j);
/*
 * The steps that lead from serial FROM to serial TO of the zone ORIGIN (wire, any case), in order,
 * each with a reference for the caller; *ret is an array that the caller frees.
 * ERR_NOT_FOUND: not (any more) known.
 */
int journal_steps(struct journal *j, const uint8_t *origin, uint32_t from, uint32_t to,
		  struct journal_diff ***ret, size_t *ret_n);
void journal_diff_unref(struct journal_diff *d);
/* The record at *pos of BYTES; *pos moves on.  Pointers into BYTES. */
struct journal_record {
	const uint8_t *owner, *rdata;
	uint16_t type, rdlen;
	uint32_t ttl;
};
void journal_next(const uint8_t *bytes, size_t *pos, struct journal_record *ret);

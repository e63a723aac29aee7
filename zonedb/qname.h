/*
 * qname - a name made ready for look-ups in one pass: lower case, where its
 * labels begin, and the hash of every suffix, from the root to the whole name,
 * so that finding the zone and the closest encloser never hashes again.
 *
 *	 3 w w w 3 f o o 0	labels = 2
 *	 off[0]  off[1]  off[2]
 *	 hash[0] hash[1] hash[2] = the root's
 *
 * Hashes are seeded per process: owner names come from strangers.  Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/dname.h"

struct qname {
	uint8_t len;    /* octets, 1..255 */
	uint8_t labels; /* without the root, 0..127 */
	uint8_t off[DNAME_LABELS_MAX + 1];
	uint64_t hash[DNAME_LABELS_MAX + 1];
	uint8_t lower[DNAME_MAX + 1 + 16]; /* zero octets follow, at least 8 */
};

/* Read once by qname_seed_init, called by zonedb_new. */
extern uint64_t qname_seed[2];
void qname_seed_init(void);

/*
 * Prepare the name at WIRE, of which LEN octets may be read (no compression).
 * ERR_TRUNCATED, ERR_TOO_LONG, ERR_SYNTAX as dname_parse; Q is garbage then.
 */
int qname_parse(struct qname *q, const uint8_t *wire, size_t len);
/* The same for a NAME known to be valid. */
void qname_set(struct qname *q, const uint8_t *name);

/* Hash of a label put before a name with hash H: used for "*" too. */
static inline uint64_t qname_mix(uint64_t h, uint64_t word)
{
	unsigned __int128 m = (unsigned __int128)(h ^ word) * qname_seed[0];

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Hash of "*." before the suffix with hash H. */
static inline uint64_t qname_star(uint64_t h)
{
	return qname_mix(h, 0x2a01); /* the octets 01 '*', little endian */
}

/* Equality of the suffix of Q that begins at label I with NAME (lower case, LEN octets, padded). */
static inline _Bool qname_suffix_is(const struct qname *q, unsigned i, const uint8_t *name,
				    size_t len)
{
	const uint8_t *suffix = q->lower + q->off[i];

	if ((size_t)(q->len - q->off[i]) != len)
		return 0;
	for (size_t n = 0; n < len; n += 8) {
		uint64_t a, b;

		memcpy(&a, suffix + n, 8);
		memcpy(&b, name + n, 8);
		if (a != b)
			return 0;
	}
	return 1;
}

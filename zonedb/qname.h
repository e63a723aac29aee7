/*
 * qname - a name made ready for look-ups: lower case, with the places of its
 * labels, and zero octets behind it so that hashing and comparing go by whole
 * words.
 *
 *	 3 w w w 3 f o o 0 0 0 …	labels = 2
 *	 off[0]  off[1]  off[2]		suffix 1 is "foo."
 *
 * Hashes are seeded per process: owner names come from strangers.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/dname.h"

#define QNAME_SLACK 16 /* octets read and written beyond the end */

struct qname {
	uint8_t len;    /* octets, 1..255 */
	uint8_t labels; /* without the root, 0..127 */
	uint8_t off[DNAME_LABELS_MAX + 1];
	uint8_t lower[DNAME_MAX + 1 + 2 * QNAME_SLACK];
};

/* Set once by qname_seed_init, called by zonedb_new. */
extern uint64_t qname_seed[2];
void qname_seed_init(void);

/*
 * Prepare the name at WIRE, at most LEN octets (no compression), with QNAME_SLACK readable
 * octets behind those.  ERR_TRUNCATED, ERR_TOO_LONG, ERR_SYNTAX as dname_parse; Q is garbage then.
 */
int qname_parse(struct qname *q, const uint8_t *wire, size_t len);
/* The same for a NAME known to be valid, without slack. */
void qname_set(struct qname *q, const uint8_t *name);

static inline uint64_t qname_word(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* Hash of LEN octets at P, of which zero octets follow up to a multiple of 16. */
static inline uint64_t qname_hash_octets(const uint8_t *p, size_t len)
{
	uint64_t h = qname_seed[1];

	for (const uint8_t *end = p + len; p < end; p += 16) {
		unsigned __int128 m = (unsigned __int128)(qname_word(p) ^ qname_seed[0]) *
				      (qname_word(p + 8) ^ h);

		h = (uint64_t)m ^ (uint64_t)(m >> 64);
	}
	return h;
}

/* Octets of the suffix that begins at label I. */
static inline size_t qname_suffix_len(const struct qname *q, unsigned i)
{
	return (size_t)(q->len - q->off[i]);
}

/* Hash of the suffix that begins at label I. */
static inline uint64_t qname_hash(const struct qname *q, unsigned i)
{
	return qname_hash_octets(q->lower + q->off[i], qname_suffix_len(q, i));
}

/*
 * Is the suffix that begins at label I the NAME (lower case, LEN octets, zero octets up to a
 * multiple of 16 behind it)?
 */
static inline bool qname_suffix_is(const struct qname *q, unsigned i, const uint8_t *name,
				   size_t len)
{
	const uint8_t *suffix = q->lower + q->off[i];
	uint64_t differ = qname_suffix_len(q, i) ^ len;

	for (size_t n = 0; n < len; n += 16)
		differ |= (qname_word(suffix + n) ^ qname_word(name + n)) |
			  (qname_word(suffix + n + 8) ^ qname_word(name + n + 8));
	return differ == 0;
}

#include "zonedb/qname.h"

#include <stdlib.h>
#include <sys/random.h>

#include "lib/error.h"

uint64_t qname_seed[2] = { 0x9e3779b97f4a7c15, 0x2545f4914f6cdd1d };

void qname_seed_init(void)
{
	static _Bool done;

	if (done)
		return;
	done = 1;
	if (getrandom(qname_seed, sizeof(qname_seed), 0) != (ssize_t)sizeof(qname_seed))
		abort(); /* a predictable hash would let owner names be chosen to collide */
	qname_seed[0] |= 1;
}

/* Upper-case ASCII letters of eight octets at once; length octets are < 'A' and stay. */
static inline uint64_t lower8(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t low7 = x & (0x7f * ones);
	uint64_t above_z = low7 + (0x7f - 'Z') * ones;
	uint64_t from_a = low7 + (0x80 - 'A') * ones;
	uint64_t upper = (from_a ^ above_z) & ~x & (0x80 * ones);

	return x | upper >> 2;
}

static inline void lower_name(struct qname *q)
{
	for (size_t i = 0; i < q->len; i += 8) {
		uint64_t w;

		memcpy(&w, q->lower + i, 8);
		w = lower8(w);
		memcpy(q->lower + i, &w, 8);
	}
}

/* Labels are at most 64 octets with their length, so eight words; the last one is cut by a mask. */
static inline uint64_t label_hash(uint64_t h, const uint8_t *label)
{
	unsigned n = label[0] + 1u;
	uint64_t w;

	for (; n > 8; n -= 8, label += 8) {
		memcpy(&w, label, 8);
		h = qname_mix(h, w);
	}
	memcpy(&w, label, 8);
	return qname_mix(h, w & ~0ULL >> (64 - 8 * n));
}

static inline void prepare(struct qname *q, const uint8_t *wire)
{
	memcpy(q->lower, wire, q->len);
	memset(q->lower + q->len, 0, 16);
	lower_name(q);
	uint64_t h = qname_seed[1];
	q->hash[q->labels] = h;
	for (unsigned i = q->labels; i-- > 0;) {
		h = label_hash(h, q->lower + q->off[i]);
		q->hash[i] = h;
	}
}

int qname_parse(struct qname *q, const uint8_t *wire, size_t len)
{
	size_t pos = 0;
	unsigned labels = 0;
	size_t max = len < DNAME_MAX ? len : DNAME_MAX;

	for (;;) {
		if (pos >= max)
			return pos >= len ? ERR_TRUNCATED : ERR_TOO_LONG;
		uint8_t n = wire[pos];
		q->off[labels] = (uint8_t)pos;
		if (n == 0)
			break;
		if (n > 63)
			return ERR_SYNTAX; /* RFC 1035 4.1.4 pointer, RFC 6891 5 label types */
		labels++;
		pos += n + 1u;
	}
	q->labels = (uint8_t)labels;
	q->len = (uint8_t)(pos + 1);
	prepare(q, wire);
	return 0;
}

void qname_set(struct qname *q, const uint8_t *name)
{
	(void)qname_parse(q, name, DNAME_MAX); /* valid by the caller's word */
}

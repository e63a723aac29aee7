#include "zonedb/qname.h"

#include <stdlib.h>
#include <sys/random.h>

#include "lib/error.h"

typedef uint8_t octets16 __attribute__((vector_size(16)));

uint64_t qname_seed[2] = { 0x9e3779b97f4a7c15, 0x2545f4914f6cdd1d };

void qname_seed_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	if (getrandom(qname_seed, sizeof(qname_seed), 0) != (ssize_t)sizeof(qname_seed))
		abort(); /* a predictable hash would let owner names be chosen to collide */
}

/* Sixteen octets at a time; length octets are below 'A' and stay. */
static inline void lower_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t i = 0; i < len; i += 16) {
		octets16 x;

		memcpy(&x, from + i, 16);
		x |= (octets16)(x - 'A' < 26) & 0x20;
		memcpy(to + i, &x, 16);
	}
}

int qname_parse(struct qname *q, const uint8_t *wire, size_t len)
{
	size_t max = len < DNAME_MAX ? len : DNAME_MAX;
	size_t pos = 0;
	unsigned labels = 0;

	for (;; labels++) {
		if (pos >= max)
			return pos >= len ? ERR_TRUNCATED : ERR_TOO_LONG;
		unsigned n = wire[pos];
		q->off[labels] = (uint8_t)pos;
		if (n == 0)
			break;
		if (n > 63)
			return ERR_SYNTAX; /* RFC 1035 4.1.4 pointer, RFC 6891 5 label types */
		pos += n + 1;
	}
	q->labels = (uint8_t)labels;
	q->len = (uint8_t)(pos + 1);
	lower_copy(q->lower, wire, pos + 1);
	memset(q->lower + pos + 1, 0, QNAME_SLACK);
	return 0;
}

void qname_set(struct qname *q, const uint8_t *name)
{
	uint8_t copy[DNAME_MAX + QNAME_SLACK];
	size_t len = dname_len(name);

	memcpy(copy, name, len);
	memset(copy + len, 0, QNAME_SLACK);
	(void)qname_parse(q, copy, len); /* valid by the caller's word */
}

#include "server/rrl.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/mem.h"

#define SLOTS     (1u << 18) /* 2 MiB, touched only where used */
#define TIME_BITS 44
#define TIME_MASK ((1ULL << TIME_BITS) - 1)
#define SECOND    1000000ULL /* microseconds; 44 bits of them are half a year */

/*
 * A slot: 20 bits of tag, 44 of time.  The time is when the prefix would have its share used up; it
 * runs ahead of the clock by one interval an answer and may be a second ahead.
 */
struct rrl {
	uint64_t interval_us;
	unsigned slip;
	unsigned limited; /* relaxed; which of them slips */
	uint64_t seed[2];
	uint64_t slots[SLOTS];
};

struct rrl *rrl_new(unsigned rate, unsigned slip)
{
	struct rrl *r = MEM_NEW(struct rrl);

	r->interval_us = rate < SECOND ? SECOND / rate : 1;
	r->slip = slip;
	if (getrandom(r->seed, sizeof(r->seed), 0) != (ssize_t)sizeof(r->seed))
		abort(); /* a predictable table could be filled to hide in */
	r->seed[0] |= 1;
	return r;
}

void rrl_free(struct rrl *r)
{
	free(r);
}

static uint64_t prefix(const struct sockaddr *sa)
{
	uint64_t bits;

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

		return in->sin_addr.s_addr & htonl(0xffffff00);
	}
	const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		uint32_t v4;

		memcpy(&v4, a->s6_addr + 12, sizeof(v4));
		return v4 & htonl(0xffffff00);
	}
	memcpy(&bits, a->s6_addr, sizeof(bits));
	return (bits & 0x00ffffffffffffff) | 1ULL << 63; /* the first 56, little endian */
}

enum rrl_verdict rrl_check(struct rrl *r, const struct sockaddr *client, uint64_t key,
			   uint64_t now_ms)
{
	unsigned __int128 m = (unsigned __int128)(prefix(client) ^ key ^ r->seed[1]) * r->seed[0];
	uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);
	uint64_t *slot = &r->slots[h % SLOTS];
	uint64_t tag = h & ~TIME_MASK;
	uint64_t old = __atomic_load_n(slot, __ATOMIC_RELAXED);
	uint64_t now = now_ms * 1000 & TIME_MASK;
	uint64_t due = old & TIME_MASK;

	/* somebody else's slot, or long ago (also when 44 bits wrapped) */
	if ((old & ~TIME_MASK) != tag || due < now || due > now + 2 * SECOND)
		due = now;
	if (__builtin_expect(due + r->interval_us <= now + SECOND, 1)) {
		__atomic_store_n(slot, tag | (due + r->interval_us), __ATOMIC_RELAXED);
		return RRL_PASS;
	}
	unsigned n = __atomic_add_fetch(&r->limited, 1, __ATOMIC_RELAXED);
	return r->slip && n % r->slip == 0 ? RRL_SLIP : RRL_DROP;
}

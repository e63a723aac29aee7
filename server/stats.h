/*
 * stats - what one worker counted.  Only its thread writes; the control thread
 * reads without a lock and may see numbers a moment old.
 */
#pragma once

#include <stdint.h>

enum stats_kind {
	STATS_ANSWER,
	STATS_NODATA,
	STATS_NXDOMAIN,
	STATS_REFERRAL,
	STATS_REFUSED,
	STATS_ERROR,
	STATS_KINDS
};
enum stats_drop {
	STATS_DROP_MALFORMED,
	STATS_DROP_PORT_ZERO,
	STATS_DROP_SEND,
	STATS_DROP_LIMIT,
	STATS_DROPS
};
enum stats_cookie { STATS_COOKIE_CLIENT, STATS_COOKIE_VALID, STATS_COOKIE_INVALID, STATS_COOKIES };
enum stats_transport { STATS_UDP, STATS_TCP, STATS_TRANSPORTS };

#define STATS_TYPES 66

struct server_stats {
	uint64_t queries[STATS_TRANSPORTS];
	uint64_t received[STATS_TRANSPORTS]; /* octets */
	uint64_t sent[STATS_TRANSPORTS];
	uint64_t rcodes[STATS_TRANSPORTS][24];
	uint64_t kinds[STATS_KINDS];
	uint64_t drops[STATS_DROPS];
	uint64_t cookies[STATS_COOKIES];
	uint64_t types[STATS_TYPES]; /* by QTYPE; [0] = all above HTTPS */
	uint64_t truncated;
	uint64_t slipped, limited; /* RRL */
	uint64_t edns, ecs;
	uint64_t tcp_open, tcp_accepted, tcp_refused;
};

/* The one writer's add: readers elsewhere must not see half a number. */
static inline void stats_add(uint64_t *counter, uint64_t by)
{
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
}

static inline uint64_t stats_get(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

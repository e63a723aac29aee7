/*
 * ratelimit - a token bucket for one account at a service, and the pause that
 * the service asked for (Retry-After).  Plain data, control thread.
 */
#pragma once

#include <stdint.h>

struct ratelimit {
	double per_s; /* tokens that come back a second; 0 = no limit */
	double burst; /* tokens that can be saved up */
	double tokens;
	uint64_t at_ms;    /* when tokens was right; monotonic */
	uint64_t until_ms; /* nobody may call before */
};

/* Full at first. */
void ratelimit_init(struct ratelimit *r, double per_s, double burst);
/* Take a token and return 0, or take none and return the ms until there may be one. */
uint64_t ratelimit_take(struct ratelimit *r);
/* The service asked for a pause: nothing before it is over.  A longer one stands. */
void ratelimit_pause(struct ratelimit *r, uint64_t ms);

/* backoff - exponential back-off with jitter.  Plain data. */
#pragma once

#include <stdint.h>

struct backoff {
	uint32_t min_ms, max_ms;
	uint32_t tries; /* failures since the last success */
};
/* The next wait: min * 2^tries, at most max, with -50 %..0 jitter; counts a try. */
uint32_t backoff_next_ms(struct backoff *b);
void backoff_reset(struct backoff *b);

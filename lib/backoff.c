#include "lib/backoff.h"

#include <stdlib.h>

#include "lib/clock.h"

uint32_t backoff_next_ms(struct backoff *b)
{
	uint64_t wait = (uint64_t)b->min_ms << (b->tries < 20 ? b->tries : 20);

	if (wait > b->max_ms)
		wait = b->max_ms;
	b->tries++;
	/* any spread will do: clients must only not march in step */
	uint64_t r = (clock_mono_ns() * 0x9e3779b97f4a7c15ULL) >> 33;
	return (uint32_t)(wait - (wait / 2) * (r & 1023) / 1024);
}

void backoff_reset(struct backoff *b)
{
	b->tries = 0;
}

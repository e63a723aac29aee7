#include "sync/ratelimit.h"

#include "lib/clock.h"

void ratelimit_init(struct ratelimit *r, double per_s, double burst)
{
	*r = (struct ratelimit){ .per_s = per_s,
				 .burst = burst < 1 ? 1 : burst,
				 .tokens = burst < 1 ? 1 : burst,
				 .at_ms = clock_mono_ms() };
}

uint64_t ratelimit_take(struct ratelimit *r)
{
	uint64_t now = clock_mono_ms();

	if (now < r->until_ms)
		return r->until_ms - now;
	if (r->per_s <= 0)
		return 0;
	r->tokens += (double)(now - r->at_ms) / 1000 * r->per_s;
	if (r->tokens > r->burst)
		r->tokens = r->burst;
	r->at_ms = now;
	if (r->tokens >= 1) {
		r->tokens -= 1;
		return 0;
	}
	return (uint64_t)((1 - r->tokens) / r->per_s * 1000) + 1;
}

void ratelimit_pause(struct ratelimit *r, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	if (until > r->until_ms)
		r->until_ms = until;
}

#include "gslb/health.h"

const char *health_text(enum health h)
{
	switch (h) {
	case HEALTH_HEALTHY:
		return "Healthy";
	case HEALTH_UNHEALTHY:
		return "Unhealthy";
	case HEALTH_NOT_FOUND:
		return "NotFound";
	}
	return "";
}

static bool is_healthy(const struct gslb_backend *b, const struct health_need *need)
{
	unsigned n = b->ready + (need && need->serving ? b->serving : 0);
	unsigned least = need && need->least ? need->least : 1;

	return n >= least && (need == NULL || n * 100 >= b->total * need->percent);
}

enum health health_of(const struct gslb_host_decl *host, enum gslb_health_policy policy,
		      const struct health_need *need)
{
	size_t healthy = 0, unhealthy = 0, missing = 0;

	for (size_t i = 0; i < host->nbackends; i++) {
		const struct gslb_backend *b = &host->backends[i];

		if (!b->found)
			missing++;
		else if (is_healthy(b, need))
			healthy++;
		else
			unhealthy++;
	}
	if (policy == GSLB_HEALTH_ALL) {
		if (missing || host->nbackends == 0)
			return HEALTH_NOT_FOUND;
		return unhealthy ? HEALTH_UNHEALTHY : HEALTH_HEALTHY;
	}
	if (healthy)
		return HEALTH_HEALTHY;
	return unhealthy ? HEALTH_UNHEALTHY : HEALTH_NOT_FOUND;
}

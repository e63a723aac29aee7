/*
 * strategy_geoip - k8gb's geoip: all healthy clusters are candidates; per query those
 * targets that lie where the client does answer, or all if none does.
 */
#include "gslb/strategy.h"

extern const struct strategy_ops strategy_geoip;

static void decide(struct decision *d)
{
	d->by_field = true;
	d->reason = "GeoIP";
}

const struct strategy_ops strategy_geoip = {
	.name = "geoip",
	.decide = decide,
};

/*
 * strategy_failover - k8gb's failover: the primary cluster answers while it is
 * healthy, else all other healthy ones together.  A primary that names no cluster is
 * said so, and everybody answers, as k8gb does.  A GslbPolicy's tiers put more
 * steps between (gslb/decide.c).
 */
#include <strings.h>

#include "gslb/strategy.h"
#include "lib/mem.h"

extern const struct strategy_ops strategy_failover;

static void decide(struct decision *d)
{
	const char *primary = d->decl->primary_geo_tag;
	bool found = false;

	for (size_t i = 0; i < d->nsites; i++) {
		struct site *s = &d->sites[i];
		bool is_primary = primary && strcasecmp(s->geo_tag, primary) == 0;

		found = found || is_primary;
		if (is_primary)
			s->tier = 0;
		else if (s->source != SITE_STATIC || s->tier == 0)
			s->tier = 1;
	}
	d->ordered = true;
	d->reason = "Failover";
	if (!found) {
		d->reason = "UnknownPrimary";
		d->message =
			primary ? mem_printf("spec.strategy.primaryGeoTag: no cluster has the geo "
					     "tag '%s'; all healthy clusters answer",
					     primary)
				: mem_strdup("spec.strategy.primaryGeoTag is not set; all healthy "
					     "clusters answer");
	}
}

const struct strategy_ops strategy_failover = {
	.name = "failover",
	.decide = decide,
};

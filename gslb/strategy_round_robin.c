/*
 * strategy_round_robin - k8gb's roundRobin: every healthy cluster answers.  With
 * weights, a weight is a cluster's share of the answers; one of weight 0, or one
 * that the weights do not name, answers only while no other can.
 */
#include <stdio.h>

#include "gslb/strategy.h"
#include "lib/buf.h"

extern const struct strategy_ops strategy_round_robin;

static void name_the_unweighted(struct decision *d)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < d->nsites; i++) {
		if (d->sites[i].source == SITE_STATIC || d->sites[i].weight != SITE_NO_WEIGHT)
			continue;
		buf_printf(&b, "%s%s", b.len ? ", " : "", d->sites[i].geo_tag);
	}
	if (b.len) {
		buf_puts(&b, ": not named in spec.strategy.weight, answered only while no other "
			     "cluster is healthy");
		d->message = buf_take(&b);
	}
	buf_fini(&b);
}

static void decide(struct decision *d)
{
	bool weighted = d->decl->nweights > 0;

	for (size_t i = 0; i < d->nsites; i++) {
		struct site *s = &d->sites[i];

		if (s->source != SITE_STATIC)
			s->weight = strategy_weight(d->decl, s->geo_tag);
		else if (s->weight > 1)
			weighted = true;
	}
	/* beside a static member with a weight, clusters without one count 1 */
	for (size_t i = 0; weighted && d->decl->nweights == 0 && i < d->nsites; i++) {
		if (d->sites[i].source != SITE_STATIC)
			d->sites[i].weight = 1;
	}
	d->by_weight = weighted;
	d->reason = weighted ? "WeightedRoundRobin" : "RoundRobin";
	if (d->decl->nweights)
		name_the_unweighted(d);
}

const struct strategy_ops strategy_round_robin = {
	.name = "roundRobin",
	.decide = decide,
};

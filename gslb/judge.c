/*
 * judge - who of a host's members is live, and why not: health, dependencies, probes,
 * turns, drains.  Control thread.
 */
#include "gslb/judge.h"

#include "gslb/drain.h"
#include "gslb/policy.h"
#include "gslb/watch.h"
#include "lib/mem.h"

#define DEPENDS_MAX 16 /* hops that are followed */

/* Does FROM depend on H, directly or by others?  Then neither decides about the other. */
static bool depends_on(const struct host *from, const struct host *h, unsigned hops)
{
	if (from == h)
		return true;
	if (from->policy == NULL || hops == DEPENDS_MAX)
		return false;
	for (size_t i = 0; i < from->policy->depends_on.n; i++) {
		const struct host *next = map_get(&h->g->hosts, from->policy->depends_on.s[i]);

		if (next && depends_on(next, h, hops + 1))
			return true;
	}
	return false;
}

/* In this cluster a host is not there while one that it needs is not. */
static void judge_dependencies(struct host *h)
{
	const struct strv *needs = h->policy ? &h->policy->depends_on : NULL;

	for (size_t i = 0; needs && i < needs->n; i++) {
		const struct host *o = map_get(&h->g->hosts, needs->s[i]);

		if (o == NULL || !o->is_resolved || o->local_targets.n)
			continue;
		if (depends_on(o, h, 0)) {
			h->note = "dependsOn goes in a circle and is not followed";
			continue;
		}
		for (size_t m = 0; m < h->d.nmembers; m++) {
			struct member *own = &h->d.members[m];

			if (own->reason || h->d.sites[own->site].source != SITE_LOCAL)
				continue;
			own->reason = "Dependency";
			own->detail = mem_printf("%s is not healthy here", o->name);
		}
	}
}

void judge_touch_dependents(const struct host *h)
{
	struct gslb *g = h->g;

	for (struct map_item *i = map_first(&g->hosts); g->has_dependencies && i;
	     i = map_next(&g->hosts, i)) {
		struct host *o = i->value;

		if (o->policy && strv_has(&o->policy->depends_on, h->name))
			host_touch(o, "dependency", h->name);
	}
}

/* Health, probes, turns, drains: who is live, and why not. */
void judge_run(struct host *h, uint64_t now_ms, uint64_t *ret_wake_ms)
{
	struct decision *d = &h->d;
	size_t refused;

	for (size_t i = 0; i < d->nmembers; i++)
		if (d->members[i].reason == NULL)
			d->members[i].reason = d->sites[d->members[i].site].state;
	judge_dependencies(h);
	watch_update(h);
	watch_judge(h);
	watch_remember(h, now_ms, ret_wake_ms);
	drains_force_up(h->g->drains, h);
	drains_apply(h->g->drains, h, &refused);
	for (size_t i = 0; i < d->nmembers; i++) {
		struct member *m = &d->members[i];

		if (m->is_drained)
			m->reason = "Drained";
		m->is_live = m->reason == NULL;
	}
	if (refused)
		h->note = "a drain is not followed here: it would take the last live member";
}

#include "gslb/decide.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/policy.h"
#include "lib/mem.h"

/* --- building ---------------------------------------------------------------- */

struct site *decide_add_site(struct decision *d, const struct site *site)
{
	d->sites = mem_array(d->sites, d->nsites + 1, sizeof(*d->sites));
	struct site *s = &d->sites[d->nsites++];

	*s = *site;
	s->ramp = 1;
	s->first = d->nmembers;
	s->n = 0;
	return s;
}

void decide_add_member(struct decision *d, const struct netaddr *addr)
{
	struct site *s = &d->sites[d->nsites - 1];
	static const uint8_t zero[16];

	if (memcmp(addr->bytes, zero, sizeof(zero)) == 0)
		return; /* 0.0.0.0 and :: are nobody's */
	for (size_t i = 0; i < s->n; i++)
		if (netaddr_equal(&d->members[s->first + i].addr, addr))
			return;
	d->members = mem_array(d->members, d->nmembers + 1, sizeof(*d->members));
	d->members[d->nmembers++] = (struct member){ .addr = *addr, .site = d->nsites - 1 };
	s->n++;
}

void decide_fini(struct decision *d)
{
	for (size_t i = 0; i < d->nsites; i++) {
		free(d->sites[i].geo_tag);
		free(d->sites[i].name);
		free(d->sites[i].detail);
	}
	for (size_t i = 0; i < d->nmembers; i++)
		free(d->members[i].detail);
	free(d->sites);
	free(d->members);
	free(d->message);
	*d = (struct decision){ 0 };
}

/* --- tiers ------------------------------------------------------------------- */

static bool site_is_live(const struct decision *d, const struct site *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (d->members[s->first + i].is_live)
			return true;
	return false;
}

static bool tier_names(const struct policy_tier *t, const struct site *s)
{
	for (size_t i = 0; i < t->geo_tags.n; i++)
		if (s->source != SITE_STATIC && strcasecmp(t->geo_tags.s[i], s->geo_tag) == 0)
			return true;
	for (size_t i = 0; i < t->members.n && s->name; i++) {
		const char *slash = strchr(s->name, '/');

		if (strcmp(t->members.s[i], s->name) == 0 ||
		    (slash && strcmp(t->members.s[i], slash + 1) == 0))
			return true;
	}
	/* a static member without a line of its own goes with its geo tag */
	for (size_t i = 0; i < t->geo_tags.n; i++)
		if (s->source == SITE_STATIC && strcasecmp(t->geo_tags.s[i], s->geo_tag) == 0)
			return true;
	return false;
}

static void tiers_of_policy(struct decision *d)
{
	const struct policy *p = d->policy;

	if (p == NULL || p->ntiers == 0)
		return;
	d->ordered = true;
	for (size_t i = 0; i < d->nsites; i++) {
		struct site *s = &d->sites[i];

		for (s->tier = 0; s->tier < p->ntiers; s->tier++)
			if (tier_names(&p->tiers[s->tier], s))
				break;
	}
	if (d->reason && strcmp(d->reason, "UnknownPrimary") == 0) {
		d->reason = "Failover";
		free(d->message);
		d->message = NULL;
	}
}

/* A tier's live weight is 0 when nobody in it is live. */
static bool tier_is_fit(const struct decision *d, unsigned tier, bool *ret_live)
{
	unsigned long total = 0, live = 0, least = 0;

	*ret_live = false;
	if (d->policy && tier < d->policy->ntiers)
		least = d->policy->tiers[tier].min_live_percent;
	for (size_t i = 0; i < d->nsites; i++) {
		const struct site *s = &d->sites[i];
		unsigned long w = s->weight == SITE_NO_WEIGHT || !d->by_weight ? 1 : s->weight;

		if (s->tier != tier)
			continue;
		total += w;
		if (!site_is_live(d, s))
			continue;
		live += w;
		*ret_live = true;
	}
	return *ret_live && live * 100 >= total * least;
}

static unsigned best_tier(const struct decision *d)
{
	unsigned some = SITE_TIERS_MAX;

	for (unsigned t = 0; t < SITE_TIERS_MAX; t++) {
		bool live;

		if (tier_is_fit(d, t, &live))
			return t;
		if (live && some == SITE_TIERS_MAX)
			some = t;
	}
	return some;
}

static void switch_to(struct decide_memory *mem, unsigned tier)
{
	*mem = (struct decide_memory){ .has_tier = true, .tier = tier };
}

/* Has TIER an address that was not drained?  A drain takes effect without delay. */
static bool can_hold(const struct decision *d, unsigned tier)
{
	for (size_t i = 0; i < d->nmembers; i++)
		if (d->sites[d->members[i].site].tier == tier && !d->members[i].is_drained)
			return true;
	return false;
}

/* A worse tier may take over only after the delay. */
static unsigned fail_over(const struct decision *d, struct decide_memory *mem, unsigned best,
			  uint64_t now_ms, uint64_t *ret_wake_ms)
{
	const struct policy *p = d->policy;

	if (mem->unfit_ms == 0)
		mem->unfit_ms = now_ms;
	if (p && can_hold(d, mem->tier) && now_ms - mem->unfit_ms < p->failover_delay_ms) {
		*ret_wake_ms = mem->unfit_ms + p->failover_delay_ms;
		return mem->tier;
	}
	switch_to(mem, best);
	return best;
}

/* A better tier takes its place back after the delay, or when somebody says so. */
static unsigned fail_back(const struct policy *p, struct decide_memory *mem, unsigned best,
			  uint64_t now_ms, uint64_t *ret_wake_ms)
{
	if (mem->better_ms == 0 || mem->better != best) {
		mem->better = best;
		mem->better_ms = now_ms;
	}
	if (p && p->is_failback_manual && !mem->release)
		return mem->tier;
	if (p && !mem->release && now_ms - mem->better_ms < p->failback_delay_ms) {
		*ret_wake_ms = mem->better_ms + p->failback_delay_ms;
		return mem->tier;
	}
	switch_to(mem, best);
	return best;
}

static unsigned choose_tier(const struct decision *d, struct decide_memory *mem, uint64_t now_ms,
			    uint64_t *ret_wake_ms)
{
	unsigned best = best_tier(d);
	bool live = false;

	if (!mem->has_tier) {
		if (best < SITE_TIERS_MAX)
			switch_to(mem, best);
		return best;
	}
	if (best == mem->tier) {
		switch_to(mem, best);
		return best;
	}
	if (best > mem->tier)
		return fail_over(d, mem, best, now_ms, ret_wake_ms);
	(void)tier_is_fit(d, mem->tier, &live);
	if (!live) { /* nothing to hold on to */
		switch_to(mem, best);
		return best;
	}
	return fail_back(d->policy, mem, best, now_ms, ret_wake_ms);
}

/* --- who answers ----------------------------------------------------------------- */

static bool has_weight(const struct decision *d, const struct site *s)
{
	return s->weight == SITE_NO_WEIGHT ? !d->by_weight : s->weight != 0;
}

/* Weight 0, and none where others have one, step back while somebody in the tier has one. */
static bool steps_back(const struct decision *d, const struct site *s)
{
	if (has_weight(d, s))
		return false;
	for (size_t i = 0; i < d->nsites; i++) {
		const struct site *o = &d->sites[i];

		if (o->tier == d->tier && has_weight(d, o) && site_is_live(d, o))
			return true;
	}
	return false;
}

static void mark(const struct decision *d, const struct site *s, struct member *m)
{
	if (s->tier != d->tier) {
		m->reason = "Standby";
	} else if (steps_back(d, s)) {
		m->reason = s->weight == 0 ? "WeightZero" : "NoWeight";
	} else {
		m->is_answered = true;
		m->reason = "Answered";
	}
}

static void mark_answered(struct decision *d)
{
	bool live;
	/* a dead tier that the failover delay still keeps answers as it was */
	bool held = !tier_is_fit(d, d->tier, &live) && !live;

	for (size_t i = 0; i < d->nmembers; i++) {
		struct member *m = &d->members[i];
		const struct site *s = &d->sites[m->site];

		if (m->is_live) {
			mark(d, s, m);
		} else if (held && s->tier == d->tier && !m->is_drained) {
			m->is_answered = true;
			m->reason = "Held";
		}
	}
}

static void say_all_down(struct decision *d)
{
	enum policy_all_down what = d->policy ? d->policy->all_down : ALL_DOWN_NODATA;

	d->is_all_down = true;
	d->reason = "AllDown";
	free(d->message);
	d->message = mem_strdup("nobody is healthy");
	if (what != ALL_DOWN_ALL)
		return;
	for (size_t i = 0; i < d->nmembers; i++) {
		if (d->members[i].is_drained)
			continue;
		d->members[i].is_answered = true;
		d->members[i].reason = "AllDownAll";
	}
}

static void name_the_tier(struct decision *d)
{
	if (!d->ordered || strcmp(d->reason, "UnknownPrimary") == 0)
		return;
	d->reason = d->tier == 0 ? "Primary" : "Failover";
}

void decide_run(struct decision *d, const struct strategy_ops *ops, struct decide_memory *mem,
		uint64_t now_ms, uint64_t *ret_wake_ms)
{
	*ret_wake_ms = 0;
	ops->decide(d);
	tiers_of_policy(d);
	d->tier = choose_tier(d, mem, now_ms, ret_wake_ms);
	if (d->tier >= SITE_TIERS_MAX) {
		say_all_down(d);
		return;
	}
	mark_answered(d);
	name_the_tier(d);
}

/*
 * host - one load-balanced name: who claims it, who offers addresses for it, and
 * the decision.  host_resolve is the only function that decides.
 * Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "gslb/history.h"
#include "gslb/host_metrics.h"
#include "gslb/inside.h"
#include "gslb/judge.h"
#include "gslb/names.h"
#include "gslb/peers.h"
#include "gslb/policies.h"
#include "gslb/policy.h"
#include "gslb/probe.h"
#include "gslb/site.h"
#include "gslb/statezone.h"
#include "gslb/watch.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/mem.h"
#include "lib/metric.h"

/* --- life ------------------------------------------------------------------------ */

void host_touch(struct host *h, const char *cause, const char *detail)
{
	struct gslb *g = h->g;

	if (!h->is_dirty) {
		h->is_dirty = true;
		h->cause = cause;
		mem_strset(&h->cause_detail, detail);
		h->cause_ns = clock_mono_ns();
		h->next_dirty = NULL;
		*g->dirty_end = h;
		g->dirty_end = &h->next_dirty;
	}
	gslb_soon(g);
}

static void free_offers(struct host *h)
{
	for (size_t i = 0; i < h->noffers; i++)
		statezone_offer_fini(&h->offers[i]);
	free(h->offers);
}

const struct offer *host_offer(const struct host *h, size_t peer)
{
	return peer < h->noffers ? &h->offers[peer] : NULL;
}

struct offer *host_offer_slot(struct host *h, size_t peer)
{
	size_t n = h->g->peer_tags.n;

	if (peer >= h->noffers) { /* peers may have come since */
		h->offers = mem_array(h->offers, n, sizeof(*h->offers));
		memset(&h->offers[h->noffers], 0, (n - h->noffers) * sizeof(*h->offers));
		h->noffers = n;
	}
	return &h->offers[peer];
}

void host_free(struct host *h)
{
	host_metrics_gone(h);
	free_offers(h);
	watch_end(h);
	decide_fini(&h->d);
	policy_unref(h->policy);
	strv_fini(&h->last_good);
	strv_fini(&h->local_targets);
	strv_fini(&h->answer);
	free(h->claims);
	free(h->name);
	free(h->state_text);
	free(h->cause_detail);
	free(h);
}

struct host *host_get(struct gslb *g, const char *name)
{
	char *normal = name ? dname_text_normal(name) : NULL;
	struct host *h = normal ? map_get(&g->hosts, normal) : NULL;
	uint8_t wire[DNAME_MAX];

	if (h == NULL && normal && dname_text_is_host(normal, true) &&
	    dname_from_text(normal, wire) == 0) {
		h = MEM_NEW(struct host);
		h->g = g;
		h->name = mem_strdup(normal);
		memcpy(h->wire, wire, dname_len(wire));
		h->zone = gslb_zone_of(g, normal);
		(void)map_put(&g->hosts, normal, h); /* was not there */
		if (h->zone)
			peers_watch(g->peers, h);
	}
	free(normal);
	return h;
}

/* Who wins a host: the older object; the canonical API group; then by id. */
static int compare_claims(const struct claim *a, const struct claim *b)
{
	const struct gslb_decl *x = a->object->good, *y = b->object->good;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? -1 : 1;
	bool cx = x->api_group && strcmp(x->api_group, "k8gb.io") == 0;
	bool cy = y->api_group && strcmp(y->api_group, "k8gb.io") == 0;
	if (cx != cy)
		return cx ? -1 : 1;
	return strcmp(x->id, y->id);
}

static void touch_claimants(struct host *h)
{
	for (size_t i = 0; i < h->nclaims; i++)
		object_touch(h->g, h->claims[i].object);
}

void host_claim(struct host *h, struct object *o, const struct gslb_host_decl *d)
{
	struct claim new = { o, d };
	size_t at = 0;

	for (size_t i = 0; i < h->nclaims; i++)
		if (h->claims[i].object == o)
			return; /* the object names the host twice */
	h->claims = mem_array(h->claims, h->nclaims + 1, sizeof(*h->claims));
	while (at < h->nclaims && compare_claims(&h->claims[at], &new) <= 0)
		at++;
	memmove(&h->claims[at + 1], &h->claims[at], (h->nclaims - at) * sizeof(new));
	h->claims[at] = new;
	h->nclaims++;
	touch_claimants(h);
	host_touch(h, "object", o->good->id);
}

void host_unclaim(struct host *h, const struct object *o)
{
	for (size_t i = 0; i < h->nclaims; i++) {
		if (h->claims[i].object != o)
			continue;
		h->nclaims--;
		memmove(&h->claims[i], &h->claims[i + 1], (h->nclaims - i) * sizeof(*h->claims));
		break;
	}
	touch_claimants(h);
	host_touch(h, "object", o->good->id);
}

/* --- the decision ----------------------------------------------------------------------- */

/* The policy of an object or host; probes and memory follow it. */
static void choose_policy(struct host *h)
{
	struct policy *p = policies_for(h->g->policies, h->name, h->d.decl);

	if (p == NULL)
		p = h->claims[0].object->policy;
	(void)policy_ref(p);
	policy_unref(h->policy);
	h->policy = p;
	h->d.policy = p;
	h->g->has_dependencies = h->g->has_dependencies || (p && p->depends_on.n);
}

static void build(struct host *h)
{
	decide_fini(&h->d);
	h->d.decl = h->claims[0].object->good;
	choose_policy(h);
	site_add_own(h);
	for (size_t i = 0; i < h->g->peer_tags.n; i++)
		site_add_peer(h, i);
	policies_add_static(h->g->policies, h);
}

/* All down: the addresses that answered last, or those of the policy. */
static void add_last_resort(struct host *h)
{
	struct decision *d = &h->d;
	enum policy_all_down what = h->policy ? h->policy->all_down : ALL_DOWN_NODATA;
	bool fallback = what == ALL_DOWN_FALLBACK;
	const struct strv *from = fallback ? &h->policy->fallback_addresses : &h->last_good;
	const char *word = fallback ? "Fallback" : "LastKnownGood";

	if (!d->is_all_down || (!fallback && what != ALL_DOWN_LAST_GOOD))
		return;
	if (fallback && h->policy->fallback_hostname)
		from = names_get(h->g->names, h->policy->fallback_hostname);
	struct site *s = decide_add_site(d, &(struct site){ .geo_tag = mem_strdup(""),
							    .name = mem_strdup(word),
							    .source = SITE_STATIC,
							    .is_known = true,
							    .weight = SITE_NO_WEIGHT });
	for (size_t i = 0; from && i < from->n; i++) {
		struct netaddr a;

		if (netaddr_from_text(from->s[i], &a) == 0)
			decide_add_member(d, &a);
	}
	if (fallback && h->policy->fallback_hostname)
		s->ttl_s = names_ttl(h->g->names, h->policy->fallback_hostname);
	for (size_t i = 0; i < s->n; i++) {
		d->members[s->first + i].is_answered = true;
		d->members[s->first + i].reason = word;
	}
}

static void collect(const struct host *h, bool local, struct strv *ret)
{
	for (size_t i = 0; i < h->d.nmembers; i++) {
		const struct member *m = &h->d.members[i];
		char text[NETADDR_TEXT_MAX];

		if (local ? m->is_live && h->d.sites[m->site].source == SITE_LOCAL : m->is_answered)
			(void)strv_add_unique(ret, netaddr_to_text(&m->addr, text));
	}
	strv_sort(ret);
}

static void tell_failover(struct host *h, bool was_down)
{
	const struct decision *d = &h->d;
	bool primary = d->ordered && !d->is_all_down && d->tier == 0;
	const char *id = h->claims[0].object->good->id;
	char *answer = strv_join(&h->answer, ", "), *text;

	if (h->g->env.on_event && h->is_resolved && d->ordered && primary != h->was_primary) {
		text = mem_printf("%s is now answered with %s", h->name,
				  *answer ? answer : "nothing");
		h->g->env.on_event(h->g->env.ctx, id, !primary, primary ? "Failback" : "Failover",
				   text);
		free(text);
	}
	if (h->g->env.on_event && d->is_all_down && !was_down) {
		text = mem_printf("%s has no healthy member", h->name);
		h->g->env.on_event(h->g->env.ctx, id, true, "AllDown", text);
		free(text);
	}
	h->was_primary = primary;
	free(answer);
}

static void note_change(struct host *h, struct strv *before)
{
	if (h->is_resolved && strv_equal(before, &h->answer))
		return;
	h->changed_ms = clock_real_ms();
	touch_claimants(h);
	if (!h->is_resolved && h->g->is_opening)
		return; /* a start changes nothing that somebody saw */
	history_add(h->g->history, h, before);
	metric_add(METRIC_HOST_CHANGES_TOTAL, 1, h->cause);
}

/* Nobody claims the host any more, or it is in no zone. */
static void forget(struct host *h)
{
	watch_end(h);
	decide_fini(&h->d);
	strv_fini(&h->answer);
	strv_fini(&h->local_targets);
	host_metrics_gone(h);
	h->is_resolved = false;
}

/* The answer lives no longer than until it could be another: probes that begin to turn, delays. */
static uint32_t near_ttl(const struct host *h, uint64_t now_ms)
{
	uint64_t ttl_s = h->d.decl->dns_ttl_s, near_ms = watch_near_ms(h);

	if (h->memory.unfit_ms || h->memory.better_ms) {
		uint64_t wait_ms = h->wake_ms > now_ms ? h->wake_ms - now_ms : 0;

		if (wait_ms && (near_ms == 0 || wait_ms < near_ms))
			near_ms = wait_ms;
	}
	if (near_ms && (near_ms + 999) / 1000 < ttl_s)
		ttl_s = (near_ms + 999) / 1000;
	for (size_t i = 0; i < h->d.nmembers; i++) { /* an alias lives no longer than its name */
		const struct site *s = &h->d.sites[h->d.members[i].site];

		if (h->d.members[i].is_answered && s->ttl_s && s->ttl_s < ttl_s)
			ttl_s = s->ttl_s;
	}
	return (uint32_t)ttl_s;
}

void host_resolve(struct host *h, uint64_t now_ms)
{
	struct strv before = { 0 }, local_before = h->local_targets;
	bool was_down = h->d.is_all_down;
	const char *reason_before = h->d.reason;
	enum health health_before = h->local;
	uint64_t start_ns = clock_mono_ns(), wake_ms = 0;

	if (h->nclaims == 0 || h->zone == NULL) {
		forget(h);
		touch_claimants(h);
		return;
	}
	h->local_targets = (struct strv){ 0 };
	before = h->answer;
	h->answer = (struct strv){ 0 };
	h->note = NULL;
	build(h);
	judge_run(h, now_ms, &wake_ms);
	decide_run(&h->d, strategy_find(h->d.decl->strategy), &h->memory, now_ms, &h->wake_ms);
	if (wake_ms && (h->wake_ms == 0 || wake_ms < h->wake_ms))
		h->wake_ms = wake_ms;
	add_last_resort(h);
	h->ttl_s = near_ttl(h, now_ms);
	collect(h, false, &h->answer);
	collect(h, true, &h->local_targets);
	if (!h->d.is_all_down && h->answer.n) {
		strv_fini(&h->last_good);
		strv_copy(&h->last_good, &h->answer);
	}
	tell_failover(h, was_down);
	note_change(h, &before);
	if (!h->is_resolved || health_before != h->local || reason_before != h->d.reason ||
	    !strv_equal(&local_before, &h->local_targets))
		touch_claimants(h);
	if (!h->is_resolved || (local_before.n == 0) != (h->local_targets.n == 0))
		judge_touch_dependents(h);
	h->is_resolved = true;
	strv_fini(&before);
	strv_fini(&local_before);
	host_metrics_resolved(h);
	metric_add(METRIC_RESOLVES_TOTAL, 1);
	metric_observe(METRIC_RESOLVE_DURATION, (double)(clock_mono_ns() - start_ns) * 1e-9);
}

#include "gslb/watch.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/inside.h"
#include "gslb/peers.h"
#include "gslb/policy.h"
#include "gslb/probe.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/metric.h"

#define RAMP_LEAST 0.1 /* share of its weight that a member begins with */
#define RAMP_STEPS 20  /* until it has all */
#define FORGET_MS  3600000

/* One probe of one address. */
struct watch {
	struct netaddr addr;   /* that clients are given */
	struct netaddr target; /* that is probed */
	struct probe *probe;
	char *key;
	bool is_used;
};

/* How one member turned. */
struct track {
	struct netaddr addr;
	bool is_live;
	unsigned turns;              /* since WINDOW_MS */
	uint64_t window_ms, hold_ms; /* until when it is held */
	uint64_t up_ms;              /* when it turned live; 0 = it was so from the start */
	uint64_t seen_ms;
};

struct watches {
	struct watch *w;
	size_t n;
	struct probe_spec **specs;
	size_t nspecs;
	const struct policy *policy; /* that the specs are of; only compared */
	struct track *tracks;
	size_t ntracks;
};

/* --- specs ------------------------------------------------------------------------------ */

static void free_specs(struct watches *x)
{
	for (size_t i = 0; i < x->nspecs; i++)
		probe_spec_free(x->specs[i]);
	free(x->specs);
	x->specs = NULL;
	x->nspecs = 0;
}

static void read_specs(struct watches *x, const struct policy *p, const char *host)
{
	const cJSON *item = NULL;

	if (x->policy == p)
		return;
	free_specs(x);
	x->policy = p;
	if (p == NULL)
		return;
	cJSON_ArrayForEach(item, p->probes) {
		struct probe_spec *s = NULL;
		char *why = NULL;

		if (probe_spec_read(item, host, &s, &why) == 0) { /* policy_parse has tried */
			x->specs = mem_array(x->specs, x->nspecs + 1, sizeof(struct probe_spec *));
			x->specs[x->nspecs++] = s;
		}
		free(why);
	}
}

/* --- watching ------------------------------------------------------------------------------ */

static void on_turn(void *ctx)
{
	host_touch(ctx, "probe", NULL);
}

static void watch_one(struct host *h, const struct member *m, const struct probe_spec *s)
{
	struct watches *x = h->watches;
	const struct netaddr *target = m->probe.family ? &m->probe : &m->addr;

	for (size_t i = 0; i < x->n; i++) {
		struct watch *w = &x->w[i];

		if (netaddr_equal(&w->addr, &m->addr) && netaddr_equal(&w->target, target) &&
		    strcmp(w->key, s->key) == 0) {
			w->is_used = true;
			return;
		}
	}
	x->w = mem_array(x->w, x->n + 1, sizeof(*x->w));
	x->w[x->n++] = (struct watch){ .addr = m->addr,
				       .target = *target,
				       .probe = probes_watch(h->g->probes, target, s, on_turn, h),
				       .key = mem_strdup(s->key),
				       .is_used = true };
}

static void end_unused(struct host *h)
{
	struct watches *x = h->watches;
	size_t kept = 0;

	for (size_t i = 0; i < x->n; i++) {
		if (x->w[i].is_used) {
			x->w[kept++] = x->w[i];
			continue;
		}
		probe_unwatch(x->w[i].probe, h);
		free(x->w[i].key);
	}
	x->n = kept;
}

/* With quorum Own every cluster speaks for itself; else everybody probes everything. */
static bool is_ours_to_probe(const struct host *h, const struct member *m)
{
	return h->policy->quorum != QUORUM_OWN || h->d.sites[m->site].source != SITE_PEER;
}

static bool is_needed(const struct policy *p)
{
	return p && (p->probes || p->damping_turns || p->slow_start_ms);
}

void watch_update(struct host *h)
{
	struct watches *x = h->watches;

	if (x == NULL && !is_needed(h->policy))
		return;
	if (x == NULL)
		x = h->watches = MEM_NEW(struct watches);
	read_specs(x, h->policy, h->name);
	for (size_t i = 0; i < x->n; i++)
		x->w[i].is_used = false;
	for (size_t i = 0; i < h->d.nmembers && x->nspecs; i++) {
		if (!is_ours_to_probe(h, &h->d.members[i]))
			continue;
		for (size_t s = 0; s < x->nspecs; s++)
			watch_one(h, &h->d.members[i], x->specs[s]);
	}
	end_unused(h);
}

void watch_end(struct host *h)
{
	struct watches *x = h->watches;

	if (x == NULL)
		return;
	for (size_t i = 0; i < x->n; i++)
		x->w[i].is_used = false;
	end_unused(h);
	free_specs(x);
	free(x->w);
	free(x->tracks);
	free(x);
	h->watches = NULL;
}

/* --- judging -------------------------------------------------------------------------------- */

/* All probes of ADDR together: up if as many are as must be, down if so many cannot be. */
static enum probe_state own_view(const struct watches *x, const struct netaddr *addr,
				 const char **ret_why)
{
	size_t n = 0, up = 0, down = 0, need = x->policy ? x->policy->probes_required : 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct watch *w = &x->w[i];

		if (!netaddr_equal(&w->addr, addr))
			continue;
		n++;
		switch (probe_state(w->probe)) {
		case PROBE_UNKNOWN:
			break;
		case PROBE_UP:
			up++;
			break;
		case PROBE_DOWN:
			*ret_why = probe_reason(w->probe);
			down++;
			break;
		}
	}
	if (need == 0 || need > n)
		need = n; /* worst of */
	if (n && up >= need)
		return PROBE_UP;
	return n - down < need ? PROBE_DOWN : PROBE_UNKNOWN;
}

static bool has_addr(const struct netaddr *list, size_t n, const struct netaddr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (netaddr_equal(&list[i], addr))
			return true;
	return false;
}

struct votes {
	unsigned up, down;
};

static void count_peers(const struct host *h, const struct netaddr *addr, struct votes *v)
{
	for (size_t i = 0; i < h->noffers; i++) {
		const struct offer *o = host_offer(h, i);

		if (!o->is_known || !peers_is_up(h->g->peers, i, h->zone))
			continue;
		v->up += has_addr(o->up, o->nup, addr);
		v->down += has_addr(o->down, o->ndown, addr);
	}
}

/* May the member be answered? */
static bool passes(enum policy_quorum q, enum probe_state own, const struct votes *v)
{
	switch (q) {
	case QUORUM_OWN:
	case QUORUM_LOCAL:
		return own != PROBE_DOWN;
	case QUORUM_ANY:
		return v->up > 0 || v->down == 0;
	case QUORUM_MAJORITY:
		return v->up >= v->down; /* a tie takes nobody out */
	case QUORUM_ALL:
		return v->down == 0;
	}
	return true;
}

void watch_judge(struct host *h)
{
	if (h->watches == NULL || h->watches->nspecs == 0)
		return;
	for (size_t i = 0; i < h->d.nmembers; i++) {
		struct member *m = &h->d.members[i];
		struct votes v = { 0 };
		const char *why = NULL;
		enum probe_state own;

		if (!is_ours_to_probe(h, m))
			continue;
		own = own_view(h->watches, &m->addr, &why);
		v.up = own == PROBE_UP;
		v.down = own == PROBE_DOWN;
		count_peers(h, &m->addr, &v);
		if (m->reason || passes(h->policy->quorum, own, &v))
			continue;
		m->reason = "ProbeFailed";
		m->detail = v.up + v.down > 1 || !why
				    ? mem_printf("%u of %u clusters see it down%s%s", v.down,
						 v.up + v.down, why ? ": " : "", why ? why : "")
				    : mem_strdup(why);
	}
}

/* --- turns ------------------------------------------------------------------------------------ */

static struct track *track_of(struct watches *x, const struct netaddr *addr, bool live)
{
	for (size_t i = 0; i < x->ntracks; i++)
		if (netaddr_equal(&x->tracks[i].addr, addr))
			return &x->tracks[i];
	x->tracks = mem_array(x->tracks, x->ntracks + 1, sizeof(*x->tracks));
	x->tracks[x->ntracks] = (struct track){ .addr = *addr, .is_live = live };
	return &x->tracks[x->ntracks++];
}

static void note_turn(const struct policy *p, struct track *t, bool live, uint64_t now_ms)
{
	if (t->is_live == live)
		return;
	t->is_live = live;
	t->up_ms = live ? now_ms : 0;
	metric_add(METRIC_MEMBER_TRANSITIONS_TOTAL, 1, live ? "healthy" : "unhealthy");
	if (p->damping_turns == 0)
		return;
	if (now_ms - t->window_ms > p->damping_within_ms) {
		t->window_ms = now_ms;
		t->turns = 0;
	}
	if (++t->turns >= p->damping_turns)
		t->hold_ms = now_ms + p->damping_hold_ms;
}

static void wake_by(uint64_t at_ms, uint64_t *ret_wake_ms)
{
	if (*ret_wake_ms == 0 || at_ms < *ret_wake_ms)
		*ret_wake_ms = at_ms;
}

static void set_ramp(struct host *h, const struct member *m, const struct track *t, uint64_t now_ms,
		     uint64_t *ret_wake_ms)
{
	uint64_t whole = h->policy->slow_start_ms, since = now_ms - t->up_ms;
	struct site *s = &h->d.sites[m->site];

	if (whole == 0 || t->up_ms == 0 || since >= whole || m->reason)
		return;
	double ramp = RAMP_LEAST + (1 - RAMP_LEAST) * (double)since / (double)whole;
	if (ramp < s->ramp)
		s->ramp = ramp;
	wake_by(now_ms + (whole / RAMP_STEPS > 100 ? whole / RAMP_STEPS : 100), ret_wake_ms);
}

/* The heaviest load that a feed tells of ADDR. */
static double load_of(const struct watches *x, const struct netaddr *addr)
{
	double most = 0, load;

	for (size_t i = 0; i < x->n; i++)
		if (netaddr_equal(&x->w[i].addr, addr) && probe_load(x->w[i].probe, &load) &&
		    load > most)
			most = load;
	return most;
}

/* Loaded members are given less, and nothing at the high mark -- but never everybody. */
static void shed(struct host *h)
{
	struct decision *d = &h->d;
	size_t left = 0;

	for (size_t i = 0; i < d->nmembers; i++)
		left += d->members[i].reason == NULL &&
			load_of(h->watches, &d->members[i].addr) < 1;
	for (size_t i = 0; i < d->nmembers; i++) {
		struct member *m = &d->members[i];
		double load = load_of(h->watches, &m->addr);
		struct site *s = &d->sites[m->site];

		if (m->reason || load <= 0)
			continue;
		if (load >= 1 && left) {
			m->reason = "Shed";
			m->detail = mem_strdup("its load is at the high mark");
		} else if (1 - load < s->ramp) {
			s->ramp = load < 1 ? 1 - load : s->ramp;
		}
	}
}

static void forget_old(struct watches *x, uint64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < x->ntracks; i++)
		if (now_ms - x->tracks[i].seen_ms < FORGET_MS)
			x->tracks[kept++] = x->tracks[i];
	x->ntracks = kept;
}

void watch_remember(struct host *h, uint64_t now_ms, uint64_t *ret_wake_ms)
{
	if (h->watches == NULL || h->policy == NULL)
		return;
	for (size_t i = 0; i < h->d.nmembers; i++) {
		struct member *m = &h->d.members[i];
		struct track *t = track_of(h->watches, &m->addr, m->reason == NULL);

		t->seen_ms = now_ms;
		note_turn(h->policy, t, m->reason == NULL, now_ms);
		if (m->reason == NULL && now_ms < t->hold_ms) {
			m->reason = "Damped";
			wake_by(t->hold_ms, ret_wake_ms);
		}
		set_ramp(h, m, t, now_ms, ret_wake_ms);
	}
	shed(h);
	forget_old(h->watches, now_ms);
}

unsigned watch_near_ms(const struct host *h)
{
	unsigned least = 0;

	for (size_t i = 0; h->watches && i < h->watches->n; i++) {
		unsigned near = probe_near_ms(h->watches->w[i].probe);

		if (near && (least == 0 || near < least))
			least = near;
	}
	return least;
}

/* --- telling ------------------------------------------------------------------------------------
 */

static void print_those(const struct host *h, enum probe_state which, const char *word,
			struct buf *out)
{
	const char *sep = word;

	for (size_t i = 0; i < h->d.nmembers; i++) {
		const struct netaddr *a = &h->d.members[i].addr;
		char text[NETADDR_TEXT_MAX];
		const char *why;
		bool told = false;

		for (size_t j = 0; j < i; j++)
			told = told || netaddr_equal(&h->d.members[j].addr, a);
		if (told || own_view(h->watches, a, &why) != which)
			continue;
		buf_printf(out, "%s%s", sep, netaddr_to_text(a, text));
		sep = ",";
	}
}

void watch_print(const struct host *h, struct buf *out)
{
	if (h->watches == NULL || h->watches->n == 0)
		return;
	print_those(h, PROBE_UP, " up=", out);
	print_those(h, PROBE_DOWN, " down=", out);
}

/*
 * pass - once a pass of the loop everything dirty becomes true at once: zones,
 * hosts, one transaction, status, delegation, words to the peers.  Control thread.
 */
#include <stdlib.h>

#include "gslb/delegation.h"
#include "gslb/inside.h"
#include "gslb/peers.h"
#include "gslb/publish.h"
#include "gslb/zones.h"
#include "lib/clock.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"

#define OPEN_HOLD_MS 1000 /* at start: how long to wait for the peers' first words */
#define HOST_HOLD_MS 1000 /* the same for a new host */
#define HOST_LOOK_MS 50

/*
 * Too early to answer: objects or peers are still being heard for the first time.  Names that are
 * not there yet would be denied, and a secondary would take the primary's place.
 */
static bool may_open(struct gslb *g, uint64_t now_ms)
{
	g->is_opening = !g->is_open;
	if (g->is_open)
		return true;
	if (g->nstale) { /* what was true before the restart, at once */
		g->is_open = true;
		g->opened_ms = now_ms;
		return true;
	}
	if (!g->is_synced)
		return false;
	if (g->open_ms == 0) {
		g->open_ms = now_ms + OPEN_HOLD_MS;
		peers_hear_again(g->peers);
	}
	if (peers_are_unsettled(g->peers) && now_ms < g->open_ms) {
		loop_timer_set(g->wake, g->open_ms - now_ms < 20 ? g->open_ms - now_ms : 20);
		return false;
	}
	g->is_open = true;
	g->opened_ms = now_ms;
	return true;
}

static bool is_held(struct gslb *g, struct host *h, uint64_t now_ms)
{
	if (h->is_published || h->nclaims == 0 || !peers_awaits(g->peers, h))
		return false;
	if (h->hold_ms == 0)
		h->hold_ms = now_ms + HOST_HOLD_MS;
	if (now_ms >= h->hold_ms || g->opened_ms == now_ms) /* opening has waited for all of them */
		return false;
	h->wake_ms = now_ms + HOST_LOOK_MS < h->hold_ms ? now_ms + HOST_LOOK_MS : h->hold_ms;
	return true;
}

static void note_wake(struct gslb *g, const struct host *h)
{
	if (h->wake_ms && (g->wake_ms == 0 || h->wake_ms < g->wake_ms))
		g->wake_ms = h->wake_ms;
}

static void set_wake(struct gslb *g, uint64_t now_ms)
{
	if (g->wake_ms)
		loop_timer_set(g->wake, g->wake_ms > now_ms ? g->wake_ms - now_ms : 0);
}

/* The hosts that clients or peers see otherwise now; those that nobody claims are last seen here.
 */
static struct host **resolve_dirty(struct gslb *g, uint64_t now_ms, size_t *ret_n)
{
	struct host **list = NULL;
	size_t n = 0, cap = 0;

	while (g->dirty) {
		struct host *h = g->dirty;

		g->dirty = h->next_dirty;
		if (g->dirty == NULL)
			g->dirty_end = &g->dirty;
		h->is_dirty = false;
		host_resolve(h, now_ms);
		bool held = is_held(g, h, now_ms);
		note_wake(g, h);
		if (held)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 16;
			list = mem_array(list, cap, sizeof(*list));
		}
		list[n++] = h;
	}
	*ret_n = n;
	return list;
}

static void free_unclaimed(struct gslb *g, struct host **hosts, size_t n)
{
	uint64_t now_ns = clock_mono_ns();

	for (size_t i = 0; i < n; i++) {
		struct host *h = hosts[i];

		if (h->cause_ns)
			metric_observe(METRIC_CHANGE_TO_WIRE, (double)(now_ns - h->cause_ns) * 1e-9,
				       h->cause);
		h->cause_ns = 0;
		if (h->nclaims || h->is_dirty)
			continue;
		(void)map_remove(&g->hosts, h->name);
		host_free(h);
	}
}

static bool any_apex_dirty(const struct gslb *g)
{
	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i)) {
		const struct lbzone *z = i->value;

		if (z->apex_dirty || z->root_dirty)
			return true;
	}
	return false;
}

static void tell_objects(struct gslb *g)
{
	while (g->dirty_objects) {
		struct object *o = g->dirty_objects;

		g->dirty_objects = o->next_dirty;
		o->is_dirty = false;
		object_tell(g, o);
	}
}

void gslb_pass(struct gslb *g)
{
	struct zones_dropped dropped = { 0 };
	uint64_t now_ms = clock_mono_ms();
	size_t n;

	loop_timer_cancel(g->pass);
	if (!g->is_started)
		return;
	zones_apply(g, &dropped);
	if (!may_open(g, now_ms)) {
		publish_hold(g);
		zones_dropped_fini(&dropped);
		return;
	}
	if (g->is_synced && !g->told_ready) {
		g->told_ready = true;
		status_ready_set("gslb", true, NULL);
	}
	struct host **hosts = resolve_dirty(g, now_ms, &n);
	if (n || dropped.n || any_apex_dirty(g))
		publish_pass(g, hosts, n, dropped.z, dropped.n);
	tell_objects(g);
	peers_nudge(g->peers);
	free_unclaimed(g, hosts, n);
	free(hosts);
	if (g->export_dirty)
		delegation_export(g->delegation);
	g->export_dirty = false;
	if (g->is_synced && !g->told_exported) {
		g->told_exported = true;
		if (g->env.on_exported)
			g->env.on_exported(g->env.ctx);
	}
	zones_dropped_fini(&dropped);
	set_wake(g, now_ms);
	status_touch();
}

void pass_on_timer(void *ctx)
{
	gslb_pass(ctx);
}

void gslb_soon(struct gslb *g)
{
	if (g->is_started && !loop_timer_is_set(g->pass))
		loop_timer_set(g->pass, 0);
}

/* A host asked to be decided again, or it is time to open. */
void pass_on_wake(void *ctx)
{
	struct gslb *g = ctx;
	uint64_t now_ms = clock_mono_ms();

	g->wake_ms = 0;
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		struct host *h = i->value;

		if (h->wake_ms && h->wake_ms <= now_ms) {
			h->wake_ms = 0;
			host_touch(h, "timer", NULL);
		}
		note_wake(g, h);
	}
	gslb_soon(g);
	set_wake(g, now_ms);
}

/*
 * link - one peer in one zone: its servers, its life, and whether its name server
 * stays in the delegation.  Control thread.
 */
#include "gslb/link.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/names.h"
#include "lib/clock.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"

#define DNS_PORT          53
#define TIMEOUT_FIRST_MS  500
#define TIMEOUT_LEAST_MS  300
#define TIMEOUT_MOST_MS   2000 /* k8gb's */
#define WITHDRAW_LEAST_MS 60000

static void add_server(struct link *l, const struct netaddr *a)
{
	for (size_t i = 0; i < l->nservers; i++)
		if (netaddr_equal(&l->servers[i], a))
			return;
	l->servers = mem_array(l->servers, l->nservers + 1, sizeof(*a));
	l->servers[l->nservers++] = *a;
}

/* As k8gb: port 53, then the ports of the edge DNS servers. */
static void add_found(struct link *l, const struct strv *found)
{
	const struct gslb *g = l->g;

	for (size_t i = 0; i < found->n; i++) {
		struct netaddr a;

		if (netaddr_from_text(found->s[i], &a))
			continue;
		a.port = DNS_PORT;
		add_server(l, &a);
		for (size_t j = 0; j < g->nedge; j++) {
			a.port = g->edge[j].port;
			add_server(l, &a);
		}
	}
}

void link_find_servers(struct link *l)
{
	const struct peer *p = &l->peers->peer[l->peer];
	struct netaddr first = { 0 };
	const struct strv *found;

	if (l->nservers)
		first = l->servers[0];
	l->nservers = 0;
	for (size_t i = 0; i < p->nfixed; i++)
		add_server(l, &p->fixed[i]);
	found = p->nfixed ? NULL : names_get(l->g->names, l->ns_name);
	if (found)
		add_found(l, found);
	/* the one that answered last stays first */
	for (size_t i = 1; i < l->nservers; i++) {
		if (netaddr_equal(&l->servers[i], &first)) {
			l->servers[i] = l->servers[0];
			l->servers[0] = first;
		}
	}
}

/* Does a cluster that we hear say that it hears the peer of L? */
static bool is_kept(const struct link *l)
{
	const struct peers *p = l->peers;

	for (size_t i = 0; i < p->nlinks; i++) {
		const struct link *o = p->links[i];

		if (o != l && o->zone == l->zone && o->state.life == PEER_UP &&
		    strv_has(&o->hears, l->tag))
			return true;
	}
	return false;
}

static void set_gauges(const struct link *l)
{
	metric_set(METRIC_PEER_UP, l->state.life == PEER_UP, l->tag);
	metric_set(METRIC_PEER_RTT, l->rtt_ms / 1000.0, l->tag);
	metric_set(METRIC_PEER_LAST_SEEN, (double)clock_real_s(), l->tag);
}

void link_set_withdrawn(struct link *l, bool withdrawn)
{
	if (l->is_withdrawn == withdrawn)
		return;
	l->is_withdrawn = withdrawn;
	l->was_absent = false;
	l->zone->apex_dirty = true;
	l->g->export_dirty = true;
	log_warning("the name server %s of peer %s %s zone %s", l->ns_name, l->tag,
		    withdrawn ? "leaves the delegation of" : "comes back into the delegation of",
		    l->zone->name);
	gslb_soon(l->g);
}

/*
 * May the name of a dead cluster be taken out of the parent?  Nobody hears it (it is GONE), for
 * long, and those that we hear are with us at least half of all: who is cut off touches nothing.
 */
static bool may_withdraw(const struct link *l, uint64_t now_ms)
{
	const struct peers *p = l->peers;
	uint64_t least = p->grace_ms * 6 > WITHDRAW_LEAST_MS ? p->grace_ms * 6 : WITHDRAW_LEAST_MS;
	size_t with_us = 1, all = 1;

	for (size_t i = 0; i < p->nlinks; i++) {
		if (p->links[i]->zone != l->zone)
			continue;
		all++;
		with_us += p->links[i]->state.life == PEER_UP;
	}
	return l->state.life == PEER_GONE && now_ms - l->gone_ms >= least &&
	       now_ms >= l->spared_ms && with_us * 2 >= all;
}

void link_forget_epochs(struct link *l)
{
	memset(l->epochs, 0, sizeof(l->epochs));
}

static void life_changed(struct link *l, enum peer_life before)
{
	char *text = mem_printf("peer %s in zone %s is %s (was %s)%s%s", l->tag, l->zone->name,
				peer_life_text(l->state.life), peer_life_text(before),
				l->error ? ": " : "", l->error ? l->error : "");

	if (l->state.life == PEER_UP)
		log_info("%s", text);
	else
		log_warning("%s", text);
	free(text);
	metric_set(METRIC_PEER_UP, l->state.life == PEER_UP, l->tag);
	l->gone_ms = l->state.life == PEER_GONE ? clock_mono_ms() : 0;
	if (l->state.life == PEER_GONE) {
		link_drop_offers(l);
		link_forget_epochs(l); /* hear everything anew */
		strv_fini(&l->hears);
	}
	l->zone->root_dirty = true; /* whom we hear */
	l->g->export_dirty = true;
	gslb_soon(l->g);
}

void link_heard(struct link *l, const struct dns_reply *r)
{
	enum peer_life before = l->state.life;

	for (size_t i = 1; i < l->nservers; i++) {
		if (netaddr_equal(&l->servers[i], &r->server)) {
			l->servers[i] = l->servers[0];
			l->servers[0] = r->server;
		}
	}
	/* up at once, down slowly: the next time limit must fit */
	l->rtt_ms = r->rtt_ms > l->rtt_ms ? r->rtt_ms : (l->rtt_ms * 7 + r->rtt_ms) / 8;
	mem_strset(&l->error, NULL);
	bool changed = peer_state_heard(&l->state, clock_mono_ms());
	set_gauges(l);
	if (changed)
		life_changed(l, before);
	link_set_withdrawn(l, false);
}

void link_missed(struct link *l, const struct dns_reply *r)
{
	enum peer_life before = l->state.life;
	char code[16];

	if (r) {
		free(l->error);
		l->error = mem_strdup(r->err ? error_text(r->err) : rcode_to_text(r->rcode, code));
	}
	if (peer_state_missed(&l->state, clock_mono_ms(), l->peers->grace_ms, is_kept(l)))
		life_changed(l, before);
	if (!l->is_withdrawn && may_withdraw(l, clock_mono_ms()))
		link_set_withdrawn(l, true);
}

/* Doubled with each miss: a way that became longer must not look like a dead peer for ever. */
static unsigned timeout_backed_off(const struct link *l, unsigned ms)
{
	uint64_t most = l->peers->grace_ms / 3;

	if (most > TIMEOUT_MOST_MS)
		most = TIMEOUT_MOST_MS;
	if (most < TIMEOUT_FIRST_MS)
		most = TIMEOUT_FIRST_MS;
	for (unsigned i = 0; i < l->state.misses && ms < most; i++)
		ms *= 2;
	return ms < most ? ms : (unsigned)most;
}

unsigned link_timeout_ms(const struct link *l)
{
	if (l->state.heard_ms == 0)
		return timeout_backed_off(l, TIMEOUT_FIRST_MS);
	unsigned t = l->rtt_ms * 4;
	return timeout_backed_off(l, t < TIMEOUT_LEAST_MS ? TIMEOUT_LEAST_MS : t);
}

struct link *link_new(struct peers *p, size_t peer, struct lbzone *z)
{
	struct gslb *g = p->g;
	struct link *l = MEM_NEW(struct link);

	l->g = g;
	l->peers = p;
	l->zone = z;
	l->peer = peer;
	l->tag = g->peer_tags.s[peer];
	l->ns_name = lbzone_ns_name(g->ns_prefix, l->tag, z->name, z->parent);
	l->has_state_origin = lbzone_state_origin(z, l->tag, l->state_origin) == 0;
	l->timer = loop_timer_new(g->env.loop, link_on_timer, l);
	l->cycle = loop_timer_new(g->env.loop, link_on_cycle, l);
	if (p->is_started)
		loop_timer_set(l->timer, 0);
	return l;
}

void link_free(struct link *l)
{
	dns_request_cancel(l->poll);
	dns_request_cancel(l->drains_request);
	link_asks_fini(l);
	loop_timer_free(l->timer);
	loop_timer_free(l->cycle);
	strv_fini(&l->hears);
	free(l->servers);
	free(l->ns_name);
	free(l->error);
	free(l);
}

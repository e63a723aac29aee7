#include "gslb/peers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "gslb/drain.h"
#include "gslb/link.h"
#include "gslb/names.h"
#include "gslb/statezone.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"

#define DNS_PORT          53
#define TIMEOUT_FIRST_MS  500
#define TIMEOUT_LEAST_MS  300
#define TIMEOUT_MOST_MS   2000 /* k8gb's */
#define POLL_GAP_MS       2    /* between two polls that NOTIFYs asked for */
#define K8GB_POLL_MS      5000 /* is it gslbd by now? */
#define WITHDRAW_LEAST_MS 60000
#define SPARE_MS          600000
#define NO_ADDRESS_MS     2000
#define CYCLE_LEAST_MS    1000
#define CYCLE_HOST_MS     2 /* a host's share of a cycle */

struct peer {
	struct netaddr *fixed; /* --peer */
	size_t nfixed;
};

struct peers {
	struct gslb *g;
	struct peer *peer; /* by the index of its tag */
	struct link **links;
	size_t nlinks;
	uint64_t epoch;
	uint64_t interval_ms, grace_ms, requeue_ms;
	bool is_started;
};

static void poll_now(struct link *l);

/* --- servers ------------------------------------------------------------------------------ */

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

static void find_servers(struct link *l)
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

/* --- life ------------------------------------------------------------------------------------ */

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

static void set_withdrawn(struct link *l, bool withdrawn)
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

static void forget_epochs(struct link *l)
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
		forget_epochs(l); /* hear everything anew */
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
	set_withdrawn(l, false);
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
		set_withdrawn(l, true);
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

/* --- polling -----------------------------------------------------------------------------------
 */

static void ask_for_changed(struct link *l, const struct statezone_root *r, uint32_t since)
{
	for (size_t i = 0; i < r->changes.n; i++) {
		const char *rel = r->changes.s[i];
		char *host;

		if ((int32_t)(r->change_versions[i] - since) <= 0)
			continue;
		host = strcmp(rel, "_apex") == 0 ? mem_strdup(l->zone->name)
						 : mem_printf("%s.%s", rel, l->zone->name);
		if (map_get(&l->g->hosts, host))
			link_ask(l, host);
		free(host);
	}
}

static void on_drains(void *ctx, const struct dns_reply *reply)
{
	struct link *l = ctx;
	struct strv texts = { 0 };

	l->drains_request = NULL;
	if (reply->err ||
	    (reply->rcode != DNS_RCODE_NOERROR && reply->rcode != DNS_RCODE_NXDOMAIN)) {
		l->drains = 0; /* the next root asks again */
		return;
	}
	for (size_t i = 0; i < reply->nrecords; i++) {
		const struct dns_record *r = &reply->records[i];

		if (r->section == DNS_ANSWER && r->type == RRTYPE_TXT)
			strv_take(&texts, statezone_rdata_text(r->rdata, r->rdlen));
	}
	drains_from_peer(l->g->drains, l->tag, &texts);
	strv_fini(&texts);
}

static void ask_for_drains(struct link *l, uint32_t version)
{
	uint8_t name[DNAME_MAX];
	struct dns_question q = { .servers = l->servers,
				  .nservers = l->nservers,
				  .name = name,
				  .type = RRTYPE_TXT,
				  .timeout_ms = link_timeout_ms(l),
				  .tries = 3,
				  .on_done = on_drains,
				  .ctx = l };

	if (l->drains_request || dname_join(STATEZONE_DRAINS, l->state_origin, name))
		return;
	l->drains = version;
	l->drains_request = dns_client_ask(l->g->env.dns, &q);
}

static struct link_epoch *epoch_of(struct link *l, uint64_t epoch)
{
	for (size_t i = 0; i < LINK_EPOCHS; i++)
		if (l->epochs[i].epoch == epoch)
			return &l->epochs[i];
	return NULL;
}

static void take_root(struct link *l, struct statezone_root *r)
{
	if (!strv_equal(&l->hears, &r->hears)) {
		strv_fini(&l->hears);
		l->hears = r->hears;
		r->hears = (struct strv){ 0 };
	}
	if (l->drains != r->drains)
		ask_for_drains(l, r->drains);
	struct link_epoch *e = epoch_of(l, r->epoch);
	if (l->kind != LINK_GSLBD || e == NULL) {
		l->kind = LINK_GSLBD;
		loop_timer_cancel(l->cycle);
		e = &l->epochs[l->next_epoch++ % LINK_EPOCHS];
		e->epoch = r->epoch;
		link_ask_all(l);
	} else if (e->version != r->version) {
		if ((int32_t)(r->floor - e->version) <= 0)
			ask_for_changed(l, r, e->version);
		else
			link_ask_all(l);
	}
	e->version = r->version;
}

/* It answers, but has no state zone: k8gb, or a plain name server with its records. */
static void take_k8gb(struct link *l)
{
	bool was = l->kind == LINK_K8GB;

	l->kind = LINK_K8GB;
	forget_epochs(l);
	strv_fini(&l->hears);
	if (!was || !loop_timer_is_set(l->cycle))
		loop_timer_set(l->cycle, 0);
}

static bool find_root(const struct dns_reply *reply, struct statezone_root *ret)
{
	for (size_t i = 0; i < reply->nrecords; i++) {
		const struct dns_record *r = &reply->records[i];

		if (r->section == DNS_ANSWER && r->type == RRTYPE_TXT &&
		    statezone_root_parse(r->rdata, r->rdlen, ret) == 0)
			return true;
	}
	return false;
}

static void schedule(struct link *l)
{
	uint64_t wait = l->peers->interval_ms, since = clock_mono_ms() - l->polled_ms;

	if (l->poll_again)
		wait = POLL_GAP_MS;
	else if (l->kind == LINK_K8GB && l->state.life == PEER_UP && l->state.misses == 0)
		wait = K8GB_POLL_MS < l->peers->grace_ms / 4 ? K8GB_POLL_MS
							     : l->peers->grace_ms / 4;
	l->poll_again = false;
	loop_timer_set(l->timer, wait > since ? wait - since : POLL_GAP_MS);
}

static void on_root(void *ctx, const struct dns_reply *reply)
{
	struct link *l = ctx;
	struct statezone_root root;
	bool alive = reply->err == 0 &&
		     (reply->rcode == DNS_RCODE_NOERROR || reply->rcode == DNS_RCODE_NXDOMAIN);

	l->poll = NULL;
	metric_add(METRIC_PEER_QUERIES_TOTAL, 1, l->tag, alive ? "answered" : "failed");
	if (!alive) {
		link_missed(l, reply);
		/* no word about the state zone; perhaps about hosts */
		if (l->kind == LINK_K8GB ||
		    (l->kind == LINK_UNKNOWN && (reply->err == 0 || l->state.misses > 1)))
			take_k8gb(l);
	} else if (!find_root(reply, &root)) {
		link_heard(l, reply);
		take_k8gb(l);
	} else {
		if (root.epoch == l->peers->epoch) {
			mem_strset(&l->error, "its address is our own");
			link_missed(l, NULL);
		} else {
			link_heard(l, reply);
			take_root(l, &root);
		}
		statezone_root_fini(&root);
	}
	schedule(l);
}

static void poll_now(struct link *l)
{
	struct dns_question q = { .name = l->state_origin,
				  .type = RRTYPE_TXT,
				  .timeout_ms = link_timeout_ms(l),
				  .tries = 1,
				  .on_done = on_root,
				  .ctx = l };

	if (l->poll) {
		l->poll_again = true;
		return;
	}
	l->polled_ms = clock_mono_ms();
	find_servers(l);
	if (l->nservers == 0 || !l->has_state_origin) {
		mem_strset(&l->error, "no address of its name server is known");
		link_missed(l, NULL);
		loop_timer_set(l->timer, NO_ADDRESS_MS);
		return;
	}
	q.servers = l->servers;
	q.nservers = l->nservers;
	l->poll = dns_client_ask(l->g->env.dns, &q);
}

static void on_timer(void *ctx)
{
	poll_now(ctx);
}

static void on_cycle(void *ctx)
{
	struct link *l = ctx;
	uint64_t wait = l->g->hosts.n * CYCLE_HOST_MS;

	if (l->kind != LINK_K8GB)
		return;
	if (wait < CYCLE_LEAST_MS)
		wait = CYCLE_LEAST_MS;
	if (wait > l->peers->requeue_ms)
		wait = l->peers->requeue_ms;
	/* hosts that waited until it was known what the peer is are among all */
	if (l->running.n == 0)
		link_ask_all(l);
	loop_timer_set(l->cycle, wait);
}

/* --- links ---------------------------------------------------------------------------------------
 */

static struct link *link_new(struct peers *p, size_t peer, struct lbzone *z)
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
	l->timer = loop_timer_new(g->env.loop, on_timer, l);
	l->cycle = loop_timer_new(g->env.loop, on_cycle, l);
	if (p->is_started)
		loop_timer_set(l->timer, 0);
	return l;
}

static void link_free(struct link *l)
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

static struct link *link_of(const struct peers *p, size_t peer, const struct lbzone *z)
{
	for (size_t i = 0; i < p->nlinks; i++)
		if (p->links[i]->peer == peer && p->links[i]->zone == z)
			return p->links[i];
	return NULL;
}

void peers_zones_changed(struct peers *p)
{
	struct gslb *g = p->g;
	size_t kept = 0;

	for (size_t i = 0; i < p->nlinks; i++) {
		struct link *l = p->links[i];
		bool stays = false;

		for (struct map_item *z = map_first(&g->zones); z; z = map_next(&g->zones, z))
			stays = stays || z->value == l->zone;
		if (stays)
			p->links[kept++] = l;
		else
			link_free(l);
	}
	p->nlinks = kept;
	for (struct map_item *z = map_first(&g->zones); z; z = map_next(&g->zones, z)) {
		for (size_t i = 0; i < g->peer_tags.n; i++) {
			if (link_of(p, i, z->value))
				continue;
			p->links = mem_array(p->links, p->nlinks + 1, sizeof(*p->links));
			p->links[p->nlinks++] = link_new(p, i, z->value);
		}
	}
}

void peers_remembered(struct peers *p, size_t i, const struct lbzone *z)
{
	struct link *l = link_of(p, i, z);

	if (l && l->state.life == PEER_NEW) {
		l->state.life = PEER_SILENT;
		l->state.heard_ms = clock_mono_ms();
	}
}

void peers_watch(struct peers *p, struct host *h)
{
	for (size_t i = 0; i < p->nlinks; i++)
		if (p->links[i]->zone == h->zone)
			link_ask(p->links[i], h->name);
}

void peers_name_changed(struct peers *p, const char *name)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		struct link *l = p->links[i];

		if (strcmp(l->ns_name, name) == 0 && p->is_started && !l->poll)
			loop_timer_set(l->timer, 0);
	}
}

static bool is_unsettled(const struct link *l)
{
	return l->state.life == PEER_NEW && l->state.misses < PEER_MISSES;
}

void peers_hear_again(struct peers *p)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		struct link *l = p->links[i];

		if (l->state.life != PEER_NEW || !p->is_started)
			continue;
		l->state.misses = 0;
		if (l->poll == NULL)
			loop_timer_set(l->timer, 0);
	}
}

bool peers_are_unsettled(const struct peers *p)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		const struct link *l = p->links[i];

		if (is_unsettled(l) ||
		    (l->state.life == PEER_UP && l->waiting.n + l->running.n > 0))
			return true;
	}
	return false;
}

bool peers_awaits(const struct peers *p, const struct host *h)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		const struct link *l = p->links[i];

		if (l->zone != h->zone)
			continue;
		if (is_unsettled(l))
			return true;
		const struct offer *o = host_offer(h, l->peer);
		if (l->state.life == PEER_UP && (!o || !o->is_known) &&
		    (map_get(&l->waiting, h->name) || map_get(&l->running, h->name)))
			return true;
	}
	return false;
}

/* --- telling and being told ---------------------------------------------------------------------
 */

static void ignore(void *ctx, const struct dns_reply *reply)
{
	(void)ctx;
	(void)reply; /* a lost NOTIFY costs the peer one interval */
}

/* RFC 1996: the zone has changed. */
static void notify(const struct link *l)
{
	struct dns_writer w;
	struct dns_question q = { .timeout_ms = TIMEOUT_LEAST_MS, .tries = 1, .on_done = ignore };

	dns_writer_init(&w, 512, 0, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA);
	if (dns_writer_question(&w, l->zone->state_wire, RRTYPE_SOA, DNS_CLASS_IN) == 0) {
		q.servers = l->servers;
		q.nservers = 1; /* the one that answers */
		(void)dns_client_send(l->g->env.dns, &q, (const uint8_t *)w.out.data, w.out.len);
	}
	dns_writer_fini(&w);
}

void peers_nudge(struct peers *p)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		const struct link *l = p->links[i];

		if (l->zone->changed && l->kind == LINK_GSLBD && l->state.life == PEER_UP &&
		    l->nservers)
			notify(l);
	}
	for (size_t i = 0; i < p->nlinks; i++)
		p->links[i]->zone->changed = false;
}

bool peers_notified(struct peers *p, const uint8_t *zone)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		struct link *l = p->links[i];

		if (!l->has_state_origin || !dname_equal(l->state_origin, zone))
			continue;
		if (l->poll) {
			l->poll_again = true;
		} else if (p->is_started) {
			uint64_t since = clock_mono_ms() - l->polled_ms;

			loop_timer_set(l->timer, since < POLL_GAP_MS ? POLL_GAP_MS - since : 0);
		}
		return true;
	}
	return false;
}

/* --- what others want to know --------------------------------------------------------------------
 */

uint64_t peers_epoch(const struct peers *p)
{
	return p->epoch;
}

void peers_heard(const struct peers *p, const struct lbzone *z, struct strv *ret)
{
	for (size_t i = 0; i < p->g->peer_tags.n; i++) {
		const struct link *l = link_of(p, i, z);

		if (l && l->state.life == PEER_UP)
			strv_add(ret, l->tag);
	}
}

bool peers_is_up(const struct peers *p, size_t i, const struct lbzone *z)
{
	const struct link *l = link_of(p, i, z);

	return l && l->state.life == PEER_UP;
}

bool peers_is_withdrawn(const struct peers *p, size_t i, const struct lbzone *z)
{
	const struct link *l = link_of(p, i, z);

	return l && l->is_withdrawn;
}

void peers_at_parent(struct peers *p, const struct lbzone *z, const struct strv *names)
{
	for (size_t i = 0; i < p->nlinks; i++) {
		struct link *l = p->links[i];

		if (l->zone != z || !l->is_withdrawn)
			continue;
		bool there = strv_has(names, l->ns_name);
		if (there && l->was_absent) {
			l->spared_ms = clock_mono_ms() + SPARE_MS;
			set_withdrawn(l, false);
		}
		l->was_absent = l->was_absent || !there;
	}
}

void peers_addresses(const struct peers *p, size_t i, const struct lbzone *z, struct strv *ret)
{
	const struct link *l = link_of(p, i, z);

	for (size_t j = 0; l && j < l->nservers; j++) {
		char text[NETADDR_TEXT_MAX];

		(void)strv_add_unique(ret, netaddr_to_text(&l->servers[j], text));
	}
}

static const char *kind_text(enum link_kind k)
{
	switch (k) {
	case LINK_UNKNOWN:
		return "unknown";
	case LINK_GSLBD:
		return "gslbd";
	case LINK_K8GB:
		return "k8gb";
	}
	return "";
}

static cJSON *explain_link(const struct link *l)
{
	cJSON *o = cJSON_CreateObject(), *a = cJSON_AddArrayToObject(o, "addresses");

	for (size_t i = 0; i < l->nservers; i++) {
		char text[NETADDR_TEXT_MAX];

		cJSON_AddItemToArray(
			a, cJSON_CreateString(netaddr_to_text_port(&l->servers[i], text)));
	}
	cJSON_AddStringToObject(o, "zone", l->zone->name);
	cJSON_AddStringToObject(o, "name_server", l->ns_name);
	cJSON_AddStringToObject(o, "state", peer_life_text(l->state.life));
	cJSON_AddStringToObject(o, "kind", kind_text(l->kind));
	if (l->state.heard_ms)
		cJSON_AddNumberToObject(o, "last_seen_ms_ago",
					(double)(clock_mono_ms() - l->state.heard_ms));
	else
		cJSON_AddNullToObject(o, "last_seen_ms_ago");
	cJSON_AddNumberToObject(o, "rtt_ms", l->rtt_ms);
	if (l->error)
		cJSON_AddStringToObject(o, "error", l->error);
	else
		cJSON_AddNullToObject(o, "error");
	cJSON_AddItemToObject(o, "hears", json_from_strv(&l->hears));
	cJSON_AddNumberToObject(o, "hosts_waiting", (double)(l->waiting.n + l->running.n));
	return o;
}

void peers_explain(const struct peers *p, cJSON *out)
{
	for (size_t t = 0; t < p->g->peer_tags.n; t++) {
		cJSON *first = NULL, *zones = cJSON_CreateObject();

		for (size_t i = 0; i < p->nlinks; i++) {
			const struct link *l = p->links[i];

			if (l->peer != t)
				continue;
			if (first == NULL)
				first = explain_link(l);
			cJSON_AddItemToObject(zones, l->zone->name, explain_link(l));
		}
		if (first == NULL)
			first = cJSON_CreateObject();
		cJSON_AddItemToObject(first, "zones", zones);
		cJSON_AddItemToObject(out, p->g->peer_tags.s[t], first);
	}
}

/* --- life of the room's part
 * ----------------------------------------------------------------------- */

static size_t index_of(struct peers *p, const char *tag)
{
	struct gslb *g = p->g;
	size_t i = 0;

	while (i < g->peer_tags.n && strcasecmp(g->peer_tags.s[i], tag) != 0)
		i++;
	if (i == g->peer_tags.n)
		strv_add(&g->peer_tags, tag);
	return i;
}

bool peers_add(struct peers *p, const char *tag)
{
	size_t n = p->g->peer_tags.n;

	if (strcasecmp(tag, p->g->own_tag) == 0 || index_of(p, tag) < n)
		return false;
	p->peer = mem_array(p->peer, n + 1, sizeof(*p->peer));
	p->peer[n] = (struct peer){ 0 };
	/* the tags' array may have moved; links borrow the tags themselves, which stay */
	return true;
}

static int add_fixed(struct peers *p, const char *text, char **ret_why)
{
	const char *eq = strchr(text, '=');
	char *tag = mem_strndup(text, eq ? (size_t)(eq - text) : 0);
	struct netaddr a;
	int err = 0;

	if (eq == NULL || !*tag || netaddr_from_text_port(eq + 1, DNS_PORT, &a)) {
		*ret_why = mem_printf("--peer: '%s' is not TAG=ADDR[:PORT]", text);
		err = ERR_INVALID;
	} else if (strcasecmp(tag, p->g->own_tag) == 0) {
		*ret_why = mem_printf("--peer: '%s' is this cluster's own geo tag", tag);
		err = ERR_INVALID;
	} else {
		size_t i = index_of(p, tag);

		struct peer *own = &p->peer[i];

		own->fixed = mem_array(own->fixed, own->nfixed + 1, sizeof(a));
		own->fixed[own->nfixed++] = a;
	}
	free(tag);
	return err;
}

int peers_new(struct gslb *g, struct peers **ret, char **ret_why)
{
	struct peers *p = MEM_NEW(struct peers);
	const struct strv *fixed = config_list(g->env.config, OPT_PEER);
	int64_t requeue = config_number(g->env.config, OPT_RECONCILE_REQUEUE_SECONDS);
	int err = 0;

	p->g = g;
	p->interval_ms = (uint64_t)config_ms(g->env.config, OPT_PEER_INTERVAL);
	p->grace_ms = (uint64_t)config_ms(g->env.config, OPT_PEER_GRACE);
	p->requeue_ms = requeue > 0 ? (uint64_t)requeue * 1000 : 30000;
	if (RAND_bytes((unsigned char *)&p->epoch, sizeof(p->epoch)) != 1 || p->epoch == 0)
		p->epoch = clock_mono_ns() | 1;
	p->peer = mem_calloc(g->peer_tags.n + fixed->n, sizeof(*p->peer));
	for (size_t i = 0; i < fixed->n && !err; i++)
		err = add_fixed(p, fixed->s[i], ret_why);
	if (err) {
		peers_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

void peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->nlinks; i++)
		link_free(p->links[i]);
	for (size_t i = 0; i < p->g->peer_tags.n; i++)
		free(p->peer[i].fixed);
	free(p->links);
	free(p->peer);
	free(p);
}

void peers_start(struct peers *p)
{
	p->is_started = true;
	for (size_t i = 0; i < p->nlinks; i++)
		loop_timer_set(p->links[i]->timer, 0);
}

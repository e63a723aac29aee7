#include "gslb/peers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "gslb/link.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"

#define DNS_PORT         53
#define TIMEOUT_LEAST_MS 300
#define SPARE_MS         600000

/* --- links ---------------------------------------------------- */

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

/* --- telling and being told ---------------------------------------------------- */

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

			loop_timer_set(l->timer, since < LINK_GAP_MS ? LINK_GAP_MS - since : 0);
		}
		return true;
	}
	return false;
}

/* --- what others want to know ---------------------------------------------------- */

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
			link_set_withdrawn(l, false);
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

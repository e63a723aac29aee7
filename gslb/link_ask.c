/*
 * link_ask - questions to a peer about hosts: one TXT of its state zone if it is
 * gslbd, else A and AAAA of localtargets-<host> as k8gb asks.  Some at a time.
 * Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "gslb/link.h"
#include "gslb/persist.h"
#include "gslb/publish.h"
#include "gslb/statezone.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"

#define RUNNING_MAX 64
#define TARGETS_MAX 256 /* of one host in one cluster */
#define TRIES       3

struct ask {
	struct link *link;
	char *host;
	struct dns_request *request[2]; /* TXT, or A and AAAA */
	bool failed, again;
	struct offer offer; /* what was heard so far */
};

static void pump(struct link *l);

static void ask_free(void *ptr)
{
	struct ask *a = ptr;

	if (a == NULL)
		return;
	dns_request_cancel(a->request[0]);
	dns_request_cancel(a->request[1]);
	statezone_offer_fini(&a->offer);
	free(a->host);
	free(a);
}

/* --- what was heard becomes the host's offer ---------------------------------------- */

/* Takes what NEW holds. */
static void set_offer(struct link *l, struct host *h, struct offer *new, const char *cause)
{
	struct gslb *g = l->g;

	struct offer *own = host_offer_slot(h, l->peer);
	bool changed = !statezone_offers_equal(own, new);
	statezone_offer_fini(own);
	*own = *new;
	*new = (struct offer){ 0 };
	if (!changed)
		return;
	host_touch(h, cause, l->tag);
	persist_offer(g, h, l->peer);
}

static struct host *host_here(const struct link *l, const char *name)
{
	struct host *h = map_get(&l->g->hosts, name);

	return h && h->zone == l->zone ? h : NULL;
}

void link_drop_offers(struct link *l)
{
	for (struct map_item *i = map_first(&l->g->hosts); i; i = map_next(&l->g->hosts, i)) {
		struct host *h = i->value;
		struct offer none = { 0 };

		const struct offer *o = host_offer(h, l->peer);

		if (h->zone == l->zone && o && o->is_known)
			set_offer(l, h, &none, "peer-gone");
	}
}

/* --- answers ------------------------------------------------------------------------------ */

static int compare_addr(const void *a, const void *b)
{
	return netaddr_compare(a, b);
}

static void add_targets(struct offer *o, const struct dns_reply *reply)
{
	for (size_t i = 0; i < reply->nrecords && o->ntargets < TARGETS_MAX; i++) {
		const struct dns_record *r = &reply->records[i];
		uint8_t len = r->type == RRTYPE_A ? 4 : 16;
		struct netaddr a = { .family = len == 4 ? 4 : 6 };

		if (r->section != DNS_ANSWER || r->rdlen != len ||
		    (r->type != RRTYPE_A && r->type != RRTYPE_AAAA))
			continue;
		memcpy(a.bytes, r->rdata, len);
		o->targets = mem_array(o->targets, o->ntargets + 1, sizeof(a));
		o->targets[o->ntargets++] = a;
	}
}

/* NXDOMAIN says as much as an answer: the cluster does not offer the host. */
static bool is_answer(const struct dns_reply *r)
{
	return r->err == 0 && (r->rcode == DNS_RCODE_NOERROR || r->rcode == DNS_RCODE_NXDOMAIN);
}

static void finish(struct ask *a)
{
	struct link *l = a->link;
	struct host *h = host_here(l, a->host);
	bool again = a->again || a->failed;

	if (a->request[0] || a->request[1])
		return; /* the other family is still being asked */
	(void)map_remove(&l->running, a->host);
	if (h && !a->failed) {
		if (a->offer.ntargets > 1)
			qsort(a->offer.targets, a->offer.ntargets, sizeof(*a->offer.targets),
			      compare_addr);
		set_offer(l, h, &a->offer, "peer");
	}
	/* a k8gb peer is asked again in the next cycle anyway */
	if (h && again && (l->kind == LINK_GSLBD || a->again) && l->state.life == PEER_UP)
		(void)map_put(&l->waiting, a->host, l);
	ask_free(a);
	pump(l);
}

static void count(const struct link *l, const struct dns_reply *r)
{
	metric_add(METRIC_PEER_QUERIES_TOTAL, 1, l->tag, r->err ? "failed" : "answered");
}

static void on_state(void *ctx, const struct dns_reply *reply)
{
	struct ask *a = ctx;
	bool found = false;

	a->request[0] = NULL;
	count(a->link, reply);
	a->failed = !is_answer(reply);
	for (size_t i = 0; !a->failed && i < reply->nrecords && !found; i++) {
		const struct dns_record *r = &reply->records[i];

		if (r->section == DNS_ANSWER && r->type == RRTYPE_TXT)
			found = statezone_host_parse(r->rdata, r->rdlen, &a->offer) == 0;
	}
	if (!a->failed && !found) {
		a->offer.is_known = true;
		a->offer.health = HEALTH_NOT_FOUND;
		a->offer.detail = mem_strdup("the cluster does not declare the host");
	}
	finish(a);
}

/* The AAAA are not known now: those that were heard last stay. */
static void keep_v6(struct ask *a)
{
	const struct host *h = host_here(a->link, a->host);
	const struct offer *was = h ? host_offer(h, a->link->peer) : NULL;
	struct offer *o = &a->offer;

	for (size_t i = 0; was && i < was->ntargets && o->ntargets < TARGETS_MAX; i++) {
		if (was->targets[i].family != 6)
			continue;
		o->targets = mem_array(o->targets, o->ntargets + 1, sizeof(*o->targets));
		o->targets[o->ntargets++] = was->targets[i];
	}
}

static void on_addresses(struct ask *a, unsigned i, const struct dns_reply *reply)
{
	a->request[i] = NULL;
	count(a->link, reply);
	add_targets(&a->offer, reply);
	/* A is what k8gb speaks: whoever answers that is alive, whatever else it cannot do */
	if (!is_answer(reply) && i == 0)
		a->failed = true;
	else if (!is_answer(reply))
		keep_v6(a);
	else if (i == 0)
		link_heard(a->link, reply);
	a->offer.is_known = true;
	a->offer.health = a->offer.ntargets ? HEALTH_HEALTHY : HEALTH_UNHEALTHY;
	finish(a);
}

static void on_a(void *ctx, const struct dns_reply *reply)
{
	on_addresses(ctx, 0, reply);
}

static void on_aaaa(void *ctx, const struct dns_reply *reply)
{
	on_addresses(ctx, 1, reply);
}

/* --- questions -------------------------------------------------------------------------------- */

static struct dns_request *put(struct ask *a, const uint8_t *name, uint16_t type,
			       void (*done)(void *, const struct dns_reply *))
{
	struct link *l = a->link;
	struct dns_question q = { .servers = l->servers,
				  .nservers = l->nservers,
				  .name = name,
				  .type = type,
				  .timeout_ms = link_timeout_ms(l),
				  .tries = TRIES,
				  .on_done = done,
				  .ctx = a };

	return dns_client_ask(l->g->env.dns, &q);
}

/* False: there is no name by which the host could be asked for. */
static bool start(struct ask *a, const struct host *h)
{
	struct link *l = a->link;
	uint8_t name[DNAME_MAX];

	if (l->kind == LINK_GSLBD) {
		if (!l->has_state_origin ||
		    lbzone_state_name(l->zone, h->wire, l->state_origin, name))
			return false;
		a->request[0] = put(a, name, RRTYPE_TXT, on_state);
		return true;
	}
	if (publish_localtargets_name(h, name))
		return false;
	a->request[0] = put(a, name, RRTYPE_A, on_a);
	a->request[1] = put(a, name, RRTYPE_AAAA, on_aaaa);
	return true;
}

static void pump(struct link *l)
{
	while (l->running.n < RUNNING_MAX && l->waiting.n && l->nservers &&
	       l->kind != LINK_UNKNOWN) {
		struct map_item *first = map_first(&l->waiting);
		struct ask *a = MEM_NEW(struct ask);
		const struct host *h;

		a->link = l;
		a->host = mem_strdup(first->key);
		(void)map_remove(&l->waiting, a->host);
		h = host_here(l, a->host);
		if (h == NULL || map_get(&l->running, a->host) || !start(a, h)) {
			ask_free(a);
			continue;
		}
		(void)map_put(&l->running, a->host, a);
	}
}

void link_ask(struct link *l, const char *host)
{
	struct ask *running = map_get(&l->running, host);

	if (running)
		running->again = true; /* its answer may be older than the change */
	else
		(void)map_put(&l->waiting, host, l);
	pump(l);
}

void link_ask_all(struct link *l)
{
	for (struct map_item *i = map_first(&l->g->hosts); i; i = map_next(&l->g->hosts, i)) {
		const struct host *h = i->value;

		if (h->zone == l->zone && !map_get(&l->running, h->name))
			(void)map_put(&l->waiting, h->name, l);
		else if (h->zone == l->zone)
			link_ask(l, h->name);
	}
	pump(l);
}

void link_asks_fini(struct link *l)
{
	map_fini(&l->running, ask_free);
	map_fini(&l->waiting, NULL);
}

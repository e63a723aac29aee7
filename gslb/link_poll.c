/*
 * link_poll - the question that is put to a peer again and again: is there anything
 * new?  And what follows from its answer.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "gslb/drain.h"
#include "gslb/link.h"
#include "gslb/statezone.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"

#define K8GB_POLL_MS   5000 /* is it gslbd by now? */
#define NO_ADDRESS_MS  2000
#define CYCLE_LEAST_MS 1000
#define CYCLE_HOST_MS  2 /* a host's share of a cycle */

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
	link_forget_epochs(l);
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
		wait = LINK_GAP_MS;
	else if (l->kind == LINK_K8GB && l->state.life == PEER_UP && l->state.misses == 0)
		wait = K8GB_POLL_MS < l->peers->grace_ms / 4 ? K8GB_POLL_MS
							     : l->peers->grace_ms / 4;
	l->poll_again = false;
	loop_timer_set(l->timer, wait > since ? wait - since : LINK_GAP_MS);
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
	link_find_servers(l);
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

void link_on_timer(void *ctx)
{
	poll_now(ctx);
}

void link_on_cycle(void *ctx)
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

#include "server/notify.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/backoff.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"
#include "server/remote.h"
#include "zonedb/rrset.h"
#include "zonedb/zonedb.h"

enum {
	RUNNING_MAX = 64, /* messages under way at once: 10,000 zones may change together */
	TRIES_MAX = 8,    /* 1 s, 2 s … about two minutes; the secondary's refresh comes anyway */
	TIMEOUT_MS = 2000,
	GAP_MS = 200, /* between two to one server: BIND asks for SOAs at most 20 times a second */
	NS_MAX = 32,
};

/* One zone to be told to one server. */
struct telling {
	struct notify *n;
	uint8_t zone[DNAME_MAX];
	struct netaddr addr;
	const struct tsig_key *key;
	struct dns_request *request;
	struct loop_timer *timer; /* the wait after a failure */
	struct backoff backoff;
	bool is_told;         /* it confirmed what we said last */
	bool again;           /* the zone changed while it was told */
	bool waits;           /* in the queue */
	struct telling *next; /* in the queue */
};

struct notify {
	struct loop *loop;
	struct zonedb *db;
	struct dns_client *dns;
	const struct remotes *targets;
	struct map tellings; /* "zone address key" to struct telling */
	struct telling *queue, **queue_end;
	struct loop_timer *start; /* behind the commit */
	size_t running;
	unsigned long sent, failed;
};

/* --- sending ------------------------------------------------------------------------------- */

static void send_more(struct notify *n);

static void enqueue(struct telling *t)
{
	struct notify *n = t->n;

	if (t->waits)
		return;
	t->waits = true;
	t->next = NULL;
	*n->queue_end = t;
	n->queue_end = &t->next;
	if (!loop_timer_is_set(n->start))
		loop_timer_set(n->start, 0);
}

static void telling_free(void *p)
{
	struct telling *t = p;

	dns_request_cancel(t->request);
	loop_timer_free(t->timer);
	free(t);
}

static void forget(struct telling *t)
{
	char addr[NETADDR_TEXT_MAX], *zone = dname_text(t->zone);
	char *key = mem_printf("%s %s %p", zone, netaddr_to_text_port(&t->addr, addr),
			       (const void *)t->key);

	map_remove(&t->n->tellings, key);
	free(key);
	free(zone);
	telling_free(t);
}

/* The wait after a failure, or the gap after a success, is over. */
static void on_timer(void *ctx)
{
	struct telling *t = ctx;

	if (t->is_told && !t->again)
		forget(t);
	else
		enqueue(t);
}

static void on_failure(struct telling *t, const char *why)
{
	char addr[NETADDR_TEXT_MAX];

	t->n->failed++;
	metric_add(METRIC_NOTIFIES_TOTAL, 1, "out", "failed");
	if (t->backoff.tries >= TRIES_MAX) {
		char *zone = dname_text(t->zone);

		log_warning("NOTIFY of %s to %s: %s; given up", zone,
			    netaddr_to_text_port(&t->addr, addr), why);
		free(zone);
		forget(t);
		return;
	}
	loop_timer_set(t->timer, backoff_next_ms(&t->backoff));
}

static void on_done(void *ctx, const struct dns_reply *reply)
{
	struct telling *t = ctx;
	struct notify *n = t->n;
	char rcode[12];

	t->request = NULL;
	n->running--;
	if (reply->err == 0 && reply->rcode == DNS_RCODE_NOERROR) {
		metric_add(METRIC_NOTIFIES_TOTAL, 1, "out", "confirmed");
		backoff_reset(&t->backoff);
		t->is_told = true;
		/* remembered for the gap, then forgotten */
		loop_timer_set(t->timer, GAP_MS);
	} else if (t->again) {
		enqueue(t);
	} else {
		on_failure(t, reply->err ? error_text(reply->err)
					 : rcode_to_text(reply->rcode, rcode));
	}
	send_more(n);
}

/* The present SOA goes along as a hint (RFC 1996 3.7). */
static void put_soa(struct dns_writer *w, const struct zone *z)
{
	const struct rrset *soa = zone_rrset(z, zone_origin(z), RRTYPE_SOA);
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	if (soa && rrset_next(soa, &pos, &rdata, &len))
		(void)dns_writer_record(w, DNS_ANSWER, zone_origin(z), RRTYPE_SOA, DNS_CLASS_IN,
					soa->variants[0].ttl, rdata, len); /* it fits */
}

static void send_one(struct telling *t)
{
	const struct zone *z = zonedb_zone(zonedb_current(t->n->db), t->zone);
	struct dns_writer w;

	if (z == NULL) { /* dropped meanwhile */
		forget(t);
		return;
	}
	t->again = t->is_told = false;
	dns_writer_init(&w, 65535, 0, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA);
	(void)dns_writer_question(&w, t->zone, RRTYPE_SOA, DNS_CLASS_IN); /* it fits */
	put_soa(&w, z);
	const struct dns_question q = { .servers = &t->addr,
					.nservers = 1,
					.timeout_ms = TIMEOUT_MS,
					.tries = 1,
					.key = t->key,
					.on_done = on_done,
					.ctx = t };
	t->n->running++;
	t->n->sent++;
	t->request = dns_client_send(t->n->dns, &q, (const uint8_t *)w.out.data, w.out.len);
	dns_writer_fini(&w);
}

static void send_more(struct notify *n)
{
	while (n->queue && n->running < RUNNING_MAX) {
		struct telling *t = n->queue;

		n->queue = t->next;
		if (n->queue == NULL)
			n->queue_end = &n->queue;
		t->waits = false;
		send_one(t);
	}
}

static void on_start(void *ctx)
{
	send_more(ctx);
}

/* --- what to tell whom ------------------------------------------------------------------------ */

static void tell(struct notify *n, const uint8_t *zone, const struct netaddr *addr,
		 const struct tsig_key *key)
{
	char text[NETADDR_TEXT_MAX], *name = dname_text(zone);
	char *id =
		mem_printf("%s %s %p", name, netaddr_to_text_port(addr, text), (const void *)key);
	struct telling *t = map_get(&n->tellings, id);

	if (t == NULL) {
		t = MEM_NEW(struct telling);
		t->n = n;
		memcpy(t->zone, zone, dname_len(zone));
		t->addr = *addr;
		t->key = key;
		t->backoff = (struct backoff){ .min_ms = 1000, .max_ms = 60000 };
		t->timer = loop_timer_new(n->loop, on_timer, t);
		map_put(&n->tellings, id, t);
	}
	free(id);
	free(name);
	if (t->request || t->is_told) {
		t->again = true; /* when it answers, or when the gap is over */
		return;
	}
	loop_timer_cancel(t->timer);
	backoff_reset(&t->backoff);
	enqueue(t);
}

static void tell_addresses(struct notify *n, const uint8_t *zone, const uint8_t *host,
			   uint16_t type, const struct tsig_key *key)
{
	const struct zone *z = zonedb_find(zonedb_current(n->db), host);
	const struct rrset *r = z ? zone_rrset(z, host, type) : NULL;
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	while (r && rrset_next(r, &pos, &rdata, &len)) {
		struct netaddr a = { .family = type == RRTYPE_A ? 4 : 6, .port = 53 };

		memcpy(a.bytes, rdata, len);
		tell(n, zone, &a, key);
	}
}

/* The zone's NS set but for the primary in the SOA, which we are (RFC 1996 2). */
static void tell_ns(struct notify *n, const struct zone *z, const struct tsig_key *key)
{
	const struct rrset *ns = zone_rrset(z, zone_origin(z), RRTYPE_NS);
	const struct rrset *soa = zone_rrset(z, zone_origin(z), RRTYPE_SOA);
	const uint8_t *host, *primary = NULL;
	size_t pos = 0;
	uint16_t len;

	if (soa)
		(void)rrset_next(soa, &pos, &primary, &len); /* it has one */
	pos = 0;
	for (unsigned i = 0; ns && i < NS_MAX && rrset_next(ns, &pos, &host, &len); i++) {
		if (primary && dname_equal(host, primary))
			continue;
		tell_addresses(n, zone_origin(z), host, RRTYPE_A, key);
		tell_addresses(n, zone_origin(z), host, RRTYPE_AAAA, key);
	}
}

static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	struct notify *n = ctx;

	(void)before;
	for (size_t i = 0; after && i < n->targets->n; i++) {
		const struct remote *r = &n->targets->list[i];

		if (r->zone && !dname_equal(r->zone, zone_origin(after)))
			continue;
		if (r->is_ns)
			tell_ns(n, after, r->key);
		else
			tell(n, zone_origin(after), &r->addr, r->key);
	}
}

struct notify *notify_new(struct loop *loop, struct zonedb *db, struct dns_client *dns,
			  const struct remotes *targets)
{
	struct notify *n = MEM_NEW(struct notify);

	n->loop = loop;
	n->db = db;
	n->dns = dns;
	n->targets = targets;
	n->queue_end = &n->queue;
	n->start = loop_timer_new(loop, on_start, n);
	if (targets->n)
		zonedb_on_commit(db, on_commit, n);
	return n;
}

void notify_free(struct notify *n)
{
	if (n == NULL)
		return;
	map_fini(&n->tellings, telling_free);
	loop_timer_free(n->start);
	free(n);
}

void notify_status(const struct notify *n, cJSON *out)
{
	cJSON_AddNumberToObject(out, "pending", (double)n->tellings.n);
	cJSON_AddNumberToObject(out, "sent", (double)n->sent);
	cJSON_AddNumberToObject(out, "failed", (double)n->failed);
}

#include "gslb/parent.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/delegation.h"
#include "gslb/inside.h"
#include "gslb/peers.h"
#include "gslb/statezone.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"

#define SOON_MS     2000 /* after a push */
#define QUICK_MS    5000 /* while it is not there yet … */
#define QUICK_TIMES 12   /* … so often */

struct look {
	struct parent *parent;
	char *zone, *own_ns;
	struct dns_request *request[3]; /* NS of the zone; A, AAAA of our name server */
	struct strv found, addresses;   /* of the look that runs */
	bool failed;
	char *error;
	/* The last whole one: */
	struct strv seen, seen_addresses;
	uint64_t checked_ms; /* 0 = never */
	bool is_ok, was_told;
	unsigned times; /* since the last change, while it is wrong */
};

struct parent {
	struct gslb *g;
	struct map looks; /* zone → struct look */
	struct loop_timer *timer;
};

static void look_free(void *ptr)
{
	struct look *l = ptr;

	for (size_t i = 0; i < 3; i++)
		dns_request_cancel(l->request[i]);
	strv_fini(&l->found);
	strv_fini(&l->addresses);
	strv_fini(&l->seen);
	strv_fini(&l->seen_addresses);
	free(l->error);
	free(l->zone);
	free(l->own_ns);
	free(l);
}

/* --- clusters that show themselves ------------------------------------------------------- */

/* The geo tag in a name server's name by our rule; NULL if it is no such name.  Caller frees. */
static char *tag_of(const struct gslb *g, const struct lbzone *z, const char *ns)
{
	char *with_x = lbzone_ns_name(g->ns_prefix, "x", z->name, z->parent);
	size_t head = strlen(g->ns_prefix), tail = strlen(with_x) - head - 1, len = strlen(ns);
	bool fits = len > head + tail && strncasecmp(ns, g->ns_prefix, head) == 0 &&
		    strcasecmp(ns + len - tail, with_x + head + 1) == 0;
	char *tag = fits ? mem_strndup(ns + head, len - head - tail) : NULL;

	free(with_x);
	for (const char *p = tag; p && *p; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-') {
			free(tag);
			return NULL;
		}
	}
	return tag;
}

/* As k8gb: only when nobody was configured. */
static void find_clusters(const struct look *l, const struct lbzone *z)
{
	struct gslb *g = l->parent->g;

	if (config_list(g->env.config, OPT_EXT_GSLB_CLUSTERS_GEO_TAGS)->n ||
	    config_list(g->env.config, OPT_PEER)->n)
		return;
	for (size_t i = 0; i < l->seen.n; i++) {
		char *tag = tag_of(g, z, l->seen.s[i]);

		if (tag)
			gslb_add_peer(g, tag);
		free(tag);
	}
}

/* --- the verdict ------------------------------------------------------------------------------ */

static bool has_all(const struct strv *found, const struct strv *wanted)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (!strv_has(found, wanted->s[i]))
			return false;
	return true;
}

static void tell(struct look *l, const struct lbzone *z, const struct strv *expected)
{
	const struct gslb *g = l->parent->g;
	char *want = strv_join(expected, ", "), *have = strv_join(&l->seen, ", ");
	char *text = mem_printf("zone %s: the parent %s has the name servers %s; %s would be right",
				z->name, z->parent, *have ? have : "(none)", want);

	log_warning("%s", text);
	if (g->env.on_event)
		g->env.on_event(g->env.ctx, z->id, true, "DelegationMismatch", text);
	free(text);
	free(want);
	free(have);
}

static void judge(struct look *l)
{
	struct gslb *g = l->parent->g;
	const struct lbzone *z = map_get(&g->zones, l->zone);
	struct strv expected = { 0 }, own = { 0 };

	if (z == NULL)
		return;
	peers_at_parent(g->peers, z, &l->seen);
	statezone_name_servers(g, z, &expected);
	delegation_addresses(g->delegation, &own);
	l->is_ok = strv_equal(&l->seen, &expected) && has_all(&l->seen_addresses, &own);
	metric_set(METRIC_DELEGATION_OK, l->is_ok, z->name);
	if (l->is_ok)
		l->was_told = false;
	else if (!l->was_told && ++l->times >= QUICK_TIMES) {
		l->was_told = true;
		tell(l, z, &expected);
	}
	strv_fini(&expected);
	strv_fini(&own);
	find_clusters(l, z);
}

/* --- looking ------------------------------------------------------------------------------------
 */

static void take_name(struct look *l, const struct dns_record *r, const uint8_t *zone)
{
	char *text;

	if (r->type != RRTYPE_NS || !dname_equal(r->owner, zone))
		return;
	text = dname_text(r->rdata);
	char *normal = dname_text_normal(text);
	(void)strv_add_unique(&l->found, normal);
	free(normal);
	free(text);
}

static void take_address(struct look *l, const struct dns_record *r)
{
	struct netaddr a = { .family = r->type == RRTYPE_A ? 4 : 6 };
	char text[NETADDR_TEXT_MAX];

	if (r->section != DNS_ANSWER || (r->type != RRTYPE_A && r->type != RRTYPE_AAAA) ||
	    r->rdlen != (a.family == 4 ? 4 : 16))
		return;
	memcpy(a.bytes, r->rdata, r->rdlen);
	(void)strv_add_unique(&l->addresses, netaddr_to_text(&a, text));
}

static void finish(struct look *l)
{
	if (l->request[0] || l->request[1] || l->request[2])
		return;
	if (!l->failed) {
		strv_fini(&l->seen);
		strv_fini(&l->seen_addresses);
		l->seen = l->found;
		l->seen_addresses = l->addresses;
		l->found = l->addresses = (struct strv){ 0 };
		strv_sort(&l->seen);
		strv_sort(&l->seen_addresses);
		l->checked_ms = clock_mono_ms();
		mem_strset(&l->error, NULL);
		judge(l);
	}
	strv_fini(&l->found);
	strv_fini(&l->addresses);
}

/* An authoritative parent gives a referral, a resolver an answer: both sections count. */
static void on_reply(struct look *l, size_t i, const struct dns_reply *reply)
{
	uint8_t zone[DNAME_MAX];
	char code[16];

	l->request[i] = NULL;
	if (reply->err ||
	    (reply->rcode != DNS_RCODE_NOERROR && reply->rcode != DNS_RCODE_NXDOMAIN)) {
		l->failed = true;
		mem_strset(&l->error,
			   reply->err ? error_text(reply->err) : rcode_to_text(reply->rcode, code));
	}
	if (dname_from_text(l->zone, zone) == 0)
		for (size_t r = 0; r < reply->nrecords; r++) {
			take_name(l, &reply->records[r], zone);
			if (i > 0)
				take_address(l, &reply->records[r]);
		}
	finish(l);
}

static void on_ns(void *ctx, const struct dns_reply *reply)
{
	on_reply(ctx, 0, reply);
}

static void on_a(void *ctx, const struct dns_reply *reply)
{
	on_reply(ctx, 1, reply);
}

static void on_aaaa(void *ctx, const struct dns_reply *reply)
{
	on_reply(ctx, 2, reply);
}

static void ask(struct look *l, size_t i, const char *name, uint16_t type,
		void (*done)(void *, const struct dns_reply *))
{
	const struct gslb *g = l->parent->g;
	uint8_t wire[DNAME_MAX];
	struct dns_question q = { .servers = g->edge,
				  .nservers = g->nedge,
				  .name = wire,
				  .type = type,
				  .recursion_desired = true,
				  .on_done = done,
				  .ctx = l };

	if (dname_from_text(name, wire) == 0)
		l->request[i] = dns_client_ask(g->env.dns, &q);
}

static void look(struct parent *p, const struct lbzone *z)
{
	struct look *l = map_get(&p->looks, z->name);

	if (l == NULL) {
		l = MEM_NEW(struct look);
		l->parent = p;
		l->zone = mem_strdup(z->name);
		l->own_ns = mem_strdup(z->own_ns);
		(void)map_put(&p->looks, z->name, l); /* was not there */
	}
	if (l->request[0] || l->request[1] || l->request[2])
		return;
	l->failed = false;
	ask(l, 0, l->zone, RRTYPE_NS, on_ns);
	ask(l, 1, l->own_ns, RRTYPE_A, on_a);
	ask(l, 2, l->own_ns, RRTYPE_AAAA, on_aaaa);
}

static uint64_t next_ms(const struct parent *p)
{
	const struct config *c = p->g->env.config;
	int64_t calm = config_number(c, OPT_ZONE_DELEGATION_RECONCILE_REQUEUE_SECONDS);
	int64_t recovery = config_number(c, OPT_ZONE_DELEGATION_RECOVERY_SECONDS);
	bool ok = true, quick = false;

	for (struct map_item *i = map_first(&p->looks); i; i = map_next(&p->looks, i)) {
		const struct look *l = i->value;

		ok = ok && l->is_ok;
		quick = quick || (!l->is_ok && l->times < QUICK_TIMES);
	}
	if (quick)
		return QUICK_MS;
	int64_t s = ok ? calm : recovery;
	return (uint64_t)(s > 0 ? s : 300) * 1000;
}

static void on_timer(void *ctx)
{
	struct parent *p = ctx;

	for (struct map_item *i = map_first(&p->looks), *next; i; i = next) {
		next = map_next(&p->looks, i);
		if (map_get(&p->g->zones, i->key) == NULL)
			look_free(map_remove(&p->looks, i->key));
	}
	for (struct map_item *i = map_first(&p->g->zones); i; i = map_next(&p->g->zones, i))
		look(p, i->value);
	loop_timer_set(p->timer, next_ms(p));
}

void parent_changed(struct parent *p)
{
	for (struct map_item *i = map_first(&p->looks); i; i = map_next(&p->looks, i))
		((struct look *)i->value)->times = 0;
	if (p->g->nedge)
		loop_timer_set(p->timer, SOON_MS);
}

void parent_explain(const struct parent *p, cJSON *out)
{
	for (struct map_item *i = map_first(&p->g->zones); i; i = map_next(&p->g->zones, i)) {
		const struct lbzone *z = i->value;
		const struct look *l = map_get(&p->looks, z->name);
		cJSON *o = cJSON_AddObjectToObject(out, z->name);
		struct strv expected = { 0 }, own = { 0 };

		statezone_name_servers(p->g, z, &expected);
		delegation_addresses(p->g->delegation, &own);
		cJSON_AddStringToObject(o, "parent", z->parent);
		cJSON_AddItemToObject(o, "expected", json_from_strv(&expected));
		cJSON_AddStringToObject(o, "own_name_server", z->own_ns);
		cJSON_AddItemToObject(o, "own_addresses", json_from_strv(&own));
		if (l && l->checked_ms) {
			cJSON_AddItemToObject(o, "found", json_from_strv(&l->seen));
			cJSON_AddItemToObject(o, "found_addresses",
					      json_from_strv(&l->seen_addresses));
			cJSON_AddBoolToObject(o, "ok", l->is_ok);
			cJSON_AddNumberToObject(o, "checked_ms_ago",
						(double)(clock_mono_ms() - l->checked_ms));
		}
		if (p->g->nedge == 0)
			cJSON_AddStringToObject(
				o, "error",
				"EDGE_DNS_SERVERS is not set: the parent cannot be asked");
		else if (l && l->error)
			cJSON_AddStringToObject(o, "error", l->error);
		strv_fini(&expected);
		strv_fini(&own);
	}
}

struct parent *parent_new(struct gslb *g)
{
	struct parent *p = MEM_NEW(struct parent);

	p->g = g;
	p->timer = loop_timer_new(g->env.loop, on_timer, p);
	return p;
}

void parent_free(struct parent *p)
{
	if (p == NULL)
		return;
	map_fini(&p->looks, look_free);
	loop_timer_free(p->timer);
	free(p);
}

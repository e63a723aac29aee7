/*
 * publish - decisions as zone data: the only caller of the zone database, and the
 * only place where names and addresses become wire.  One transaction a pass.
 * Control thread.
 *
 *	<zone>                      SOA, NS as delegated
 *	<host>                      A, AAAA: variants and a selector
 *	localtargets-<host>         A, AAAA: what k8gb and its like ask a peer for
 *	<tag>._gslbd.<zone>         a zone of its own: what gslbd peers ask for
 *	  TXT at its apex           version and the hosts that changed last
 *	  <host>.<tag>._gslbd.<zone>  TXT: health and targets of one host
 */
#include "gslb/publish.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/compile.h"
#include "gslb/drain.h"
#include "gslb/inside.h"
#include "gslb/policy.h"
#include "gslb/statezone.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "zonedb/selector.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define LOCALTARGETS     "localtargets-"
#define LOCALTARGETS_LEN 13
#define STATE_TTL_S      5

/* --- RRsets ------------------------------------------------------------------------ */

static void put_failed(int err, const uint8_t *owner, uint16_t type)
{
	char *text = dname_text(owner);
	char type_text[16];

	log_error("%s %s cannot be served: %s", text, rrtype_to_text(type, type_text),
		  error_text(err));
	free(text);
}

static void put_variants(struct txn *t, const struct host *h, struct compiled *c)
{
	uint16_t type = c->family == 4 ? RRTYPE_A : RRTYPE_AAAA;
	struct variant_spec *v = mem_calloc(c->nvariants, sizeof(*v));
	struct rdata **rdata = mem_calloc(c->nvariants, sizeof(*rdata));

	for (size_t i = 0; i < c->nvariants; i++) {
		const struct compiled_variant *own = &c->variants[i];

		rdata[i] = mem_calloc(own->n, sizeof(**rdata));
		for (size_t j = 0; j < own->n; j++)
			rdata[i][j] = (struct rdata){ h->d.members[own->members[j]].addr.bytes,
						      c->family == 4 ? 4 : 16 };
		v[i] = (struct variant_spec){ rdata[i], own->n, 0 };
	}
	struct rrset_spec spec = { .owner = h->wire,
				   .type = type,
				   .ttl = h->ttl_s,
				   .variants = v,
				   .nvariants = c->nvariants,
				   .selector = c->selector,
				   .rotate = true };
	int err = txn_put(t, h->zone->wire, &spec);
	if (err)
		put_failed(err, h->wire, type);
	else
		c->selector = NULL; /* taken */
	for (size_t i = 0; i < c->nvariants; i++)
		free(rdata[i]);
	free(rdata);
	free(v);
}

/* Does the policy want resolvers to ask elsewhere? */
static bool refuses(const struct host *h)
{
	return h->d.is_all_down && h->policy && h->policy->all_down == ALL_DOWN_REFUSED;
}

/* Nothing to give: the name exists, and has no data (RFC 2308 2.2). */
static void put_nothing(struct txn *t, const struct host *h, uint16_t type)
{
	struct variant_spec none = { 0 };
	struct rrset_spec spec = { .owner = h->wire,
				   .type = type,
				   .ttl = h->ttl_s,
				   .variants = &none,
				   .nvariants = 1,
				   .refused = refuses(h) };
	int err = txn_put(t, h->zone->wire, &spec);

	if (err)
		put_failed(err, h->wire, type);
}

static void put_https(struct txn *t, const struct host *h)
{
	char *owner = mem_printf("%s.", h->name);
	const char *rdata = h->policy->https;
	int err = txn_put_text(t, h->zone->wire, owner, RRTYPE_HTTPS, h->ttl_s, &rdata, 1);

	if (err)
		put_failed(err, h->wire, RRTYPE_HTTPS);
	free(owner);
}

static void put_answers(struct txn *t, const struct host *h)
{
	static const struct {
		uint8_t family;
		uint16_t type;
	} kinds[] = { { 4, RRTYPE_A }, { 6, RRTYPE_AAAA } };
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct compiled c;

		compile_run(&h->d, kinds[i].family, h->g->geo, &c);
		if (c.nvariants) {
			put_variants(t, h, &c);
			any = true;
		} else {
			(void)txn_remove(t, h->zone->wire, h->wire, kinds[i].type);
		}
		compile_fini(&c);
	}
	if (!any)
		put_nothing(t, h, RRTYPE_A);
	if (!any && refuses(h))
		put_nothing(t, h, RRTYPE_AAAA);
	if (h->policy && h->policy->https && any)
		put_https(t, h);
	else
		(void)txn_remove(t, h->zone->wire, h->wire, RRTYPE_HTTPS);
}

/* --- localtargets ------------------------------------------------------------------- */

int publish_localtargets_name(const struct host *h, uint8_t *out)
{
	size_t first = h->wire[0], rest = dname_len(h->wire) - 1 - first;

	if (dname_equal(h->wire, h->zone->wire))
		return ERR_RANGE;
	if (first + LOCALTARGETS_LEN > 63 || 1 + LOCALTARGETS_LEN + first + rest > DNAME_MAX)
		return ERR_TOO_LONG;
	out[0] = (uint8_t)(first + LOCALTARGETS_LEN);
	memcpy(out + 1, LOCALTARGETS, LOCALTARGETS_LEN);
	memcpy(out + 1 + LOCALTARGETS_LEN, h->wire + 1, first + rest);
	return 0;
}

static void put_addresses(struct txn *t, const struct host *h, const uint8_t *owner, uint16_t type)
{
	uint8_t family = type == RRTYPE_A ? 4 : 6;
	struct rdata *rdata = mem_calloc(h->d.nmembers, sizeof(*rdata));
	size_t n = 0;

	for (size_t i = 0; i < h->d.nmembers; i++) {
		const struct member *m = &h->d.members[i];

		if (m->is_live && m->addr.family == family &&
		    h->d.sites[m->site].source == SITE_LOCAL)
			rdata[n++] = (struct rdata){ m->addr.bytes, family == 4 ? 4 : 16 };
	}
	int err = n ? txn_put_rrset(t, h->zone->wire, owner, type, h->ttl_s, rdata, n)
		    : txn_remove(t, h->zone->wire, owner, type);
	if (err)
		put_failed(err, owner, type);
	free(rdata);
}

/* A host that is called so itself has the right to its name. */
static bool name_is_a_host(const struct gslb *g, const uint8_t *owner)
{
	char *text = dname_text(owner);
	const struct host *h = map_get(&g->hosts, text);

	free(text);
	return h && h->nclaims;
}

static void put_local_targets(struct txn *t, struct host *h)
{
	uint8_t owner[DNAME_MAX];
	int err = publish_localtargets_name(h, owner);

	h->skipped = NULL;
	if (err) {
		h->skipped = err == ERR_TOO_LONG ? "no " LOCALTARGETS
						   " record for peers that run k8gb: the "
						   "host's first label has more than 50 characters"
						 : "no " LOCALTARGETS
						   " record for peers that run k8gb: the host "
						   "is the zone itself";
		return;
	}
	if (name_is_a_host(h->g, owner))
		return;
	put_addresses(t, h, owner, RRTYPE_A);
	put_addresses(t, h, owner, RRTYPE_AAAA);
}

/* --- the state zone ------------------------------------------------------------------- */

static void put_state(struct txn *t, struct host *h)
{
	struct lbzone *z = h->zone;
	uint8_t owner[DNAME_MAX];
	struct buf rdata = { 0 };

	if (!z->has_state || lbzone_state_name(z, h->wire, z->state_wire, owner))
		return;
	char *text = statezone_host_text(h);
	if (h->state_text && strcmp(h->state_text, text) == 0) {
		free(text);
		return;
	}
	free(h->state_text);
	h->state_text = text;
	statezone_text_rdata(text, &rdata);
	struct rdata one = { (const uint8_t *)rdata.data, (uint16_t)rdata.len };
	int err = txn_put_rrset(t, z->state_wire, owner, RRTYPE_TXT, STATE_TTL_S, &one, 1);
	if (err)
		put_failed(err, owner, RRTYPE_TXT);
	statezone_note_change(z, h);
	buf_fini(&rdata);
}

/* --- hosts ------------------------------------------------------------------------------ */

static void remove_host(struct txn *t, struct host *h)
{
	struct lbzone *z = h->zone, *found = NULL;
	uint8_t owner[DNAME_MAX];
	struct lbzone was = { 0 };

	for (struct map_item *i = map_first(&h->g->zones); i; i = map_next(&h->g->zones, i))
		if (dname_equal(((struct lbzone *)i->value)->wire, h->published_zone))
			found = i->value;
	(void)txn_remove(t, h->published_zone, h->wire, 0);
	memcpy(was.wire, h->published_zone, sizeof(was.wire));
	h->zone = found ? found : &was;
	if (publish_localtargets_name(h, owner) == 0 && !name_is_a_host(h->g, owner))
		(void)txn_remove(t, h->zone->wire, owner, 0);
	h->zone = z;
	if (found && found->has_state &&
	    lbzone_state_name(found, h->wire, found->state_wire, owner) == 0) {
		(void)txn_remove(t, found->state_wire, owner, 0);
		statezone_note_change(found, h);
	}
	free(h->state_text);
	h->state_text = NULL;
	h->is_published = false;
}

static void publish_host(struct txn *t, struct host *h)
{
	bool wanted = h->nclaims && h->zone;

	if (h->is_published && (!wanted || !dname_equal(h->published_zone, h->zone->wire)))
		remove_host(t, h);
	if (!wanted)
		return;
	put_answers(t, h);
	put_local_targets(t, h);
	put_state(t, h);
	h->is_published = true;
	memcpy(h->published_zone, h->zone->wire, sizeof(h->published_zone));
}

/* --- zones ------------------------------------------------------------------------------- */

/*
 * The serial is the time of the change, or one more than the last (RFC 1982): replicas that see
 * the same change in the same second have the same one, and a restart does not go back.  A zone
 * that comes back with the data it had keeps its serial (zonedb/journal.c).
 */
static uint32_t next_serial(const struct gslb *g, const uint8_t *origin)
{
	const struct zone *z = zonedb_zone(zonedb_current(g->env.zonedb), origin);
	uint32_t now = (uint32_t)clock_real_s();
	uint32_t old = z ? zone_serial(z) : now - 1;

	return (int32_t)(now - old) > 0 ? now : old + 1;
}

static void put_soa(struct txn *t, const struct gslb *g, const uint8_t *origin, const char *mname,
		    const char *zone, unsigned neg_ttl_s)
{
	const struct zone *z = zonedb_zone(zonedb_current(g->env.zonedb), origin);
	char *owner = dname_text(origin);
	char *soa = mem_printf("%s. hostmaster.%s. %u 7200 1800 86400 %u", mname, zone,
			       z ? zone_serial(z) : 0 /* set below */, neg_ttl_s);
	char *dotted = mem_printf("%s.", owner);
	int err = txn_put_text(t, origin, dotted, RRTYPE_SOA, neg_ttl_s,
			       (const char *const[]){ soa }, 1);

	if (err)
		put_failed(err, origin, RRTYPE_SOA);
	free(dotted);
	free(soa);
	free(owner);
}

static void put_ns(struct txn *t, const uint8_t *origin, const struct strv *names, uint32_t ttl_s)
{
	struct rdata *rdata = mem_calloc(names->n, sizeof(*rdata));
	uint8_t *wires = mem_calloc(names->n, DNAME_MAX);
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		uint8_t *w = wires + n * DNAME_MAX;

		if (dname_from_text(names->s[i], w) == 0)
			rdata[n++] = (struct rdata){ w, (uint16_t)dname_len(w) };
	}
	int err = txn_put_rrset(t, origin, origin, RRTYPE_NS, ttl_s, rdata, n);
	if (err)
		put_failed(err, origin, RRTYPE_NS);
	free(rdata);
	free(wires);
}

static void put_root(struct txn *t, const struct gslb *g, struct lbzone *z)
{
	struct buf rdata = { 0 };

	statezone_root_rdata(g, z, &rdata);
	struct rdata one = { (const uint8_t *)rdata.data, (uint16_t)rdata.len };
	int err = txn_put_rrset(t, z->state_wire, z->state_wire, RRTYPE_TXT, 0, &one, 1);
	if (err)
		put_failed(err, z->state_wire, RRTYPE_TXT);
	buf_fini(&rdata);
}

/* What was drained here, for the peers: one TXT record a drain. */
static void put_drains(struct txn *t, const struct gslb *g, const struct lbzone *z)
{
	uint8_t owner[DNAME_MAX];
	struct strv texts = { 0 };

	if (dname_join(STATEZONE_DRAINS, z->state_wire, owner))
		return;
	drains_own(g->drains, &texts);
	struct buf *bufs = mem_calloc(texts.n, sizeof(*bufs));
	struct rdata *rdata = mem_calloc(texts.n, sizeof(*rdata));
	for (size_t i = 0; i < texts.n; i++) {
		statezone_text_rdata(texts.s[i], &bufs[i]);
		rdata[i] = (struct rdata){ (const uint8_t *)bufs[i].data, (uint16_t)bufs[i].len };
	}
	int err = texts.n ? txn_put_rrset(t, z->state_wire, owner, RRTYPE_TXT, STATE_TTL_S, rdata,
					  texts.n)
			  : txn_remove(t, z->state_wire, owner, RRTYPE_TXT);
	if (err)
		put_failed(err, owner, RRTYPE_TXT);
	for (size_t i = 0; i < texts.n; i++)
		buf_fini(&bufs[i]);
	free(bufs);
	free(rdata);
	strv_fini(&texts);
}

static void publish_apex(struct txn *t, const struct gslb *g, struct lbzone *z)
{
	struct strv ns = { 0 }, own = { 0 };

	statezone_name_servers(g, z, &ns);
	strv_add(&own, z->own_ns);
	(void)txn_zone_add(t, z->wire);
	put_soa(t, g, z->wire, z->own_ns, z->name, z->neg_ttl_s);
	put_ns(t, z->wire, &ns, g->ns_ttl_s);
	if (z->has_state) {
		(void)txn_zone_add(t, z->state_wire);
		put_soa(t, g, z->state_wire, z->own_ns, z->name, STATE_TTL_S);
		put_ns(t, z->state_wire, &own, STATE_TTL_S);
	}
	strv_fini(&ns);
	strv_fini(&own);
}

static void finish_zone(struct txn *t, const struct gslb *g, struct lbzone *z)
{
	if (z->has_state && (z->apex_dirty || z->drains_dirty))
		put_drains(t, g, z);
	if (z->has_state && (z->apex_dirty || z->root_dirty))
		put_root(t, g, z);
	txn_serial_least(t, z->wire, next_serial(g, z->wire));
	if (z->has_state)
		txn_serial_least(t, z->state_wire, next_serial(g, z->state_wire));
	z->apex_dirty = z->root_dirty = z->drains_dirty = false;
}

static void drop_zone(struct txn *t, const struct lbzone *z)
{
	(void)txn_zone_drop(t, z->wire); /* it may never have been published */
	if (z->has_state)
		(void)txn_zone_drop(t, z->state_wire);
}

void publish_pass(struct gslb *g, struct host *const *hosts, size_t n,
		  struct lbzone *const *dropped, size_t ndropped)
{
	struct txn *t = txn_begin(g->env.zonedb);
	char *why = NULL;

	for (size_t i = 0; i < ndropped; i++)
		drop_zone(t, dropped[i]);
	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i)) {
		struct lbzone *z = i->value;

		if (z->apex_dirty)
			publish_apex(t, g, z);
	}
	for (size_t i = 0; i < n; i++)
		publish_host(t, hosts[i]);
	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i))
		finish_zone(t, g, i->value);
	if (txn_commit(t, &why)) {
		log_error("zones cannot be published: %s", why ? why : "");
		free(why);
	}
}

void publish_hold(struct gslb *g)
{
	struct txn *t = txn_begin(g->env.zonedb);

	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i)) {
		const struct lbzone *z = i->value;

		if (txn_zone(t, z->wire) == NULL)
			txn_zone_hold(t, z->wire);
	}
	(void)txn_commit(t, NULL); /* a name needs no checks */
}

#include "zonedb/txn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/selector.h"
#include "zonedb/version.h"

/* A zone that the transaction touched. */
struct txn_zone {
	struct txn_zone *next;
	const struct zone *before; /* published, NULL if new */
	/*
	 * NOW was built from nothing while BEFORE still has all its parts: the two are compared at
	 * commit, so that a reload with the same data is no change.
	 */
	bool afresh;
	struct zone *now; /* NULL: dropped */
	bool is_hold;     /* NOW is held, or was: a change that nobody is told of */
	bool has_serial, has_least, has_same;
	uint32_t serial, least, same;
};

struct txn {
	struct zonedb *db;
	struct zonedb_version *v;
	struct cow cow;
	struct txn_zone *zones;
	size_t ndropped; /* zones, also such that came back */
};

/* RFC 1982 3.2 */
static bool serial_is_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < 0x80000000u;
}

struct txn *txn_begin(struct zonedb *db)
{
	struct txn *t = MEM_NEW(struct txn);

	assert(db->txn == NULL);
	t->db = db;
	t->v = version_next(db);
	t->cow.id = t->v->id;
	db->txn = t;
	return t;
}

static void txn_free(struct txn *t)
{
	while (t->zones) {
		struct txn_zone *tz = t->zones;

		t->zones = tz->next;
		free(tz);
	}
	t->db->txn = NULL;
	free(t);
}

/* Held ones, too. */
static const struct zone *find_any(const struct txn *t, const uint8_t *origin)
{
	struct qname q;

	qname_set(&q, origin);
	return (const struct zone *)trie_find(t->v->zones, &q, 0);
}

static const struct zone *find_zone(const struct txn *t, const uint8_t *origin)
{
	const struct zone *z = find_any(t, origin);

	return z && !z->is_held ? z : NULL;
}

static void zones_put(struct txn *t, const struct zone *z)
{
	const struct trie_leaf *old;

	/* sixteen origins with one 64-bit hash need the seed to be known */
	if (trie_put(&t->v->zones, &t->cow, &z->leaf, &old))
		abort();
	t->v->depths |= depth_bit(z->labels);
	t->v->nzones += old == NULL;
	if (z->labels >= VERSION_DEPTHS)
		return;
	t->v->depth[z->labels].n += old == NULL;
	t->v->depth[z->labels].lone = t->v->depth[z->labels].n == 1 ? z : NULL;
}

static struct txn_zone *touch(struct txn *t, const struct zone *before, struct zone *now)
{
	struct txn_zone *tz = MEM_NEW(struct txn_zone);

	tz->before = before;
	tz->now = now;
	if (now)
		now->txn = tz;
	tz->next = t->zones;
	t->zones = tz;
	return tz;
}

/* Z of this transaction, copied if it is still the published one. */
static struct zone *own_zone(struct txn *t, const struct zone *z)
{
	if (z->txn)
		return z->txn->now;
	struct zone *copy = zone_copy(z, t->cow.id);
	touch(t, z, copy);
	zones_put(t, copy);
	cow_retire(&t->cow, (void *)(uintptr_t)z, COW_ZONE);
	return copy;
}

static void retire_zone(struct txn *t, const struct zone *z)
{
	struct zone parts = *z;

	zone_retire_data(&parts, &t->cow);
	cow_retire(&t->cow, (void *)(uintptr_t)z, COW_ZONE);
}

/* --- nodes --------------------------------------------------------------- */

static void replace_node(struct txn *t, struct zone *z, const struct node *old, struct node *new)
{
	const struct trie_leaf *was;

	(void)trie_put(&z->nodes, &t->cow, &new->leaf, &was); /* OLD's place: cannot be full */
	if (new->flags & NODE_APEX)
		z->apex = new;
	if (new->flags &(NODE_CUT | NODE_DNAME))
		z->cut_depths |= depth_bit(new->labels);
	cow_retire(&t->cow, (void *)(uintptr_t)old, COW_NODE);
}

static struct node *own_node(struct txn *t, struct zone *z, const struct node *n)
{
	if (n->leaf.cow.birth == t->cow.id)
		return (struct node *)(uintptr_t)n;
	struct node *copy = node_copy(n, t->cow.id);
	replace_node(t, z, n, copy);
	return copy;
}

static bool is_star(const struct qname *q, unsigned i)
{
	return q->lower[q->off[i]] == 1 && q->lower[q->off[i] + 1] == '*';
}

/* The node of Q's suffix at label I with all the names between it and the apex. */
static int make_node(struct txn *t, struct zone *z, const struct qname *q, unsigned i,
		     const uint8_t *owner, const struct node **ret)
{
	const struct node *parent;
	const struct trie_leaf *old;
	const struct node *there = zone_node(z, q, i);

	if (there) {
		*ret = there;
		return 0;
	}
	struct node *n = node_new(q, i, owner + q->off[i], t->cow.id);
	int err = trie_put(&z->nodes, &t->cow, &n->leaf, &old);
	if (err) {
		free(n);
		return err;
	}
	err = make_node(t, z, q, i + 1, owner, &parent);
	if (err) {
		trie_remove(&z->nodes, &t->cow, &n->leaf);
		free(n);
		return err;
	}
	struct node *p = own_node(t, z, parent);
	p->children++;
	if (is_star(q, i))
		p->flags |= NODE_WILDCARD;
	*ret = n;
	return 0;
}

/* Take nodes out that have nothing left, from Q's suffix at label I upwards. */
static void prune(struct txn *t, struct zone *z, const struct qname *q, unsigned i)
{
	for (;; i++) {
		const struct node *n = zone_node(z, q, i);

		assert(n); /* every name above an existing one exists */
		if (n->nrrsets || n->children || n->flags & NODE_APEX)
			return;
		trie_remove(&z->nodes, &t->cow, &n->leaf);
		const struct node *above = zone_node(z, q, i + 1);
		assert(above);
		struct node *p = own_node(t, z, above);
		p->children--;
		if (is_star(q, i))
			p->flags &= (uint8_t)~NODE_WILDCARD;
		cow_retire(&t->cow, (void *)(uintptr_t)n, COW_NODE);
	}
}

/* --- zones --------------------------------------------------------------- */

static struct zone *empty_zone(struct txn *t, const uint8_t *origin)
{
	struct qname q;
	const struct trie_leaf *old;

	qname_set(&q, origin);
	struct zone *z = zone_new(&q, t->cow.id);
	struct node *apex = node_new(&q, 0, origin, t->cow.id);
	apex->flags = NODE_APEX;
	(void)trie_put(&z->nodes, &t->cow, &apex->leaf, &old); /* the first one */
	z->apex = apex;
	return z;
}

static bool add_depth(void *ctx, const struct trie_leaf *leaf)
{
	*(uint64_t *)ctx |= depth_bit(((const struct zone *)leaf)->labels);
	return true;
}

static void zones_remove(struct txn *t, const struct zone *z)
{
	trie_remove(&t->v->zones, &t->cow, &z->leaf);
	t->v->nzones--;
	if (z->labels < VERSION_DEPTHS) {
		/* the one that may be left is found by hash until it changes */
		t->v->depth[z->labels].n--;
		t->v->depth[z->labels].lone = NULL;
	}
	t->v->depths = 0;
	(void)trie_each(t->v->zones, add_depth, &t->v->depths); /* add_depth never stops */
}

/* HELD, if it is one, is not there any more. */
static bool release(struct txn *t, const struct zone *held)
{
	if (held == NULL || !held->is_held)
		return false;
	if (held->txn)
		held->txn->now = NULL;
	else
		touch(t, NULL, NULL)->is_hold = true;
	zones_remove(t, held);
	cow_retire(&t->cow, (void *)(uintptr_t)held, COW_ZONE);
	return true;
}

int txn_zone_add(struct txn *t, const uint8_t *origin)
{
	if (find_zone(t, origin))
		return 0;
	(void)release(t, find_any(t, origin)); /* it may be held, or not there */
	struct zone *z = empty_zone(t, origin);
	for (struct txn_zone *tz = t->ndropped ? t->zones : NULL; tz; tz = tz->next) {
		if (tz->now || tz->before == NULL || !dname_equal(tz->before->leaf.name, origin))
			continue;
		tz->now = z; /* dropped before in this transaction */
		z->txn = tz;
		zones_put(t, z);
		return 0;
	}
	touch(t, NULL, z);
	zones_put(t, z);
	return 0;
}

int txn_zone_drop(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = find_zone(t, origin);

	if (z == NULL)
		return release(t, find_any(t, origin)) ? 0 : ERR_NOT_FOUND;
	if (z->txn == NULL) {
		struct zone *empty = empty_zone(t, origin);

		touch(t, z, empty)->afresh = true;
		zones_put(t, empty);
		z = empty;
	}
	struct txn_zone *tz = z->txn;
	zones_remove(t, z);
	retire_zone(t, z);
	tz->now = NULL;
	t->ndropped++;
	return 0;
}

void txn_zone_hold(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = find_any(t, origin);
	struct qname q;

	if (z && z->is_held)
		return;
	if (z)
		(void)txn_zone_drop(t, origin); /* it is there */
	qname_set(&q, origin);
	struct zone *held = zone_new(&q, t->cow.id);
	held->is_held = true;
	touch(t, NULL, held)->is_hold = true;
	zones_put(t, held);
}

int txn_zone_clear(struct txn *t, const uint8_t *origin)
{
	const struct zone *z = find_zone(t, origin);

	if (z == NULL)
		return ERR_NOT_FOUND;
	struct zone *empty = empty_zone(t, origin);
	struct txn_zone *tz = z->txn;

	zones_put(t, empty); /* while Z, which may be this transaction's own, is still whole */
	if (tz == NULL) {
		touch(t, z, empty)->afresh = true;
		return 0;
	}
	empty->txn = tz;
	tz->now = empty;
	retire_zone(t, z);
	return 0;
}

/* --- RRsets -------------------------------------------------------------- */

static bool is_meta(uint16_t type)
{
	return type == 0 || type == RRTYPE_OPT || type == RRTYPE_NXNAME ||
	       (type >= RRTYPE_TKEY && type <= RRTYPE_ANY);
}

/* RFC 4034 3, 4: what may stand beside a CNAME. */
static bool may_join_cname(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_RRSIG || type == RRTYPE_NSEC ||
	       type == RRTYPE_KEY || type == RRTYPE_SIG || type == RRTYPE_NXT;
}

static int check_neighbours(const struct node *n, uint16_t type)
{
	bool apex = n->flags & NODE_APEX;

	if (type == RRTYPE_SOA && !apex)
		return ERR_CONFLICT;
	for (unsigned i = 0; i < n->nrrsets; i++) {
		uint16_t other = n->rrsets[i].type;

		if ((type == RRTYPE_CNAME && !may_join_cname(other)) ||
		    (other == RRTYPE_CNAME && !may_join_cname(type)))
			return ERR_CONFLICT; /* RFC 1034 3.6.2 */
		if (!apex && ((type == RRTYPE_DNAME && other == RRTYPE_NS) ||
			      (type == RRTYPE_NS && other == RRTYPE_DNAME)))
			return ERR_CONFLICT; /* RFC 6672 2.3 */
	}
	return 0;
}

static int check_spec(const struct rrset_spec *spec)
{
	if (is_meta(spec->type) || spec->nvariants == 0 || spec->nvariants > UINT16_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < spec->nvariants; i++) {
		const struct variant_spec *v = &spec->variants[i];

		for (size_t k = 0; k < v->n; k++)
			if (rdata_check(spec->type, v->rdata[k].data, v->rdata[k].len))
				return ERR_SYNTAX;
	}
	return 0;
}

/* One RR only: SOA, CNAME (RFC 2181 10.1), DNAME (RFC 6672 2.4). */
static int check_single(const struct rrset *r)
{
	if (r->type != RRTYPE_SOA && r->type != RRTYPE_CNAME && r->type != RRTYPE_DNAME)
		return 0;
	for (unsigned i = 0; i < r->nvariants; i++)
		if (r->variants[i].count > 1)
			return ERR_CONFLICT;
	return 0;
}

/* Where the serial is in an SOA's RDATA of LEN octets: 20 before its end. */
static uint32_t soa_serial(const struct rrset *r)
{
	return wire_get32(rrset_rrs(r, 0) + r->variants[0].len - 20);
}

static struct rrset *soa_with(const struct zone *z, const struct rrset *soa, uint32_t ttl,
			      uint32_t serial, uint64_t birth)
{
	uint8_t bytes[2 * DNAME_MAX + 20];
	size_t len = soa->variants[0].len - (size_t)RR_FIXED;
	struct rdata rd = { bytes, (uint16_t)len };
	struct variant_spec v = { &rd, 1, 0 };
	struct rrset_spec spec = { .owner = z->leaf.name,
				   .type = RRTYPE_SOA,
				   .ttl = ttl,
				   .variants = &v,
				   .nvariants = 1 };
	struct rrset *r = NULL;

	memcpy(bytes, rrset_rrs(soa, 0) + RR_FIXED, len);
	wire_put32(bytes + len - 20, serial);
	int err = rrset_new(&spec, z->leaf.name, birth, &r);
	assert(!err && r); /* short, so it fits */
	(void)err;
	return r;
}

/* Nothing to do: R is what is there already; an SOA with no newer serial counts as the same. */
static bool is_no_change(const struct zone *z, const struct rrset *there, const struct rrset *r)
{
	if (there == NULL)
		return false;
	if (r->type != RRTYPE_SOA || serial_is_newer(soa_serial(r), soa_serial(there)))
		return rrset_equal(there, r);
	struct rrset *same = soa_with(z, r, r->ttl, soa_serial(there), 0);
	bool equal = rrset_equal(there, same);
	rrset_free(same);
	return equal;
}

static int store(struct txn *t, const struct zone *z, const struct qname *q, const uint8_t *owner,
		 struct rrset *r)
{
	const struct node *n = zone_node(z, q, 0);
	const struct rrset *there = n ? node_rrset(n, r->type) : NULL;

	if (is_no_change(z, there, r)) {
		rrset_free(r);
		return 0;
	}
	struct zone *mine = own_zone(t, z);
	int err = make_node(t, mine, q, 0, owner, &n);
	if (err) {
		rrset_free(r);
		return err;
	}
	replace_node(t, mine, n, node_with(n, r, t->cow.id));
	cow_retire(&t->cow, (void *)(uintptr_t)there, COW_RRSET);
	mine->nrrsets += there == NULL;
	return 0;
}

/* A selector that nobody took. */
static int refuse(const struct rrset_spec *spec, int err)
{
	if (spec->selector && spec->selector->free)
		spec->selector->free(spec->selector);
	return err;
}

int txn_put(struct txn *t, const uint8_t *origin, const struct rrset_spec *spec)
{
	const struct zone *z = find_zone(t, origin);
	struct rrset *r = NULL;
	struct qname q;

	if (z == NULL)
		return refuse(spec, ERR_NOT_FOUND);
	if (!dname_is_subdomain(spec->owner, origin))
		return refuse(spec, ERR_RANGE);
	int err = check_spec(spec);
	if (err)
		return refuse(spec, err);
	qname_set(&q, spec->owner);
	const struct node *n = zone_node(z, &q, 0);
	const struct node none = { .flags = 0 };
	err = check_neighbours(n ? n : &none, spec->type);
	if (!err)
		err = rrset_new(spec, z->leaf.name, t->cow.id, &r);
	if (err)
		return refuse(spec, err);
	err = check_single(r);
	if (err) {
		rrset_free(r); /* and the selector */
		return err;
	}
	return store(t, z, &q, spec->owner, r);
}

int txn_put_rrset(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		  uint32_t ttl, const struct rdata *rdata, size_t n)
{
	struct variant_spec v = { rdata, n, 0 };
	struct rrset_spec spec = {
		.owner = owner, .type = type, .ttl = ttl, .variants = &v, .nvariants = 1
	};

	return n ? txn_put(t, origin, &spec) : ERR_SYNTAX;
}

int txn_put_text(struct txn *t, const uint8_t *origin, const char *owner, uint16_t type,
		 uint32_t ttl, const char *const *rdata, size_t n)
{
	uint8_t name[DNAME_MAX];
	struct buf *bufs = mem_calloc(n + 1, sizeof(bufs[0]));
	struct rdata *list = mem_calloc(n + 1, sizeof(list[0]));
	int err = dname_from_text(owner, name);

	for (size_t i = 0; i < n && !err; i++) {
		err = rdata_from_text(type, rdata[i], NULL, &bufs[i]);
		list[i] = (struct rdata){ (const uint8_t *)bufs[i].data, (uint16_t)bufs[i].len };
	}
	if (err)
		err = ERR_SYNTAX;
	else
		err = txn_put_rrset(t, origin, name, type, ttl, list, n);
	for (size_t i = 0; i < n; i++)
		buf_fini(&bufs[i]);
	free(bufs);
	free(list);
	return err;
}

static void remove_type(struct txn *t, struct zone *z, const struct node *n, uint16_t type)
{
	const struct rrset *r = node_rrset(n, type);

	replace_node(t, z, n, node_without(n, type, t->cow.id));
	cow_retire(&t->cow, (void *)(uintptr_t)r, COW_RRSET);
	z->nrrsets--;
}

int txn_remove(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type)
{
	const struct zone *z = find_zone(t, origin);
	struct qname q;

	if (z == NULL)
		return ERR_NOT_FOUND;
	if (!dname_is_subdomain(owner, origin))
		return ERR_RANGE;
	qname_set(&q, owner);
	const struct node *n = zone_node(z, &q, 0);
	if (n == NULL || n->nrrsets == 0 || (type && node_rrset(n, type) == NULL))
		return 0;
	struct zone *mine = own_zone(t, z);
	while (n->nrrsets && (type == 0 || node_rrset(n, type))) {
		remove_type(t, mine, n, type ? type : n->rrsets[0].type);
		n = zone_node(mine, &q, 0);
		assert(n); /* it goes with prune */
	}
	prune(t, mine, &q, 0);
	return 0;
}

void txn_serial(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = find_zone(t, origin);

	if (z == NULL || z->txn == NULL)
		return; /* unchanged zones keep theirs */
	z->txn->has_serial = true;
	z->txn->serial = serial;
}

void txn_serial_least(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = find_zone(t, origin);

	if (z == NULL || z->txn == NULL)
		return;
	if (z->txn->has_least && !serial_is_newer(serial, z->txn->least))
		return;
	z->txn->has_least = true;
	z->txn->least = serial;
}

void txn_serial_same(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = find_zone(t, origin);

	if (z == NULL || z->txn == NULL)
		return;
	z->txn->has_same = true;
	z->txn->same = serial;
}

const struct zone *txn_zone(struct txn *t, const uint8_t *origin)
{
	return find_zone(t, origin);
}

const struct rrset *txn_rrset(struct txn *t, const uint8_t *origin, const uint8_t *owner,
			      uint16_t type)
{
	const struct zone *z = find_zone(t, origin);

	return z && dname_is_subdomain(owner, origin) ? zone_rrset(z, owner, type) : NULL;
}

/* --- commit -------------------------------------------------------------- */

static int check_zone(const struct zone *z, char **ret_why)
{
	static const uint16_t needed[] = { RRTYPE_SOA, RRTYPE_NS };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		char type[12];

		if (node_rrset(z->apex, needed[i]))
			continue;
		if (ret_why) {
			char *name = dname_text(z->leaf.name);

			*ret_why = mem_printf("zone %s has no %s record at its apex", name,
					      rrtype_to_text(needed[i], type));
			free(name);
		}
		return ERR_INVALID;
	}
	return 0;
}

struct comparison {
	const struct zone *other;
	bool equal;
};

static bool node_is_in(void *ctx, const struct trie_leaf *leaf)
{
	struct comparison *cmp = ctx;
	const struct node *n = (const struct node *)leaf;
	const struct node *o = (const struct node *)trie_find_name(cmp->other->nodes, leaf->hash,
								   leaf->name, leaf->name_len);

	cmp->equal =
		o && o->nrrsets == n->nrrsets && memcmp(o->owner, n->owner, leaf->name_len) == 0;
	for (unsigned i = 0; cmp->equal && i < n->nrrsets; i++) {
		const struct rrset *r = node_rrset(o, n->rrsets[i].type);

		cmp->equal = r && is_no_change(cmp->other, r, n->rrsets[i].rrset);
	}
	return cmp->equal;
}

/* NOW has BEFORE's data, but for an older serial. */
static bool zones_equal(const struct zone *before, const struct zone *now)
{
	struct comparison cmp = { before, before->nrrsets == now->nrrsets };

	return cmp.equal && trie_each(now->nodes, node_is_in, &cmp);
}

/* Take back what the transaction made of the zone. */
static void restore(struct txn *t, struct txn_zone *tz)
{
	struct zone *now = tz->now;

	zones_put(t, tz->before);
	zone_destroy(now, t->cow.id);
	tz->now = NULL;
	tz->before = NULL; /* nothing to tell */
}

/* The serial of a zone that changed, given the one in its SOA. */
static uint32_t choose_serial(const struct txn_zone *tz, uint32_t in_soa)
{
	uint32_t serial = in_soa;

	if (tz->has_serial)
		return tz->serial;
	if (tz->before && !serial_is_newer(serial, tz->before->serial))
		serial = tz->before->serial + 1;
	if (!tz->has_same && !tz->has_least)
		return serial;
	/* the data of that serial are no reason for a newer one */
	uint32_t least = tz->has_same ? tz->same : tz->least;
	return serial_is_newer(least, serial) || (in_soa == 0 && !tz->before) ? least : serial;
}

static void set_serial(struct txn *t, struct txn_zone *tz)
{
	struct zone *z = tz->now;
	const struct rrset *soa = node_rrset(z->apex, RRTYPE_SOA);

	assert(soa); /* check_zone saw it */
	uint32_t serial = choose_serial(tz, soa_serial(soa));
	if (serial != soa_serial(soa)) {
		struct rrset *r = soa_with(z, soa, soa->ttl, serial, t->cow.id);

		replace_node(t, z, z->apex, node_with(z->apex, r, t->cow.id));
		cow_retire(&t->cow, (void *)(uintptr_t)soa, COW_RRSET);
		soa = r;
	}
	uint32_t minimum = wire_get32(rrset_rrs(soa, 0) + soa->variants[0].len - 4);
	cow_retire(&t->cow, (void *)(uintptr_t)z->negative, COW_RRSET);
	z->negative = soa_with(z, soa, minimum < soa->ttl ? minimum : soa->ttl, serial, t->cow.id);
	z->serial = serial;
	z->txn = NULL;
}

/* Bring one touched zone into its final form. */
static void finish_zone(struct txn *t, struct txn_zone *tz)
{
	if (tz->afresh && tz->now && zones_equal(tz->before, tz->now)) {
		restore(t, tz);
		return;
	}
	if (tz->afresh)
		retire_zone(t, tz->before);
	if (tz->now && tz->now->is_held)
		tz->now->txn = NULL;
	else if (tz->now)
		set_serial(t, tz);
}

static bool is_to_tell(const struct txn_zone *tz)
{
	return tz->before || (tz->now && !tz->now->is_held);
}

static void tell(struct txn *t)
{
	for (struct txn_zone *tz = t->zones; tz; tz = tz->next)
		for (unsigned i = 0; i < t->db->non_commit && is_to_tell(tz); i++)
			t->db->on_commit[i](t->db->on_commit_ctx[i], tz->before, tz->now);
}

static bool has_changes(const struct txn *t)
{
	for (const struct txn_zone *tz = t->zones; tz; tz = tz->next)
		if (tz->is_hold || is_to_tell(tz))
			return true;
	return false;
}

/* Before a zone appears, others may add to it and say where its serials begin. */
static void announce(struct txn *t)
{
	for (struct txn_zone *tz = t->zones; tz; tz = tz->next)
		for (unsigned i = 0; i < t->db->non_new_zone && is_to_tell(tz) && !tz->before; i++)
			t->db->on_new_zone[i](t->db->on_new_zone_ctx[i], t, tz->now->leaf.name);
}

int txn_commit(struct txn *t, char **ret_why)
{
	uint64_t begun_ns = clock_mono_ns();
	int err = 0;

	announce(t);
	for (struct txn_zone *tz = t->zones; tz && !err; tz = tz->next)
		if (tz->now && !tz->now->is_held)
			err = check_zone(tz->now, ret_why);
	if (err) {
		metric_add(METRIC_COMMIT_ERRORS_TOTAL, 1);
		txn_abort(t);
		return err;
	}
	for (struct txn_zone *tz = t->zones; tz; tz = tz->next)
		finish_zone(t, tz);
	if (!has_changes(t)) {
		txn_abort(t);
		return 0;
	}
	struct zonedb_version *before = t->db->current;
	version_publish(t->v, &t->cow);
	metric_add(METRIC_COMMITS_TOTAL, 1);
	metric_observe(METRIC_COMMIT_DURATION, (double)(clock_mono_ns() - begun_ns) * 1e-9);
	tell(t);
	zonedb_unref(before);
	txn_free(t);
	return 0;
}

void txn_abort(struct txn *t)
{
	if (t == NULL)
		return;
	version_discard(t->v, &t->cow);
	txn_free(t);
}

/* Names and RRsets put into a transaction and taken out (zonedb/txn.h). */
#include "zonedb/txn.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "zonedb/selector.h"
#include "zonedb/txn_inside.h"

/* --- nodes --------------------------------------------------------------- */

void txn_replace_node(struct txn *t, struct zone *z, const struct node *old, struct node *new)
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
	txn_replace_node(t, z, n, copy);
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

static int store(struct txn *t, const struct zone *z, const struct qname *q, const uint8_t *owner,
		 struct rrset *r)
{
	const struct node *n = zone_node(z, q, 0);
	const struct rrset *there = n ? node_rrset(n, r->type) : NULL;

	if (txn_is_no_change(z, there, r)) {
		rrset_free(r);
		return 0;
	}
	struct zone *mine = txn_zone_own(t, z);
	int err = make_node(t, mine, q, 0, owner, &n);
	if (err) {
		rrset_free(r);
		return err;
	}
	txn_replace_node(t, mine, n, node_with(n, r, t->cow.id));
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
	const struct zone *z = txn_zone_find(t, origin);
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

	txn_replace_node(t, z, n, node_without(n, type, t->cow.id));
	cow_retire(&t->cow, (void *)(uintptr_t)r, COW_RRSET);
	z->nrrsets--;
}

int txn_remove(struct txn *t, const uint8_t *origin, const uint8_t *owner, uint16_t type)
{
	const struct zone *z = txn_zone_find(t, origin);
	struct qname q;

	if (z == NULL)
		return ERR_NOT_FOUND;
	if (!dname_is_subdomain(owner, origin))
		return ERR_RANGE;
	qname_set(&q, owner);
	const struct node *n = zone_node(z, &q, 0);
	if (n == NULL || n->nrrsets == 0 || (type && node_rrset(n, type) == NULL))
		return 0;
	struct zone *mine = txn_zone_own(t, z);
	while (n->nrrsets && (type == 0 || node_rrset(n, type))) {
		remove_type(t, mine, n, type ? type : n->rrsets[0].type);
		n = zone_node(mine, &q, 0);
		assert(n); /* it goes with prune */
	}
	prune(t, mine, &q, 0);
	return 0;
}

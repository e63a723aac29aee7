#include "zonedb/txn.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/txn_inside.h"

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

void txn_serial(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = txn_zone_find(t, origin);

	if (z == NULL || z->txn == NULL)
		return; /* unchanged zones keep theirs */
	z->txn->has_serial = true;
	z->txn->serial = serial;
}

void txn_serial_least(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = txn_zone_find(t, origin);

	if (z == NULL || z->txn == NULL)
		return;
	if (z->txn->has_least && !txn_serial_is_newer(serial, z->txn->least))
		return;
	z->txn->has_least = true;
	z->txn->least = serial;
}

void txn_serial_same(struct txn *t, const uint8_t *origin, uint32_t serial)
{
	const struct zone *z = txn_zone_find(t, origin);

	if (z == NULL || z->txn == NULL)
		return;
	z->txn->has_same = true;
	z->txn->same = serial;
}

const struct zone *txn_zone(struct txn *t, const uint8_t *origin)
{
	return txn_zone_find(t, origin);
}

const struct rrset *txn_rrset(struct txn *t, const uint8_t *origin, const uint8_t *owner,
			      uint16_t type)
{
	const struct zone *z = txn_zone_find(t, origin);

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

		cmp->equal = r && txn_is_no_change(cmp->other, r, n->rrsets[i].rrset);
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

	txn_zone_put(t, tz->before);
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
	if (tz->before && !txn_serial_is_newer(serial, tz->before->serial))
		serial = tz->before->serial + 1;
	if (!tz->has_same && !tz->has_least)
		return serial;
	/* the data of that serial are no reason for a newer one */
	uint32_t least = tz->has_same ? tz->same : tz->least;
	return txn_serial_is_newer(least, serial) || (in_soa == 0 && !tz->before) ? least : serial;
}

static void set_serial(struct txn *t, struct txn_zone *tz)
{
	struct zone *z = tz->now;
	const struct rrset *soa = node_rrset(z->apex, RRTYPE_SOA);

	assert(soa); /* check_zone saw it */
	uint32_t serial = choose_serial(tz, txn_soa_serial(soa));
	if (serial != txn_soa_serial(soa)) {
		struct rrset *r = txn_soa_with(z, soa, soa->ttl, serial, t->cow.id);

		txn_replace_node(t, z, z->apex, node_with(z->apex, r, t->cow.id));
		cow_retire(&t->cow, (void *)(uintptr_t)soa, COW_RRSET);
		soa = r;
	}
	uint32_t minimum = wire_get32(rrset_rrs(soa, 0) + soa->variants[0].len - 4);
	cow_retire(&t->cow, (void *)(uintptr_t)z->negative, COW_RRSET);
	z->negative =
		txn_soa_with(z, soa, minimum < soa->ttl ? minimum : soa->ttl, serial, t->cow.id);
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
		txn_zone_retire(t, tz->before);
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

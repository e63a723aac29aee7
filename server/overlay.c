#include "server/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/hash64.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/wire.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile_sums.h"

#define TABLE "overlay" /* origin, hash of owner and type 16 -> packed entry */

struct entry {
	uint8_t owner[DNAME_MAX];
	uint16_t type;
	uint64_t base;  /* sum of what it lies over; 0 = nothing */
	uint64_t value; /* sum of what it says */
	uint32_t ttl;
	uint16_t n;       /* records; 0 = the RRset is deleted */
	struct buf rdata; /* length 2, octets; n times */
};

struct layer {
	uint8_t origin[DNAME_MAX];
	struct map entries; /* key as hex to struct entry */
};

struct overlay {
	struct zonedb *db;
	struct state *state;
	struct map layers; /* origin as text to struct layer */
	size_t n;
	bool is_update; /* the commit at hand is ours */
};

/* --- sums ------------------------------------------------------------------------------------ */

static uint64_t record_sum(uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	uint8_t soa[2 * DNAME_MAX + 20];

	if (type == RRTYPE_SOA && len <= sizeof(soa)) { /* the serial changes with everything */
		memcpy(soa, rdata, len);
		wire_put32(soa + len - 20, 0);
		rdata = soa;
	}
	return zonefile_sums_record(type, ttl, rdata, len);
}

static uint64_t rrset_sum(const struct rrset *r)
{
	const uint8_t *rdata;
	uint64_t sum = 0;
	size_t pos = 0;
	uint16_t len;

	while (r && rrset_next(r, &pos, &rdata, &len))
		sum += record_sum(r->type, r->variants[0].ttl, rdata, len);
	return sum;
}

/* --- entries ---------------------------------------------------------------------------------- */

enum { HASH_LEN = 16 };

static void hash_of(const uint8_t *owner, uint16_t type, uint8_t *out)
{
	uint8_t lower[DNAME_MAX];
	size_t len = dname_lower(owner, lower);

	wire_put64(out, hash64(lower, len, type));
	wire_put64(out + 8, hash64(lower, len, 0x10000u + type));
}

static char *hash_text(const uint8_t *hash)
{
	return mem_printf("%016llx%016llx", (unsigned long long)wire_get64(hash),
			  (unsigned long long)wire_get64(hash + 8));
}

static void entry_free(void *p)
{
	struct entry *e = p;

	buf_fini(&e->rdata);
	free(e);
}

static void layer_free(void *p)
{
	struct layer *l = p;

	map_fini(&l->entries, entry_free);
	free(l);
}

static struct layer *layer_of(const struct overlay *o, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	struct layer *l = map_get(&o->layers, name);
	free(name);
	return l;
}

static struct layer *layer_add(struct overlay *o, const uint8_t *origin)
{
	struct layer *l = layer_of(o, origin);

	if (l)
		return l;
	l = MEM_NEW(struct layer);
	(void)dname_lower(origin, l->origin); /* its length is not needed */
	char *name = dname_text(l->origin);
	map_put(&o->layers, name, l);
	free(name);
	return l;
}

static struct entry *entry_of(const struct layer *l, const uint8_t *owner, uint16_t type)
{
	uint8_t hash[HASH_LEN];

	hash_of(owner, type, hash);
	char *key = hash_text(hash);
	struct entry *e = l ? map_get(&l->entries, key) : NULL;
	free(key);
	return e;
}

static size_t state_key(const struct layer *l, const uint8_t *hash, uint8_t *out)
{
	size_t len = dname_len(l->origin);

	memcpy(out, l->origin, len);
	memcpy(out + len, hash, HASH_LEN);
	return len + HASH_LEN;
}

static void drop(struct overlay *o, struct layer *l, struct entry *e)
{
	uint8_t hash[HASH_LEN], key[DNAME_MAX + HASH_LEN];

	hash_of(e->owner, e->type, hash);
	state_delete(o->state, TABLE, key, state_key(l, hash, key));
	char *text = hash_text(hash);
	map_remove(&l->entries, text);
	free(text);
	entry_free(e);
	o->n--;
}

static void save(struct overlay *o, const struct layer *l, const struct entry *e)
{
	uint8_t hash[HASH_LEN], key[DNAME_MAX + HASH_LEN], sums[16];
	struct buf b = { 0 };

	hash_of(e->owner, e->type, hash);
	buf_add(&b, e->owner, dname_len(e->owner));
	buf_u16(&b, e->type);
	wire_put64(sums, e->base);
	wire_put64(sums + 8, e->value);
	buf_add(&b, sums, sizeof(sums));
	buf_u32(&b, e->ttl);
	buf_u16(&b, e->n);
	buf_add(&b, e->rdata.data, e->rdata.len);
	state_put(o->state, TABLE, key, state_key(l, hash, key), b.data, b.len);
	buf_fini(&b);
}

/* Our own file, but a damaged one must not crash us.  NULL then. */
static struct entry *entry_parse(const uint8_t *v, size_t len)
{
	size_t pos = 0, at;

	if (dname_parse(v, len, &pos) || len - pos < 24)
		return NULL;
	struct entry *e = MEM_NEW(struct entry);
	memcpy(e->owner, v, pos);
	e->type = wire_get16(v + pos);
	e->base = wire_get64(v + pos + 2);
	e->value = wire_get64(v + pos + 10);
	e->ttl = wire_get32(v + pos + 18);
	e->n = wire_get16(v + pos + 22);
	pos += 24;
	at = pos;
	for (unsigned i = 0; i < e->n; i++) {
		if (len - at < 2 || len - at - 2 < wire_get16(v + at)) {
			free(e);
			return NULL;
		}
		at += 2u + wire_get16(v + at);
	}
	buf_add(&e->rdata, v + pos, at - pos);
	return e;
}

static bool load_one(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
	struct overlay *o = ctx;
	size_t origin_len;

	if (dname_parse(key, key_len, &origin_len) || key_len - origin_len != HASH_LEN)
		return true;
	struct entry *e = entry_parse(value, len);
	if (e == NULL)
		return true;
	struct layer *l = layer_add(o, key);
	char *text = hash_text((const uint8_t *)key + origin_len);
	map_put(&l->entries, text, e);
	free(text);
	o->n++;
	return true;
}

/* --- putting it over a zone that comes ---------------------------------------------------------
 */

static int apply(struct txn *t, const struct layer *l, const struct entry *e)
{
	struct rdata *list;
	size_t pos = 0;

	if (e->n == 0)
		return txn_remove(t, l->origin, e->owner, e->type);
	list = mem_calloc(e->n, sizeof(*list));
	for (unsigned i = 0; i < e->n; i++) {
		const uint8_t *p = (const uint8_t *)e->rdata.data + pos;

		list[i] = (struct rdata){ p + 2, wire_get16(p) };
		pos += 2u + list[i].len;
	}
	int err = txn_put_rrset(t, l->origin, e->owner, e->type, e->ttl, list, e->n);
	free(list);
	return err;
}

/* Deletions first: an addition may need their place (CNAME). */
static void apply_all(struct overlay *o, struct layer *l, struct txn *t, bool deletions)
{
	struct map_item *next;

	for (struct map_item *i = map_first(&l->entries); i; i = next) {
		struct entry *e = i->value;

		next = map_next(&l->entries, i);
		if ((e->n == 0) != deletions)
			continue;
		uint64_t there = rrset_sum(txn_rrset(t, l->origin, e->owner, e->type));
		if (there == e->value)
			continue;
		if (there != e->base || apply(t, l, e)) {
			char name[DNAME_TEXT_MAX], type[12];

			log_info("%s %s: a dynamic update is dropped, the zone has other data now",
				 dname_to_text(e->owner, name), rrtype_to_text(e->type, type));
			drop(o, l, e);
		}
	}
}

static void on_new_zone(void *ctx, struct txn *t, const uint8_t *origin)
{
	struct overlay *o = ctx;
	struct layer *l = layer_of(o, origin);

	if (l == NULL)
		return;
	apply_all(o, l, t, true);
	apply_all(o, l, t, false);
}

/* Others' changes: what they changed is theirs. */
static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	struct overlay *o = ctx;
	struct layer *l = after ? layer_of(o, zone_origin(after)) : NULL;
	struct map_item *next;

	if (o->is_update || l == NULL || before == NULL)
		return;
	for (struct map_item *i = map_first(&l->entries); i; i = next) {
		struct entry *e = i->value;
		const struct rrset *now = zone_rrset(after, e->owner, e->type);

		next = map_next(&l->entries, i);
		if (now != zone_rrset(before, e->owner, e->type) && rrset_sum(now) != e->value)
			drop(o, l, e);
	}
}

/* --- the door -----------------------------------------------------------------------------------
 */

struct overlay *overlay_new(struct zonedb *db, struct state *state)
{
	struct overlay *o = MEM_NEW(struct overlay);

	o->db = db;
	o->state = state;
	state_each(state, TABLE, NULL, 0, load_one, o);
	zonedb_on_new_zone(db, on_new_zone, o);
	zonedb_on_commit(db, on_commit, o);
	return o;
}

void overlay_free(struct overlay *o)
{
	if (o == NULL)
		return;
	map_fini(&o->layers, layer_free);
	free(o);
}

void overlay_begin(struct overlay *o)
{
	o->is_update = true;
}

void overlay_end(struct overlay *o)
{
	o->is_update = false;
}

void overlay_set(struct overlay *o, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		 const struct rrset *before, const struct rrset *after)
{
	struct layer *l = layer_add(o, origin);
	struct entry *e = entry_of(l, owner, type);
	const uint8_t *rdata;
	uint8_t hash[HASH_LEN];
	size_t pos = 0;
	uint16_t len;

	if (e == NULL) {
		e = MEM_NEW(struct entry);
		memcpy(e->owner, owner, dname_len(owner));
		e->type = type;
		e->base = rrset_sum(before);
		hash_of(owner, type, hash);
		char *text = hash_text(hash);
		map_put(&l->entries, text, e);
		free(text);
		o->n++;
	}
	e->value = rrset_sum(after);
	e->ttl = after ? after->variants[0].ttl : 0;
	e->n = 0;
	buf_reset(&e->rdata);
	while (after && rrset_next(after, &pos, &rdata, &len)) {
		buf_u16(&e->rdata, len);
		buf_add(&e->rdata, rdata, len);
		e->n++;
	}
	if (e->value == e->base)
		drop(o, l, e); /* back to what the zone says by itself */
	else
		save(o, l, e);
}

bool overlay_has(const struct overlay *o, const uint8_t *origin, const uint8_t *owner,
		 uint16_t type)
{
	return entry_of(layer_of(o, origin), owner, type) != NULL;
}

size_t overlay_count(const struct overlay *o)
{
	return o->n;
}

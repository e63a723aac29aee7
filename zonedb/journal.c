#include "zonedb/journal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/hash64.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/wire.h"
#include "zonedb/diff.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define MAX_BYTES   ((size_t)64 << 20)
#define TABLE_DIFFS "journal" /* origin, sequence 8 -> struct journal_diff, packed */
#define TABLE_ZONES "zones"   /* origin -> serial 4, content 8 */

/* A step in a zone's list, and in the list of all by age. */
struct step {
	struct step *next; /* of the zone, newer */
	struct step *newer, *older;
	struct history *h;
	uint64_t seq;
	struct journal_diff *diff;
};

struct history {
	uint8_t origin[DNAME_MAX];
	size_t origin_len;
	struct step *first, *last;
	uint32_t serial;  /* that LAST leads to */
	uint64_t content; /* sum over the records but the SOA's serial; with a state only */
};

struct journal {
	struct zonedb *db;
	struct state *state;
	struct map zones; /* origin as text to struct history */
	struct step *oldest, *newest;
	size_t bytes, max_bytes;
	uint64_t seq;
};

/* --- steps --------------------------------------------------------------------------- */

void journal_diff_unref(struct journal_diff *d)
{
	if (d && --d->refs == 0)
		free(d);
}

static size_t key_of(const struct history *h, uint64_t seq, uint8_t *out)
{
	memcpy(out, h->origin, h->origin_len);
	wire_put64(out + h->origin_len, seq);
	return h->origin_len + 8;
}

/* The zone's oldest step goes. */
static void drop_first(struct journal *j, struct history *h)
{
	struct step *s = h->first;
	uint8_t key[DNAME_MAX + 8];

	h->first = s->next;
	if (h->first == NULL)
		h->last = NULL;
	*(s->older ? &s->older->newer : &j->oldest) = s->newer;
	*(s->newer ? &s->newer->older : &j->newest) = s->older;
	j->bytes -= s->diff->len;
	state_delete(j->state, TABLE_DIFFS, key, key_of(h, s->seq, key));
	journal_diff_unref(s->diff);
	free(s);
}

static void drop_all(struct journal *j, struct history *h)
{
	while (h->first)
		drop_first(j, h);
}

/* Takes DIFF. */
static void append(struct journal *j, struct history *h, struct journal_diff *diff, uint64_t seq)
{
	struct step *s = MEM_NEW(struct step);

	s->h = h;
	s->seq = seq;
	s->diff = diff;
	*(h->last ? &h->last->next : &h->first) = s;
	h->last = s;
	s->older = j->newest;
	*(j->newest ? &j->newest->newer : &j->oldest) = s;
	j->newest = s;
	j->bytes += diff->len;
	/* the oldest of all is the oldest of its zone */
	while (j->bytes > j->max_bytes && j->oldest)
		drop_first(j, j->oldest->h);
}

/* --- making a difference ---------------------------------------------------------------- */

struct making {
	struct buf deleted, added; /* without the SOAs */
	unsigned ndeleted, nadded;
	uint64_t content; /* how much it changes */
	/* the RRset at hand */
	const uint8_t *owner;
	const struct rrset *rrset;
	struct buf *out;
};

static void put_record(struct buf *out, const uint8_t *owner, uint16_t type, uint32_t ttl,
		       const uint8_t *rdata, uint16_t len)
{
	buf_add(out, owner, dname_len(owner));
	buf_u16(out, type);
	buf_u32(out, ttl);
	buf_u16(out, len);
	buf_add(out, rdata, len);
}

static uint64_t record_content(const uint8_t *owner, uint16_t type, uint32_t ttl,
			       const uint8_t *rdata, uint16_t len)
{
	uint8_t lower[DNAME_MAX];
	uint64_t h = hash64(lower, dname_lower(owner, lower), (uint64_t)type << 32 | ttl);

	if (type == RRTYPE_SOA) { /* all but the serial */
		h = hash64(rdata, len - 20u, h);
		return hash64(rdata + len - 16, 16, h);
	}
	return hash64(rdata, len, h);
}

static void on_record(void *ctx, const uint8_t *rdata, uint16_t len)
{
	struct making *m = ctx;
	uint32_t ttl = m->rrset->variants[0].ttl;
	uint64_t content = record_content(m->owner, m->rrset->type, ttl, rdata, len);
	bool is_added = m->out == &m->added;

	m->content += is_added ? content : -content;
	if (m->rrset->type == RRTYPE_SOA)
		return; /* they stand at the begin of each list */
	put_record(m->out, m->owner, m->rrset->type, ttl, rdata, len);
	if (is_added)
		m->nadded++;
	else
		m->ndeleted++;
}

static void on_rrset(void *ctx, const uint8_t *owner, const struct rrset *old,
		     const struct rrset *new)
{
	struct making *m = ctx;

	m->owner = owner;
	m->rrset = old;
	m->out = &m->deleted;
	diff_records(old, new, on_record, m);
	m->rrset = new;
	m->out = &m->added;
	diff_records(new, old, on_record, m);
}

static void put_soa(struct buf *out, const struct zone *z)
{
	const struct rrset *soa = zone_rrset(z, zone_origin(z), RRTYPE_SOA);
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	if (soa && rrset_next(soa, &pos, &rdata, &len)) /* a published zone has one */
		put_record(out, zone_origin(z), RRTYPE_SOA, soa->variants[0].ttl, rdata, len);
}

static struct journal_diff *diff_make(const struct zone *before, const struct zone *after,
				      struct making *m)
{
	struct buf b = { 0 };

	put_soa(&b, before);
	buf_add(&b, m->deleted.data, m->deleted.len);
	size_t deleted_len = b.len;
	put_soa(&b, after);
	buf_add(&b, m->added.data, m->added.len);
	struct journal_diff *d = mem_zalloc(sizeof(*d) + b.len);
	d->from = zone_serial(before);
	d->to = zone_serial(after);
	d->refs = 1;
	d->deleted = m->ndeleted + 1;
	d->added = m->nadded + 1;
	d->deleted_len = deleted_len;
	d->len = b.len;
	memcpy(d->bytes, b.data, b.len);
	buf_fini(&b);
	return d;
}

void journal_next(const uint8_t *bytes, size_t *pos, struct journal_record *ret)
{
	const uint8_t *p = bytes + *pos;
	size_t n = dname_len(p);

	ret->owner = p;
	ret->type = wire_get16(p + n);
	ret->ttl = wire_get32(p + n + 2);
	ret->rdlen = wire_get16(p + n + 6);
	ret->rdata = p + n + 8;
	*pos += n + 8 + ret->rdlen;
}

/* --- state ------------------------------------------------------------------------------- */

static void save_step(struct journal *j, const struct history *h, const struct step *s)
{
	const struct journal_diff *d = s->diff;
	uint8_t key[DNAME_MAX + 8];
	struct buf b = { 0 };

	if (j->state == NULL)
		return;
	buf_u32(&b, d->from);
	buf_u32(&b, d->to);
	buf_u32(&b, d->deleted);
	buf_u32(&b, d->added);
	buf_u32(&b, (uint32_t)d->deleted_len);
	buf_add(&b, d->bytes, d->len);
	state_put(j->state, TABLE_DIFFS, key, key_of(h, s->seq, key), b.data, b.len);
	buf_fini(&b);
}

static void save_zone(struct journal *j, const struct history *h)
{
	uint8_t value[12];

	wire_put32(value, h->serial);
	wire_put64(value + 4, h->content);
	state_put(j->state, TABLE_ZONES, h->origin, h->origin_len, value, sizeof(value));
}

enum { PACKED_HEAD = 20 };

struct loading {
	struct journal *j;
	struct history *h;
	size_t origin_len;
};

static bool load_step(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
	struct loading *l = ctx;
	const uint8_t *v = value;
	uint64_t seq;

	if (key_len != l->origin_len + 8 || len < PACKED_HEAD)
		return true; /* not ours */
	seq = wire_get64((const uint8_t *)key + l->origin_len);
	struct journal_diff *d = mem_zalloc(sizeof(*d) + len - PACKED_HEAD);
	d->from = wire_get32(v);
	d->to = wire_get32(v + 4);
	d->deleted = wire_get32(v + 8);
	d->added = wire_get32(v + 12);
	d->deleted_len = wire_get32(v + 16);
	d->refs = 1;
	d->len = len - PACKED_HEAD;
	memcpy(d->bytes, v + PACKED_HEAD, d->len);
	if (l->j->seq <= seq)
		l->j->seq = seq + 1;
	append(l->j, l->h, d, seq);
	return true;
}

/* The steps of H as they were written, if they lead to its serial. */
static void load_steps(struct journal *j, struct history *h)
{
	struct loading l = { j, h, h->origin_len };

	state_each(j->state, TABLE_DIFFS, h->origin, h->origin_len, load_step, &l);
	for (struct step *s = h->first; s; s = s->next) {
		uint32_t want = s->next ? s->next->diff->from : h->serial;

		if (s->diff->to != want) {
			drop_all(j, h);
			return;
		}
	}
}

/* --- commits ------------------------------------------------------------------------------ */

static struct history *find(struct journal *j, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	struct history *h = map_get(&j->zones, name);
	free(name);
	return h;
}

static struct history *add(struct journal *j, const uint8_t *origin)
{
	struct history *h = find(j, origin);

	if (h)
		return h;
	h = MEM_NEW(struct history);
	h->origin_len = dname_lower(origin, h->origin);
	char *name = dname_text(h->origin);
	map_put(&j->zones, name, h);
	free(name);
	return h;
}

struct summing {
	uint64_t sum;
};

static bool sum_rrset(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	struct summing *s = ctx;
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	while (rrset_next(r, &pos, &rdata, &len))
		s->sum += record_content(owner, r->type, r->variants[0].ttl, rdata, len);
	return true;
}

/*
 * A zone is about to appear: with the content it had when it was last here it gets
 * the serial it had; with another a newer one.
 */
static void on_new_zone(void *ctx, struct txn *t, const uint8_t *origin)
{
	struct journal *j = ctx;
	const struct zone *z = txn_zone(t, origin);
	struct summing s = { 0 };
	struct buf b = { 0 };

	if (j->state == NULL) {
		struct history *was = find(j, origin);

		if (was) /* it comes back; whether the same is not known */
			txn_serial_least(t, origin, was->serial + 1);
		return;
	}
	struct history *h = add(j, origin);
	drop_all(j, h);
	zone_each_unordered(z, sum_rrset, &s);
	h->content = s.sum;
	if (state_get(j->state, TABLE_ZONES, h->origin, h->origin_len, &b) == 0 && b.len == 12) {
		uint32_t serial = wire_get32(b.data);
		bool same = wire_get64(b.data + 4) == s.sum;

		h->serial = serial;
		load_steps(j, h);
		if (same)
			txn_serial_same(t, origin, serial);
		else
			txn_serial_least(t, origin, serial + 1);
	}
	buf_fini(&b);
}

static void on_new(struct journal *j, const struct zone *after)
{
	struct history *h = add(j, zone_origin(after));

	/* what was loaded leads to the serial it has now, or is of no use */
	if (h->last && h->last->diff->to != zone_serial(after))
		drop_all(j, h);
	h->serial = zone_serial(after);
	save_zone(j, h);
}

static void on_change(struct journal *j, const struct zone *before, const struct zone *after)
{
	struct history *h = add(j, zone_origin(after));
	struct making m = { 0 };

	diff_zones(before, after, on_rrset, &m);
	h->content += m.content;
	h->serial = zone_serial(after);
	if ((int32_t)(zone_serial(after) - zone_serial(before)) > 0) {
		append(j, h, diff_make(before, after, &m), j->seq++);
		if (h->last)
			save_step(j, h, h->last);
	} else {
		drop_all(j, h); /* backwards: no way there by differences */
	}
	save_zone(j, h);
	buf_fini(&m.deleted);
	buf_fini(&m.added);
}

static void history_free(void *p)
{
	free(p);
}

static void on_drop(struct journal *j, const struct zone *before)
{
	struct history *h = find(j, zone_origin(before));

	if (h)
		drop_all(j, h); /* its serial is remembered: it may come back */
}

static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	struct journal *j = ctx;

	if (before == NULL)
		on_new(j, after);
	else if (after == NULL)
		on_drop(j, before);
	else
		on_change(j, before, after);
}

struct journal *journal_new(struct zonedb *db, struct state *state, size_t max_bytes)
{
	struct journal *j = MEM_NEW(struct journal);

	j->db = db;
	j->state = state;
	j->max_bytes = max_bytes ? max_bytes : MAX_BYTES;
	zonedb_on_new_zone(db, on_new_zone, j);
	zonedb_on_commit(db, on_commit, j);
	return j;
}

void journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	j->state = NULL; /* what is on the disk stays */
	while (j->oldest)
		drop_first(j, j->oldest->h);
	map_fini(&j->zones, history_free);
	free(j);
}

int journal_steps(struct journal *j, const uint8_t *origin, uint32_t from, uint32_t to,
		  struct journal_diff ***ret, size_t *ret_n)
{
	struct history *h = find(j, origin);
	struct step *s = h ? h->first : NULL;
	size_t n = 0;

	while (s && s->diff->from != from)
		s = s->next;
	if (s == NULL)
		return ERR_NOT_FOUND;
	struct step *begin = s;
	for (; s; s = s->next) {
		n++;
		if (s->diff->to == to)
			break;
	}
	if (s == NULL)
		return ERR_NOT_FOUND;
	struct journal_diff **list = mem_calloc(n, sizeof(*list));
	for (size_t i = 0; i < n; i++, begin = begin->next) {
		list[i] = begin->diff;
		list[i]->refs++;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

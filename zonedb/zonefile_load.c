/* Master files into the database and out of it (zonedb/zonefile.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"
#include "zonedb/zonefile_sums.h"

/*
 * Records of one (owner, type) that follow one another are gathered and put as
 * one RRset.  When more of it comes later in the file, they join what is there.
 */
struct loader {
	struct txn *t;
	uint8_t zone[DNAME_MAX];
	uint8_t owner[DNAME_MAX];
	size_t owner_len;
	uint16_t type;
	uint32_t ttl;
	struct buf bytes; /* RDATA, one behind the other */
	uint16_t *lens;
	size_t n, cap;
	struct rdata *list; /* what is put */
	size_t list_cap;
	size_t records;
	unsigned line; /* where the gathered ones began */
	/* What the file said before and says now (zonefile_update). */
	const struct zonefile_sums *old, *now;
	struct zonefile_sums *sums; /* of this pass */
	uint64_t key;               /* of the gathered ones */
};

static void add(struct loader *l, const uint8_t *rdata, uint16_t len)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->lens = mem_array(l->lens, l->cap, sizeof(uint16_t));
	}
	l->lens[l->n++] = len;
	buf_add(&l->bytes, rdata, len);
}

static void list_add(struct loader *l, size_t *n, const uint8_t *rdata, uint16_t len)
{
	if (*n == l->list_cap) {
		l->list_cap = l->list_cap ? l->list_cap * 2 : 16;
		l->list = mem_array(l->list, l->list_cap, sizeof(struct rdata));
	}
	l->list[(*n)++] = (struct rdata){ rdata, len };
}

/* The gathered records, behind what the transaction has of this RRset already. */
static size_t list_all(struct loader *l)
{
	const struct rrset *there = NULL;
	const uint8_t *rdata;
	size_t pos = 0, n = 0;
	uint16_t len;
	bool *seen = &l->sums->seen[zonefile_sums_find(l->sums, l->key)];

	if (*seen)
		there = txn_rrset(l->t, l->zone, l->owner, l->type);
	*seen = true;
	if (there) {
		l->ttl = there->ttl; /* the first one counts */
		while (rrset_next(there, &pos, &rdata, &len))
			list_add(l, &n, rdata, len);
	}
	rdata = (const uint8_t *)buf_str(&l->bytes);
	for (size_t i = 0; i < l->n; rdata += l->lens[i], i++)
		list_add(l, &n, rdata, l->lens[i]);
	return n;
}

/* The file says of this RRset what it said before. */
static bool is_unchanged(const struct loader *l)
{
	return l->old && zonefile_sums_find(l->old, l->key) >= 0 &&
	       zonefile_sums_get(l->old, l->key) == zonefile_sums_get(l->now, l->key);
}

static int flush(struct loader *l)
{
	if (l->n == 0 || is_unchanged(l)) {
		l->n = 0;
		buf_reset(&l->bytes);
		return 0;
	}
	size_t n = list_all(l);
	int err = txn_put_rrset(l->t, l->zone, l->owner, l->type, l->ttl, l->list, n);
	l->n = 0;
	buf_reset(&l->bytes);
	return err;
}

static const char *put_error(int err, uint16_t type)
{
	if (err == ERR_CONFLICT && type == RRTYPE_SOA)
		return "a second SOA, or one below the apex";
	if (err == ERR_CONFLICT)
		return "conflicts with other data of the name (CNAME or DNAME)";
	if (err == ERR_TOO_LONG)
		return "the RRset is too large for a message";
	return error_text(err);
}

/* Say why, naming the place where the RRset began. */
static char *explain(const struct loader *l, int err)
{
	char name[DNAME_TEXT_MAX], type[16];

	return mem_printf("%s %s (line %u): %s", dname_to_text(l->owner, name),
			  rrtype_to_text(l->type, type), l->line, put_error(err, l->type));
}

static int on_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct loader *l = ctx;
	size_t owner_len = dname_len(r->owner);

	l->records++;
	if (l->n == 0 || r->type != l->type || owner_len != l->owner_len ||
	    memcmp(r->owner, l->owner, owner_len) != 0) {
		int err = flush(l);

		if (err) {
			*ret_why = explain(l, err);
			return err;
		}
		memcpy(l->owner, r->owner, owner_len);
		l->owner_len = owner_len;
		l->type = r->type;
		l->ttl = r->ttl;
		l->line = r->line;
		l->key = zonefile_sums_key(r->owner, r->type);
	}
	zonefile_sums_add(l->sums, l->key,
			  zonefile_sums_record(r->type, r->ttl, r->rdata, r->rdlen));
	add(l, r->rdata, r->rdlen);
	return 0;
}

static struct loader *loader_new(struct txn *t, const uint8_t *origin)
{
	struct loader *l = MEM_NEW(struct loader);

	l->t = t;
	l->sums = zonefile_sums_new();
	memcpy(l->zone, origin, dname_len(origin));
	return l;
}

static void loader_free(struct loader *l)
{
	zonefile_sums_free(l->sums);
	buf_fini(&l->bytes);
	free(l->lens);
	free(l->list);
	free(l);
}

/* Read the whole file into the transaction. */
static int load(struct loader *l, const char *path, struct strv *includes, char **ret_why)
{
	int err = zonefile_parse(path, l->zone, on_record, l, includes, ret_why);

	if (err)
		return err;
	err = flush(l);
	if (err) {
		char *why = explain(l, err);

		*ret_why = mem_printf("%s: %s", path, why);
		free(why);
	}
	return err;
}

int zonefile_load(struct txn *t, const char *path, const uint8_t *origin, struct strv *includes,
		  size_t *ret_records, char **ret_why)
{
	struct loader *l = loader_new(t, origin);
	int err = txn_zone_add(t, origin);

	if (err == 0)
		err = txn_zone_clear(t, origin);
	if (err)
		*ret_why = mem_strdup(error_text(err));
	else
		err = load(l, path, includes, ret_why);
	if (err == 0 && ret_records)
		*ret_records = l->records;
	loader_free(l);
	return err;
}

/* --- reload ------------------------------------------------------------------------------ */

static int sum_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	(void)ret_why;
	zonefile_sums_add(ctx, zonefile_sums_key(r->owner, r->type),
			  zonefile_sums_record(r->type, r->ttl, r->rdata, r->rdlen));
	return 0;
}

struct removal {
	struct txn *t;
	const uint8_t *zone;
	const struct zonefile_sums *old, *now;
};

/* What the file had and has no more goes, whatever became of it since. */
static bool remove_if_gone(void *ctx, const uint8_t *owner, const struct rrset *rrset)
{
	const struct removal *m = ctx;
	uint64_t key = zonefile_sums_key(owner, rrset->type);

	if (zonefile_sums_find(m->old, key) >= 0 && zonefile_sums_find(m->now, key) < 0)
		(void)txn_remove(m->t, m->zone, owner, rrset->type); /* the zone is there */
	return true;
}

int zonefile_update(struct txn *t, const struct zone *live, const char *path, const uint8_t *origin,
		    const struct zonefile_sums *old, struct zonefile_sums **ret_sums,
		    struct strv *includes, size_t *ret_records, char **ret_why)
{
	struct loader *l = loader_new(t, origin);
	struct zonefile_sums *now = NULL;
	int err = 0;

	if (old && live) {
		now = zonefile_sums_new();
		err = zonefile_parse(path, origin, sum_record, now, NULL, ret_why);
		if (err)
			goto out;
		struct removal m = { t, origin, old, now };
		zone_each_unordered(live, remove_if_gone, &m);
		l->old = old;
		l->now = now;
	}
	err = txn_zone_add(t, origin);
	if (err)
		*ret_why = mem_strdup(error_text(err));
	else
		err = load(l, path, includes, ret_why);
	if (err == 0 && now && now->total != l->sums->total) {
		*ret_why = mem_printf("%s: changed while it was read", path);
		err = ERR_AGAIN;
	}
	if (err)
		goto out;
	if (ret_records)
		*ret_records = l->records;
	*ret_sums = l->sums;
	l->sums = NULL;
out:
	zonefile_sums_free(now);
	loader_free(l);
	return err;
}

/* --- check ------------------------------------------------------------------------------- */

static int first_owner(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	if (r->type != RRTYPE_SOA) {
		*ret_why = mem_strdup("the first record is no SOA: name the zone");
		return ERR_SYNTAX;
	}
	memcpy(ctx, r->owner, dname_len(r->owner));
	return ERR_CANCELLED; /* enough */
}

/* The zone is the owner of the SOA, which must come first. */
static int find_origin(const char *path, uint8_t *origin, char **ret_why)
{
	static const uint8_t root[1] = { 0 };
	char *why = NULL;
	int err = zonefile_parse(path, root, first_owner, origin, NULL, &why);

	if (err == ERR_CANCELLED) {
		free(why);
		return 0;
	}
	*ret_why = why ? why : mem_printf("%s: no records", path);
	return err ? err : ERR_SYNTAX;
}

int zonefile_check(const char *path, const uint8_t *origin, char **ret_summary, char **ret_why)
{
	uint8_t zone[DNAME_MAX];
	char name[DNAME_TEXT_MAX], *why = NULL;
	size_t records = 0;

	if (origin == NULL) {
		int err = find_origin(path, zone, ret_why);
		if (err)
			return err;
		origin = zone;
	}
	struct zonedb *db = zonedb_new();
	struct txn *t = txn_begin(db);
	int err = zonefile_load(t, path, origin, NULL, &records, ret_why);
	if (err) {
		txn_abort(t);
	} else {
		err = txn_commit(t, &why);
		if (err)
			*ret_why = mem_printf("%s: %s", path, why ? why : error_text(err));
		free(why);
	}
	if (err == 0)
		*ret_summary = mem_printf("zone %s: %zu records, serial %" PRIu32,
					  dname_to_text(origin, name), records,
					  zone_serial(zonedb_zone(zonedb_current(db), origin)));
	zonedb_free(db);
	return err;
}

/* --- print ------------------------------------------------------------------------------- */

static bool print_rrset(void *ctx, const uint8_t *owner, const struct rrset *rrset)
{
	struct buf *out = ctx;
	char name[DNAME_TEXT_MAX], type[16];
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	(void)dname_to_text(owner, name); /* it is NAME */
	while (rrset_next(rrset, &pos, &rdata, &len)) {
		buf_printf(out, "%s\t%" PRIu32 "\tIN\t%s\t", name, rrset->variants[0].ttl,
			   rrtype_to_text(rrset->type, type));
		if (rdata_to_text(rrset->type, rdata, len, out))
			rdata_to_generic(rdata, len, out);
		buf_putc(out, '\n');
	}
	return true;
}

void zonefile_print(const struct zone *z, struct buf *out)
{
	zone_each(z, print_rrset, out);
}

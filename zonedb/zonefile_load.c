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
#include "zonedb/gather.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"
#include "zonedb/zonefile_sums.h"

const char *zonefile_put_error(int err, uint16_t type)
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
static char *explain(const struct gather *g, int err)
{
	char name[DNAME_TEXT_MAX], type[16];

	return mem_printf("%s %s (line %u): %s", dname_to_text(g->owner, name),
			  rrtype_to_text(g->type, type), g->tag, zonefile_put_error(err, g->type));
}

static int on_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct gather *g = ctx;
	int err = gather_add(g, r->owner, r->type, r->ttl, r->rdata, r->rdlen, r->line);

	if (err)
		*ret_why = explain(g, err);
	return err;
}

/* Read the whole file into the transaction. */
static int load(struct gather *g, const char *path, struct strv *includes, char **ret_why)
{
	int err = zonefile_parse(path, g->zone, on_record, g, includes, ret_why);

	if (err)
		return err;
	err = gather_flush(g);
	if (err) {
		char *why = explain(g, err);

		*ret_why = mem_printf("%s: %s", path, why);
		free(why);
	}
	return err;
}

int zonefile_load(struct txn *t, const char *path, const uint8_t *origin, struct strv *includes,
		  size_t *ret_records, char **ret_why)
{
	struct gather g;
	int err = txn_zone_add(t, origin);

	gather_init(&g, t, origin);
	if (err == 0)
		err = txn_zone_clear(t, origin);
	if (err)
		*ret_why = mem_strdup(error_text(err));
	else
		err = load(&g, path, includes, ret_why);
	if (err == 0 && ret_records)
		*ret_records = g.records;
	gather_fini(&g);
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
	struct zonefile_sums *now = NULL;
	struct gather g;
	int err = 0;

	gather_init(&g, t, origin);
	if (old && live) {
		now = zonefile_sums_new();
		err = zonefile_parse(path, origin, sum_record, now, NULL, ret_why);
		if (err)
			goto out;
		struct removal m = { t, origin, old, now };
		zone_each_unordered(live, remove_if_gone, &m);
		g.old = old;
		g.now = now;
	}
	err = txn_zone_add(t, origin);
	if (err)
		*ret_why = mem_strdup(error_text(err));
	else
		err = load(&g, path, includes, ret_why);
	if (err == 0 && now && now->total != g.sums->total) {
		*ret_why = mem_printf("%s: changed while it was read", path);
		err = ERR_AGAIN;
	}
	if (err)
		goto out;
	if (ret_records)
		*ret_records = g.records;
	*ret_sums = g.sums;
	g.sums = NULL;
out:
	zonefile_sums_free(now);
	gather_fini(&g);
	return err;
}

/* --- check ------------------------------------------------------------------------------- */

static int first_owner(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	if (r->type != RRTYPE_SOA) {
		*ret_why = mem_strdup("the first record is no SOA: name the zone");
		return ERR_SYNTAX;
	}
	if (*r->owner == 0) { /* "@" without an $ORIGIN; the root itself can be named */
		*ret_why = mem_strdup("the SOA has no absolute name: name the zone, ORIGIN=FILE");
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

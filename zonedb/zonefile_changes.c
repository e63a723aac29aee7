#include "zonedb/zonefile_changes.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/strv.h"
#include "zonedb/gather.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"
#include "zonedb/zonefile_sums.h"

/* One record of an RRset that is new or changed; the owner and the RDATA follow it. */
struct change {
	uint32_t ttl;
	uint32_t line;
	uint32_t file; /* in names */
	uint16_t type; /* of a name that goes: all else is 0 */
	uint16_t rdlen;
	uint16_t owner_len;
};

struct zonefile_changes {
	const struct zonefile_sums *old; /* borrowed while reading */
	struct zonefile_sums *now;
	struct buf put, gone; /* struct change, unaligned, one behind the other */
	struct strv names;    /* of files, for messages */
	size_t records;
	uint64_t total; /* of the second reading */
};

static void change_add(struct buf *to, const struct change *c, const uint8_t *owner,
		       const uint8_t *rdata)
{
	buf_add(to, c, sizeof(*c));
	buf_add(to, owner, c->owner_len);
	buf_add(to, rdata, c->rdlen);
}

/* The change at *pos, which moves behind it; false at the end. */
static bool change_next(const struct buf *from, size_t *pos, struct change *c,
			const uint8_t **ret_owner, const uint8_t **ret_rdata)
{
	if (*pos >= from->len)
		return false;
	memcpy(c, from->data + *pos, sizeof(*c));
	*ret_owner = (const uint8_t *)from->data + *pos + sizeof(*c);
	*ret_rdata = *ret_owner + c->owner_len;
	*pos += sizeof(*c) + c->owner_len + c->rdlen;
	return true;
}

static int sum_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct zonefile_changes *c = ctx;

	(void)ret_why;
	c->records++;
	zonefile_sums_add(c->now, zonefile_sums_key(r->owner, r->type),
			  zonefile_sums_record(r->type, r->ttl, r->rdata, r->rdlen));
	return 0;
}

static bool is_changed(const struct zonefile_changes *c, uint64_t key)
{
	return zonefile_sums_find(c->old, key) < 0 ||
	       zonefile_sums_get(c->old, key) != zonefile_sums_get(c->now, key);
}

static uint32_t file_index(struct zonefile_changes *c, const char *name)
{
	/* nearly always the one of the record before */
	if (c->names.n == 0 || strcmp(c->names.s[c->names.n - 1], name) != 0)
		strv_add(&c->names, name);
	return (uint32_t)(c->names.n - 1);
}

static int keep_if_changed(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct zonefile_changes *c = ctx;
	uint64_t key = zonefile_sums_key(r->owner, r->type);

	(void)ret_why;
	c->total += zonefile_sums_weight(key,
					 zonefile_sums_record(r->type, r->ttl, r->rdata, r->rdlen));
	if (!is_changed(c, key))
		return 0;
	struct change change = { .ttl = r->ttl,
				 .line = r->line,
				 .file = file_index(c, r->file),
				 .type = r->type,
				 .rdlen = r->rdlen,
				 .owner_len = (uint16_t)dname_len(r->owner) };
	change_add(&c->put, &change, r->owner, r->rdata);
	return 0;
}

/* What the file had and has no more. */
static bool note_if_gone(void *ctx, const uint8_t *owner, const struct rrset *rrset)
{
	struct zonefile_changes *c = ctx;
	uint64_t key = zonefile_sums_key(owner, rrset->type);
	struct change gone = { .type = rrset->type, .owner_len = (uint16_t)dname_len(owner) };

	if (zonefile_sums_find(c->old, key) >= 0 && zonefile_sums_find(c->now, key) < 0)
		change_add(&c->gone, &gone, owner, owner); /* no RDATA */
	return true;
}

int zonefile_changes_read(const char *path, const uint8_t *origin, const struct zone *live,
			  const struct zonefile_sums *old, struct zonefile_changes **ret,
			  struct strv *files, char **ret_why)
{
	struct zonefile_changes *c = MEM_NEW(struct zonefile_changes);

	c->old = old;
	c->now = zonefile_sums_new();
	int err = zonefile_parse(path, origin, sum_record, c, files, ret_why);
	if (err == 0)
		err = zonefile_parse(path, origin, keep_if_changed, c, NULL, ret_why);
	if (err == 0 && c->total != c->now->total) {
		*ret_why = mem_printf("%s: changed while it was read", path);
		err = ERR_AGAIN;
	}
	if (err) {
		zonefile_changes_free(c);
		return err;
	}
	zone_each_unordered(live, note_if_gone, c);
	c->old = NULL;
	*ret = c;
	return 0;
}

static char *explain(const struct zonefile_changes *c, const struct gather *g, uint32_t file,
		     int err)
{
	char name[DNAME_TEXT_MAX], type[16];

	return mem_printf("%s:%u: %s %s: %s", c->names.s[file], g->tag,
			  dname_to_text(g->owner, name), rrtype_to_text(g->type, type),
			  zonefile_put_error(err, g->type));
}

int zonefile_changes_apply(const struct zonefile_changes *c, struct txn *t, const uint8_t *origin,
			   char **ret_why)
{
	const uint8_t *owner, *rdata;
	uint32_t file = 0;
	struct gather g;
	struct change one;
	size_t pos = 0;
	int err = 0;

	while (change_next(&c->gone, &pos, &one, &owner, &rdata))
		(void)txn_remove(t, origin, owner, one.type); /* it may be gone already */
	gather_init(&g, t, origin);
	for (pos = 0; err == 0 && change_next(&c->put, &pos, &one, &owner, &rdata);) {
		err = gather_add(&g, owner, one.type, one.ttl, rdata, one.rdlen, one.line);
		if (err == 0)
			file = one.file;
	}
	if (err == 0)
		err = gather_flush(&g);
	if (err)
		*ret_why = explain(c, &g, file, err);
	gather_fini(&g);
	return err;
}

struct zonefile_sums *zonefile_changes_take_sums(struct zonefile_changes *c)
{
	struct zonefile_sums *sums = c->now;

	c->now = NULL;
	return sums;
}

size_t zonefile_changes_records(const struct zonefile_changes *c)
{
	return c->records;
}

void zonefile_changes_free(struct zonefile_changes *c)
{
	if (c == NULL)
		return;
	zonefile_sums_free(c->now);
	buf_fini(&c->put);
	buf_fini(&c->gone);
	strv_fini(&c->names);
	free(c);
}

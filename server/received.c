#include "server/received.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/rr_edit.h"
#include "zonedb/gather.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

struct one {
	enum transfer_op op;
	const uint8_t *owner, *rdata;
	uint16_t type, len;
	uint32_t ttl;
};

void received_reset(struct received *r)
{
	buf_reset(&r->records);
	r->n = 0;
}

void received_fini(struct received *r)
{
	buf_fini(&r->records);
	r->n = 0;
}

static void add(struct received *r, enum transfer_op op, const uint8_t *owner, uint16_t type,
		uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	buf_u8(&r->records, (uint8_t)op);
	buf_add(&r->records, owner, dname_len(owner));
	buf_u16(&r->records, type);
	buf_u32(&r->records, ttl);
	buf_u16(&r->records, len);
	buf_add(&r->records, rdata, len);
	r->n++;
}

int received_add(struct received *r, enum transfer_op op, const struct dns_record *rec)
{
	if (rec->ttl > INT32_MAX)
		return ERR_PROTOCOL; /* RFC 2181 8 */
	add(r, op, rec->owner, rec->type, rec->ttl, rec->rdata, rec->rdlen);
	return 0;
}

static bool next(const struct received *r, size_t *pos, struct one *ret)
{
	const uint8_t *p = (const uint8_t *)r->records.data + *pos;

	if (*pos >= r->records.len)
		return false;
	ret->op = (enum transfer_op)p[0];
	ret->owner = p + 1;
	p += 1 + dname_len(p + 1);
	ret->type = wire_get16(p);
	ret->ttl = wire_get32(p + 2);
	ret->len = wire_get16(p + 6);
	ret->rdata = p + 8;
	*pos = (size_t)(p + 8 - (const uint8_t *)r->records.data) + ret->len;
	return true;
}

static char *explain(int err, const uint8_t *owner, uint16_t type)
{
	char name[DNAME_TEXT_MAX], text[12];

	return mem_printf("%s %s: %s", dname_to_text(owner, name), rrtype_to_text(type, text),
			  error_text(err));
}

/* --- the whole zone ------------------------------------------------------------------------------
 */

static int apply_full(const struct received *r, struct txn *t, const uint8_t *origin,
		      char **ret_why)
{
	struct gather g;
	struct one o;
	size_t pos = 0;
	int err = txn_zone_add(t, origin);

	if (err == 0)
		err = txn_zone_clear(t, origin);
	gather_init(&g, t, origin);
	while (err == 0 && next(r, &pos, &o))
		err = gather_add(&g, o.owner, o.type, o.ttl, o.rdata, o.len, 0);
	if (err == 0)
		err = gather_flush(&g);
	if (err)
		*ret_why = explain(err, g.owner, g.type);
	gather_fini(&g);
	return err;
}

/* --- differences
 * ----------------------------------------------------------------------------------- */

static int apply_one(struct txn *t, const uint8_t *origin, const struct one *o)
{
	if (o->op == TRANSFER_DELETE)
		return rr_edit_remove(t, origin, o->owner, o->type, o->rdata, o->len);
	return rr_edit_add(t, origin, o->owner, o->type, o->ttl, o->rdata, o->len);
}

static int apply_differences(const struct received *r, struct txn *t, const uint8_t *origin,
			     char **ret_why)
{
	struct one o, soa = { .owner = NULL };
	size_t pos = 0;
	int err = 0;

	while (err == 0 && next(r, &pos, &o)) {
		if (o.type == RRTYPE_SOA)
			soa = o; /* the last one is the new one */
		else
			err = apply_one(t, origin, &o);
	}
	if (err) {
		*ret_why = explain(err, o.owner, o.type);
		/* what is to be added is there, or what is to go is not */
		return err == ERR_EXISTS || err == ERR_NOT_FOUND ? ERR_CONFLICT : err;
	}
	if (soa.owner == NULL) {
		*ret_why = mem_strdup("no SOA");
		return ERR_PROTOCOL;
	}
	const struct rdata rd = { soa.rdata, soa.len };
	return txn_put_rrset(t, origin, origin, RRTYPE_SOA, soa.ttl, &rd, 1);
}

/* The serial that the primary gave, whatever ours was. */
static void set_serial(const struct received *r, struct txn *t, const uint8_t *origin)
{
	struct one o;
	size_t pos = 0;
	uint32_t serial = 0;

	while (next(r, &pos, &o))
		if (o.type == RRTYPE_SOA)
			serial = transfer_soa_serial(o.rdata, o.len);
	txn_serial(t, origin, serial);
}

int received_apply(const struct received *r, struct txn *t, const uint8_t *origin, char **ret_why)
{
	struct one o;
	size_t pos = 0;

	if (!next(r, &pos, &o)) {
		*ret_why = mem_strdup("nothing");
		return ERR_PROTOCOL;
	}
	int err = o.op == TRANSFER_FULL ? apply_full(r, t, origin, ret_why)
					: apply_differences(r, t, origin, ret_why);
	if (err == 0)
		set_serial(r, t, origin);
	return err;
}

/* --- keeping
 * ------------------------------------------------------------------------------------------ */

static bool keep_rrset(void *ctx, const uint8_t *owner, const struct rrset *s)
{
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	while (rrset_next(s, &pos, &rdata, &len))
		add(ctx, TRANSFER_FULL, owner, s->type, s->variants[0].ttl, rdata, len);
	return true;
}

void received_from_zone(struct received *r, const struct zone *z)
{
	received_reset(r);
	zone_each_unordered(z, keep_rrset, r);
}

int received_from_bytes(struct received *r, const void *bytes, size_t len)
{
	const uint8_t *p = bytes, *end = p + len;
	size_t n, count = 0;

	while (p < end) {
		if (*p != TRANSFER_FULL || dname_parse(p + 1, (size_t)(end - p - 1), &n) ||
		    (size_t)(end - p) < 1 + n + 8)
			return ERR_SYNTAX;
		p += 1 + n;
		if ((size_t)(end - p) < 8u + wire_get16(p + 6))
			return ERR_SYNTAX;
		p += 8 + wire_get16(p + 6);
		count++;
	}
	received_reset(r);
	buf_add(&r->records, bytes, len);
	r->n = count;
	return count ? 0 : ERR_SYNTAX;
}

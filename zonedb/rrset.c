#include "zonedb/rrset.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/selector.h"
#include "zonedb/txn.h"

/* The longest RRset that still goes into a 65,535-octet message beside header and question. */
#define RRSET_MAX (65535 - 12 - DNAME_MAX - 4)

/*
 * Where names stand in the RDATA of the types whose names may be compressed (RFC 3597 4: those of
 * RFC 1035 only): octets before the first name, number of names.
 */
static unsigned packable_names(uint16_t type, unsigned *ret_skip)
{
	*ret_skip = 0;
	switch (type) {
	case RRTYPE_NS:
	case RRTYPE_CNAME:
	case RRTYPE_PTR:
	case RRTYPE_MD:
	case RRTYPE_MF:
	case RRTYPE_MB:
	case RRTYPE_MG:
	case RRTYPE_MR:
		return 1;
	case RRTYPE_SOA:
	case RRTYPE_MINFO:
		return 2;
	case RRTYPE_MX:
		*ret_skip = 2;
		return 1;
	default:
		return 0;
	}
}

static void put_fixed(struct buf *b, uint16_t type, uint32_t ttl, size_t rdlen)
{
	uint8_t w[RR_FIXED] = { 0xc0, 0x0c };

	wire_put16(w + 2, type);
	wire_put16(w + 4, DNS_CLASS_IN);
	wire_put32(w + 6, ttl);
	wire_put16(w + 10, (uint16_t)rdlen);
	buf_add(b, w, sizeof(w));
}

/* Names that a wire form may point to. */
struct anchors {
	const uint8_t *owner; /* NULL: a wildcard's, which is another in each answer */
	const uint8_t *origin;
};

static bool ends_in(const uint8_t *name, const uint8_t *suffix, size_t *ret_suffix_len)
{
	if (suffix == NULL || *suffix == 0 || !dname_is_subdomain(name, suffix))
		return false;
	*ret_suffix_len = dname_len(suffix);
	return true;
}

/*
 * NAME into OUT; if it ends in the owner or the origin, with a pointer noted in FIX, counted from
 * BEGIN.
 */
static void pack_name(struct buf *out, struct buf *fix, size_t begin, const uint8_t *name,
		      const struct anchors *to)
{
	size_t len = dname_len(name);
	size_t suffix_len;
	uint32_t flag = RRSET_FIX_OWNER;

	if (!ends_in(name, to->owner, &suffix_len)) {
		flag = 0;
		if (!ends_in(name, to->origin, &suffix_len)) {
			buf_add(out, name, len);
			return;
		}
	}
	buf_add(out, name, len - suffix_len);
	uint32_t place = (uint32_t)(out->len - begin) | flag;
	buf_add(fix, &place, sizeof(place));
	buf_u16(out, 0xc00c);
}

static void pack_rdata(struct buf *out, struct buf *fix, size_t begin, uint16_t type,
		       const uint8_t *rdata, size_t len, const struct anchors *to)
{
	unsigned skip;
	unsigned names = packable_names(type, &skip);
	size_t pos = skip;

	buf_add(out, rdata, skip);
	for (; names; names--) {
		pack_name(out, fix, begin, rdata + pos, to);
		pos += dname_len(rdata + pos);
	}
	buf_add(out, rdata + pos, len - pos);
}

static bool is_repeated(const struct variant_spec *v, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (v->rdata[k].len == v->rdata[i].len &&
		    memcmp(v->rdata[k].data, v->rdata[i].data, v->rdata[i].len) == 0)
			return true;
	return false;
}

/* The RRs with full names, appended to OUT. */
static int build_plain(const struct rrset_spec *spec, const struct variant_spec *vs,
		       struct buf *out, struct variant *v)
{
	size_t start = out->len;

	v->ttl = vs->ttl ? vs->ttl : spec->ttl;
	for (size_t i = 0; i < vs->n; i++) {
		const struct rdata *rd = &vs->rdata[i];

		if (is_repeated(vs, i))
			continue;
		put_fixed(out, spec->type, v->ttl, rd->len);
		buf_add(out, rd->data, rd->len);
		if (out->len - start > RRSET_MAX)
			return ERR_TOO_LONG;
		v->stride = v->count == 0 || v->stride == RR_FIXED + rd->len
				    ? (uint16_t)(RR_FIXED + rd->len)
				    : 0;
		v->count++;
	}
	v->at = (uint32_t)start;
	v->len = (uint16_t)(out->len - start);
	return 0;
}

/* The shorter form behind the plain one, if it is shorter. */
static void build_wire(struct buf *out, struct variant *v, uint16_t type, const struct anchors *to)
{
	struct buf fix = { 0 };
	unsigned skip;
	size_t stride = 0;

	v->wire_at = v->at;
	v->wire_len = v->len;
	if (packable_names(type, &skip) == 0)
		return;
	/* packed is never longer: with that much room OUT stays where it is */
	buf_reserve(out, v->len);
	size_t begin = out->len;
	const uint8_t *rr = (const uint8_t *)out->data + v->at;
	const uint8_t *end = rr + v->len;
	for (; rr < end; rr += RR_FIXED + wire_get16(rr + 10)) {
		size_t at = out->len;

		buf_add(out, rr, RR_FIXED);
		pack_rdata(out, &fix, begin, type, rr + RR_FIXED, wire_get16(rr + 10), to);
		wire_put16(out->data + at + 10, (uint16_t)(out->len - at - RR_FIXED));
		stride = at == begin || stride == out->len - at ? out->len - at : 0;
	}
	if (fix.len == 0) {
		out->len = begin; /* nothing was shortened */
		return;
	}
	v->wire_at = (uint32_t)begin;
	v->wire_len = (uint16_t)(out->len - begin);
	v->stride = (uint16_t)stride;
	while (out->len % sizeof(uint32_t))
		buf_u8(out, 0);
	v->fix_at = (uint32_t)out->len;
	v->nfix = (uint16_t)(fix.len / sizeof(uint32_t));
	buf_add(out, fix.data, fix.len);
	buf_fini(&fix);
}

static bool names_hosts(uint16_t type)
{
	return type == RRTYPE_NS || type == RRTYPE_MX || type == RRTYPE_SRV ||
	       type == RRTYPE_SVCB || type == RRTYPE_HTTPS;
}

int rrset_new(const struct rrset_spec *spec, const uint8_t *origin, uint64_t birth,
	      struct rrset **ret)
{
	static const uint8_t slack[RRSET_SLACK];
	size_t head = sizeof(struct rrset) + spec->nvariants * sizeof(struct variant);
	const struct anchors to = { dname_is_wildcard(spec->owner) ? NULL : spec->owner, origin };
	struct rrset r = { .cow.birth = birth,
			   .selector = spec->selector,
			   .ttl = spec->ttl,
			   .type = spec->type,
			   .rotate = spec->rotate,
			   .refused = spec->refused,
			   .has_hosts = names_hosts(spec->type),
			   .nvariants = (uint16_t)spec->nvariants };
	struct buf bytes = { 0 }; /* becomes the RRset: offsets count from its begin */

	buf_reserve(&bytes, head + 64);
	buf_add(&bytes, &r, sizeof(r));
	bytes.len = head;
	for (size_t i = 0; i < spec->nvariants; i++) {
		struct variant v = { 0 };
		int err = build_plain(spec, &spec->variants[i], &bytes, &v);

		if (err) {
			buf_fini(&bytes);
			return err;
		}
		build_wire(&bytes, &v, spec->type, &to);
		memcpy(bytes.data + offsetof(struct rrset, variants) + i * sizeof(v), &v,
		       sizeof(v));
	}
	buf_add(&bytes, slack, sizeof(slack));
	*ret = mem_realloc(bytes.data, bytes.len);
	return 0;
}

void rrset_free(struct rrset *r)
{
	if (r == NULL)
		return;
	if (r->selector && r->selector->free)
		r->selector->free(r->selector);
	free(r);
}

static bool selectors_equal(const struct selector *a, const struct selector *b)
{
	if (a == b)
		return true;
	return a && b && a->equal && a->equal == b->equal && a->equal(a, b);
}

bool rrset_equal(const struct rrset *a, const struct rrset *b)
{
	if (a->type != b->type || a->ttl != b->ttl || a->nvariants != b->nvariants ||
	    a->rotate != b->rotate || a->refused != b->refused ||
	    !selectors_equal(a->selector, b->selector))
		return false;
	for (unsigned i = 0; i < a->nvariants; i++) {
		const struct variant *x = &a->variants[i];
		const struct variant *y = &b->variants[i];

		if (x->ttl != y->ttl || x->len != y->len || x->count != y->count ||
		    memcmp(rrset_rrs(a, i), rrset_rrs(b, i), x->len) != 0)
			return false;
	}
	return true;
}

bool rrset_next(const struct rrset *r, size_t *pos, const uint8_t **ret_rdata, uint16_t *ret_len)
{
	if (*pos >= r->variants[0].len)
		return false;
	const uint8_t *rr = rrset_rrs(r, 0) + *pos;
	*ret_len = wire_get16(rr + 10);
	*ret_rdata = rr + RR_FIXED;
	*pos += RR_FIXED + (size_t)*ret_len;
	return true;
}

#include "server/response.h"

#include <string.h>

#include "lib/dname.h"
#include "lib/wire.h"

size_t response_suffix(const struct response *r, size_t at, unsigned skip)
{
	for (;;) {
		while (r->msg[at] >= 0xc0)
			at = wire_get16(r->msg + at) & PTR_MAX;
		if (skip-- == 0)
			return at;
		at += r->msg[at] + 1u;
	}
}

/* Octets of the RRs before the one numbered FIRST. */
static size_t octets_before(const uint8_t *rrs, const struct variant *v, unsigned first)
{
	size_t n = 0;

	if (v->stride)
		return (size_t)v->stride * first;
	for (; first; first--)
		n += RR_FIXED + (size_t)wire_get16(rrs + n + 10);
	return n;
}

/* The pointers in RDATA; the RRs before octet CUT went to the end. */
static void set_pointers(uint8_t *to, const struct rrset *rrset, unsigned i, size_t cut,
			 size_t owner_at, size_t origin_at)
{
	const struct variant *v = &rrset->variants[i];
	const uint32_t *fix = rrset_fix(rrset, i);

	for (unsigned k = 0; k < v->nfix; k++) {
		size_t place = fix[k] & ~RRSET_FIX_OWNER;
		size_t at = fix[k] & RRSET_FIX_OWNER ? owner_at : origin_at;

		place = place >= cut ? place - cut : place + (v->wire_len - cut);
		wire_put16(to + place, (uint16_t)(0xc000 | at));
	}
}

/* RRs with another owner than the question: each begins with a pointer, to be set. */
static void set_owners(uint8_t *rr, unsigned count, size_t at)
{
	for (; count; count--) {
		wire_put16(rr, (uint16_t)(0xc000 | at));
		rr += RR_FIXED + wire_get16(rr + 10);
	}
}

/* The owner lies beyond a pointer's reach (TCP): write it in full for each RR. */
static bool put_far(struct response *r, enum section s, const struct rrset *rrset, unsigned i,
		    const uint8_t *name)
{
	const struct variant *v = &rrset->variants[i];
	size_t name_len = dname_len(name);
	const uint8_t *rr = rrset_rrs(rrset, i);

	if (r->len + v->len + v->count * (name_len - 2) > r->max)
		return false;
	for (unsigned k = 0; k < v->count; k++) {
		size_t len = RR_FIXED + (size_t)wire_get16(rr + 10) - 2;

		memcpy(r->msg + r->len, name, name_len);
		memcpy(r->msg + r->len + name_len, rr + 2, len);
		r->len += name_len + len;
		rr += len + 2;
	}
	response_count(r, s, v->count);
	return true;
}

bool response_rrset_patched(struct response *r, enum section s, const struct rrset *rrset,
			    unsigned i, unsigned first, const struct response_owner *owner,
			    size_t origin_at)
{
	const struct variant *v = &rrset->variants[i];
	const uint8_t *from = rrset_wire(rrset, i);
	size_t len = v->wire_len;
	uint8_t *to = r->msg + r->len;

	if (__builtin_expect(owner->at > PTR_MAX, 0))
		return put_far(r, s, rrset, i, owner->name);
	if (r->len + len > r->max)
		return false;
	size_t cut = octets_before(from, v, first);
	memcpy(to, from + cut, len - cut);
	memcpy(to + len - cut, from, cut);
	set_pointers(to, rrset, i, cut, owner->at, origin_at);
	if (owner->at != QNAME_AT)
		set_owners(to, v->count, owner->at);
	r->len += len;
	response_count(r, s, v->count);
	return true;
}

#include "server/update_apply.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/transfer.h"
#include "server/rr_edit.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

enum { TYPES_MAX = 1024 }; /* RRsets at a name that one "delete all" takes */

/* --- 3.2 prerequisites
 * ---------------------------------------------------------------------------- */

/* Has the name any RRset?  An empty non-terminal is not in use (2.4.4). */
static unsigned check_any(const struct zone *z, const struct dns_record *r)
{
	if (r->rdlen)
		return DNS_RCODE_FORMERR;
	if (r->type == RRTYPE_ANY)
		return zone_types(z, r->owner, NULL, 0) ? 0 : DNS_RCODE_NXDOMAIN;
	return zone_rrset(z, r->owner, r->type) ? 0 : DNS_RCODE_NXRRSET;
}

static unsigned check_none(const struct zone *z, const struct dns_record *r)
{
	if (r->rdlen)
		return DNS_RCODE_FORMERR;
	if (r->type == RRTYPE_ANY)
		return zone_types(z, r->owner, NULL, 0) ? DNS_RCODE_YXDOMAIN : 0;
	return zone_rrset(z, r->owner, r->type) ? DNS_RCODE_YXRRSET : 0;
}

static bool same_set(const struct dns_record *a, const struct dns_record *b)
{
	return b->section == DNS_ANSWER && b->rclass == DNS_CLASS_IN && a->type == b->type &&
	       dname_equal(a->owner, b->owner);
}

static bool is_in_message(const struct dns_msg *m, const struct dns_record *of,
			  const uint8_t *rdata, uint16_t len)
{
	for (size_t i = 0; i < m->nrecords; i++)
		if (same_set(of, &m->records[i]) &&
		    rdata_compare(of->type, m->records[i].rdata, m->records[i].rdlen, rdata, len) ==
			    0)
			return true;
	return false;
}

/* 2.4.2: the RRset that R belongs to is exactly what the message says.  Seen from its first record.
 */
static unsigned check_value(const struct zone *z, const struct dns_msg *m, size_t at)
{
	const struct dns_record *r = &m->records[at];
	const struct rrset *s = zone_rrset(z, r->owner, r->type);
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	for (size_t i = 0; i < at; i++)
		if (same_set(r, &m->records[i]))
			return 0; /* checked with the first */
	if (s == NULL)
		return DNS_RCODE_NXRRSET;
	for (size_t i = at; i < m->nrecords; i++)
		if (same_set(r, &m->records[i]) &&
		    !rr_edit_has(s, m->records[i].rdata, m->records[i].rdlen))
			return DNS_RCODE_NXRRSET;
	while (rrset_next(s, &pos, &rdata, &len))
		if (!is_in_message(m, r, rdata, len))
			return DNS_RCODE_NXRRSET;
	return 0;
}

static unsigned check_prerequisite(const struct zone *z, const struct dns_msg *m, size_t i)
{
	const struct dns_record *r = &m->records[i];

	if (r->ttl != 0)
		return DNS_RCODE_FORMERR;
	if (!dname_is_subdomain(r->owner, zone_origin(z)))
		return DNS_RCODE_NOTZONE;
	if (r->rclass == DNS_CLASS_ANY)
		return check_any(z, r);
	if (r->rclass == DNS_CLASS_NONE)
		return check_none(z, r);
	if (r->rclass != DNS_CLASS_IN || !rdata_type_is_data(r->type))
		return DNS_RCODE_FORMERR;
	return check_value(z, m, i);
}

unsigned update_check_prerequisites(const struct zone *z, const struct dns_msg *m)
{
	unsigned rcode = 0;

	for (size_t i = 0; i < m->nrecords && rcode == 0; i++)
		if (m->records[i].section == DNS_ANSWER)
			rcode = check_prerequisite(z, m, i);
	return rcode;
}

/* --- 3.4.1 prescan
 * ------------------------------------------------------------------------------------ */

static unsigned prescan(const struct zone *z, const struct dns_record *r)
{
	bool is_data = rdata_type_is_data(r->type);

	if (!dname_is_subdomain(r->owner, zone_origin(z)))
		return DNS_RCODE_NOTZONE;
	switch (r->rclass) {
	case DNS_CLASS_IN:
		return is_data ? 0 : DNS_RCODE_FORMERR;
	case DNS_CLASS_ANY:
		if (r->ttl || r->rdlen || (!is_data && r->type != RRTYPE_ANY))
			return DNS_RCODE_FORMERR;
		return 0;
	case DNS_CLASS_NONE:
		return r->ttl || !is_data ? DNS_RCODE_FORMERR : 0;
	default:
		return DNS_RCODE_FORMERR;
	}
}

unsigned update_prescan(const struct zone *z, const struct dns_msg *m)
{
	unsigned rcode = 0;

	for (size_t i = 0; i < m->nrecords && rcode == 0; i++)
		if (m->records[i].section == DNS_AUTHORITY)
			rcode = prescan(z, &m->records[i]);
	return rcode;
}

/* --- 3.4.2 update
 * --------------------------------------------------------------------------------------- */

struct apply {
	struct txn *t;
	const uint8_t *origin;
	struct update_changes *changes;
};

void update_changes_fini(struct update_changes *c)
{
	free(c->list);
	*c = (struct update_changes){ 0 };
}

static void touched(struct apply *a, const uint8_t *owner, uint16_t type)
{
	struct update_changes *c = a->changes;

	if ((c->n & (c->n + 1)) == 0) /* full at 0, 1, 3, 7 …: 2^k - 1 */
		c->list = mem_array(c->list, 2 * c->n + 1, sizeof(c->list[0]));
	c->list[c->n++] = (struct update_change){ owner, type };
}

static bool is_single(uint16_t type)
{
	return type == RRTYPE_CNAME || type == RRTYPE_SOA || type == RRTYPE_DNAME;
}

static int add_soa(struct apply *a, const struct dns_record *r)
{
	const struct rrset *s = txn_rrset(a->t, a->origin, a->origin, RRTYPE_SOA);
	const uint8_t *rdata = NULL;
	size_t pos = 0;
	uint16_t len = 0;

	/* "or if the new SOA's serial is not newer: ignored" */
	if (!dname_equal(r->owner, a->origin) || s == NULL || !rrset_next(s, &pos, &rdata, &len) ||
	    transfer_serial_compare(transfer_soa_serial(r->rdata, r->rdlen),
				    transfer_soa_serial(rdata, len)) <= 0)
		return 0;
	touched(a, r->owner, r->type);
	return rr_edit_set(a->t, a->origin, r->owner, r->type, r->ttl, r->rdata, r->rdlen);
}

/* 3.4.2.2 */
static int add(struct apply *a, const struct dns_record *r)
{
	int err;

	if (r->type == RRTYPE_SOA)
		return add_soa(a, r);
	touched(a, r->owner, r->type);
	if (is_single(r->type))
		err = rr_edit_set(a->t, a->origin, r->owner, r->type, r->ttl, r->rdata, r->rdlen);
	else
		err = rr_edit_add(a->t, a->origin, r->owner, r->type, r->ttl, r->rdata, r->rdlen);
	/* what is there; a CNAME beside other data, or other data beside a CNAME: ignored */
	return err == ERR_EXISTS || err == ERR_CONFLICT ? 0 : err;
}

static bool is_kept(const struct apply *a, const struct dns_record *r, uint16_t type)
{
	return (type == RRTYPE_SOA || type == RRTYPE_NS) && dname_equal(r->owner, a->origin);
}

static int remove_type(struct apply *a, const struct dns_record *r, uint16_t type)
{
	if (is_kept(a, r, type) || txn_rrset(a->t, a->origin, r->owner, type) == NULL)
		return 0;
	touched(a, r->owner, type);
	return txn_remove(a->t, a->origin, r->owner, type);
}

/* 3.4.2.3 */
static int remove_rrsets(struct apply *a, const struct dns_record *r)
{
	const struct zone *z = txn_zone(a->t, a->origin);
	uint16_t types[TYPES_MAX];
	int err = 0;

	if (r->type != RRTYPE_ANY)
		return remove_type(a, r, r->type);
	size_t n = z ? zone_types(z, r->owner, types, TYPES_MAX) : 0;
	for (size_t i = 0; i < n && i < TYPES_MAX && err == 0; i++)
		err = remove_type(a, r, types[i]);
	return err;
}

/* 3.4.2.4 */
static int remove_record(struct apply *a, const struct dns_record *r)
{
	const struct rrset *s = txn_rrset(a->t, a->origin, r->owner, r->type);
	bool apex = dname_equal(r->owner, a->origin);

	if (s == NULL || !rr_edit_has(s, r->rdata, r->rdlen) || (apex && r->type == RRTYPE_SOA))
		return 0;
	if (apex && r->type == RRTYPE_NS && rrset_count(s) == 1)
		return 0; /* the last NS stays */
	touched(a, r->owner, r->type);
	return rr_edit_remove(a->t, a->origin, r->owner, r->type, r->rdata, r->rdlen);
}

static int apply_one(struct apply *a, const struct dns_record *r)
{
	switch (r->rclass) {
	case DNS_CLASS_ANY:
		return remove_rrsets(a, r);
	case DNS_CLASS_NONE:
		return remove_record(a, r);
	default:
		return add(a, r); /* IN: the prescan saw to it */
	}
}

unsigned update_apply(struct txn *t, const uint8_t *origin, const struct dns_msg *m,
		      struct update_changes *changes)
{
	struct apply a = { t, origin, changes };

	for (size_t i = 0; i < m->nrecords; i++)
		if (m->records[i].section == DNS_AUTHORITY && apply_one(&a, &m->records[i]))
			return DNS_RCODE_SERVFAIL;
	return 0;
}

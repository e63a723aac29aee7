#include "server/update.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "lib/transfer.h"
#include "server/acl.h"
#include "server/handoff.h"
#include "server/overlay.h"
#include "server/request.h"
#include "server/update_apply.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

enum { TYPES_MAX = 64 };

/* An update that is done and waits for the disk. */
struct waiting {
	struct waiting *next, **prev;
	struct update *u;
	struct request *r;
};

struct update {
	struct zonedb *db;
	struct overlay *overlay;
	struct state *state;
	const struct acl *allow;
	enum update_zone (*kind)(void *ctx, const uint8_t *origin);
	void *ctx;
	struct waiting *waiting;
};

static void finish(struct request *r, unsigned rcode)
{
	char *zone = dname_text(r->m.qname), text[12];

	metric_add(METRIC_UPDATES_TOTAL, 1, zone, rcode_to_text(rcode, text));
	free(zone);
	request_confirm(r, rcode);
}

/* --- durable ------------------------------------------------------------------------------------
 */

static void unlink_waiting(struct waiting *w)
{
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
}

static void on_synced(void *ctx, int err)
{
	struct waiting *w = ctx;

	if (w->u) { /* else update_free was here */
		unlink_waiting(w);
		if (err && err != ERR_UNSUPPORTED)
			log_error("a dynamic update is served but could not be written: %s",
				  error_text(err));
		finish(w->r,
		       err && err != ERR_UNSUPPORTED ? DNS_RCODE_SERVFAIL : DNS_RCODE_NOERROR);
	}
	free(w);
}

static void wait_for_disk(struct update *u, struct request *r)
{
	struct waiting *w = MEM_NEW(struct waiting);

	w->u = u;
	w->r = r;
	w->next = u->waiting;
	w->prev = &u->waiting;
	if (w->next)
		w->next->prev = &w->next;
	u->waiting = w;
	state_sync(u->state, on_synced, w);
}

/* --- permission
 * ------------------------------------------------------------------------------------ */

/* Names that gslbd itself makes stay as it makes them. */
static bool is_others(const struct update *u, const struct zone *z, const uint8_t *owner)
{
	uint16_t types[TYPES_MAX];
	size_t n = zone_types(z, owner, types, TYPES_MAX);

	for (size_t i = 0; i < n && i < TYPES_MAX; i++)
		if (!overlay_has(u->overlay, zone_origin(z), owner, types[i]))
			return true;
	return n > TYPES_MAX;
}

/* Signatures and proofs are the signer's. */
static bool is_signers(uint16_t type)
{
	return type == RRTYPE_RRSIG || type == RRTYPE_NSEC || type == RRTYPE_NSEC3 ||
	       type == RRTYPE_NSEC3PARAM;
}

static unsigned check_permission(const struct update *u, const struct request *r,
				 const struct zone *z)
{
	bool is_shared = u->kind(u->ctx, zone_origin(z)) == UPDATE_ZONE_SHARED;

	for (size_t i = 0; i < r->m.nrecords; i++) {
		const struct dns_record *rec = &r->m.records[i];

		if (rec->section != DNS_AUTHORITY)
			continue;
		if (!acl_allows_name(u->allow, zone_origin(z), handoff_client(r->h), r->key,
				     rec->owner, rec->type) ||
		    is_signers(rec->type) || (is_shared && is_others(u, z, rec->owner)))
			return DNS_RCODE_REFUSED;
	}
	return DNS_RCODE_NOERROR;
}

/* --- one update
 * --------------------------------------------------------------------------------------- */

/* Keep what changed, and see that it is on the disk before the answer. */
static void keep(struct update *u, const struct update_changes *c, const struct zone *before,
		 const struct zone *after)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct update_change *one = &c->list[i];
		const struct rrset *was = zone_rrset(before, one->owner, one->type);
		const struct rrset *is = zone_rrset(after, one->owner, one->type);

		if (was != is)
			overlay_set(u->overlay, zone_origin(after), one->owner, one->type, was, is);
	}
}

static void log_update(const struct request *r, uint32_t serial)
{
	char who[NETADDR_TEXT_MAX], *zone = dname_text(r->m.qname);

	log_info("update of %s from %s: serial %u", zone,
		 netaddr_to_text_port(handoff_client(r->h), who), serial);
	free(zone);
}

/* An update that ends where it began is none: no new serial. */
static bool is_change(struct txn *t, const struct update_changes *c, const struct zone *before)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct update_change *one = &c->list[i];
		const struct rrset *was = zone_rrset(before, one->owner, one->type);
		const struct rrset *is = txn_rrset(t, zone_origin(before), one->owner, one->type);

		if (was != is && (was == NULL || is == NULL || !rrset_equal(was, is)))
			return true;
	}
	return false;
}

/* 0 and *ret_changed, or an RCODE. */
static unsigned run(struct update *u, const struct request *r, const struct zone *before,
		    bool *ret_changed)
{
	struct update_changes changes = { 0 };
	char *why = NULL;
	const struct zonedb_version *v = zonedb_ref(u->db); /* BEFORE stays behind the commit */
	struct txn *t = txn_begin(u->db);
	unsigned rcode = update_apply(t, zone_origin(before), &r->m, &changes);

	if (rcode || !is_change(t, &changes, before)) {
		txn_abort(t);
	} else {
		overlay_begin(u->overlay);
		if (txn_commit(t, &why)) {
			log_error("update: %s", why ? why : "not committed");
			free(why);
			rcode = DNS_RCODE_SERVFAIL;
		}
		overlay_end(u->overlay);
	}
	const struct zone *after = zonedb_zone(zonedb_current(u->db), zone_origin(before));
	*ret_changed = rcode == 0 && after != before;
	if (*ret_changed) {
		keep(u, &changes, before, after);
		log_update(r, zone_serial(after));
	}
	update_changes_fini(&changes);
	zonedb_unref(v);
	return rcode;
}

static unsigned check_request(const struct update *u, const struct request *r,
			      const struct zone **ret_zone)
{
	const struct zone *z = zonedb_zone(zonedb_current(u->db), r->m.qname);

	if (r->m.qtype != RRTYPE_SOA)
		return DNS_RCODE_FORMERR; /* RFC 2136 3.1.1 */
	if (z == NULL || r->m.qclass != DNS_CLASS_IN)
		return DNS_RCODE_NOTAUTH; /* 3.1.2 */
	if (u->kind(u->ctx, zone_origin(z)) == UPDATE_ZONE_CLOSED ||
	    !acl_allows(u->allow, zone_origin(z), handoff_client(r->h), r->key))
		return DNS_RCODE_REFUSED;
	*ret_zone = z;
	return DNS_RCODE_NOERROR;
}

void update_serve(struct update *u, struct request *r)
{
	const struct zone *z = NULL;
	bool changed = false;
	unsigned rcode = check_request(u, r, &z);

	if (rcode == 0)
		rcode = update_check_prerequisites(z, &r->m);
	if (rcode == 0)
		rcode = update_prescan(z, &r->m);
	if (rcode == 0)
		rcode = check_permission(u, r, z);
	if (rcode == 0)
		rcode = run(u, r, z, &changed);
	if (rcode == 0 && changed)
		wait_for_disk(u, r);
	else
		finish(r, rcode);
}

struct update *update_new(struct zonedb *db, struct overlay *overlay, struct state *state,
			  const struct acl *allow,
			  enum update_zone (*kind)(void *ctx, const uint8_t *origin), void *ctx)
{
	struct update *u = MEM_NEW(struct update);

	u->db = db;
	u->overlay = overlay;
	u->state = state;
	u->allow = allow;
	u->kind = kind;
	u->ctx = ctx;
	return u;
}

void update_free(struct update *u)
{
	if (u == NULL)
		return;
	while (u->waiting) {
		struct waiting *w = u->waiting;

		unlink_waiting(w);
		request_done(w->r);
		w->u = NULL; /* on_synced frees it, if the loop still runs */
	}
	free(u);
}

#include "server/catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/hash64.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

enum { TTL = 60 };

struct catalog {
	struct zonedb *db;
	uint8_t origin[DNAME_MAX];
	struct loop_timer *update; /* behind the commit */
};

void catalog_member(const uint8_t *origin, const uint8_t *zone, uint8_t *out)
{
	uint8_t lower[DNAME_MAX];
	char text[64];
	uint8_t prefix[64];

	/* stable over restarts and the same on replicas, so that no secondary starts afresh */
	(void)snprintf(text, sizeof(text), "%016" PRIx64 ".zones",
		       hash64(lower, dname_lower(zone, lower), 0));
	(void)dname_from_text(text, prefix); /* it is one */
	if (dname_join(prefix, origin, out))
		abort(); /* catalog_new saw that it fits */
}

/* --- the zone's data ------------------------------------------------------------------------ */

struct update {
	struct catalog *c;
	struct txn *t;
	const struct zonedb_version *version;
};

static void put_text(struct update *u, const char *prefix, uint16_t type, const char *rdata)
{
	char origin[DNAME_TEXT_MAX];
	char *owner = mem_printf("%s%s", prefix, dname_to_text(u->c->origin, origin));
	int err = txn_put_text(u->t, u->c->origin, owner, type, TTL, &rdata, 1);

	if (err)
		log_error("catalog %s: %s", owner,
			  error_text(err)); /* our own text: a mistake here */
	free(owner);
}

static void put_member(void *ctx, const struct zone *z)
{
	struct update *u = ctx;
	uint8_t owner[DNAME_MAX];
	const struct rdata target = { zone_origin(z), (uint16_t)dname_len(zone_origin(z)) };

	if (dname_equal(zone_origin(z), u->c->origin))
		return;
	catalog_member(u->c->origin, zone_origin(z), owner);
	(void)txn_put_rrset(u->t, u->c->origin, owner, RRTYPE_PTR, TTL, &target, 1); /* it fits */
}

/* Is the member at OWNER still a zone? */
static bool drop_member(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	struct update *u = ctx;
	const uint8_t *target;
	size_t pos = 0;
	uint16_t len;

	if (r->type == RRTYPE_PTR && rrset_next(r, &pos, &target, &len) &&
	    zonedb_zone(u->version, target) == NULL)
		(void)txn_remove(u->t, u->c->origin, owner, RRTYPE_PTR); /* it is there */
	return true;
}

static void update(void *ctx)
{
	struct catalog *c = ctx;
	char *why = NULL;
	struct update u = { c, txn_begin(c->db), zonedb_current(c->db) };
	const struct zone *old = zonedb_zone(u.version, c->origin);

	if (old == NULL) {
		(void)txn_zone_add(u.t, c->origin); /* it is not there */
		put_text(&u, "", RRTYPE_SOA, "invalid. hostmaster.invalid. 1 60 10 2419200 60");
		put_text(&u, "", RRTYPE_NS, "invalid."); /* RFC 9432 4.1 */
		put_text(&u, "version.", RRTYPE_TXT, "\"2\"");
	} else {
		zone_each_unordered(old, drop_member, &u);
	}
	zonedb_each(u.version, put_member, &u);
	if (txn_commit(u.t, &why)) {
		log_error("catalog: %s", why ? why : "not committed");
		free(why);
	}
}

static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	struct catalog *c = ctx;
	const struct zone *z = before ? before : after;

	if ((before && after) || dname_equal(zone_origin(z), c->origin))
		return;
	if (!loop_timer_is_set(c->update))
		loop_timer_set(c->update, 0);
}

struct catalog *catalog_new(struct loop *loop, struct zonedb *db, const uint8_t *origin)
{
	struct catalog *c = MEM_NEW(struct catalog);

	c->db = db;
	(void)dname_lower(origin, c->origin); /* its length is not needed */
	c->update = loop_timer_new(loop, update, c);
	zonedb_on_commit(db, on_commit, c);
	loop_timer_set(c->update, 0);
	return c;
}

void catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->update);
	free(c);
}

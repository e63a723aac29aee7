/*
 * fuzz_update - any message as an UPDATE of a zone by a client that may do all: an RCODE of RFC
 * 2136, and a zone that still has SOA and NS.
 */
#include <assert.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "lib/dns_msg.h"
#include "lib/rrtype.h"
#include "server/update_apply.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t origin[] = "\1z\4test";
static struct zonedb *db;

static void put(struct txn *t, const char *owner, uint16_t type, const char *rdata)
{
	if (txn_put_text(t, origin, owner, type, 60, &rdata, 1))
		abort();
}

static void begin(void)
{
	struct txn *t;

	if (db == NULL) {
		rcu_register_thread();
		db = zonedb_new();
	}
	t = txn_begin(db);
	if (txn_zone_add(t, origin) || txn_zone_clear(t, origin))
		abort();
	put(t, "z.test", RRTYPE_SOA, "a. b. 5 1 1 9 9");
	put(t, "z.test", RRTYPE_NS, "a.");
	put(t, "w.z.test", RRTYPE_A, "192.0.2.1");
	put(t, "c.z.test", RRTYPE_CNAME, "w.z.test.");
	put(t, "deep.ent.z.test", RRTYPE_TXT, "x");
	txn_serial(t, origin, 5);
	if (txn_commit(t, NULL))
		abort();
	rcu_quiescent_state();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct update_changes changes = { 0 };
	struct dns_msg m;

	if (size > 65535 || dns_msg_parse(data, size, &m))
		return 0;
	begin();
	const struct zone *z = zonedb_zone(zonedb_current(db), origin);
	unsigned rcode = update_check_prerequisites(z, &m);
	if (rcode == 0)
		rcode = update_prescan(z, &m);
	assert(rcode <= DNS_RCODE_NOTZONE);
	if (rcode == 0) {
		struct txn *t = txn_begin(db);

		rcode = update_apply(t, origin, &m, &changes);
		if (rcode)
			txn_abort(t);
		else if (txn_commit(t, NULL))
			abort(); /* no update may leave a zone that cannot be */
		z = zonedb_zone(zonedb_current(db), origin);
		assert(zone_rrset(z, origin, RRTYPE_SOA) && zone_rrset(z, origin, RRTYPE_NS));
	}
	update_changes_fini(&changes);
	dns_msg_fini(&m);
	return 0;
}

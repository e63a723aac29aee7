/* zone_metrics: what a scrape says about the zones in memory. */
#include "server/zone_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/metric.h"
#include "lib/rrtype.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

static void add_zone(struct zonedb *db, const char *origin, const char *ns)
{
	static const char *const soa = "ns.test. h.test. 7 1 1 1 1";
	struct txn *t = txn_begin(db);
	uint8_t w[DNAME_MAX];

	assert_int_equal(dname_from_text(origin, w), 0);
	assert_int_equal(txn_zone_add(t, w), 0);
	assert_int_equal(txn_put_text(t, w, origin, RRTYPE_SOA, 60, &soa, 1), 0);
	assert_int_equal(txn_put_text(t, w, origin, RRTYPE_NS, 60, &ns, 1), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
}

static void assert_scrape(const char *line, bool wanted)
{
	struct buf out = { 0 };

	metric_print(&out);
	if (!strstr(buf_str(&out), line) == wanted)
		fail_msg("%s: %s", line, wanted ? "missing" : "should not be there");
	buf_fini(&out);
}

static void zones_come_and_go(void **state)
{
	struct zonedb *db = zonedb_new();
	uint8_t w[DNAME_MAX];
	struct txn *t;

	(void)state;
	zone_metrics_start(db);
	assert_scrape("\ngslbd_zones 0\n", true);
	add_zone(db, "a.test.", "ns.test.");
	add_zone(db, "b.test.", "ns.test.");
	assert_scrape("\ngslbd_zones 2\n", true);
	assert_scrape("\ngslbd_rrsets 4\n", true);
	assert_scrape("\ngslbd_zone_serial{zone=\"a.test\"} 7\n", true);
	assert_scrape("\ngslbd_zone_rrsets{zone=\"b.test\"} 2\n", true);
	assert_scrape("\ngslbd_zone_changes_total 2\n", true);
	t = txn_begin(db);
	assert_int_equal(dname_from_text("a.test.", w), 0);
	assert_int_equal(txn_zone_drop(t, w), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_scrape("zone=\"a.test\"", false);
	assert_scrape("\ngslbd_zones 1\n", true);
	zone_metrics_stop();
	zonedb_free(db);
	assert_scrape("\ngslbd_zones 1\n", true); /* no look at what is gone */
	metric_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

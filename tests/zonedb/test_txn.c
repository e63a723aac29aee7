/* Tests of transactions: what is accepted, what a version shows, serials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

static struct zonedb *db;
static const uint8_t *z_test(void)
{
	static uint8_t origin[DNAME_MAX];

	(void)dname_from_text("z.test", origin);
	return origin;
}

static const uint8_t *name(const char *text)
{
	static uint8_t names[4][DNAME_MAX];
	static unsigned next;
	uint8_t *n = names[next++ % 4];

	assert_int_equal(dname_from_text(text, n), 0);
	return n;
}

static int put(struct txn *t, const char *owner, uint16_t type, const char *rdata)
{
	return txn_put_text(t, z_test(), owner, type, 300, &rdata, 1);
}

static void put_apex(struct txn *t, unsigned serial)
{
	char soa[128];

	snprintf(soa, sizeof(soa), "ns1.z.test. admin.z.test. %u 7200 3600 86400 30", serial);
	assert_int_equal(txn_zone_add(t, z_test()), 0);
	assert_int_equal(put(t, "z.test", RRTYPE_SOA, soa), 0);
	assert_int_equal(put(t, "z.test", RRTYPE_NS, "ns1.z.test."), 0);
}

static int setup(void **state)
{
	(void)state;
	db = zonedb_new();
	struct txn *t = txn_begin(db);
	put_apex(t, 7);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.1"), 0);
	return txn_commit(t, NULL);
}

static int teardown(void **state)
{
	(void)state;
	zonedb_free(db);
	return 0;
}

static const struct zone *zone(void)
{
	return zonedb_zone(zonedb_current(db), z_test());
}

static void a_commit_publishes(void **state)
{
	(void)state;
	assert_non_null(zone());
	assert_int_equal(zone_serial(zone()), 7);
	assert_int_equal(zone_count(zone()), 3);
	const struct rrset *r = zone_rrset(zone(), name("WWW.z.test"), RRTYPE_A);
	assert_non_null(r);
	assert_int_equal(r->ttl, 300);
	assert_int_equal(rrset_count(r), 1);
	size_t pos = 0;
	const uint8_t *rdata;
	uint16_t len;
	assert_true(rrset_next(r, &pos, &rdata, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(rdata, "\xc0\x00\x02\x01", 4);
	assert_false(rrset_next(r, &pos, &rdata, &len));
	assert_null(zone_rrset(zone(), name("www.z.test"), RRTYPE_AAAA));
	assert_ptr_equal(zonedb_find(zonedb_current(db), name("a.b.Z.TEST")), zone());
	assert_null(zonedb_find(zonedb_current(db), name("test")));
}

static void the_serial_rises_with_the_data_only(void **state)
{
	(void)state;
	struct txn *t = txn_begin(db);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.1"), 0);
	const struct zone *before = zone();
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_ptr_equal(zone(), before);

	t = txn_begin(db);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.2"), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 8);
	/* the same SOA again is not a change, nor is one with an older serial */
	t = txn_begin(db);
	put_apex(t, 3);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 8);
	t = txn_begin(db);
	put_apex(t, 100);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 100);
	t = txn_begin(db);
	assert_int_equal(txn_remove(t, z_test(), name("www.z.test"), 0), 0);
	txn_serial(t, z_test(), 4711);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 4711);
}

static void a_reload_with_equal_data_is_no_change(void **state)
{
	(void)state;
	const struct zone *before = zone();
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_zone_clear(t, z_test()), 0);
	put_apex(t, 7);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_ptr_equal(zone(), before);

	t = txn_begin(db);
	assert_int_equal(txn_zone_clear(t, z_test()), 0);
	put_apex(t, 7);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.9"), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 8);
}

static void refusals_leave_the_transaction_usable(void **state)
{
	static const struct {
		const char *owner;
		uint16_t type;
		const char *rdata;
		int err;
	} cases[] = {
		{ "www.z.test", RRTYPE_CNAME, "a.z.test.", ERR_CONFLICT }, /* RFC 1034 3.6.2 */
		{ "alias.z.test", RRTYPE_A, "192.0.2.1", ERR_CONFLICT },
		{ "z.test", RRTYPE_CNAME, "a.z.test.", ERR_CONFLICT },
		{ "www.z.test", RRTYPE_SOA, "a. b. 1 2 3 4 5", ERR_CONFLICT },
		{ "sub.z.test", RRTYPE_DNAME, "a.z.test.", ERR_CONFLICT }, /* RFC 6672 2.3 */
		{ "d.z.test", RRTYPE_NS, "a.z.test.", ERR_CONFLICT },
		{ "www.other.test", RRTYPE_A, "192.0.2.1", ERR_RANGE },
		{ "www.z.test", RRTYPE_A, "192.0.2.256", ERR_SYNTAX },
		{ "www.z.test", RRTYPE_OPT, "\\# 0", ERR_SYNTAX },
		{ "www.z.test", 0, "\\# 0", ERR_SYNTAX },
		{ "www.z.test", RRTYPE_ANY, "\\# 0", ERR_SYNTAX },
	};

	(void)state;
	struct txn *t = txn_begin(db);
	assert_int_equal(put(t, "alias.z.test", RRTYPE_CNAME, "www.z.test."), 0);
	assert_int_equal(put(t, "sub.z.test", RRTYPE_NS, "ns.sub.z.test."), 0);
	assert_int_equal(put(t, "d.z.test", RRTYPE_DNAME, "www.z.test."), 0);
	assert_int_equal(put(t, "z.test", RRTYPE_DNAME, "other.test."), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(put(t, cases[i].owner, cases[i].type, cases[i].rdata),
				 cases[i].err);
	static const char *const two[] = { "a.z.test.", "b.z.test." };
	assert_int_equal(txn_put_text(t, z_test(), "c.z.test", RRTYPE_CNAME, 1, two, 2),
			 ERR_CONFLICT);
	assert_int_equal(txn_put_text(t, name("no.test"), "c.no.test", RRTYPE_CNAME, 1, two, 1),
			 ERR_NOT_FOUND);
	assert_int_equal(txn_put_rrset(t, z_test(), name("w.z.test"), RRTYPE_A, 1, NULL, 0),
			 ERR_SYNTAX);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_count(zone()), 7 - 1 + 1);
}

static void a_zone_needs_soa_and_ns(void **state)
{
	(void)state;
	char *why = NULL;
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_zone_add(t, name("n.test")), 0);
	assert_int_equal(txn_commit(t, &why), ERR_INVALID);
	assert_string_equal(why, "zone n.test has no SOA record at its apex");
	free(why);
	assert_null(zonedb_zone(zonedb_current(db), name("n.test")));
}

static void a_dropped_zone_is_gone(void **state)
{
	(void)state;
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_zone_drop(t, z_test()), 0);
	assert_int_equal(txn_zone_drop(t, z_test()), ERR_NOT_FOUND);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_null(zone());
	assert_null(zonedb_find(zonedb_current(db), name("www.z.test")));
}

static void a_reference_keeps_its_version(void **state)
{
	(void)state;
	const struct zonedb_version *v = zonedb_ref(db);
	for (int i = 0; i < 50; i++) {
		char text[32];
		struct txn *t = txn_begin(db);

		snprintf(text, sizeof(text), "192.0.2.%d", i + 10);
		assert_int_equal(put(t, "www.z.test", RRTYPE_A, text), 0);
		snprintf(text, sizeof(text), "a%d.b.c.z.test", i);
		assert_int_equal(put(t, text, RRTYPE_A, "192.0.2.1"), 0);
		if (i % 3 == 0)
			assert_int_equal(txn_remove(t, z_test(), name(text), RRTYPE_A), 0);
		assert_int_equal(txn_commit(t, NULL), 0);
		if (i % 7 == 0)
			rcu_barrier();
	}
	const struct rrset *r = zone_rrset(zonedb_zone(v, z_test()), name("www.z.test"), RRTYPE_A);
	assert_memory_equal(rrset_rrs(r, 0) + RR_FIXED, "\xc0\x00\x02\x01", 4);
	assert_int_equal(zone_count(zonedb_zone(v, z_test())), 3);
	zonedb_unref(v);
}

static void an_aborted_transaction_leaves_nothing(void **state)
{
	(void)state;
	struct txn *t = txn_begin(db);
	assert_int_equal(put(t, "x.y.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(txn_remove(t, z_test(), name("www.z.test"), 0), 0);
	assert_null(txn_rrset(t, z_test(), name("www.z.test"), RRTYPE_A));
	assert_non_null(txn_rrset(t, z_test(), name("x.y.z.test"), RRTYPE_A));
	txn_abort(t);
	assert_non_null(zone_rrset(zone(), name("www.z.test"), RRTYPE_A));
}

struct seen {
	char text[2048];
};

static bool see(void *ctx, const uint8_t *owner, const struct rrset *rrset)
{
	struct seen *s = ctx;
	char text[DNAME_TEXT_MAX];
	char type[12];

	strcat(s->text, dname_to_text(owner, text));
	strcat(s->text, " ");
	strcat(s->text, rrtype_to_text(rrset->type, type));
	strcat(s->text, "\n");
	return true;
}

static void each_goes_in_canonical_order(void **state)
{
	(void)state;
	struct txn *t = txn_begin(db);
	assert_int_equal(put(t, "Z.a.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(put(t, "yljkjljk.a.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(put(t, "*.z.a.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(put(t, "z.test", RRTYPE_MX, "10 www.z.test."), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	struct seen s = { "" };
	zone_each(zone(), see, &s);
	assert_string_equal(s.text, "z.test. SOA\nz.test. NS\nz.test. MX\n"
				    "yljkjljk.a.z.test. A\nZ.a.z.test. A\n*.z.a.z.test. A\n"
				    "www.z.test. A\n");
}

static unsigned zones_seen;

static void see_zone(void *ctx, const struct zone *z)
{
	(void)ctx;
	(void)z;
	zones_seen++;
}

static void a_held_zone_has_a_name_and_nothing_else(void **state)
{
	(void)state;
	struct txn *t = txn_begin(db);
	txn_zone_hold(t, z_test());
	assert_null(txn_rrset(t, z_test(), name("www.z.test"), RRTYPE_A));
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.1"), ERR_NOT_FOUND);
	txn_zone_hold(t, z_test());
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_null(zone());
	assert_null(zonedb_find(zonedb_current(db), name("www.z.test")));
	zones_seen = 0;
	zonedb_each(zonedb_current(db), see_zone, NULL);
	assert_int_equal(zones_seen, 0);
	/* again is no change; one that was not there can be held */
	t = txn_begin(db);
	txn_zone_hold(t, z_test());
	const struct zonedb_version *before = zonedb_current(db);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_ptr_equal(zonedb_current(db), before);
	t = txn_begin(db);
	txn_zone_hold(t, name("h.test"));
	txn_abort(t);
	t = txn_begin(db);
	txn_zone_hold(t, name("h.test"));
	assert_int_equal(txn_zone_drop(t, name("h.test")), 0);
	assert_int_equal(txn_zone_drop(t, name("h.test")), ERR_NOT_FOUND);
	txn_zone_hold(t, name("i.test"));
	assert_int_equal(txn_commit(t, NULL), 0);
	/* adding ends it, also in the transaction that holds */
	t = txn_begin(db);
	put_apex(t, 0xfffffff0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 0xfffffff0);
	t = txn_begin(db);
	txn_zone_hold(t, z_test());
	put_apex(t, 3);
	assert_int_equal(txn_zone_drop(t, name("i.test")), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(zone_serial(zone()), 3);
}

static unsigned told;
static const struct zone *told_before, *told_after;

static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	(void)ctx;
	told++;
	told_before = before;
	told_after = after;
}

static void commits_are_told(void **state)
{
	(void)state;
	const struct zone *before = zone();
	told = 0;
	zonedb_on_commit(db, on_commit, NULL);
	struct txn *t = txn_begin(db);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(told, 0);
	t = txn_begin(db);
	assert_int_equal(put(t, "www.z.test", RRTYPE_A, "192.0.2.2"), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_int_equal(told, 1);
	assert_ptr_equal(told_before, before);
	assert_ptr_equal(told_after, zone());
}

#define ZONE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ZONE_TEST(a_commit_publishes),
		ZONE_TEST(the_serial_rises_with_the_data_only),
		ZONE_TEST(a_reload_with_equal_data_is_no_change),
		ZONE_TEST(refusals_leave_the_transaction_usable),
		ZONE_TEST(a_zone_needs_soa_and_ns),
		ZONE_TEST(a_dropped_zone_is_gone),
		ZONE_TEST(a_reference_keeps_its_version),
		ZONE_TEST(an_aborted_transaction_leaves_nothing),
		ZONE_TEST(each_goes_in_canonical_order),
		ZONE_TEST(a_held_zone_has_a_name_and_nothing_else),
		ZONE_TEST(commits_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

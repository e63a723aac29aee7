/* provider_zonedb: the whole chain into a zone that we serve. */
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/rrtype.h"
#include "sync/provider.h"
#include "tests/sync/rig.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"

extern const struct provider_ops provider_zonedb;

#define ZONE                                                  \
	"@ 3600 SOA ns.e.org. h.e.org. 1 3600 600 86400 60\n" \
	"@ 3600 NS ns.e.org.\n"                               \
	"ns 3600 A 192.0.2.53\n"                              \
	"hand 60 TXT \"gr\\195\\188n\" \"two\"\n"

struct load {
	struct txn *t;
	uint8_t origin[DNAME_MAX];
};

static int load_record(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct load *l = ctx;
	struct rdata rd = { r->rdata, r->rdlen };

	(void)ret_why;
	return txn_put_rrset(l->t, l->origin, r->owner, r->type, r->ttl, &rd, 1);
}

static struct zonedb *make_zone(void)
{
	struct zonedb *db = zonedb_new();
	struct load l = { .t = txn_begin(db) };
	char *why = NULL;

	assert_int_equal(dname_from_text("e.org", l.origin), 0);
	assert_int_equal(txn_zone_add(l.t, l.origin), 0);
	assert_int_equal(
		zonefile_parse_text(ZONE, strlen(ZONE), "zone", l.origin, load_record, &l, &why),
		0);
	assert_int_equal(txn_commit(l.t, &why), 0);
	return db;
}

static char *dump(struct zonedb *db)
{
	struct buf out = { 0 };
	uint8_t origin[DNAME_MAX];

	(void)dname_from_text("e.org", origin);
	zonefile_print(zonedb_zone(zonedb_current(db), origin), &out);
	return buf_take(&out);
}

/* Does a line of the dump hold all the words, in order? */
static bool has_line(struct zonedb *db, const char *owner, const char *type, const char *rest)
{
	char *text = dump(db), *save = NULL;
	bool found = false;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *a = strstr(line, owner), *b = a ? strstr(a, type) : NULL;

		found = found || (b && strstr(b, rest));
	}
	free(text);
	return found;
}

static uint32_t serial(struct zonedb *db)
{
	uint8_t origin[DNAME_MAX];

	(void)dname_from_text("e.org", origin);
	return zone_serial(zonedb_zone(zonedb_current(db), origin));
}

static void every_type_is_written_and_then_at_rest(void **state)
{
	struct zonedb *db = make_zone();
	struct rig r;

	(void)state;
	rig_up(&r, &provider_zonedb, db,
	       FLAGS("zone=e.org=x", "managed-record-types=A,AAAA,CNAME,NS,TXT,MX,SRV,CAA,DS",
		     "interval=100ms"));
	want(&r, "o/1", "a.e.org A 192.0.2.1,192.0.2.2 ttl=60");
	want(&r, "o/2", "a.e.org AAAA 2001:DB8:0::1");
	want(&r, "o/3", "c.e.org CNAME LB.example.com.");
	want(&r, "o/4", "g.e.org NS ns1.x.org,ns2.x.org");
	want(&r, "o/5", "t.e.org TXT 'plain text with blanks'");
	want(&r, "o/6", "m.e.org MX '10 mail.e.org'");
	want(&r, "o/7", "*.w.e.org A 192.0.2.9");
	want(&r, "o/8", "d.sub.e.org A 192.0.2.8");
	run_first(&r);
	assert_true(has_line(db, "a", "A", "192.0.2.2"));
	assert_true(has_line(db, "a", "AAAA", "2001:db8::1"));
	assert_true(has_line(db, "c", "CNAME", "LB.example.com."));
	assert_true(has_line(db, "g", "NS", "ns2.x.org."));
	assert_int_equal(r.first_err, 0);
	assert_true(has_line(db, "", "MX", "10 mail"));
	assert_true(has_line(db, "t", "TXT", "\"plain text with blanks\""));
	assert_true(
		has_line(db, "_x.a-a", "TXT", "\"heritage=external-dns,external-dns/owner=me\""));
	assert_true(has_line(db, "hand", "TXT", "\"gr\\195\\188n\" \"two\""));
	uint32_t before = serial(db);
	struct endpoint *e[1] = { words_endpoint("q.e.org A 192.0.2.77") };
	struct strv changed = { 0 };
	desired_set(&r.desired, "test", "o/q", e, 1, &changed);
	instance_changed(r.i, &changed);
	WAIT_FOR(r.loop, has_line(db, "q", "A", "192.0.2.77"));
	assert_true(serial(db) == before + 1);
	strv_fini(&changed);
	endpoint_free(e[0]);
	for (int i = 0; i < 30; i++)
		loop_once(r.loop, 10);
	assert_true(serial(db) == before + 1); /* verified, nothing written */
	rig_down(&r);
	zonedb_free(db);
}

static void a_delegation_is_pushed_whatever_the_managed_types(void **state)
{
	struct zonedb *db = make_zone();
	struct rig eu, us;

	(void)state;
	rig_up(&eu, &provider_zonedb, db, FLAGS("zone=e.org=x", "cluster-geo-tag=eu"));
	want(&eu, "zone", "g.e.org NS gslb-ns-eu-g.e.org ttl=30 shared");
	want(&eu, "glue", "gslb-ns-eu-g.e.org A 192.0.2.10 ttl=30");
	run_first(&eu);
	rig_up(&us, &provider_zonedb, db,
	       FLAGS("zone=e.org=x", "cluster-geo-tag=us", "txt-owner-id=us"));
	want(&us, "zone", "g.e.org NS gslb-ns-us-g.e.org ttl=30 shared");
	want(&us, "glue", "gslb-ns-us-g.e.org A 192.0.2.20 ttl=30");
	run_first(&us);
	assert_true(has_line(db, "g", "NS", "gslb-ns-eu-g.e.org."));
	assert_true(has_line(db, "g", "NS", "gslb-ns-us-g.e.org."));
	assert_true(has_line(db, "gslb-ns-eu-g", "A", "192.0.2.10"));
	assert_true(has_line(db, "gslb-ns-us-g", "A", "192.0.2.20"));
	want(&eu, "zone", NULL);
	want(&eu, "glue", NULL);
	WAIT_FOR(eu.loop, !has_line(db, "g", "NS", "gslb-ns-eu-g.e.org."));
	assert_true(has_line(db, "g", "NS", "gslb-ns-us-g.e.org."));
	assert_false(has_line(db, "gslb-ns-eu-g", "A", "192.0.2.10"));
	rig_down(&eu);
	rig_down(&us);
	zonedb_free(db);
}

static void an_edit_by_others_in_between_is_seen(void **state)
{
	struct zonedb *db = make_zone();
	struct rig r;
	uint8_t origin[DNAME_MAX];
	static const char *const foreign[] = { "192.0.2.66" };
	char *why = NULL;

	(void)state;
	(void)dname_from_text("e.org", origin);
	rig_up(&r, &provider_zonedb, db, FLAGS("zone=e.org=x"));
	want(&r, "o/1", "a.e.org A 192.0.2.1");
	run_first(&r);
	struct txn *t = txn_begin(db);
	assert_int_equal(txn_put_text(t, origin, "a.e.org.", RRTYPE_A, 60, foreign, 1), 0);
	assert_int_equal(txn_commit(t, &why), 0);
	want(&r, "o/1", "a.e.org A 192.0.2.2");
	WAIT_FOR(r.loop, has_line(db, "a", "A", "192.0.2.2"));
	assert_false(has_line(db, "a", "A", "192.0.2.66"));
	rig_down(&r);
	zonedb_free(db);
}

static void what_cannot_stand_is_set_aside_alone(void **state)
{
	struct zonedb *db = make_zone();
	struct rig r;

	(void)state;
	rig_up(&r, &provider_zonedb, db, FLAGS("zone=e.org=x"));
	want(&r, "o/1", "a.e.org A 192.0.2.1");
	want(&r, "o/2", "bad.e.org A not-an-address");
	want(&r, "o/3", "hand.e.org CNAME lb.x.org"); /* a TXT stands there */
	run_first(&r);
	assert_true(has_line(db, "a", "A", "192.0.2.1"));
	assert_false(has_line(db, "_x.a-bad", "TXT", "heritage"));
	assert_false(has_line(db, "_x.cname-hand", "TXT", "heritage"));
	assert_true(has_line(db, "hand", "TXT", "\"gr\\195\\188n\" \"two\""));
	rig_down(&r);
	zonedb_free(db);
}

static void zones_are_chosen_by_the_filter(void **state)
{
	static const char *const rows[][3] = { { "zone=e.org=x", "domain-filter=other.org", NULL },
					       { "interval=1m", NULL, NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config *c = config_for_test(rows[i]);
		struct zonedb *db = make_zone();
		struct desired d;
		struct loop *loop = loop_new();
		struct instance_env env = { .loop = loop, .zonedb = db, .desired = &d };
		struct instance *in = NULL;
		char *why = NULL;

		desired_init(&d, NULL);
		assert_int_equal(instance_new(&env, "zonedb", &provider_zonedb, c, &in, &why),
				 ERR_INVALID);
		assert_non_null(strstr(why, "--zone"));
		free(why);
		desired_fini(&d);
		zonedb_free(db);
		config_free(c);
		loop_free(loop);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_is_written_and_then_at_rest),
		cmocka_unit_test(a_delegation_is_pushed_whatever_the_managed_types),
		cmocka_unit_test(an_edit_by_others_in_between_is_seen),
		cmocka_unit_test(what_cannot_stand_is_set_aside_alone),
		cmocka_unit_test(zones_are_chosen_by_the_filter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* static_zones: loading, reloading, broken files, what others put stays. */
#include "server/static_zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/status.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define HEAD "$TTL 60\n@ SOA ns host 5 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

static char dir[64];
static struct loop *loop;
static struct zonedb *db;
static struct static_zones *zones;

static char *path_of(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

/* Written beside, then renamed, as an editor or kubelet does. */
static void put_file(const char *name, const char *text)
{
	char *to = path_of(name), *from = path_of("new");
	FILE *f = fopen(from, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(from, to), 0);
	free(to);
	free(from);
}

static const uint8_t *wire(const char *text)
{
	static uint8_t names[4][DNAME_MAX];
	static unsigned next;
	uint8_t *n = names[next++ % 4];

	assert_int_equal(dname_from_text(text, n), 0);
	return n;
}

static const struct rrset *rrset(const char *zone, const char *owner, uint16_t type)
{
	const struct zone *z = zonedb_zone(zonedb_current(db), wire(zone));

	return z ? zone_rrset(z, wire(owner), type) : NULL;
}

static uint32_t serial(const char *zone)
{
	const struct zone *z = zonedb_zone(zonedb_current(db), wire(zone));

	assert_non_null(z);
	return zone_serial(z);
}

static void start(const char *const *options)
{
	struct config *c = config_for_test(options);
	char *why = NULL;

	assert_non_null(c);
	if (static_zones_new(loop, db, c, &zones, &why))
		fail_msg("%s", why);
	config_free(c);
}

static void start_one(const char *text)
{
	char *path, *option;

	put_file("a.zone", text);
	path = path_of("a.zone");
	option = mem_printf("zone=a.test=%s", path);
	start((const char *const[]){ option, NULL });
	free(path);
	free(option);
}

/* Run the loop until the zone's serial is WANT or, with WANT 0, until an error is shown. */
static void wait_for(const char *zone, uint32_t want)
{
	for (int i = 0; i < 200; i++) {
		cJSON *s = status_collect("zones");
		bool error = json_text(cJSON_GetObjectItem(s, zone), "error") != NULL;

		cJSON_Delete(s);
		if (want ? serial(zone) == want : error)
			return;
		loop_once(loop, 50);
	}
	fail_msg("zone %s did not reach %u", zone, want);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_static_zones.XXXXXX");
	log_setup(LOG_LEVEL_ERROR, 0);
	loop = loop_new();
	db = zonedb_new();
	zones = NULL;
	return mkdtemp(dir) == NULL;
}

static int teardown(void **state)
{
	char *command = mem_printf("rm -rf '%s'", dir);

	(void)state;
	static_zones_free(zones);
	zonedb_free(db);
	loop_free(loop);
	status_clear();
	int rc = system(command); /* our own directory */
	free(command);
	return rc;
}

static void zones_are_loaded_at_the_start_and_ready(void **state)
{
	(void)state;
	start_one(HEAD);
	assert_int_equal(serial("a.test"), 5);
	assert_true(static_zones_has(zones, wire("A.test")));
	assert_false(static_zones_has(zones, wire("b.test")));
	assert_true(status_is_ready(NULL));
}

static void a_replaced_file_is_loaded_and_the_serial_rises(void **state)
{
	(void)state;
	start_one(HEAD "www A 192.0.2.2\nold A 192.0.2.3\n");
	put_file("a.zone", HEAD "www A 192.0.2.9\n"); /* serial still 5 */
	wait_for("a.test", 6);
	assert_null(rrset("a.test", "old.a.test", RRTYPE_A));
	assert_non_null(rrset("a.test", "www.a.test", RRTYPE_A));
	put_file("a.zone", "$TTL 60\n@ SOA ns host 20 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	wait_for("a.test", 20);
	/* the same data again: no change */
	put_file("a.zone", "$TTL 60\n@ SOA ns host 20 2 3 4 5 ; x\n@ NS ns\nns A 192.0.2.1\n");
	for (int i = 0; i < 5; i++)
		loop_once(loop, 10);
	assert_int_equal(serial("a.test"), 20);
}

static void an_included_file_counts_too(void **state)
{
	(void)state;
	put_file("inc", "www A 192.0.2.2\n");
	start_one(HEAD "$INCLUDE inc\n");
	put_file("inc", "www A 192.0.2.3\n");
	wait_for("a.test", 6);
}

static void link_to(const char *target, const char *name)
{
	char *path = path_of(name);

	assert_int_equal(symlink(target, path), 0);
	free(path);
}

static void make_folder(const char *name)
{
	char *path = path_of(name);

	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
}

/* kubelet: the file is a link through "..data", which is replaced as a whole. */
static void a_mounted_config_map_is_followed(void **state)
{
	char *path = path_of("a.zone"), *option = mem_printf("zone=a.test=%s", path);
	char *from = path_of("..data_tmp"), *to = path_of("..data");

	(void)state;
	make_folder("one");
	make_folder("two");
	put_file("one/a.zone", HEAD);
	put_file("two/a.zone", HEAD "www A 192.0.2.2\n");
	link_to("one", "..data");
	link_to("..data/a.zone", "a.zone");
	start((const char *const[]){ option, NULL });
	assert_int_equal(serial("a.test"), 5);
	link_to("two", "..data_tmp");
	assert_int_equal(rename(from, to), 0);
	wait_for("a.test", 6);
	free(path);
	free(option);
	free(from);
	free(to);
}

static void a_broken_file_changes_nothing_and_is_told(void **state)
{
	(void)state;
	start_one(HEAD);
	put_file("a.zone", HEAD "www A 192.0.2\n");
	wait_for("a.test", 0);
	assert_int_equal(serial("a.test"), 5);
	assert_true(status_is_ready(NULL));
	put_file("a.zone", HEAD "www A 192.0.2.7\n");
	wait_for("a.test", 6);
}

static void a_file_that_comes_later_makes_ready(void **state)
{
	char *path = path_of("late.zone"), *option = mem_printf("zone=late.test=%s", path);

	(void)state;
	start((const char *const[]){ option, NULL });
	assert_false(status_is_ready(NULL));
	put_file("late.zone", HEAD);
	for (int i = 0; i < 100 && !status_is_ready(NULL); i++)
		loop_once(loop, 50);
	assert_true(status_is_ready(NULL));
	assert_int_equal(serial("late.test"), 5);
	free(path);
	free(option);
}

static void put(const char *owner, const char *text)
{
	struct txn *t = txn_begin(db);

	assert_int_equal(txn_put_text(t, wire("a.test"), owner, RRTYPE_A, 60, &text, 1), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
}

static void what_others_put_stays_unless_the_file_changes_it(void **state)
{
	(void)state;
	start_one(HEAD "www A 192.0.2.2\nkeep A 192.0.2.3\n");
	put("dyn.a.test", "192.0.2.50");
	put("www.a.test", "192.0.2.51");
	put("keep.a.test", "192.0.2.52");
	assert_int_equal(serial("a.test"), 8);
	uint64_t sum = static_zones_sum(zones, wire("a.test"), wire("www.a.test"), RRTYPE_A);
	assert_true(sum != 0);
	put_file("a.zone", HEAD "www A 192.0.2.4\nkeep A 192.0.2.3\n");
	wait_for("a.test", 9);
	assert_true(sum != static_zones_sum(zones, wire("a.test"), wire("www.a.test"), RRTYPE_A));
	assert_int_equal(rrset_rrs(rrset("a.test", "dyn.a.test", RRTYPE_A), 0)[RR_FIXED + 3], 50);
	assert_int_equal(rrset_rrs(rrset("a.test", "www.a.test", RRTYPE_A), 0)[RR_FIXED + 3], 4);
	assert_int_equal(rrset_rrs(rrset("a.test", "keep.a.test", RRTYPE_A), 0)[RR_FIXED + 3], 52);
}

/* An A becomes a CNAME, and back: the order of removal and addition must not conflict. */
static void a_name_may_change_its_kind(void **state)
{
	(void)state;
	start_one(HEAD "www A 192.0.2.2\n");
	put_file("a.zone", HEAD "www CNAME ns\n");
	wait_for("a.test", 6);
	put_file("a.zone", HEAD "www A 192.0.2.2\n");
	wait_for("a.test", 7);
	assert_null(rrset("a.test", "www.a.test", RRTYPE_CNAME));
}

static void wrong_options_are_refused(void **state)
{
	static const char *const bad[] = { "zone=a.test", "zone==x", "zone=a..b=x",
					   "zone=a.test=" };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *c = config_for_test((const char *const[]){ bad[i], NULL });
		char *why = NULL;

		assert_int_equal(static_zones_new(loop, db, c, &zones, &why), ERR_SYNTAX);
		assert_non_null(why);
		free(why);
		config_free(c);
	}
	struct config *c =
		config_for_test((const char *const[]){ "zone=a.test=x", "zone=A.test.=y", NULL });
	char *why = NULL;
	assert_int_equal(static_zones_new(loop, db, c, &zones, &why), ERR_EXISTS);
	free(why);
	config_free(c);
}

static void dump_and_reload_are_commands(void **state)
{
	cJSON *out = cJSON_CreateObject(), *args = cJSON_CreateObject();

	(void)state;
	start_one(HEAD);
	cJSON_AddStringToObject(args, "zone", "A.test.");
	assert_int_equal(status_run("dump", args, out, false), 0);
	assert_non_null(strstr(json_text(out, "text"), "a.test.\t60\tIN\tNS\tns.a.test."));
	assert_int_equal(status_run("reload", args, out, true), 0);
	cJSON_ReplaceItemInObject(args, "zone", cJSON_CreateString("no.test"));
	assert_int_equal(status_run("dump", args, out, false), ERR_NOT_FOUND);
	assert_int_equal(status_run("reload", args, out, true), ERR_NOT_FOUND);
	cJSON_Delete(out);
	cJSON_Delete(args);
}

static void ten_thousand_zones_are_served_at_once(void **state)
{
	const char **options = mem_calloc(10001, sizeof(char *));

	(void)state;
	put_file("shared", HEAD);
	for (int i = 0; i < 10000; i++)
		options[i] = mem_printf("zone=z%d.test=%s/shared", i, dir);
	start(options);
	assert_true(status_is_ready(NULL));
	assert_int_equal(serial("z9999.test"), 5);
	for (int i = 0; i < 10000; i++)
		free((char *)(uintptr_t)options[i]);
	free(options);
}

/* More than a MiB: read by a thread when it changes. */
static char *huge(unsigned serial, const char *more)
{
	struct buf b = { 0 };

	buf_printf(&b, "$TTL 60\n@ SOA ns host %u 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n", serial);
	for (unsigned i = 0; i < 50000; i++)
		buf_printf(&b, "h%u.of.a.huge.file A 10.0.%u.%u\n", i, i >> 8, i & 255);
	buf_printf(&b, "%s", more);
	return buf_take(&b);
}

static void put_huge(unsigned serial, const char *more)
{
	char *text = huge(serial, more);

	put_file("a.zone", text);
	free(text);
}

static void a_huge_file_is_read_while_the_loop_goes_on(void **state)
{
	char *text = huge(1, "www A 192.0.2.2\ngone A 192.0.2.3\n");
	struct txn *t;

	(void)state;
	start_one(text);
	free(text);
	t = txn_begin(db); /* as an update does */
	assert_int_equal(txn_put_text(t, wire("a.test."), "acme.a.test.", RRTYPE_TXT, 5,
				      (const char *const[]){ "\"x\"" }, 1),
			 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	put_huge(10, "www A 192.0.2.9\nnew A 192.0.2.4\n");
	static_zones_reload(zones); /* comes back at once */
	assert_int_equal(serial("a.test."), 2);
	t = txn_begin(db); /* and others change the zone meanwhile */
	assert_int_equal(txn_put_text(t, wire("a.test."), "mean.a.test.", RRTYPE_TXT, 5,
				      (const char *const[]){ "\"y\"" }, 1),
			 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	wait_for("a.test", 10);
	assert_non_null(rrset("a.test.", "new.a.test.", RRTYPE_A));
	assert_non_null(rrset("a.test.", "acme.a.test.", RRTYPE_TXT));
	assert_non_null(rrset("a.test.", "mean.a.test.", RRTYPE_TXT));
	assert_non_null(rrset("a.test.", "h49999.of.a.huge.file.a.test.", RRTYPE_A));
	assert_null(rrset("a.test.", "gone.a.test.", RRTYPE_A));
	assert_int_equal(rrset_rrs(rrset("a.test.", "www.a.test.", RRTYPE_A), 0)[RR_FIXED + 3], 9);
}

static void a_broken_huge_file_is_refused_whole_with_file_and_line(void **state)
{
	static const struct {
		const char *more, *why;
	} cases[] = {
		{ "new A 192.0.2.4\nwww A 192.0.2.256\n", "a.zone:50006: A: " },
		{ "new A 192.0.2.4\nwww CNAME ns\nwww A 192.0.2.4\n",
		  "a.zone:50007: www.a.test. A: " },
	};
	char *text = huge(1, "");

	(void)state;
	start_one(text);
	free(text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_huge(10, cases[i].more);
		static_zones_reload(zones);
		wait_for("a.test", 0);
		cJSON *s = status_collect("zones");
		const char *error = json_text(cJSON_GetObjectItem(s, "a.test"), "error");
		if (strstr(error, cases[i].why) == NULL)
			fail_msg("%s", error);
		cJSON_Delete(s);
		assert_int_equal(serial("a.test."), 1);
		assert_null(rrset("a.test.", "new.a.test.", RRTYPE_A));
		put_huge(11, ""); /* the error goes with a good one */
		static_zones_reload(zones);
		wait_for("a.test", 11);
		put_huge(1, "");
		cJSON *left = status_collect("zones");
		assert_null(json_text(cJSON_GetObjectItem(left, "a.test"), "error"));
		cJSON_Delete(left);
		static_zones_free(zones); /* from the start again */
		zones = NULL;
		status_clear();
		zonedb_free(db);
		db = zonedb_new();
		text = huge(1, "");
		start_one(text);
		free(text);
	}
}

static void all_zones_are_loaded_anew_in_slices(void **state)
{
	const char **options = mem_calloc(301, sizeof(char *));

	(void)state;
	put_file("shared", HEAD);
	for (int i = 0; i < 300; i++)
		options[i] = mem_printf("zone=z%d.test=%s/shared", i, dir);
	start(options);
	put_file("shared", HEAD "www A 192.0.2.2\n");
	static_zones_reload(zones);
	for (int i = 0; i < 300; i++) {
		char *name = mem_printf("z%d.test", i);

		wait_for(name, 6);
		free(name);
		free((char *)(uintptr_t)options[i]);
	}
	free(options);
}

static int begin(void **state)
{
	(void)state;
	rcu_register_thread();
	return 0;
}

static int end(void **state)
{
	(void)state;
	rcu_unregister_thread();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(zones_are_loaded_at_the_start_and_ready),
		TEST(a_replaced_file_is_loaded_and_the_serial_rises),
		TEST(an_included_file_counts_too),
		TEST(a_mounted_config_map_is_followed),
		TEST(a_broken_file_changes_nothing_and_is_told),
		TEST(a_file_that_comes_later_makes_ready),
		TEST(what_others_put_stays_unless_the_file_changes_it),
		TEST(a_name_may_change_its_kind),
		TEST(wrong_options_are_refused),
		TEST(dump_and_reload_are_commands),
		TEST(a_huge_file_is_read_while_the_loop_goes_on),
		TEST(a_broken_huge_file_is_refused_whole_with_file_and_line),
		TEST(all_zones_are_loaded_anew_in_slices),
		TEST(ten_thousand_zones_are_served_at_once),
	};
	return cmocka_run_group_tests(tests, begin, end);
}

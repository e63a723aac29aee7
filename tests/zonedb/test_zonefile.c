/* zonefile: what master files mean, what is refused with which line, and the way back to text. */
#include "zonedb/zonefile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/strv.h"
#include "zonedb/txn.h"
#include "zonedb/version.h"
#include "zonedb/zonedb.h"

static char *dir;

static int collect(void *ctx, const struct zonefile_record *r, char **ret_why)
{
	struct buf *out = ctx;
	char name[DNAME_TEXT_MAX], type[16];

	(void)ret_why;
	buf_printf(out, "%s %u %s ", dname_to_text(r->owner, name), r->ttl,
		   rrtype_to_text(r->type, type));
	assert_int_equal(rdata_to_text(r->type, r->rdata, r->rdlen, out), 0);
	buf_putc(out, '\n');
	return 0;
}

static int parse(const char *text, struct buf *out, char **why)
{
	uint8_t origin[DNAME_MAX];

	assert_int_equal(dname_from_text("example.com", origin), 0);
	return zonefile_parse_text(text, strlen(text), "f", origin, collect, out, why);
}

static const struct {
	const char *what, *text, *records;
} good[] = {
	{ "an empty file", "", "" },
	{ "comments and blank lines", "; x\n\n  ; y\n\t\n", "" },
	{ "RFC 1035 5.3",
	  "@ 60 IN SOA VENERA Action\\.domains (\n\t20 ; SERIAL\n\t7200 ; "
	  "REFRESH\n\t600\n\t3600000\n\t60)\n"
	  "        NS      A.ISI.EDU.\n        NS      VENERA\n        MX      10      VENERA\n"
	  "VENERA  A       10.1.0.52\n        A       128.9.0.32\n",
	  "example.com. 60 SOA VENERA.example.com. Action\\.domains.example.com. 20 7200 600 "
	  "3600000 60\n"
	  "example.com. 60 NS A.ISI.EDU.\nexample.com. 60 NS VENERA.example.com.\n"
	  "example.com. 60 MX 10 VENERA.example.com.\nVENERA.example.com. 60 A 10.1.0.52\n"
	  "VENERA.example.com. 60 A 128.9.0.32\n" },
	{ "TTL and class in any order",
	  "$TTL 5\na IN 1m A 192.0.2.1\nb 1h IN A 192.0.2.1\nc A 192.0.2.1\n"
	  "d CLASS1 TYPE1 \\# 4 C0000201\n",
	  "a.example.com. 60 A 192.0.2.1\nb.example.com. 3600 A 192.0.2.1\nc.example.com. 5 A "
	  "192.0.2.1\n"
	  "d.example.com. 5 A 192.0.2.1\n" },
	{ "the last stated TTL without $TTL",
	  "a 7 A 192.0.2.1\nb A 192.0.2.1\nc 9 A 192.0.2.1\nd A 192.0.2.1\n",
	  "a.example.com. 7 A 192.0.2.1\nb.example.com. 7 A 192.0.2.1\nc.example.com. 9 A "
	  "192.0.2.1\n"
	  "d.example.com. 9 A 192.0.2.1\n" },
	{ "$TTL beats the last stated",
	  "$TTL 5\na 7 A 192.0.2.1\nb A 192.0.2.1\n$TTL 1d\nc A 192.0.2.1\n",
	  "a.example.com. 7 A 192.0.2.1\nb.example.com. 5 A 192.0.2.1\nc.example.com. 86400 A "
	  "192.0.2.1\n" },
	{ "MINIMUM for a SOA without a TTL", "@ SOA a b 1 2 3 4 55\n@ NS a\n",
	  "example.com. 55 SOA a.example.com. b.example.com. 1 2 3 4 55\nexample.com. 55 NS "
	  "a.example.com.\n" },
	{ "relative $ORIGIN",
	  "$TTL 1\n$ORIGIN sub\na A 192.0.2.1\n$ORIGIN deep\nb A 192.0.2.1\n"
	  "$ORIGIN other.example.com.\n@ A 192.0.2.1\n",
	  "a.sub.example.com. 1 A 192.0.2.1\nb.deep.sub.example.com. 1 A 192.0.2.1\n"
	  "other.example.com. 1 A 192.0.2.1\n" },
	{ "parentheses in strange places",
	  "$TTL 1\na ( ; x\n A ) ( 192.0.2.1\n\n)\nb A(192.0.2.2)\n"
	  "c TXT ( \"(;\" ; c\n  d)e\n",
	  "a.example.com. 1 A 192.0.2.1\nb.example.com. 1 A 192.0.2.2\n"
	  "c.example.com. 1 TXT \"(;\" \"d\" \"e\"\n" },
	{ "quotes and escapes",
	  "$TTL 1\na\\.b TXT \"a;b \\\"c\\\"\" \\; d\\ e \"\\065\"\n\\* A 192.0.2.1\n",
	  "a\\.b.example.com. 1 TXT \"a;b \\\"c\\\"\" \";\" \"d e\" \"A\"\n*.example.com. 1 A "
	  "192.0.2.1\n" },
	{ "names that look like classes, types and numbers",
	  "$TTL 1\nIN A 192.0.2.1\nA A 192.0.2.1\n12 A 192.0.2.1\n",
	  "IN.example.com. 1 A 192.0.2.1\nA.example.com. 1 A 192.0.2.1\n12.example.com. 1 A "
	  "192.0.2.1\n" },
	{ "CRLF and no newline at the end", "$TTL 1\r\na A 192.0.2.1\r\nb A 192.0.2.2",
	  "a.example.com. 1 A 192.0.2.1\nb.example.com. 1 A 192.0.2.2\n" },
	{ "$GENERATE",
	  "$TTL 1\n$GENERATE 1-3 h$ A 192.0.2.$\n$GENERATE 8-10/2 n${2,3} CNAME x${-8,0,x}\n"
	  "$GENERATE 9-11 $$ 5 IN TXT \"\\$${0,4,X}\"\n$GENERATE 18-18 ${0,3,n} PTR p\n$GENERATE "
	  "1-1 ${0,4,n}x PTR p\n$GENERATE 5-5 m$ MX \"10 mail$\"\n",
	  "h1.example.com. 1 A 192.0.2.1\nh2.example.com. 1 A 192.0.2.2\nh3.example.com. 1 A "
	  "192.0.2.3\n"
	  "n010.example.com. 1 CNAME x0.example.com.\nn012.example.com. 1 CNAME x2.example.com.\n"
	  "\\$.example.com. 5 TXT \"$0009\"\n\\$.example.com. 5 TXT \"$000A\"\n\\$.example.com. 5 "
	  "TXT \"$000B\"\n"
	  "2.1.example.com. 1 PTR p.example.com.\n1.0.x.example.com. 1 PTR "
	  "p.example.com.\nm5.example.com. 1 MX 10 mail5.example.com.\n" },
	{ "unknown types", "$TTL 1\na TYPE65280 \\# 3 ( 01\n 0203 )\n",
	  "a.example.com. 1 TYPE65280 \\# 3 010203\n" },
};

static void master_files_mean_what_rfc_1035_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf out = { 0 };
		char *why = NULL;

		if (parse(good[i].text, &out, &why))
			fail_msg("%s: %s", good[i].what, why);
		if (strcmp(buf_str(&out), good[i].records) != 0)
			fail_msg("%s:\n%s", good[i].what, buf_str(&out));
		buf_fini(&out);
	}
}

static const struct {
	const char *text, *why; /* a part of it */
} bad[] = {
	{ "$TTL 1\na A 192.0.2.1\nb A 192.0.2\n", "f:3: A: not an IPv4 address" },
	{ "$TTL 1\n\na A (\n192.0.2.1\n", "f:3: a parenthesis is not closed" },
	{ "$TTL 1\na A 192.0.2.1 )\n", "f:2: a parenthesis is closed" },
	{ "$TTL 1\na TXT \"x\nb A 192.0.2.1\n", "f:2: a quote is not closed" },
	{ "$TTL 1\na NOSUCH (x)", "f:2: unknown type: NOSUCH" },
	{ "$TTL 1\na TXT x\\\n", "f:2: a backslash" },
	{ "$TTL 1\na TXT (\n\n\"x\n)\n", "f:4: a quote is not closed" },
	{ "a A 192.0.2.1\n", "f:1: no TTL" },
	{ "$TTL 1\n  A 192.0.2.1\n", "f:2: the first record has no owner" },
	{ "$TTL 1\na.example.net. A 192.0.2.1\n",
	  "f:2: the name is not in the zone: a.example.net." },
	{ "$TTL 1\n$ORIGIN example.net.\na A 192.0.2.1\n", "f:3: the name is not in the zone: a" },
	{ "$TTL 1\n$ORIGIN net.\n@ A 192.0.2.1\n", "f:3: the name is not in the zone: @" },
	{ "$TTL 1\na..b A 192.0.2.1\n", "f:2: not a name" },
	{ "$TTL 1\na CH A 192.0.2.1\n", "f:2: only class IN" },
	{ "$TTL 1\na NOSUCH x\n", "f:2: unknown type: NOSUCH" },
	{ "$TTL 1\na ANY x\n", "f:2: only class IN" },
	{ "$TTL 1\na AXFR x\n", "f:2: no type for a zone" },
	{ "$TTL 1\na\n", "f:2: a type is missing" },
	{ "$TTL 1\na MX 65536 b\n", "f:2: MX: the number is too large" },
	{ "$TTL 1\na MX -1 b\n", "f:2: MX: not a number" },
	{ "$TTL 1\n@ SOA a b 4294967296 2 3 4 5\n", "f:2: SOA: the number is too large" },
	{ "$TTL 1\na SSHFP 1 1 00\n", "f:2: SSHFP: wrong length" },
	{ "$TTL 1\na NSEC b\n", "f:2: NSEC: wrong length" },
	{ "$TTL 1\na TYPE1 \\# 5 C000020100\n", "f:2: A: wrong length" },
	{ "$TTL 1\na A \\# 4 C00002\n", "f:2: A: the length after" },
	{ "$TTL 2147483648\n", "f:1: $TTL needs" },
	{ "a 2147483648 A 192.0.2.1\n", "f:1: wrong TTL" },
	{ "a 1x A 192.0.2.1\n", "f:1: wrong TTL" },
	{ "$TTL\n", "f:1: $TTL needs" },
	{ "$TTL 1 2\n", "f:1: surplus" },
	{ "$ORIGIN\n", "f:1: $ORIGIN needs" },
	{ "$NOSUCH\n", "f:1: unknown directive: $NOSUCH" },
	{ "$INCLUDE\n", "f:1: $INCLUDE needs" },
	{ "\n$INCLUDE /nonexistent/x\n", "f:2: /nonexistent/x: No such file" },
	{ "$TTL 1\n$GENERATE 1-2 a\n", "f:2: a type is missing" },
	{ "$TTL 1\n$GENERATE 2-1 a$ A 192.0.2.$\n", "f:2: $GENERATE needs" },
	{ "$TTL 1\n$GENERATE 0-2147483648 a$ A 192.0.2.$\n", "f:2: $GENERATE needs" },
	{ "$TTL 1\n$GENERATE 0-2000000 a$ TXT x\n", "f:2: $GENERATE makes too many" },
	{ "$TTL 1\n$GENERATE 1-2 a${0,300} A 192.0.2.$\n", "f:2: wrong ${" },
	{ "$TTL 1\n$GENERATE 1-2 a${0 A 192.0.2.$\n", "f:2: wrong ${" },
	{ "$TTL 1\n$GENERATE 254-256 a$ A 192.0.2.$\n", "f:2: A: not an IPv4" },
};

static void a_broken_file_is_refused_with_its_line_and_why(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buf out = { 0 };
		char *why = NULL;

		if (parse(bad[i].text, &out, &why) == 0)
			fail_msg("%s was taken", bad[i].text);
		if (why == NULL || strncmp(why, bad[i].why, strlen(bad[i].why)) != 0)
			fail_msg("%s: %s", bad[i].text, why ? why : "no reason");
		free(why);
		buf_fini(&out);
	}
}

/* --- files ------------------------------------------------------------------------------ */

static char *write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void includes_are_relative_to_the_file_and_keep_the_origin(void **state)
{
	struct strv files = { 0 };
	struct buf out = { 0 };
	char *why = NULL, *sub = mem_printf("%s/sub", dir);
	uint8_t origin[DNAME_MAX];

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	free(write_file("sub/one",
			"$INCLUDE two\nx A 192.0.2.1\n$ORIGIN elsewhere.example.com.\n"));
	free(write_file("sub/two", "y A 192.0.2.2\n"));
	char *path =
		write_file("main", "$TTL 1\n@ A 192.0.2.9\n$INCLUDE \"sub/one\" in\n A 192.0.2.3\n"
				   "$INCLUDE sub/two\n");
	assert_int_equal(dname_from_text("example.com", origin), 0);
	if (zonefile_parse(path, origin, collect, &out, &files, &why))
		fail_msg("%s", why);
	assert_string_equal(buf_str(&out),
			    "example.com. 1 A 192.0.2.9\ny.in.example.com. 1 A 192.0.2.2\n"
			    "x.in.example.com. 1 A 192.0.2.1\nexample.com. 1 A 192.0.2.3\n"
			    "y.example.com. 1 A 192.0.2.2\n");
	assert_int_equal(files.n, 3);
	assert_string_equal(files.s[0], path);
	strv_fini(&files);
	buf_fini(&out);
	free(path);
	free(sub);
}

static void include_loops_and_endless_depth_are_refused(void **state)
{
	struct buf out = { 0 };
	char *why = NULL;
	uint8_t origin[DNAME_MAX];

	(void)state;
	assert_int_equal(dname_from_text("example.com", origin), 0);
	char *a = write_file("loop-a", "$INCLUDE loop-b\n");
	free(write_file("loop-b", "\n$INCLUDE ./loop-a\n"));
	assert_int_equal(zonefile_parse(a, origin, collect, &out, NULL, &why), ERR_SYNTAX);
	assert_non_null(strstr(why, "loop-b:2: "));
	assert_non_null(strstr(why, "loop"));
	free(why);
	free(a);
	for (int i = 0; i <= ZONEFILE_INCLUDE_MAX + 1; i++) {
		char name[32], text[64];

		(void)snprintf(name, sizeof(name), "deep-%d", i);
		(void)snprintf(text, sizeof(text), "$INCLUDE deep-%d\n", i + 1);
		free(write_file(name, text));
	}
	char *deep = mem_printf("%s/deep-0", dir);
	assert_int_equal(zonefile_parse(deep, origin, collect, &out, NULL, &why), ERR_LIMIT);
	free(why);
	assert_int_equal(zonefile_parse(dir, origin, collect, &out, NULL, &why), ERR_SYNTAX);
	assert_non_null(strstr(why, "is a directory"));
	free(why);
	free(deep);
}

/* --- the database ------------------------------------------------------------------------- */

#define HEAD "$TTL 60\n@ SOA ns host 5 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

static int load(struct zonedb *db, const char *path, char **why)
{
	struct txn *t = txn_begin(db);
	uint8_t origin[DNAME_MAX];

	assert_int_equal(dname_from_text("example.com", origin), 0);
	int err = zonefile_load(t, path, origin, NULL, NULL, why);
	if (err)
		txn_abort(t);
	else
		err = txn_commit(t, why);
	return err;
}

static char *print(struct zonedb *db)
{
	struct buf out = { 0 };
	uint8_t origin[DNAME_MAX];

	assert_int_equal(dname_from_text("example.com", origin), 0);
	zonefile_print(zonedb_zone(zonedb_current(db), origin), &out);
	return buf_take(&out);
}

static void a_zone_loads_prints_and_loads_again_the_same(void **state)
{
	struct zonedb *db = zonedb_new(), *again = zonedb_new();
	char *why = NULL;

	(void)state;
	char *path = write_file("zone", HEAD "WWW A 192.0.2.2\nb TXT \"x\"\nwww A 192.0.2.3\n"
					     "www 9 A 192.0.2.2\n*.w CNAME www\n"
					     "svc HTTPS 1 . alpn=h2 port=8443\n");
	if (load(db, path, &why))
		fail_msg("%s", why);
	char *text = print(db);
	assert_string_equal(
		text, "example.com.\t60\tIN\tSOA\tns.example.com. host.example.com. 5 2 3 4 5\n"
		      "example.com.\t60\tIN\tNS\tns.example.com.\n"
		      "b.example.com.\t60\tIN\tTXT\t\"x\"\n"
		      "ns.example.com.\t60\tIN\tA\t192.0.2.1\n"
		      "svc.example.com.\t60\tIN\tHTTPS\t1 . alpn=\"h2\" port=8443\n"
		      "*.w.example.com.\t60\tIN\tCNAME\twww.example.com.\n"
		      "WWW.example.com.\t60\tIN\tA\t192.0.2.2\n"
		      "WWW.example.com.\t60\tIN\tA\t192.0.2.3\n");
	char *printed = write_file("printed", text);
	if (load(again, printed, &why))
		fail_msg("%s", why);
	char *text_again = print(again);
	assert_string_equal(text_again, text);
	free(text);
	free(text_again);
	free(path);
	free(printed);
	zonedb_free(db);
	zonedb_free(again);
}

static const struct {
	const char *text, *why;
} unloadable[] = {
	{ HEAD "www CNAME a\nwww A 192.0.2.1\n", "www.example.com. A (line 6): conflicts" },
	{ HEAD "www A 192.0.2.1\nx A 192.0.2.1\nwww CNAME a\nz A 192.0.2.1\n",
	  "www.example.com. CNAME (line 7): conflicts" },
	{ HEAD "x CNAME a\nx CNAME b\n", "x.example.com. CNAME (line 5): conflicts" },
	{ HEAD "x SOA a b 1 2 3 4 5\n", "SOA (line 5): a second SOA" },
	{ "$TTL 1\n@ NS a\n", "no SOA" },
	{ "@ 60 SOA a b 1 2 3 4 5\n", "no NS" },
	{ "", "no SOA" },
};

static void a_zone_that_cannot_be_is_refused_and_the_old_one_stays(void **state)
{
	struct zonedb *db = zonedb_new();
	char *why = NULL;

	(void)state;
	char *path = write_file("zone", HEAD);
	assert_int_equal(load(db, path, &why), 0);
	char *before = print(db);
	for (size_t i = 0; i < ARRAY_SIZE(unloadable); i++) {
		free(path);
		path = write_file("zone", unloadable[i].text);
		if (load(db, path, &why) == 0)
			fail_msg("%s was taken", unloadable[i].text);
		if (strstr(why, unloadable[i].why) == NULL)
			fail_msg("%s: %s", unloadable[i].text, why);
		free(why);
		why = NULL;
		char *after = print(db);
		assert_string_equal(after, before);
		free(after);
	}
	free(before);
	free(path);
	zonedb_free(db);
}

static void a_check_names_zone_records_and_serial(void **state)
{
	char *summary = NULL, *why = NULL;
	char *path = write_file("zone", "$ORIGIN example.net.\n" HEAD);
	uint8_t origin[DNAME_MAX];

	(void)state;
	assert_int_equal(zonefile_check(path, NULL, &summary, &why), 0);
	assert_string_equal(summary, "zone example.net.: 3 records, serial 5");
	free(summary);
	assert_int_equal(dname_from_text("example.com", origin), 0);
	assert_int_equal(zonefile_check(path, origin, &summary, &why), ERR_RANGE);
	free(why);
	free(path);
	path = write_file("zone", "$TTL 1\na A 192.0.2.1\n");
	assert_int_equal(zonefile_check(path, NULL, &summary, &why), ERR_SYNTAX);
	free(why);
	free(path);
	path = write_file("zone", HEAD);
	assert_int_equal(zonefile_check(path, NULL, &summary, &why), ERR_SYNTAX);
	assert_non_null(strstr(why, "ORIGIN=FILE"));
	free(why);
	free(path);
}

static int setup(void **state)
{
	static char template[] = "/tmp/test_zonefile.XXXXXX";

	(void)state;
	rcu_register_thread();
	dir = mkdtemp(template);
	return dir == NULL;
}

static int teardown(void **state)
{
	char *command = mem_printf("rm -rf '%s'", dir);

	(void)state;
	int rc = system(command); /* our own directory */
	free(command);
	rcu_unregister_thread();
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(master_files_mean_what_rfc_1035_says),
		cmocka_unit_test(a_broken_file_is_refused_with_its_line_and_why),
		cmocka_unit_test(includes_are_relative_to_the_file_and_keep_the_origin),
		cmocka_unit_test(include_loops_and_endless_depth_are_refused),
		cmocka_unit_test(a_zone_loads_prints_and_loads_again_the_same),
		cmocka_unit_test(a_zone_that_cannot_be_is_refused_and_the_old_one_stays),
		cmocka_unit_test(a_check_names_zone_records_and_serial),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

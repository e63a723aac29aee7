/* Tests of EDNS options, sizes and truncation (reference rows 51..68). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "tests/server/harness.h"
#include "zonedb/selector.h"
#include "zonedb/txn.h"

#define SOA    "z.test. 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
#define ANSWER "NOERROR aa\nAN www.z.test. 300 A 192.0.2.1\n"
/* of the harness's secret, client and time */
#define CLIENT "0102030405060708"
#define SERVER "010000006b49d2001eab8419a2c37bbd"

static const char zones[] =
	"z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
	"z.test 3600 NS ns1.z.test.\n"
	"www.z.test 300 A 192.0.2.1\n"
	"alias.z.test 300 CNAME www.y.test.\n"
	"sub.z.test 300 NS ns.sub.z.test.\n"
	"agent.z.test 300 TXT \"x\"\n"
	"y.test 3600 SOA ns1.z.test. admin.y.test. 4294967295 7200 3600 600 30\n"
	"y.test 3600 NS ns1.z.test.\n"
	"www.y.test 300 A 192.0.2.2\n";

static const struct row {
	const char *rule;
	const char *question;
	const char *answer;
} rows[] = {
	{ "RFC 5001: no NSID unless configured", "www.z.test A +opt=3:", ANSWER "OPT 1232\n" },
	{ "RFC 7873 5.2.3: a client cookie gets a server cookie", "www.z.test A +opt=10:" CLIENT,
	  ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 9018: a good one comes back", "www.z.test A +opt=10:" CLIENT SERVER,
	  ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 7873 5.2.4: a wrong one is answered with a new one",
	  "www.z.test A +opt=10:" CLIENT "ffffffffffffffffffffffffffffffff",
	  ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 7873 5.2.2: 7 octets", "www.z.test A +opt=10:01020304050607",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7873 5.2.2: 9 octets", "www.z.test A +opt=10:010203040506070809",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7873 5.2.2: 15 octets", "www.z.test A +opt=10:" CLIENT "01020304050607",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7873 5.2.2: 16 octets are a short server cookie",
	  "www.z.test A +opt=10:" CLIENT CLIENT, ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 7873 5.2.2: 40 octets", "www.z.test A +opt=10:" CLIENT CLIENT CLIENT CLIENT CLIENT,
	  ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 7873 5.2.2: 41 octets",
	  "www.z.test A +opt=10:" CLIENT CLIENT CLIENT CLIENT CLIENT "00", "FORMERR\nOPT 1232\n" },
	{ "RFC 7873 5.2: of two cookies the first counts",
	  "www.z.test A +opt=10:" CLIENT " +opt=10:ffffffffffffffff",
	  ANSWER "OPT 1232 10:" CLIENT SERVER "\n" },
	{ "RFC 7871 7.2.1: the subnet comes back with scope 0",
	  "www.z.test A +opt=8:00011800c00002", ANSWER "OPT 1232 8:00011800c00002\n" },
	{ "RFC 7871: IPv6", "www.z.test A +opt=8:0002300020010db80001",
	  ANSWER "OPT 1232 8:0002300020010db80001\n" },
	{ "RFC 7871 7.1.2: a source of 0", "www.z.test A +opt=8:00010000",
	  ANSWER "OPT 1232 8:00010000\n" },
	{ "dig +subnet=0: family 0", "www.z.test A +opt=8:00000000",
	  ANSWER "OPT 1232 8:00000000\n" },
	{ "RFC 7871 6: full length", "www.z.test A +opt=8:00012000c0000201",
	  ANSWER "OPT 1232 8:00012000c0000201\n" },
	{ "RFC 7871 6: 33 bits of IPv4", "www.z.test A +opt=8:00012100c000020100",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: 129 bits of IPv6",
	  "www.z.test A +opt=8:0002810020010db800000000000000000000000000", "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: bits behind the prefix", "www.z.test A +opt=8:00011700c00003",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: no bits behind the prefix", "www.z.test A +opt=8:00011700c00002",
	  ANSWER "OPT 1232 8:00011700c00002\n" },
	{ "RFC 7871 6: an octet too many", "www.z.test A +opt=8:00011800c0000200",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: an octet too few", "www.z.test A +opt=8:00011800c000",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: scope in a query", "www.z.test A +opt=8:00011818c00002",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: family 3", "www.z.test A +opt=8:00031800c00002", "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: family 0 with a prefix", "www.z.test A +opt=8:00000800c0",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871 6: shorter than its fixed part", "www.z.test A +opt=8:000118",
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 7871: two subnets", "www.z.test A +opt=8:00011800c00002 +opt=8:00011800c00002",
	  "FORMERR\nOPT 1232 8:00011800c00002\n" },
	{ "RFC 7314 3.1: EXPIRE with the SOA",
	  "z.test SOA +opt=9:", "NOERROR aa\nAN " SOA "OPT 1232 9:00015180\n" },
	{ "RFC 7314: not with other types", "www.z.test A +opt=9:", ANSWER "OPT 1232\n" },
	{ "RFC 7314: not where there is no SOA", "www.z.test SOA +opt=9:",
	  "NOERROR aa\nNS z.test. 30 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
	  "OPT 1232\n" },
	{ "RFC 7828 3.2.1: no keepalive over UDP", "www.z.test A +opt=11:", ANSWER "OPT 1232\n" },
	{ "RFC 7828 3.3.2: over TCP the idle time-out", "www.z.test A +opt=11: +tcp",
	  ANSWER "OPT 1232 11:0064\n" },
	{ "RFC 7828 3.3.1: a client names no time-out", "www.z.test A +opt=11:0064 +tcp",
	  "FORMERR\nOPT 1232 11:0064\n" },
	{ "RFC 7830: no padding without encryption", "www.z.test A +opt=12:0000",
	  ANSWER "OPT 1232\n" },
	{ "RFC 9660: the zone's version",
	  "www.z.test A +opt=19:", ANSWER "OPT 1232 19:020000000007\n" },
	{ "RFC 9660: with NXDOMAIN as well", "nope.y.test A +opt=19:",
	  "NXDOMAIN aa\nNS y.test. 30 SOA ns1.z.test. admin.y.test. 4294967295 7200 3600 600 30\n"
	  "OPT 1232 19:0200ffffffff\n" },
	{ "RFC 9660: not out of our zones",
	  "www.example.net A +opt=19:", "REFUSED\nOPT 1232 15:0014\n" },
	{ "RFC 9660: not with a referral",
	  "a.sub.z.test A +opt=19:", "NOERROR\nNS sub.z.test. 300 NS ns.sub.z.test.\nOPT 1232\n" },
	{ "RFC 9660 2: a query has no version", "www.z.test A +opt=19:00", "FORMERR\nOPT 1232\n" },
	{ "many options at once", "z.test SOA +opt=3: +opt=9: +opt=19: +opt=8:00011800c00002 +do",
	  "NOERROR aa\nAN " SOA "OPT 1232 do 8:00011800c00002 9:00015180 19:020000000007\n" },
};

static int setup(void **state)
{
	(void)state;
	harness_start();
	harness_zones(zones);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	harness_stop();
	return 0;
}

static void each_option_follows_its_rule(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = harness_ask(rows[i].question);

		if (strcmp(got, rows[i].answer) == 0)
			continue;
		failed++;
		print_error("%s\n%s\nwant:\n%sgot:\n%s\n", rows[i].rule, rows[i].question,
			    rows[i].answer, got);
	}
	assert_int_equal(failed, 0);
}

static void nsid_is_told_when_configured(void **state)
{
	(void)state;
	harness.settings.nsid = mem_strdup("fra1");
	assert_string_equal(harness_ask("www.z.test A +opt=3:"), ANSWER "OPT 1232 3:66726131\n");
	assert_string_equal(harness_ask("www.z.test A +edns"), ANSWER "OPT 1232\n");
	assert_string_equal(harness_ask("www.example.net A +opt=3:"),
			    "REFUSED\nOPT 1232 3:66726131 15:0014\n");
}

/* RFC 9567 */
static void the_report_agent_is_told_but_not_below_itself(void **state)
{
	(void)state;
	assert_int_equal(dname_from_text("agent.z.test", harness.settings.report_agent), 0);
	assert_string_equal(harness_ask("www.z.test A +edns"),
			    ANSWER "OPT 1232 18:056167656e74017a047465737400\n");
	assert_string_equal(harness_ask("agent.z.test A +edns"),
			    "NOERROR aa\nNS z.test. 30 SOA ns1.z.test. admin.z.test. 7 7200 3600 "
			    "86400 30\nOPT 1232\n");
	assert_string_equal(harness_ask("www.z.test A"), ANSWER);
}

static void chaos_names_are_told_when_configured(void **state)
{
	static const struct row cases[] = {
		{ "", "id.server TXT +class=3",
		  "NOERROR aa\nAN id.server. 0 CLASS3 TXT \"fra1\"\n" },
		{ "", "HostName.Bind TXT +class=3",
		  "NOERROR aa\nAN HostName.Bind. 0 CLASS3 TXT \"fra1\"\n" },
		{ "", "id.server ANY +class=3",
		  "NOERROR aa\nAN id.server. 0 CLASS3 TXT \"fra1\"\n" },
		{ "", "version.bind TXT +class=3", "REFUSED\n" },
		{ "", "version.server TXT +class=3", "REFUSED\n" },
		{ "", "id.server A +class=3", "REFUSED\n" },
		{ "", "www.z.test TXT +class=3", "REFUSED\n" },
		{ "", "id.server TXT +class=1", "REFUSED\n" },
	};

	(void)state;
	harness.settings.id_server = mem_strdup("fra1");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(harness_ask(cases[i].question), cases[i].answer);
	harness.settings.version = mem_strdup("1.0");
	assert_string_equal(harness_ask("version.bind TXT +class=3"),
			    "NOERROR aa\nAN version.bind. 0 CLASS3 TXT \"1.0\"\n");
	/* one string holds 255 octets */
	free(harness.settings.version);
	harness.settings.version = mem_alloc(1000);
	memset(harness.settings.version, 'v', 999);
	harness.settings.version[999] = '\0';
	(void)harness_ask("version.server TXT +class=3");
	assert_int_equal(harness.len, 12 + 16 + 4 + 12 + 256);
	/* and does not fit beside this: */
	assert_int_equal(harness.msg[harness.len - 256], 255);
}

static void a_good_cookie_exempts_from_rate_limits(void **state)
{
	(void)state;
	(void)harness_ask("www.z.test A +opt=10:" CLIENT);
	assert_false(harness.answerer.account.exempt);
	(void)harness_ask("www.z.test A +opt=10:" CLIENT SERVER);
	assert_true(harness.answerer.account.exempt);
	(void)harness_ask("www.z.test A");
	assert_false(harness.answerer.account.exempt);
	(void)harness_ask("www.z.test A +tcp");
	assert_true(harness.answerer.account.exempt);
}

/* RFC 7873 5.2.3: by policy alone. */
static void cookies_may_be_required(void **state)
{
	(void)state;
	harness.settings.cookie_required = true;
	assert_string_equal(harness_ask("www.z.test A +opt=10:" CLIENT),
			    "BADCOOKIE\nOPT 1232 10:" CLIENT SERVER "\n");
	assert_string_equal(
		harness_ask("www.z.test A +opt=10:" CLIENT "ffffffffffffffffffffffffffffffff"),
		"BADCOOKIE\nOPT 1232 10:" CLIENT SERVER "\n");
	assert_string_equal(harness_ask("www.z.test A +opt=10:" CLIENT SERVER),
			    ANSWER "OPT 1232 10:" CLIENT SERVER "\n");
	assert_string_equal(harness_ask("www.z.test A +edns"), "NOERROR tc\nOPT 1232\n");
	assert_string_equal(harness_ask("www.z.test A"), "NOERROR tc\n");
	assert_string_equal(harness_ask("www.z.test A +tcp"), ANSWER);
}

/* One TXT whose answer has exactly N octets with a 12-octet name and no OPT. */
static void put_txt(const char *owner, size_t answer_len)
{
	/* header 12, question name + 4, RR 12, strings of at most 255 + 1 */
	uint8_t name[DNAME_MAX];
	uint8_t rdata[65535];
	static uint8_t origin[DNAME_MAX];
	size_t at = 0;

	(void)dname_from_text("z.test", origin);
	(void)dname_from_text(owner, name);
	size_t rest = answer_len - 12 - dname_len(name) - 4 - 12;
	while (rest) {
		size_t n = rest > 256 ? 256 : rest;

		if (rest - n == 0 || rest - n > 1 || n == 1) {
			rdata[at] = (uint8_t)(n - 1);
		} else {
			n--;
			rdata[at] = (uint8_t)(n - 1);
		}
		memset(rdata + at + 1, 'x', n - 1);
		at += n;
		rest -= n;
	}
	struct rdata rd = { rdata, (uint16_t)at };
	struct txn *t = txn_begin(harness.db);
	assert_int_equal(txn_put_rrset(t, origin, name, RRTYPE_TXT, 1, &rd, 1), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
}

/* RFC 2181 9, RFC 6891 6.2.5: what fits exactly is not truncated; else whole RRsets go. */
static void answers_are_cut_at_the_clients_size_exactly(void **state)
{
	static const struct {
		size_t len; /* of the message without OPT */
		const char *options;
		bool truncated;
	} cases[] = {
		{ 512, "", false },
		{ 513, "", true },
		{ 501, "+bufsize=512", false },
		{ 502, "+bufsize=512", true },
		{ 501, "+bufsize=100", false },
		{ 889, "+bufsize=900", false },
		{ 890, "+bufsize=900", true },
		{ 1221, "+bufsize=1232", false },
		{ 1222, "+bufsize=1232", true },
		{ 1221, "+bufsize=4096", false },
		{ 1222, "+bufsize=4096", true },
		{ 1222, "+bufsize=65535", true },
		{ 4000, "+tcp", false },
		{ 4000, "+tcp +bufsize=512", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char question[100];

		put_txt("t.z.test", cases[i].len);
		snprintf(question, sizeof(question), "t.z.test TXT %s", cases[i].options);
		const char *got = harness_ask(question);
		bool opt = strstr(cases[i].options, "bufsize") != NULL;
		if (cases[i].truncated) {
			assert_string_equal(got,
					    opt ? "NOERROR aa tc\nOPT 1232\n" : "NOERROR aa tc\n");
		} else {
			assert_memory_equal(got, "NOERROR aa\nAN ", 14);
			assert_int_equal(harness.len, cases[i].len + (opt ? 11 : 0));
		}
	}
}

static void what_is_already_there_stays_when_the_rest_is_cut(void **state)
{
	(void)state;
	put_txt("t.z.test", 600);
	harness_zones("c.z.test 60 CNAME t.z.test.\n");
	assert_string_equal(harness_ask("c.z.test TXT"),
			    "NOERROR aa tc\nAN c.z.test. 60 CNAME t.z.test.\n");
}

/* Additional data is left out without a word, whole RRsets at a time. */
static void additional_data_is_optional(void **state)
{
	char records[20000] = "";

	(void)state;
	for (int i = 0; i < 12; i++)
		snprintf(records + strlen(records), 100, "z.test 3600 MX 10 mail%02d.z.test.\n", i);
	for (int i = 0; i < 12; i++)
		for (int k = 0; k < 3; k++)
			snprintf(records + strlen(records), 100,
				 "mail%02d.z.test 300 A 192.0.2.%d\n", i, k);
	harness_zones(records);
	const char *got = harness_ask("z.test MX");
	assert_memory_equal(got, "NOERROR aa\n", 11);
	unsigned additional = 0;
	for (const char *p = got; (p = strstr(p, "\nAR ")) != NULL; p++)
		additional++;
	assert_int_equal(additional % 3, 0);
	assert_in_range(additional, 3, 33);
	assert_in_range(harness.len, 400, 512);
}

/* RFC 9471: glue that the resolver needs is there, or TC says that it is not. */
static void missing_glue_sets_tc(void **state)
{
	char records[20000] = "";

	(void)state;
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "d.z.test 3600 NS ns%02d.d.z.test.\n", i);
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "ns%02d.d.z.test 300 A 192.0.2.%d\n", i,
			 i);
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "s.z.test 3600 NS ns%02d.o.z.test.\n", i);
	for (int i = 0; i < 14; i++)
		snprintf(records + strlen(records), 100, "ns%02d.o.z.test 300 AAAA 2001:db8::%d\n",
			 i, i);
	harness_zones(records);
	assert_memory_equal(harness_ask("a.d.z.test A"), "NOERROR tc\nNS d.z.test.", 23);
	assert_memory_equal(harness_ask("a.d.z.test A +bufsize=1232"), "NOERROR\nNS d.z.test.", 20);
	/* names beside the cut are only a help */
	assert_memory_equal(harness_ask("a.s.z.test A"), "NOERROR\nNS s.z.test.", 20);
	/* an NS RRset that does not fit is left out whole */
	for (int i = 14; i < 60; i++)
		snprintf(records + strlen(records), 100, "d.z.test 3600 NS ns%02d.d.z.test.\n", i);
	records[0] = '\0';
	for (int i = 0; i < 60; i++)
		snprintf(records + strlen(records), 100, "d.z.test 3600 NS ns%02d.d.z.test.\n", i);
	harness_zones(records);
	assert_string_equal(harness_ask("a.d.z.test A"), "NOERROR tc\n");
}

/* Names beyond the reach of pointers (offset 0x3fff) are written in full. */
static void large_tcp_answers_are_whole(void **state)
{
	struct txn *t = txn_begin(harness.db);
	static uint8_t origin[DNAME_MAX];
	uint8_t name[DNAME_MAX];
	static uint8_t bytes[3000][24];
	static struct rdata rd[3000];

	(void)state;
	(void)dname_from_text("z.test", origin);
	(void)dname_from_text("mx.z.test", name);
	for (unsigned i = 0; i < 1500; i++) {
		char text[64];

		bytes[i][0] = 0;
		bytes[i][1] = (uint8_t)i;
		snprintf(text, sizeof(text), "m%04u.z.test", i);
		assert_int_equal(dname_from_text(text, bytes[i] + 2), 0);
		rd[i] = (struct rdata){ bytes[i], (uint16_t)(2 + dname_len(bytes[i] + 2)) };
	}
	assert_int_equal(txn_put_rrset(t, origin, name, RRTYPE_MX, 60, rd, 1500), 0);
	for (unsigned i = 0; i < 1500; i++) {
		const uint8_t a[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		struct rdata one = { a, 4 };

		assert_int_equal(txn_put_rrset(t, origin, bytes[i] + 2, RRTYPE_A, 60, &one, 1), 0);
	}
	assert_int_equal(txn_commit(t, NULL), 0);
	const char *got = harness_ask("mx.z.test MX +tcp");
	assert_memory_equal(got, "NOERROR aa\nAN mx.z.test. 60 MX 0 m0000.z.test.\n", 47);
	assert_non_null(strstr(got, "MX 219 m1499.z.test.\n"));
	assert_non_null(strstr(got, "\nAR m0000.z.test. 60 A 10.0.0.0\n"));
	assert_null(strstr(got, "m0064.z.test. 60 A")); /* 64 hosts are enough */
}

/* --- variants chosen by a selector --------------------------------------- */

struct by_net {
	struct selector s;
	struct selector_client seen;
	uint8_t scope;
};

/* Third octet of an IPv4 address, modulo variants; everything else gets 0. */
static unsigned select_by_net(const struct selector *s, const struct selector_client *c,
			      uint32_t rnd, uint8_t *ret_scope)
{
	struct by_net *b = (struct by_net *)(uintptr_t)s;

	(void)rnd;
	b->seen = *c;
	*ret_scope = b->scope;
	return c->family == 4 ? c->bytes[2] : 99;
}

static void put_selected(struct by_net *b)
{
	static uint8_t origin[DNAME_MAX];
	uint8_t name[DNAME_MAX];
	const struct rdata a[] = { { (const uint8_t *)"\xc0\0\2\1", 4 },
				   { (const uint8_t *)"\xc0\0\2\2", 4 } };
	const struct variant_spec variants[] = {
		{ a, 2, 0 }, { a, 1, 5 }, { a + 1, 1, 0 }, { NULL, 0, 0 }
	};
	struct rrset_spec spec = { .owner = name,
				   .type = RRTYPE_A,
				   .ttl = 30,
				   .variants = variants,
				   .nvariants = 4,
				   .selector = &b->s };
	struct txn *t = txn_begin(harness.db);

	(void)dname_from_text("z.test", origin);
	(void)dname_from_text("geo.z.test", name);
	assert_int_equal(txn_put(t, origin, &spec), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
}

static void a_selector_chooses_by_client(void **state)
{
	static struct by_net b = { .s = { .select = select_by_net, .needs_client = true },
				   .scope = 24 };

	(void)state;
	put_selected(&b);
	/* the harness asks from 198.51.100.7: 100 is no variant, so it is the first */
	assert_string_equal(harness_ask("geo.z.test A"),
			    "NOERROR aa\nAN geo.z.test. 30 A 192.0.2.1\n"
			    "AN geo.z.test. 30 A 192.0.2.2\n");
	assert_false(b.seen.is_ecs);
	assert_int_equal(b.seen.prefix_len, 32);
	assert_string_equal(harness_ask("geo.z.test A +opt=8:000118000a0001"),
			    "NOERROR aa\nAN geo.z.test. 5 A 192.0.2.1\n"
			    "OPT 1232 8:000118180a0001\n");
	assert_true(b.seen.is_ecs);
	assert_int_equal(b.seen.prefix_len, 24);
	assert_string_equal(harness_ask("geo.z.test A +opt=8:000118000a0002"),
			    "NOERROR aa\nAN geo.z.test. 30 A 192.0.2.2\n"
			    "OPT 1232 8:000118180a0002\n");
	/* an empty variant is NODATA: the name exists */
	assert_string_equal(harness_ask("geo.z.test A +opt=8:000118000a0003"),
			    "NOERROR aa\nNS z.test. 30 SOA ns1.z.test. admin.z.test. 8 7200 3600 "
			    "86400 30\nOPT 1232 8:000118180a0003\n");
	/* RFC 7871 7.1.2: who sends 0 bits does not want to be placed; the source decides */
	(void)harness_ask("geo.z.test A +opt=8:00010000");
	assert_false(b.seen.is_ecs);
	/* IPv6 */
	(void)harness_ask("geo.z.test A +opt=8:0002300020010db80001");
	assert_true(b.seen.is_ecs);
	assert_int_equal(b.seen.family, 6);
}

static void a_subnet_from_strangers_does_not_choose(void **state)
{
	static struct by_net b = { .s = { .select = select_by_net, .needs_client = true },
				   .scope = 24 };
	struct netprefix trusted;

	(void)state;
	put_selected(&b);
	harness.settings.ecs_trust_all = false;
	assert_string_equal(harness_ask("geo.z.test A +opt=8:000118000a0001"),
			    "NOERROR aa\nAN geo.z.test. 30 A 192.0.2.1\n"
			    "AN geo.z.test. 30 A 192.0.2.2\nOPT 1232 8:000118000a0001\n");
	assert_int_equal(netprefix_from_text("198.51.100.0/24", &trusted), 0);
	harness.settings.ecs_trust = mem_dup(&trusted, sizeof(trusted));
	harness.settings.necs_trust = 1;
	assert_string_equal(harness_ask("geo.z.test A +opt=8:000118000a0001"),
			    "NOERROR aa\nAN geo.z.test. 5 A 192.0.2.1\n"
			    "OPT 1232 8:000118180a0001\n");
}

/* RFC 1794: order changes, the RRset stays whole. */
static void rrsets_rotate_when_asked_to(void **state)
{
	static uint8_t origin[DNAME_MAX];
	uint8_t name[DNAME_MAX];
	const struct rdata a[] = { { (const uint8_t *)"\1a", 2 },
				   { (const uint8_t *)"\3bcd", 4 },
				   { (const uint8_t *)"\2ef", 3 } };
	const struct variant_spec variant = { a, 3, 0 };
	struct rrset_spec spec = { .owner = name,
				   .type = RRTYPE_TXT,
				   .ttl = 30,
				   .variants = &variant,
				   .nvariants = 1,
				   .rotate = true };
	static const char *const orders[] = { "\"a\" \"bcd\" \"ef\"", "\"bcd\" \"ef\" \"a\"",
					      "\"ef\" \"a\" \"bcd\"" };
	unsigned seen[3] = { 0 };

	(void)state;
	(void)dname_from_text("z.test", origin);
	(void)dname_from_text("r.z.test", name);
	struct txn *t = txn_begin(harness.db);
	assert_int_equal(txn_put(t, origin, &spec), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	harness.settings.rotate = true;
	for (unsigned i = 0; i < 300; i++) {
		char *got = mem_strdup(harness_ask("r.z.test TXT"));
		char line[200] = "";

		for (char *p = got; (p = strstr(p, "TXT ")) != NULL; p++) {
			strncat(line, *line ? " " : "", 2);
			strncat(line, p + 4, strcspn(p + 4, "\n"));
		}
		unsigned k = 0;
		while (k < 3 && strcmp(line, orders[k]) != 0)
			k++;
		assert_in_range(k, 0, 2);
		seen[k]++;
		free(got);
	}
	for (unsigned k = 0; k < 3; k++)
		assert_in_range(seen[k], 60, 140);
}

static void rotation_keeps_shortened_names_right(void **state)
{
	(void)state;
	harness_zones("many.z.test 60 NS a.z.test.\nmany.z.test 60 NS bb.z.test.\n"
		      "many.z.test 60 NS ccc.example.net.\nmany.z.test 60 NS z.test.\n");
	harness.settings.rotate = true;
	static uint8_t origin[DNAME_MAX];
	static uint8_t name[DNAME_MAX];
	(void)dname_from_text("z.test", origin);
	(void)dname_from_text("many.z.test", name);
	const struct rdata ns[] = {
		{ (const uint8_t *)"\1a\1z\4test", 10 },
		{ (const uint8_t *)"\2bb\1z\4test", 11 },
		{ (const uint8_t *)"\3ccc\7example\3net", 17 },
		{ (const uint8_t *)"\1z\4test", 8 },
	};
	const struct variant_spec variant = { ns, 4, 0 };
	struct rrset_spec spec = { .owner = name,
				   .type = RRTYPE_NS,
				   .ttl = 60,
				   .variants = &variant,
				   .nvariants = 1,
				   .rotate = true };
	struct txn *t = txn_begin(harness.db);
	assert_int_equal(txn_put(t, origin, &spec), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	for (unsigned i = 0; i < 50; i++) {
		const char *got = harness_ask("x.many.z.test A");

		assert_non_null(strstr(got, "NS many.z.test. 60 NS a.z.test.\n"));
		assert_non_null(strstr(got, "NS many.z.test. 60 NS bb.z.test.\n"));
		assert_non_null(strstr(got, "NS many.z.test. 60 NS ccc.example.net.\n"));
		assert_non_null(strstr(got, "NS many.z.test. 60 NS z.test.\n"));
	}
}

static void full_responses_name_the_servers(void **state)
{
	(void)state;
	harness_zones("ns1.z.test 60 A 192.0.2.53\n");
	harness.settings.full_responses = true;
	assert_string_equal(harness_ask("www.z.test A"), ANSWER "NS z.test. 3600 NS ns1.z.test.\n"
								"AR ns1.z.test. 60 A 192.0.2.53\n");
	assert_string_equal(harness_ask("www.z.test TXT"),
			    "NOERROR aa\nNS z.test. 30 SOA ns1.z.test. admin.z.test. 8 7200 3600 "
			    "86400 30\n");
	assert_string_equal(harness_ask("z.test NS"), "NOERROR aa\nAN z.test. 3600 NS ns1.z.test.\n"
						      "AR ns1.z.test. 60 A 192.0.2.53\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_option_follows_its_rule),
		TEST(nsid_is_told_when_configured),
		TEST(the_report_agent_is_told_but_not_below_itself),
		TEST(chaos_names_are_told_when_configured),
		TEST(a_good_cookie_exempts_from_rate_limits),
		TEST(cookies_may_be_required),
		TEST(answers_are_cut_at_the_clients_size_exactly),
		TEST(what_is_already_there_stays_when_the_rest_is_cut),
		TEST(additional_data_is_optional),
		TEST(missing_glue_sets_tc),
		TEST(large_tcp_answers_are_whole),
		TEST(a_selector_chooses_by_client),
		TEST(a_subnet_from_strangers_does_not_choose),
		TEST(rrsets_rotate_when_asked_to),
		TEST(rotation_keeps_shortened_names_right),
		TEST(full_responses_name_the_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

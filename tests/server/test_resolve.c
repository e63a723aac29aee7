/* Tests of the corners of answers: what does not fit, variants that are empty, far pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"
#include "tests/server/harness.h"
#include "zonedb/selector.h"
#include "zonedb/txn.h"

#define L63  "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define LONG L63 "." L63 "." L63 ".example.net."
#define SOA  "NS z.test. 30 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"

static uint8_t origin[DNAME_MAX];

static int setup(void **state)
{
	(void)state;
	harness_start();
	harness_zones("z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
		      "z.test 3600 NS ns1.z.test.\n"
		      "www.z.test 300 A 192.0.2.1\n");
	(void)dname_from_text("z.test", origin);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	harness_stop();
	return 0;
}

static unsigned select_last(const struct selector *s, const struct selector_client *c, uint32_t rnd,
			    uint8_t *ret_scope)
{
	(void)s;
	(void)rnd;
	*ret_scope = 32;
	assert_int_equal(c->family, 0); /* needs_client is false */
	return 1;
}

static const struct selector last = { .select = select_last };

/* An RRset whose second variant is empty, and chosen. */
static void put_empty(const char *owner, uint16_t type, const uint8_t *rdata, size_t len)
{
	uint8_t name[DNAME_MAX];
	const struct rdata rd = { rdata, (uint16_t)len };
	const struct variant_spec variants[] = { { &rd, 1, 0 }, { NULL, 0, 0 } };
	struct rrset_spec spec = { .owner = name,
				   .type = type,
				   .ttl = 30,
				   .variants = variants,
				   .nvariants = 2,
				   .selector = (struct selector *)(uintptr_t)&last };
	struct txn *t = txn_begin(harness.db);

	(void)dname_from_text(owner, name);
	assert_int_equal(txn_put(t, origin, &spec), 0);
	txn_serial(t, origin, 7);
	assert_int_equal(txn_commit(t, NULL), 0);
}

static void empty_variants_say_that_the_name_exists(void **state)
{
	(void)state;
	put_empty("c.z.test", RRTYPE_CNAME, (const uint8_t *)"\1a", 3);
	put_empty("d.z.test", RRTYPE_DNAME, (const uint8_t *)"\1a", 3);
	put_empty("m.z.test", RRTYPE_A, (const uint8_t *)"\1\2\3\4", 4);
	assert_string_equal(harness_ask("c.z.test A"), "NOERROR aa\n" SOA);
	assert_string_equal(harness_ask("x.d.z.test A"), "NOERROR aa\n" SOA);
	assert_string_equal(harness_ask("m.z.test A"), "NOERROR aa\n" SOA);
	assert_string_equal(harness_ask("m.z.test ANY"), "NOERROR aa\n" SOA);
	/* not believed to depend on the client: scope 0 */
	assert_string_equal(harness_ask("m.z.test A +opt=8:00011800c00002"),
			    "NOERROR aa\n" SOA "OPT 1232 8:00011800c00002\n");
	/* nor are there addresses to add */
	harness_zones("z.test 60 MX 1 m.z.test.\n");
	assert_string_equal(harness_ask("z.test MX"), "NOERROR aa\nAN z.test. 60 MX 1 m.z.test.\n");
}

static void what_does_not_fit_sets_tc(void **state)
{
	(void)state;
	harness_zones("c1.z.test 60 CNAME " LONG "\n"
		      "c.z.test 60 CNAME " L63 "." L63 ".c2.z.test.\n" L63 "." L63
		      ".c2.z.test 60 CNAME " L63 "." L63 ".c3.z.test.\n" L63 "." L63
		      ".c3.z.test 60 CNAME " LONG "\n"
		      "d.z.test 60 DNAME " L63 "." L63 ".d2.z.test.\n" L63 "." L63
		      ".d2.z.test 60 DNAME " L63 "." L63 ".d3.z.test.\n"
		      "e.z.test 60 CNAME a.ee.z.test.\n"
		      "ee.z.test 60 DNAME " LONG "\n"
		      "f.z.test 60 CNAME " L63 "." L63 ".ff.z.test.\n"
		      "ff.z.test 60 DNAME " L63 ".g.\n"
		      "y.test 60 SOA " L63 "." L63 ".a. " LONG " 1 2 3 4 5\n"
		      "y.test 60 NS a.\n"
		      "y.test 60 NS " LONG "\n"
		      "y.test 60 A 192.0.2.9\n");
	/* the third alias */
	assert_memory_equal(harness_ask("c.z.test A"), "NOERROR aa tc\nAN c.z.test. 60 CNAME", 34);
	assert_memory_equal(harness_ask("c.z.test A +bufsize=1232"), "NOERROR aa\nAN c.z.test.",
			    23);
	/* the SOA */
	assert_string_equal(harness_ask(L63 "." L63 ".y.test A"), "NXDOMAIN aa tc\n");
	/* the synthesised CNAME, then the DNAME itself */
	assert_memory_equal(harness_ask(L63 ".d.z.test A"), "NOERROR aa tc\nAN d.z.test. 60 DNAME",
			    35);
	assert_memory_equal(harness_ask(L63 "." L63 ".ee.z.test A"), "YXDOMAIN aa\n", 12);
	/* --full-responses does not truncate for what is optional */
	harness.settings.full_responses = true;
	assert_memory_equal(harness_ask("y.test A +bufsize=512"),
			    "NOERROR aa\nAN y.test. 60 A 192.0.2.9\nNS y.test.", 47);
	harness.settings.full_responses = false;
	harness.settings.udp_size = 512;
	/* a question of full length, every option, a client that takes 512 */
	harness.settings.nsid = mem_alloc(300);
	memset(harness.settings.nsid, 'n', 299);
	harness.settings.nsid[299] = '\0';
	assert_string_equal(
		harness_ask(L63 "." L63 "." L63
				".aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffff "
				"A +bufsize=512 +opt=3:"),
		"REFUSED\nOPT 512 15:0014\n");
}

static void a_chain_has_sixteen_links(void **state)
{
	char records[4000] = "";

	(void)state;
	for (int i = 0; i < 30; i++)
		snprintf(records + strlen(records), 100, "c%d.z.test 60 CNAME c%d.z.test.\n", i,
			 i + 1);
	harness_zones(records);
	const char *got = harness_ask("c0.z.test A +bufsize=1232");
	assert_memory_equal(got, "NOERROR aa\n", 11);
	assert_non_null(strstr(got, "AN c16.z.test. 60 CNAME c17.z.test.\n"));
	assert_null(strstr(got, "c17.z.test. 60 CNAME"));
	got = harness_ask("c14.z.test A +bufsize=1232");
	assert_memory_equal(got, "NXDOMAIN aa\n", 12);
}

static void no_host_means_no_addresses(void **state)
{
	static const struct {
		const char *question, *answer;
	} cases[] = {
		/* RFC 7505: null MX */
		{ "null.z.test MX", "NOERROR aa\nAN null.z.test. 60 MX 0 .\n" },
		{ "none.z.test SRV", "NOERROR aa\nAN none.z.test. 60 SRV 0 0 0 .\n" },
		/* RFC 9460 2.5.1: the service does not exist */
		{ "off.z.test HTTPS", "NOERROR aa\nAN off.z.test. 60 HTTPS 0 .\n" },
		/* a host below a DNAME, beyond a cut, that does not exist */
		{ "mx1.z.test MX", "NOERROR aa\nAN mx1.z.test. 60 MX 1 a.dn.z.test.\n" },
		{ "mx2.z.test MX", "NOERROR aa\nAN mx2.z.test. 60 MX 1 ns.cut.z.test.\n" },
		{ "mx3.z.test MX", "NOERROR aa\nAN mx3.z.test. 60 MX 1 nope.z.test.\n" },
		{ "mx4.z.test MX", "NOERROR aa\nAN mx4.z.test. 60 MX 1 test.\n" },
		{ "mx5.z.test MX", "NOERROR aa\nAN mx5.z.test. 60 MX 1 a.wild.z.test.\n"
				   "AR a.wild.z.test. 60 A 192.0.2.7\n" },
		{ "a.other.z.test A", "NOERROR\nNS other.z.test. 60 NS ns.cut.z.test.\n"
				      "AR ns.cut.z.test. 60 A 192.0.2.8\n" },
		{ "b.loose.z.test A", "NOERROR\nNS loose.z.test. 60 NS gone.cut.z.test.\n" },
		{ "d.self.z.test HTTPS",
		  "NOERROR aa\nAN d.self.z.test. 60 CNAME self.z.test.\n"
		  "AN self.z.test. 60 HTTPS 1 . alpn=\"h2\"\nAR self.z.test. 60 A 192.0.2.6\n" },
	};

	(void)state;
	harness_zones("null.z.test 60 MX 0 .\nnone.z.test 60 SRV 0 0 0 .\n"
		      "off.z.test 60 HTTPS 0 .\n"
		      "mx1.z.test 60 MX 1 a.dn.z.test.\ndn.z.test 60 DNAME www.z.test.\n"
		      "mx2.z.test 60 MX 1 ns.cut.z.test.\ncut.z.test 60 NS ns.cut.z.test.\n"
		      "ns.cut.z.test 60 A 192.0.2.8\nmx3.z.test 60 MX 1 nope.z.test.\n"
		      "mx4.z.test 60 MX 1 test.\nmx5.z.test 60 MX 1 a.wild.z.test.\n"
		      "*.wild.z.test 60 A 192.0.2.7\nother.z.test 60 NS ns.cut.z.test.\n"
		      "loose.z.test 60 NS gone.cut.z.test.\n"
		      "self.z.test 60 HTTPS 1 . alpn=h2\nself.z.test 60 A 192.0.2.6\n"
		      "d.self.z.test 60 CNAME self.z.test.\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(harness_ask(cases[i].question), cases[i].answer);
}

static void any_over_tcp_brings_addresses_for_two_rrsets(void **state)
{
	(void)state;
	harness_zones("ns1.z.test 60 A 192.0.2.1\nmx.z.test 60 A 192.0.2.2\n"
		      "sv.z.test 60 A 192.0.2.3\nz.test 60 MX 1 mx.z.test.\n"
		      "z.test 60 HTTPS 1 sv.z.test.\n");
	const char *got = harness_ask("z.test ANY +tcp");
	assert_non_null(strstr(got, "AN z.test. 60 HTTPS 1 sv.z.test.\n"));
	assert_non_null(strstr(got, "AR ns1.z.test. 60 A 192.0.2.1\n"));
	assert_non_null(strstr(got, "AR mx.z.test. 60 A 192.0.2.2\n"));
	assert_null(strstr(got, "AR sv.z.test."));
}

/* RFC 9471 over TCP: all the glue, also for names that pointers do not reach. */
static void large_referrals_have_all_their_glue(void **state)
{
	enum { N = 1100 };
	static uint8_t names[N][DNAME_MAX];
	static struct rdata rd[N];
	uint8_t cut[DNAME_MAX];
	const uint8_t a[4] = { 192, 0, 2, 1 };
	const uint8_t aaaa[16] = { 0x20, 1 };
	const struct rdata one = { a, 4 };
	const struct rdata six = { aaaa, 16 };

	(void)state;
	struct txn *t = txn_begin(harness.db);
	(void)dname_from_text("d.z.test", cut);
	for (unsigned i = 0; i < N; i++) {
		char text[64];

		snprintf(text, sizeof(text), "n%05u.d.z.test", i);
		(void)dname_from_text(text, names[i]);
		rd[i] = (struct rdata){ names[i], (uint16_t)dname_len(names[i]) };
		assert_int_equal(txn_put_rrset(t, origin, names[i], RRTYPE_A, 60, &one, 1), 0);
	}
	assert_int_equal(txn_put_rrset(t, origin, names[N - 1], RRTYPE_AAAA, 60, &six, 1), 0);
	assert_int_equal(txn_put_rrset(t, origin, cut, RRTYPE_NS, 60, rd, N), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	const char *got = harness_ask("x.d.z.test A +tcp");
	assert_memory_equal(got, "NOERROR\n", 8);
	assert_non_null(strstr(got, "\nAR n00000.d.z.test. 60 A 192.0.2.1\n"));
	assert_non_null(strstr(got, "\nAR n01099.d.z.test. 60 A 192.0.2.1\n"
				    "AR n01099.d.z.test. 60 AAAA 2001::\n"));
	unsigned glue = 0;
	for (const char *p = got; (p = strstr(p, "\nAR ")) != NULL; p++)
		glue++;
	assert_int_equal(glue, N + 1);
}

/* A room smaller than what the client takes, as for an answer that is yet to be signed. */
static void the_callers_room_is_kept(void **state)
{
	const struct sockaddr_in client = { .sin_family = AF_INET };
	const struct answer_client who = { .addr = (const struct sockaddr *)&client };
	bool tcp;
	size_t len = harness_question("www.z.test A +bufsize=1232", &tcp);
	size_t answered;

	(void)state;
	assert_int_equal(answer_query(&harness.answerer, zonedb_current(harness.db), &who,
				      harness.msg, len, 45, &answered),
			 ANSWER_SEND);
	assert_string_equal(harness_text(harness.msg, answered), "NOERROR aa tc\nOPT 1232\n");
}

struct seen {
	struct selector s;
	struct selector_client client;
};

static unsigned look(const struct selector *s, const struct selector_client *c, uint32_t rnd,
		     uint8_t *ret_scope)
{
	(void)rnd;
	*ret_scope = 0;
	((struct seen *)(uintptr_t)s)->client = *c;
	return 0;
}

static void ask_from(const char *address, struct seen *seen)
{
	struct sockaddr_in6 client = { .sin6_family = AF_INET6 };
	const struct answer_client who = { .addr = (const struct sockaddr *)&client };
	bool tcp;
	size_t len = harness_question("s.z.test A", &tcp);

	assert_int_equal(inet_pton(AF_INET6, address, &client.sin6_addr), 1);
	memset(&seen->client, 0xee, sizeof(seen->client));
	assert_int_equal(answer_query(&harness.answerer, zonedb_current(harness.db), &who,
				      harness.msg, len, 4096, &len),
			 ANSWER_SEND);
}

static void a_selector_sees_the_client_of_either_family(void **state)
{
	static struct seen seen = { .s = { .select = look, .needs_client = true } };
	uint8_t name[DNAME_MAX];
	const struct rdata rd = { (const uint8_t *)"\1\2\3\4", 4 };
	const struct variant_spec variant = { &rd, 1, 0 };
	struct rrset_spec spec = { .owner = name,
				   .type = RRTYPE_A,
				   .ttl = 30,
				   .variants = &variant,
				   .nvariants = 1,
				   .selector = &seen.s };
	struct txn *t = txn_begin(harness.db);

	(void)state;
	(void)dname_from_text("s.z.test", name);
	assert_int_equal(txn_put(t, origin, &spec), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	ask_from("2001:db8::7", &seen);
	assert_int_equal(seen.client.family, 6);
	assert_int_equal(seen.client.prefix_len, 128);
	assert_int_equal(seen.client.bytes[0], 0x20);
	assert_int_equal(seen.client.bytes[15], 7);
	ask_from("::ffff:192.0.2.77", &seen);
	assert_int_equal(seen.client.family, 4);
	assert_int_equal(seen.client.prefix_len, 32);
	assert_memory_equal(seen.client.bytes, "\xc0\0\2\x4d\0\0\0\0\0\0\0\0\0\0\0\0", 16);
}

/* RFC 8914 4.15: ours, but not ready. */
static void held_zones_are_servfail(void **state)
{
	uint8_t y[DNAME_MAX];

	(void)state;
	harness_zones("c.z.test 60 CNAME www.y.test.\n");
	(void)dname_from_text("y.test", y);
	struct txn *t = txn_begin(harness.db);
	txn_zone_hold(t, y);
	assert_int_equal(txn_commit(t, NULL), 0);
	assert_string_equal(harness_ask("www.y.test A"), "SERVFAIL\n");
	assert_string_equal(harness_ask("y.test SOA +opt=19: +opt=9:"),
			    "SERVFAIL\nOPT 1232 15:000e\n");
	/* where an alias leads into one, nothing can be said about the target */
	assert_string_equal(harness_ask("c.z.test A +edns"),
			    "SERVFAIL aa\nAN c.z.test. 60 CNAME www.y.test.\nOPT 1232 15:000e\n");
}

/* A truncated answer keeps id, question, cookie. */
static void a_slipped_answer_is_header_question_and_opt(void **state)
{
	const struct sockaddr_in client = { .sin_family = AF_INET };
	const struct answer_client who = { .addr = (const struct sockaddr *)&client };

	(void)state;
	(void)harness_ask("www.z.test A");
	size_t len = answer_truncate(&harness.answerer, &who, harness.msg);
	assert_string_equal(harness_text(harness.msg, len), "NOERROR tc\n");
	(void)harness_ask("www.z.test A +do");
	len = answer_truncate(&harness.answerer, &who, harness.msg);
	assert_string_equal(harness_text(harness.msg, len), "NOERROR tc\nOPT 1232 do\n");
}

static void odd_edns_is_read_the_same_with_and_without_options(void **state)
{
	(void)state;
	assert_string_equal(harness_ask("www.z.test A +ednsflags=4000 +bufsize=100 +opt=65001:"),
			    "NOERROR aa\nAN www.z.test. 300 A 192.0.2.1\nOPT 1232\n");
	assert_int_equal(harness.answerer.query.edns.flags, EDNS_HAS_OPT | EDNS_CO);
	assert_int_equal(harness.answerer.query.edns.size, 512);
	(void)harness_ask("www.z.test A +ednsflags=4000 +bufsize=100");
	assert_int_equal(harness.answerer.query.edns.flags, EDNS_HAS_OPT | EDNS_CO);
	assert_int_equal(harness.answerer.query.edns.size, 512);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(empty_variants_say_that_the_name_exists),
		TEST(what_does_not_fit_sets_tc),
		TEST(a_chain_has_sixteen_links),
		TEST(no_host_means_no_addresses),
		TEST(any_over_tcp_brings_addresses_for_two_rrsets),
		TEST(large_referrals_have_all_their_glue),
		TEST(the_callers_room_is_kept),
		TEST(a_selector_sees_the_client_of_either_family),
		TEST(held_zones_are_servfail),
		TEST(a_slipped_answer_is_header_question_and_opt),
		TEST(odd_edns_is_read_the_same_with_and_without_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* xfr, notify, catalog: what secondaries get, against our own client over loopback. */
#include "server/xfr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/tsig.h"
#include "lib/wire.h"
#include "server/catalog.h"
#include "tests/fake_dns.h"
#include "tests/server/maint_house.h"
#include "zonedb/zonedb.h"

#define KEY "hmac-sha256:k:AAECAwQFBgcICQoLDA0ODw=="

static struct maint_house house;
static struct tsig_key *key;

struct got {
	bool done;
	int err;
	unsigned rcode;
	size_t records;
	struct transfer t;
	struct buf text; /* "=A -A +A" */
	bool keep_text;
};

static int on_record(void *ctx, enum transfer_op op, const struct dns_record *r)
{
	struct got *g = ctx;
	char type[12];

	g->records++;
	if (g->keep_text)
		buf_printf(&g->text, "%c%s ", "=-+"[op], rrtype_to_text(r->type, type));
	return 0;
}

static void on_done(void *ctx, int err, unsigned rcode, const struct transfer *t)
{
	struct got *g = ctx;

	g->done = true;
	g->err = err;
	g->rcode = rcode;
	g->t = *t;
}

/* serial -1: AXFR. */
static void transfer(const char *zone, int64_t serial, const struct tsig_key *k, struct got *g)
{
	struct buf soa = { 0 };
	char text[64];

	(void)snprintf(text, sizeof(text), "a. b. %u 1 1 1 1", (unsigned)serial);
	assert_int_equal(rdata_from_text(RRTYPE_SOA, text, NULL, &soa), 0);
	const struct dns_transfer_question q = { .servers = &house.addr,
						 .nservers = 1,
						 .zone = maint_house_name(zone),
						 .incremental = serial >= 0,
						 .soa = (const uint8_t *)soa.data,
						 .soa_len = soa.len,
						 .key = k,
						 .on_record = on_record,
						 .on_done = on_done,
						 .ctx = g };
	(void)dns_client_transfer(house.dns, &q);
	assert_true(maint_house_wait(&house, &g->done));
	buf_fini(&soa);
}

static void axfr_gives_the_whole_zone_to_those_who_may(void **state)
{
	static const struct {
		const char *zone;
		bool is_signed;
		int err;
		unsigned rcode;
	} rows[] = {
		{ "a.test", true, 0, 0 },
		{ "a.test", false, ERR_DENIED, DNS_RCODE_REFUSED },
		{ "open.test", false, 0, 0 },
		{ "none.test", true, ERR_DENIED, DNS_RCODE_NOTAUTH },
		{ "h1.a.test", true, ERR_DENIED, DNS_RCODE_NOTAUTH }, /* a name, no zone */
	};
	(void)state;
	maint_house_start(&house,
			  (const char *const[]){ "tsig-key=" KEY, "allow-transfer=key:k",
						 "allow-transfer=open.test=127.0.0.0/8", NULL },
			  false);
	maint_house_zone(&house, "a.test", 7, 3000);
	maint_house_zone(&house, "open.test", 7, 3000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct got g = { 0 };

		transfer(rows[i].zone, -1, rows[i].is_signed ? key : NULL, &g);
		assert_int_equal(g.err, rows[i].err);
		assert_int_equal(g.rcode, rows[i].rcode);
		if (g.err == 0) {
			assert_int_equal(g.records, 3003);
			assert_int_equal(g.t.new_serial, 7);
		}
	}
}

static void ixfr_gives_differences_or_the_zone_or_the_soa(void **state)
{
	static const struct {
		int64_t serial;
		const char *text;
		bool is_full, is_current;
	} rows[] = {
		{ 8, "-SOA +SOA +TXT ", false, false },
		{ 7, "-SOA -A +SOA +A -SOA +SOA +TXT ", false, false },
		{ 9, "", false, true },
		{ 10, "", false, true },
		{ 3, "=SOA =NS =A =A =A =TXT ", true, false },
	};
	(void)state;
	maint_house_start(&house, (const char *const[]){ "allow-transfer=any", NULL }, false);
	maint_house_zone(&house, "a.test", 7, 2);
	maint_house_put(&house, "a.test", "h1.a.test", RRTYPE_A, "192.0.2.9");
	maint_house_put(&house, "a.test", "t.a.test", RRTYPE_TXT, "x");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct got g = { .keep_text = true };

		transfer("a.test", rows[i].serial, NULL, &g);
		assert_int_equal(g.err, 0);
		assert_int_equal(g.t.is_full, rows[i].is_full);
		assert_int_equal(g.t.is_current, rows[i].is_current);
		if (g.t.is_full)
			assert_int_equal(strlen(buf_str(&g.text)),
					 strlen(rows[i].text)); /* any order */
		else
			assert_string_equal(buf_str(&g.text), rows[i].text);
		buf_fini(&g.text);
	}
}

static void differences_survive_a_restart(void **state)
{
	const char *const options[] = { "allow-transfer=any", NULL };
	struct got g = { .keep_text = true };

	(void)state;
	maint_house_start(&house, options, true);
	maint_house_zone(&house, "a.test", 7, 2);
	maint_house_put(&house, "a.test", "t.a.test", RRTYPE_TXT, "x");
	maint_house_put(&house, "a.test", "t.a.test", RRTYPE_TXT, NULL);
	maint_house_stop(&house);
	maint_house_start(&house, options, true);
	maint_house_zone(&house, "a.test", 7, 2); /* as it was before it changed twice */
	assert_int_equal(maint_house_serial(&house, "a.test"), 9);
	maint_house_put(&house, "a.test", "h0.a.test", RRTYPE_A, "192.0.2.9");
	transfer("a.test", 8, NULL, &g);
	assert_int_equal(g.err, 0);
	assert_string_equal(buf_str(&g.text), "-SOA -TXT +SOA -SOA -A +SOA +A ");
	buf_fini(&g.text);
}

/* --- raw messages --------------------------------------------------------------------------- */

struct raw {
	bool done;
	int err;
	unsigned rcode;
	size_t nrecords;
	uint16_t first_type;
};

static void raw_done(void *ctx, const struct dns_reply *reply)
{
	struct raw *r = ctx;

	r->done = true;
	r->err = reply->err;
	r->rcode = reply->rcode;
	r->nrecords = reply->nrecords;
	r->first_type = reply->nrecords ? reply->records[0].type : 0;
}

/* One question over UDP or TCP, with our SOA of SERIAL in authority unless -1. */
static void raw(uint16_t type, int64_t serial, bool tcp, struct raw *r)
{
	struct buf soa = { 0 };
	struct dns_writer w;
	char text[64];

	*r = (struct raw){ 0 };
	dns_writer_init(&w, 65535, 0, 0);
	assert_int_equal(dns_writer_question(&w, maint_house_name("a.test"), type, DNS_CLASS_IN),
			 0);
	if (serial >= 0) {
		(void)snprintf(text, sizeof(text), "a. b. %u 1 1 1 1", (unsigned)serial);
		assert_int_equal(rdata_from_text(RRTYPE_SOA, text, NULL, &soa), 0);
		assert_int_equal(dns_writer_record(&w, DNS_AUTHORITY, maint_house_name("a.test"),
						   RRTYPE_SOA, DNS_CLASS_IN, 0,
						   (const uint8_t *)soa.data, soa.len),
				 0);
	}
	const struct dns_question q = { .servers = &house.addr,
					.nservers = 1,
					.tcp_only = tcp,
					.timeout_ms = 500,
					.on_done = raw_done,
					.ctx = r };
	(void)dns_client_send(house.dns, &q, (const uint8_t *)w.out.data, w.out.len);
	assert_true(maint_house_wait(&house, &r->done));
	dns_writer_fini(&w);
	buf_fini(&soa);
}

static void udp_and_odd_questions_are_answered_as_the_rfcs_say(void **state)
{
	struct raw r;

	(void)state;
	maint_house_start(&house, (const char *const[]){ "allow-transfer=any", NULL }, false);
	maint_house_zone(&house, "a.test", 7, 2);
	maint_house_put(&house, "a.test", "t.a.test", RRTYPE_TXT, "x");
	raw(RRTYPE_AXFR, -1, false, &r); /* RFC 5936 4.2 */
	assert_int_equal(r.rcode, DNS_RCODE_NOTIMP);
	raw(RRTYPE_IXFR, 7, false, &r); /* it fits */
	assert_int_equal(r.rcode, 0);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.nrecords, 5);
	raw(RRTYPE_IXFR, 8, false, &r); /* current */
	assert_int_equal(r.nrecords, 1);
	assert_int_equal(r.first_type, RRTYPE_SOA);
	raw(RRTYPE_IXFR, 2, false, &r); /* not known: "a single SOA" */
	assert_int_equal(r.nrecords, 1);
	for (int i = 0; i < 20; i++) {
		char owner[32];

		(void)snprintf(owner, sizeof(owner), "long-name-%d.a.test", i);
		maint_house_put(&house, "a.test", owner, RRTYPE_TXT, "0123456789");
	}
	raw(RRTYPE_IXFR, 8, false, &r); /* too large for 512 */
	assert_int_equal(r.nrecords, 1);
	raw(RRTYPE_IXFR, -1, true, &r); /* without a SOA */
	assert_int_equal(r.rcode, DNS_RCODE_FORMERR);
}

/* A signed question without EDNS has 512 octets less the signature's for its answer. */
static void signed_questions_get_signed_answers_that_fit(void **state)
{
	static const struct {
		uint16_t type;
		const char *owner;
	} rows[] = { { RRTYPE_A, "h1.a.test" },
		     { RRTYPE_TXT, "big.a.test" },
		     { RRTYPE_A, "no.a.test" } };
	char text[420];

	(void)state;
	maint_house_start(&house, (const char *const[]){ "tsig-key=" KEY, NULL }, false);
	maint_house_zone(&house, "a.test", 7, 2);
	memset(text, 'x', sizeof(text));
	text[200] = ' ';
	text[419] = '\0';
	maint_house_put(&house, "a.test", "big.a.test", RRTYPE_TXT, text);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct raw r = { 0 };
		struct dns_writer w;

		dns_writer_init(&w, 512, 0, 0);
		assert_int_equal(dns_writer_question(&w, maint_house_name(rows[i].owner),
						     rows[i].type, DNS_CLASS_IN),
				 0);
		const struct dns_question q = { .servers = &house.addr,
						.nservers = 1,
						.key = key,
						.on_done = raw_done,
						.ctx = &r };
		(void)dns_client_send(house.dns, &q, (const uint8_t *)w.out.data, w.out.len);
		assert_true(maint_house_wait(&house, &r.done));
		assert_int_equal(r.err, 0); /* a truncated one came again over TCP */
		assert_int_equal(r.rcode, i == 2 ? DNS_RCODE_NXDOMAIN : 0);
		assert_int_equal(r.nrecords, 1);
		dns_writer_fini(&w);
	}
}

/* --- NOTIFY ------------------------------------------------------------------------------------
 */

struct secondary {
	int notifies;
	bool silent_once, enough;
	uint32_t serial;
};

static void on_notify(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct secondary *s = ctx;
	struct tsig_session tsig;
	const struct tsig_key *k = key;
	struct buf out = { 0 };
	struct dns_msg m;

	(void)tcp;
	tsig_session_init(&tsig, NULL);
	assert_int_equal(tsig_verify(&tsig, &k, 1, msg, len, &len), 0);
	assert_int_equal(dns_msg_parse(msg, len, &m), 0);
	assert_int_equal(dns_msg_opcode(m.flags), DNS_OPCODE_NOTIFY);
	assert_true(m.flags & DNS_FLAG_AA);
	assert_int_equal(m.qtype, RRTYPE_SOA);
	assert_int_equal(m.nrecords, 1);
	s->notifies++;
	s->serial = transfer_soa_serial(m.records[0].rdata, m.records[0].rdlen);
	if (!s->silent_once || s->notifies > 1) {
		buf_add(&out, msg, dns_msg_question_end(msg, len));
		wire_put16(out.data + 6, 0);
		out.data[2] = (char)(out.data[2] | 0x80);
		assert_int_equal(tsig_sign(&tsig, &out), 0);
		fake_dns_reply(f, (const uint8_t *)out.data, out.len);
		s->enough = true;
	}
	buf_fini(&out);
	dns_msg_fini(&m);
	tsig_session_fini(&tsig);
}

static void secondaries_are_told_of_changes_with_retries(void **state)
{
	struct secondary s = { .silent_once = true };
	struct loop *loop;
	char *option, text[NETADDR_TEXT_MAX];

	(void)state;
	/* the fake needs a loop before the house has one: its own, run by turns */
	loop = loop_new();
	struct fake_dns *f = fake_dns_new(loop, on_notify, &s);
	option = mem_printf("notify=a.test=%s,key:k",
			    netaddr_to_text_port(fake_dns_address(f), text));
	maint_house_start(&house, (const char *const[]){ "tsig-key=" KEY, option, NULL }, false);
	maint_house_zone(&house, "a.test", 7, 2);
	maint_house_zone(&house, "b.test", 7, 2); /* not asked for */
	for (int i = 0; i < 1000 && !s.enough; i++) {
		loop_once(house.loop, 10);
		loop_once(loop, 10);
	}
	assert_true(s.enough);
	assert_int_equal(s.notifies, 2);
	assert_int_equal(s.serial, 7);
	s.enough = false;
	/* two changes at once are told once, with the last serial */
	maint_house_put(&house, "a.test", "x.a.test", RRTYPE_A, "192.0.2.7");
	maint_house_put(&house, "a.test", "y.a.test", RRTYPE_A, "192.0.2.7");
	for (int i = 0; i < 1000 && !s.enough; i++) {
		loop_once(house.loop, 10);
		loop_once(loop, 10);
	}
	assert_int_equal(s.notifies, 3);
	assert_int_equal(s.serial, 9);
	fake_dns_free(f);
	loop_free(loop);
	free(option);
}

/* --- catalog -------------------------------------------------------------------------------------
 */

static bool has_member(const char *zone)
{
	uint8_t owner[DNAME_MAX];
	const struct zone *z =
		zonedb_zone(zonedb_current(house.db), maint_house_name("cat.invalid"));

	catalog_member(maint_house_name("cat.invalid"), maint_house_name(zone), owner);
	return z && zone_rrset(z, owner, RRTYPE_PTR) != NULL;
}

static void the_catalog_lists_all_zones(void **state)
{
	(void)state;
	maint_house_start(&house, (const char *const[]){ "catalog=CAT.invalid", NULL }, false);
	maint_house_zone(&house, "a.test", 7, 0);
	maint_house_zone(&house, "b.test", 7, 0);
	loop_once(house.loop, 20);
	loop_once(house.loop, 20);
	const struct zone *z =
		zonedb_zone(zonedb_current(house.db), maint_house_name("cat.invalid"));
	assert_non_null(z);
	assert_non_null(zone_rrset(z, maint_house_name("version.cat.invalid"), RRTYPE_TXT));
	assert_true(has_member("a.test") && has_member("B.test"));
	assert_false(has_member("cat.invalid"));
	uint32_t serial = maint_house_serial(&house, "cat.invalid");
	maint_house_put(&house, "a.test", "x.a.test", RRTYPE_A, "192.0.2.7");
	loop_once(house.loop, 20);
	assert_int_equal(maint_house_serial(&house, "cat.invalid"), serial);
}

static int teardown(void **state)
{
	(void)state;
	maint_house_stop(&house);
	maint_house_remove(&house);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	log_setup(LOG_LEVEL_ERROR, 0);
	rcu_register_thread();
	return tsig_key_from_text(KEY, &key);
}

static int end(void **state)
{
	(void)state;
	tsig_key_free(key);
	rcu_unregister_thread();
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(axfr_gives_the_whole_zone_to_those_who_may),
		TEST(ixfr_gives_differences_or_the_zone_or_the_soa),
		TEST(differences_survive_a_restart),
		TEST(udp_and_odd_questions_are_answered_as_the_rfcs_say),
		TEST(signed_questions_get_signed_answers_that_fit),
		TEST(secondaries_are_told_of_changes_with_retries),
		TEST(the_catalog_lists_all_zones),
	};
	return cmocka_run_group_tests(tests, begin, end);
}

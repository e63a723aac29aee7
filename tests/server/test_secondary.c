/* secondary, received: zones from primaries, good and hostile, and from catalogs. */
#include "server/secondary.h"

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
#include "lib/status.h"
#include "lib/tsig.h"
#include "tests/fake_dns.h"
#include "tests/server/maint_house.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"

#define KEY "hmac-sha256:k:AAECAwQFBgcICQoLDA0ODw=="

static struct tsig_key *key;
static struct maint_house primary, house;
static bool primary_runs, house_runs;

static void start_primary(const char *const *options)
{
	maint_house_start(&primary, options, false);
	primary_runs = true;
}

static void start_house(const char *const *options, bool with_state)
{
	maint_house_start(&house, options, with_state);
	house_runs = true;
}

static void stop_house(void)
{
	maint_house_stop(&house);
	house_runs = false;
}

/* "name=ZONE=ADDR,key:k" of the primary; caller frees. */
static char *from_primary(const char *option, const char *zone)
{
	char text[NETADDR_TEXT_MAX];

	return mem_printf("%s=%s=%s,key:k", option, zone,
			  netaddr_to_text_port(&primary.addr, text));
}

static void turn(void)
{
	if (primary_runs)
		loop_once(primary.loop, 5);
	loop_once(house.loop, 5);
}

static void wait_serial(const char *zone, uint32_t serial)
{
	for (int i = 0; i < 1000 && maint_house_serial(&house, zone) != serial; i++)
		turn();
	assert_int_equal(maint_house_serial(&house, zone), serial);
}

static void assert_equal_zones(const char *zone)
{
	struct buf a = { 0 }, b = { 0 };

	zonefile_print(zonedb_zone(zonedb_current(primary.db), maint_house_name(zone)), &a);
	zonefile_print(zonedb_zone(zonedb_current(house.db), maint_house_name(zone)), &b);
	assert_string_equal(buf_str(&a), buf_str(&b));
	buf_fini(&a);
	buf_fini(&b);
}

struct answer {
	bool done;
	int err;
	unsigned rcode;
};

static void on_done(void *ctx, const struct dns_reply *reply)
{
	struct answer *a = ctx;

	a->done = true;
	a->err = reply->err;
	a->rcode = reply->rcode;
}

/* A NOTIFY from the primary's host to the house; returns the RCODE. */
static unsigned notify(const char *zone, const struct tsig_key *k)
{
	struct answer a = { 0 };
	struct dns_writer w;

	dns_writer_init(&w, 65535, 0, DNS_OPCODE_NOTIFY << 11 | DNS_FLAG_AA);
	assert_int_equal(dns_writer_question(&w, maint_house_name(zone), RRTYPE_SOA, DNS_CLASS_IN),
			 0);
	const struct dns_question q = { .servers = &house.addr,
					.nservers = 1,
					.timeout_ms = 3000,
					.key = k,
					.on_done = on_done,
					.ctx = &a };
	(void)dns_client_send(house.dns, &q, (const uint8_t *)w.out.data, w.out.len);
	for (int i = 0; i < 1000 && !a.done; i++)
		turn();
	assert_int_equal(a.err, 0);
	dns_writer_fini(&w);
	return a.rcode;
}

static const char *const primary_options[] = { "tsig-key=" KEY, "allow-transfer=key:k",
					       "catalog=cat.test", NULL };

static void a_secondary_follows_its_primary_by_notify(void **state)
{
	(void)state;
	start_primary(primary_options);
	maint_house_zone(&primary, "a.test", 7, 100);
	char *option = from_primary("primary", "a.test");
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, false);
	assert_false(status_is_ready(NULL));
	wait_serial("a.test", 7);
	turn();
	assert_true(status_is_ready(NULL));
	assert_equal_zones("a.test");
	maint_house_put(&primary, "a.test", "h7.a.test", RRTYPE_A, "192.0.2.77");
	maint_house_put(&primary, "a.test", "h8.a.test", RRTYPE_A, NULL);
	maint_house_put(&primary, "a.test", "new.a.test", RRTYPE_TXT, "x");
	assert_int_equal(notify("A.test", key), 0);
	wait_serial("a.test", 10);
	assert_equal_zones("a.test");
	/* more steps than the zone is long: the whole zone comes */
	for (int i = 0; i < 300; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "198.51.100.%d", i % 250);
		maint_house_put(&primary, "a.test", "h7.a.test", RRTYPE_A, text);
	}
	assert_int_equal(notify("a.test", key), 0);
	wait_serial("a.test", 310);
	assert_equal_zones("a.test");
	free(option);
}

static void only_primaries_may_notify(void **state)
{
	(void)state;
	start_primary(primary_options);
	maint_house_zone(&primary, "a.test", 7, 1);
	char *option = from_primary("primary", "a.test");
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, false);
	maint_house_zone(&house, "own.test", 1, 1);
	assert_int_equal(notify("a.test", NULL), DNS_RCODE_REFUSED); /* the key is missing */
	assert_int_equal(notify("own.test", key), DNS_RCODE_NOTAUTH);
	assert_int_equal(notify("none.test", key), DNS_RCODE_NOTAUTH);
	wait_serial("a.test", 7);
	free(option);
}

static void what_was_transferred_is_served_at_once_after_a_restart(void **state)
{
	(void)state;
	start_primary(primary_options);
	maint_house_zone(&primary, "a.test", 7, 10);
	char *option = from_primary("primary", "a.test");
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, true);
	wait_serial("a.test", 7);
	stop_house();
	maint_house_stop(&primary);
	primary_runs = false;
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, true);
	assert_int_equal(maint_house_serial(&house, "a.test"), 7);
	assert_true(status_is_ready(NULL));
	free(option);
}

static void zones_follow_a_catalog(void **state)
{
	(void)state;
	start_primary(primary_options);
	maint_house_zone(&primary, "a.test", 7, 10);
	maint_house_zone(&primary, "b.test", 8, 10);
	for (int i = 0; i < 10 && maint_house_serial(&primary, "cat.test") == 0; i++)
		loop_once(primary.loop, 10);
	char *option = from_primary("catalog-zone", "cat.test");
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, true);
	wait_serial("a.test", 7);
	wait_serial("b.test", 8);
	assert_equal_zones("b.test");
	struct txn *t = txn_begin(primary.db);
	assert_int_equal(txn_zone_drop(t, maint_house_name("a.test")), 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	maint_house_zone(&primary, "c.test", 9, 10);
	turn();
	turn();
	assert_int_equal(notify("cat.test", key), 0);
	wait_serial("c.test", 9);
	wait_serial("a.test", 0);
	assert_int_equal(maint_house_serial(&house, "b.test"), 8);
	/* a member is updated by its own NOTIFY */
	maint_house_put(&primary, "c.test", "h1.c.test", RRTYPE_A, NULL);
	assert_int_equal(notify("c.test", key), 0);
	wait_serial("c.test", 10);
	stop_house();
	start_house((const char *const[]){ "tsig-key=" KEY, option, NULL }, true);
	assert_int_equal(maint_house_serial(&house, "c.test"), 10);
	free(option);
}

static void a_zone_has_one_origin(void **state)
{
	(void)state;
	start_primary(primary_options);
	char *option = from_primary("primary", "a.test");

	start_house((const char *const[]){ "tsig-key=" KEY, NULL }, false);
	assert_int_equal(maint_house_try(&house, (const char *const[]){ "tsig-key=" KEY, option,
									"zone=A.test=x", NULL }),
			 ERR_EXISTS);
	assert_int_equal(
		maint_house_try(&house,
				(const char *const[]){ "primary=a.test=192.0.2.1,key:x", NULL }),
		ERR_NOT_FOUND);
	free(option);
}

/* --- hostile primaries
 * ---------------------------------------------------------------------------- */

struct hostile {
	struct fake_dns *f;
	const char *const *lines; /* of the transfer, "owner type rdata"; NULL-ended */
	int soa_serial;
	int transfers;
};

static void put_line(struct dns_writer *w, const char *line)
{
	char *copy = mem_strdup(line), *save = NULL;
	const char *owner = strtok_r(copy, " ", &save), *type = strtok_r(NULL, " ", &save);
	struct buf rdata = { 0 };
	uint16_t t;

	assert_int_equal(rrtype_from_text(type, &t), 0);
	assert_int_equal(rdata_from_text(t, save, NULL, &rdata), 0);
	assert_int_equal(dns_writer_record(w, DNS_ANSWER, maint_house_name(owner), t, DNS_CLASS_IN,
					   60, (const uint8_t *)rdata.data, rdata.len),
			 0);
	buf_fini(&rdata);
	free(copy);
}

static void serve(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct hostile *h = ctx;
	struct dns_writer w;
	struct dns_msg q;
	char soa[64];

	(void)tcp;
	assert_int_equal(dns_msg_parse(msg, len, &q), 0);
	dns_writer_init(&w, 65535, q.id, DNS_FLAG_QR | DNS_FLAG_AA);
	assert_int_equal(dns_writer_question(&w, q.qname, q.qtype, q.qclass), 0);
	if (q.qtype == RRTYPE_SOA) {
		(void)snprintf(soa, sizeof(soa), "z.test SOA a. b. %d 1 1 99 9", h->soa_serial);
		put_line(&w, soa);
	} else {
		h->transfers++;
		for (const char *const *l = h->lines; *l; l++)
			put_line(&w, *l);
	}
	fake_dns_reply(f, (const uint8_t *)w.out.data, w.out.len);
	dns_writer_fini(&w);
	dns_msg_fini(&q);
}

#define SOA(n) "z.test SOA a. b. " #n " 1 1 99 9"
static const char *const good[] = { SOA(5), "z.test NS a.", "w.z.test A 192.0.2.1", SOA(5), NULL };
static const struct {
	const char *what;
	const char *lines[8];
} bad[] = {
	{ "no NS", { SOA(6), "w.z.test A 192.0.2.1", SOA(6) } },
	{ "a CNAME beside data",
	  { SOA(6), "z.test NS a.", "w.z.test A 192.0.2.1", "w.z.test CNAME x.", SOA(6) } },
	{ "a name of another zone",
	  { SOA(6), "z.test NS a.", "w.other.test A 192.0.2.1", SOA(6) } },
	{ "a SOA below the apex",
	  { SOA(6), "z.test NS a.", "w.z.test SOA a. b. 1 1 1 1 1", SOA(6) } },
	{ "another SOA at the end", { SOA(6), "z.test NS a.", SOA(7) } },
	{ "differences that do not fit",
	  { SOA(6), SOA(5), "no.z.test A 192.0.2.1", SOA(6), SOA(6) } },
	{ "an addition that is there", { SOA(6), SOA(5), SOA(6), "w.z.test A 192.0.2.1", SOA(6) } },
	{ "differences without an NS left", { SOA(6), SOA(5), "z.test NS a.", SOA(6), SOA(6) } },
	{ "differences from another serial", { SOA(6), SOA(4), SOA(6), SOA(6) } },
	{ "nothing", { NULL } },
};

static void what_a_hostile_primary_sends_changes_nothing(void **state)
{
	char *option, text[NETADDR_TEXT_MAX];
	struct hostile h = { .lines = good, .soa_serial = 5 };

	(void)state;
	primary.loop = loop_new(); /* the fake's */
	h.f = fake_dns_new(primary.loop, serve, &h);
	option = mem_printf("primary=z.test=%s", netaddr_to_text_port(fake_dns_address(h.f), text));
	start_house((const char *const[]){ option, "max-zone-bytes=1000", NULL }, false);
	for (int i = 0; i < 1000 && maint_house_serial(&house, "z.test") != 5; i++) {
		loop_once(primary.loop, 5);
		loop_once(house.loop, 5);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int before = h.transfers;

		h.lines = bad[i].lines;
		h.soa_serial = 6;
		/* the NOTIFY's answer and the transfer run side by side; IXFR, then AXFR */
		struct answer a = { 0 };
		struct dns_writer w;
		dns_writer_init(&w, 65535, 0, DNS_OPCODE_NOTIFY << 11);
		assert_int_equal(dns_writer_question(&w, maint_house_name("z.test"), RRTYPE_SOA,
						     DNS_CLASS_IN),
				 0);
		const struct dns_question q = {
			.servers = &house.addr, .nservers = 1, .on_done = on_done, .ctx = &a
		};
		(void)dns_client_send(house.dns, &q, (const uint8_t *)w.out.data, w.out.len);
		dns_writer_fini(&w);
		for (int k = 0; k < 1000 && !(a.done && h.transfers > before); k++) {
			loop_once(primary.loop, 1);
			loop_once(house.loop, 1);
		}
		for (int k = 0; k < 20; k++) {
			loop_once(primary.loop, 1);
			loop_once(house.loop, 1);
		}
		if (maint_house_serial(&house, "z.test") != 5)
			fail_msg("%s was taken", bad[i].what);
	}
	fake_dns_free(h.f);
	free(option);
	loop_free(primary.loop);
}

static void a_zone_larger_than_the_limit_is_refused(void **state)
{
	(void)state;
	start_primary(primary_options);
	maint_house_zone(&primary, "a.test", 7, 100);
	char *option = from_primary("primary", "a.test");
	start_house((const char *const[]){ "tsig-key=" KEY, option, "max-zone-bytes=500", NULL },
		    false);
	for (int i = 0; i < 40; i++)
		turn();
	assert_int_equal(maint_house_serial(&house, "a.test"), 0);
	assert_false(status_is_ready(NULL));
	free(option);
}

static void a_zone_that_nobody_confirms_expires(void **state)
{
	char *option, text[NETADDR_TEXT_MAX];
	static const char *const short_lived[] = { "z.test SOA a. b. 5 1 1 2 9", "z.test NS a.",
						   "z.test SOA a. b. 5 1 1 2 9", NULL };
	struct hostile h = { .lines = short_lived, .soa_serial = 5 };

	(void)state;
	primary.loop = loop_new();
	h.f = fake_dns_new(primary.loop, serve, &h);
	option = mem_printf("primary=z.test=%s", netaddr_to_text_port(fake_dns_address(h.f), text));
	start_house((const char *const[]){ option, NULL }, false);
	for (int i = 0; i < 1000 && maint_house_serial(&house, "z.test") != 5; i++) {
		loop_once(primary.loop, 5);
		loop_once(house.loop, 5);
	}
	assert_int_equal(maint_house_serial(&house, "z.test"), 5);
	fake_dns_free(h.f); /* gone */
	for (int i = 0; i < 400 && maint_house_serial(&house, "z.test") == 5; i++)
		loop_once(house.loop, 20);
	assert_int_equal(maint_house_serial(&house, "z.test"), 0);
	assert_false(status_is_ready(NULL));
	free(option);
	loop_free(primary.loop);
}

static int teardown(void **state)
{
	(void)state;
	if (house_runs)
		stop_house();
	maint_house_remove(&house);
	if (primary_runs)
		maint_house_stop(&primary);
	if (primary.dir[0])
		maint_house_remove(&primary);
	primary_runs = false;
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
		TEST(a_secondary_follows_its_primary_by_notify),
		TEST(only_primaries_may_notify),
		TEST(what_was_transferred_is_served_at_once_after_a_restart),
		TEST(zones_follow_a_catalog),
		TEST(a_zone_has_one_origin),
		TEST(what_a_hostile_primary_sends_changes_nothing),
		TEST(a_zone_larger_than_the_limit_is_refused),
		TEST(a_zone_that_nobody_confirms_expires),
	};
	return cmocka_run_group_tests(tests, begin, end);
}

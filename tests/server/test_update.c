/* update and overlay: RFC 2136 through the server, and what a restart keeps. */
#include "server/update.h"

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
#include "tests/server/maint_house.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile.h"

#define KEY   "hmac-sha256:k:AAECAwQFBgcICQoLDA0ODw=="
#define OTHER "hmac-sha256:other:AAECAwQFBgcICQoLDA0ODw=="

static struct maint_house house;
static struct tsig_key *key, *other_key;

/*
 * One record of an update in words: "CLASS OWNER TTL TYPE [RDATA]", CLASS in, any, none; a
 * "?" before it: a prerequisite.  Owners without a final dot are in a.test.
 */
static void add_line(struct dns_writer *w, const char *line)
{
	enum dns_section section = *line == '?' ? DNS_ANSWER : DNS_AUTHORITY;
	char *copy = mem_strdup(line + (*line == '?')), *save = NULL;
	const char *class = strtok_r(copy, " ", &save), *owner = strtok_r(NULL, " ", &save);
	uint32_t ttl = (uint32_t)strtoul(strtok_r(NULL, " ", &save), NULL, 10);
	const char *type_text = strtok_r(NULL, " ", &save);
	uint8_t name[DNAME_MAX];
	struct buf rdata = { 0 };
	uint16_t type;

	assert_int_equal(rrtype_from_text(type_text, &type), 0);
	assert_int_equal(dname_from_chars(owner, strlen(owner), maint_house_name("a.test"), name),
			 0);
	if (save && *save)
		assert_int_equal(rdata_from_text(type, save, maint_house_name("a.test"), &rdata),
				 0);
	assert_int_equal(dns_writer_record(w, section, name, type,
					   *class == 'i'   ? DNS_CLASS_IN
					   : *class == 'a' ? DNS_CLASS_ANY
					   : *class == 'c' ? DNS_CLASS_CH
							   : DNS_CLASS_NONE,
					   ttl, (const uint8_t *)buf_str(&rdata), rdata.len),
			 0);
	buf_fini(&rdata);
	free(copy);
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

/* LINES parted by "\n"; returns the RCODE. */
static unsigned update_zone(const char *zone, uint16_t ztype, const char *lines,
			    const struct tsig_key *k)
{
	struct dns_writer w;
	struct answer a = { 0 };
	char *copy = mem_strdup(lines), *save = NULL;

	dns_writer_init(&w, 65535, 0, DNS_OPCODE_UPDATE << 11);
	assert_int_equal(dns_writer_question(&w, maint_house_name(zone), ztype, DNS_CLASS_IN), 0);
	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		add_line(&w, l);
	const struct dns_question q = { .servers = &house.addr,
					.nservers = 1,
					.tries = 1,
					.timeout_ms = 5000,
					.key = k,
					.on_done = on_done,
					.ctx = &a };
	(void)dns_client_send(house.dns, &q, (const uint8_t *)w.out.data, w.out.len);
	assert_true(maint_house_wait(&house, &a.done));
	assert_int_equal(a.err, 0);
	dns_writer_fini(&w);
	free(copy);
	return a.rcode;
}

static unsigned update(const char *lines)
{
	return update_zone("a.test", RRTYPE_SOA, lines, key);
}

/* The zone without SOA and the ns address, "owner TTL TYPE rdata", in order. */
static char *content(const char *zone)
{
	const struct zone *z = zonedb_zone(zonedb_current(house.db), maint_house_name(zone));
	struct buf text = { 0 }, out = { 0 };
	char *save = NULL;

	zonefile_print(z, &text);
	for (char *l = strtok_r(text.data, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (strstr(l, "\tSOA\t") || strncmp(l, "ns.", 3) == 0)
			continue;
		for (char *p = l; *p; p++)
			if (*p == '\t')
				*p = ' ';
		buf_puts(&out, l);
		buf_putc(&out, '\n');
	}
	buf_fini(&text);
	return buf_take(&out);
}

static void expect(const char *zone, const char *want)
{
	char *got = content(zone);

	assert_string_equal(got, want);
	free(got);
}

#define NS "a.test. 60 IN NS ns.a.test.\n"

static void start(bool with_state)
{
	maint_house_start(&house,
			  (const char *const[]){ "tsig-key=" KEY, "tsig-key=" OTHER,
						 "zone=a.test=x", "allow-update=key:k", NULL },
			  with_state);
	maint_house_zone(&house, "a.test", 7, 0);
}

static const struct {
	const char *what, *lines;
	unsigned rcode;
	const char *content; /* NULL: as before */
} rows[] = {
	{ "add", "in w 300 A 192.0.2.1", 0, NS "w.a.test. 300 IN A 192.0.2.1\n" },
	{ "add one more: the newest TTL is the RRset's", "in w 200 A 192.0.2.2", 0,
	  NS "w.a.test. 200 IN A 192.0.2.1\nw.a.test. 200 IN A 192.0.2.2\n" },
	{ "add what is there", "in W 200 A 192.0.2.2", 0, NULL },
	{ "a CNAME beside data is ignored", "in w 1 CNAME x", 0, NULL },
	{ "delete a record", "none w 0 A 192.0.2.1", 0, NS "w.a.test. 200 IN A 192.0.2.2\n" },
	{ "delete a record that is not there", "none w 0 A 192.0.2.9", 0, NULL },
	{ "a CNAME, then data beside it are ignored", "in c 1 CNAME x\nin c 1 A 192.0.2.1", 0,
	  NS "c.a.test. 1 IN CNAME x.a.test.\nw.a.test. 200 IN A 192.0.2.2\n" },
	{ "a CNAME replaces a CNAME", "in c 2 CNAME y", 0,
	  NS "c.a.test. 2 IN CNAME y.a.test.\nw.a.test. 200 IN A 192.0.2.2\n" },
	{ "delete an RRset", "any c 0 CNAME", 0, NS "w.a.test. 200 IN A 192.0.2.2\n" },
	{ "delete and add at once", "any w 0 A\nin w 9 A 192.0.2.7\nin w 9 TXT t", 0,
	  NS "w.a.test. 9 IN A 192.0.2.7\nw.a.test. 9 IN TXT \"t\"\n" },
	{ "delete a name", "any w 0 ANY", 0, NS },
	{ "delete all at the apex: SOA and NS stay", "in @ 1 TXT t\nany @ 0 ANY", 0, NS },
	{ "the apex's NS set cannot be deleted", "any @ 0 NS", 0, NULL },
	{ "nor the SOA", "any @ 0 SOA", 0, NULL },
	{ "nor the last NS", "none @ 0 NS ns", 0, NULL },
	{ "but one of two", "in @ 60 NS ns2\nnone @ 0 NS ns", 0, "a.test. 60 IN NS ns2.a.test.\n" },
	{ "back", "in @ 60 NS ns\nnone @ 0 NS ns2", 0, NS },
	{ "a SOA that is not newer is ignored", "in @ 60 SOA x y 3 1 1 1 1", 0, NULL },
	{ "out of the zone", "in b.test. 1 A 192.0.2.1", DNS_RCODE_NOTZONE, NULL },
	{ "one wrong record spoils all", "in x 1 A 192.0.2.1\nin b.test. 1 A 192.0.2.1",
	  DNS_RCODE_NOTZONE, NULL },
	{ "a meta type", "in x 1 TYPE255 \\# 0", DNS_RCODE_FORMERR, NULL },
	{ "a TTL in a deletion", "any w 1 A", DNS_RCODE_FORMERR, NULL },
	{ "ANY in a deletion of a record", "none w 0 ANY", DNS_RCODE_FORMERR, NULL },
	{ "another class", "ch w 0 TXT x", DNS_RCODE_FORMERR, NULL },
	{ "RDATA in a deletion of an RRset", "any w 0 A 192.0.2.1", DNS_RCODE_FORMERR, NULL },
	{ "signatures are not the client's", "in w 1 NSEC x A", DNS_RCODE_REFUSED, NULL },
	/* prerequisites */
	{ "set up", "in p 5 A 192.0.2.1\nin p 5 A 192.0.2.2\nin deep.ent 5 A 192.0.2.1", 0,
	  NS "deep.ent.a.test. 5 IN A 192.0.2.1\np.a.test. 5 IN A 192.0.2.1\np.a.test. 5 IN A "
	     "192.0.2.2\n" },
	{ "the name is in use", "?any p 0 ANY", 0, NULL },
	{ "the name is not", "?any q 0 ANY", DNS_RCODE_NXDOMAIN, NULL },
	{ "an empty non-terminal is not in use", "?any ent 0 ANY", DNS_RCODE_NXDOMAIN, NULL },
	{ "the RRset is there", "?any p 0 A", 0, NULL },
	{ "the RRset is not", "?any p 0 TXT", DNS_RCODE_NXRRSET, NULL },
	{ "the name is free", "?none q 0 ANY", 0, NULL },
	{ "the name is not free", "?none p 0 ANY", DNS_RCODE_YXDOMAIN, NULL },
	{ "no such RRset, right", "?none p 0 TXT", 0, NULL },
	{ "no such RRset, wrong", "?none p 0 A", DNS_RCODE_YXRRSET, NULL },
	{ "the RRset has exactly these", "?in p 0 A 192.0.2.2\n?in P 0 A 192.0.2.1", 0, NULL },
	{ "it has more", "?in p 0 A 192.0.2.1", DNS_RCODE_NXRRSET, NULL },
	{ "it has less", "?in p 0 A 192.0.2.1\n?in p 0 A 192.0.2.2\n?in p 0 A 192.0.2.3",
	  DNS_RCODE_NXRRSET, NULL },
	{ "it is not there", "?in q 0 A 192.0.2.1", DNS_RCODE_NXRRSET, NULL },
	{ "a TTL in a prerequisite", "?any p 1 A", DNS_RCODE_FORMERR, NULL },
	{ "RDATA in a prerequisite of class ANY", "?any p 0 A 192.0.2.1", DNS_RCODE_FORMERR, NULL },
	{ "a prerequisite out of the zone", "?any b.test. 0 A", DNS_RCODE_NOTZONE, NULL },
	{ "what fails changes nothing", "?any q 0 ANY\nin n 1 A 192.0.2.1", DNS_RCODE_NXDOMAIN,
	  NULL },
	{ "what holds lets it",
	  "?none q 0 ANY\nin q 1 A 192.0.2.1\nany p 0 ANY\nany deep.ent 0 ANY", 0,
	  NS "q.a.test. 1 IN A 192.0.2.1\n" },
};

static void updates_do_what_rfc_2136_says(void **state)
{
	(void)state;
	start(false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *before = content("a.test");
		uint32_t serial = maint_house_serial(&house, "a.test");
		unsigned rcode = update(rows[i].lines);

		if (rcode != rows[i].rcode)
			fail_msg("%s: RCODE %u, not %u", rows[i].what, rcode, rows[i].rcode);
		char *after = content("a.test");
		const char *want = rows[i].content ? rows[i].content : before;
		if (strcmp(after, want) != 0)
			fail_msg("%s:\n%s", rows[i].what, after);
		bool is_changed = strcmp(before, after) != 0;
		assert_int_equal(maint_house_serial(&house, "a.test"), serial + is_changed);
		free(before);
		free(after);
	}
	/* a newer SOA is taken */
	assert_int_equal(update("in @ 60 SOA ns host 1000 1 1 1 1"), 0);
	assert_int_equal(maint_house_serial(&house, "a.test"), 1000);
}

static void only_those_who_may_update(void **state)
{
	(void)state;
	start(false);
	assert_int_equal(update_zone("a.test", RRTYPE_SOA, "in w 1 A 192.0.2.1", NULL),
			 DNS_RCODE_REFUSED);
	assert_int_equal(update_zone("a.test", RRTYPE_SOA, "in w 1 A 192.0.2.1", other_key),
			 DNS_RCODE_REFUSED);
	assert_int_equal(update_zone("none.test", RRTYPE_SOA, "in none.test. 1 A 192.0.2.1", key),
			 DNS_RCODE_NOTAUTH);
	assert_int_equal(update_zone("w.a.test", RRTYPE_SOA, "in w 1 A 192.0.2.1", key),
			 DNS_RCODE_NOTAUTH);
	assert_int_equal(update_zone("a.test", RRTYPE_A, "in w 1 A 192.0.2.1", key),
			 DNS_RCODE_FORMERR);
	expect("a.test", NS);
}

static void a_policy_may_name_names_and_types(void **state)
{
	(void)state;
	maint_house_start(&house,
			  (const char *const[]){ "tsig-key=" KEY, "zone=a.test=x",
						 "allow-update=key:k=_acme-challenge.*:TXT", NULL },
			  false);
	maint_house_zone(&house, "a.test", 7, 0);
	assert_int_equal(update("in _acme-challenge.w 60 TXT token"), 0);
	assert_int_equal(update("in _acme-challenge.w 60 A 192.0.2.1"), DNS_RCODE_REFUSED);
	assert_int_equal(update("in w 60 TXT token"), DNS_RCODE_REFUSED);
	assert_int_equal(update("in _acme-challenge.w 60 TXT two\nin w 60 TXT x"),
			 DNS_RCODE_REFUSED);
	expect("a.test", NS "_acme-challenge.w.a.test. 60 IN TXT \"token\"\n");
}

/* A zone that gslbd makes itself: only names that nothing else made. */
static void names_of_gslb_are_not_the_clients(void **state)
{
	(void)state;
	maint_house_start(&house,
			  (const char *const[]){ "tsig-key=" KEY, "allow-update=key:k", NULL },
			  false);
	maint_house_zone(&house, "a.test", 7, 1);
	assert_int_equal(update("in h0 60 TXT x"), DNS_RCODE_REFUSED);
	assert_int_equal(update("any h0 0 A"), DNS_RCODE_REFUSED);
	assert_int_equal(update("in @ 60 TXT x"), DNS_RCODE_REFUSED);
	assert_int_equal(update("in _acme-challenge.h0 60 TXT x"), 0);
	assert_int_equal(update("in _acme-challenge.h0 60 TXT y"), 0);
	assert_int_equal(update("any _acme-challenge.h0 0 TXT"), 0);
	assert_int_equal(update("in _acme-challenge.h0 60 TXT z"), 0);
	/* what gslb takes later is gslb's */
	maint_house_put(&house, "a.test", "_acme-challenge.h0.a.test", RRTYPE_TXT, "mine");
	assert_int_equal(update("in _acme-challenge.h0 60 TXT z"), DNS_RCODE_REFUSED);
}

static void restart(void)
{
	maint_house_stop(&house);
	start(true);
}

static void updates_survive_a_restart_with_their_serial(void **state)
{
	(void)state;
	start(true);
	assert_int_equal(update("in w 300 A 192.0.2.1\nin @ 60 NS ns2\nnone @ 0 NS ns"), 0);
	assert_int_equal(update("in x 300 TXT x\nin c 5 CNAME w"), 0);
	assert_int_equal(maint_house_serial(&house, "a.test"), 9);
	restart();
	assert_int_equal(maint_house_serial(&house, "a.test"), 9);
	expect("a.test", "a.test. 60 IN NS ns2.a.test.\nc.a.test. 5 IN CNAME w.a.test.\n"
			 "w.a.test. 300 IN A 192.0.2.1\nx.a.test. 300 IN TXT \"x\"\n");
	assert_int_equal(update("in @ 60 NS ns\nnone @ 0 NS ns2\nany w 0 ANY\nany c 0 ANY"), 0);
	restart();
	expect("a.test", NS "x.a.test. 300 IN TXT \"x\"\n");
	assert_int_equal(maint_house_serial(&house, "a.test"), 10);
}

static void deletions_survive_a_restart(void **state)
{
	(void)state;
	start(true);
	assert_int_equal(update("any ns 0 A"), 0);
	restart();
	const struct zone *z = zonedb_zone(zonedb_current(house.db), maint_house_name("a.test"));
	assert_null(zone_rrset(z, maint_house_name("ns.a.test"), RRTYPE_A));
}

/* The file has changed since: what it says of that RRset counts. */
static void data_that_changed_underneath_win(void **state)
{
	(void)state;
	start(true);
	maint_house_put(&house, "a.test", "w.a.test", RRTYPE_A, "192.0.2.1");
	assert_int_equal(update("in w 60 A 192.0.2.2\nin v 60 A 192.0.2.2"), 0);
	maint_house_stop(&house);
	maint_house_start(&house,
			  (const char *const[]){ "tsig-key=" KEY, "allow-update=key:k",
						 "zone=a.test=x", NULL },
			  true);
	struct txn *t = txn_begin(house.db);
	const uint8_t *origin = maint_house_name("a.test");
	static const char *const data[][3] = { { "a.test", "SOA",
						 "ns.a.test. host.a.test. 7 1 1 1 1" },
					       { "a.test", "NS", "ns.a.test." },
					       { "w.a.test", "A", "192.0.2.99" } };
	assert_int_equal(txn_zone_add(t, origin), 0);
	for (size_t i = 0; i < ARRAY_SIZE(data); i++) {
		uint16_t type;

		assert_int_equal(rrtype_from_text(data[i][1], &type), 0);
		assert_int_equal(txn_put_text(t, origin, data[i][0], type, 60, &data[i][2], 1), 0);
	}
	assert_int_equal(txn_commit(t, NULL), 0);
	expect("a.test", NS "v.a.test. 60 IN A 192.0.2.2\nw.a.test. 60 IN A 192.0.2.99\n");
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
	if (tsig_key_from_text(OTHER, &other_key))
		return -1;
	return tsig_key_from_text(KEY, &key);
}

static int end(void **state)
{
	(void)state;
	tsig_key_free(key);
	tsig_key_free(other_key);
	rcu_unregister_thread();
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(updates_do_what_rfc_2136_says),
		TEST(only_those_who_may_update),
		TEST(a_policy_may_name_names_and_types),
		TEST(names_of_gslb_are_not_the_clients),
		TEST(updates_survive_a_restart_with_their_serial),
		TEST(deletions_survive_a_restart),
		TEST(data_that_changed_underneath_win),
	};
	return cmocka_run_group_tests(tests, begin, end);
}

/* dns_client: retries, servers in turn, TC, TSIG, forgeries, transfers, against a fake server. */
#include "lib/dns_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/tsig.h"
#include "lib/wire.h"
#include "tests/fake_dns.h"

enum mode {
	GOOD,
	SILENT,
	SILENT_ONCE,
	TRUNCATE,       /* over UDP */
	WRONG_ID,       /* a forgery, then the good one */
	WRONG_QUESTION, /* the same */
	GARBAGE,        /* the same */
	SERVER_FAILURE,
	OLD, /* FORMERR to EDNS */
	UNSIGNED,
	WRONG_KEY,
	HANG_UP, /* after the first message of a transfer */
	WRONG_CASE,
};

struct server {
	enum mode mode;
	int queries, tcp_queries;
	const struct tsig_key *key;
	const char *const *stream; /* messages of a transfer: "owner type rdata" a line */
	struct fake_dns *f;
};

struct result {
	bool done;
	int err;
	unsigned rcode;
	size_t nrecords;
	struct netaddr server;
	uint8_t address[4];
	struct transfer transfer;
	struct buf told;
};

static struct loop *loop;
static struct dns_client *client;

static void send_out(struct server *s, struct buf *out, struct tsig_session *tsig)
{
	if (s->key && tsig && tsig->key && s->mode != UNSIGNED)
		assert_int_equal(tsig_sign(tsig, out), 0);
	fake_dns_reply(s->f, (const uint8_t *)out->data, out->len);
}

static void add_line(struct dns_writer *w, const char *line)
{
	char *copy = mem_strdup(line), *save = NULL;
	const char *owner = strtok_r(copy, " ", &save), *type = strtok_r(NULL, " ", &save);
	uint8_t name[DNAME_MAX];
	struct buf rdata = { 0 };
	uint16_t t;

	assert_int_equal(dname_from_text(owner, name), 0);
	assert_int_equal(rrtype_from_text(type, &t), 0);
	assert_int_equal(rdata_from_text(t, save, NULL, &rdata), 0);
	assert_int_equal(dns_writer_record(w, DNS_ANSWER, name, t, DNS_CLASS_IN, 60,
					   (const uint8_t *)rdata.data, rdata.len),
			 0);
	buf_fini(&rdata);
	free(copy);
}

static void transfer_out(struct server *s, const struct dns_msg *q, struct tsig_session *tsig)
{
	for (const char *const *m = s->stream; *m; m++) {
		struct dns_writer w;
		char *copy = mem_strdup(*m), *save = NULL;

		dns_writer_init(&w, 65535, q->id, DNS_FLAG_QR | DNS_FLAG_AA);
		if (m == s->stream)
			assert_int_equal(dns_writer_question(&w, q->qname, q->qtype, q->qclass), 0);
		for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			add_line(&w, l);
		send_out(s, &w.out, tsig);
		dns_writer_fini(&w);
		free(copy);
		if (s->mode == HANG_UP) {
			fake_dns_hang_up(s->f);
			return;
		}
	}
}

static void one_answer(struct server *s, const struct dns_msg *q, bool tcp,
		       struct tsig_session *tsig)
{
	static const uint8_t address[4] = { 192, 0, 2, 1 };
	struct dns_writer w;
	uint16_t flags = (uint16_t)(DNS_FLAG_QR | DNS_FLAG_AA | (q->flags & 0x7800));
	uint8_t name[DNAME_MAX];
	bool truncated = s->mode == TRUNCATE && !tcp;

	memcpy(name, q->qname, sizeof(name));
	if (s->mode == WRONG_ID || s->mode == WRONG_QUESTION || s->mode == GARBAGE) {
		uint8_t forged[] = "\0\0\x84\0\0\1\0\0\0\0\0\0\4evil\0\0\1\0\1";

		wire_put16(forged, (uint16_t)(s->mode == WRONG_ID ? q->id + 1 : q->id));
		fake_dns_reply(s->f, forged, s->mode == GARBAGE ? 15 : sizeof(forged) - 1);
	}
	if (s->mode == WRONG_CASE)
		(void)dname_lower(name, name);
	dns_writer_init(&w, 65535, q->id, (uint16_t)(flags | (truncated ? DNS_FLAG_TC : 0)));
	assert_int_equal(dns_writer_question(&w, name, q->qtype, q->qclass), 0);
	if (s->mode == SERVER_FAILURE || (s->mode == OLD && q->has_opt))
		dns_writer_rcode(&w, s->mode == OLD ? DNS_RCODE_FORMERR : DNS_RCODE_SERVFAIL);
	else if (!truncated && q->qtype == RRTYPE_A)
		assert_int_equal(dns_writer_record(&w, DNS_ANSWER, q->qname, RRTYPE_A, DNS_CLASS_IN,
						   60, address, 4),
				 0);
	send_out(s, &w.out, tsig);
	dns_writer_fini(&w);
}

static void serve(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct server *s = ctx;
	struct tsig_session tsig;
	struct dns_msg q;

	(void)f;
	s->queries++;
	s->tcp_queries += tcp;
	if (s->mode == SILENT || (s->mode == SILENT_ONCE && s->queries == 1))
		return;
	tsig_session_init(&tsig, NULL);
	if (s->key) {
		int err = tsig_verify(&tsig, &s->key, 1, msg, len, &len);
		assert_int_equal(err, s->mode == WRONG_KEY ? ERR_AUTH : 0);
	}
	assert_int_equal(dns_msg_parse(msg, len, &q), 0);
	if (s->mode == WRONG_KEY)
		tsig.key = s->key, tsig.error = 0, tsig.mac_len = 0;
	if (q.qtype == RRTYPE_AXFR || q.qtype == RRTYPE_IXFR)
		transfer_out(s, &q, &tsig);
	else
		one_answer(s, &q, tcp, &tsig);
	dns_msg_fini(&q);
	tsig_session_fini(&tsig);
}

static void done(void *ctx, const struct dns_reply *reply)
{
	struct result *r = ctx;

	assert_false(r->done);
	r->done = true;
	r->err = reply->err;
	r->rcode = reply->rcode;
	r->nrecords = reply->nrecords;
	r->server = reply->server;
	if (reply->nrecords)
		memcpy(r->address, reply->records[0].rdata, 4);
}

static void wait_done(const struct result *r)
{
	for (int i = 0; i < 1000 && !r->done; i++)
		loop_once(loop, 100);
	assert_true(r->done);
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	client = dns_client_new(loop);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dns_client_free(client);
	loop_free(loop);
	return 0;
}

static void ask(const struct netaddr *servers, size_t n, struct dns_question q, struct result *r)
{
	uint8_t name[DNAME_MAX];

	assert_int_equal(dname_from_text("Some-Longer.Name.Example", name), 0);
	*r = (struct result){ 0 };
	q.servers = servers;
	q.nservers = n;
	q.name = name;
	q.type = RRTYPE_A;
	q.on_done = done;
	q.ctx = r;
	(void)dns_client_ask(client, &q);
	assert_false(r->done);
	wait_done(r);
}

static const struct {
	const char *what;
	enum mode mode;
	int err;
	unsigned rcode;
	size_t nrecords;
	int queries, tcp_queries;
} single[] = {
	{ "an answer", GOOD, 0, 0, 1, 1, 0 },
	{ "a lost datagram", SILENT_ONCE, 0, 0, 1, 2, 0 },
	{ "no answer", SILENT, ERR_TIMEOUT, 0, 0, 3, 0 },
	{ "truncation", TRUNCATE, 0, 0, 1, 2, 1 },
	{ "a forged id", WRONG_ID, 0, 0, 1, 1, 0 },
	{ "a forged question", WRONG_QUESTION, 0, 0, 1, 1, 0 },
	{ "half a message", GARBAGE, 0, 0, 1, 1, 0 },
	{ "a failing server", SERVER_FAILURE, 0, DNS_RCODE_SERVFAIL, 0, 1, 0 },
	{ "a server from before EDNS", OLD, 0, 0, 1, 2, 0 },
};

static void a_single_server_is_asked_until_it_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++) {
		struct server s = { .mode = single[i].mode };
		struct result r;

		s.f = fake_dns_new(loop, serve, &s);
		ask(fake_dns_address(s.f), 1, (struct dns_question){ .timeout_ms = 30, .tries = 3 },
		    &r);
		if (r.err != single[i].err || r.rcode != single[i].rcode ||
		    r.nrecords != single[i].nrecords || s.queries != single[i].queries ||
		    s.tcp_queries != single[i].tcp_queries)
			fail_msg("%s: err %d rcode %u records %zu queries %d (%d TCP)",
				 single[i].what, r.err, r.rcode, r.nrecords, s.queries,
				 s.tcp_queries);
		if (r.nrecords)
			assert_memory_equal(r.address, "\300\0\2\1", 4);
		fake_dns_free(s.f);
	}
}

static void every_server_is_tried_and_a_better_answer_wins(void **state)
{
	static const enum mode first[] = { SILENT, SERVER_FAILURE };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		struct server a = { .mode = first[i] }, b = { .mode = GOOD };
		struct netaddr servers[3];
		struct result r;

		a.f = fake_dns_new(loop, serve, &a);
		b.f = fake_dns_new(loop, serve, &b);
		servers[0] = *fake_dns_address(a.f);
		/* nobody listens there: port unreachable */
		struct server gone = { 0 };
		gone.f = fake_dns_new(loop, serve, &gone);
		servers[1] = *fake_dns_address(gone.f);
		fake_dns_free(gone.f);
		servers[2] = *fake_dns_address(b.f);
		ask(servers, 3, (struct dns_question){ .timeout_ms = 30 }, &r);
		assert_int_equal(r.err, 0);
		assert_int_equal(r.rcode, 0);
		assert_true(netaddr_equal(&r.server, &servers[2]));
		fake_dns_free(a.f);
		fake_dns_free(b.f);
	}
}

static void mixed_case_must_come_back(void **state)
{
	static const struct {
		enum mode mode;
		int err;
	} modes[] = { { GOOD, 0 }, { WRONG_CASE, ERR_TIMEOUT } };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct server s = { .mode = modes[i].mode };
		struct result r;

		s.f = fake_dns_new(loop, serve, &s);
		ask(fake_dns_address(s.f), 1,
		    (struct dns_question){ .timeout_ms = 30, .tries = 1, .mix_case = true }, &r);
		assert_int_equal(r.err, modes[i].err);
		fake_dns_free(s.f);
	}
}

static void tsig_is_verified_over_udp_and_tcp(void **state)
{
	static const struct {
		enum mode mode;
		bool tcp;
		int err;
	} modes[] = {
		{ GOOD, false, 0 },
		{ GOOD, true, 0 },
		{ UNSIGNED, false, ERR_AUTH },
		{ UNSIGNED, true, ERR_AUTH },
		{ WRONG_KEY, false, ERR_AUTH },
		{ WRONG_KEY, true, ERR_AUTH },
	};
	struct tsig_key *key, *other;

	(void)state;
	assert_int_equal(tsig_key_from_text("k:hmac-sha256:AAECAw==", &key), 0);
	assert_int_equal(tsig_key_from_text("k:hmac-sha256:AAECBA==", &other), 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct server s = { .mode = modes[i].mode };
		struct result r;

		s.key = modes[i].mode == WRONG_KEY ? other : key;
		s.f = fake_dns_new(loop, serve, &s);
		ask(fake_dns_address(s.f), 1,
		    (struct dns_question){ .timeout_ms = 30, .tcp_only = modes[i].tcp, .key = key },
		    &r);
		assert_int_equal(r.err, modes[i].err);
		fake_dns_free(s.f);
	}
	tsig_key_free(key);
	tsig_key_free(other);
}

static void a_ready_message_goes_out_with_a_new_id(void **state)
{
	static const uint8_t update[] = "\0\0\x28\0\0\1\0\0\0\0\0\0\4zone\0\0\6\0\1";
	struct server s = { .mode = GOOD };
	struct result r = { 0 };

	(void)state;
	s.f = fake_dns_new(loop, serve, &s);
	(void)dns_client_send(client,
			      &(struct dns_question){ .servers = fake_dns_address(s.f),
						      .nservers = 1,
						      .on_done = done,
						      .ctx = &r },
			      update, sizeof(update) - 1);
	wait_done(&r);
	assert_int_equal(r.err, 0);
	fake_dns_free(s.f);
}

static void a_cancelled_request_says_nothing(void **state)
{
	struct server s = { .mode = SILENT };
	struct result r = { 0 };
	uint8_t name[1] = { 0 };

	(void)state;
	s.f = fake_dns_new(loop, serve, &s);
	struct dns_request *q =
		dns_client_ask(client, &(struct dns_question){ .servers = fake_dns_address(s.f),
							       .nservers = 1,
							       .name = name,
							       .type = RRTYPE_NS,
							       .timeout_ms = 10,
							       .on_done = done,
							       .ctx = &r });
	dns_request_cancel(q);
	loop_once(loop, 30);
	loop_once(loop, 30);
	assert_false(r.done);
	fake_dns_free(s.f);
}

/* --- transfers ------------------------------------------------------------------------- */

#define SOA(n) "zone.test SOA a. b. " #n " 1 2 3 4\n"

static int told(void *ctx, enum transfer_op op, const struct dns_record *rec)
{
	struct result *r = ctx;
	char type[16];

	buf_printf(&r->told, "%c%s ", "=-+"[op], rrtype_to_text(rec->type, type));
	return 0;
}

static void transferred(void *ctx, int err, unsigned rcode, const struct transfer *t)
{
	struct result *r = ctx;

	assert_false(r->done);
	r->done = true;
	r->err = err;
	r->rcode = rcode;
	r->transfer = *t;
}

static void transfer(const struct netaddr *servers, size_t n, struct dns_transfer_question q,
		     struct result *r)
{
	uint8_t zone[DNAME_MAX];
	struct buf soa = { 0 };

	*r = (struct result){ 0 };
	assert_int_equal(dname_from_text("zone.test", zone), 0);
	assert_int_equal(rdata_from_text(RRTYPE_SOA, "a. b. 3 1 2 3 4", NULL, &soa), 0);
	q.servers = servers;
	q.nservers = n;
	q.zone = zone;
	q.soa = (const uint8_t *)soa.data;
	q.soa_len = soa.len;
	q.idle_ms = 50;
	q.on_record = told;
	q.on_done = transferred;
	q.ctx = r;
	(void)dns_client_transfer(client, &q);
	wait_done(r);
	buf_fini(&soa);
}

static const char *const axfr[] = { SOA(5) "zone.test NS a.", "a.zone.test A 192.0.2.1", SOA(5),
				    NULL };
static const char *const ixfr[] = {
	SOA(5) SOA(3) "a.zone.test A 192.0.2.1\n" SOA(5) "a.zone.test A 192.0.2.2\n" SOA(5), NULL
};
static const char *const current[] = { SOA(3), NULL };
static const char *const endless[] = { SOA(5) "zone.test NS a.", "a.zone.test A 192.0.2.1",
				       "b.zone.test A 192.0.2.1", "c.zone.test A 192.0.2.1", NULL };

static const struct {
	const char *what;
	enum mode mode;
	bool incremental, signed_by_key;
	const char *const *stream;
	size_t max_records;
	int err;
	const char *told;
	bool is_full, is_current;
} transfers[] = {
	{ "AXFR", GOOD, false, false, axfr, 0, 0, "=SOA =NS =A ", true, false },
	{ "signed AXFR", GOOD, false, true, axfr, 0, 0, "=SOA =NS =A ", true, false },
	{ "AXFR without the signature asked for", UNSIGNED, false, true, axfr, 0, ERR_AUTH, "",
	  false, false },
	{ "IXFR", GOOD, true, true, ixfr, 0, 0, "-SOA -A +SOA +A ", false, false },
	{ "IXFR answered by AXFR", GOOD, true, false, axfr, 0, 0, "=SOA =NS =A ", true, false },
	{ "current", GOOD, true, false, current, 0, 0, "", false, true },
	{ "too many records", GOOD, false, false, endless, 4, ERR_LIMIT, "=SOA =NS =A =A ", true,
	  false },
	{ "a stream without an end", GOOD, false, false, endless, 0, ERR_TIMEOUT,
	  "=SOA =NS =A =A =A ", true, false },
	{ "cut off", HANG_UP, false, false, axfr, 0, ERR_NETWORK, "=SOA =NS ", true, false },
};

static void transfers_are_told_record_by_record(void **state)
{
	struct tsig_key *key;

	(void)state;
	assert_int_equal(tsig_key_from_text("k:hmac-sha256:AAECAw==", &key), 0);
	for (size_t i = 0; i < ARRAY_SIZE(transfers); i++) {
		struct server s = { .mode = transfers[i].mode,
				    .stream = transfers[i].stream,
				    .key = transfers[i].signed_by_key ? key : NULL };
		struct result r;

		s.f = fake_dns_new(loop, serve, &s);
		transfer(fake_dns_address(s.f), 1,
			 (struct dns_transfer_question){ .incremental = transfers[i].incremental,
							 .key = s.key,
							 .max_records = transfers[i].max_records },
			 &r);
		if (r.err != transfers[i].err || strcmp(buf_str(&r.told), transfers[i].told) != 0)
			fail_msg("%s: %d \"%s\"", transfers[i].what, r.err, buf_str(&r.told));
		assert_int_equal(r.transfer.is_full, transfers[i].is_full);
		assert_int_equal(r.transfer.is_current, transfers[i].is_current);
		if (r.err == 0)
			assert_int_equal(r.transfer.new_serial, r.transfer.is_current ? 3 : 5);
		buf_fini(&r.told);
		fake_dns_free(s.f);
	}
	tsig_key_free(key);
}

static void the_next_primary_is_tried_as_long_as_nothing_was_told(void **state)
{
	static const char *const nothing[] = { "", NULL };
	struct server a = { .mode = GOOD, .stream = nothing }, b = { .mode = GOOD, .stream = axfr };
	struct netaddr servers[2];
	struct result r;

	(void)state;
	a.f = fake_dns_new(loop, serve, &a);
	b.f = fake_dns_new(loop, serve, &b);
	servers[0] = *fake_dns_address(a.f);
	servers[1] = *fake_dns_address(b.f);
	transfer(servers, 2, (struct dns_transfer_question){ 0 }, &r);
	assert_int_equal(r.err, 0);
	assert_string_equal(buf_str(&r.told), "=SOA =NS =A ");
	buf_fini(&r.told);
	fake_dns_free(a.f);
	fake_dns_free(b.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_server_is_asked_until_it_answers),
		cmocka_unit_test(every_server_is_tried_and_a_better_answer_wins),
		cmocka_unit_test(mixed_case_must_come_back),
		cmocka_unit_test(tsig_is_verified_over_udp_and_tcp),
		cmocka_unit_test(a_ready_message_goes_out_with_a_new_id),
		cmocka_unit_test(a_cancelled_request_says_nothing),
		cmocka_unit_test(transfers_are_told_record_by_record),
		cmocka_unit_test(the_next_primary_is_tried_as_long_as_nothing_was_told),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

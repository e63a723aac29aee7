/*
 * provider_rfc2136 against a small server of the test's own that keeps a zone,
 * honours prerequisites, and misbehaves by request.  All rows of a table run at
 * once on one loop, for each has to wait out its trouble.
 */
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "tests/fake_dns.h"
#include "tests/sync/rig.h"

extern const struct provider_ops provider_rfc2136;

#define ROWS_MAX 16
#define FOREIGN  "foreign.e.org TXT \"gr\\195\\188n\" \"two\""

enum trouble {
	NONE,
	READ_REFUSED,
	READ_CUT,     /* hung up in the middle */
	READ_GARBAGE, /* a record that ends too early */
	READ_FOREIGN, /* another question's answer */
	WRITE_REFUSED,
	WRITE_SERVFAIL,
	WRITE_NOTAUTH,
	WRITE_LOST,   /* hung up, nothing done */
	WRITE_UNSAID, /* hung up, all done */
	WRITE_GARBAGE,
	NAME_REFUSED, /* never takes bad.e.org */
	NAME_SERVFAIL,
};

struct server {
	struct fake_dns *f;
	struct strv zone; /* "owner TYPE rdata" */
	unsigned serial;
	enum trouble trouble;
	unsigned spoilt; /* requests that met the trouble */
	unsigned reads, ixfrs, writes, done;
	bool no_ixfr;
	struct strv log; /* of updates, if asked for */
};

static char *line_of(const struct dns_record *r)
{
	struct buf out = { 0 }, data = { 0 };
	char name[DNAME_TEXT_MAX], type[24];

	dname_to_text(r->owner, name);
	name[strlen(name) - 1] = '\0'; /* the final dot */
	buf_printf(&out, "%s %s", name, rrtype_to_text(r->type, type));
	if (r->rdlen) {
		assert_int_equal(rdata_to_text(r->type, r->rdata, r->rdlen, &data), 0);
		buf_printf(&out, " %s", data.data);
	}
	buf_fini(&data);
	return buf_take(&out);
}

static bool holds(const struct server *s, const char *line, bool whole)
{
	size_t len = strlen(line);

	for (size_t i = 0; i < s->zone.n; i++)
		if (strncmp(s->zone.s[i], line, len) == 0 &&
		    (s->zone.s[i][len] == '\0' || (!whole && s->zone.s[i][len] == ' ')))
			return true;
	return false;
}

static void take_out(struct server *s, const char *line, bool whole)
{
	struct strv left = { 0 };
	size_t len = strlen(line);

	for (size_t i = 0; i < s->zone.n; i++)
		if (strncmp(s->zone.s[i], line, len) ||
		    (s->zone.s[i][len] && (whole || s->zone.s[i][len] != ' ')))
			strv_add(&left, s->zone.s[i]);
	strv_fini(&s->zone);
	s->zone = left;
}

/* RFC 2136 3.2: the RCODE, 0 = all hold. */
static unsigned check(const struct server *s, const struct dns_msg *m)
{
	unsigned rcode = 0;

	for (size_t i = 0; i < m->nrecords && rcode == 0; i++) {
		const struct dns_record *r = &m->records[i];
		char *line;

		if (r->section != DNS_ANSWER)
			continue;
		line = line_of(r);
		if (r->rclass == DNS_CLASS_IN && !holds(s, line, true))
			rcode = DNS_RCODE_NXRRSET;
		if (r->rclass == DNS_CLASS_NONE && r->type == 255) {
			*strchr(line, ' ') = '\0';
			rcode = holds(s, line, false) ? DNS_RCODE_YXDOMAIN : 0;
		} else if (r->rclass == DNS_CLASS_NONE && holds(s, line, false)) {
			rcode = DNS_RCODE_YXRRSET;
		}
		free(line);
	}
	return rcode;
}

static void perform(struct server *s, const struct dns_msg *m)
{
	for (size_t i = 0; i < m->nrecords; i++) {
		const struct dns_record *r = &m->records[i];
		char *line = line_of(r);

		if (r->section == DNS_AUTHORITY && r->rclass == DNS_CLASS_IN)
			strv_add(&s->zone, line);
		else if (r->section == DNS_AUTHORITY)
			take_out(s, line, r->rclass == DNS_CLASS_NONE);
		free(line);
	}
	s->serial++;
	s->done++;
}

static bool names_bad(const struct dns_msg *m)
{
	bool bad = false;

	for (size_t i = 0; i < m->nrecords; i++) {
		char *line = line_of(&m->records[i]);

		bad = bad || strncmp(line, "bad.e.org ", 10) == 0;
		free(line);
	}
	return bad;
}

static void reply(struct server *s, const struct dns_msg *m, unsigned rcode)
{
	struct dns_writer w;

	dns_writer_init(&w, 512, m->id, (uint16_t)(DNS_FLAG_QR | (m->flags & 0x7800)));
	assert_int_equal(dns_writer_question(&w, m->qname, m->qtype, m->qclass), 0);
	dns_writer_rcode(&w, rcode);
	fake_dns_reply(s->f, (const uint8_t *)w.out.data, w.out.len);
	dns_writer_fini(&w);
}

static void update(struct server *s, const struct dns_msg *m)
{
	static const unsigned rcodes[] = { [WRITE_REFUSED] = DNS_RCODE_REFUSED,
					   [WRITE_SERVFAIL] = DNS_RCODE_SERVFAIL,
					   [WRITE_NOTAUTH] = DNS_RCODE_NOTAUTH };
	unsigned rcode = 0;

	s->writes++;
	if (s->trouble >= NAME_REFUSED && names_bad(m))
		rcode = s->trouble == NAME_REFUSED ? DNS_RCODE_REFUSED : DNS_RCODE_SERVFAIL;
	else if (s->trouble >= WRITE_REFUSED && s->trouble <= WRITE_NOTAUTH)
		rcode = rcodes[s->trouble];
	s->spoilt += rcode != 0 || (s->trouble >= WRITE_LOST && s->trouble <= WRITE_GARBAGE);
	if (s->trouble == WRITE_LOST || s->trouble == WRITE_UNSAID) {
		if (s->trouble == WRITE_UNSAID && check(s, m) == 0)
			perform(s, m);
		fake_dns_hang_up(s->f);
		return;
	}
	if (s->trouble == WRITE_GARBAGE) {
		fake_dns_reply(s->f, (const uint8_t *)"nonsense that is no answer", 26);
		return;
	}
	if (rcode == 0)
		rcode = check(s, m);
	if (rcode == 0)
		perform(s, m);
	reply(s, m, rcode);
}

static void put_line(struct dns_writer *w, const char *line)
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

static void transfer_out(struct server *s, const struct dns_msg *m)
{
	char *soa = mem_printf("e.org SOA ns.e.org. h.e.org. %u 1 1 1 1", s->serial);
	struct dns_writer w;

	s->reads++;
	s->ixfrs += m->qtype == RRTYPE_IXFR;
	s->spoilt += s->trouble >= READ_REFUSED && s->trouble <= READ_FOREIGN;
	dns_writer_init(&w, 65535, m->id, DNS_FLAG_QR | DNS_FLAG_AA);
	assert_int_equal(dns_writer_question(&w, m->qname, m->qtype, m->qclass), 0);
	if (s->trouble == READ_REFUSED || (s->no_ixfr && m->qtype == RRTYPE_IXFR)) {
		dns_writer_rcode(&w, DNS_RCODE_REFUSED);
	} else {
		put_line(&w, soa);
		for (size_t i = 0; i < s->zone.n; i++)
			put_line(&w, s->zone.s[i]);
		if (s->trouble != READ_CUT)
			put_line(&w, soa);
	}
	if (s->trouble == READ_FOREIGN)
		w.out.data[13] ^= 1; /* a letter of the question */
	fake_dns_reply(s->f, (const uint8_t *)w.out.data,
		       w.out.len - (s->trouble == READ_GARBAGE ? 3 : 0));
	if (s->trouble == READ_CUT)
		fake_dns_hang_up(s->f);
	dns_writer_fini(&w);
	free(soa);
}

static void serve(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct server *s = ctx;
	struct dns_msg m;

	(void)f;
	assert_true(tcp);
	assert_int_equal(dns_msg_parse(msg, len, &m), 0);
	if (dns_msg_opcode(m.flags) == DNS_OPCODE_UPDATE)
		update(s, &m);
	else
		transfer_out(s, &m);
	dns_msg_fini(&m);
}

static void up(struct rig *r, struct server *s, struct loop *loop, enum trouble trouble)
{
	*s = (struct server){ .serial = 1, .trouble = trouble };
	strv_add(&s->zone, "e.org NS ns.e.org.");
	strv_add(&s->zone, FOREIGN);
	s->f = fake_dns_new(loop, serve, s);
	char *port = mem_printf("rfc2136-port=%u", fake_dns_address(s->f)->port);
	rig_up_on(r, loop, &provider_rfc2136, NULL,
		  FLAGS("rfc2136-host=127.0.0.1", port, "rfc2136-zone=e.org", "rfc2136-axfr=true",
			"rfc2136-insecure=true"));
	free(port);
}

static void down(struct rig *r, struct server *s, bool last)
{
	rig_stop(r);
	fake_dns_free(s->f);
	strv_fini(&s->zone);
	if (!last)
		r->loop = NULL;
	rig_free(r);
}

static bool converged(const struct server *s)
{
	return s->zone.n == 6 && holds(s, "a.e.org A 192.0.2.1", true) &&
	       holds(s, "b.e.org CNAME lb.x.org.", true) && holds(s, FOREIGN, true);
}

static const struct {
	const char *what;
	enum trouble trouble;
	bool writes_meanwhile;
} troubles[] = {
	{ "none", NONE, true },
	{ "a transfer that is refused", READ_REFUSED, false },
	{ "a transfer that is cut", READ_CUT, false },
	{ "a transfer that ends within a record", READ_GARBAGE, false },
	{ "a transfer of something else", READ_FOREIGN, false },
	{ "updates that are refused", WRITE_REFUSED, false },
	{ "a server that fails", WRITE_SERVFAIL, false },
	{ "a key without rights", WRITE_NOTAUTH, false },
	{ "updates that get lost", WRITE_LOST, false },
	{ "updates whose answer gets lost", WRITE_UNSAID, true },
	{ "answers that are none", WRITE_GARBAGE, false },
};

static void every_trouble_is_waited_out_and_harms_nobody(void **state)
{
	struct rig r[ARRAY_SIZE(troubles)];
	struct server s[ARRAY_SIZE(troubles)];
	struct loop *loop = loop_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		up(&r[i], &s[i], loop, troubles[i].trouble);
		want(&r[i], "o/a", "a.e.org A 192.0.2.1");
		want(&r[i], "o/b", "b.e.org CNAME lb.x.org");
		instance_gate(r[i].i, true, true);
		instance_start(r[i].i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (troubles[i].trouble)
			WAIT_FOR(loop, s[i].spoilt);
		if (!troubles[i].writes_meanwhile && s[i].done)
			fail_msg("%s: something was done", troubles[i].what);
		s[i].trouble = NONE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		for (int n = 0; n < 600 && !converged(&s[i]); n++)
			loop_once(loop, 10);
		if (!converged(&s[i])) {
			char *zone = strv_join(&s[i].zone, "\n");

			fail_msg("%s: the zone is\n%s", troubles[i].what, zone);
		}
		down(&r[i], &s[i], i + 1 == ARRAY_SIZE(troubles));
	}
}

static void a_name_that_is_not_taken_stops_no_other(void **state)
{
	struct rig r[2];
	struct server s[2];
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		up(&r[i], &s[i], loop, i ? NAME_SERVFAIL : NAME_REFUSED);
		want(&r[i], "o/a", "a.e.org A 192.0.2.1");
		want(&r[i], "o/b", "b.e.org CNAME lb.x.org");
		want(&r[i], "o/bad", "bad.e.org A 192.0.2.2");
		run_first(&r[i]);
		assert_true(converged(&s[i]));
		assert_int_equal(r[i].results.n, 3);
		assert_string_equal(r[i].results.s[0], "o/a a.e.org 0");
		down(&r[i], &s[i], i == 1);
	}
}

static void a_second_read_is_incremental_if_the_server_can(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct rig r;
		struct server s;

		up(&r, &s, loop_new(), NONE);
		s.no_ixfr = i == 1;
		want(&r, "o/a", "a.e.org A 192.0.2.1");
		run_first(&r);
		assert_int_equal(s.ixfrs, 0);
		take_out(&s, "a.e.org A", false);
		strv_add(&s.zone, "a.e.org A 192.0.2.66");
		s.serial++;
		want(&r, "o/a", "a.e.org A 192.0.2.3"); /* its prerequisite fails: look */
		WAIT_FOR(r.loop, holds(&s, "a.e.org A 192.0.2.3", true));
		assert_int_equal(s.ixfrs, 1);
		assert_int_equal(s.reads, 2 + (unsigned)i);
		assert_false(holds(&s, "a.e.org A 192.0.2.66", true));
		down(&r, &s, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_trouble_is_waited_out_and_harms_nobody),
		cmocka_unit_test(a_name_that_is_not_taken_stops_no_other),
		cmocka_unit_test(a_second_read_is_incremental_if_the_server_can),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* dns_msg: what the writer writes, the parser reads; what is malformed, it refuses. */
#include "lib/dns_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/encode.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

static const uint8_t *name_of(const char *text)
{
	static uint8_t name[DNAME_MAX];

	assert_int_equal(dname_from_text(text, name), 0);
	return name;
}

static int add(struct dns_writer *w, enum dns_section s, const char *owner, uint16_t type,
	       const char *rdata)
{
	struct buf r = { 0 };

	assert_int_equal(rdata_from_text(type, rdata, NULL, &r), 0);
	int err = dns_writer_record(w, s, name_of(owner), type, DNS_CLASS_IN, 300,
				    (const uint8_t *)r.data, r.len);
	buf_fini(&r);
	return err;
}

static void what_is_written_is_read_and_names_are_compressed(void **state)
{
	static const struct {
		enum dns_section section;
		const char *owner;
		uint16_t type;
		const char *rdata;
	} rows[] = {
		{ DNS_ANSWER, "www.example.com", RRTYPE_A, "192.0.2.1" },
		{ DNS_ANSWER, "example.com", RRTYPE_MX, "10 mail.example.com." },
		{ DNS_ANSWER, "WWW.example.com", RRTYPE_CNAME, "Other.Example.com." },
		{ DNS_AUTHORITY, "example.com", RRTYPE_SOA,
		  "ns.example.com. h.example.com. 1 2 3 4 5" },
		{ DNS_ADDITIONAL, "a.b.c.d", RRTYPE_SRV, "1 2 3 mail.example.com." },
		{ DNS_ADDITIONAL, ".", RRTYPE_NS, "." },
		{ DNS_ADDITIONAL, "x", RRTYPE_HTTPS, "1 . alpn=\"h2\"" },
	};
	struct dns_writer w;
	struct dns_msg m;
	size_t plain = DNS_HEADER_LEN;

	(void)state;
	dns_writer_init(&w, 65535, 0x1234, DNS_FLAG_QR | DNS_FLAG_AA);
	assert_int_equal(
		dns_writer_question(&w, name_of("www.example.com"), RRTYPE_A, DNS_CLASS_IN), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			add(&w, rows[i].section, rows[i].owner, rows[i].type, rows[i].rdata), 0);
	assert_int_equal(dns_writer_opt(&w, 1232, 1, true), 0);
	dns_writer_rcode(&w, DNS_RCODE_NXDOMAIN);
	assert_int_equal(dns_msg_question_end((uint8_t *)w.out.data, w.out.len), 33);
	assert_int_equal(dns_msg_parse((uint8_t *)w.out.data, w.out.len, &m), 0);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.flags, DNS_FLAG_QR | DNS_FLAG_AA | DNS_RCODE_NXDOMAIN);
	assert_true(dname_equal(m.qname, name_of("www.example.com")));
	assert_int_equal(m.qtype, RRTYPE_A);
	assert_int_equal(m.nrecords, ARRAY_SIZE(rows));
	assert_true(m.has_opt && m.dnssec_ok);
	assert_int_equal(m.udp_size, 1232);
	assert_int_equal(m.ext_rcode, 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf r = { 0 };
		const uint8_t *owner = name_of(rows[i].owner);

		assert_int_equal(rdata_from_text(rows[i].type, rows[i].rdata, NULL, &r), 0);
		assert_int_equal(m.records[i].section, rows[i].section);
		assert_memory_equal(m.records[i].owner, owner, dname_len(owner)); /* case kept */
		assert_int_equal(m.records[i].rdlen, r.len);
		assert_memory_equal(m.records[i].rdata, r.data, r.len);
		plain += dname_len(owner) + 10 + r.len;
		buf_fini(&r);
	}
	assert_true(w.out.len < plain);
	/* cut anywhere it is refused, and nothing is read behind the end */
	for (size_t len = 0; len < w.out.len; len++) {
		uint8_t *exact = mem_dup(w.out.data, len ? len : 1);
		struct dns_msg cut;

		assert_true(dns_msg_parse(exact, len, &cut) < 0);
		free(exact);
	}
	dns_msg_fini(&m);
	dns_writer_fini(&w);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
	struct dns_writer w;
	struct dns_msg m;

	(void)state;
	dns_writer_init(&w, 100, 1, DNS_FLAG_QR);
	assert_int_equal(
		dns_writer_question(&w, name_of("www.example.com"), RRTYPE_A, DNS_CLASS_IN), 0);
	assert_int_equal(add(&w, DNS_ANSWER, "new.example.net", RRTYPE_TXT,
			     "0123456789012345678901234567890123456789"),
			 ERR_LIMIT);
	assert_int_equal(w.out.len, 33);
	/* the name that was taken back is no target of compression */
	assert_int_equal(add(&w, DNS_ANSWER, "new.example.net", RRTYPE_A, "192.0.2.1"), 0);
	assert_int_equal(dns_msg_parse((uint8_t *)w.out.data, w.out.len, &m), 0);
	assert_int_equal(m.nrecords, 1);
	dns_msg_fini(&m);
	dns_writer_fini(&w);
}

static const struct {
	const char *what, *hex;
	int err;
} malformed[] = {
	{ "header alone", "123400000000000000000000", 0 },
	{ "surplus octet", "12340000000000000000000000", ERR_SYNTAX },
	{ "two questions",
	  "123400000002000000000000"
	  "0000010001"
	  "0000010001",
	  ERR_RANGE },
	{ "pointer to itself",
	  "123400000001000000000000"
	  "c00c"
	  "00010001",
	  ERR_SYNTAX },
	{ "two OPT",
	  "123400000000000000000002"
	  "0000290200000000000000"
	  "0000290200000000000000",
	  ERR_SYNTAX },
	{ "OPT in the answer",
	  "123400000000000100000000"
	  "0000290200000000000000",
	  ERR_SYNTAX },
	{ "OPT with a name",
	  "123400000000000000000001"
	  "016100"
	  "00290200000000000000",
	  ERR_SYNTAX },
	{ "cut option",
	  "123400000000000000000001"
	  "00002902000000000000"
	  "04"
	  "000a0001",
	  ERR_SYNTAX },
	{ "short A",
	  "123400000000000100000000"
	  "00"
	  "0001000100000000"
	  "0003"
	  "010203",
	  ERR_TRUNCATED },
	{ "A without RDATA",
	  "123400000000000100000000"
	  "00"
	  "0001000100000000"
	  "0000",
	  ERR_TRUNCATED },
	{ "A without RDATA, class ANY, in an UPDATE",
	  "123428000000000100000000"
	  "00"
	  "000100ff00000000"
	  "0000",
	  0 },
	{ "A without RDATA, class IN, in an UPDATE",
	  "123428000000000100000000"
	  "00"
	  "0001000100000000"
	  "0000",
	  ERR_TRUNCATED },
};

static void malformed_messages_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		struct buf b = { 0 };
		struct dns_msg m;

		assert_int_equal(decode_hex(malformed[i].hex, strlen(malformed[i].hex), &b), 0);
		int err = dns_msg_parse((uint8_t *)b.data, b.len, &m);
		if (err != malformed[i].err)
			fail_msg("%s: %d, not %d", malformed[i].what, err, malformed[i].err);
		if (err == 0)
			dns_msg_fini(&m);
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_and_names_are_compressed),
		cmocka_unit_test(what_does_not_fit_is_left_out_whole),
		cmocka_unit_test(malformed_messages_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* rdata: every type both ways, what is refused, compression, canonical order. */
#include "lib/rdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/dname.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"

/* Presentation form in, presentation form out; out NULL = the same. */
static const struct {
	const char *type, *in, *out;
} good[] = {
	{ "A", "192.0.2.1", NULL },
	{ "NS", "ns1", "ns1.example.com." },
	{ "NS", "@", "example.com." },
	{ "CNAME", "WWW.Example.NET.", NULL },
	{ "SOA", "ns host 1 1h 15m 1w2d 300",
	  "ns.example.com. host.example.com. 1 3600 900 777600 300" },
	{ "SOA", "ns. h. 4294967295 4294967295 0 0 0", NULL },
	{ "NULL", "\\# 3 010203", NULL },
	{ "WKS", "192.0.2.1 TCP smtp http 53", "192.0.2.1 6 25 53 80" },
	{ "PTR", "a\\.b.c.", NULL },
	{ "HINFO", "PC \"Linux 6\"", "\"PC\" \"Linux 6\"" },
	{ "MINFO", "a. b.", NULL },
	{ "MX", "10 mail", "10 mail.example.com." },
	{ "MX", "0 .", NULL },
	{ "TXT", "foo \"bar baz\" \"\"", "\"foo\" \"bar baz\" \"\"" },
	{ "TXT", "\"a\"\"b\"", "\"a\" \"b\"" },
	{ "TXT", "a\\;b\\034\\\\ \"q\\\"q\"", "\"a;b\\\"\\\\\" \"q\\\"q\"" },
	{ "TXT", "\"\\000\\255\"", NULL },
	{ "RP", "a. b.", NULL },
	{ "AFSDB", "1 db.", NULL },
	{ "X25", "311061700956", "\"311061700956\"" },
	{ "ISDN", "150862028003217 004", "\"150862028003217\" \"004\"" },
	{ "ISDN", "150862028003217", "\"150862028003217\"" },
	{ "RT", "2 relay.", NULL },
	{ "NSAP", "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
	  "0x47000580005a0000000001e133ffffff00016100" },
	{ "NSAP-PTR", "foo.", NULL },
	{ "KEY", "512 3 13 AQID", NULL },
	{ "KEY", "49152 3 0", NULL },
	{ "PX", "10 a. b.", NULL },
	{ "GPOS", "-32.6882 116.8652 10.0", "\"-32.6882\" \"116.8652\" \"10.0\"" },
	{ "AAAA", "2001:DB8:0:0::1", "2001:db8::1" },
	{ "LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
	  "52 22 23.000 N 4 53 32.000 E -2.00m 0m 10000m 10m" },
	{ "LOC", "42 21 54 N 71 06 18 W -24m 30m",
	  "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m" },
	{ "LOC", "90 S 180 W 42849672.95",
	  "90 0 0.000 S 180 0 0.000 W 42849672.95m 1m 10000m 10m" },
	{ "EID", "E32C6F78163A9348", NULL },
	{ "SRV", "1 2 65535 t", "1 2 65535 t.example.com." },
	{ "NAPTR", "100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .", NULL },
	{ "KX", "10 kx.", NULL },
	{ "CERT", "PKIX 1 RSASHA256 AQID", "1 1 8 AQID" },
	{ "DNAME", "target", "target.example.com." },
	{ "APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32", NULL },
	{ "APL", "", NULL },
	{ "DS", "60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
	  "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118" },
	{ "DS", "1 ECDSAP256SHA256 9 00", "1 13 9 00" },
	{ "SSHFP", "2 1 123456789abcdef67890123456789abcdef67890",
	  "2 1 123456789ABCDEF67890123456789ABCDEF67890" },
	{ "IPSECKEY", "10 1 2 192.0.2.38 AQID", NULL },
	{ "IPSECKEY", "10 0 2 . AQID", NULL },
	{ "IPSECKEY", "10 2 2 2001:db8::1 AQID", NULL },
	{ "IPSECKEY", "10 3 2 gw.example. AQID", NULL },
	{ "RRSIG", "A 5 3 86400 20030322173103 20030220173103 2642 example.com. AQID", NULL },
	{ "NSEC", "host A MX RRSIG NSEC TYPE1234", "host.example.com. A MX RRSIG NSEC TYPE1234" },
	{ "DNSKEY", "256 3 5 AQID BAUG", "256 3 5 AQIDBAUG" },
	{ "DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", NULL },
	{ "NSEC3", "1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
	  "1 1 12 AABBCCDD 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S A RRSIG" },
	{ "NSEC3", "1 0 0 - 2VPTU5TIMAMQTTGL4LUU9KG21E0AOR3S", NULL },
	{ "NSEC3PARAM", "1 0 0 -", NULL },
	{ "TLSA", "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	  "3 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF" },
	{ "SMIMEA", "3 1 0 00", NULL },
	{ "HIP", "2 200100107B1A74DF365639CC39F1D578 AwEAAQ== rvs1.example. rvs2.example.", NULL },
	{ "NINFO", "\"x\"", NULL },
	{ "TALINK", "a. b.", NULL },
	{ "CDS", "0 0 0 00", NULL },
	{ "CDNSKEY", "0 3 0 AA==", NULL },
	{ "OPENPGPKEY", "AQID", NULL },
	{ "CSYNC", "66 3 A NS AAAA", NULL },
	{ "CSYNC", "66 3", NULL },
	{ "ZONEMD",
	  "2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE"
	  "7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
	  NULL },
	{ "SVCB", "0 foo", "0 foo.example.com." },
	{ "HTTPS", "1 . port=443 alpn=\"h2,h3-19\" ipv6hint=2001:db8::1",
	  "1 . alpn=\"h2,h3-19\" port=443 ipv6hint=2001:db8::1" },
	{ "HTTPS", "1 . mandatory=ipv4hint,alpn alpn=h2 ipv4hint=192.0.2.1,192.0.2.2",
	  "1 . mandatory=alpn,ipv4hint alpn=\"h2\" ipv4hint=192.0.2.1,192.0.2.2" },
	{ "HTTPS", "1 . alpn=h2 no-default-alpn ech=AQID",
	  "1 . alpn=\"h2\" no-default-alpn ech=AQID" },
	{ "SVCB", "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
	  "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"" },
	{ "SVCB", "1 foo.example. key667=\"hello\\210qoo\"",
	  "1 foo.example. key667=\"hello\\210qoo\"" },
	{ "SVCB", "1 a. dohpath=\"/q{?dns}\" ohttp", NULL },
	{ "SPF", "\"v=spf1 -all\"", NULL },
	{ "NID", "10 0014:4fff:ff20:ee64", NULL },
	{ "L32", "10 10.1.2.0", NULL },
	{ "L64", "10 2001:0DB8:1140:1000", "10 2001:0db8:1140:1000" },
	{ "LP", "10 l64.example.", NULL },
	{ "EUI48", "00-00-5e-00-53-2a", NULL },
	{ "EUI64", "00-00-5e-ef-10-00-00-2a", NULL },
	{ "URI", "10 1 \"ftp://ftp1.example.com/public\"", NULL },
	{ "CAA", "0 issue \"ca1.example.net; policy=ev\"", NULL },
	{ "CAA", "128 iodef \"\"", NULL },
	{ "AVC", "\"x\"", NULL },
	{ "DOA", "0 1 2 \"text/plain\" AQID", NULL },
	{ "AMTRELAY", "10 0 3 relay.example.", NULL },
	{ "AMTRELAY", "10 1 1 192.0.2.1", NULL },
	{ "AMTRELAY", "10 0 0 .", NULL },
	{ "DLV", "1 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", NULL },
	{ "TYPE65280", "\\# 4 0A000001", NULL },
	{ "TYPE65280", "\\# 0", NULL },
	{ "A", "\\# 4 0A 00 00 01", "10.0.0.1" },
	{ "DSYNC", "CDS 1 5359 dsync.example.", NULL },
};

static const struct {
	const char *type, *in;
} bad[] = {
	{ "A", "" },
	{ "A", "192.0.2" },
	{ "A", "192.0.2.256" },
	{ "A", "192.0.2.1 x" },
	{ "A", "\\# 5 0A00000100" },
	{ "A", "\\# 4 0A0000" },
	{ "A", "\\# 4 0A00000" },
	{ "A", "\\#" },
	{ "AAAA", "2001:db8:::1" },
	{ "NS", "a..b" },
	{ "NS", "\"quoted\"" },
	{ "MX", "65536 a." },
	{ "MX", "-1 a." },
	{ "MX", "+1 a." },
	{ "MX", "1x a." },
	{ "MX", "10" },
	{ "SOA", "a. b. 4294967296 1 1 1 1" },
	{ "SOA", "a. b. 1 1 1 1" },
	{ "SOA", "a. b. 1 1 1 1 1x" },
	{ "SOA", "a. b. 1 1 1 1 1 1" },
	{ "TXT", "" },
	{ "TXT", "\"open" },
	{ "TXT", "\\25x" },
	{ "TXT", "\\256" },
	{ "SSHFP", "1 1 00" },
	{ "SSHFP", "1 2 123456789abcdef67890123456789abcdef67890" },
	{ "SSHFP", "1 1 123456789abcdef67890123456789abcdef6789" },
	{ "NSEC", "a." },
	{ "NSEC", "a. NOSUCHTYPE" },
	{ "NSEC", "a. \\# 1 00" },
	{ "DS", "1 13 2 00" },
	{ "DS", "1 NOALG 1 00" },
	{ "DS", "1 13 9 " },
	{ "CDS", "1 0 0 00" },
	{ "DNSKEY", "256 3 13 A===" },
	{ "DNSKEY", "256 3 13" },
	{ "RRSIG", "A 5 3 86400 20030231173103 20030220173103 2642 example.com. AQID" },
	{ "NSEC3", "1 1 12 aabb 2vptu5timamqttgl4luu9kg21e0aor3 A" },
	{ "TLSA", "3 1 1 00" },
	{ "ZONEMD", "1 1 1 00" },
	{ "LOC", "91 N 0 E 0m" },
	{ "LOC", "52 60 N 0 E 0m" },
	{ "LOC", "52 N 0 E" },
	{ "APL", "1:192.0.2.0/33" },
	{ "APL", "3:192.0.2.0/32" },
	{ "CAA", "0 \"\" x" },
	{ "CAA", "256 issue x" },
	{ "CAA", "0 is-sue x" },
	{ "URI", "1 1 \"\"" },
	{ "IPSECKEY", "10 4 2 . AQID" },
	{ "HTTPS", "1 . mandatory=port" },
	{ "HTTPS", "1 . mandatory=mandatory" },
	{ "HTTPS", "1 . port=1 port=2" },
	{ "HTTPS", "1 . port=65536" },
	{ "HTTPS", "1 . no-default-alpn" },
	{ "HTTPS", "1 . alpn=h2 no-default-alpn=x" },
	{ "HTTPS", "1 . alpn=" },
	{ "HTTPS", "1 . alpn=\"h2,,h3\"" },
	{ "HTTPS", "1 . ipv4hint=1.2.3" },
	{ "HTTPS", "1 . key65535=x" },
	{ "HTTPS", "1 . key01=x" },
	{ "HTTPS", "1 . nosuch=x" },
	{ "TYPE65280", "10.0.0.1" },
	{ "TYPE65280", "\\# 65536 00" },
	{ "EUI48", "00-00-5e-00-53" },
	{ "NID", "10 0014:4fff:ff20" },
	{ "L64", "10 2001:0DB8:1140:10000" },
	{ "NULL", "abc" },
};

static uint16_t type_of(const char *name)
{
	uint16_t type;

	assert_int_equal(rrtype_from_text(name, &type), 0);
	return type;
}

static void every_type_goes_from_text_to_wire_and_back(void **state)
{
	uint8_t origin[DNAME_MAX];

	(void)state;
	assert_int_equal(dname_from_text("example.com", origin), 0);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf wire = { 0 }, text = { 0 }, again = { 0 };
		uint16_t type = type_of(good[i].type);
		char why[RDATA_WHY_MAX] = "";
		int err =
			rdata_from_chars(type, good[i].in, strlen(good[i].in), origin, &wire, why);

		if (err)
			fail_msg("%s %s: %s", good[i].type, good[i].in, why);
		const uint8_t *w = (const uint8_t *)buf_str(&wire);
		assert_int_equal(rdata_check(type, w, wire.len), 0);
		assert_int_equal(rdata_to_text(type, w, wire.len, &text), 0);
		assert_string_equal(buf_str(&text), good[i].out ? good[i].out : good[i].in);
		assert_int_equal(rdata_from_text(type, buf_str(&text), NULL, &again), 0);
		assert_int_equal(again.len, wire.len);
		assert_memory_equal(buf_str(&again), w, wire.len);
		buf_fini(&wire);
		buf_fini(&text);
		buf_fini(&again);
	}
}

static void wrong_text_is_refused_with_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buf wire = { 0 };
		char why[RDATA_WHY_MAX] = "";

		buf_puts(&wire, "kept");
		int err = rdata_from_chars(type_of(bad[i].type), bad[i].in, strlen(bad[i].in), NULL,
					   &wire, why);
		if (err >= 0)
			fail_msg("%s %s was taken", bad[i].type, bad[i].in);
		assert_true(why[0]);
		assert_string_equal(buf_str(&wire), "kept");
		buf_fini(&wire);
	}
}

/* A valid RDATA cut anywhere is either valid in itself or refused; never read past its end (ASan).
 */
static void cut_and_lengthened_wire_is_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct buf wire = { 0 };
		uint16_t type = type_of(good[i].type);

		assert_int_equal(rdata_from_text(type, good[i].in, NULL, &wire) == 0 ||
					 strchr(good[i].in, '@') != NULL,
				 1);
		for (size_t len = 0; len < wire.len; len++) {
			uint8_t *exact = mem_alloc(len ? len : 1);
			struct buf text = { 0 };

			memcpy(exact, wire.data, len);
			int err = rdata_check(type, exact, len);
			assert_int_equal(rdata_to_text(type, exact, len, &text), err);
			buf_fini(&text);
			free(exact);
		}
		buf_fini(&wire);
	}
}

static const struct {
	const char *type, *hex;
	int err;
} wires[] = {
	{ "A", "0a000001", 0 },
	{ "A", "0a0000", ERR_TRUNCATED },
	{ "A", "0a00000100", ERR_SYNTAX },
	{ "NS", "c000", ERR_SYNTAX },
	{ "TXT", "", ERR_TRUNCATED },
	{ "TXT", "0261", ERR_TRUNCATED },
	{ "HTTPS",
	  "000100"
	  "00030002"
	  "01bb"
	  "00010003"
	  "026832",
	  ERR_SYNTAX }, /* order */
	{ "HTTPS",
	  "000100"
	  "00010003"
	  "026832"
	  "00030002"
	  "01bb",
	  0 },
	{ "HTTPS",
	  "000100"
	  "00010003"
	  "026832"
	  "00010003"
	  "026832",
	  ERR_SYNTAX },
	{ "HTTPS",
	  "000100"
	  "0001ffff"
	  "026832",
	  ERR_TRUNCATED },
	{ "HTTPS",
	  "000100"
	  "ffff0000",
	  ERR_SYNTAX },
	{ "APL",
	  "00012105"
	  "0102030405",
	  ERR_SYNTAX },
	{ "APL",
	  "00011804"
	  "c0000200",
	  ERR_SYNTAX }, /* trailing zero */
	{ "APL",
	  "00011883"
	  "c00002",
	  0 },
	{ "NSEC",
	  "00"
	  "0000",
	  ERR_SYNTAX },
	{ "NSEC",
	  "00"
	  "000100",
	  ERR_SYNTAX },
	{ "NSEC",
	  "00"
	  "000140"
	  "000140",
	  ERR_SYNTAX },
	{ "NSEC",
	  "00"
	  "002100",
	  ERR_SYNTAX },
	{ "LOC",
	  "01"
	  "121613"
	  "80000000"
	  "80000000"
	  "00989680",
	  ERR_SYNTAX },
	{ "LOC",
	  "00"
	  "a21613"
	  "80000000"
	  "80000000"
	  "00989680",
	  ERR_SYNTAX },
	{ "LOC",
	  "00"
	  "121613"
	  "00000000"
	  "80000000"
	  "00989680",
	  ERR_SYNTAX },
	{ "HIP",
	  "00010001"
	  "00",
	  ERR_SYNTAX },
	{ "AMTRELAY", "0a04", ERR_SYNTAX },
	{ "TYPE65280", "", 0 },
};

static void malformed_wire_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wires); i++) {
		struct buf wire = { 0 };

		assert_int_equal(decode_hex(wires[i].hex, strlen(wires[i].hex), &wire), 0);
		int err = rdata_check(type_of(wires[i].type), (const uint8_t *)buf_str(&wire),
				      wire.len);
		if (err != wires[i].err)
			fail_msg("%s %s: %d, not %d", wires[i].type, wires[i].hex, err,
				 wires[i].err);
		buf_fini(&wire);
	}
}

static void compressed_names_are_expanded_for_the_old_types_only(void **state)
{
	/* "a.b" at 0, then MX 10 <pointer to b> at 5 */
	static const uint8_t msg[] = { 1, 'a', 1, 'b', 0, 0, 10, 0xc0, 2, 0xc0, 0 };
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 5, 4, RRTYPE_MX, &out), 0);
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.data, "\0\012\001b\0", 5);
	buf_reset(&out);
	/* the name's pointer lies outside the RDATA, or RDATA goes on behind it */
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 5, 3, RRTYPE_MX, &out), ERR_TRUNCATED);
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 5, 6, RRTYPE_MX, &out), ERR_SYNTAX);
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 5, 40, RRTYPE_MX, &out), ERR_TRUNCATED);
	/* RFC 3597 4: DNAME and unknown types are never compressed */
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 9, 2, RRTYPE_DNAME, &out), ERR_SYNTAX);
	assert_int_equal(rdata_unpack(msg, sizeof(msg), 9, 2, 65280, &out), 0);
	assert_int_equal(out.len, 2);
	buf_fini(&out);
}

static void canonical_order_ignores_case_where_rfc_4034_says_so(void **state)
{
	static const struct {
		const char *type, *a, *b;
		int order;
	} rows[] = {
		{ "NS", "A.example.", "a.EXAMPLE.", 0 },
		{ "MX", "10 A.", "10 a.", 0 },
		{ "MX", "10 b.", "9 a.", 1 },
		{ "NSEC", "A. A", "a. A", -1 }, /* RFC 6840 5.1 */
		{ "TXT", "A", "a", -1 },
		{ "A", "10.0.0.1", "10.0.0.2", -1 },
		{ "TXT", "a", "a b", -1 },
		{ "SRV", "1 1 1 X.y.", "1 1 1 x.Y.", 0 },
		{ "SVCB", "1 X.", "1 x.", -1 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf a = { 0 }, b = { 0 };
		uint16_t type = type_of(rows[i].type);

		assert_int_equal(rdata_from_text(type, rows[i].a, NULL, &a), 0);
		assert_int_equal(rdata_from_text(type, rows[i].b, NULL, &b), 0);
		int d = rdata_compare(type, (uint8_t *)a.data, a.len, (uint8_t *)b.data, b.len);
		assert_int_equal((d > 0) - (d < 0), rows[i].order);
		rdata_lower_names(type, (uint8_t *)a.data, a.len);
		rdata_lower_names(type, (uint8_t *)b.data, b.len);
		if (rows[i].order == 0)
			assert_memory_equal(a.data, b.data, a.len);
		buf_fini(&a);
		buf_fini(&b);
	}
}

static void meta_types_are_no_data(void **state)
{
	(void)state;
	assert_true(rdata_type_is_data(RRTYPE_A));
	assert_true(rdata_type_is_data(RRTYPE_CAA));
	assert_true(rdata_type_is_data(65280));
	assert_false(rdata_type_is_data(0));
	assert_false(rdata_type_is_data(RRTYPE_OPT));
	assert_false(rdata_type_is_data(RRTYPE_ANY));
	assert_false(rdata_type_is_data(RRTYPE_TSIG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_goes_from_text_to_wire_and_back),
		cmocka_unit_test(wrong_text_is_refused_with_a_reason),
		cmocka_unit_test(cut_and_lengthened_wire_is_checked),
		cmocka_unit_test(malformed_wire_is_refused),
		cmocka_unit_test(compressed_names_are_expanded_for_the_old_types_only),
		cmocka_unit_test(canonical_order_ignores_case_where_rfc_4034_says_so),
		cmocka_unit_test(meta_types_are_no_data),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* rdata: our codec against ldns, which somebody else wrote: the same text gives the same octets. */
#include "lib/rdata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/rrtype.h"

static const char *const rows[] = {
	"A 192.0.2.1",
	"AAAA 2001:db8::1",
	"NS ns1.example.",
	"CNAME a.b.example.",
	"PTR host.example.",
	"DNAME target.example.",
	"SOA ns.example. host.example. 2026112501 7200 1800 86400 30",
	"MX 10 mail.example.",
	"TXT \"one\" \"two words\" \"with \\\"quotes\\\"\"",
	"SRV 1 2 443 s.example.",
	"NAPTR 100 50 \"s\" \"http+I2L+I2C+I2R\" \"\" _http._tcp.foo.example.",
	"CAA 0 issue \"letsencrypt.org\"",
	"DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
	("DNSKEY 256 3 13 "
	 "oJMRESz5E4gYzS/"
	 "q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="),
	"TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
	"SSHFP 2 1 123456789abcdef67890123456789abcdef67890",
	"HINFO \"PC-Intel-700mhz\" \"Redhat Linux 7.1\"",
	"RP mbox.example. txt.example.",
	"AFSDB 1 afs.example.",
	"LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
	"URI 10 1 \"ftp://ftp.example/public\"",
	"CDS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
	"NSEC host.example. A MX RRSIG NSEC TYPE1234",
	"NSEC3PARAM 1 0 0 -",
	"OPENPGPKEY oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWz",
	"CSYNC 66 3 A NS AAAA",
	"EUI48 00-00-5e-00-53-2a",
	"EUI64 00-00-5e-ef-10-00-00-2a",
	"SVCB 1 svc.example. alpn=h2,h3 port=8443 ipv4hint=192.0.2.1",
	"HTTPS 0 pool.example.",
	"TYPE65280 \\# 4 01020304",
};

static void the_same_text_gives_the_same_octets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *line = mem_printf("owner.example. 60 IN %s", rows[i]);
		char *type_text = mem_strndup(rows[i], strcspn(rows[i], " "));
		ldns_rr *rr = NULL;
		ldns_buffer *wire = ldns_buffer_new(4096);
		struct buf ours = { 0 }, text = { 0 };
		uint16_t type;

		assert_int_equal(rrtype_from_text(type_text, &type), 0);
		if (ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) != LDNS_STATUS_OK)
			fail_msg("ldns does not read: %s", line);
		assert_int_equal(ldns_rr_rdata2buffer_wire(wire, rr), LDNS_STATUS_OK);
		if (rdata_from_text(type, rows[i] + strlen(type_text) + 1, NULL, &ours) < 0)
			fail_msg("we do not read: %s", line);
		if (ours.len != ldns_buffer_position(wire) ||
		    memcmp(ours.data, ldns_buffer_begin(wire), ours.len) != 0)
			fail_msg("other octets than ldns: %s", line);
		assert_int_equal(rdata_check(type, (const uint8_t *)ours.data, ours.len), 0);
		/* and back: what we print, ldns reads as the same record */
		assert_int_equal(rdata_to_text(type, (const uint8_t *)ours.data, ours.len, &text),
				 0);
		char *again = mem_printf("owner.example. 60 IN %s %s", type_text, buf_str(&text));
		ldns_rr *rr2 = NULL;
		if (ldns_rr_new_frm_str(&rr2, again, 0, NULL, NULL) != LDNS_STATUS_OK)
			fail_msg("ldns does not read what we print: %s", again);
		if (ldns_rr_compare(rr, rr2) != 0)
			fail_msg("another record for ldns: %s", again);
		ldns_rr_free(rr);
		ldns_rr_free(rr2);
		ldns_buffer_free(wire);
		buf_fini(&ours);
		buf_fini(&text);
		free(again);
		free(line);
		free(type_text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_text_gives_the_same_octets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

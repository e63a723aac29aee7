/* Tests of answers: the data rules of the RFCs, one row a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/wire.h"
#include "tests/server/harness.h"

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"

static const char zones[] =
	"z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
	"z.test 3600 NS ns1.z.test.\n"
	"z.test 3600 NS ns2.z.test.\n"
	"z.test 3600 MX 10 mail.z.test.\n"
	"z.test 3600 MX 20 mail.z.test.\n"
	"z.test 3600 MX 30 mx.example.net.\n"
	"z.test 3600 DS 1 13 2 "
	"0000000000000000000000000000000000000000000000000000000000000000\n"
	"ns1.z.test 300 A 192.0.2.53\n"
	"ns2.z.test 300 AAAA 2001:db8::53\n"
	"mail.z.test 300 A 192.0.2.25\n"
	"mail.z.test 300 AAAA 2001:db8::25\n"
	"www.z.test 300 A 192.0.2.1\n"
	"www.z.test 300 A 192.0.2.2\n"
	"www.z.test 300 TXT \"hello\"\n"
	"CaSe.z.test 300 A 192.0.2.7\n"
	"alias.z.test 300 CNAME www.z.test.\n"
	"alias2.z.test 60 CNAME alias.z.test.\n"
	"ext.z.test 300 CNAME www.example.net.\n"
	"gone.z.test 300 CNAME nope.z.test.\n"
	"nodata.z.test 300 CNAME ns1.z.test.\n"
	"other.z.test 300 CNAME www.y.test.\n"
	"into.z.test 300 CNAME host.sub.z.test.\n"
	"self.z.test 300 CNAME self.z.test.\n"
	"loop1.z.test 300 CNAME loop2.z.test.\n"
	"loop2.z.test 300 CNAME loop1.z.test.\n"
	"b.c.ent.z.test 300 A 192.0.2.3\n"
	"*.wild.z.test 300 A 192.0.2.4\n"
	"*.wild.z.test 300 MX 5 mail.z.test.\n"
	"x.stop.wild.z.test 300 A 192.0.2.44\n"
	"*.cw.z.test 300 CNAME www.z.test.\n"
	"sub.z.test 300 NS ns.sub.z.test.\n"
	"sub.z.test 300 NS ns1.z.test.\n"
	"sub.z.test 300 NS ns.other.net.\n"
	"ns.sub.z.test 300 A 192.0.2.5\n"
	"secsub.z.test 300 NS ns1.z.test.\n"
	"secsub.z.test 300 DS 4711 13 2 "
	"1111111111111111111111111111111111111111111111111111111111111111\n"
	"old.z.test 120 DNAME new.z.test.\n"
	"old.z.test 120 A 192.0.2.66\n"
	"x.new.z.test 300 A 192.0.2.6\n"
	"long.z.test 120 DNAME " L63 "." L63 "." L63 ".z.test.\n"
	"dloop.z.test 120 DNAME dloop.z.test.\n"
	"outd.z.test 120 DNAME example.net.\n"
	"svc.z.test 300 HTTPS 1 mail.z.test. alpn=h2\n"
	"svc2.z.test 300 SVCB 0 svc3.z.test.\n"
	"svc3.z.test 300 SVCB 1 . port=8443\n"
	"svc3.z.test 300 A 192.0.2.88\n"
	"self-svc.z.test 300 HTTPS 1 . alpn=h3\n"
	"_sip._udp.z.test 300 SRV 1 2 5060 mail.z.test.\n"
	"t.z.test 300 TYPE65280 \\# 4 c00c0102\n"
	"low.z.test 5 A 192.0.2.9\n"
	"y.test 3600 SOA ns1.z.test. admin.y.test. 9 7200 3600 86400 7200\n"
	"y.test 3600 NS ns1.z.test.\n"
	"www.y.test 100 A 198.51.100.80\n"
	"child.y.test 3600 NS ns1.child.y.test.\n"
	"ns1.child.y.test 300 A 198.51.100.9\n"
	"child.y.test 100 DS 5 13 2 "
	"2222222222222222222222222222222222222222222222222222222222222222\n"
	"child.y.test 600 SOA ns1.child.y.test. admin.y.test. 3 7200 3600 86400 60\n"
	"child.y.test 600 NS ns1.child.y.test.\n"
	"ns1.child.y.test 600 A 198.51.100.9\n"
	"ptr.child.y.test 600 PTR www.child.y.test.\n";

#define SOA "NS z.test. 30 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
#define SUBREF                                                                      \
	"NS sub.z.test. 300 NS ns.sub.z.test.\nNS sub.z.test. 300 NS ns1.z.test.\n" \
	"NS sub.z.test. 300 NS ns.other.net.\n"                                     \
	"AR ns.sub.z.test. 300 A 192.0.2.5\nAR ns1.z.test. 300 A 192.0.2.53\n"
#define WWW "AN www.z.test. 300 A 192.0.2.1\nAN www.z.test. 300 A 192.0.2.2\n"

struct row {
	const char *rule;
	const char *question;
	const char *answer;
};

static const struct row rows[] = {
	{ "RFC 1034 4.3.2: a positive answer is authoritative", "www.z.test A",
	  "NOERROR aa\n" WWW },
	{ "RFC 1035 4.1.1: RD is copied, RA is 0", "www.z.test TXT +flags=0100",
	  "NOERROR aa rd\nAN www.z.test. 300 TXT \"hello\"\n" },
	{ "RFC 4035 3.1.6: AD and CD are 0; Z is ignored", "www.z.test TXT +flags=0070",
	  "NOERROR aa\nAN www.z.test. 300 TXT \"hello\"\n" },
	{ "RFC 8906: AA, TC and RA in a query are ignored", "www.z.test TXT +flags=0680",
	  "NOERROR aa\nAN www.z.test. 300 TXT \"hello\"\n" },
	{ "RFC 4343: names compare without case, the owner is the question's", "wWw.Z.tEST TXT",
	  "NOERROR aa\nAN wWw.Z.tEST. 300 TXT \"hello\"\n" },
	{ "RFC 4343: the zone's case does not matter", "case.z.test A",
	  "NOERROR aa\nAN case.z.test. 300 A 192.0.2.7\n" },
	{ "RFC 2308 2.1: NXDOMAIN has the SOA with the lesser TTL", "nope.z.test A",
	  "NXDOMAIN aa\n" SOA },
	{ "RFC 2308 5: the SOA's TTL when MINIMUM is more", "nope.y.test A",
	  "NXDOMAIN aa\nNS y.test. 3600 SOA ns1.z.test. admin.y.test. 9 7200 3600 86400 7200\n" },
	{ "RFC 2308 2.2: NODATA", "www.z.test MX", "NOERROR aa\n" SOA },
	{ "RFC 3597: unknown types", "www.z.test TYPE666", "NOERROR aa\n" SOA },
	{ "RFC 3597: type 65535", "www.z.test TYPE65535", "NOERROR aa\n" SOA },
	{ "type 0 is a type that nobody has", "www.z.test TYPE0", "NOERROR aa\n" SOA },
	{ "RFC 3597 5: unknown RDATA is opaque", "t.z.test TYPE65280",
	  "NOERROR aa\nAN t.z.test. 300 TYPE65280 \\# 4 C00C0102\n" },
	{ "RFC 8020: an empty non-terminal exists", "c.ent.z.test A", "NOERROR aa\n" SOA },
	{ "RFC 8020: and its parent", "ent.z.test TXT", "NOERROR aa\n" SOA },
	{ "RFC 8020: but nothing beside it", "d.ent.z.test A", "NXDOMAIN aa\n" SOA },
	{ "RFC 4592 2.1.1: a wildcard's owner is the question", "x.wild.z.test A",
	  "NOERROR aa\nAN x.wild.z.test. 300 A 192.0.2.4\n" },
	{ "RFC 4592: and for deeper names", "x.y.wild.z.test A",
	  "NOERROR aa\nAN x.y.wild.z.test. 300 A 192.0.2.4\n" },
	{ "RFC 4592 2.3: the asterisk can be asked for", "*.wild.z.test A",
	  "NOERROR aa\nAN *.wild.z.test. 300 A 192.0.2.4\n" },
	{ "RFC 4592: below the literal asterisk the encloser is it", "a.*.wild.z.test A",
	  "NXDOMAIN aa\n" SOA },
	{ "RFC 4592 2.2.2: wildcard NODATA", "x.wild.z.test TXT", "NOERROR aa\n" SOA },
	{ "RFC 4592: an existing name stops the wildcard", "y.stop.wild.z.test A",
	  "NXDOMAIN aa\n" SOA },
	{ "RFC 4592: an empty non-terminal as well", "stop.wild.z.test A", "NOERROR aa\n" SOA },
	{ "RFC 4592: the wildcard's own parent is not matched", "wild.z.test A",
	  "NOERROR aa\n" SOA },
	{ "RFC 4592 3.3.3: a wildcard CNAME", "a.cw.z.test A",
	  "NOERROR aa\nAN a.cw.z.test. 300 CNAME www.z.test.\n" WWW },
	{ "RFC 4592: a wildcard's MX brings addresses", "x.wild.z.test MX",
	  "NOERROR aa\nAN x.wild.z.test. 300 MX 5 mail.z.test.\n"
	  "AR mail.z.test. 300 A 192.0.2.25\nAR mail.z.test. 300 AAAA 2001:db8::25\n" },
	{ "RFC 1034 4.3.2 3b: below a cut there is a referral", "a.b.sub.z.test A",
	  "NOERROR\n" SUBREF },
	{ "RFC 2181 6.1: at the cut, too", "sub.z.test A", "NOERROR\n" SUBREF },
	{ "RFC 2181 6.1: NS at the cut is a referral", "sub.z.test NS", "NOERROR\n" SUBREF },
	{ "RFC 2181 5.4: glue is not an answer", "ns.sub.z.test A", "NOERROR\n" SUBREF },
	{ "RFC 4035 3.1.4.1: DS at the cut is the parent's", "secsub.z.test DS",
	  "NOERROR aa\nAN secsub.z.test. 300 DS 4711 13 2 "
	  "1111111111111111111111111111111111111111111111111111111111111111\n" },
	{ "RFC 4035 3.1.4.1: no DS at the cut", "sub.z.test DS", "NOERROR aa\n" SOA },
	{ "RFC 4035 3.1.4.1: DS below the cut is the child's", "a.sub.z.test DS",
	  "NOERROR\n" SUBREF },
	{ "RFC 4035 3.1.4.1: DS of a served child comes from the served parent", "child.y.test DS",
	  "NOERROR aa\nAN child.y.test. 100 DS 5 13 2 "
	  "2222222222222222222222222222222222222222222222222222222222222222\n" },
	{ "RFC 4035: DS at an apex whose parent is elsewhere", "y.test DS",
	  "NOERROR aa\nNS y.test. 3600 SOA ns1.z.test. admin.y.test. 9 7200 3600 86400 7200\n" },
	{ "RFC 1034 4.3.2 2: the nearest zone", "ns1.child.y.test A",
	  "NOERROR aa\nAN ns1.child.y.test. 600 A 198.51.100.9\n" },
	{ "RFC 1034 4.3.2 3a: a CNAME is followed", "alias.z.test A",
	  "NOERROR aa\nAN alias.z.test. 300 CNAME www.z.test.\n" WWW },
	{ "RFC 1034: and the next", "alias2.z.test A",
	  "NOERROR aa\nAN alias2.z.test. 60 CNAME alias.z.test.\n"
	  "AN alias.z.test. 300 CNAME www.z.test.\n" WWW },
	{ "RFC 1034: not for QTYPE CNAME", "alias.z.test CNAME",
	  "NOERROR aa\nAN alias.z.test. 300 CNAME www.z.test.\n" },
	{ "RFC 2308 2.2.1: the SOA is the final name's", "alias.z.test MX",
	  "NOERROR aa\nAN alias.z.test. 300 CNAME www.z.test.\n" SOA },
	{ "RFC 6604 3: the rcode is the final name's", "gone.z.test A",
	  "NXDOMAIN aa\nAN gone.z.test. 300 CNAME nope.z.test.\n" SOA },
	{ "a CNAME out of our zones ends there", "ext.z.test A",
	  "NOERROR aa\nAN ext.z.test. 300 CNAME www.example.net.\n" },
	{ "a CNAME into another zone of ours is followed", "other.z.test A",
	  "NOERROR aa\nAN other.z.test. 300 CNAME www.y.test.\n"
	  "AN www.y.test. 100 A 198.51.100.80\n" },
	{ "and its SOA is that zone's", "other.z.test TXT",
	  "NOERROR aa\nAN other.z.test. 300 CNAME www.y.test.\n"
	  "NS y.test. 3600 SOA ns1.z.test. admin.y.test. 9 7200 3600 86400 7200\n" },
	{ "a CNAME below a cut ends in a referral", "into.z.test A",
	  "NOERROR aa\nAN into.z.test. 300 CNAME host.sub.z.test.\n" SUBREF },
	{ "a CNAME to itself", "self.z.test A",
	  "NOERROR aa\nAN self.z.test. 300 CNAME self.z.test.\n" },
	{ "a loop is finite and says each record once", "loop1.z.test A",
	  "NOERROR aa\nAN loop1.z.test. 300 CNAME loop2.z.test.\n"
	  "AN loop2.z.test. 300 CNAME loop1.z.test.\n" },
	{ "RFC 6672 3.2: DNAME, synthesised CNAME, target", "x.old.z.test A",
	  "NOERROR aa\nAN old.z.test. 120 DNAME new.z.test.\n"
	  "AN x.old.z.test. 120 CNAME x.new.z.test.\nAN x.new.z.test. 300 A 192.0.2.6\n" },
	{ "RFC 6672 3.2: case of the question is kept in the CNAME", "X.OLD.z.test CNAME",
	  "NOERROR aa\nAN OLD.z.test. 120 DNAME new.z.test.\n"
	  "AN X.OLD.z.test. 120 CNAME X.new.z.test.\n" },
	{ "RFC 6672: the rcode is the final name's", "y.old.z.test A",
	  "NXDOMAIN aa\nAN old.z.test. 120 DNAME new.z.test.\n"
	  "AN y.old.z.test. 120 CNAME y.new.z.test.\n" SOA },
	{ "RFC 6672 2.3: the DNAME's owner itself is not redirected", "old.z.test A",
	  "NOERROR aa\nAN old.z.test. 120 A 192.0.2.66\n" },
	{ "RFC 6672: DNAME can be asked for", "old.z.test DNAME",
	  "NOERROR aa\nAN old.z.test. 120 DNAME new.z.test.\n" },
	{ "RFC 6672 2.2: YXDOMAIN when the name grows too long", L63 ".long.z.test A",
	  "YXDOMAIN aa\nAN long.z.test. 120 DNAME " L63 "." L63 "." L63 ".z.test.\n" },
	{ "RFC 6672: a DNAME to itself is finite", "x.dloop.z.test A",
	  "NOERROR aa\nAN dloop.z.test. 120 DNAME dloop.z.test.\n"
	  "AN x.dloop.z.test. 120 CNAME x.dloop.z.test.\n" },
	{ "RFC 6672: out of our zones", "a.b.outd.z.test A",
	  "NOERROR aa\nAN outd.z.test. 120 DNAME example.net.\n"
	  "AN a.b.outd.z.test. 120 CNAME a.b.example.net.\n" },
	{ "RFC 1035 3.3.9: MX brings addresses, each host once", "z.test MX",
	  "NOERROR aa\nAN z.test. 3600 MX 10 mail.z.test.\nAN z.test. 3600 MX 20 mail.z.test.\n"
	  "AN z.test. 3600 MX 30 mx.example.net.\n"
	  "AR mail.z.test. 300 A 192.0.2.25\nAR mail.z.test. 300 AAAA 2001:db8::25\n" },
	{ "RFC 1035 3.3.11: NS brings addresses", "z.test NS",
	  "NOERROR aa\nAN z.test. 3600 NS ns1.z.test.\nAN z.test. 3600 NS ns2.z.test.\n"
	  "AR ns1.z.test. 300 A 192.0.2.53\nAR ns2.z.test. 300 AAAA 2001:db8::53\n" },
	{ "addresses from other zones would not be believed", "y.test NS",
	  "NOERROR aa\nAN y.test. 3600 NS ns1.z.test.\n" },
	{ "RFC 2782: SRV brings addresses", "_sip._udp.z.test SRV",
	  "NOERROR aa\nAN _sip._udp.z.test. 300 SRV 1 2 5060 mail.z.test.\n"
	  "AR mail.z.test. 300 A 192.0.2.25\nAR mail.z.test. 300 AAAA 2001:db8::25\n" },
	{ "RFC 9460 4.1: HTTPS brings addresses", "svc.z.test HTTPS",
	  "NOERROR aa\nAN svc.z.test. 300 HTTPS 1 mail.z.test. alpn=\"h2\"\n"
	  "AR mail.z.test. 300 A 192.0.2.25\nAR mail.z.test. 300 AAAA 2001:db8::25\n" },
	{ "RFC 9460 4.1: AliasMode brings the target's SVCB", "svc2.z.test SVCB",
	  "NOERROR aa\nAN svc2.z.test. 300 SVCB 0 svc3.z.test.\n"
	  "AR svc3.z.test. 300 A 192.0.2.88\nAR svc3.z.test. 300 SVCB 1 . port=8443\n" },
	{ "RFC 9460 2.5.2: target \".\" is the owner: its addresses", "svc3.z.test SVCB",
	  "NOERROR aa\nAN svc3.z.test. 300 SVCB 1 . port=8443\n"
	  "AR svc3.z.test. 300 A 192.0.2.88\n" },
	{ "RFC 9460: an owner without addresses", "self-svc.z.test HTTPS",
	  "NOERROR aa\nAN self-svc.z.test. 300 HTTPS 1 . alpn=\"h3\"\n" },
	{ "RFC 8482 4.1: ANY over UDP is one RRset", "www.z.test ANY", "NOERROR aa\n" WWW },
	{ "RFC 8482: ANY over TCP is all", "www.z.test ANY +tcp",
	  "NOERROR aa\n" WWW "AN www.z.test. 300 TXT \"hello\"\n" },
	{ "RFC 1034 4.3.2: ANY at a CNAME is the CNAME", "alias.z.test ANY",
	  "NOERROR aa\nAN alias.z.test. 300 CNAME www.z.test.\n" },
	{ "ANY at an empty non-terminal", "ent.z.test ANY", "NOERROR aa\n" SOA },
	{ "ANY at a cut is a referral", "sub.z.test ANY", "NOERROR\n" SUBREF },
	{ "ANY below a DNAME", "x.old.z.test ANY",
	  "NOERROR aa\nAN old.z.test. 120 DNAME new.z.test.\n"
	  "AN x.old.z.test. 120 CNAME x.new.z.test.\n" },
	{ "RRSIG of an unsigned name", "www.z.test RRSIG", "NOERROR aa\n" SOA },
	{ "RFC 8499: no upward referral, but REFUSED", "www.example.net A", "REFUSED\n" },
	{ "RFC 8914 4.21: with EDE 20", "www.example.net A +edns", "REFUSED\nOPT 1232 15:0014\n" },
	{ "the parent of a zone of ours is not ours", "test SOA", "REFUSED\n" },
	{ "the root is not ours", ". NS", "REFUSED\n" },
	{ "RFC 1035 3.2.5: class ANY has data, but never authority", "low.z.test A +class=255",
	  "NOERROR\nAN low.z.test. 5 A 192.0.2.9\n" },
	{ "RFC 1035: class HS is not ours", "www.z.test A +class=4", "REFUSED\n" },
	{ "RFC 1035: class NONE neither", "www.z.test A +class=254", "REFUSED\n" },
	{ "RFC 4892: CHAOS is off by default", "id.server TXT +class=3", "REFUSED\n" },
	{ "RFC 6891 6.1.1: OPT only when asked", "www.z.test TXT +edns",
	  "NOERROR aa\nAN www.z.test. 300 TXT \"hello\"\nOPT 1232\n" },
	{ "RFC 3225 3: DO is copied, the other flags are 0", "low.z.test A +do +ednsflags=0080",
	  "NOERROR aa\nAN low.z.test. 5 A 192.0.2.9\nOPT 1232 do\n" },
	{ "RFC 6891 6.1.3: BADVERS says version 0 and nothing else", "www.z.test A +version=1",
	  "BADVERS\nOPT 1232\n" },
	{ "RFC 6891 6.1.2: unknown options are ignored", "low.z.test A +opt=100:abcd",
	  "NOERROR aa\nAN low.z.test. 5 A 192.0.2.9\nOPT 1232\n" },
	{ "RFC 6891: QTYPE OPT is malformed", "www.z.test OPT", "FORMERR\n" },
	{ "RFC 8945: QTYPE TSIG is malformed", "www.z.test TSIG", "FORMERR\n" },
	{ "RFC 2930: QTYPE TKEY is malformed", "www.z.test TKEY", "FORMERR\n" },
	{ "RFC 9824 3.5: QTYPE NXNAME is malformed", "www.z.test TYPE128 +edns",
	  "FORMERR\nOPT 1232 15:001e\n" },
	{ "RFC 1035 3.2.3: MAILB is obsolete", "www.z.test MAILB", "NOTIMP\n" },
	{ "RFC 1035 3.2.3: MAILA is obsolete", "www.z.test MAILA", "NOTIMP\n" },
	{ "RFC 5936: no transfer without a handler", "z.test AXFR +tcp", "REFUSED\n" },
	{ "RFC 1995: no transfer without a handler", "z.test IXFR +edns",
	  "REFUSED\nOPT 1232 15:0012\n" },
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

static void each_rule_holds(void **state)
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_rule_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tests of malformed and odd messages, octet by octet (reference rows 5..25 and 53..55). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "tests/server/harness.h"

#define HEAD(qd, an, ns, ar) "1234 0000 " qd an ns ar
#define Q1                   HEAD("0001", "0000", "0000", "0000")
#define Q1_OPT               HEAD("0001", "0000", "0000", "0001")
#define WWW                  "03777777 017a 0474657374 00 "
#define WWW_A                WWW "0001 0001 "
#define OPT                  "00 0029 04d0 00000000 0000 "
#define ANSWER               "NOERROR aa\nAN www.z.test. 300 A 192.0.2.1\n"
#define ANSWER_OPT           ANSWER "OPT 1232\n"

static const char zones[] = "z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
			    "z.test 3600 NS ns1.z.test.\n"
			    "www.z.test 300 A 192.0.2.1\n"
			    "n\\000l.z.test 300 A 192.0.2.1\n";

static const struct row {
	const char *rule;
	const char *message;
	const char *answer;
} rows[] = {
	{ "a good query", Q1 WWW_A, ANSWER },
	{ "RFC 8906 3: no octets", "", "drop" },
	{ "RFC 8906 3: less than a header", "1234 0000 0001 0000 0000 00", "drop" },
	{ "RFC 1035 4.1.1: a response is not answered", "1234 8000 0001 0000 0000 0000 " WWW_A,
	  "drop" },
	{ "a response with any opcode", "1234 f800 0001 0000 0000 0000 " WWW_A, "drop" },
	{ "RFC 8906 3.1.4: opcode 15", "1234 7800 0000 0000 0000 0000",
	  "NOTIMP opcode=15 no-question\n" },
	{ "RFC 3425: IQUERY", "1234 0900 0000 0001 0000 0000", "NOTIMP opcode=1 rd no-question\n" },
	{ "RFC 1035: STATUS", "1234 1000 0001 0000 0000 0000 " WWW_A,
	  "NOTIMP opcode=2 no-question\n" },
	{ "RFC 8490: DSO is not done", "1234 3000 0000 0000 0000 0000",
	  "NOTIMP opcode=6 no-question\n" },
	{ "RFC 1996: NOTIFY without a handler",
	  "1234 2400 0001 0000 0000 0000 017a 0474657374 00 "
	  "0006 0001",
	  "REFUSED opcode=4\n" },
	{ "RFC 2136: UPDATE without a handler",
	  "1234 2800 0001 0000 0000 0000 017a 0474657374 00 "
	  "0006 0001",
	  "NOTIMP opcode=5\n" },
	{ "RFC 1996: NOTIFY without a question", "1234 2000 0000 0000 0000 0000",
	  "FORMERR opcode=4 no-question\n" },
	{ "RFC 9619: no question", HEAD("0000", "0000", "0000", "0000"), "FORMERR no-question\n" },
	{ "RFC 9619: no question, OPT without cookie", HEAD("0000", "0000", "0000", "0001") OPT,
	  "FORMERR no-question\nOPT 1232\n" },
	{ "RFC 9619: two questions", HEAD("0002", "0000", "0000", "0000") WWW_A WWW_A,
	  "FORMERR no-question\n" },
	{ "RFC 9619: 65,535 questions", HEAD("ffff", "0000", "0000", "0000") WWW_A,
	  "FORMERR no-question\n" },
	{ "the question is missing", Q1, "FORMERR no-question\n" },
	{ "the question's name ends early", Q1 "03777777 017a 0474", "FORMERR no-question\n" },
	{ "the root label is missing", Q1 "03777777 017a 0474657374", "FORMERR no-question\n" },
	{ "the type is missing", Q1 WWW, "FORMERR no-question\n" },
	{ "half a class", Q1 WWW "0001 00", "FORMERR no-question\n" },
	{ "RFC 1035 4.1.4: a pointer in the question", Q1 "03777777 c00c 0001 0001",
	  "FORMERR no-question\n" },
	{ "a pointer to itself", Q1 "c00c 0001 0001", "FORMERR no-question\n" },
	{ "RFC 6891 5: label type 01", Q1 "41777777 00 0001 0001", "FORMERR no-question\n" },
	{ "label type 10", Q1 "81777777 00 0001 0001", "FORMERR no-question\n" },
	{ "an octet behind the message", Q1 WWW_A "00", "FORMERR\n" },
	{ "an octet behind the OPT", Q1_OPT WWW_A OPT "00", "FORMERR\nOPT 1232\n" },
	{ "RFC 6891: a lone OPT", Q1_OPT WWW_A OPT, ANSWER_OPT },
	{ "RFC 6891 6.1.1: two OPTs", HEAD("0001", "0000", "0000", "0002") WWW_A OPT OPT,
	  "FORMERR\nOPT 1232\n" },
	{ "RFC 6891 6.1.2: OPT not at the root", Q1_OPT WWW_A "017a 00 0029 04d0 00000000 0000",
	  "FORMERR\n" },
	{ "OPT in the answer section", HEAD("0001", "0001", "0000", "0000") WWW_A OPT,
	  "FORMERR\n" },
	{ "OPT in the authority section", HEAD("0001", "0000", "0001", "0000") WWW_A OPT,
	  "FORMERR\n" },
	{ "the OPT is announced and missing", Q1_OPT WWW_A, "FORMERR\n" },
	{ "half an OPT", Q1_OPT WWW_A "00 0029 04d0 0000", "FORMERR\n" },
	{ "OPT's RDATA ends early", Q1_OPT WWW_A "00 0029 04d0 00000000 0004 0003", "FORMERR\n" },
	{ "half an option", Q1_OPT WWW_A "00 0029 04d0 00000000 0002 0003", "FORMERR\nOPT 1232\n" },
	{ "an option longer than RDATA", Q1_OPT WWW_A "00 0029 04d0 00000000 0005 0064 0002 00",
	  "FORMERR\nOPT 1232\n" },
	{ "an option's length beyond the message",
	  Q1_OPT WWW_A "00 0029 04d0 00000000 0004 0064 ffff", "FORMERR\nOPT 1232\n" },
	{ "a record that is announced and missing", HEAD("0001", "0000", "0000", "0001") WWW_A,
	  "FORMERR\n" },
	{ "records in other sections are passed over",
	  HEAD("0001", "0001", "0001", "0002") WWW_A "c00c 0001 0001 00000000 0004 c0000201 "
						     "017a 00 0002 0001 00000000 0001 00 " OPT
						     "0161 c00c 0001 0001 00000000 0000",
	  ANSWER_OPT },
	{ "RFC 1035 4.1.4: a pointer that points ahead",
	  HEAD("0001", "0001", "0000", "0000") WWW_A "c030 0001 0001 00000000 0004 c0000201",
	  "FORMERR\n" },
	{ "a pointer that points to itself",
	  HEAD("0001", "0001", "0000", "0000") WWW_A "c01c 0001 0001 00000000 0004 c0000201",
	  "FORMERR\n" },
	{ "an owner that ends early", HEAD("0001", "0001", "0000", "0000") WWW_A "0561",
	  "FORMERR\n" },
	{ "half a pointer", HEAD("0001", "0001", "0000", "0000") WWW_A "c0", "FORMERR\n" },
	{ "a record's RDATA ends early",
	  HEAD("0001", "0001", "0000", "0000") WWW_A "c00c 0001 0001 00000000 0005 c0000201",
	  "FORMERR\n" },
	{ "a record's fixed part ends early",
	  HEAD("0001", "0001", "0000", "0000") WWW_A "c00c 0001 0001 0000", "FORMERR\n" },
	{ "RFC 8945 5.2: TSIG without a handler", Q1_OPT WWW_A "016b 00 00fa 00ff 00000000 0001 00",
	  "NOTAUTH\n" },
	{ "RFC 8945 5.1: TSIG is not the last record",
	  HEAD("0001", "0000", "0000", "0002") WWW_A "016b 00 00fa 00ff 00000000 0001 00" OPT,
	  "FORMERR\n" },
	{ "RFC 8945 5.1: TSIG is not in the additional section",
	  HEAD("0001", "0001", "0000", "0000") WWW_A "016b 00 00fa 00ff 00000000 0001 00",
	  "FORMERR\n" },
	{ "RFC 2181 11: any octet may be in a label", Q1 "036e006c 017a 0474657374 00 0001 0001",
	  "NOERROR aa\nAN n\\000l.z.test. 300 A 192.0.2.1\n" },
	{ "RFC 7873 5.4: no question but a client cookie",
	  HEAD("0000", "0000", "0000", "0001") "00 0029 04d0 00000000 000c 000a 0008 "
					       "0102030405060708",
	  "NOERROR no-question\nOPT 1232 10:0102030405060708010000006b49d2001eab8419a2c37bbd\n" },
	{ "RFC 6891 6.1.3: BADVERS although options are not ours to read",
	  Q1_OPT WWW_A "00 0029 04d0 00010000 0002 0003", "BADVERS\nOPT 1232\n" },
	{ "BADVERS of a message that is malformed behind it",
	  HEAD("0001", "0000", "0000", "0002") WWW_A "00 0029 04d0 00010000 0000 01",
	  "FORMERR\nOPT 1232\n" },
	{ "BADVERS among other records",
	  HEAD("0001", "0000", "0000", "0002") WWW_A
	  "00 0029 04d0 00010000 0000 c00c 0001 0001 00000000 0000",
	  "BADVERS\nOPT 1232\n" },
	{ "RFC 6891 6.2.3: a payload size below 512 is 512",
	  Q1_OPT WWW_A "00 0029 0000 00000000 0000", ANSWER_OPT },
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

static void each_message_gets_its_answer(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = harness_raw(rows[i].message, i % 2);

		if (strcmp(got, rows[i].answer) == 0)
			continue;
		failed++;
		print_error("%s\n%s\nwant:\n%sgot:\n%s\n", rows[i].rule, rows[i].message,
			    rows[i].answer, got);
	}
	assert_int_equal(failed, 0);
}

/* RFC 1035 2.3.4: 255 octets, 63 a label. */
static void names_of_any_legal_length_are_asked(void **state)
{
	char label[64 * 2 + 3] = "3f";
	char hex[1200];
	char label61[62 * 2 + 3] = "3d";
	char label62[63 * 2 + 3] = "3e";

	(void)state;
	for (int i = 0; i < 63; i++)
		strcat(label, "61");
	memcpy(label61 + 2, label + 2, 122);
	memcpy(label62 + 2, label + 2, 124);
	/* 3 * 64 + 62 + 1 = 255 */
	snprintf(hex, sizeof(hex), Q1 "%s%s%s%s 00 0001 0001", label, label, label, label61);
	assert_string_equal(harness_raw(hex, false), "REFUSED\n");
	snprintf(hex, sizeof(hex), Q1 "%s%s%s%s 00 0001 0001", label, label, label, label62);
	assert_string_equal(harness_raw(hex, false), "FORMERR no-question\n");
	/* and with OPT, cookie and a client that takes 512 */
	snprintf(hex, sizeof(hex),
		 Q1_OPT "%s%s%s%s 00 0001 0001 00 0029 0200 00000000 000c 000a 0008 "
			"0102030405060708",
		 label, label, label, label61);
	assert_memory_equal(harness_raw(hex, false), "REFUSED\nOPT 1232 10:01020304", 27);
	/* the owner of a record: 253 octets and a pointer are one too many, 255 with the root are
	 * not */
	snprintf(hex, sizeof(hex),
		 HEAD("0001", "0001", "0000", "0000") WWW_A "%s%s%s%s c00c 0001 0001 00000000 0000",
		 label, label, label, label61);
	assert_string_equal(harness_raw(hex, false), "FORMERR\n");
	snprintf(hex, sizeof(hex),
		 HEAD("0001", "0001", "0000", "0000") WWW_A "%s%s%s%s 00 0001 0001 00000000 0000",
		 label, label, label, label61);
	assert_string_equal(harness_raw(hex, false), ANSWER);
	snprintf(hex, sizeof(hex),
		 HEAD("0001", "0001", "0000", "0000") WWW_A "%s%s%s%s 00 0001 0001 00000000 0000",
		 label, label, label, label62);
	assert_string_equal(harness_raw(hex, false), "FORMERR\n");
	/* 127 labels */
	strcpy(hex, Q1);
	for (int i = 0; i < 127; i++)
		strcat(hex, "0161");
	strcat(hex, "00 0001 0001");
	assert_string_equal(harness_raw(hex, false), "REFUSED\n");
}

/* What a handler takes over is not touched. */
static void messages_for_the_control_loop_are_handed_over(void **state)
{
	static const struct {
		const char *message;
		const char *result;
	} cases[] = {
		{ "1234 2400 0001 0000 0000 0000 017a 0474657374 00 0006 0001", "handoff notify" },
		{ "1234 2800 0001 0000 0000 0000 017a 0474657374 00 0006 0001", "handoff update" },
		{ Q1 "017a 0474657374 00 00fc 0001", "handoff xfr" },
		{ Q1 "017a 0474657374 00 00fb 0001", "handoff xfr" },
		{ Q1_OPT WWW_A "016b 00 00fa 00ff 00000000 0001 00", "handoff tsig" },
		{ Q1_OPT "017a 0474657374 00 00fc 0001 016b 00 00fa 00ff 00000000 0001 00",
		  "handoff tsig" },
		{ Q1 WWW_A, ANSWER },
		{ "1234 2400 0001 0000 0000 0000 017a 0474", "FORMERR opcode=4 aa no-question\n" },
	};

	(void)state;
	harness.can_handoff = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases) - 1; i++)
		assert_string_equal(harness_raw(cases[i].message, true), cases[i].result);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_message_gets_its_answer),
		TEST(names_of_any_legal_length_are_asked),
		TEST(messages_for_the_control_loop_are_handed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* dname: text, wire, compression, order. */
#include "lib/dname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/error.h"
#include "lib/mem.h"

static void text_becomes_wire_and_text_again(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "www.example.com", "www.example.com." },
		{ "WWW.Example.com.", "WWW.Example.com." },
		{ ".", "." },
		{ "a\\.b.c", "a\\.b.c." },
		{ "\\000\\255.c", "\\000\\255.c." },
		{ "*.example", "*.example." },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t w[DNAME_MAX];
		char text[DNAME_TEXT_MAX];

		assert_int_equal(dname_from_text(rows[i].in, w), 0);
		assert_string_equal(dname_to_text(w, text), rows[i].out);
	}
}

static void bad_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",      "..",
		"a..b",  ".a",
		"\\",    "\\25",
		"\\256", "0123456789012345678901234567890123456789012345678901234567890123.a"
	};
	uint8_t w[DNAME_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(dname_from_text(bad[i], w) < 0);
}

static void a_name_of_255_octets_fits_and_256_do_not(void **state)
{
	char text[300] = "";
	uint8_t w[DNAME_MAX];

	(void)state;
	/* 3 * 64 + 62 + 1 = 255 */
	for (int i = 0; i < 3; i++)
		strcat(text, "012345678901234567890123456789012345678901234567890123456789012.");
	strcat(text, "0123456789012345678901234567890123456789012345678901234567890");
	assert_int_equal(dname_from_text(text, w), 0);
	assert_int_equal(dname_len(w), 255);
	strcat(text, "x");
	assert_int_equal(dname_from_text(text, w), ERR_TOO_LONG);
}

static void pointers_must_go_backwards(void **state)
{
	/* "a.b" at 0, then c + pointer to 2 ("b") at 5, self pointer at 9, forward at 11 */
	static const uint8_t msg[] = { 1, 'a', 1, 'b', 0, 1, 'c', 0xc0, 2, 0xc0, 9, 0xc0, 13, 0 };
	uint8_t out[DNAME_MAX];
	size_t pos = 5;

	(void)state;
	assert_int_equal(dname_unpack(msg, sizeof(msg), &pos, out), 0);
	assert_int_equal(pos, 9);
	assert_memory_equal(out, "\1c\1b\0", 5);
	pos = 9;
	assert_int_equal(dname_unpack(msg, sizeof(msg), &pos, out), ERR_SYNTAX);
	pos = 11;
	assert_int_equal(dname_unpack(msg, sizeof(msg), &pos, out), ERR_SYNTAX);
	pos = 13;
	assert_int_equal(dname_unpack(msg, sizeof(msg), &pos, out), 0);
	pos = 14;
	assert_int_equal(dname_unpack(msg, sizeof(msg), &pos, out), ERR_TRUNCATED);
}

static void order_is_canonical(void **state)
{
	/* RFC 4034 6.1 */
	static const char *const order[] = {
		"example.",         "a.example.",      "yljkjljk.a.example.",
		"Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
		"\\001.z.example.", "*.z.example.",    "\\200.z.example."
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			uint8_t a[DNAME_MAX], b[DNAME_MAX];

			assert_int_equal(dname_from_text(order[i], a), 0);
			assert_int_equal(dname_from_text(order[j], b), 0);
			int d = dname_compare(a, b);
			assert_true(i < j ? d < 0 : i > j ? d > 0 : d == 0);
		}
	}
}

static void below_is_on_label_boundaries(void **state)
{
	(void)state;
	assert_true(dname_text_is_below("a.cloud.example.com", "cloud.example.com"));
	assert_true(dname_text_is_below("Cloud.example.com.", "cloud.example.com"));
	assert_false(dname_text_is_below("notcloud.example.com", "cloud.example.com"));
	assert_false(dname_text_is_below("cloud.example.com.evil.org", "cloud.example.com"));
	assert_true(dname_text_is_below("x", ""));
	assert_true(dname_text_is_host("a-b_c.example", false));
	assert_false(dname_text_is_host("-a.example", false));
	assert_false(dname_text_is_host("a-.example", false));
	assert_false(dname_text_is_host("*.example", false));
	assert_true(dname_text_is_host("*.example", true));
	assert_false(dname_text_is_host("a.*.example", true));
	assert_false(dname_text_is_host("a b", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_wire_and_text_again),
		cmocka_unit_test(bad_text_is_refused),
		cmocka_unit_test(a_name_of_255_octets_fits_and_256_do_not),
		cmocka_unit_test(pointers_must_go_backwards),
		cmocka_unit_test(order_is_canonical),
		cmocka_unit_test(below_is_on_label_boundaries),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

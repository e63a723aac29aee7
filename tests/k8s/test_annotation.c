/* Annotations: TTLs, lists, prefixes, properties. */
#include "k8s/annotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/error.h"
#include "lib/mem.h"

static void ttls_are_seconds_or_go_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "0", 0 },
		{ "600", 600 },
		{ "+5", 5 },
		{ "-5", -5 },
		{ "10m", 600 },
		{ "1m30s", 90 },
		{ "1.5s", 1 },
		{ "500ms", 0 },
		{ "1h", 3600 },
		{ "-1s", -1 },
		{ ".5h", 1800 },
		{ "1.s", 1 },
		{ "1us", 0 },
		{ "1\xc2\xb5s", 0 },
		{ "2147483648", 2147483648 },
		{ "100h0m1s", 360001 },
		{ " 10", -1 },
		{ "10 ", -1 },
		{ "0.5", -1 },
		{ "1e3", -1 },
		{ "1d", -1 },
		{ "", -1 },
		{ "abc", -1 },
		{ "s", -1 },
		{ ".s", -1 },
		{ "1m30", -1 },
		{ "99999999999999999999", -1 },
		{ "9999999999h", -1 },
		{ "1,000", -1 },
		{ "--1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t s = -1;
		int err = annotation_parse_ttl(rows[i].text, &s);

		if (rows[i].seconds == -1 && rows[i].text[0] != '-'
			    ? err == 0
			    : err < 0 && rows[i].seconds != -1)
			fail_msg("\"%s\": %d", rows[i].text, err);
		if (err == 0)
			assert_int_equal(s, rows[i].seconds);
	}
}

static void lists_lose_blanks_and_keep_empty_parts(void **state)
{
	static const struct {
		const char *text, *joined;
	} rows[] = {
		{ "a", "a" }, { "a,b", "a|b" }, { " a , b c,", "a|bc|" },
		{ "", "" },   { "\ta\n", "a" }, { "a,,b", "a||b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct strv v = { 0 };
		char *joined;

		annotation_split(rows[i].text, &v);
		joined = strv_join(&v, "|");
		assert_string_equal(joined, rows[i].joined);
		free(joined);
		strv_fini(&v);
	}
}

static void a_prefix_ends_in_a_slash(void **state)
{
	static const char *const bad[] = { "", "external-dns.kubernetes.io", "x" };
	struct annotation_prefixes p;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *why = NULL;

		assert_int_equal(annotation_prefixes_init(&p, bad[i], true, &why), ERR_INVALID);
		assert_non_null(why);
		free(why);
	}
}

static void both_prefixes_are_read_unless_one_has_ones_own(void **state)
{
	struct annotation_prefixes p;
	char *why = NULL;

	(void)state;
	assert_int_equal(annotation_prefixes_init(&p, ANNOTATION_PREFIX_NEW, true, &why), 0);
	assert_string_equal(p.second, ANNOTATION_PREFIX_OLD);
	assert_int_equal(annotation_prefixes_init(&p, ANNOTATION_PREFIX_OLD, true, &why), 0);
	assert_string_equal(p.second, ANNOTATION_PREFIX_NEW);
	assert_int_equal(annotation_prefixes_init(&p, ANNOTATION_PREFIX_NEW, false, &why), 0);
	assert_null(p.second);
	assert_int_equal(annotation_prefixes_init(&p, "dns.example.org/", true, &why), 0);
	assert_null(p.second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ttls_are_seconds_or_go_durations),
		cmocka_unit_test(lists_lose_blanks_and_keep_empty_parts),
		cmocka_unit_test(a_prefix_ends_in_a_slash),
		cmocka_unit_test(both_prefixes_are_read_unless_one_has_ones_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

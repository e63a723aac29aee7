/* domain_filter: suffixes on labels, exclusions, expressions, JSON. */
#include "sync/domain_filter.h"

#include "lib/error.h"
#include "lib/idna.h"
#include "lib/json.h"
#include "lib/regexp.h"
#include "tests/sync/words.h"

static struct domain_filter *make(const char *include, const char *exclude, const char *ri,
				  const char *rx)
{
	struct strv in = { 0 }, ex = { 0 };
	struct domain_filter *f = NULL;
	char *why = NULL;

	strv_split(&in, include, ",");
	strv_split(&ex, exclude, ",");
	assert_int_equal(domain_filter_new(&in, &ex, ri, rx, &f, &why), 0);
	strv_fini(&in);
	strv_fini(&ex);
	return f;
}

static void names_match_by_whole_labels(void **state)
{
	static const struct {
		const char *include, *exclude, *name;
		bool match;
	} rows[] = {
		{ "", "", "anything.org", true },
		{ "example.org", "", "example.org", true },
		{ "example.org", "", "EXAMPLE.org.", true },
		{ "example.org.", "", "foo.example.org", true },
		{ "example.org", "", "myexample.org", false },
		{ "example.org", "", "example.org.evil", false },
		{ ".example.org", "", "example.org", false },
		{ ".example.org", "", "a.b.example.org", true },
		{ "a.org,b.org", "", "x.b.org", true },
		{ "example.org", "api.example.org", "api.example.org", false },
		{ "example.org", "api.example.org", "v1.api.example.org", false },
		{ "example.org", "api.example.org", "myapi.example.org", true },
		{ "", "example.org", "example.org", false },
		{ "", "example.org", "example.com", true },
		{ "example.org", "example.org", "www.example.org", false },
		{ "xn--bcher-kva.example", "", "www.B\303\274cher.example", true },
		{ "b\303\274cher.example", "", "www.xn--bcher-kva.example", true },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct domain_filter *f = make(rows[i].include, rows[i].exclude, "", "");

		if (domain_filter_match(f, rows[i].name) != rows[i].match)
			fail_msg("row %zu: %s", i, rows[i].name);
		domain_filter_free(f);
	}
	assert_true(domain_filter_match(NULL, "a"));
}

static void expressions_replace_lists_and_exclusion_comes_first(void **state)
{
	static const struct {
		const char *ri, *rx, *name;
		bool match;
	} rows[] = {
		{ "\\.org$", "", "example.org", true },
		{ "\\.org$", "", "example.com", false },
		{ "(?i)^FOO\\d+\\.", "", "foo12.example", true },
		{ "^(?:foo|bar)[\\w-]*\\.example\\.org$", "", "bar-1.example.org", true },
		{ "^(?:foo|bar)[\\w-]*\\.example\\.org$", "", "baz.example.org", false },
		{ "example", "^foo\\.", "foo.example.org", false },
		{ "example", "^foo\\.", "bar.example.org", true },
		{ "", "^foo\\.", "bar.com", true },
		{ "", "^foo\\.", "foo.com", false },
		{ "^.*?\\.x$", "", "a.x", true },
		{ "^[^.]+\\.y$", "", "a.b.y", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct domain_filter *f = make("never.example", "", rows[i].ri, rows[i].rx);

		if (domain_filter_match(f, rows[i].name) != rows[i].match)
			fail_msg("row %zu: %s", i, rows[i].name);
		domain_filter_free(f);
	}
}

static void bad_expressions_are_refused_with_their_text(void **state)
{
	static const char *const bad[] = { "(", "[a", "a{2", "(?=x)", "\\pL", "x\\" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct domain_filter *f = NULL;
		char *why = NULL;

		if (domain_filter_new(NULL, NULL, bad[i], NULL, &f, &why) >= 0)
			fail_msg("accepted %s", bad[i]);
		assert_non_null(strstr(why, bad[i]));
		free(why);
	}
}

static void hosted_zones_above_a_filter_are_opened(void **state)
{
	struct domain_filter *f = make("a.b.example.org", "x.example.org", "", "");

	(void)state;
	assert_true(domain_filter_match_zone(f, "a.b.example.org"));
	assert_true(domain_filter_match_zone(f, "c.a.b.example.org"));
	assert_true(domain_filter_match_zone(f, "b.example.org"));
	assert_true(domain_filter_match_zone(f, "example.org."));
	assert_false(domain_filter_match_zone(f, "z.example.org"));
	assert_false(domain_filter_match_zone(f, "x.example.org"));
	domain_filter_free(f);
}

static void json_goes_both_ways(void **state)
{
	static const char *const rows[][2] = {
		{ "{}", "{}" },
		{ "{\"include\":[\"b.org\",\"a.org\"],\"exclude\":[\"c.a.org\"]}",
		  "{\"include\":[\"a.org\",\"b.org\"],\"exclude\":[\"c.a.org\"]}" },
		{ "{\"filters\":[\"a.org\"]}", "{\"include\":[\"a.org\"]}" },
		{ "{\"regexInclude\":\"a.*\",\"regexExclude\":\"b\"}",
		  "{\"regexInclude\":\"a.*\",\"regexExclude\":\"b\"}" },
		{ "{\"include\":null}", "{}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *in = cJSON_Parse(rows[i][0]);
		struct domain_filter *f = NULL;
		char *why = NULL;

		assert_int_equal(domain_filter_from_json(in, &f, &why), 0);
		cJSON *out = domain_filter_to_json(f);
		char *text = json_print(out);
		assert_string_equal(text, rows[i][1]);
		free(text);
		cJSON_Delete(out);
		cJSON_Delete(in);
		domain_filter_free(f);
	}
	cJSON *both = cJSON_Parse("{\"include\":[\"a\"],\"regexInclude\":\"b\"}");
	struct domain_filter *f = NULL;
	char *why = NULL;
	assert_int_equal(domain_filter_from_json(both, &f, &why), ERR_INVALID);
	free(why);
	cJSON_Delete(both);
}

static void names_beyond_ascii_become_punycode(void **state)
{
	static const char *const rows[][2] = {
		{ " WWW.Example.COM. ", "www.example.com" },
		{ "b\303\274cher.example", "xn--bcher-kva.example" },
		{ "B\303\234CHER.example", "xn--bcher-kva.example" },
		{ "fa\303\237.de", "xn--fa-hia.de" },
		{ "\346\227\245\346\234\254\350\252\236.jp", "xn--wgv71a119e.jp" },
		{ "\320\237\320\240\320\230\320\222\320\225\320\242.\321\200\321\204",
		  "xn--b1agh1afp.xn--p1ai" },
		{ "*.m\303\274nchen.de", "*.xn--mnchen-3ya.de" },
		{ "_sip._tcp.a", "_sip._tcp.a" },
		{ "bad\377.A", "bad\377.a" },
		{ "", "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *s = idna_normal(rows[i][0]);

		assert_string_equal(s, rows[i][1]);
		free(s);
	}
	assert_true(idna_is_normal("a.b"));
	assert_false(idna_is_normal("a.B"));
	assert_false(idna_is_normal("a.b."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_match_by_whole_labels),
		cmocka_unit_test(expressions_replace_lists_and_exclusion_comes_first),
		cmocka_unit_test(bad_expressions_are_refused_with_their_text),
		cmocka_unit_test(hosted_zones_above_a_filter_are_opened),
		cmocka_unit_test(json_goes_both_ways),
		cmocka_unit_test(names_beyond_ascii_become_punycode),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Label selectors: apimachinery's grammar and its meaning for missing keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "k8s/selector.h"
#include "lib/error.h"
#include "lib/mem.h"

static void selectors_match_as_apimachinery_does(void **state)
{
	static const struct {
		const char *selector, *labels;
		bool matches;
	} cases[] = {
		{ "", "{}", true },
		{ "  ", "{\"a\":\"b\"}", true },
		{ "a", "{\"a\":\"\"}", true },
		{ "a", "{}", false },
		{ "!a", "{}", true },
		{ "!a", "{\"a\":\"\"}", false },
		{ "a=b", "{\"a\":\"b\"}", true },
		{ "a==b", "{\"a\":\"b\"}", true },
		{ "a = b", "{\"a\":\"b\"}", true },
		{ "a=b", "{\"a\":\"c\"}", false },
		{ "a=", "{\"a\":\"\"}", true },
		{ "a=,c=d", "{\"a\":\"\",\"c\":\"d\"}", true },
		{ "a!=b", "{}", true },
		{ "a!=b", "{\"a\":\"b\"}", false },
		{ "a in (b,c)", "{\"a\":\"c\"}", true },
		{ "a in ( b , c )", "{\"a\":\"c\"}", true },
		{ "a in (b,c)", "{}", false },
		{ "a in (,b)", "{\"a\":\"\"}", true },
		{ "a notin (b,c)", "{}", true },
		{ "a notin (b,c)", "{\"a\":\"b\"}", false },
		{ "a>3", "{\"a\":\"4\"}", true },
		{ "a>3", "{\"a\":\"3\"}", false },
		{ "a<3", "{\"a\":\"2\"}", true },
		{ "a<3", "{\"a\":\"x\"}", false },
		{ "a=b,c=d", "{\"a\":\"b\"}", false },
		{ "kubernetes.io/ingress.class in (alb, nginx)",
		  "{\"kubernetes.io/ingress.class\":\"nginx\"}", true },
		{ "in=x", "{\"in\":\"x\"}", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector *s = NULL;
		char *why = NULL;
		cJSON *labels = cJSON_Parse(cases[i].labels);

		assert_int_equal(selector_parse(cases[i].selector, &s, &why), 0);
		if (selector_matches_json(s, labels) != cases[i].matches)
			fail_msg("\"%s\" against %s", cases[i].selector, cases[i].labels);
		selector_free(s);
		cJSON_Delete(labels);
	}
}

static void what_is_no_selector_says_where(void **state)
{
	static const char *const cases[] = {
		"=b",
		"a in",
		"a in (",
		"a in (b",
		"a b",
		"a,",
		",a",
		"a>x",
		"a=b c",
		"a=$",
		"A B/c",
		"-a",
		"kubernetes.io/ingress.name in (a b)",
		"!a=b",
		"a/b/c",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct selector *s = NULL;
		char *why = NULL;

		if (selector_parse(cases[i], &s, &why) != ERR_SYNTAX)
			fail_msg("\"%s\" passes", cases[i]);
		assert_non_null(why);
		free(why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors_match_as_apimachinery_does),
		cmocka_unit_test(what_is_no_selector_says_where),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

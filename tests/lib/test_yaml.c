/* yaml: documents as Kubernetes reads them. */
#include "lib/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

static void print_doc(void *ctx, cJSON *doc, unsigned line)
{
	struct buf *out = ctx;
	char *text = json_print(doc);

	buf_printf(out, "%s%u %s", out->len ? "\n" : "", line, text);
	free(text);
	cJSON_Delete(doc);
}

static void documents_become_json(void **state)
{
	static const struct {
		const char *text, *want;
	} table[] = {
		{ "a: 1", "1 {\"a\":1}" },
		{ "{\"a\": [1, \"x\", null, true]}", "1 {\"a\":[1,\"x\",null,true]}" },
		{ "a: 1\n---\n# nothing\n---\nb: 2\n", "1 {\"a\":1}\n5 {\"b\":2}" },
		{ "", "" },
		{ "---\n", "" },
		{ "%YAML 1.1\n---\na: x\n...\n", "3 {\"a\":\"x\"}" },
		{ "\xef\xbb\xbf"
		  "a: x\n",
		  "1 {\"a\":\"x\"}" },
		{ "a: x\r\nb: z\r\n", "1 {\"a\":\"x\",\"b\":\"z\"}" },
		{ "a: |\n  one\n  two\n", "1 {\"a\":\"one\\ntwo\\n\"}" },
		{ "a: &x {b: 1}\nc: *x\n", "1 {\"a\":{\"b\":1},\"c\":{\"b\":1}}" },
		{ "a: &x {b: 1, d: 2}\nc: {<<: *x, b: 3}\n",
		  "1 {\"a\":{\"b\":1,\"d\":2},\"c\":{\"b\":3,\"d\":2}}" },
		{ "1: a\ntrue: b\nno: c\n", "1 {\"1\":\"a\",\"true\":\"b\",\"no\":\"c\"}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct buf out = { 0 };
		struct yaml_error e = { 0 };

		int err = yaml_parse(table[i].text, strlen(table[i].text), print_doc, &out, &e);
		if (err)
			fail_msg("%s: %u:%u %s", table[i].text, e.line, e.column, e.text);
		assert_string_equal(buf_str(&out), table[i].want);
		buf_fini(&out);
	}
}

static void plain_scalars_have_the_types_of_yaml_1_1(void **state)
{
	static const struct {
		const char *scalar, *want;
	} table[] = {
		{ "", "null" },
		{ "~", "null" },
		{ "Null", "null" },
		{ "true", "true" },
		{ "True", "true" },
		{ "yes", "true" },
		{ "on", "true" },
		{ "y", "true" },
		{ "NO", "false" },
		{ "off", "false" },
		{ "tRue", "\"tRue\"" },
		{ "yEs", "\"yEs\"" },
		{ "'yes'", "\"yes\"" },
		{ "\"1\"", "\"1\"" },
		{ "!!str 1", "\"1\"" },
		{ "! 1", "\"1\"" },
		{ "!!int 1", "1" },
		{ "!!float 1", "1" },
		{ "12", "12" },
		{ "-12", "-12" },
		{ "+12", "12" },
		{ "1_000", "1000" },
		{ "0x1F", "31" },
		{ "0o17", "15" },
		{ "017", "15" },
		{ "08", "8" },
		{ "0b101", "5" },
		{ "1.5", "1.5" },
		{ ".5", "0.5" },
		{ "1.", "1" },
		{ "1e3", "1000" },
		{ "1e", "\"1e\"" },
		{ "-", "[null]" },
		{ "0", "0" },
		{ "0x", "\"0x\"" },
		{ "1.2.3.4", "\"1.2.3.4\"" },
		{ "1m30s", "\"1m30s\"" },
		{ "2001-01-01", "\"2001-01-01\"" },
		{ "2026-08-01T00:00:00Z", "\"2026-08-01T00:00:00Z\"" },
		{ "100m", "\"100m\"" },
		{ "infinity", "\"infinity\"" },
		{ "nan", "\"nan\"" },
		{ "1e999", "\"1e999\"" },
		{ "_1", "\"_1\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct buf out = { 0 };
		struct yaml_error e = { 0 };
		char *text = mem_printf("a:\n  %s\n", table[i].scalar);
		char *want = mem_printf("1 {\"a\":%s}", table[i].want);

		int err = yaml_parse(text, strlen(text), print_doc, &out, &e);
		if (err)
			fail_msg("%s: %u:%u %s", table[i].scalar, e.line, e.column, e.text);
		assert_string_equal(buf_str(&out), want);
		free(text);
		free(want);
		buf_fini(&out);
	}
}

static void errors_name_line_and_cause(void **state)
{
	static const struct {
		const char *text;
		int err;
		unsigned line;
		const char *words, *before;
	} table[] = {
		{ "a: 1\nb: 2\na: 3\n", ERR_SYNTAX, 3, "key \"a\" is there twice", "" },
		{ "a: 1\n---\nb: [1,\n", ERR_SYNTAX, 4, "", "1 {\"a\":1}" },
		{ "a:\n\t- b\n", ERR_SYNTAX, 2, "", "" },
		{ "a: *x\n", ERR_SYNTAX, 1, "alias *x is not known", "" },
		{ "a: &x 1\n---\nb: *x\n", ERR_SYNTAX, 3, "alias *x is not known", "1 {\"a\":1}" },
		{ "a: !!binary aGk=\n", ERR_SYNTAX, 1, "tag binary does not fit here", "" },
		{ "a: !thing x\n", ERR_SYNTAX, 1, "tag !thing does not fit here", "" },
		{ "a: !!int x\n", ERR_SYNTAX, 1, "tag int does not fit here", "" },
		{ "a: .inf\n", ERR_SYNTAX, 1, ".inf has no JSON form", "" },
		{ "[1]: a\n", ERR_SYNTAX, 1, "a key must be a string", "" },
		{ "a: \"x\\0y\"\n", ERR_SYNTAX, 1, "a string holds a NUL character", "" },
		{ "a: {<<: 1}\n", ERR_SYNTAX, 1, "<< wants a mapping", "" },
		{ "a: x\nb: \xff\n", ERR_SYNTAX, 0, "invalid", "" },
		{ "{", ERR_SYNTAX, 2, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct buf out = { 0 };
		struct yaml_error e = { 0 };

		int err = yaml_parse(table[i].text, strlen(table[i].text), print_doc, &out, &e);
		assert_int_equal(err, table[i].err);
		if (table[i].line && e.line != table[i].line)
			fail_msg("%s: line %u, not %u", table[i].text, e.line, table[i].line);
		if (strstr(e.text, table[i].words) == NULL || e.text[0] == '\0')
			fail_msg("%s: %s", table[i].text, e.text);
		assert_string_equal(buf_str(&out), table[i].before);
		buf_fini(&out);
	}
}

static void depth_and_aliases_are_bounded(void **state)
{
	struct buf text = { 0 }, out = { 0 };
	struct yaml_error e = { 0 };

	(void)state;
	for (int i = 0; i < 101; i++)
		buf_putc(&text, '[');
	assert_int_equal(yaml_parse(buf_str(&text), text.len, print_doc, &out, &e), ERR_LIMIT);
	buf_reset(&text);
	buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++)
		buf_printf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i,
			   i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(yaml_parse(buf_str(&text), text.len, print_doc, &out, &e), ERR_LIMIT);
	assert_string_equal(e.text, "aliases expand to too much");
	buf_fini(&text);
	buf_fini(&out);
}

static void doubled_keys_are_found_in_large_mappings_too(void **state)
{
	(void)state;
	for (int at = 0; at < 60; at += 7) {
		struct buf text = { 0 }, out = { 0 };
		struct yaml_error e = { 0 };

		for (int i = 0; i < 60; i++)
			buf_printf(&text, "k%d: 1\n", i);
		assert_int_equal(yaml_parse(buf_str(&text), text.len, print_doc, &out, &e), 0);
		buf_printf(&text, "k%d: 1\n", at);
		assert_int_equal(yaml_parse(buf_str(&text), text.len, print_doc, &out, &e),
				 ERR_SYNTAX);
		assert_int_equal(e.line, 61);
		buf_fini(&text);
		buf_fini(&out);
	}
}

static void keep_doc(void *ctx, cJSON *doc, unsigned line)
{
	(void)line;
	*(cJSON **)ctx = doc;
}

static void items_know_their_lines(void **state)
{
	static const char text[] = "kind: Gslb\n"
				   "spec:\n"
				   "  n: 17\n"
				   "  yes: true\n"
				   "  list:\n"
				   "  - a\n"
				   "  - 2\n";
	cJSON *doc = NULL;
	struct yaml_error e;

	(void)state;
	assert_int_equal(yaml_parse(text, strlen(text), keep_doc, &doc, &e), 0);
	assert_int_equal(yaml_line(json_get(doc, "kind")), 1);
	assert_int_equal(yaml_line(json_get(doc, "spec.n")), 3);
	assert_int_equal(yaml_line(json_get(doc, "spec.yes")), 4);
	assert_int_equal(yaml_line(cJSON_GetArrayItem(json_get(doc, "spec.list"), 0)), 6);
	assert_int_equal(yaml_line(cJSON_GetArrayItem(json_get(doc, "spec.list"), 1)), 7);
	assert_int_equal(json_number(doc, "spec.n", 0), 17);
	cJSON *same = cJSON_Parse(
		"{\"kind\":\"Gslb\",\"spec\":{\"n\":17,\"yes\":true,\"list\":[\"a\",2]}}");
	assert_true(json_equal(doc, same)); /* lines are no difference */
	cJSON_Delete(same);
	cJSON_Delete(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_become_json),
		cmocka_unit_test(plain_scalars_have_the_types_of_yaml_1_1),
		cmocka_unit_test(errors_name_line_and_cause),
		cmocka_unit_test(depth_and_aliases_are_bounded),
		cmocka_unit_test(doubled_keys_are_found_in_large_mappings_too),
		cmocka_unit_test(items_know_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

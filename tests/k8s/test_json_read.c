/* json_read: the same trees as cJSON's, and only what is wanted. */
#include "k8s/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/slim.h"
#include "lib/buf.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

static void valid_json_reads_as_with_cjson(void **state)
{
	static const char *const table[] = {
		"null",
		" true ",
		"false\n",
		"0",
		"-1.5e3",
		"1E+2",
		"\"\"",
		"\"a\\n\\\"\\\\\\/\\u00e9\\ud83d\\ude00\"",
		"[]",
		"[ ]",
		"{}",
		"[1,[2,{\"a\":[]}],\"x\"]",
		"{\"a\":1,\"b\":{\"c\":null},\"a\\u0062\":2}",
		("{\"very long name that is not shared because it is longer than the limit of "
		 "sixty-four\":1}"),
		"123456789012345678901234567890123456789012345678901234567890123456789012345678901",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cJSON *have = NULL, *want = cJSON_Parse(table[i]);
		size_t at = 0;

		assert_non_null(want);
		assert_int_equal(json_read(table[i], strlen(table[i]), NULL, &have, &at), 0);
		char *a = json_print(have), *b = json_print(want);
		assert_string_equal(a, b);
		free(a);
		free(b);
		cJSON_Delete(have);
		cJSON_Delete(want);
	}
}

static void wrong_json_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		int err;
		size_t at;
	} table[] = {
		{ "", ERR_SYNTAX, 0 },
		{ "nul", ERR_SYNTAX, 0 },
		{ "{\"a\":1", ERR_SYNTAX, 6 },
		{ "[1,]", ERR_SYNTAX, 3 },
		{ "[1 2]", ERR_SYNTAX, 3 },
		{ "{\"a\" 1}", ERR_SYNTAX, 5 },
		{ "{a:1}", ERR_SYNTAX, 1 },
		{ "\"abc", ERR_SYNTAX, 4 },
		{ "\"a\\", ERR_SYNTAX, 3 },
		{ "01", ERR_SYNTAX, 1 },
		{ "1.", ERR_SYNTAX, 2 },
		{ "1e", ERR_SYNTAX, 2 },
		{ "-", ERR_SYNTAX, 1 },
		{ "1 x", ERR_SYNTAX, 2 },
		{ "\"\\ud800\"", ERR_SYNTAX, 8 },
		{ "\"\\udc00\"", ERR_SYNTAX, 8 },
		{ "\"\\u0000\"", ERR_SYNTAX, 8 },
		{ "\"\\x\"", ERR_SYNTAX, 4 },
		{ "\"a\nb\"", ERR_SYNTAX, 2 },
		{ "\"\\u12", ERR_SYNTAX, 5 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cJSON *item = NULL;
		size_t at = 99;
		/* exactly so many bytes, so that reading beyond them is seen */
		char *text = mem_dup(table[i].text, strlen(table[i].text) + 1);
		char *tight = mem_alloc(strlen(table[i].text) + 1);

		memcpy(tight, text, strlen(text));
		tight[strlen(text)] = '"';
		if (json_read(tight, strlen(text), NULL, &item, &at) != table[i].err)
			fail_msg("%s was taken", table[i].text);
		if (at != table[i].at)
			fail_msg("%s: at %zu", table[i].text, at);
		assert_null(item);
		free(text);
		free(tight);
	}
	struct buf deep = { 0 };
	cJSON *item = NULL;
	size_t at;
	for (int i = 0; i < 101; i++)
		buf_putc(&deep, '[');
	assert_int_equal(json_read(buf_str(&deep), deep.len, NULL, &item, &at), ERR_LIMIT);
	buf_fini(&deep);
}

static void only_what_is_wanted_is_built(void **state)
{
	static const struct json_keep inner[] = { { "b", 0 }, { 0, 0 } };
	static const struct json_keep keep[] = {
		{ "a", inner }, { "list", inner }, { "-no", 0 }, { "*", 0 }, { 0, 0 }
	};
	static const char text[] =
		"{\"a\":{\"b\":{\"c\":1},\"x\":[1,{\"y\":\"}\"}]},\"no\":{\"deep\":[[]]},"
		"\"list\":[{\"b\":1,\"c\":2},{\"d\":\"\\\"]\"}],\"other\":true}";
	cJSON *item = NULL;
	size_t at;

	(void)state;
	assert_int_equal(json_read(text, strlen(text), keep, &item, &at), 0);
	char *have = json_print(item);
	assert_string_equal(have,
			    "{\"a\":{\"b\":{\"c\":1}},\"list\":[{\"b\":1},{}],\"other\":true}");
	free(have);
	cJSON_Delete(item);
}

static void objects_lose_what_nobody_reads(void **state)
{
	static const char text[] = "{\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"a\","
				   "\"managedFields\":[1],\"labels\":{\"x\":\"y\"},"
				   "\"annotations\":{\"z\":\"1\"}},\"ports\":[1],\"endpoints\":[{"
				   "\"addresses\":[\"10.0.0.1\"],\"zone\":\"a\","
				   "\"nodeName\":\"n\",\"conditions\":{\"ready\":true},"
				   "\"targetRef\":{\"kind\":\"Pod\",\"uid\":\"1\"}}]}";
	cJSON *item = NULL;
	size_t at;

	(void)state;
	slim_set(SLIM_ALL);
	assert_int_equal(
		json_read(text, strlen(text), slim_object(KIND_ENDPOINT_SLICE), &item, &at), 0);
	char *have = json_print(item);
	assert_string_equal(
		have,
		"{\"kind\":\"EndpointSlice\",\"metadata\":{\"name\":\"a\",\"labels\":{\"x\":\"y\"},"
		"\"annotations\":{}},"
		"\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],\"conditions\":{\"ready\":true}}]}");
	free(have);
	cJSON_Delete(item);
	slim_set(SLIM_SOME);
	assert_int_equal(
		json_read(text, strlen(text), slim_object(KIND_ENDPOINT_SLICE), &item, &at), 0);
	have = json_print(item);
	assert_non_null(strstr(have, "\"targetRef\":{\"kind\":\"Pod\"}"));
	free(have);
	cJSON_Delete(item);
	slim_set(SLIM_ALL);
}

static void no_kind_loses_the_mark_that_ends_a_list(void **state)
{
	static const char text[] =
		"{\"metadata\":{\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}";
	size_t at;

	(void)state;
	for (int i = 0; i < KIND_COUNT; i++) {
		cJSON *item = NULL;

		assert_int_equal(
			json_read(text, strlen(text), slim_object((enum kind_id)i), &item, &at), 0);
		assert_non_null(json_member(json_get(item, "metadata.annotations"),
					    "k8s.io/initial-events-end"));
		cJSON_Delete(item);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_json_reads_as_with_cjson),
		cmocka_unit_test(wrong_json_is_refused_with_its_place),
		cmocka_unit_test(only_what_is_wanted_is_built),
		cmocka_unit_test(objects_lose_what_nobody_reads),
		cmocka_unit_test(no_kind_loses_the_mark_that_ends_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

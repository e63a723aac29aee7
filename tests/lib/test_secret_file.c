/* Files with secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/secret_file.h"

static char path[] = "/tmp/test_secret_file.XXXXXX";

static void put(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void a_secret_comes_without_blanks_at_its_ends(void **state)
{
	static const struct {
		const char *text, *secret;
	} rows[] = { { "token", "token" },
		     { " \n token\r\n\n", "token" },
		     { "two words\n", "two words" },
		     { "{\n \"a\": 1\n}\n", "{\n \"a\": 1\n}" },
		     { "", "" },
		     { " \n", "" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put(rows[i].text, strlen(rows[i].text));
		char *secret = secret_file_read(path);

		assert_non_null(secret);
		assert_string_equal(secret, rows[i].secret);
		secret_file_free(secret);
	}
}

static void a_long_secret_is_whole_and_an_endless_one_is_none(void **state)
{
	char *big = mem_calloc(1, 2 * 1024 * 1024);

	(void)state;
	memset(big, 'x', 2 * 1024 * 1024);
	put(big, 70000);
	char *secret = secret_file_read(path);
	assert_int_equal(strlen(secret), 70000);
	secret_file_free(secret);
	put(big, 2 * 1024 * 1024);
	assert_null(secret_file_read(path));
	free(big);
}

static void a_file_that_is_not_there_is_no_secret(void **state)
{
	(void)state;
	assert_null(secret_file_read("/nowhere/at/all"));
	assert_null(secret_file_read("/tmp")); /* a folder */
	assert_null(secret_file_read(""));
	assert_null(secret_file_read(NULL));
	secret_file_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_comes_without_blanks_at_its_ends),
		cmocka_unit_test(a_long_secret_is_whole_and_an_endless_one_is_none),
		cmocka_unit_test(a_file_that_is_not_there_is_no_secret),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	(void)close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return failed;
}

/* state: what is put is there after a sync, in order, and after a restart. */
#include "lib/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"

static char dir[64];
static struct loop *loop;
static struct state *state;
static int synced;

static void open_it(void)
{
	char *why = NULL;

	if (state_open(dir, loop, &state, &why))
		fail_msg("%s", why);
}

static void on_sync(void *ctx, int err)
{
	(void)ctx;
	synced = err ? err : 1;
}

static void sync_it(void)
{
	synced = 0;
	state_sync(state, on_sync, NULL);
	assert_int_equal(synced, 0); /* never at once */
	for (int i = 0; i < 100 && synced == 0; i++)
		loop_once(loop, 100);
	assert_int_equal(synced, 1);
}

static void put(const char *key, const char *value)
{
	state_put(state, "t", key, strlen(key), value, strlen(value));
}

static void expect(const char *key, const char *value)
{
	struct buf b = { 0 };

	assert_int_equal(state_get(state, "t", key, strlen(key), &b), value ? 0 : ERR_NOT_FOUND);
	if (value)
		assert_string_equal(buf_str(&b), value);
	buf_fini(&b);
}

static int setup(void **s)
{
	(void)s;
	strcpy(dir, "/tmp/test_state.XXXXXX");
	loop = loop_new();
	if (mkdtemp(dir) == NULL)
		return -1;
	open_it();
	return 0;
}

static int teardown(void **s)
{
	char *command = mem_printf("rm -rf '%s'", dir);

	(void)s;
	state_close(state);
	loop_free(loop);
	int rc = system(command); /* our own directory */
	free(command);
	return rc;
}

static void what_was_put_is_there_after_a_sync_and_a_restart(void **s)
{
	(void)s;
	expect("a", NULL);
	put("a", "1");
	put("b", "2");
	put("a", "3");
	sync_it();
	expect("a", "3");
	state_delete(state, "t", "b", 1);
	state_delete(state, "t", "never", 5);
	put("c", "");
	state_close(state); /* without a sync: it writes what is queued */
	open_it();
	expect("a", "3");
	expect("b", NULL);
	expect("c", "");
}

static bool gather(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
	struct buf *b = ctx;

	buf_add(b, key, key_len);
	buf_putc(b, '=');
	buf_add(b, value, len);
	buf_putc(b, ' ');
	return b->len < 12;
}

static void keys_come_in_order_by_prefix(void **s)
{
	struct buf b = { 0 };

	(void)s;
	put("x2", "b");
	put("x1", "a");
	put("y1", "c");
	put("w", "0");
	sync_it();
	state_each(state, "t", "x", 1, gather, &b);
	assert_string_equal(buf_str(&b), "x1=a x2=b ");
	buf_reset(&b);
	state_each(state, "t", NULL, 0, gather, &b);
	assert_string_equal(buf_str(&b), "w=0 x1=a x2=b "); /* had enough */
	buf_reset(&b);
	state_each(state, "none", NULL, 0, gather, &b);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void without_a_folder_nothing_is_kept(void **s)
{
	struct state *none = state;
	struct buf b = { 0 };
	char *why = NULL;

	(void)s;
	assert_int_equal(state_open("", loop, &none, &why), 0);
	assert_null(none);
	state_put(none, "t", "k", 1, "v", 1);
	assert_int_equal(state_get(none, "t", "k", 1, &b), ERR_NOT_FOUND);
	state_each(none, "t", NULL, 0, gather, &b);
	state_sync(none, on_sync, NULL);
	assert_int_equal(synced, ERR_UNSUPPORTED);
	assert_null(state_dir(none));
	state_close(none);
}

static void a_folder_that_cannot_be_is_told(void **s)
{
	struct state *none;
	char *why = NULL;

	(void)s;
	assert_int_equal(state_open("/proc/none/such", loop, &none, &why), ERR_IO);
	assert_non_null(strstr(why, "/proc/none/such"));
	free(why);
}

static void a_new_folder_is_private(void **s)
{
	char *sub = mem_printf("%s/new", dir);
	struct state *other;
	char *why = NULL;
	struct stat st;

	(void)s;
	assert_int_equal(state_open(sub, loop, &other, &why), 0);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	state_close(other);
	free(sub);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_put_is_there_after_a_sync_and_a_restart),
		TEST(keys_come_in_order_by_prefix),
		TEST(without_a_folder_nothing_is_kept),
		TEST(a_folder_that_cannot_be_is_told),
		TEST(a_new_folder_is_private),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* batch: pieces, halves, patience. */
#include "tests/sync/fake.h"

static int done_err;
static bool is_done;

static void done(void *ctx, int err, const char *err_text)
{
	(void)ctx;
	(void)err_text;
	done_err = err;
	is_done = true;
}

static struct change *make(struct endpoint_list *l, const char *const *lines, size_t n)
{
	struct change *c = mem_calloc(n, sizeof(*c));

	for (size_t i = 0; i < n; i++) {
		struct endpoint *e = words_endpoint(lines[i]);
		const char *owned = endpoint_label(e, "of");

		if (owned)
			endpoint_set_label(e, "ownedRecord", owned);
		endpoint_list_take(l, e);
		c[i] = (struct change){ .kind = CHANGE_CREATE, .after = e };
	}
	return c;
}

static void run(struct loop *loop, struct change *c, size_t n)
{
	is_done = false;
	fake_apply(&fake, c, n, done, NULL);
	WAIT_FOR(loop, is_done);
}

static struct loop *start(void)
{
	struct loop *loop = loop_new();
	struct provider_env env = { .loop = loop };
	struct provider *p = NULL;
	char *why = NULL;

	assert_int_equal(fake_open(&env, &p, &why), 0);
	return loop;
}

static void finish(struct loop *loop, struct endpoint_list *l, struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(c[i].err_text);
	free(c);
	endpoint_list_fini(l);
	fake_close(&fake);
	loop_free(loop);
}

static void calls_are_as_large_as_allowed_but_keep_names_together(void **state)
{
	static const char *const lines[] = { "_t.a TXT x label:ownedRecord=a.x", "a.x A 1.1.1.1",
					     "_t.b TXT x label:ownedRecord=b.x", "b.x A 1.1.1.1",
					     "_t.c TXT x label:ownedRecord=c.x", "c.x A 1.1.1.1" };
	struct endpoint_list l = { 0 };
	struct loop *loop = start();
	struct change *c = make(&l, lines, 6);

	(void)state;
	fake.max = 5;
	run(loop, c, 6);
	assert_int_equal(done_err, 0);
	assert_int_equal(fake.calls, 2); /* 4 + 2, not 5 + 1 */
	assert_int_equal(fake.changes, 6);
	assert_string_equal(fake.log.s[0], "+ _t.a TXT x");
	finish(loop, &l, c, 6);
}

static void a_name_larger_than_a_call_is_cut(void **state)
{
	static const char *const lines[] = { "a.x A 1.1.1.1", "a.x AAAA ::1", "a.x TXT x" };
	struct endpoint_list l = { 0 };
	struct loop *loop = start();
	struct change *c = make(&l, lines, 3);

	(void)state;
	fake.max = 2;
	run(loop, c, 3);
	assert_int_equal(done_err, 0);
	assert_int_equal(fake.calls, 2);
	finish(loop, &l, c, 3);
}

static void the_culprit_is_found_by_halves(void **state)
{
	struct endpoint_list l = { 0 };
	struct loop *loop = start();
	const char *lines[64];
	char *texts[64];

	(void)state;
	for (int i = 0; i < 64; i++)
		lines[i] = texts[i] = mem_printf("n%d.x A 1.1.1.%d", i, i);
	struct change *c = make(&l, lines, 64);
	fake.bad_target = "1.1.1.37";
	run(loop, c, 64);
	assert_int_equal(done_err, ERR_INVALID);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(c[i].err, i == 37 ? ERR_INVALID : 0);
		assert_int_equal(view_find(&fake.zone, l.e[i]->dns_name, "A", "") != NULL, i != 37);
		free(texts[i]);
	}
	assert_string_equal(c[37].err_text, "the fake says no");
	assert_true(fake.calls <= 13); /* 1 + 2 log2 64 */
	finish(loop, &l, c, 64);
}

static void a_rate_limit_is_waited_for(void **state)
{
	static const char *const lines[] = { "a.x A 1.1.1.1" };
	struct endpoint_list l = { 0 };
	struct loop *loop = start();
	struct change *c = make(&l, lines, 1);

	(void)state;
	fake.again = 2;
	run(loop, c, 1);
	assert_int_equal(done_err, 0);
	assert_int_equal(fake.calls, 3);
	finish(loop, &l, c, 1);
}

static void trouble_ends_the_whole_without_more_calls(void **state)
{
	static const char *const lines[] = { "a.x A 1.1.1.1", "b.x A 1.1.1.1", "c.x A 1.1.1.1" };
	struct endpoint_list l = { 0 };
	struct loop *loop = start();
	struct change *c = make(&l, lines, 3);

	(void)state;
	fake.max = 1;
	fake.write_err = ERR_NETWORK;
	run(loop, c, 3);
	assert_int_equal(done_err, ERR_NETWORK);
	assert_int_equal(fake.calls, 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(c[i].err, ERR_NETWORK);
	finish(loop, &l, c, 3);
}

static void a_bucket_gives_tokens_back_with_time(void **state)
{
	struct ratelimit r;

	(void)state;
	clock_fake(1000);
	ratelimit_init(&r, 2, 3);
	assert_int_equal(ratelimit_take(&r), 0);
	assert_int_equal(ratelimit_take(&r), 0);
	assert_int_equal(ratelimit_take(&r), 0);
	uint64_t wait = ratelimit_take(&r);
	assert_true(wait > 400 && wait <= 501);
	clock_advance(501);
	assert_int_equal(ratelimit_take(&r), 0);
	ratelimit_pause(&r, 5000);
	clock_advance(4000);
	assert_int_equal(ratelimit_take(&r), 1000);
	clock_advance(1000);
	assert_int_equal(ratelimit_take(&r), 0);
	ratelimit_init(&r, 0, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(ratelimit_take(&r), 0);
	clock_fake(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_as_large_as_allowed_but_keep_names_together),
		cmocka_unit_test(a_name_larger_than_a_call_is_cut),
		cmocka_unit_test(the_culprit_is_found_by_halves),
		cmocka_unit_test(a_rate_limit_is_waited_for),
		cmocka_unit_test(trouble_ends_the_whole_without_more_calls),
		cmocka_unit_test(a_bucket_gives_tokens_back_with_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

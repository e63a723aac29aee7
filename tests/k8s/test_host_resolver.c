/* host_resolver: what is known at once, what comes later, what stays when a name fails. */
#include "k8s/host_resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/loop.h"
#include "lib/strv.h"

struct heard {
	struct strv names;
};

static void on_known(void *ctx, const char *name)
{
	strv_add(&((struct heard *)ctx)->names, name);
}

static void wait_for(struct loop *loop, const struct heard *h, size_t n)
{
	uint64_t end = clock_mono_ms() + 10000;

	while (h->names.n < n && clock_mono_ms() < end)
		loop_once(loop, 50);
	assert_int_equal(h->names.n, n);
}

static void a_name_is_told_when_it_is_known(void **state)
{
	struct loop *loop = loop_new();
	struct heard h = { 0 };
	struct host_resolver *r = host_resolver_new(loop, 3600000, on_known, &h);
	struct strv v = { 0 };

	(void)state;
	host_resolver_get(r, "no such..name", &v); /* is never told */
	host_resolver_get(r, "localhost", &v);
	assert_int_equal(v.n, 0);
	wait_for(loop, &h, 1);
	assert_string_equal(h.names.s[0], "localhost");
	host_resolver_get(r, "localhost", &v);
	assert_true(v.n >= 1);
	assert_true(strv_has(&v, "127.0.0.1") || strv_has(&v, "::1"));
	for (size_t i = 1; i < v.n; i++) /* IPv4 before IPv6 */
		assert_false(strchr(v.s[i - 1], ':') && !strchr(v.s[i], ':'));
	size_t n = v.n;
	host_resolver_get(r, "no such..name", &v);
	assert_int_equal(v.n, n);
	host_resolver_free(r);
	strv_fini(&v);
	strv_fini(&h.names);
	loop_free(loop);
}

static void it_ends_with_questions_under_way(void **state)
{
	struct loop *loop = loop_new();
	struct heard h = { 0 };
	struct host_resolver *r = host_resolver_new(loop, 1000, on_known, &h);
	struct strv v = { 0 };

	(void)state;
	host_resolver_get(r, "localhost", &v);
	host_resolver_get(r, "no such..name", &v);
	host_resolver_free(r);
	host_resolver_free(NULL);
	loop_once(loop, 0);
	assert_int_equal(h.names.n, 0);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_told_when_it_is_known),
		cmocka_unit_test(it_ends_with_questions_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

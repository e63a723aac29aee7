/* resolve: numbers, names of the machine's own, names that are none, and who gives up waiting. */
#include "sync/resolve.h"

#include "tests/sync/rig.h"

struct heard {
	unsigned calls;
	size_t n;
	struct netaddr first;
	char *why;
};

static void on_addresses(void *ctx, const struct netaddr *a, size_t n, const char *why)
{
	struct heard *h = ctx;

	h->calls++;
	h->n = n;
	if (n)
		h->first = a[0];
	mem_strset(&h->why, why);
}

static void each_host_is_answered_once_and_later(void **state)
{
	static const struct {
		const char *host;
		uint8_t family; /* 0 = no address; else that of the first */
	} rows[] = {
		{ "192.0.2.7", 4 },
		{ "2001:db8::7", 6 },
		{ "no such..name", 0 },
	};
	struct loop *loop = loop_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct heard h = { 0 };
		struct resolve *r = resolve_host(loop, rows[i].host, 53, on_addresses, &h);

		assert_int_equal(h.calls, 0); /* never from within */
		WAIT_FOR(loop, h.calls);
		assert_int_equal(h.calls, 1);
		assert_int_equal(h.n, rows[i].family ? 1 : 0);
		if (rows[i].family) {
			assert_int_equal(h.first.family, rows[i].family);
			assert_int_equal(h.first.port, 53);
			assert_null(h.why);
		} else {
			assert_non_null(h.why);
		}
		resolve_free(r);
		free(h.why);
	}
	loop_free(loop);
}

static void a_name_of_the_machine_is_asked_in_a_thread(void **state)
{
	struct loop *loop = loop_new();
	struct heard h = { 0 };
	struct resolve *r = resolve_host(loop, "localhost", 8053, on_addresses, &h);

	(void)state;
	WAIT_FOR(loop, h.calls);
	assert_true(h.n >= 1);
	assert_int_equal(h.first.port, 8053);
	resolve_free(r);
	free(h.why);
	loop_free(loop);
}

static void nobody_is_told_after_he_left(void **state)
{
	struct loop *loop = loop_new();
	struct heard number = { 0 }, name = { 0 }, other = { 0 };

	(void)state;
	resolve_free(resolve_host(loop, "192.0.2.7", 53, on_addresses, &number));
	resolve_free(resolve_host(loop, "localhost", 53, on_addresses, &name));
	struct resolve *r = resolve_host(loop, "localhost", 53, on_addresses, &other);
	WAIT_FOR(loop, other.calls);
	assert_int_equal(number.calls, 0);
	assert_int_equal(name.calls, 0);
	resolve_free(r);
	resolve_free(NULL);
	free(other.why);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_host_is_answered_once_and_later),
		cmocka_unit_test(a_name_of_the_machine_is_asked_in_a_thread),
		cmocka_unit_test(nobody_is_told_after_he_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The life of a peer as a pure machine; and a fleet of such machines on bad networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gslb/peer_state.h"

#define GRACE 10000

static void a_single_loss_changes_nothing(void **state)
{
	struct peer_state s = { 0 };

	(void)state;
	assert_true(peer_state_heard(&s, 1000));
	assert_false(peer_state_missed(&s, 1200, GRACE, false));
	assert_int_equal(s.life, PEER_UP);
	assert_false(peer_state_heard(&s, 1400));
}

static void silence_is_believed_after_the_grace_only(void **state)
{
	struct peer_state s = { 0 };

	(void)state;
	(void)peer_state_heard(&s, 1000);
	(void)peer_state_missed(&s, 1200, GRACE, false);
	assert_true(peer_state_missed(&s, 1400, GRACE, false));
	assert_int_equal(s.life, PEER_SILENT);
	assert_true(peer_state_counts(&s));
	assert_false(peer_state_missed(&s, 10999, GRACE, false));
	assert_true(peer_state_missed(&s, 11000, GRACE, false));
	assert_int_equal(s.life, PEER_GONE);
	assert_false(peer_state_counts(&s));
	assert_true(peer_state_heard(&s, 20000));
	assert_int_equal(s.life, PEER_UP);
}

static void a_peer_that_others_hear_stays(void **state)
{
	struct peer_state s = { 0 };

	(void)state;
	(void)peer_state_heard(&s, 1000);
	for (uint64_t t = 1200; t < 100000; t += 200)
		(void)peer_state_missed(&s, t, GRACE, true);
	assert_int_equal(s.life, PEER_SILENT);
	/* nor is it dropped as soon as they cease to */
	assert_false(peer_state_missed(&s, 100000, GRACE, false));
	assert_true(peer_state_missed(&s, 99800 + GRACE, GRACE, false));
	assert_int_equal(s.life, PEER_GONE);
}

static void a_peer_never_heard_is_not_gone(void **state)
{
	struct peer_state s = { 0 };

	(void)state;
	for (uint64_t t = 0; t < 100000; t += 200)
		assert_false(peer_state_missed(&s, t, GRACE, false));
	assert_int_equal(s.life, PEER_NEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_loss_changes_nothing),
		cmocka_unit_test(silence_is_believed_after_the_grace_only),
		cmocka_unit_test(a_peer_that_others_hear_stays),
		cmocka_unit_test(a_peer_never_heard_is_not_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Fleets of clusters on bad networks, by the machine that peers run (peer_state):
 * every cluster polls every other; packets get lost, links are cut, clusters crash
 * and come back, and health turns.  100,000 random schedules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gslb/peer_state.h"

#define CLUSTERS  4
#define TICK_MS   300 /* a poll and its time-out */
#define GRACE_MS  10000
#define TICKS     160
#define SCHEDULES 100000

struct view {
	struct peer_state state;
	unsigned offer; /* what it said last */
	unsigned hears; /* whom it hears, as bits */
	bool is_known;
};

struct cluster {
	bool is_up;
	unsigned offer; /* its own truth */
	struct view of[CLUSTERS];
};

struct fleet {
	unsigned n;
	uint64_t now_ms;
	struct cluster c[CLUSTERS];
	bool cut[CLUSTERS][CLUSTERS];
	unsigned loss_percent;
};

static uint64_t seed = 88172645463325252ULL;

static unsigned dice(unsigned sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 33) % sides;
}

static unsigned hears(const struct fleet *f, unsigned i)
{
	unsigned bits = 0;

	for (unsigned j = 0; j < f->n; j++)
		if (j != i && f->c[i].of[j].state.life == PEER_UP)
			bits |= 1u << j;
	return bits;
}

static bool is_kept(const struct fleet *f, unsigned i, unsigned j)
{
	for (unsigned k = 0; k < f->n; k++)
		if (k != i && k != j && f->c[i].of[k].state.life == PEER_UP &&
		    (f->c[i].of[k].hears >> j & 1))
			return true;
	return false;
}

/* Cluster I polls J: both packets must get through. */
static void poll(struct fleet *f, unsigned i, unsigned j)
{
	struct view *v = &f->c[i].of[j];
	bool through = f->c[j].is_up && !f->cut[i][j] && dice(100) >= f->loss_percent &&
		       dice(100) >= f->loss_percent;

	if (through) {
		(void)peer_state_heard(&v->state, f->now_ms);
		v->offer = f->c[j].offer;
		v->hears = hears(f, j);
		v->is_known = true;
	} else {
		(void)peer_state_missed(&v->state, f->now_ms, GRACE_MS, is_kept(f, i, j));
	}
}

static void tick(struct fleet *f)
{
	f->now_ms += TICK_MS;
	for (unsigned i = 0; i < f->n; i++)
		for (unsigned j = 0; j < f->n && f->c[i].is_up; j++)
			if (i != j)
				poll(f, i, j);
}

static void crash(struct fleet *f, unsigned i)
{
	f->c[i].is_up = false;
	memset(f->c[i].of, 0, sizeof(f->c[i].of));
}

static void begin(struct fleet *f)
{
	memset(f, 0, sizeof(*f));
	f->n = 2 + dice(CLUSTERS - 1);
	f->now_ms = 1000000;
	for (unsigned i = 0; i < f->n; i++)
		f->c[i] = (struct cluster){ .is_up = true, .offer = dice(4) };
	for (unsigned t = 0; t < 3; t++)
		tick(f);
}

/* Does I's view of J count, and is it what J says? */
static bool is_true(const struct fleet *f, unsigned i, unsigned j)
{
	const struct view *v = &f->c[i].of[j];

	return v->state.life == PEER_UP && v->is_known && v->offer == f->c[j].offer;
}

static void heal(struct fleet *f)
{
	f->loss_percent = 0;
	memset(f->cut, 0, sizeof(f->cut));
	for (unsigned i = 0; i < f->n; i++)
		f->c[i].is_up = true;
	for (unsigned t = 0; t < 2; t++)
		tick(f);
}

/* --- properties ------------------------------------------------------------------------------ */

static void no_peer_is_dropped_by_loss_alone(void **state)
{
	struct fleet f;

	(void)state;
	for (unsigned s = 0; s < SCHEDULES / 4; s++) {
		begin(&f);
		f.loss_percent = 30;
		for (unsigned t = 0; t < TICKS; t++) {
			tick(&f);
			for (unsigned i = 0; i < f.n; i++)
				for (unsigned j = 0; j < f.n; j++)
					if (i != j && f.c[i].of[j].state.life == PEER_GONE)
						fail_msg("schedule %u, tick %u: %u dropped %u", s,
							 t, i, j);
		}
	}
}

static void a_single_loss_drops_nobody(void **state)
{
	struct fleet f;

	(void)state;
	for (unsigned s = 0; s < 1000; s++) {
		begin(&f);
		f.loss_percent = 100;
		tick(&f);
		for (unsigned i = 0; i < f.n; i++)
			for (unsigned j = 0; j < f.n; j++)
				assert_true(i == j || f.c[i].of[j].state.life == PEER_UP);
	}
}

static void random_events(struct fleet *f)
{
	for (unsigned t = 0; t < TICKS; t++) {
		unsigned i = dice(f->n), j = dice(f->n);

		switch (dice(24)) {
		case 0:
			f->cut[i][j] = f->cut[j][i] = !f->cut[i][j];
			break;
		case 1:
			f->cut[i][j] = !f->cut[i][j]; /* one way only */
			break;
		case 2:
			if (f->c[i].is_up)
				crash(f, i);
			else
				f->c[i].is_up = true;
			break;
		case 3:
			f->loss_percent = dice(90);
			break;
		case 4:
		case 5:
			f->c[i].offer = dice(4);
			break;
		default:
			break;
		}
		tick(f);
	}
}

static void answers_converge_when_the_network_heals(void **state)
{
	struct fleet f;

	(void)state;
	for (unsigned s = 0; s < SCHEDULES / 2; s++) {
		begin(&f);
		random_events(&f);
		heal(&f);
		for (unsigned i = 0; i < f.n; i++)
			for (unsigned j = 0; j < f.n; j++)
				if (i != j && !is_true(&f, i, j))
					fail_msg("schedule %u: %u does not know %u's truth", s, i,
						 j);
	}
}

static void a_cut_between_two_drops_nobody_whom_a_third_hears(void **state)
{
	struct fleet f;

	(void)state;
	for (unsigned s = 0; s < SCHEDULES / 8; s++) {
		begin(&f);
		if (f.n < 3)
			continue;
		f.loss_percent = dice(20);
		f.cut[0][1] = f.cut[1][0] = true;
		for (unsigned t = 0; t < TICKS; t++) {
			tick(&f);
			assert_true(peer_state_counts(&f.c[0].of[1].state));
			assert_true(peer_state_counts(&f.c[1].of[0].state));
		}
	}
}

static void a_dead_cluster_is_dropped_by_all_after_the_grace(void **state)
{
	const unsigned grace = GRACE_MS / TICK_MS;
	struct fleet f;

	(void)state;
	for (unsigned s = 0; s < SCHEDULES / 8; s++) {
		begin(&f);
		crash(&f, 0);
		for (unsigned t = 0; t < grace - 1; t++) {
			tick(&f);
			for (unsigned i = 1; i < f.n; i++)
				assert_true(peer_state_counts(&f.c[i].of[0].state));
		}
		for (unsigned t = 0; t < 5; t++)
			tick(&f);
		for (unsigned i = 1; i < f.n; i++)
			assert_int_equal(f.c[i].of[0].state.life, PEER_GONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_peer_is_dropped_by_loss_alone),
		cmocka_unit_test(a_single_loss_drops_nobody),
		cmocka_unit_test(answers_converge_when_the_network_heals),
		cmocka_unit_test(a_cut_between_two_drops_nobody_whom_a_third_hears),
		cmocka_unit_test(a_dead_cluster_is_dropped_by_all_after_the_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

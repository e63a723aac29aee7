/* diff and journal: differences lead from any kept serial to the present, also after a restart. */
#include "zonedb/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "lib/state.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

static char dir[64];
static struct loop *loop;
static struct zonedb *db;
static struct state *state;
static struct journal *journal;

static const uint8_t *wire(const char *text)
{
	static uint8_t names[4][DNAME_MAX];
	static unsigned next;
	uint8_t *n = names[next++ % 4];

	assert_int_equal(dname_from_text(text, n), 0);
	return n;
}

static void put(struct txn *t, const char *owner, uint16_t type, uint32_t ttl, const char *a,
		const char *b)
{
	const char *rdata[2] = { a, b };

	assert_int_equal(txn_put_text(t, wire("z.test"), owner, type, ttl, rdata, b ? 2 : 1), 0);
}

static void put_apex(struct txn *t, uint32_t serial)
{
	char soa[64];

	(void)snprintf(soa, sizeof(soa), "ns.z.test. h.z.test. %u 2 3 4 5", serial);
	assert_int_equal(txn_zone_add(t, wire("z.test")), 0);
	put(t, "z.test", RRTYPE_SOA, 60, soa, NULL);
	put(t, "z.test", RRTYPE_NS, 60, "ns.z.test.", NULL);
}

static void commit(struct txn *t)
{
	char *why = NULL;

	if (txn_commit(t, &why))
		fail_msg("%s", why);
}

static uint32_t serial(void)
{
	return zone_serial(zonedb_zone(zonedb_current(db), wire("z.test")));
}

static void begin_zone(uint32_t first)
{
	struct txn *t = txn_begin(db);

	put_apex(t, first);
	put(t, "a.z.test", RRTYPE_A, 60, "192.0.2.1", "192.0.2.2");
	commit(t);
}

static void record_text(const struct journal_record *r, struct buf *out)
{
	char name[DNAME_TEXT_MAX], type[16];

	buf_printf(out, "%s %u %s ", dname_to_text(r->owner, name), r->ttl,
		   rrtype_to_text(r->type, type));
	assert_int_equal(rdata_to_text(r->type, r->rdata, r->rdlen, out), 0);
}

/* "-record" and "+record" of all steps, a line each; NULL if there is no way. */
static char *steps(uint32_t from, uint32_t to)
{
	struct journal_diff **list;
	struct buf out = { 0 };
	size_t n;

	if (journal_steps(journal, wire("Z.test"), from, to, &list, &n))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		const struct journal_diff *d = list[i];
		unsigned count = 0;

		for (size_t pos = 0; pos < d->len; count++) {
			struct journal_record r;

			buf_putc(&out, pos < d->deleted_len ? '-' : '+');
			journal_next(d->bytes, &pos, &r);
			record_text(&r, &out);
			buf_putc(&out, '\n');
		}
		assert_int_equal(count, d->deleted + d->added);
		journal_diff_unref(list[i]);
	}
	free(list);
	return buf_take(&out);
}

static void expect_steps(uint32_t from, uint32_t to, const char *text)
{
	char *got = steps(from, to);

	if (text == NULL)
		assert_null(got);
	else
		assert_string_equal(got, text);
	free(got);
}

#define SOA(n) "z.test. 60 SOA ns.z.test. h.z.test. " #n " 2 3 4 5\n"

static void open_all(size_t max_bytes)
{
	char *why = NULL;

	db = zonedb_new();
	if (state_open(dir, loop, &state, &why))
		fail_msg("%s", why);
	journal = journal_new(db, state, max_bytes);
}

static void close_all(void)
{
	journal_free(journal);
	state_close(state);
	zonedb_free(db);
}

static int setup(void **s)
{
	(void)s;
	strcpy(dir, "/tmp/test_journal.XXXXXX");
	loop = loop_new();
	if (mkdtemp(dir) == NULL)
		return -1;
	open_all(0);
	return 0;
}

static int teardown(void **s)
{
	char *command = mem_printf("rm -rf '%s'", dir);

	(void)s;
	close_all();
	loop_free(loop);
	int rc = system(command); /* our own directory */
	free(command);
	return rc;
}

static void a_change_is_a_step_of_records(void **s)
{
	struct txn *t;

	(void)s;
	begin_zone(5);
	t = txn_begin(db);
	put(t, "a.z.test", RRTYPE_A, 60, "192.0.2.2", "192.0.2.3");
	commit(t);
	expect_steps(
		5, 6,
		"-" SOA(5) "-a.z.test. 60 A 192.0.2.1\n+" SOA(6) "+a.z.test. 60 A 192.0.2.3\n");
	t = txn_begin(db);
	assert_int_equal(txn_remove(t, wire("z.test"), wire("a.z.test"), 0), 0);
	commit(t);
	expect_steps(6, 7,
		     "-" SOA(6) "-a.z.test. 60 A 192.0.2.2\n-a.z.test. 60 A 192.0.2.3\n+" SOA(7));
	t = txn_begin(db);
	put(t, "z.test", RRTYPE_NS, 61, "ns.z.test.", NULL);
	commit(t);
	expect_steps(
		7, 8,
		"-" SOA(7) "-z.test. 60 NS ns.z.test.\n+" SOA(8) "+z.test. 61 NS ns.z.test.\n");
	expect_steps(
		6, 8,
		"-" SOA(6) "-a.z.test. 60 A 192.0.2.2\n-a.z.test. 60 A 192.0.2.3\n+" SOA(7) "-" SOA(
			7) "-z.test. 60 NS ns.z.test.\n+" SOA(8) "+z.test. 61 NS ns.z.test.\n");
	expect_steps(4, 8, NULL);
	expect_steps(8, 8, NULL);
	expect_steps(5, 9, NULL);
}

static void no_change_is_no_step(void **s)
{
	(void)s;
	begin_zone(5);
	begin_zone(5);
	assert_int_equal(serial(), 5);
	expect_steps(5, 6, NULL);
}

static void steps_and_serial_survive_a_restart(void **s)
{
	struct txn *t;

	(void)s;
	begin_zone(5);
	t = txn_begin(db);
	put(t, "b.z.test", RRTYPE_A, 60, "192.0.2.9", NULL);
	commit(t);
	close_all();
	open_all(0);
	/* the file says 5, but with the data of 6 */
	t = txn_begin(db);
	put_apex(t, 5);
	put(t, "b.z.test", RRTYPE_A, 60, "192.0.2.9", NULL);
	put(t, "a.z.test", RRTYPE_A, 60, "192.0.2.1", "192.0.2.2");
	commit(t);
	assert_int_equal(serial(), 6);
	expect_steps(5, 6, "-" SOA(5) "+" SOA(6) "+b.z.test. 60 A 192.0.2.9\n");
	t = txn_begin(db);
	put(t, "b.z.test", RRTYPE_A, 60, "192.0.2.8", NULL);
	commit(t);
	expect_steps(
		5, 7,
		"-" SOA(5) "+" SOA(6) "+b.z.test. 60 A 192.0.2.9\n-" SOA(
			6) "-b.z.test. 60 A 192.0.2.9\n+" SOA(7) "+b.z.test. 60 A 192.0.2.8\n");
	close_all();
	open_all(0);
	/* other data than those of 7: a newer serial, and no way by steps */
	begin_zone(5);
	assert_int_equal(serial(), 8);
	expect_steps(6, 7, NULL);
	expect_steps(7, 8, NULL);
}

/* gslb takes the time as serial for what it makes: SOA 0 and "at least now". */
static void a_zone_with_time_as_serial_keeps_it_over_a_restart(void **s)
{
	static const struct {
		const char *address;
		uint32_t now, want;
	} rows[] = {
		{ "192.0.2.1", 1800000000, 1800000000 },
		{ "192.0.2.1", 1800000500, 1800000000 }, /* the same data */
		{ "192.0.2.2", 1800000900, 1800000900 },
		{ "192.0.2.3", 1800000100, 1800000901 }, /* the clock went back */
		{ "192.0.2.4", 3000000000, 3000000000 }, /* after 2038 */
		{ "192.0.2.4", 3000000007, 3000000000 },
	};
	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct txn *t = txn_begin(db);

		put_apex(t, 0);
		put(t, "a.z.test", RRTYPE_A, 60, rows[i].address, NULL);
		txn_serial_least(t, wire("z.test"), rows[i].now);
		commit(t);
		assert_int_equal(serial(), rows[i].want);
		close_all();
		open_all(0);
	}
}

static void the_oldest_steps_go_at_the_limit(void **s)
{
	(void)s;
	close_all();
	open_all(3000);
	begin_zone(1);
	for (int i = 0; i < 100; i++) {
		struct txn *t = txn_begin(db);
		char text[32];

		(void)snprintf(text, sizeof(text), "192.0.2.%d", i);
		put(t, "n.z.test", RRTYPE_A, 60, text, NULL);
		commit(t);
	}
	assert_int_equal(serial(), 101);
	expect_steps(1, 101, NULL);
	char *text = steps(99, 101);
	assert_non_null(text);
	free(text);
	close_all();
	open_all(3000);
	struct txn *t = txn_begin(db);
	put_apex(t, 1);
	put(t, "a.z.test", RRTYPE_A, 60, "192.0.2.1", "192.0.2.2");
	put(t, "n.z.test", RRTYPE_A, 60, "192.0.2.99", NULL);
	commit(t);
	assert_int_equal(serial(), 101);
	text = steps(99, 101);
	assert_non_null(text);
	free(text);
	expect_steps(1, 101, NULL);
}

static void a_zone_that_comes_back_gets_a_newer_serial(void **s)
{
	struct txn *t;

	(void)s;
	close_all();
	db = zonedb_new();
	state = NULL;
	journal = journal_new(db, NULL, 0); /* without a state dir as well */
	begin_zone(5);
	t = txn_begin(db);
	assert_int_equal(txn_zone_drop(t, wire("z.test")), 0);
	commit(t);
	begin_zone(5);
	assert_int_equal(serial(), 6);
}

/* Random changes: the steps applied to the old data give the new data. */
static void add_all(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	struct map *m = ctx;
	const uint8_t *rdata;
	size_t pos = 0;
	uint16_t len;

	while (rrset_next(r, &pos, &rdata, &len)) {
		struct journal_record rec = { owner, rdata, r->type, len, r->variants[0].ttl };
		struct buf b = { 0 };

		record_text(&rec, &b);
		map_put(m, buf_str(&b), m);
		buf_fini(&b);
	}
}

static bool add_rrset(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	add_all(ctx, owner, r);
	return true;
}

static void content(struct map *m)
{
	zone_each(zonedb_zone(zonedb_current(db), wire("z.test")), add_rrset, m);
}

static void random_change(struct txn *t)
{
	char owner[32], a[32], b[32];
	unsigned n = (unsigned)rand() % 300;

	(void)snprintf(owner, sizeof(owner), n % 3 ? "n%u.z.test" : "x.n%u.z.test", n);
	(void)snprintf(a, sizeof(a), "192.0.2.%d", rand() % 8);
	(void)snprintf(b, sizeof(b), "198.51.100.%d", rand() % 8);
	if (rand() % 3 == 0)
		assert_int_equal(txn_remove(t, wire("z.test"), wire(owner), 0), 0);
	else
		put(t, owner, RRTYPE_A, 60 + (uint32_t)rand() % 2, a, rand() % 2 ? b : NULL);
}

static void the_steps_applied_to_the_old_zone_give_the_new_one(void **s)
{
	struct map old = { 0 }, new = { 0 };
	struct journal_diff **list;
	size_t n;

	(void)s;
	srand(7);
	begin_zone(1);
	for (int round = 0; round < 20; round++) {
		struct txn *t = txn_begin(db);

		for (int i = 0; i < 40; i++)
			random_change(t);
		commit(t);
		if (round == 4)
			content(&old);
		uint32_t now = serial();
		if (round < 5)
			continue;
		assert_int_equal(journal_steps(journal, wire("z.test"), now - 1, now, &list, &n),
				 0);
		for (size_t pos = 0; pos < list[0]->len;) {
			bool is_deleted = pos < list[0]->deleted_len;
			struct journal_record r;
			struct buf b = { 0 };

			journal_next(list[0]->bytes, &pos, &r);
			record_text(&r, &b);
			if (is_deleted)
				assert_non_null(map_remove(&old, buf_str(&b)));
			else
				assert_null(map_put(&old, buf_str(&b), &old));
			buf_fini(&b);
		}
		journal_diff_unref(list[0]);
		free(list);
	}
	content(&new);
	assert_int_equal(old.n, new.n);
	for (struct map_item *i = map_first(&new); i; i = map_next(&new, i))
		assert_non_null(map_get(&old, i->key));
	map_fini(&old, NULL);
	map_fini(&new, NULL);
}

static int begin(void **s)
{
	(void)s;
	rcu_register_thread();
	return 0;
}

static int end(void **s)
{
	(void)s;
	rcu_unregister_thread();
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_change_is_a_step_of_records),
		TEST(no_change_is_no_step),
		TEST(steps_and_serial_survive_a_restart),
		TEST(a_zone_with_time_as_serial_keeps_it_over_a_restart),
		TEST(the_oldest_steps_go_at_the_limit),
		TEST(a_zone_that_comes_back_gets_a_newer_serial),
		TEST(the_steps_applied_to_the_old_zone_give_the_new_one),
	};
	return cmocka_run_group_tests(tests, begin, end);
}

/* Readers beside a writer: each sees one version whole.  Worth its time under ThreadSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "lib/rrtype.h"
#include "zonedb/lookup.h"
#include "zonedb/txn.h"
#include "zonedb/version.h"

#define NAMES   300
#define COMMITS 400

static struct zonedb *db;
static uint8_t origin[DNAME_MAX];
static atomic_bool stop;
static atomic_uint broken, looked;

static void put(struct txn *t, const char *owner, const uint8_t *address)
{
	uint8_t name[DNAME_MAX];
	struct rdata rd = { address, 4 };

	(void)dname_from_text(owner, name);
	assert_int_equal(txn_put_rrset(t, origin, name, RRTYPE_A, 30, &rd, 1), 0);
}

/* Every name has the same address in one version. */
static void put_all(struct txn *t, unsigned n)
{
	const uint8_t address[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	for (unsigned i = 0; i < NAMES; i++) {
		char owner[64];

		snprintf(owner, sizeof(owner), "h%u.%c.z.test", i, 'a' + i % 20);
		put(t, owner, address);
	}
}

static const uint8_t *address_of(const struct zonedb_version *v, unsigned i)
{
	struct qname q;
	uint8_t name[DNAME_MAX];
	char owner[64];
	const struct node *n;

	snprintf(owner, sizeof(owner), "h%u.%c.Z.test", i, 'a' + i % 20);
	(void)dname_from_text(owner, name);
	qname_set(&q, name);
	const struct zone *z = version_find(v, &q, q.labels);
	if (z == NULL || lookup_name(z, &q, &n) != LOOKUP_NODE)
		return NULL;
	const struct rrset *r = node_rrset(n, RRTYPE_A);
	return r ? rrset_rrs(r, 0) + RR_FIXED : NULL;
}

static void look(const struct zonedb_version *v, unsigned seed)
{
	const uint8_t *a = address_of(v, seed % NAMES);
	const uint8_t *b = address_of(v, seed / 7 % NAMES);

	if (a == NULL || b == NULL || memcmp(a, b, 4) != 0)
		atomic_fetch_add(&broken, 1);
	atomic_fetch_add(&looked, 1);
}

static void *read_current(void *ctx)
{
	unsigned seed = *(unsigned *)ctx;

	rcu_register_thread();
	while (!atomic_load(&stop)) {
		for (unsigned i = 0; i < 8; i++)
			look(zonedb_current(db), seed = seed * 1103515245 + 12345);
		VERSION_READER_DONE();
		rcu_quiescent_state();
	}
	rcu_unregister_thread();
	return NULL;
}

static void *read_references(void *ctx)
{
	unsigned seed = *(unsigned *)ctx;

	while (!atomic_load(&stop)) {
		const struct zonedb_version *v = zonedb_ref(db);

		for (unsigned i = 0; i < 50; i++)
			look(v, seed = seed * 1103515245 + 12345);
		zonedb_unref(v);
	}
	return NULL;
}

static void every_reader_sees_one_version(void **state)
{
	static const char *const soa[] = { "a. b. 1 2 3 4 5" };
	static const char *const ns[] = { "ns.z.test." };
	unsigned seeds[3] = { 1, 77, 4711 };
	pthread_t threads[3];

	(void)state;
	db = zonedb_new();
	(void)dname_from_text("z.test", origin);
	struct txn *t = txn_begin(db);
	(void)txn_zone_add(t, origin);
	(void)txn_put_text(t, origin, "z.test", RRTYPE_SOA, 30, soa, 1);
	(void)txn_put_text(t, origin, "z.test", RRTYPE_NS, 30, ns, 1);
	put_all(t, 0);
	assert_int_equal(txn_commit(t, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i == 2 ? read_references : read_current, &seeds[i]),
				 0);
	for (unsigned n = 1; n <= COMMITS; n++) {
		const uint8_t other[4] = { 192, 0, 2, (uint8_t)n };
		char owner[64];

		t = txn_begin(db);
		put_all(t, n);
		snprintf(owner, sizeof(owner), "new%u.b.c.z.test", n);
		put(t, owner, other);
		snprintf(owner, sizeof(owner), "\3new%u", n);
		if (n % 5 == 0) { /* reload */
			assert_int_equal(txn_zone_clear(t, origin), 0);
			(void)txn_put_text(t, origin, "z.test", RRTYPE_SOA, 30, soa, 1);
			(void)txn_put_text(t, origin, "z.test", RRTYPE_NS, 30, ns, 1);
			put_all(t, n);
		}
		if (n % 7 == 0)
			txn_abort(t);
		else
			assert_int_equal(txn_commit(t, NULL), 0);
	}
	while (atomic_load(&looked) < 1000)
		sched_yield();
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&broken), 0);
	zonedb_free(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reader_sees_one_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

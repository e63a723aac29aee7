/*
 * commits - how long the zone database takes: N names put at once, then single
 * changes, each committed by itself.  usage: commits [NAMES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/rrtype.h"
#include "zonedb/txn.h"
#include "zonedb/zonedb.h"

#define CHANGES 20000

static uint8_t origin[DNAME_MAX];

static void put(struct txn *t, unsigned i, unsigned value)
{
	const uint8_t address[2][4] = { { 10, (uint8_t)(value >> 16), (uint8_t)(value >> 8),
					  (uint8_t)value },
					{ 192, 0, 2, (uint8_t)i } };
	const struct rdata rd[] = { { address[0], 4 }, { address[1], 4 } };
	uint8_t name[DNAME_MAX];
	char text[64];

	snprintf(text, sizeof(text), "svc%07u.prod.gslb.bench.test", i);
	if (dname_from_text(text, name) || txn_put_rrset(t, origin, name, RRTYPE_A, 30, rd, 2))
		abort();
}

static long rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long size;
	long rss = 0;

	if (f == NULL || fscanf(f, "%ld %ld", &size, &rss) != 2)
		abort();
	fclose(f);
	return rss * 4;
}

int main(int argc, char **argv)
{
	static const char *const soa[] = { "ns1.bench.test. admin.bench.test. 1 2 3 4 5" };
	static const char *const ns[] = { "ns1.bench.test." };
	unsigned names = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	struct zonedb *db = zonedb_new();
	long before = rss_kib();

	(void)dname_from_text("prod.gslb.bench.test", origin);
	uint64_t t0 = clock_mono_ns();
	struct txn *t = txn_begin(db);
	(void)txn_zone_add(t, origin);
	(void)txn_put_text(t, origin, "prod.gslb.bench.test", RRTYPE_SOA, 30, soa, 1);
	(void)txn_put_text(t, origin, "prod.gslb.bench.test", RRTYPE_NS, 30, ns, 1);
	for (unsigned i = 0; i < names; i++)
		put(t, i, i);
	if (txn_commit(t, NULL))
		abort();
	uint64_t t1 = clock_mono_ns();
	printf("%u names: loaded in %.1f ms, %ld octets of memory a name\n", names,
	       (double)(t1 - t0) / 1e6, (rss_kib() - before) * 1024 / (long)names);
	uint64_t worst = 0;
	uint64_t last = clock_mono_ns();
	t0 = last;
	for (unsigned i = 0; i < CHANGES; i++) {
		t = txn_begin(db);
		put(t, (unsigned)((uint64_t)i * 7919 % names), i + 1000000);
		if (txn_commit(t, NULL))
			abort();
		uint64_t now = clock_mono_ns();
		if (now - last > worst)
			worst = now - last;
		last = now;
	}
	printf("one change: %.2f us on average, %.0f us at worst\n",
	       (double)(last - t0) / 1e3 / CHANGES, (double)worst / 1e3);
	rcu_barrier();
	zonedb_free(db);
	return 0;
}

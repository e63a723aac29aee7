/*
 * bench_sync - 100,000 records in one zone against a stateful fake: time of a
 * full plan, cost of one changed object.  Prints; judges nothing.
 */
#include <stdio.h>
#include <time.h>

#include "lib/clock.h"
#include "tests/sync/fake.h"
#include "tests/sync/rig.h"

/* CPU time: other programs on the machine do not count. */
static double cpu_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* cannot fail */
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void bench(void **state)
{
	const char *count = getenv("RECORDS");
	int n = count ? atoi(count) : 100000;
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("mass-delete-share=100"));
	strv_add(&fake.zones, "example.org");
	for (int i = 0; i < n; i++) {
		char *object = mem_printf("ingress/default/host%06d", i);
		char *line = mem_printf("host%06d.example.org A 10.%d.%d.%d ttl=60 resource=%s", i,
					i >> 16, i >> 8 & 255, i & 255, object);

		want(&r, object, line);
		free(object);
		free(line);
	}
	uint64_t t0 = clock_mono_ms();
	instance_gate(r.i, true, true);
	instance_start(r.i);
	while (!r.first_done)
		loop_once(r.loop, 10);
	printf("first pass of %d records from nothing: %llu ms, %u calls, %u changes\n", n,
	       (unsigned long long)(clock_mono_ms() - t0), fake.calls, fake.changes);
	for (int round = 0; round < 3; round++) {
		cJSON *out = cJSON_CreateArray();

		double cpu = cpu_ms();
		instance_preview(r.i, out);
		printf("full plan at rest: %.1f ms of CPU, %d changes\n", cpu_ms() - cpu,
		       cJSON_GetArraySize(out));
		cJSON_Delete(out);
	}
	unsigned reads = fake.reads, calls = fake.calls;
	t0 = clock_mono_ns();
	want(&r, "ingress/default/host000007",
	     "host000007.example.org A 192.0.2.1 ttl=60 resource=ingress/default/host000007");
	while (fake.calls == calls)
		loop_once(r.loop, 10);
	printf("one changed object: %.1f ms with the time for gathering, %u reads, %u calls\n",
	       (double)(clock_mono_ns() - t0) / 1e6, fake.reads - reads, fake.calls - calls);
	while (!is_idle(&r))
		loop_once(r.loop, 10);
	instance_verify(r.i);
	t0 = clock_mono_ns();
	while (fake.reads == reads || !is_idle(&r))
		loop_once(r.loop, 10);
	printf("verifying pass: %.1f ms, %u calls\n", (double)(clock_mono_ns() - t0) / 1e6,
	       fake.calls - calls - 1);
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(bench) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

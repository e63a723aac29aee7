/*
 * bench - what gslb costs: loading many hosts, one change among them, and two
 * clusters that hear one another.  Prints times; no test.
 *
 *	bench [HOSTS]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/status.h"
#include "tests/gslb/world.h"

#define ZONES "dns-zones=example.com:cloud.example.com:30"

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put_hosts(struct cluster *c, int n, const char *net)
{
	for (int i = 0; i < n; i++) {
		char *name = mem_printf("h%d", i), *host = mem_printf("h%d.cloud.example.com", i);
		char *ip = mem_printf("%s.%d.%d", net, i / 250, i % 250 + 1);

		gslb_put(c->g, decl_new(name, host, "roundRobin", ip, 1));
		free(name);
		free(host);
		free(ip);
	}
}

static void until(struct cluster *c, const char *name, const char *want)
{
	while (strcmp(ask(c, name, "A"), want) != 0)
		loop_once(c->loop, 5);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10000;
	struct loop *loop = loop_new();
	struct cluster *eu = cluster_listen(loop), *us = cluster_listen(loop);
	char *us_peer = mem_printf("peer=us=%s", cluster_address(us));
	char *eu_peer = mem_printf("peer=eu=%s", cluster_address(eu));
	char *last = mem_printf("h%d.cloud.example.com", n - 1);
	char *eu_ip = mem_printf("10.%d.%d.%d", 1, (n - 1) / 250, (n - 1) % 250 + 1);
	char *us_ip = mem_printf("10.%d.%d.%d", 2, (n - 1) / 250, (n - 1) % 250 + 1);
	char *both = mem_printf("%s %s", eu_ip, us_ip);
	double t, c0;

	log_setup(LOG_LEVEL_ERROR, 0);
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, us_peer, NULL });
	t = (double)clock_mono_ns();
	c0 = cpu_s();
	put_hosts(eu, n, "10.1");
	printf("put: %.3f s\n", ((double)clock_mono_ns() - t) * 1e-9);
	gslb_synced(eu->g, "gslb", true);
	until(eu, last, eu_ip);
	printf("load %d hosts, peer absent: %.3f s, CPU %.3f s\n", n,
	       ((double)clock_mono_ns() - t) * 1e-9, cpu_s() - c0);

	cluster_open(us, (const char *const[]){ "cluster-geo-tag=us", ZONES, eu_peer, NULL });
	t = (double)clock_mono_ns();
	put_hosts(us, n, "10.2");
	gslb_synced(us->g, "gslb", true);
	until(us, last, both);
	until(eu, last, both);
	printf("both hear of all: %.3f s\n", ((double)clock_mono_ns() - t) * 1e-9);

	for (int i = 0; i < 5; i++) {
		char *want = i % 2 ? both : us_ip;

		t = (double)clock_mono_ns();
		char *name = mem_printf("h%d", n - 1);
		gslb_put(eu->g, decl_new(name, last, "roundRobin", eu_ip, i % 2));
		free(name);
		until(eu, last, want);
		double own = ((double)clock_mono_ns() - t) * 1e-6;
		until(us, last, want);
		printf("one flip: own cluster %.2f ms, the other %.2f ms\n", own,
		       ((double)clock_mono_ns() - t) * 1e-6);
	}
	c0 = cpu_s();
	t = (double)clock_mono_ns();
	while ((double)clock_mono_ns() - t < 5e9)
		loop_once(loop, 100);
	printf("idle: %.2f %% of a core for both\n", (cpu_s() - c0) / 5 * 100);
	cluster_close(eu);
	cluster_close(us);
	loop_free(loop);
	status_clear();
	free(us_peer);
	free(eu_peer);
	free(last);
	free(eu_ip);
	free(us_ip);
	free(both);
	return 0;
}

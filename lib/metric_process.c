/*
 * metric_process - the process_* metrics that every Prometheus client has,
 * read from /proc/self at each scrape.  Control thread.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/metric.h"

static double started_s;

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!d)
		return 0;
	while (readdir(d)) // NOLINT(concurrency-mt-unsafe): own stream
		n++;
	closedir(d);
	return n < 3 ? 0 : n - 3; /* ".", ".." and the stream itself */
}

/* Pages of virtual and resident memory: the first two fields of statm. */
static void set_memory(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long vsize = 0, rss = 0;
	double page = (double)sysconf(_SC_PAGESIZE);

	if (!f)
		return;
	if (fscanf(f, "%lu %lu", &vsize, &rss) == 2) { // NOLINT(cert-err34-c): the kernel wrote it
		metric_set(METRIC_PROCESS_VSIZE, (double)vsize * page);
		metric_set(METRIC_PROCESS_RSS, (double)rss * page);
	}
	fclose(f);
}

static void set_threads(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "Threads:", strlen("Threads:")))
			metric_set(METRIC_PROCESS_THREADS,
				   (double)strtoul(line + strlen("Threads:"), NULL, 10));
	fclose(f);
}

static void collect(void *ctx)
{
	struct rusage u;
	struct rlimit r;

	(void)ctx;
	if (!getrusage(RUSAGE_SELF, &u))
		metric_set(METRIC_PROCESS_CPU, seconds(u.ru_utime) + seconds(u.ru_stime));
	if (!getrlimit(RLIMIT_NOFILE, &r))
		metric_set(METRIC_PROCESS_MAX_FDS, (double)r.rlim_cur);
	metric_set(METRIC_PROCESS_OPEN_FDS, open_fds());
	metric_set(METRIC_PROCESS_START_TIME, started_s);
	set_memory();
	set_threads();
}

void metric_process_start(void)
{
	started_s = (double)clock_real_ms() / 1000;
	metric_collector(collect, NULL);
}

#include "server/metrics.h"

#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"
#include "server/worker.h"

/* Counters are sums of uint64_t alone, so a struct is an array of them. */
#define COUNTERS (sizeof(struct server_stats) / sizeof(uint64_t))

static struct server *shown; /* the running server; there is one a process, but in tests */

static void add_up(const struct server *s, struct server_stats *sum)
{
	uint64_t *to = (uint64_t *)(void *)sum;

	for (size_t i = 0; i < COUNTERS; i++)
		to[i] = stats_get((const uint64_t *)(const void *)s->control_stats + i);
	for (unsigned w = 0; w < s->nworkers; w++)
		for (size_t i = 0; i < COUNTERS; i++)
			to[i] +=
				stats_get((const uint64_t *)(const void *)&s->workers[w].stats + i);
}

static void show_transport(const struct server_stats *sum, enum stats_transport t, const char *name)
{
	char text[12];

	metric_set(METRIC_QUERIES_TOTAL, (double)sum->queries[t], name);
	metric_set(METRIC_RECEIVED_BYTES_TOTAL, (double)sum->received[t], name);
	metric_set(METRIC_SENT_BYTES_TOTAL, (double)sum->sent[t], name);
	for (unsigned i = 0; i < ARRAY_SIZE(sum->rcodes[t]); i++)
		if (sum->rcodes[t][i])
			metric_set(METRIC_RESPONSES_TOTAL, (double)sum->rcodes[t][i], name,
				   rcode_to_text(i, text));
}

static void show(void *ctx)
{
	static const char *const kinds[STATS_KINDS] = { "answer",   "nodata",  "nxdomain",
							"referral", "refused", "error" };
	static const char *const drops[STATS_DROPS] = { "malformed", "port-zero", "send", "limit" };
	static const char *const cookies[STATS_COOKIES] = { "client", "valid", "invalid" };
	struct server_stats sum;
	char text[12];

	(void)ctx;
	if (shown == NULL)
		return;
	add_up(shown, &sum);
	show_transport(&sum, STATS_UDP, "udp");
	show_transport(&sum, STATS_TCP, "tcp");
	for (unsigned i = 0; i < STATS_KINDS; i++)
		metric_set(METRIC_ANSWERS_TOTAL, (double)sum.kinds[i], kinds[i]);
	for (unsigned i = 0; i < STATS_DROPS; i++)
		metric_set(METRIC_DROPPED_TOTAL, (double)sum.drops[i], drops[i]);
	for (unsigned i = 0; i < STATS_COOKIES; i++)
		metric_set(METRIC_COOKIES_TOTAL, (double)sum.cookies[i], cookies[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(sum.types); i++)
		if (sum.types[i])
			metric_set(METRIC_QUERY_TYPES_TOTAL, (double)sum.types[i],
				   i ? rrtype_to_text((uint16_t)i, text) : "other");
	metric_set(METRIC_TRUNCATED_TOTAL, (double)sum.truncated);
	metric_set(METRIC_RATE_LIMITED_TOTAL, (double)sum.slipped, "truncated");
	metric_set(METRIC_RATE_LIMITED_TOTAL, (double)sum.limited, "dropped");
	metric_set(METRIC_EDNS_QUERIES_TOTAL, (double)sum.edns);
	metric_set(METRIC_ECS_QUERIES_TOTAL, (double)sum.ecs);
	metric_set(METRIC_TCP_CONNECTIONS, (double)sum.tcp_open);
	metric_set(METRIC_TCP_CONNECTIONS_TOTAL, (double)sum.tcp_accepted);
	metric_set(METRIC_TCP_REFUSED_TOTAL, (double)sum.tcp_refused);
	metric_set(METRIC_WORKERS, (double)shown->nworkers);
}

void metrics_start(struct server *s)
{
	static bool registered;

	shown = s;
	if (!registered)
		metric_collector(show, NULL);
	registered = true;
}

void metrics_stop(struct server *s)
{
	if (shown == s)
		shown = NULL;
}

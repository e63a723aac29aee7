/*
 * metric - counters, gauges and histograms of metrics.def, in Prometheus text.
 * Control thread for metric_*; workers count in their own struct and the server
 * room adds them by a collector.
 */
#pragma once

#include <stdint.h>

#include "lib/buf.h"

enum metric {
#define METRIC(id, name, type, labels, help) METRIC_##id,
#include "lib/metrics.def"
#undef METRIC
	METRIC_COUNT,
};

/*
 * LABELS: values in the order of the row's label names, e.g. metric_add(M, 1, "eu", "failed").
 * Their number must be the row's (asserted); the octet 0x1f must not be in them.
 */
#define metric_add(m, by, ...) \
	metric_add_((m), (by), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define metric_set(m, to, ...) \
	metric_set_((m), (to), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define metric_observe(m, v, ...) \
	metric_observe_((m), (v), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
void metric_add_(enum metric m, double by, const char *const *labels);
void metric_set_(enum metric m, double to, const char *const *labels);
void metric_observe_(enum metric m, double value, const char *const *labels);
/* Remove the series with these labels (object deleted). */
#define metric_drop(m, ...) \
	metric_drop_((m), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
void metric_drop_(enum metric m, const char *const *labels);
/* Remove all series of a metric, e.g. before its gauges are set anew. */
void metric_clear(enum metric m);
/* Forget all series and collectors (tests, stop). */
void metric_reset(void);
#define metric_get(m, ...) \
	metric_get_((m), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
double metric_get_(enum metric m, const char *const *labels);
/* Called before each scrape, e.g. to add up the workers' shards with metric_set. */
void metric_collector(void (*cb)(void *ctx), void *ctx);
/* Register the collector of the process_* metrics. */
void metric_process_start(void);
/* Prometheus text format 0.0.4. */
void metric_print(struct buf *out);
/* Name of a metric, for tests and documents. */
const char *metric_name(enum metric m);
/* How many labels it has. */
unsigned metric_labels(enum metric m);

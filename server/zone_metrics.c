/*
 * zone_metrics - numbers about the zones in memory; see zone_metrics.h.
 */
#include "server/zone_metrics.h"

#include <stddef.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/metric.h"
#include "zonedb/zonedb.h"

static struct zonedb *shown;

/* The zone's name as label: "example.com", the root is ".". */
static const char *label(const struct zone *z, char *text)
{
	size_t len;

	dname_to_text(zone_origin(z), text);
	len = strlen(text);
	if (len > 1)
		text[len - 1] = '\0';
	return text;
}

static void on_commit(void *ctx, const struct zone *before, const struct zone *after)
{
	char text[DNAME_TEXT_MAX];

	(void)ctx;
	metric_add(METRIC_ZONE_CHANGES_TOTAL, 1);
	if (before && !after) {
		metric_drop(METRIC_ZONE_SERIAL, label(before, text));
		metric_drop(METRIC_ZONE_RRSETS, label(before, text));
	}
}

struct sums {
	size_t zones, rrsets;
};

static void count(void *ctx, const struct zone *z)
{
	struct sums *s = ctx;
	char text[DNAME_TEXT_MAX];

	s->zones++;
	s->rrsets += zone_count(z);
	label(z, text);
	metric_set(METRIC_ZONE_SERIAL, zone_serial(z), text);
	metric_set(METRIC_ZONE_RRSETS, (double)zone_count(z), text);
}

static void collect(void *ctx)
{
	struct sums s = { 0 };

	(void)ctx;
	if (!shown)
		return;
	zonedb_each(zonedb_current(shown), count, &s);
	metric_set(METRIC_ZONES, (double)s.zones);
	metric_set(METRIC_RRSETS, (double)s.rrsets);
}

void zone_metrics_start(struct zonedb *db)
{
	shown = db;
	zonedb_on_commit(db, on_commit, NULL);
	metric_collector(collect, NULL);
}

void zone_metrics_stop(void)
{
	shown = NULL;
}

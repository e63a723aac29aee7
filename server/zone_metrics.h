/*
 * zone_metrics - numbers about the zones in memory: which there are, their serials and
 * sizes, and how often the data changed.  Control thread.
 */
#pragma once

struct zonedb;

/* Right after zonedb_new, before zones come.  DB is borrowed until zone_metrics_stop. */
void zone_metrics_start(struct zonedb *db);
void zone_metrics_stop(void); /* before zonedb_free */

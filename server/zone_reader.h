/*
 * zone_reader - one huge master file after another is read on a thread of its own,
 * while the control loop goes on; what it changes comes back to the loop.
 * Control thread.  For static_zones.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/strv.h"

struct loop;
struct zone;
struct zone_reader;
struct zonedb;
struct zonefile_changes;
struct zonefile_sums;

/* What a reading found; all the callback's, which frees it.  err != 0: changes is NULL. */
struct zone_reading {
	int err;
	char *why;
	struct strv files;
	struct zonefile_changes *changes;
};
typedef void (*zone_reader_cb)(void *ctx, void *item, struct zone_reading *reading);

struct zone_reader *zone_reader_new(struct loop *l, struct zonedb *db, zone_reader_cb cb,
				    void *ctx);
/* Waits for the reading under way; its result is dropped without a call. */
void zone_reader_free(struct zone_reader *r); /* NULL is fine */
bool zone_reader_is_busy(const struct zone_reader *r);
/*
 * Begin: compare PATH (copied) with OLD (borrowed until the callback) for the published zone
 * ORIGIN.  ITEM comes back with the result.  ERR_AGAIN if one is under way, ERR_NOT_FOUND without
 * such a zone, ERR_IO without a thread.
 */
int zone_reader_start(struct zone_reader *r, void *item, const char *path, const uint8_t *origin,
		      const struct zonefile_sums *old);

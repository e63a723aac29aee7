/*
 * static_zones - zones from master files (--zone=ORIGIN=FILE): loads them, loads
 * a file again when it or one that it includes is replaced or written, and shows
 * every zone of the database as the status section "zones" and the commands
 * "dump" and "reload".
 *
 * A broken file changes nothing: the last good data stay, the error with file and
 * line is logged, shown and counted.  What others put into the zone (updates,
 * --provider=zonedb) stays over a reload, but for RRsets that the file changed.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct loop;
struct static_zones;
struct zonedb;

/*
 * Load all files.  A file that cannot be loaded is no error here: readiness
 * ("zones") waits for it.  ERR_SYNTAX, ERR_EXISTS with *ret_why (caller frees): the option.
 */
int static_zones_new(struct loop *loop, struct zonedb *db, const struct config *config,
		     struct static_zones **ret, char **ret_why);
void static_zones_free(struct static_zones *s); /* NULL is fine */
/* Load every file again (SIGHUP). */
void static_zones_reload(struct static_zones *s);
/*
 * What the file of ORIGIN says of an RRset, as a number that changes with it; 0: no
 * such zone here, or nothing.
 */
uint64_t static_zones_sum(const struct static_zones *s, const uint8_t *origin, const uint8_t *owner,
			  uint16_t type);
bool static_zones_has(const struct static_zones *s, const uint8_t *origin);

/*
 * overlay - what dynamic updates (RFC 2136) made of the zones, RRset by RRset, kept in
 * the state dir and put over the zone's data whenever the zone comes back.
 *
 *	file or gslb says:  www A 1	update: www A 2		overlay: (www, A) = 2, over 1
 *	restart: file says 1 -> 2 is put; file says 3 now -> 3 stays, the overlay's is dropped
 *
 * An RRset that somebody else changed since is theirs again.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overlay;
struct rrset;
struct state;
struct zonedb;

/* Reads the state dir, and listens to the database from now on. */
struct overlay *overlay_new(struct zonedb *db, struct state *state);
/* Before the database is freed no commit may follow. */
void overlay_free(struct overlay *o);
/* Between these two, commits are an update's own. */
void overlay_begin(struct overlay *o);
void overlay_end(struct overlay *o);
/*
 * An update changed (OWNER, TYPE) of the zone from BEFORE to AFTER (NULL: not there): keep it.
 * Before state_sync.
 */
void overlay_set(struct overlay *o, const uint8_t *origin, const uint8_t *owner, uint16_t type,
		 const struct rrset *before, const struct rrset *after);
/* Was this RRset made by an update? */
bool overlay_has(const struct overlay *o, const uint8_t *origin, const uint8_t *owner,
		 uint16_t type);
/* RRsets kept, of all zones. */
size_t overlay_count(const struct overlay *o);

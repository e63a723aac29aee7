/*
 * catalog - the list of all zones as a zone (RFC 9432 version 2), so that
 * secondaries follow by themselves: --catalog=ZONE.  It changes when a zone comes or
 * goes, once for many.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct catalog;
struct loop;
struct zonedb;

/* origin: wire.  Puts the zone at once and follows the database's commits. */
struct catalog *catalog_new(struct loop *loop, struct zonedb *db, const uint8_t *origin);
/* Before the database is freed no commit may follow. */
void catalog_free(struct catalog *c);
/* The member name ("<unique>.zones.<catalog>") of a zone; OUT holds DNAME_MAX. */
void catalog_member(const uint8_t *origin, const uint8_t *zone, uint8_t *out);

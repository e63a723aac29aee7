/*
 * place - classifiers of clients by where they ask from: by a field of the GeoIP
 * database, by maps of networks, AS numbers, countries and continents, and by
 * distance.  Made on the control thread, run by workers (gslb/choose.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gslb/choose.h"
#include "gslb/geo.h"

struct netmap;

/* Clients whose FIELD has VALUE are of class CLASS. */
struct place_row {
	size_t field;
	char *value;
	unsigned class;
};
/*
 * Fields in order: the first that the client has and that a row equals decides; none: class 0.
 * References GEO; copies FIELDS; takes ROWS (allocated) and its strings.  Rows are in the order of
 * their fields.
 */
struct classifier *place_by_field(const struct geo *geo, const struct strv *fields,
				  struct place_row *rows, size_t n);

#define PLACE_NOBODY ((unsigned)-1) /* sites of which nobody is live */

/*
 * Clients whose most particular set of sites with somebody live is mask I are of class CLASSES[I]
 * (copied; PLACE_NOBODY: go on to the less particular).  Sets, but nobody live in any: class NONE;
 * no set at all: class 0.
 */
struct classifier *place_by_map(const struct netmap *map, const struct geo *geo,
				const unsigned *classes, unsigned none);
/* A site by its coordinates. */
struct place_site {
	double latitude, longitude;
	unsigned class; /* PLACE_NOBODY: nobody is live there */
};
/*
 * The nearest site with somebody live.  FENCE: the nearest of all, and class NONE when nobody is
 * live there.  Clients of unknown place: class 0.
 */
struct classifier *place_by_distance(const struct geo *geo, const struct place_site *sites,
				     size_t n, bool fence, unsigned none);

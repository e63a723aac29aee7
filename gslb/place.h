/*
 * place - classifiers of clients by where they ask from: by a field of the GeoIP
 * database, by maps of networks, AS numbers, countries and continents, and by
 * distance.  Made on the control thread, run by workers (gslb/choose.h).
 */
#pragma once

#include <stddef.h>

#include "gslb/choose.h"
#include "gslb/geo.h"

struct policy_site;

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

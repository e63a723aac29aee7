/*
 * zones - which load-balanced zones are in force (gslb/zones.c).  Control thread.
 */
#pragma once

#include <stddef.h>

#include "gslb/inside.h"

/* Zones that left in a pass: still to be taken out of the database, then freed. */
struct zones_dropped {
	struct lbzone **z;
	size_t n;
};

/* Bring g->zones up to date if a declaration changed. */
void zones_apply(struct gslb *g, struct zones_dropped *dropped);
void zones_dropped_fini(struct zones_dropped *d);

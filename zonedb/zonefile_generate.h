/*
 * zonefile_generate - BIND's $GENERATE: a range and two templates make records.
 * For zonefile.c.
 *
 *	$GENERATE 1-3 host$ A 192.0.2.${10,0,d}		host1 A 192.0.2.11 …
 */
#pragma once

#include "zonedb/zonefile_scan.h"

/*
 * REST: what follows $GENERATE: START-STOP[/STEP] LHS [TTL] [CLASS] TYPE RHS.  CB gets the owner
 * and the rest of each record; not 0 stops and is returned.  ERR_SYNTAX, ERR_RANGE with *ret_why
 * (static).
 */
int zonefile_generate(struct piece rest, int (*cb)(void *ctx, struct piece lhs, struct piece rest),
		      void *ctx, const char **ret_why);

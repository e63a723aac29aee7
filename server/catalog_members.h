/*
 * catalog_members - read a catalog zone (RFC 9432 version 2).  For secondary.c.
 * Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/dname.h"

struct zone;

struct catalog_one {
	uint8_t zone[DNAME_MAX]; /* lower case */
	char *unique;            /* its label below "zones" */
};

struct catalog_members {
	struct catalog_one *list; /* sorted by zone, each once */
	size_t n;
};

/*
 * ERR_SYNTAX with *ret_why (caller frees) if the catalog is broken as a whole: no or
 * another version, a member named twice (RFC 9432 4.3, 5.1): nothing may be changed then.
 */
int catalog_members_read(const struct zone *z, struct catalog_members *ret, char **ret_why);
void catalog_members_fini(struct catalog_members *m);
/* The label of ZONE, or NULL if it is no member. */
const char *catalog_members_unique(const struct catalog_members *m, const uint8_t *zone);

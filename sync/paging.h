/*
 * paging - a guard for services that answer in pages: a page that was there
 * before means a loop, and too many mean that there is no end.  Either way the
 * reading fails: half a zone must never pass for a whole one.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "lib/map.h"

#define PAGING_TEXT "its pages have no end"

struct paging {
	struct map seen;
};

/* May the page called TOKEN be asked for?  False: it was asked for since the last paging_reset. */
bool paging_may_go(struct paging *p, const char *token);
void paging_reset(struct paging *p);

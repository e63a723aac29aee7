/* site - who offers addresses for a host (gslb/site.c).  Control thread. */
#pragma once

#include <stddef.h>

#include "gslb/inside.h"

/* This cluster, first of the decision; sets h->local. */
void site_add_own(struct host *h);
void site_add_peer(struct host *h, size_t peer);

/*
 * explain - why a name is answered so, for the page, the API and gslbctl: sections
 * hosts, peers, history; commands explain, history.  Control thread.
 */
#pragma once

struct gslb;
struct host;

/* Register the sections and commands with lib/status. */
void explain_register(struct gslb *g);
/* The host that decides about NAME: itself, or the wildcard above it; NULL. */
struct host *explain_find(const struct gslb *g, const char *name);

/* edge - the name servers of the parent zones (gslb/edge.c). */
#pragma once

struct gslb;

/* Fill g->edge from the options; names are asked of the system's resolver, once. */
void edge_read(struct gslb *g);

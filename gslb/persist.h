/*
 * persist - what gslb knows, kept over a restart (--state-dir): declarations,
 * zones, what peers offered, drains of gslbctl, history.  At start it is put back
 * as it was and answered at once, marked stale until the sources are synced; what
 * they do not bring again is then dropped.  Control thread.
 */
#pragma once

struct gslb;
struct gslb_decl;
struct host;
struct link;
struct zone_decl;

/* Put back what is on the disk.  Before gslb_start. */
void persist_load(struct gslb *g);
/* The sources are synced: forget what nobody declared again. */
void persist_synced(struct gslb *g);

void persist_decl(struct gslb *g, const struct gslb_decl *d);
void persist_decl_gone(struct gslb *g, const char *id);
void persist_zone(struct gslb *g, const struct zone_decl *z);
void persist_zone_gone(struct gslb *g, const char *id);
/* What peer number PEER offers for H. */
void persist_offer(struct gslb *g, const struct host *h, unsigned long peer);
/* JSON NULL: gone. */
void persist_drain(struct gslb *g, const char *id, const char *json);

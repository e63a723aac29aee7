/*
 * gslb - the decision: from declarations, health and peers to answers.
 * Every cause ends in "host is dirty"; gslb_resolve is the only function that
 * decides and publish the only writer of load-balanced zones.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/gslb_decl.h"

struct loop;
struct config;
struct zonedb;
struct dns_client;
struct http_client;
struct state;
struct endpoint;
struct gslb;

struct gslb_env {
	struct loop *loop;
	const struct config *config;
	struct zonedb *zonedb;
	struct dns_client *dns;
	struct http_client *http;
	struct state *state; /* NULL: nothing is kept over a restart */
	void *ctx;           /* for the callbacks */
	/* Delegation (NS, addresses) and other records for the providers; SOURCE is "gslb", OBJECT
	 * names the zone. */
	void (*on_export)(void *ctx, const char *object, struct endpoint *const *endpoints,
			  size_t n);
	/* All that there is to export has been given: what was not is gone.  Called once; may be
	 * NULL. */
	void (*on_exported)(void *ctx);
	/* An object's status as it is now; borrowed.  Called only when it changed. */
	void (*on_resolved)(void *ctx, const char *decl_id, const struct gslb_status *status);
	/* For events: failover, failback, conflict. */
	void (*on_event)(void *ctx, const char *decl_id, bool warning, const char *reason,
			 const char *message);
	/* ZoneDelegation status: "NAME ADDRESS" pairs; and that its withdrawal is done (finalizer
	 * may go). */
	void (*on_zone_status)(void *ctx, const char *zone_id, const struct strv *dns_servers,
			       bool finalized);
};

/* 0, or ERR_INVALID with *ret_why (caller frees): geo tags, zones, names too long. */
int gslb_new(const struct gslb_env *env, struct gslb **ret, char **ret_why);
void gslb_free(struct gslb *g);
void gslb_start(struct gslb *g);
void gslb_put(struct gslb *g, struct gslb_decl *d); /* takes */
void gslb_remove(struct gslb *g, const char *id);
void gslb_zone_put(struct gslb *g, struct zone_decl *z); /* takes */
void gslb_zone_remove(struct gslb *g, const char *id);
void gslb_policy(struct gslb *g, const char *kind, const char *id, const char *spec_json);
/*
 * A NOTIFY for ZONE (wire, any client) came.  True: it is a peer's state zone, which is asked now
 * (answer NOERROR); false: not ours to know.
 */
bool gslb_notified(struct gslb *g, const uint8_t *zone);
/* All declarations of SOURCE were seen: hosts of before may now be dropped. */
void gslb_synced(struct gslb *g, const char *source, bool synced);

/*
 * update - dynamic updates (RFC 2136): prerequisites, prescan, and the changes as
 * one transaction, by the rules of --allow-update.  The answer goes out when the
 * change is in the state dir.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct acl;
struct overlay;
struct request;
struct state;
struct update;
struct zonedb;

enum update_zone {
	UPDATE_ZONE_FREE,   /* from a file: any name may be changed */
	UPDATE_ZONE_SHARED, /* made by gslbd: only names that nothing but updates made */
	UPDATE_ZONE_CLOSED, /* secondary, catalog: none */
};

/* kind: what a zone that is served allows.  All borrowed. */
struct update *update_new(struct zonedb *db, struct overlay *overlay, struct state *state,
			  const struct acl *allow,
			  enum update_zone (*kind)(void *ctx, const uint8_t *origin), void *ctx);
/* Requests that wait for the disk are answered no more. */
void update_free(struct update *u);
/* Takes R, whose opcode is UPDATE. */
void update_serve(struct update *u, struct request *r);

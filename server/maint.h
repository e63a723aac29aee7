/*
 * maint - zone maintenance: the door for what workers do not answer themselves
 * (transfers, NOTIFY, UPDATE, signed queries), and all that stands behind it.
 *
 *	handoff ─► request (TSIG) ─► AXFR, IXFR ─► xfr ◄─ journal
 *				   ► NOTIFY    ─► secondary ─► zonedb
 *				   ► UPDATE    ─► update ─► zonedb, overlay
 *				   ► the rest  ─► handoff_answer, signed
 *	zonedb commits ─► journal, notify, catalog
 *
 * main: state_open, zonedb_new, dns_client_new, server_new, maint_new, then whatever fills
 * the database (static_zones_new, gslb …), then server_start.  Ends in the reverse order.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct dns_client;
struct loop;
struct maint;
struct server;
struct state;
struct zonedb;

/*
 * Reads its options (--tsig-key …) and begins.  All borrowed; state may be NULL, server too
 * (tests). ERR_SYNTAX, ERR_NOT_FOUND, ERR_IO, ERR_EXISTS … with *ret_why (caller frees): wrong
 * usage.
 */
int maint_new(struct loop *loop, struct zonedb *db, struct dns_client *dns, struct server *server,
	      struct state *state, const struct config *config, struct maint **ret, char **ret_why);
/*
 * CB is asked first about every NOTIFY (ZONE in wire form): true, it was told, and the answer is
 * NOERROR.  It may only take the word as a hint to ask for itself (RFC 1996 4.7).
 */
void maint_on_notify(struct maint *m, bool (*cb)(void *ctx, const uint8_t *zone), void *ctx);
/* Look at all primaries now (SIGHUP). */
void maint_refresh(struct maint *m);
/* Before server_free's workers end it may answer on; call after server_stop. */
void maint_free(struct maint *m); /* NULL is fine */

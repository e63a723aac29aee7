/*
 * secondary - zones that we transfer from primaries (--primary), and the members
 * of catalog zones (--catalog-zone, RFC 9432): SOA refresh, retry and expire of RFC 1034
 * 4.3.5, NOTIFY (RFC 1996), AXFR and IXFR with limits.  The last good data are kept in the
 * state dir and served at once after a restart.
 *
 *	NOTIFY, timer ─► SOA query ─newer─► IXFR or AXFR ─whole and checked─► one commit
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct dns_client;
struct loop;
struct netaddr;
struct remotes;
struct secondaries;
struct state;
struct tsig_key;
struct zonedb;

/* What they work with; all borrowed for their life. */
struct secondaries_env {
	struct loop *loop;
	struct zonedb *db;
	struct dns_client *dns;
	struct state *state; /* NULL: nothing is kept over a restart */
	const struct remotes *primaries, *catalogs;
	size_t max_bytes; /* of a zone's records; larger ones are refused */
	/* Does the zone come from elsewhere? */
	bool (*is_taken)(void *ctx, const uint8_t *origin);
	void *ctx;
};

/* ERR_EXISTS with *ret_why (caller frees): is_taken says so of a zone that is named. */
int secondaries_new(const struct secondaries_env *env, struct secondaries **ret, char **ret_why);
/* Writes what is not written yet. */
void secondaries_free(struct secondaries *s);
bool secondaries_has(const struct secondaries *s, const uint8_t *origin);
/* Is this client, with this key, a primary of ORIGIN? */
bool secondaries_is_primary(const struct secondaries *s, const uint8_t *origin,
			    const struct netaddr *client, const struct tsig_key *key);
/* A NOTIFY came: look soon.  serial: what it said, if has_serial. */
void secondaries_notified(struct secondaries *s, const uint8_t *origin, bool has_serial,
			  uint32_t serial);
/* Look at all now (SIGHUP, command). */
void secondaries_refresh(struct secondaries *s);
void secondaries_status(const struct secondaries *s, struct cJSON *out);

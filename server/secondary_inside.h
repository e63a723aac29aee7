/*
 * secondary_inside - what the files of secondary zones share: secondary (the set of zones and the
 * members of catalogs), secondary_round (asking the primaries), secondary_data (what we have and
 * how long it holds).  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/backoff.h"
#include "lib/dname.h"
#include "lib/map.h"
#include "server/received.h"

struct dns_client;
struct dns_request;
struct loop;
struct loop_timer;
struct remote;
struct state;
struct zone;
struct zonedb;

enum {
	SECONDARY_RECORDS_MAX = 20000000,
};

enum doing { DOING_NOTHING, DOING_WAIT, DOING_SOA, DOING_TRANSFER };

struct secondary {
	struct secondaries *s;
	uint8_t origin[DNAME_MAX];
	char *name;
	struct remote *remotes; /* owned list; keys borrowed */
	size_t nremotes, server, tried;
	bool is_catalog;
	const struct secondary *catalog; /* that it is a member of, or NULL */
	char *unique;                    /* its label there */

	enum doing doing;
	bool again;     /* a NOTIFY came meanwhile */
	bool want_full; /* the differences did not fit: AXFR */
	struct secondary *next_waiting;
	struct dns_request *request;
	struct received received;
	struct loop_timer *timer; /* refresh, or retry */
	struct loop_timer *expiry;
	struct loop_timer *saving;
	struct backoff first; /* while there are no data */
	int64_t confirmed_s;  /* real time; 0 = never */
	bool is_dirty;        /* not written yet */
	bool is_expired;
	char *error; /* of the last round; NULL = good */
};

struct secondaries {
	struct loop *loop;
	struct zonedb *db;
	struct dns_client *dns;
	struct state *state;
	size_t max_bytes;
	bool (*is_taken)(void *ctx, const uint8_t *origin);
	void *ctx;
	struct map zones; /* name to struct secondary */
	size_t running;
	struct secondary *waiting, **waiting_end;
};
/* secondary_data.c: the published zone, or NULL. */
const struct zone *secondary_data(const struct secondary *z);
/* RDATA of its SOA. */
const uint8_t *secondary_data_soa(const struct zone *zone, uint16_t *ret_len);
/* REFRESH, RETRY or EXPIRE (1, 2, 3) of our SOA, in seconds and in reason. */
uint32_t secondary_data_time(const struct secondary *z, unsigned which);
/* Are we ready: is each zone there that was named? */
void secondary_data_set_ready(struct secondaries *s);
/* Write Z's data to the state folder if they are newer (a loop_cb). */
void secondary_data_save(void *z);
void secondary_data_forget(struct secondary *z);
/* SERVFAIL from now on; or not ours any more. */
void secondary_data_hold(struct secondary *z);
void secondary_data_drop(struct secondary *z);
void secondary_data_expired(void *z); /* a loop_cb */
/* The primary said that we are current, or made us so. */
void secondary_data_confirmed(struct secondary *z);
/* What was received becomes the zone, or nothing changes and *ret_why says why. */
int secondary_data_publish(struct secondary *z, char **ret_why);
/* Serve what was kept, if it is not expired meanwhile. */
void secondary_data_restore(struct secondary *z);

/* secondary_round.c: ask the primaries now, or when there is room. */
void secondary_round_begin(struct secondary *z);
void secondary_round_due(void *z); /* a loop_cb */

/* secondary.c: the zones that the catalog Z lists come and go. */
void secondary_update_members(struct secondary *catalog);

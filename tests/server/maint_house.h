/*
 * maint_house - a server with zone maintenance on a loopback port, for tests: the
 * database, the workers, a client on the same loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct dns_reply;
struct txn;

struct maint_house {
	struct loop *loop;
	struct zonedb *db;
	struct dns_client *dns;
	struct server *server;
	struct state *state;
	struct config *config;
	struct maint *maint;
	struct netaddr addr;
	char dir[64]; /* state dir and files; removed at the end */
};

/* options: "name=value", NULL-ended.  with_state: in dir/state. */
void maint_house_start(struct maint_house *h, const char *const *options, bool with_state);
/* What maint_new says of these options on a running house; what was made is freed. */
int maint_house_try(struct maint_house *h, const char *const *options);
/* Stop all but the folder: a restart is stop and start. */
void maint_house_stop(struct maint_house *h);
void maint_house_remove(struct maint_house *h);
/* Put a zone: SOA of SERIAL, NS, ns A; then COUNT names hN A. */
void maint_house_zone(struct maint_house *h, const char *zone, uint32_t serial, unsigned count);
/* Wire of a name, one of a few static places. */
const uint8_t *maint_house_name(const char *text);
/* Put or (rdata NULL) remove one RRset; ZONE's serial rises. */
void maint_house_put(struct maint_house *h, const char *zone, const char *owner, uint16_t type,
		     const char *rdata);
/* Serial of a zone, 0 if it is not there. */
uint32_t maint_house_serial(const struct maint_house *h, const char *zone);
/* Run the loop until *flag, at most some seconds: false then. */
bool maint_house_wait(struct maint_house *h, const bool *flag);

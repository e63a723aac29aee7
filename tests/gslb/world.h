/*
 * world - clusters on one loop for the tests of gslb: each has its own zone
 * database, gslb and name server on loopback (the real answer path over fake_dns),
 * so that peers hear one another by real packets.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gslb/gslb.h"
#include "lib/buf.h"
#include "lib/gslb_decl.h"
#include "lib/loop.h"
#include "lib/netaddr.h"

struct cluster {
	struct loop *loop;
	struct config *config;
	struct zonedb *db;
	struct dns_client *dns;
	struct gslb *g;
	struct state *state; /* set before cluster_open; borrowed */
	struct fake_dns *server;
	struct answerer *answerer;
	struct server_settings *settings;
	bool is_deaf;          /* answers nothing */
	unsigned loss_percent; /* of the queries to it */
	unsigned queries;
	struct buf events;   /* "reason: message\n" */
	struct buf statuses; /* "id accepted reason | host health reason records…\n" */
	struct buf exports;  /* "object | name type targets…\n" */
	unsigned nstatuses;
};

/* With its server's address known, before anything else. */
struct cluster *cluster_listen(struct loop *loop);
const char *cluster_address(const struct cluster *c); /* "127.0.0.1:port", static */
/* Options as "name=value", NULL-ended.  Fails the test if gslb_new does. */
void cluster_open(struct cluster *c, const char *const *pairs);
/* The same without starting; what gslb_new said. */
int cluster_try(struct cluster *c, const char *const *pairs, char **ret_why);
void cluster_close(struct cluster *c);

/*
 * A declaration: HOSTS and STATUS_IPS separated by blanks; every host has one backend with READY
 * endpoints (< 0: the Service is not there).
 */
struct gslb_decl *decl_new(const char *name, const char *hosts, const char *strategy,
			   const char *status_ips, int ready);
void decl_weight(struct gslb_decl *d, const char *tag, unsigned weight);

/*
 * What C answers: addresses sorted and separated by blanks; "NODATA", or the RCODE's name.  For TXT
 * and others the RDATA as text.  Static, good until the fourth next call.
 */
const char *ask(struct cluster *c, const char *name, const char *type);
const char *ask_from(struct cluster *c, const char *name, const char *type, const char *client);
/* TTL of the first answer or of the SOA in a negative one. */
unsigned ask_ttl(struct cluster *c, const char *name, const char *type);
/* Run the loop until C answers so; fails the test after five seconds. */
#define answers(c, name, type, want) answers_((c), (name), (type), (want), __FILE__, __LINE__)
void answers_(struct cluster *c, const char *name, const char *type, const char *want,
	      const char *file, int line);
/* Run the loop for some passes. */
void settle(struct loop *loop);

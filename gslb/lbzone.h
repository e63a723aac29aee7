/*
 * lbzone - one load-balanced zone in force and the names around it: of the
 * clusters' name servers at the parent (k8gb's rule:
 * <prefix><tag>-<zone minus parent, dots to dashes>.<parent>) and of the state
 * zones in which gslbd clusters tell one another what they offer:
 * <tag>._gslbd.<zone>.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dname.h"
#include "lib/gslb_decl.h"

#define LBZONE_STATE_LABEL "_gslbd"
#define LBZONE_CHANGES_MAX 24 /* hosts that a state zone's root names */

struct lbzone {
	char *name; /* lower case, no final dot */
	char *parent;
	char *id; /* of the declaration in force */
	unsigned neg_ttl_s;
	bool do_finalize;
	bool deleting;
	bool finalized; /* told so to on_zone_status */
	char *own_ns;   /* our name server's name */
	uint8_t wire[DNAME_MAX];
	uint8_t state_wire[DNAME_MAX]; /* our state zone; length 0 = the name would be too long */
	bool has_state;
	/* The state zone: */
	uint32_t version; /* of the hosts' states */
	char **changes;   /* ring: the last hosts that changed, relative names */
	bool apex_dirty;  /* SOA, NS or the state's root must be put again */
	bool root_dirty;  /* the state's root alone */
	bool drains_dirty;
	bool changed; /* a host's state changed in this pass: tell the peers */
};

/* The name server's name of cluster TAG for a zone.  Caller frees. */
char *lbzone_ns_name(const char *prefix, const char *tag, const char *zone, const char *parent);
/*
 * Is D usable, and are the names that cluster TAG's name server gets within
 * RFC 1035 2.3.4's limits?  0 or ERR_INVALID with *ret_why (caller frees).
 */
int lbzone_check(const struct zone_decl *d, const char *prefix, const char *tag, char **ret_why);
/* Make the zone of a declaration that passed lbzone_check for OWN.  Copies. */
struct lbzone *lbzone_new(const struct zone_decl *d, const char *prefix, const char *own);
void lbzone_free(struct lbzone *z);
/* The state zone of cluster TAG.  0 or ERR_TOO_LONG.  OUT: DNAME_MAX octets. */
int lbzone_state_origin(const struct lbzone *z, const char *tag, uint8_t *out);
/*
 * The name of HOST (wire, in Z) in the state zone ORIGIN: its labels below the zone, or "_apex".
 * 0 or ERR_TOO_LONG.
 */
int lbzone_state_name(const struct lbzone *z, const uint8_t *host, const uint8_t *origin,
		      uint8_t *out);
/* One entry of DNS_ZONES, "parent:zone:negttl", as declaration "config:ZONE".  0, ERR_INVALID. */
int lbzone_parse(const char *text, struct zone_decl **ret, char **ret_why);

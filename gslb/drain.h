/*
 * drain - members taken out of the answers by somebody's will, from when to when,
 * why and by whom: objects of kind Drain, gslbctl drain, and what peers say.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/strv.h"

struct cJSON;
struct drains;
struct gslb;
struct host;
struct member;
struct site;

struct drain {
	char *id;      /* "gslbd.io/NAME", "ctl/NAME", "TAG/…" of a peer */
	char *geo_tag; /* NULL = any; all that is given must be true of a member */
	struct strv hosts;
	char *member; /* StaticMember "ns/name" */
	struct strv addresses;
	int64_t from_s, until_s; /* Unix time; 0 = none */
	char *reason, *author;
	bool force;
	bool is_up; /* action ForceUp: in, whatever health and probes say */
};

struct drains *drains_new(struct gslb *g);
void drains_free(struct drains *d);
/*
 * Put or, with SPEC NULL, remove the drain ID.  SPEC as in the CRD.  ERR_INVALID with *ret_why
 * (caller frees); what was there stays.
 */
int drains_put(struct drains *d, const char *id, const struct cJSON *spec, char **ret_why);
bool drains_has(const struct drains *d, const char *id);
/*
 * Mark the members of H's decision that a drain in force is about.  A drain that is not forced
 * leaves a host alone when nobody live would be left; ret_refused counts those members.
 */
void drains_apply(const struct drains *d, struct host *h, size_t *ret_refused);
/* Members of H that somebody forces up are no longer unhealthy; before drains_apply. */
void drains_force_up(const struct drains *d, struct host *h);
/* The drain in force that is about this member; NULL if none. */
const struct drain *drains_find(const struct drains *d, const struct host *h, const struct site *s,
				const struct member *m);
/* Hosts that would lose their last live member if the drain that SPEC describes began now. */
int drains_check(struct drains *d, const struct cJSON *spec, struct strv *ret_hosts,
		 char **ret_why);
/* {id: {…, state}} */
void drains_explain(const struct drains *d, struct cJSON *out);
size_t drains_active(const struct drains *d);
/* Another number when drains_own gives others; 0 = none. */
uint32_t drains_version(const struct drains *d);
/* Those that began here (not a peer's), as JSON one a text; for the state zone and the disk. */
void drains_own(const struct drains *d, struct strv *ret);
/* Replace what the peer TAG said before by TEXTS of its drains_own. */
void drains_from_peer(struct drains *d, const char *tag, const struct strv *texts);

/*
 * zone_config - load-balanced zones that the configuration names (DNS_ZONES,
 * "parent:zone:negttl").  A ZoneDelegation object for the same zone counts
 * instead, as long as it is there.  Control thread.
 */
#pragma once

#include <stddef.h>

struct config;
struct endpoint_sink;
struct loop;
struct object;
struct store;
struct strv;
struct zone_config;
struct zone_decl;

/*
 * 0, or ERR_INVALID / ERR_SYNTAX with *ret_why naming the entry (caller frees).  Borrows all.
 * Nothing is told to SINK before zone_config_start.
 */
int zone_config_new(struct loop *loop, const struct config *config, struct store *store,
		    const struct endpoint_sink *sink, struct zone_config **ret, char **ret_why);
void zone_config_free(struct zone_config *z);
/* Tell the sink of all zones that no object names; from then on follow the objects. */
void zone_config_start(struct zone_config *z);
size_t zone_config_count(const struct zone_config *z);
/* The Ith zone, borrowed; and whether an object now stands for it. */
const struct zone_decl *zone_config_get(const struct zone_config *z, size_t i);
/* A ZoneDelegation as a declaration, with error set if it is not valid.  Caller frees. */
struct zone_decl *zone_config_read(const struct object *o);

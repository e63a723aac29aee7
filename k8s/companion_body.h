/*
 * companion_body - what companion wishes, as JSON text.  Pure; callers free.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "k8s/object.h"

struct zone_decl;

#define COMPANION_FINALIZER       "k8gb.io/finalizer"
#define COMPANION_MIGRATION_GUARD "k8gb.io/legacy-migration-protection"
#define COMPANION_MIGRATE_LABEL   "k8gb.io/migration-requested"
#define COMPANION_MIGRATED_LABEL  "k8gb.io/migrated-to-k8gb-io"
#define COMPANION_STRATEGY        "k8gb.io/strategy"

/* spec.ingress counts: it says something and resourceRef does not. */
bool companion_is_embedded(const struct object *gslb);
/* The Ingress of GSLB, owned by it; API_VERSION is that of GSLB. */
cJSON *companion_ingress(const struct object *gslb, const char *api_version);
/* The Gslb of an annotated Ingress, owned by it. */
cJSON *companion_gslb(const struct object *ingress, const char *api_version);
/* The k8gb.io Gslb of a legacy one: an embedded Ingress becomes a reference to it. */
cJSON *companion_twin(const struct object *legacy, const char *api_version);
/* A ZoneDelegation for a configured zone, named as the zone with dashes. */
cJSON *companion_zone(const struct zone_decl *z, const char *api_version);
char *companion_zone_name(const char *zone);
/* Patches {"metadata":{"resourceVersion":…, …}}, to be merged; NULL if nothing would change. */
char *companion_set_finalizer(const struct object *o, const char *finalizer, bool present);
char *companion_drop_owner(const struct object *o, const char *uid);
char *companion_set_label(const struct object *o, const char *label, const char *value);
/* Everything that WANT says is so in HAVE; lists are the same. */
bool companion_contains(const cJSON *have, const cJSON *want);
/* HAVE is controlled by another object than UID. */
bool companion_is_foreign(const struct object *have, const char *uid);

/*
 * companion - the objects that k8gb makes beside those of the user, and gslbd
 * with it: the Ingress of a Gslb that embeds one, the Gslb of an annotated
 * Ingress, the ZoneDelegation of a configured zone and its finalizer, the k8gb.io
 * twin of a legacy Gslb.  Looks at what is there and wishes what is missing; the
 * next change of the objects leads to the next step.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct cluster;
struct event_recorder;
struct loop;
struct store;
struct writer;
struct zone_config;
struct companion;

struct companion_env {
	struct loop *loop;
	struct store *store;
	struct cluster *cluster;
	struct writer *writer;
	struct event_recorder *events;
	const struct zone_config *zones;
};

struct companion *companion_new(const struct companion_env *env);
void companion_free(struct companion *c);
/* The zone of this ZoneDelegation is withdrawn: the object may go. */
void companion_zone_finalized(struct companion *c, const struct object *zone);

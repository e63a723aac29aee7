/*
 * event - Kubernetes Events about our objects, as client-go's recorder makes
 * them: the same event again raises a count, a storm about one object is cut
 * off.  Written through a writer, so only by the leader.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct event_recorder;
struct loop;
struct writer;

struct event_recorder *event_recorder_new(struct loop *loop, struct writer *writer);
void event_recorder_free(struct event_recorder *e);
/* Objects without a uid (manifests) have no events. */
void event_record(struct event_recorder *e, const struct object *about, const char *api_version,
		  bool warning, const char *reason, const char *message);

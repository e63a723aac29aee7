/*
 * source_parts - what the driver of the sources is made of: source.c (the set), subject.c (one
 * object), dependency.c (what it looks at), source_run.c (one collection).  Private to these.
 *
 *   store --change--> deps[key] --> subjects --dirty--> (end of the pass) collect
 *                                                             --> postprocess --> sink
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "k8s/object.h"
#include "k8s/source.h"
#include "lib/map.h"

struct subject;

struct link {
	struct dep *dep;
	size_t pos; /* in dep->to */
};

struct backlink {
	struct subject *subject;
	size_t pos; /* in subject->links */
};

struct dep {
	char *key;
	struct backlink *to;
	size_t n, cap;
};

struct fault {
	char *reason;
	char *message;
	bool warning;
};

struct said {
	uint64_t hash;
	bool again;
};

struct source {
	const struct source_ops *ops;
	struct source_set *set;
	struct map subjects; /* "KIND_ID/namespace/name" -> struct subject */
	bool started, synced;
	size_t nfaults;
};

struct subject {
	struct source *source;
	struct subject *dirty_prev, *dirty_next;
	bool dirty;
	enum kind_id kind;
	const struct object *obj; /* as last collected; NULL before the first time */
	char *namespace, *name;
	struct link *links;
	size_t nlinks;
	size_t nendpoints; /* that it gave postprocess */
	struct map said;   /* key -> struct said */
	struct fault *faults;
	size_t nfaults;
};

struct source_set {
	struct loop *loop;
	const struct config *config;
	struct store *store;
	const struct endpoint_sink *sink;
	struct source_settings *settings;
	struct postprocess *postprocess;
	struct host_resolver *resolver;
	struct source *sources;
	size_t n;
	struct map deps;
	struct subject *dirty_first, *dirty_last;
	struct loop_timer *flush;
	source_error_cb on_error;
	void *on_error_ctx;
	source_collected_cb on_collected;
	void *on_collected_ctx;
};

struct source_run {
	struct source_set *set;
	struct subject *subject;
	struct endpoint_list emitted;
	bool keep; /* what was emitted before */
	bool gone; /* the object is */
	struct fault *faults;
	size_t nfaults;
};

/* LIST, which ends with KIND_COUNT (NULL = empty), has KIND. */
bool source_has_kind(const enum kind_id *list, enum kind_id kind);

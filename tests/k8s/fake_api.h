/*
 * fake_api - a small API server for tests: keeps objects, lists them in pages,
 * watches with bookmarks, patches and creates; and it can misbehave.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"

struct loop;
struct fake_api;

struct fake_api *fake_api_new(struct loop *loop);
void fake_api_free(struct fake_api *a);
const char *fake_api_url(const struct fake_api *a);
/* Serve PLURAL of GROUP ("" = core) in VERSION; more than one version may be added. */
void fake_api_add(struct fake_api *a, const char *group, const char *version, const char *plural,
		  const char *kind, bool namespaced);
void fake_api_remove(struct fake_api *a, const char *group, const char *plural);
/* Create or replace an object given as YAML; watchers hear of it. */
void fake_api_put(struct fake_api *a, const char *yaml);
void fake_api_delete(struct fake_api *a, const char *plural, const char *namespace,
		     const char *name);
/* The object as it is now, borrowed; NULL if there is none. */
const cJSON *fake_api_get(const struct fake_api *a, const char *plural, const char *namespace,
			  const char *name);
/* How many objects of PLURAL (of all groups) there are, and the Ith, borrowed. */
unsigned fake_api_objects(const struct fake_api *a, const char *plural);
const cJSON *fake_api_object(const struct fake_api *a, const char *plural, unsigned i);
/* Forget history: watches and continue tokens from before answer 410. */
void fake_api_compact(struct fake_api *a);
/* Every watcher's connection breaks; HALF: in the middle of a line. */
void fake_api_break(struct fake_api *a, bool half);
/* Write TEXT to every watcher as it is. */
void fake_api_say(struct fake_api *a, const char *text);
/* Stop listening and reset everything, as a killed process; and come back on the same port. */
void fake_api_down(struct fake_api *a);
void fake_api_up(struct fake_api *a);
unsigned fake_api_watchers(const struct fake_api *a);

struct fake_rules {
	bool watch_list;   /* knows sendInitialEvents */
	bool aggregated;   /* discovery in one answer */
	const char *minor; /* "36" */
	unsigned page;     /* objects in a page at most; 0 = as asked */
	int deny;          /* this HTTP status for everything in DENY_PLURAL (NULL = all) */
	const char *deny_plural;
	const char *retry_after; /* with DENY */
	const char *token;       /* wanted; NULL = any */
};
struct fake_rules *fake_api_rules(struct fake_api *a);
/* Requests so far, "GET /apis\n…"; the test may reset it. */
struct buf *fake_api_log(struct fake_api *a);

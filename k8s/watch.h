/*
 * watch - one kind (in one namespace or in all) kept equal to the API server:
 *
 *	        ┌── 410, too old ───────────────┐
 *	        ▼                               │
 *	list (WatchList, or pages) ─► synced ─► watch ─┬─► time-out of the server: on from there
 *	        ▲                                      └─► broken: on from there after a while
 *	        └── never synced ── failed
 *
 * What was listed stays in the store while a list or watch is broken, and a new list is
 * compared with it: nothing goes and comes back.  Control thread.
 */
#pragma once

#include "k8s/object.h"
#include "k8s/store.h"

struct api;
struct discovery;
struct loop;
struct watch;

struct watch_env {
	struct loop *loop;
	struct api *api;
	struct discovery *discovery;
	struct store *store;
	bool no_watch_list; /* the server refused one */
	bool unreachable;   /* said once for all watches */
	/* A watch's state changed. */
	void (*on_state)(void *ctx, struct watch *w);
	void *ctx;
};

/* ENV is borrowed.  NAMESPACE NULL = all (and for kinds without namespaces). */
struct watch *watch_new(struct watch_env *env, enum kind_id kind, const char *namespace);
void watch_free(struct watch *w);
void watch_start(struct watch *w);
/* Discovery has news. */
void watch_discovered(struct watch *w);
enum kind_id watch_kind(const struct watch *w);
const char *watch_namespace(const struct watch *w); /* NULL = all */
enum store_state watch_state(const struct watch *w);
/* What is wrong now, or NULL; borrowed. */
const char *watch_trouble(const struct watch *w);
/* resourceVersion that was seen last, "" if none. */
const char *watch_resource_version(const struct watch *w);
/* For tests: how long a refusal or absence must last to be believed becomes so many times less. */
void watch_hurry(unsigned times);

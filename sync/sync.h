/*
 * sync - keeps the records at providers as desired: records -> registry ->
 * plan -> apply, in one loop a provider.  sync_set_desired is the only door in.
 * Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/endpoint.h"

struct loop;
struct config;
struct zonedb;
struct sync;

/* 0, or an error with *ret_why (caller frees).  No provider configured: *ret = NULL and 0. */
int sync_new(struct loop *loop, const struct config *config, struct zonedb *zonedb,
	     struct sync **ret, char **ret_why);
void sync_free(struct sync *s);
void sync_start(struct sync *s);
/* Finish or abandon the running batch, then call DONE. */
void sync_stop(struct sync *s, void (*done)(void *ctx), void *ctx);
/*
 * The endpoints that OBJECT gives through SOURCE are now these (copied); n = 0 removes them: at
 * once if ENDPOINTS is NULL (the object is gone), else after --lost-targets-hold (it may get its
 * targets back).  Pushes within a second, batched.
 */
void sync_set_desired(struct sync *s, const char *source, const char *object,
		      struct endpoint *const *endpoints, size_t n);
/* Deletes happen only while every declared source is synced. */
void sync_set_synced(struct sync *s, const char *source, bool synced);
/* --once: run until the first full pass ends; CB gets 0 or an error. */
void sync_on_once(struct sync *s, void (*cb)(void *ctx, int err), void *ctx);
/* Writes outside only while leader (true by default). */
void sync_set_leader(struct sync *s, bool leader);
/* What became of a record of OBJECT ("" = nobody wants it any more): for events. */
struct sync_result {
	const char *object;
	const struct endpoint *record;
	bool deleted;
	int err;
	const char *err_text; /* if err: the service's words, or NULL */
};
/* The result is borrowed. */
void sync_on_result(struct sync *s, void (*cb)(void *ctx, const struct sync_result *r), void *ctx);

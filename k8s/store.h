/*
 * store - all objects of the watched kinds, whatever brought them (API server
 * or manifests).  Readers hear of changes once a loop pass.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "k8s/object.h"

struct store;

struct store *store_new(void);
void store_free(struct store *s);
/* Takes a reference from the caller.  Equal resource_version (non-empty) or equal JSON is no
 * change. */
void store_put(struct store *s, struct object *o);
void store_remove(struct store *s, enum kind_id kind, const char *namespace, const char *name);
const struct object *store_get(const struct store *s, enum kind_id kind, const char *namespace,
			       const char *name);
size_t store_count(const struct store *s, enum kind_id kind);
/* Every object of KIND, in NAMESPACE or (NULL) in all; unordered.  The store must not change
 * meanwhile. */
void store_each(const struct store *s, enum kind_id kind, const char *namespace,
		void (*cb)(void *ctx, const struct object *o), void *ctx);
/*
 * EndpointSlices of a Service by its label kubernetes.io/service-name: indexed, O(slices).
 */
void store_each_slice(const struct store *s, const char *namespace, const char *service,
		      void (*cb)(void *ctx, const struct object *o), void *ctx);
/* BEFORE or AFTER is NULL for an added or removed object. */
void store_on_change(struct store *s,
		     void (*cb)(void *ctx, const struct object *before, const struct object *after),
		     void *ctx);
enum store_state {
	STORE_PENDING,   /* not listed yet */
	STORE_SYNCED,    /* an input has listed the kind completely */
	STORE_ABSENT,    /* the API server does not have the kind: there are no objects */
	STORE_FORBIDDEN, /* we may not read the kind; objects of before stay */
};
void store_set_state(struct store *s, enum kind_id kind, enum store_state state);
enum store_state store_state(const struct store *s, enum kind_id kind);
/* An input has listed KIND completely (or lost it). */
void store_set_synced(struct store *s, enum kind_id kind, bool synced);
/* STORE_SYNCED or STORE_ABSENT: what is not in the store does not exist. */
bool store_is_synced(const struct store *s, enum kind_id kind);
/* CB on each change of a kind's state. */
void store_on_synced(struct store *s, void (*cb)(void *ctx, enum kind_id kind), void *ctx);

/*
 * apply_walk - how changes go to a service that applies batches as a whole:
 *
 *	changes -> units (a record and its registry TXT: one fate)
 *	        -> batches of whole units, one hosted zone each, below its limit
 *	        -> send; a refused batch is cut in halves until the culprit
 *	           stands alone with the service's words on it
 *
 * Used by the HTTP providers.  Control thread.
 */
#pragma once

#include <stddef.h>

#include "sync/provider.h"

struct apply_walk;

struct apply_walk_ops {
	const char *name; /* of the provider, begins the error texts */
	/* How much of a batch's limit a change takes. */
	size_t (*cost)(struct provider *p, const struct change *c);
	/* The limit of a batch in ZONE. */
	size_t (*limit)(struct provider *p, void *zone);
	/*
	 * Send LIST (N changes, in order) to ZONE as one batch, then call apply_walk_result
	 * once, now or later.
	 */
	void (*send)(struct provider *p, struct apply_walk *w, void *zone,
		     struct change *const *list, size_t n);
};

/* A change and the hosted zone it belongs to; ZONE NULL: no zone has its name. */
struct apply_walk_item {
	struct change *change;
	void *zone; /* compared by address */
};

/*
 * Items in order; those of one unit must be adjacent (a unit goes on while the zone stays the same
 * and the change is a TXT or has the same name as the one before).  ITEMS is copied, the changes
 * are borrowed until DONE, which is never called before this returned.
 */
void apply_walk(struct provider *p, const struct apply_walk_ops *ops, struct loop *loop,
		const struct apply_walk_item *items, size_t n,
		void (*done)(void *ctx, int err, const char *err_text), void *ctx);
/*
 * The batch landed (0); or was refused because of its content (ERR_INVALID, _STALE, _NOT_FOUND,
 * _EXISTS, _CONFLICT): it is cut in halves; or failed for a reason that is not its content (all
 * else): the rest is given up for this time.  TEXT without the provider's name; borrowed.
 */
void apply_walk_result(struct apply_walk *w, int err, const char *text);

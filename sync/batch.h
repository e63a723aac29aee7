/*
 * batch - carries the changes of one apply call to a service in calls as large
 * as it allows, keeps the changes of a name together, and finds the culprit
 * when the service refuses a call as a whole.
 *
 *	changes ─► by hosted zone ─► pieces within the limits ─► send ─► batch_sent
 *	                                   ▲                                  │
 *	                                   └── halves of a refused piece ◄────┘
 *
 * Used by providers (sync/provider_*.c).  Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sync/provider.h"
#include "sync/ratelimit.h"

struct batch;
struct loop;

struct batch_limits { /* of one call; 0 = none */
	size_t changes;
	size_t bytes;         /* by cost */
	size_t values;        /* by cost */
	unsigned interval_ms; /* after a call that landed, before the next */
};

struct batch_cost {
	size_t changes, bytes, values;
};

struct batch_ops {
	/*
	 * The hosted zone that takes C, as any pointer that is the same for the same zone.  NULL:
	 * there is none, the change fails with ERR_NOT_FOUND.
	 */
	void *(*zone)(void *ctx, const struct change *c);
	/* What C costs of the limits.  NULL: 1 change, 0 bytes, as many values as targets. */
	struct batch_cost (*cost)(void *ctx, const struct change *c);
	/*
	 * Send the N changes, all of ZONE, in one call; then batch_sent, now or later.
	 * Where the service tells results one by one, set err and err_text of those that failed and
	 * call batch_sent with 0.
	 */
	void (*send)(void *ctx, struct batch *b, void *zone, struct change *const *changes,
		     size_t n);
	/* All is over: as provider_ops.apply's done.  B is freed after it returns. */
	void (*done)(void *ctx, int err, const char *err_text);
};

/*
 * CHANGES: borrowed until done; their err and err_text are filled.  LIMIT: the account's bucket,
 * borrowed, NULL = none.
 */
struct batch *batch_start(struct loop *loop, const struct batch_ops *ops, void *ctx,
			  const struct batch_limits *limits, struct ratelimit *limit,
			  struct change *changes, size_t n);
/*
 * The call has ended.  What ERR means for it:
 *  0                         it landed;
 *  ERR_AGAIN                 it was not looked at (429): the same again after RETRY_AFTER_MS (-1:
 * back-off), a few times; INVALID, SYNTAX, CONFLICT, EXISTS, NOT_FOUND, STALE, RANGE, TOO_LONG,
 * UNSUPPORTED, LIMIT it was refused, nothing of it landed: halves are tried, down to one name; all
 * others                nobody knows what landed, or nothing can: this and all that waits fail.
 */
void batch_sent(struct batch *b, int err, const char *err_text, long retry_after_ms);
/* Abandon what was not sent; done is not called. */
void batch_cancel(struct batch *b);
/* Is ERR a refusal of the content (see above)? */
bool batch_is_refusal(int err);
/* The name that C belongs to: of the owned record for TXT of the registry, else its own. */
const char *batch_name(const struct change *c);
/*
 * Do B and A, its neighbour before it, share one fate: the same name, or TXT that does not say
 * whose it is?
 */
bool batch_follows(const struct change *a, const struct change *b);

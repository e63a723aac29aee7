/*
 * lease - who of several replicas writes: a coordination.k8s.io Lease, as
 * client-go's leader election keeps it (15 s, renewed every 2 s, given up after
 * 10 s without success).  Clocks of replicas need not agree.  Control thread.
 */
#pragma once

#include <stdbool.h>

struct api;
struct loop;
struct lease;

/* CB on each change; not from inside lease_new or lease_start. */
struct lease *lease_new(struct loop *loop, struct api *api, const char *namespace, const char *name,
			void (*cb)(void *ctx, bool leader), void *ctx);
void lease_free(struct lease *l);
void lease_start(struct lease *l);
bool lease_is_leader(const struct lease *l);
/*
 * Stop leading; if we hold the lease give it away, then call DONE (at once if there is nothing
 * to do).  CB is not called any more.
 */
void lease_release(struct lease *l, void (*done)(void *ctx), void *ctx);

/*
 * host_resolver - addresses of host names by the system's resolver, for
 * --resolve-service-load-balancer-hostname.  One helper thread asks, since
 * getaddrinfo blocks; everything else is the control thread's.
 */
#pragma once

#include <stdint.h>

struct loop;
struct strv;
struct host_resolver;

/* CB when the addresses of a name became known or changed. */
struct host_resolver *host_resolver_new(struct loop *loop, uint64_t refresh_ms,
					void (*cb)(void *ctx, const char *name), void *ctx);
/* Waits for the question under way. */
void host_resolver_free(struct host_resolver *r);
/*
 * Add what is known of NAME to V, IPv4 before IPv6, each sorted; nothing while it is not known.  A
 * name that is asked for is looked up now and again each refresh; one that fails keeps what it had.
 */
void host_resolver_get(struct host_resolver *r, const char *name, struct strv *v);

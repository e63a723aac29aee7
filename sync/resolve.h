/*
 * resolve - addresses of a host by the system's resolver, without blocking the
 * loop: numeric ones at once, names in a short-lived thread.  Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct loop;
struct resolve;

/*
 * CB is called once from the loop, never from within: N addresses with PORT (borrowed), or
 * n = 0 and WHY in words.  The result is to be freed with resolve_free, before or after that.
 */
struct resolve *resolve_host(struct loop *loop, const char *host, uint16_t port,
			     void (*cb)(void *ctx, const struct netaddr *a, size_t n,
					const char *why),
			     void *ctx);
/* Not called any more; NULL is fine. */
void resolve_free(struct resolve *r);

/*
 * names - host names that the edge DNS must turn into addresses: exposed
 * hostnames, load balancers' hostnames, peers' name servers.  Asked again when
 * their TTL is over; the last good answer is kept.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/strv.h"

struct dns_client;
struct loop;
struct names;
struct netaddr;

/*
 * SERVERS (copied) are asked with RD=1.  CB when the addresses of NAME became others (or are known
 * to be none); it may call names_get.
 */
struct names *names_new(struct loop *loop, struct dns_client *dns, const struct netaddr *servers,
			size_t nservers, void (*changed)(void *ctx, const char *name), void *ctx);
void names_free(struct names *n);
/*
 * The addresses of NAME as text, sorted; NULL while none was ever heard.  Begins to watch the
 * name; it is dropped when nobody asked for an hour.
 */
const struct strv *names_get(struct names *n, const char *name);
/* Ask for NAME now, if it is watched and was not asked in the last second. */
void names_refresh(struct names *n, const char *name);
/* NAME's TTL in seconds as last heard, 0 if not known. */
unsigned names_ttl(struct names *n, const char *name);

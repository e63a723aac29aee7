/* publish - decisions as zone data, and the names that they get (gslb/publish.c).  Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct gslb;
struct host;
struct lbzone;

/*
 * One transaction: zones that left (DROPPED), zones whose apex is dirty, and HOSTS, which are put
 * as they are now or taken out when nobody claims them.
 */
void publish_pass(struct gslb *g, struct host *const *hosts, size_t n,
		  struct lbzone *const *dropped, size_t ndropped);
/*
 * Zones that may not be answered yet: names in them are SERVFAIL, "not ready", until publish_pass.
 */
void publish_hold(struct gslb *g);
/*
 * localtargets-<host>, DNAME_MAX octets.  ERR_RANGE when the host is the zone itself, ERR_TOO_LONG
 * when its first label has more than 50 characters (k8gb's limit) or the name more than 253.
 */
int publish_localtargets_name(const struct host *h, uint8_t *out);

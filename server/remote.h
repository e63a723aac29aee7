/*
 * remote - another server named in an option: "[ZONE=]ADDR[:PORT][,key:NAME]"
 * (--notify, --primary, --catalog-zone).  Made at start, read-only afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct strv;
struct tsig_key;
struct tsig_keys;

struct remote {
	uint8_t *zone; /* wire, lower case; NULL = every zone */
	struct netaddr addr;
	const struct tsig_key *key; /* NULL = none */
	bool is_ns;                 /* "ns" in place of ADDR: the zone's own name servers */
};

struct remotes {
	struct remote *list;
	size_t n;
};

/*
 * OPTION: its name for messages.  zone_needed: ZONE= must be there.  allow_ns: may ADDR be "ns"?
 * ERR_SYNTAX, ERR_NOT_FOUND (key) with *ret_why (caller frees).
 */
int remotes_load(struct remotes *r, const char *option, const struct strv *texts, bool zone_needed,
		 bool allow_ns, const struct tsig_keys *keys, char **ret_why);
void remotes_fini(struct remotes *r);

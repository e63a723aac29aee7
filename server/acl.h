/*
 * acl - who may do something with a zone: rules of the options --allow-transfer,
 * --allow-update and --allow-notify.  Nothing matches, nothing is allowed.
 *
 *	[ZONE=]TERM[,TERM…][=NAMES[:TYPE,…]]		TERM: PREFIX | key:NAME | any
 *
 * All terms of a rule must match.  NAMES and TYPEs are for updates: a name (it and all below it)
 * or a pattern with "*" ("_acme-challenge.*"); TYPEs alone are allowed then.
 * Made at start, read-only afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct strv;
struct tsig_key;
struct tsig_keys;

struct acl_rule {
	uint8_t *zone; /* wire, NULL = every zone */
	struct netprefix *prefixes;
	size_t nprefixes; /* all must contain the client: usually one */
	const struct tsig_key **keys;
	size_t nkeys;
	char *names;     /* NULL = every name */
	uint16_t *types; /* NULL = every type */
	size_t ntypes;
};

struct acl {
	struct acl_rule *rules;
	size_t n;
};

/*
 * OPTION: its name for messages ("--allow-update").  names: are NAMES and TYPEs allowed?
 * ERR_SYNTAX, ERR_NOT_FOUND (key) with *ret_why (caller frees).
 */
int acl_load(struct acl *a, const char *option, const struct strv *texts, bool names,
	     const struct tsig_keys *keys, char **ret_why);
void acl_fini(struct acl *a);
/* Is there a rule for this client, whose message was signed with KEY (NULL = not)? */
bool acl_allows(const struct acl *a, const uint8_t *zone, const struct netaddr *client,
		const struct tsig_key *key);
/* The same for a change of (OWNER, TYPE); type 255 (ANY): all types must be allowed. */
bool acl_allows_name(const struct acl *a, const uint8_t *zone, const struct netaddr *client,
		     const struct tsig_key *key, const uint8_t *owner, uint16_t type);
/* Text glob without case, "*" is any run of characters.  For tests. */
bool acl_glob(const char *pattern, const char *text);

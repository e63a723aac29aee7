/*
 * lookup - RFC 1034 4.3.2, RFC 4592 and RFC 6672 as data: where in a zone does
 * a name end up?  What is said about it in an answer is the server's matter.
 *
 * Pure; any thread that holds the version.
 */
#pragma once

#include "zonedb/zone.h"

enum lookup_result {
	LOOKUP_NODE,     /* the name exists (it may own nothing) */
	LOOKUP_WILDCARD, /* NODE is "*.encloser", which answers for the name (RFC 4592 3.3.1) */
	LOOKUP_NXDOMAIN, /* NODE is the closest encloser */
	LOOKUP_CUT,      /* NODE owns the NS of a delegation; the name is it or below it */
	LOOKUP_DNAME,    /* NODE owns a DNAME; the name is below it */
};

/* Cuts, names that do not exist, wildcards: what is left when lookup_name's first probe fails. */
enum lookup_result lookup_further(const struct zone *z, const struct qname *q,
				  const struct node **ret_node);

/*
 * Look Q up in Z, which must be an ancestor of it (version_find).
 * *ret_node: never NULL, see above.
 */
static inline enum lookup_result lookup_name(const struct zone *z, const struct qname *q,
					     const struct node **ret_node)
{
	if (__builtin_expect(z->cut_depths == 0, 1)) {
		*ret_node = zone_node(z, q, 0);
		if (__builtin_expect(*ret_node != NULL, 1))
			return LOOKUP_NODE;
	}
	return lookup_further(z, q, ret_node);
}

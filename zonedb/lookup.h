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

/*
 * Look Q up in Z, which must be an ancestor of it (version_find).
 * *ret_node: never NULL, see above.
 */
enum lookup_result lookup_name(const struct zone *z, const struct qname *q,
			       const struct node **ret_node);

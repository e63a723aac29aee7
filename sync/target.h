/*
 * target - comparing and ordering the targets of endpoints, as ExternalDNS
 * orders them.  Pure, any thread.
 */
#pragma once

#include <stdbool.h>

#include "lib/endpoint.h"
#include "lib/strv.h"

/* Is the type's target a host name (CNAME, DNAME, NS, PTR, ALIAS)? */
bool target_is_name(const char *record_type);
/* The form in which we keep targets: names and addresses without final dot, MX without it too.
 * Caller frees. */
char *target_normal(const char *record_type, const char *target);
/* Bring all targets of E into that form, in place; doubles (same target) go, the order stays. */
void target_normalise(struct endpoint *e);
/* The same target?  ASCII case, final dots and the spelling of IPv6 addresses do not matter. */
bool target_equal(const char *a, const char *b);
/* The same set, in any order? */
bool target_set_equal(const struct strv *a, const struct strv *b);
/* Is T in V, by target_equal? */
bool target_set_has(const struct strv *v, const char *t);
/*
 * The order by which the "least" of several candidates wins: fewer targets, then the
 * first that differs in sorted order, where an address is less than a name.
 * <0, 0, >0.
 */
int target_set_compare(const struct strv *a, const struct strv *b);

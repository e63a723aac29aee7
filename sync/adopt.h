/*
 * adopt - taking over records that nobody owns, by explicit request: a
 * provider-specific property or annotation "…/adopt" = "true" on the object, or
 * --adopt=DOMAIN.  Records of other owners are never adopted.  Pure.
 */
#pragma once

#include <stdbool.h>

#include "lib/endpoint.h"
#include "lib/strv.h"

/* Does an object that wants E, or one of the DOMAINS (whole labels), ask for it? */
bool adopt_is_asked(const struct endpoint *e, const struct strv *domains);
/* Remove the property: it must reach no provider and no comparison. */
void adopt_strip(struct endpoint *e);

/* health - what EndpointSlices say about a host, in k8gb's words.  Pure. */
#pragma once

#include "lib/gslb_decl.h"

enum health { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_NOT_FOUND };

/* "Healthy", "Unhealthy", "NotFound". */
const char *health_text(enum health h);
/*
 * Any: Healthy if any backend is, else Unhealthy if any is there, else NotFound.
 * All: NotFound if any is missing, else Unhealthy if any is, else Healthy.  None: NotFound.
 */
enum health health_of(const struct gslb_host_decl *host, enum gslb_health_policy policy);

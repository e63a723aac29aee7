/* health - what EndpointSlices say about a host, in k8gb's words.  Pure. */
#pragma once

#include <stdbool.h>

#include "lib/gslb_decl.h"

enum health { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_NOT_FOUND };

/* What a policy asks of a backend to be healthy.  Zero: one ready endpoint. */
struct health_need {
	unsigned least;   /* endpoints; 0 = 1 */
	unsigned percent; /* of all its endpoints */
	bool serving;     /* those that terminate but still serve count too */
};

/* "Healthy", "Unhealthy", "NotFound". */
const char *health_text(enum health h);
/*
 * Any: Healthy if any backend is, else Unhealthy if any is there, else NotFound.
 * All: NotFound if any is missing, else Unhealthy if any is, else Healthy.  None: NotFound.
 * need: NULL = one ready endpoint makes a backend healthy.
 */
enum health health_of(const struct gslb_host_decl *host, enum gslb_health_policy policy,
		      const struct health_need *need);

/*
 * gateway_parent - one parent that a route's status names, if it counts: listed in the route's
 * spec, accepted, found, within the filters; with its listeners and targets.  Private to
 * gateway*.c.
 */
#pragma once

#include "k8s/draft.h"

struct gateway_parent {
	struct draft *d;
	const struct object *owner;   /* the Gateway or the ListenerSet that has the listeners */
	const struct object *gateway; /* the Gateway behind it */
	struct strv targets;
};

/*
 * Visit the listeners that the entry STATUS of status.parents chooses (sectionName, port); none if
 * the parent does not count.
 */
void gateway_parent_each_listener(struct draft *d, const cJSON *status,
				  void (*cb)(void *ctx, const struct gateway_parent *parent,
					     const cJSON *listener),
				  void *ctx);
/* allowedRoutes of LISTENER lets in ROUTE, of KIND, by namespace and kind. */
bool gateway_parent_allows(const struct gateway_parent *parent, const cJSON *listener,
			   const struct object *route, const char *kind);

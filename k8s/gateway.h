/*
 * gateway - which names a route of the Gateway API gives and where they point: the walk from a
 * route over its accepted parents (Gateways, ListenerSets) and their listeners.
 *
 * Used by the five gateway-* sources, which differ in kind and protocol only.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"

struct source_run;
struct source_settings;

struct gateway_route {
	const char *source;   /* "gateway-httproute" */
	const char *kind;     /* "HTTPRoute" */
	const char *resource; /* "httproute" */
	const char *protocol; /* of the listener: "HTTP" also takes HTTPS, "TCP" also TLS */
};

/* Emits the endpoints of route OBJ. */
void gateway_collect(struct source_run *run, const struct object *obj,
		     const struct gateway_route *route);
/* The more specific of a listener's and a route's name; "" takes the other.  NULL if they do not
 * meet; caller frees. */
char *gateway_match_names(const char *listener, const char *route);

extern const enum kind_id gateway_also[];
/* ListenerSets only with --gateway-listener-sets. */
bool gateway_reads(const struct source_settings *s, enum kind_id kind);

/*
 * service - the parts of source_service that need pods, EndpointSlices and nodes.
 * Private to source_service.c and service_*.c; node addresses also for node and pod.
 */
#pragma once

#include <stdbool.h>

#include "k8s/draft.h"

/* spec.type; "ClusterIP" if there is none, as the API server would set it. */
const char *service_type(const struct object *svc);
/* The addresses of the pods behind a headless Service, as NAME and HOSTNAME.NAME. */
void service_headless_add(struct draft *d, const char *name);
/* The addresses of the nodes that a NodePort Service is reached at. */
void service_node_targets(struct draft *d, struct strv *targets);
/* One SRV endpoint for each node port: _SERVICE._PROTOCOL.NAME */
void service_add_srv(struct draft *d, const char *name);
/* The annotations of --compatibility=mate, molecule or kops-dns-controller. */
void service_add_compatible(struct draft *d);
bool service_selects(const struct object *svc, const struct object *pod);
/* Visit every pod that the Service's selector finds. */
void service_each_pod(struct draft *d, void (*cb)(void *ctx, const struct object *pod), void *ctx);

/* status.addresses of TYPE ("ExternalIP", "InternalIP"); V6_ONLY leaves IPv4 out.  Adds to V. */
void node_addresses(const struct object *node, const char *type, bool v6_only, struct strv *v);
/* Takes pods, or unschedulable ones count too. */
bool node_counts(const struct source_settings *s, const struct object *node);

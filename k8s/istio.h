/* istio - what the two istio-* sources share: where a Gateway of Istio points.  Control thread. */
#pragma once

#include "k8s/draft.h"

extern const enum kind_id istio_gateway_also[];

/*
 * Adds to V: the target annotation, else the Ingress or the Gateway (of the Gateway API) that an
 * annotation names, else the Services whose selector holds the Gateway's.
 */
void istio_gateway_targets(struct source_run *run, const struct object *gateway, struct strv *v);
/* The name part of "namespace/name" hosts. */
const char *istio_host_name(const char *host);
/*
 * The KIND that TEXT, "name" beside OBJ or "namespace/name", names; NULL if it is not there, and
 * reported if TEXT is neither.
 */
const struct object *istio_find_named(struct source_run *run, const struct object *obj,
				      enum kind_id kind, const char *text);

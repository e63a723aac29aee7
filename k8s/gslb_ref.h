/*
 * gslb_ref - what a Gslb (or an annotated Ingress) refers to: which hosts, which
 * backend Services with how many endpoints, which addresses of this cluster.
 * Called by source_gslb; control thread.
 */
#pragma once

#include "k8s/object.h"

struct source_run;
struct gslb_decl;

/*
 * Fill hosts, status_ips and status_hostnames of D from what the spec of GSLB points to, or set
 * D's error and error_reason.  A part that cannot be used (a bad host among good ones) is told by
 * source_error and left out.
 */
void gslb_ref_resolve(struct source_run *run, const struct object *gslb, struct gslb_decl *d);
/* The same from an Ingress itself (annotation form). */
void gslb_ref_ingress(struct source_run *run, const struct object *ingress, struct gslb_decl *d);
/* The object that spec.resourceRef of GSLB names by name, for policies: kind and name, or NULL. */
const char *gslb_ref_kind(const struct object *gslb);
const char *gslb_ref_name(const struct object *gslb);

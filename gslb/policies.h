/*
 * policies - the objects of gslbd.io that speak about hosts: GslbPolicy (how to
 * probe and choose) and StaticMember (targets outside Kubernetes); Drain goes to
 * gslb/drain.h.  A broken object leaves its last good content in force.
 * Control thread.
 */
#pragma once

#include <stddef.h>

struct cJSON;
struct gslb;
struct gslb_decl;
struct host;
struct policies;
struct policy;

struct policies *policies_new(struct gslb *g);
void policies_free(struct policies *p);
/* KIND "GslbPolicy", "StaticMember", "Drain"; SPEC_JSON NULL: gone. */
void policies_put(struct policies *p, const char *kind, const char *id, const char *spec_json);
/* The policy in force for HOST, which DECL declares: by name, by object, by "*."; NULL if none. */
struct policy *policies_for(struct policies *p, const char *host, const struct gslb_decl *decl);
/* Add the static members of H as sites to its decision. */
void policies_add_static(const struct policies *p, struct host *h);
/* The addresses of NAME became others. */
void policies_name_changed(struct policies *p, const char *name);
/* {"KIND ID": error} of what cannot be used. */
void policies_explain(const struct policies *p, struct cJSON *out);

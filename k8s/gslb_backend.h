/*
 * gslb_backend - the hosts of a declaration and the Services behind each, with
 * what their EndpointSlices say.  Called by gslb_ref; control thread.
 */
#pragma once

struct source_run;
struct object;
struct gslb_decl;
struct gslb_host_decl;

/*
 * The host TEXT in D, made if it is not there (lower case, no final dot); NULL after a
 * source_error "OF: WHERE: …" when TEXT is no host name.  Valid until the next call.
 */
struct gslb_host_decl *gslb_backend_host(struct source_run *run, const struct object *of,
					 const char *where, const char *text, struct gslb_decl *d);
/* Service NAMESPACE/NAME behind H, counted; once only. */
void gslb_backend_add(struct source_run *run, struct gslb_host_decl *h, const char *namespace,
		      const char *name);
/* A Service that must not be looked at. */
void gslb_backend_missing(struct gslb_host_decl *h, const char *namespace, const char *name);

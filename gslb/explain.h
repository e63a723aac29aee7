/*
 * explain - why a name is answered so, for the page, the API and gslbctl: sections
 * hosts, peers, history; commands explain, history.  Control thread.
 */
#pragma once

struct cJSON;
struct decision;
struct geo;
struct gslb;
struct host;
struct netaddr;

/* Register the sections and commands with lib/status. */
void explain_register(struct gslb *g);
/* The host that decides about NAME: itself, or the wildcard above it; NULL. */
struct host *explain_find(const struct gslb *g, const char *name);
/* answer, shares and scope of CLIENT by D, put into OUT. */
void explain_client(const struct decision *d, const struct geo *geo, const struct netaddr *client,
		    struct cJSON *out);

/* --- for commands: arguments, and out.error with what is wrong --- */
int explain_fail(struct cJSON *out, int err, const char *text); /* returns ERR */
/* "client", or any IPv4 address if it is not there. */
int explain_read_client(const struct cJSON *args, struct cJSON *out, struct netaddr *ret);
/* The host that decides about "name".  Runs the pass first. */
int explain_read_host(struct gslb *g, const struct cJSON *args, struct cJSON *out,
		      struct host **ret);

/*
 * draft - the endpoints of one object in the making.  What they have in common (TTL, set
 * identifier, provider-specific properties, resource label) is read once from its annotations;
 * names and targets come one after the other, from the object and from the templates.
 *
 *	draft_begin ─► draft_add … ─► draft_add_templated ─► draft_emit
 *
 * Control thread.
 */
#pragma once

#include <stdbool.h>

#include "k8s/object.h"
#include "lib/endpoint.h"
#include "lib/strv.h"

struct source_run;
struct source_settings;

struct draft {
	struct source_run *run;
	const struct object *obj;
	const struct source_settings *settings;
	const char *source; /* its name, for isSource */
	struct endpoint *common;
	struct endpoint_list list;
};

/*
 * SOURCE as in --source.  RESOURCE is the first word of the resource label ("ingress"), NULL for
 * none.  A bad ttl annotation is reported, and the record has none.
 */
void draft_begin(struct draft *d, struct source_run *run, const struct object *obj,
		 const char *source, const char *resource);
/* Node, pod and unstructured objects have no set identifier and no provider-specific properties. */
void draft_drop_properties(struct draft *d);
/* What the object's annotations say about TTL, set identifier and properties does not count … */
void draft_no_annotations(struct draft *d);
/* … but what those of FROM say, for the endpoints that are added from now on. */
void draft_add_annotations(struct draft *d, const struct object *from);
/*
 * One endpoint for each of A, AAAA and CNAME that TARGETS has.  A name with a label over 63 octets
 * or with blanks in it is reported and left out; empty names and empty TARGETS give nothing.
 */
void draft_add(struct draft *d, const char *name, const struct strv *targets);
/* One endpoint of TYPE, whatever the targets look like. */
void draft_add_typed(struct draft *d, const char *name, const char *type,
		     const struct strv *targets);
/* draft_add for each of NAMES. */
void draft_add_names(struct draft *d, const struct strv *names, const struct strv *targets);
/*
 * The pairs of --fqdn-target-template, and then ADD_NAME for each name of --fqdn-template; both
 * only when there are no endpoints yet or --combine-fqdn-annotation is given.  A template that
 * fails on this object is reported.
 */
void draft_add_templated(struct draft *d,
			 void (*add_name)(struct draft *d, const char *name, void *ctx), void *ctx);
/* Takes WHY: reports it, and what the object gave before stays. */
void draft_template_failed(struct draft *d, char *why);
/* The usual ADD_NAME: CTX is the targets (struct strv). */
void draft_add_name_with_targets(struct draft *d, const char *name, void *ctx);
/* Hand all to the driver; ends the draft. */
void draft_emit(struct draft *d);

/* "ip" and "hostname" of status.loadBalancer.ingress; EITHER: the host name only without an ip. */
void draft_load_balancer_targets(const struct object *obj, bool either, struct strv *v);

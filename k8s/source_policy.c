/*
 * source_policy - objects of gslbd.io (GslbPolicy, Drain, StaticMember), passed
 * on as they are; gslb knows what they mean.  On whenever source gslb is.
 */
#include <stdlib.h>

#include "k8s/source.h"
#include "k8s/zone_allow.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_GSLB_POLICY, KIND_DRAIN, KIND_STATIC_MEMBER,
					KIND_COUNT };

/* Whoever may not read them has none. */
static const enum kind_id none[] = { KIND_COUNT };

static void tell(struct source_run *run, const struct object *o, const char *spec)
{
	const struct endpoint_sink *sink = source_sink(run);
	char *id = object_key(o);

	if (sink->policy)
		sink->policy(sink->ctx, kinds[o->kind].name, id, spec);
	free(id);
}

/* What an object says about hosts by name counts as a claim (--zone-allow). */
static bool may_name_hosts(struct source_run *run, const struct object *o)
{
	const cJSON *it = NULL;

	if (*o->namespace == '\0') /* cluster-wide: whoever may write it may write all */
		return true;
	cJSON_ArrayForEach(it, json_get(object_spec(o), "hosts")) {
		const char *host = cJSON_GetStringValue(it);

		if (host == NULL || zone_allow_host(source_config(run), o->namespace, host))
			continue;
		source_error(run, o, "HostNotAllowed",
			     "spec.hosts: %s: namespace %s may not claim it (--zone-allow)", host,
			     o->namespace);
		return false;
	}
	return true;
}

static void collect(struct source_run *run, const struct object *o)
{
	if (!may_name_hosts(run, o)) {
		if (source_unsay(run, ""))
			tell(run, o, NULL);
		return;
	}
	char *spec = json_print(object_spec(o));

	if (source_is_new(run, "", spec))
		tell(run, o, spec);
	free(spec);
}

static void removed(struct source_run *run, const struct object *o)
{
	tell(run, o, NULL);
}

const struct source_ops source_policy = {
	.name = "policy",
	.primary = primary,
	.collect = collect,
	.removed = removed,
	.must = none,
};

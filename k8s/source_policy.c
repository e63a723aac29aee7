/*
 * source_policy - objects of gslbd.io (GslbPolicy, Drain, StaticMember), passed
 * on as they are; gslb knows what they mean.  On whenever source gslb is.
 */
#include <stdlib.h>

#include "k8s/source.h"
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

static void collect(struct source_run *run, const struct object *o)
{
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

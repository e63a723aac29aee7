/*
 * source_zonedelegation - ZoneDelegation objects as zones for gslb.  Zones that
 * only the configuration names come from k8s/zone_config.c.
 */
#include <stdlib.h>

#include "k8s/source.h"
#include "k8s/zone_config.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_ZONE_DELEGATION, KIND_COUNT };

/* A cluster-wide kind, which narrow RBAC does not give. */
static const enum kind_id none[] = { KIND_COUNT };

static char *signature(const struct zone_decl *z)
{
	return mem_printf("%s %s %u %d %d %s", z->load_balanced_zone, z->parent_zone, z->neg_ttl_s,
			  z->do_finalize, z->deleting, z->error ? z->error : "");
}

static void collect(struct source_run *run, const struct object *o)
{
	const struct endpoint_sink *sink = source_sink(run);
	struct zone_decl *z = zone_config_read(o);
	char *sign = signature(z);

	if (z->error)
		source_error(run, o, "InvalidZone", "%s", z->error);
	if (source_is_new(run, "", sign) && sink->zone_put)
		sink->zone_put(sink->ctx, z);
	else
		zone_decl_free(z);
	free(sign);
}

static void removed(struct source_run *run, const struct object *o)
{
	const struct endpoint_sink *sink = source_sink(run);
	char *id = mem_printf("ZoneDelegation %s", o->name);

	if (source_unsay(run, "") && sink->zone_remove)
		sink->zone_remove(sink->ctx, id);
	free(id);
}

const struct source_ops source_zonedelegation = {
	.name = "zonedelegation",
	.primary = primary,
	.collect = collect,
	.removed = removed,
	.must = none,
};

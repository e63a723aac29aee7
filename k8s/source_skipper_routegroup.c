/* source_skipper_routegroup - RouteGroups of Skipper: spec.hosts at status.loadBalancer.  Control
 * thread. */
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id also[] = { KIND_COUNT };

static void status_targets(const struct object *obj, struct strv *targets)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(obj), "loadBalancer.routegroup")) {
		const char *ip = json_text(it, "ip"), *hostname = json_text(it, "hostname");

		if (ip && *ip)
			strv_add(targets, ip);
		if (hostname && *hostname)
			strv_add(targets, hostname);
	}
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		status_targets(obj, &targets);
	json_strings(object_spec(obj), "hosts", &names);
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	draft_begin(&d, run, obj, "skipper-routegroup", "routegroup");
	draft_add_names(&d, &names, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_skipper_routegroup = {
	.name = "skipper-routegroup",
	.primary = kind_route_group,
	.also = also,
	.collect = collect,
};

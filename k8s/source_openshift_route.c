/*
 * source_openshift_route - OpenShift's Routes: the host that a router admitted, at that
 * router's canonical name.  Control thread.
 */
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_OPENSHIFT_ROUTE, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

static bool is_admitted(const cJSON *ingress)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(ingress, "conditions")) {
		const char *type = json_text(it, "type"), *status = json_text(it, "status");

		if (type && strcmp(type, "Admitted") == 0)
			return status && strcmp(status, "True") == 0;
	}
	return false;
}

/* The first router that counts; its entry of status.ingress, or NULL. */
static const cJSON *find_router(const struct source_settings *s, const struct object *route)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(route), "ingress")) {
		const char *canonical = json_text(it, "routerCanonicalHostname");
		const char *router = json_text(it, "routerName");

		if (!is_admitted(it) || canonical == NULL || *canonical == '\0')
			continue;
		if (*s->openshift_router_name &&
		    (router == NULL || strcmp(router, s->openshift_router_name) != 0))
			continue;
		return it;
	}
	return NULL;
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	const cJSON *router = find_router(s, obj);
	const char *host = json_text(router, "host");
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0 && router)
		strv_add(&targets, json_text(router, "routerCanonicalHostname"));
	if (host)
		strv_add(&names, host);
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	draft_begin(&d, run, obj, "openshift-route", "route");
	draft_add_names(&d, &names, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_openshift_route = {
	.name = "openshift-route",
	.primary = primary,
	.also = also,
	.collect = collect,
};

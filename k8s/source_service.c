/*
 * source_service - names of Services by type: load balancers, cluster addresses, node ports,
 * external names; headless ones are in service_headless.c, node ports in service_nodes.c.
 * Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_SERVICE, KIND_COUNT };
static const enum kind_id also[] = { KIND_ENDPOINT_SLICE, KIND_POD, KIND_NODE, KIND_COUNT };

static bool is_headless(const struct object *svc)
{
	const char *ip = json_text(object_spec(svc), "clusterIP");

	return ip && strcmp(ip, "None") == 0;
}

static void cluster_targets(const struct object *svc, struct strv *targets)
{
	const char *ip = json_text(object_spec(svc), "clusterIP");

	if (ip && *ip && !is_headless(svc))
		strv_add(targets, ip);
}

/* externalIPs replace what the type would give. */
static bool external_ips(const struct object *svc, struct strv *targets)
{
	json_strings(object_spec(svc), "externalIPs", targets);
	return targets->n > 0;
}

static void load_balancer_targets(const struct draft *d, struct strv *targets)
{
	const cJSON *it = NULL;

	if (external_ips(d->obj, targets))
		return;
	if (!d->settings->resolve_load_balancer_hostname) {
		draft_load_balancer_targets(d->obj, false, targets);
		return;
	}
	cJSON_ArrayForEach(it, json_get(object_status(d->obj), "loadBalancer.ingress")) {
		const char *ip = json_text(it, "ip"), *hostname = json_text(it, "hostname");

		if (ip && *ip)
			strv_add(targets, ip);
		if (hostname && *hostname)
			source_resolve(d->run, hostname, targets);
	}
}

static void external_name_targets(const struct object *svc, struct strv *targets)
{
	const char *name = json_text(object_spec(svc), "externalName");

	if (!external_ips(svc, targets) && name && *name)
		strv_add(targets, name);
}

/* INTERNAL: the name is of internal-hostname. */
static void add_by_type(struct draft *d, const char *name, bool internal)
{
	const char *type = service_type(d->obj);
	struct strv targets = { 0 };

	if (strcmp(type, "LoadBalancer") == 0) {
		if (internal)
			cluster_targets(d->obj, &targets);
		else
			load_balancer_targets(d, &targets);
	} else if (strcmp(type, "ClusterIP") == 0) {
		if (is_headless(d->obj))
			service_headless_add(d, name);
		else if (internal || d->settings->publish_internal_services)
			cluster_targets(d->obj, &targets);
	} else if (strcmp(type, "NodePort") == 0) {
		service_node_targets(d, &targets);
		service_add_srv(d, name);
	} else if (strcmp(type, "ExternalName") == 0) {
		external_name_targets(d->obj, &targets);
	}
	draft_add(d, name, &targets);
	strv_fini(&targets);
}

/* A target annotation stands in for every type, and needs no --publish-internal-services. */
static void add_name(struct draft *d, const char *name, bool internal)
{
	struct strv targets = { 0 };

	annotation_targets(&d->settings->prefixes, d->obj, &targets);
	if (targets.n)
		draft_add(d, name, &targets);
	else
		add_by_type(d, name, internal);
	strv_fini(&targets);
}

static void add_templated_name(struct draft *d, const char *name, void *ctx)
{
	(void)ctx;
	add_name(d, name, false);
}

static void add_annotated(struct draft *d, enum annotation id, bool internal)
{
	struct strv names = { 0 };

	annotation_names(&d->settings->prefixes, d->obj, id, &names);
	for (size_t i = 0; i < names.n; i++)
		if (names.s[i][0])
			add_name(d, names.s[i], internal);
	strv_fini(&names);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct draft d;

	if (!source_filter_passes(s, obj) ||
	    (s->service_types.n && !strv_has(&s->service_types, service_type(obj))))
		return;
	draft_begin(&d, run, obj, "service", "service");
	if (!s->ignore_hostname_annotation) {
		add_annotated(&d, ANNOTATION_HOSTNAME, false);
		add_annotated(&d, ANNOTATION_INTERNAL_HOSTNAME, true);
	}
	if (d.list.n == 0 && *s->compatibility)
		service_add_compatible(&d);
	draft_add_templated(&d, add_templated_name, NULL);
	draft_emit(&d);
}

static bool counts(const struct source_settings *s, const char *type)
{
	return s->service_types.n == 0 || strv_has(&s->service_types, type);
}

/* Pods and nodes are many: they are watched only for the types that need them. */
static bool reads(const struct source_settings *s, enum kind_id kind)
{
	if (kind == KIND_ENDPOINT_SLICE)
		return counts(s, "ClusterIP");
	return counts(s, "ClusterIP") || counts(s, "NodePort");
}

const struct source_ops source_service = {
	.name = "service",
	.primary = primary,
	.also = also,
	.collect = collect,
	.reads = reads,
};

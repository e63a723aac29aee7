/*
 * source_gloo_proxy - Proxies of Gloo: domains of their virtual hosts.  Annotations count on the
 * VirtualServices that a virtual host was made of; targets come from the Proxy's target annotation,
 * from its Gateways (annotation target, or the Ingress that annotation ingress names), else from
 * the LoadBalancer Service that is called as the Proxy.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/istio.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

static const enum kind_id primary[] = { KIND_GLOO_PROXY, KIND_COUNT };
static const enum kind_id also[] = { KIND_GLOO_VIRTUAL_SERVICE, KIND_GLOO_GATEWAY, KIND_INGRESS,
				     KIND_SERVICE, KIND_COUNT };

/* The object that an entry of metadataStatic.sources names, if it is of KIND. */
static const struct object *static_source(struct source_run *run, const cJSON *source,
					  const char *type, enum kind_id kind)
{
	const char *have = json_text(source, "resourceKind");
	const char *name = json_text(source, "resourceRef.name");

	if (have == NULL || name == NULL || strcmp(have, type) != 0)
		return NULL;
	return source_get(run, kind, json_text(source, "resourceRef.namespace"), name);
}

static void gateway_targets(struct source_run *run, const struct object *gateway, struct strv *v)
{
	const struct annotation_prefixes *p = &source_settings(run)->prefixes;
	const char *ingress = annotation_get(p, gateway, ANNOTATION_INGRESS);
	const struct object *named;

	annotation_targets(p, gateway, v);
	if (v->n || ingress == NULL || *ingress == '\0')
		return;
	named = istio_find_named(run, gateway, KIND_INGRESS, ingress);
	if (named)
		draft_load_balancer_targets(named, true, v);
}

static void targets_of_gateways(struct source_run *run, const struct object *proxy, struct strv *v)
{
	const cJSON *listener = NULL, *it = NULL;

	cJSON_ArrayForEach(listener, json_get(object_spec(proxy), "listeners"))
		cJSON_ArrayForEach(it, json_get(listener, "metadataStatic.sources")) {
			const struct object *gateway =
				static_source(run, it, "*v1.Gateway", KIND_GLOO_GATEWAY);
			struct strv own = { 0 };

			if (gateway)
				gateway_targets(run, gateway, &own);
			for (size_t i = 0; i < own.n; i++)
				(void)strv_add_unique(v, own.s[i]);
			strv_fini(&own);
		}
}

static void targets_of_service(struct source_run *run, const struct object *proxy, struct strv *v)
{
	const struct object *svc = source_get(run, KIND_SERVICE, proxy->namespace, proxy->name);
	const char *type = svc ? json_text(object_spec(svc), "type") : NULL;

	if (type && strcmp(type, "LoadBalancer") == 0)
		draft_load_balancer_targets(svc, false, v);
	else
		source_error(run, proxy, "ServiceNotFound",
			     "there is no LoadBalancer Service %s/%s", proxy->namespace,
			     proxy->name);
}

/* Annotations of the VirtualServices behind VHOST. */
static void read_annotations(struct draft *d, const cJSON *vhost)
{
	const cJSON *it = NULL;
	const struct object *from;

	draft_no_annotations(d);
	cJSON_ArrayForEach(it, json_get(vhost, "metadata.sources")) {
		const char *kind = json_text(it, "kind"), *name = json_text(it, "name");

		if (kind == NULL || name == NULL || strcmp(kind, "*v1.VirtualService") != 0)
			continue;
		from = source_get(d->run, KIND_GLOO_VIRTUAL_SERVICE, json_text(it, "namespace"),
				  name);
		if (from)
			draft_add_annotations(d, from);
	}
	cJSON_ArrayForEach(it, json_get(vhost, "metadataStatic.sources")) {
		from = static_source(d->run, it, "*v1.VirtualService", KIND_GLOO_VIRTUAL_SERVICE);
		if (from)
			draft_add_annotations(d, from);
	}
}

static void add_virtual_hosts(struct draft *d, const struct strv *targets)
{
	const cJSON *listener = NULL, *vhost = NULL;

	cJSON_ArrayForEach(listener, json_get(object_spec(d->obj), "listeners"))
		cJSON_ArrayForEach(vhost, json_get(listener, "httpListener.virtualHosts")) {
			struct strv names = { 0 };

			read_annotations(d, vhost);
			json_strings(vhost, "domains", &names);
			for (size_t i = 0; i < names.n; i++)
				if (strcmp(names.s[i], "*") != 0) /* whatever host: no name */
					draft_add(d, names.s[i], targets);
			strv_fini(&names);
		}
	draft_no_annotations(d);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv targets = { 0 };
	struct draft d;

	if (!source_filter_passes_in(s, &s->gloo_namespaces, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		targets_of_gateways(run, obj, &targets);
	if (targets.n == 0)
		targets_of_service(run, obj, &targets);
	draft_begin(&d, run, obj, "gloo-proxy", "proxy");
	add_virtual_hosts(&d, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&targets);
}

const struct source_ops source_gloo_proxy = {
	.name = "gloo-proxy",
	.primary = primary,
	.also = also,
	.collect = collect,
};

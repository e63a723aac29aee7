#include "k8s/istio.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

const enum kind_id istio_gateway_also[] = { KIND_SERVICE, KIND_INGRESS, KIND_GATEWAY, KIND_COUNT };

struct service_search {
	const cJSON *selector; /* the Gateway's */
	struct strv *targets;
};

/* Every pair of the Gateway's selector is in the Service's. */
static bool selector_holds(const cJSON *service, const cJSON *gateway)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, gateway) {
		const char *v = json_member(service, it->string);

		if (v == NULL || !cJSON_IsString(it) || strcmp(v, it->valuestring) != 0)
			return false;
	}
	return true;
}

static void add_service(void *ctx, const struct object *svc)
{
	struct service_search *s = ctx;
	size_t before = s->targets->n;

	if (!selector_holds(json_get(object_spec(svc), "selector"), s->selector))
		return;
	json_strings(object_spec(svc), "externalIPs", s->targets);
	if (s->targets->n == before)
		draft_load_balancer_targets(svc, true, s->targets);
}

const struct object *istio_find_named(struct source_run *run, const struct object *obj,
				      enum kind_id kind, const char *text)
{
	const char *slash = strchr(text, '/');
	char *namespace =
		slash ? mem_strndup(text, (size_t)(slash - text)) : mem_strdup(obj->namespace);
	const struct object *found = NULL;

	if (slash && strchr(slash + 1, '/'))
		source_error(run, obj, "InvalidAnnotation",
			     "\"%s\" is neither name nor namespace/name", text);
	else
		found = source_get(run, kind, namespace, slash ? slash + 1 : text);
	free(namespace);
	return found;
}

static void gateway_addresses(const struct object *gateway, struct strv *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(gateway), "addresses"))
		if (json_text(it, "value"))
			strv_add(v, json_text(it, "value"));
}

static void service_targets(struct source_run *run, const struct object *gateway, struct strv *v)
{
	const struct strv *namespaces = &source_settings(run)->namespaces;
	struct service_search s = { json_get(object_spec(gateway), "selector"), v };

	if (namespaces->n == 0)
		source_each(run, KIND_SERVICE, NULL, add_service, &s);
	for (size_t i = 0; i < namespaces->n; i++)
		source_each(run, KIND_SERVICE, namespaces->s[i], add_service, &s);
}

void istio_gateway_targets(struct source_run *run, const struct object *gateway, struct strv *v)
{
	const struct annotation_prefixes *p = &source_settings(run)->prefixes;
	const char *ingress = annotation_get(p, gateway, ANNOTATION_INGRESS);
	const char *api = annotation_get(p, gateway, ANNOTATION_GATEWAY);
	const struct object *named;

	annotation_targets(p, gateway, v);
	if (v->n)
		return;
	if (ingress && *ingress) {
		named = istio_find_named(run, gateway, KIND_INGRESS, ingress);
		if (named)
			draft_load_balancer_targets(named, true, v);
	} else if (api && *api) {
		named = istio_find_named(run, gateway, KIND_GATEWAY, api);
		if (named)
			gateway_addresses(named, v);
	} else {
		service_targets(run, gateway, v);
	}
}

const char *istio_host_name(const char *host)
{
	const char *slash = strchr(host, '/');

	return slash && strchr(slash + 1, '/') == NULL ? slash + 1 : host;
}

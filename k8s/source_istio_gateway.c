/* source_istio_gateway - Gateways of Istio: hosts of their servers.  Control thread. */
#include <stdlib.h>
#include <string.h>

#include "k8s/fqdn_template.h"
#include "k8s/istio.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_ISTIO_GATEWAY, KIND_COUNT };

static void add_hosts(const struct object *gateway, struct strv *names)
{
	const cJSON *server = NULL, *it = NULL;

	cJSON_ArrayForEach(server, json_get(object_spec(gateway), "servers"))
		cJSON_ArrayForEach(it, json_get(server, "hosts")) {
			const char *host = cJSON_GetStringValue(it);

			if (host && *host && strcmp(istio_host_name(host), "*") != 0)
				strv_add(names, istio_host_name(host));
		}
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	add_hosts(obj, &names);
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	istio_gateway_targets(run, obj, &targets);
	draft_begin(&d, run, obj, "istio-gateway", "gateway");
	draft_add_names(&d, &names, &targets);
	if (names.n == 0 || fqdn_template_combines(s->templates))
		draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_istio_gateway = {
	.name = "istio-gateway",
	.primary = primary,
	.also = istio_gateway_also,
	.collect = collect,
};

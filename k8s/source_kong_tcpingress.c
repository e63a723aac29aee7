/* source_kong_tcpingress - TCPIngresses of Kong: hosts of their rules.  Control thread. */
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_TCP_INGRESS, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 };
	const cJSON *it = NULL;
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		draft_load_balancer_targets(obj, false, &targets);
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	cJSON_ArrayForEach(it, json_get(object_spec(obj), "rules"))
		if (json_text(it, "host"))
			strv_add(&names, json_text(it, "host"));
	draft_begin(&d, run, obj, "kong-tcpingress", "tcpingress");
	draft_add_names(&d, &names, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_kong_tcpingress = {
	.name = "kong-tcpingress",
	.primary = primary,
	.also = also,
	.collect = collect,
};

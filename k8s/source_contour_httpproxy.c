/* source_contour_httpproxy - HTTPProxies of Contour that are valid: spec.virtualhost.fqdn.  Control
 * thread. */
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

static const enum kind_id primary[] = { KIND_HTTP_PROXY, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	const char *state = json_text(object_status(obj), "currentStatus");
	const char *fqdn = json_text(object_spec(obj), "virtualhost.fqdn");
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		draft_load_balancer_targets(obj, false, &targets);
	draft_begin(&d, run, obj, "contour-httpproxy", "HTTPProxy");
	if (state && strcmp(state, "valid") == 0) {
		if (fqdn)
			strv_add(&names, fqdn);
		if (!s->ignore_hostname_annotation)
			annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
		draft_add_names(&d, &names, &targets);
	}
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_contour_httpproxy = {
	.name = "contour-httpproxy",
	.primary = primary,
	.also = also,
	.collect = collect,
};

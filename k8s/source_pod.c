/*
 * source_pod - pods: hostname gives the node's addresses, internal-hostname the pod's own.
 * The endpoints have no resource label, as in ExternalDNS.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

#define KOPS_EXTERNAL "dns.alpha.kubernetes.io/external"
#define KOPS_INTERNAL "dns.alpha.kubernetes.io/internal"

static const enum kind_id primary[] = { KIND_POD, KIND_COUNT };
static const enum kind_id also[] = { KIND_NODE, KIND_COUNT };

/* What names of a pod may point to. */
struct pod_targets {
	struct strv annotated; /* in place of the two below */
	struct strv own, node;
	struct strv all_own; /* both families, for templates */
};

static void find_targets(struct source_run *run, const struct object *pod, struct pod_targets *t)
{
	const char *ip = json_text(object_status(pod), "podIP");
	const char *name = json_text(object_spec(pod), "nodeName");
	const struct object *node = name ? source_get(run, KIND_NODE, "", name) : NULL;
	const cJSON *it = NULL;

	annotation_targets(&source_settings(run)->prefixes, pod, &t->annotated);
	if (ip && *ip)
		strv_add(&t->own, ip);
	cJSON_ArrayForEach(it, json_get(object_status(pod), "podIPs"))
		if (json_text(it, "ip"))
			strv_add(&t->all_own, json_text(it, "ip"));
	if (node) { /* IPv6 addresses are called internal although they can be reached from outside
		     */
		node_addresses(node, "ExternalIP", false, &t->node);
		node_addresses(node, "InternalIP", true, &t->node);
	}
}

static void add_list(struct draft *d, const char *names, const struct strv *targets)
{
	struct strv v = { 0 };

	if (names == NULL)
		return;
	annotation_split(names, &v);
	draft_add_names(d, &v, targets);
	strv_fini(&v);
}

static void add_names(struct draft *d, const struct pod_targets *t)
{
	const struct annotation_prefixes *p = &d->settings->prefixes;
	bool annotated = t->annotated.n > 0;

	add_list(d, annotation_get(p, d->obj, ANNOTATION_INTERNAL_HOSTNAME),
		 annotated ? &t->annotated : &t->own);
	add_list(d, annotation_get(p, d->obj, ANNOTATION_HOSTNAME),
		 annotated ? &t->annotated : &t->node);
	if (strcmp(d->settings->compatibility, "kops-dns-controller") == 0) {
		add_list(d, object_annotation(d->obj, KOPS_INTERNAL), &t->own);
		add_list(d, object_annotation(d->obj, KOPS_EXTERNAL), &t->node);
	}
	if (*d->settings->pod_source_domain) {
		char *name = mem_printf("%s.%s", d->obj->name, d->settings->pod_source_domain);

		draft_add(d, name, annotated ? &t->annotated : &t->own);
		free(name);
	}
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct pod_targets t = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	find_targets(run, obj, &t);
	draft_begin(&d, run, obj, "pod", NULL);
	draft_drop_properties(&d);
	if (!s->ignore_non_host_network_pods || json_bool(object_spec(obj), "hostNetwork", false))
		add_names(&d, &t);
	draft_add_templated(&d, draft_add_name_with_targets, &t.all_own);
	draft_emit(&d);
	strv_fini(&t.annotated);
	strv_fini(&t.own);
	strv_fini(&t.node);
	strv_fini(&t.all_own);
}

const struct source_ops source_pod = {
	.name = "pod",
	.primary = primary,
	.also = also,
	.collect = collect,
};

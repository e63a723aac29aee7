/* source_node - nodes, by their own names or the template's.  Control thread. */
#include <stdlib.h>

#include "k8s/draft.h"
#include "k8s/fqdn_template.h"
#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"

static const enum kind_id primary[] = { KIND_NODE, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

static void node_targets(const struct source_settings *s, const struct object *node,
			 struct strv *targets)
{
	annotation_targets(&s->prefixes, node, targets);
	if (targets->n)
		return;
	node_addresses(node, "ExternalIP", false, targets);
	if (targets->n == 0)
		node_addresses(node, "InternalIP", false, targets);
	else if (s->expose_internal_ipv6)
		node_addresses(node, "InternalIP", true, targets);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	bool own_name =
		!fqdn_template_has_names(s->templates) && !fqdn_template_has_pairs(s->templates);
	struct strv targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj) || !node_counts(s, obj))
		return;
	node_targets(s, obj, &targets);
	if (targets.n == 0)
		source_error(run, obj, "NoAddress",
			     "the node has neither ExternalIP nor InternalIP");
	draft_begin(&d, run, obj, "node", "node");
	draft_drop_properties(&d);
	if (own_name || fqdn_template_combines(s->templates))
		draft_add(&d, obj->name, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&targets);
}

const struct source_ops source_node = {
	.name = "node",
	.primary = primary,
	.also = also,
	.collect = collect,
};

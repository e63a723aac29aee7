/*
 * source_unstructured - objects of any kind (--unstructured-resource), by the annotations
 * hostname and target or, the reason for it, by templates over their fields.  Control thread.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/fqdn_template.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/mem.h"

static const enum kind_id also[] = { KIND_COUNT };

static char *resource_of(const struct object *obj)
{
	char *kind = mem_strdup(kinds[obj->kind].name);

	for (char *c = kind; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return kind;
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 }, templated = { 0 };
	char *resource, *why = NULL;
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	resource = resource_of(obj);
	draft_begin(&d, run, obj, "unstructured", resource);
	draft_drop_properties(&d);
	annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	annotation_targets(&s->prefixes, obj, &targets);
	draft_add_names(&d, &names, &targets);
	if (fqdn_template_targets(s->templates, obj, "unstructured", &templated, &why) < 0)
		draft_template_failed(&d, why);
	draft_add_templated(&d, draft_add_name_with_targets, &templated);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
	strv_fini(&templated);
	free(resource);
}

const struct source_ops source_unstructured = {
	.name = "unstructured",
	.primary = kind_unstructured,
	.also = also,
	.collect = collect,
};

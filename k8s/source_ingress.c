/*
 * source_ingress - names of Ingresses: spec.rules, spec.tls, the hostname annotation; targets
 * from status.loadBalancer or the target annotation.  Control thread.
 */
#include <stdlib.h>
#include <strings.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"

static const enum kind_id primary[] = { KIND_INGRESS, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

/* spec.ingressClassName counts when it is there; the annotation only when it is not. */
static bool class_matches(const struct source_settings *s, const struct object *obj)
{
	const char *class = json_text(object_spec(obj), "ingressClassName");

	if (s->ingress_classes.n == 0)
		return true;
	if (class == NULL || *class == '\0')
		class = object_annotation(obj, CLASS_ANNOTATION);
	return class && strv_has(&s->ingress_classes, class);
}

static void add_text(struct strv *names, const char *name)
{
	if (name && *name)
		strv_add(names, name);
}

static void defined_names(const struct source_settings *s, const struct object *obj,
			  struct strv *names)
{
	const cJSON *spec = object_spec(obj), *it = NULL;

	if (!s->ignore_ingress_rules_spec)
		cJSON_ArrayForEach(it, json_get(spec, "rules"))
			add_text(names, json_text(it, "host"));
	if (!s->ignore_ingress_tls_spec)
		cJSON_ArrayForEach(it, json_get(spec, "tls"))
			json_strings(it, "hosts", names);
}

/* Which of the two origins count; any value but the two known ones takes all names away. */
static void choose_names(const struct source_settings *s, const struct object *obj,
			 struct strv *names)
{
	const char *from = annotation_get(&s->prefixes, obj, ANNOTATION_INGRESS_HOSTNAME_SOURCE);

	if (from == NULL || strcasecmp(from, "defined-hosts-only") == 0)
		defined_names(s, obj, names);
	if ((from == NULL || strcasecmp(from, "annotation-only") == 0) &&
	    !s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, names);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj) || !class_matches(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0)
		draft_load_balancer_targets(obj, false, &targets);
	choose_names(s, obj, &names);
	draft_begin(&d, run, obj, "ingress", "ingress");
	draft_add_names(&d, &names, &targets);
	draft_add_templated(&d, draft_add_name_with_targets, &targets);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_ingress = {
	.name = "ingress",
	.primary = primary,
	.also = also,
	.collect = collect,
};

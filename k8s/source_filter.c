#include "k8s/source_filter.h"

#include "k8s/selector.h"
#include "k8s/source_settings.h"

struct lookup {
	const struct source_settings *settings;
	const struct object *obj;
};

static const char *get_annotation(const void *ctx, const char *key)
{
	const struct lookup *l = ctx;

	return annotation_lookup(&l->settings->prefixes, l->obj, key);
}

static const char *get_label(const void *ctx, const char *key)
{
	const struct lookup *l = ctx;

	return object_label(l->obj, key);
}

bool source_filter_passes_in(const struct source_settings *s, const struct strv *namespaces,
			     const struct object *obj)
{
	struct lookup l = { s, obj };

	if (namespaces->n && *obj->namespace && !strv_has(namespaces, obj->namespace))
		return false;
	return selector_matches(s->label_filter, get_label, &l) &&
	       selector_matches(s->annotation_filter, get_annotation, &l) &&
	       annotation_is_ours(&s->prefixes, obj);
}

bool source_filter_passes(const struct source_settings *s, const struct object *obj)
{
	return source_filter_passes_in(s, &s->namespaces, obj);
}

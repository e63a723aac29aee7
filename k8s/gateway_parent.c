#include "k8s/gateway_parent.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/selector.h"
#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/json.h"

#define GATEWAY_GROUP "gateway.networking.k8s.io"

/* A parentRef with its defaults filled in. */
struct parent_ref {
	const char *group, *kind, *namespace, *name;
};

static const char *text_or(const cJSON *o, const char *path, const char *def)
{
	const char *v = json_text(o, path);

	return v && *v ? v : def;
}

static struct parent_ref read_ref(const cJSON *ref, const struct object *route)
{
	return (struct parent_ref){
		.group = text_or(ref, "group", GATEWAY_GROUP),
		.kind = text_or(ref, "kind", "Gateway"),
		.namespace = text_or(ref, "namespace", route->namespace),
		.name = text_or(ref, "name", ""),
	};
}

/* The controller may have left a parent in status that the spec no longer has. */
static bool is_in_spec(const struct object *route, const struct parent_ref *want)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_spec(route), "parentRefs")) {
		struct parent_ref r = read_ref(it, route);

		if (strcmp(r.group, want->group) == 0 && strcmp(r.kind, want->kind) == 0 &&
		    strcmp(r.namespace, want->namespace) == 0 && strcmp(r.name, want->name) == 0)
			return true;
	}
	return false;
}

static bool condition_is_true(const cJSON *conditions, const char *type)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, conditions)
		if (strcmp(text_or(it, "type", ""), type) == 0)
			return strcmp(text_or(it, "status", ""), "True") == 0;
	return false;
}

static bool gateway_passes(const struct source_settings *s, const struct object *gateway)
{
	return (*s->gateway_name == '\0' || strcmp(s->gateway_name, gateway->name) == 0) &&
	       (*s->gateway_namespace == '\0' ||
		strcmp(s->gateway_namespace, gateway->namespace) == 0) &&
	       selector_matches_json(s->gateway_label_filter,
				     json_get(gateway->json, "metadata.labels")) &&
	       annotation_is_ours(&s->prefixes, gateway);
}

/* NAMESPACES is {from, selector}; FROM what it is when it says nothing. */
static bool namespace_allowed(struct draft *d, const cJSON *namespaces, const char *from,
			      const char *owner, const char *namespace)
{
	const struct object *ns;
	const cJSON *selector = json_get(namespaces, "selector");

	from = text_or(namespaces, "from", from);
	if (strcmp(from, "All") == 0)
		return true;
	if (strcmp(from, "Same") == 0)
		return strcmp(owner, namespace) == 0;
	if (strcmp(from, "Selector") != 0 || selector == NULL)
		return false;
	ns = source_get(d->run, KIND_NAMESPACE, "", namespace);
	return ns && object_matches_label_selector(selector, json_get(ns->json, "metadata.labels"));
}

/* The Gateway that a ListenerSet hangs on, if both agree. */
static const struct object *gateway_of_set(struct draft *d, const struct object *set)
{
	const cJSON *ref = json_get(object_spec(set), "parentRef");
	const char *namespace = text_or(ref, "namespace", set->namespace);
	const struct object *gateway =
		source_get(d->run, KIND_GATEWAY, namespace, text_or(ref, "name", ""));

	if (gateway == NULL ||
	    !namespace_allowed(d, json_get(object_spec(gateway), "allowedListeners.namespaces"),
			       "None", gateway->namespace, set->namespace) ||
	    !condition_is_true(json_get(object_status(set), "conditions"), "Accepted") ||
	    !annotation_is_ours(&d->settings->prefixes, set))
		return NULL;
	return gateway;
}

static bool find_parent(struct draft *d, const struct parent_ref *ref, struct gateway_parent *p)
{
	if (strcmp(ref->group, GATEWAY_GROUP) != 0)
		return false;
	if (strcmp(ref->kind, "Gateway") == 0) {
		p->owner = source_get(d->run, KIND_GATEWAY, ref->namespace, ref->name);
		p->gateway = p->owner;
	} else if (strcmp(ref->kind, "ListenerSet") == 0 && d->settings->gateway_listener_sets) {
		p->owner = source_get(d->run, KIND_LISTENER_SET, ref->namespace, ref->name);
		p->gateway = p->owner ? gateway_of_set(d, p->owner) : NULL;
	}
	return p->gateway && gateway_passes(d->settings, p->gateway);
}

static void fill_targets(struct gateway_parent *p)
{
	const struct annotation_prefixes *prefixes = &p->d->settings->prefixes;
	const cJSON *it = NULL;

	annotation_targets(prefixes, p->owner, &p->targets);
	if (p->targets.n == 0 && p->owner != p->gateway)
		annotation_targets(prefixes, p->gateway, &p->targets);
	if (p->targets.n)
		return;
	cJSON_ArrayForEach(it, json_get(object_status(p->gateway), "addresses")) {
		const char *value = json_text(it, "value");

		if (value && *value)
			strv_add(&p->targets, value);
	}
}

/* A listener of a ListenerSet has a status of its own. */
static bool listener_is_accepted(const struct gateway_parent *p, const char *name)
{
	const cJSON *it = NULL;

	if (p->owner == p->gateway)
		return true;
	cJSON_ArrayForEach(it, json_get(object_status(p->owner), "listeners"))
		if (strcmp(text_or(it, "name", ""), name) == 0)
			return condition_is_true(json_get(it, "conditions"), "Accepted");
	return false;
}

void gateway_parent_each_listener(struct draft *d, const cJSON *status,
				  void (*cb)(void *ctx, const struct gateway_parent *parent,
					     const cJSON *listener),
				  void *ctx)
{
	const cJSON *json = json_get(status, "parentRef"), *it = NULL;
	struct parent_ref ref = read_ref(json, d->obj);
	const char *section = text_or(json, "sectionName", "");
	int64_t port = json_number(json, "port", -1);
	struct gateway_parent p = { .d = d };

	if (!is_in_spec(d->obj, &ref) || !find_parent(d, &ref, &p) ||
	    !condition_is_true(json_get(status, "conditions"), "Accepted"))
		return;
	fill_targets(&p);
	cJSON_ArrayForEach(it, json_get(object_spec(p.owner), "listeners")) {
		const char *name = text_or(it, "name", "");

		if ((*section && strcmp(section, name) != 0) ||
		    (port >= 0 && port != json_number(it, "port", 0)) ||
		    !listener_is_accepted(&p, name))
			continue;
		cb(ctx, &p, it);
	}
	strv_fini(&p.targets);
}

bool gateway_parent_allows(const struct gateway_parent *p, const cJSON *listener,
			   const struct object *route, const char *kind)
{
	const cJSON *allowed = json_get(listener, "allowedRoutes"), *it = NULL;
	const cJSON *allowed_kinds = json_get(allowed, "kinds");

	if (!namespace_allowed(p->d, json_get(allowed, "namespaces"), "Same", p->owner->namespace,
			       route->namespace))
		return false;
	if (cJSON_GetArraySize(allowed_kinds) == 0)
		return true;
	cJSON_ArrayForEach(it, allowed_kinds)
		if (strcmp(text_or(it, "group", GATEWAY_GROUP), GATEWAY_GROUP) == 0 &&
		    strcmp(text_or(it, "kind", ""), kind) == 0)
			return true;
	return false;
}

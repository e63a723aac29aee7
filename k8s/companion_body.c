#include "k8s/companion_body.h"

#include <stdlib.h>
#include <string.h>

#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/mem.h"

#define MANAGED_LABEL "app.k8gb.io/managed-by"

static bool says_something(const cJSON *o)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, o)
		if (!cJSON_IsNull(it))
			return true;
	return false;
}

bool companion_is_embedded(const struct object *gslb)
{
	return !says_something(json_get(object_spec(gslb), "resourceRef")) &&
	       says_something(json_get(object_spec(gslb), "ingress"));
}

/* --- parts ---------------------------------------------------------------------------- */

static cJSON *new_object(const char *api_version, const char *kind, const char *namespace,
			 const char *name)
{
	cJSON *doc = cJSON_CreateObject(), *meta;

	(void)cJSON_AddStringToObject(doc, "apiVersion", api_version);
	(void)cJSON_AddStringToObject(doc, "kind", kind);
	meta = cJSON_AddObjectToObject(doc, "metadata");
	(void)cJSON_AddStringToObject(meta, "name", name);
	if (namespace && *namespace)
		(void)cJSON_AddStringToObject(meta, "namespace", namespace);
	return doc;
}

static void copy_annotations(cJSON *doc, const struct object *from)
{
	const cJSON *a = json_get(from->json, "metadata.annotations");

	if (says_something(a))
		(void)cJSON_AddItemToObject(json_get(doc, "metadata"), "annotations",
					    cJSON_Duplicate(a, true));
}

static void add_owner(cJSON *doc, const struct object *owner, const char *api_version)
{
	cJSON *list = cJSON_AddArrayToObject(json_get(doc, "metadata"), "ownerReferences");
	cJSON *ref = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(ref, "apiVersion", api_version);
	(void)cJSON_AddStringToObject(ref, "kind", kinds[owner->kind].name);
	(void)cJSON_AddStringToObject(ref, "name", owner->name);
	(void)cJSON_AddStringToObject(ref, "uid", owner->uid);
	(void)cJSON_AddBoolToObject(ref, "controller", true);
	(void)cJSON_AddBoolToObject(ref, "blockOwnerDeletion", true);
	(void)cJSON_AddItemToArray(list, ref);
}

/* k8gb's subset of IngressSpec names the default backend by its old name. */
static cJSON *ingress_spec(const cJSON *own)
{
	cJSON *spec = cJSON_CreateObject();
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, own)
		if (!cJSON_IsNull(it))
			(void)cJSON_AddItemToObject(
				spec,
				strcmp(it->string, "backend") == 0 ? "defaultBackend" : it->string,
				cJSON_Duplicate(it, true));
	return spec;
}

static void refer_to_ingress(cJSON *spec, const char *name)
{
	cJSON *ref;

	cJSON_DeleteItemFromObjectCaseSensitive(spec, "ingress");
	cJSON_DeleteItemFromObjectCaseSensitive(spec, "resourceRef");
	ref = cJSON_AddObjectToObject(spec, "resourceRef");
	(void)cJSON_AddStringToObject(ref, "apiVersion", "networking.k8s.io/v1");
	(void)cJSON_AddStringToObject(ref, "kind", "Ingress");
	(void)cJSON_AddStringToObject(ref, "name", name);
}

/* --- objects -------------------------------------------------------------------------- */

cJSON *companion_ingress(const struct object *gslb, const char *api_version)
{
	cJSON *doc = new_object("networking.k8s.io/v1", "Ingress", gslb->namespace, gslb->name);

	copy_annotations(doc, gslb);
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(json_get(doc, "metadata"), "labels"),
				      MANAGED_LABEL, "gslb");
	add_owner(doc, gslb, api_version);
	(void)cJSON_AddItemToObject(doc, "spec",
				    ingress_spec(json_get(object_spec(gslb), "ingress")));
	return doc;
}

cJSON *companion_gslb(const struct object *ingress, const char *api_version)
{
	cJSON *doc = new_object(api_version, "Gslb", ingress->namespace, ingress->name);
	cJSON *spec = cJSON_AddObjectToObject(doc, "spec"), *strategy;
	const char *tag = object_annotation(ingress, "k8gb.io/primary-geotag");
	const char *ttl = object_annotation(ingress, "k8gb.io/dns-ttl-seconds");

	copy_annotations(doc, ingress);
	add_owner(doc, ingress, "networking.k8s.io/v1");
	refer_to_ingress(spec, ingress->name);
	strategy = cJSON_AddObjectToObject(spec, "strategy");
	(void)cJSON_AddStringToObject(strategy, "type",
				      object_annotation(ingress, COMPANION_STRATEGY));
	if (tag && *tag)
		(void)cJSON_AddStringToObject(strategy, "primaryGeoTag", tag);
	if (ttl && strtol(ttl, NULL, 10) > 0)
		(void)cJSON_AddNumberToObject(strategy, "dnsTtlSeconds",
					      (double)strtol(ttl, NULL, 10));
	return doc;
}

cJSON *companion_twin(const struct object *legacy, const char *api_version)
{
	cJSON *doc = new_object(api_version, "Gslb", legacy->namespace, legacy->name);
	cJSON *spec = object_spec(legacy) ? cJSON_Duplicate(object_spec(legacy), true)
					  : cJSON_CreateObject();

	copy_annotations(doc, legacy);
	if (companion_is_embedded(legacy))
		refer_to_ingress(spec, legacy->name);
	(void)cJSON_AddItemToObject(doc, "spec", spec);
	return doc;
}

char *companion_zone_name(const char *zone)
{
	char *name = mem_strdup(zone);

	for (char *p = name; *p; p++)
		if (*p == '.' || *p == '_')
			*p = '-';
	return name;
}

cJSON *companion_zone(const struct zone_decl *z, const char *api_version)
{
	char *name = companion_zone_name(z->load_balanced_zone);
	cJSON *doc = new_object(api_version, "ZoneDelegation", NULL, name), *spec, *list;

	list = cJSON_AddArrayToObject(json_get(doc, "metadata"), "finalizers");
	(void)cJSON_AddItemToArray(list, cJSON_CreateString(COMPANION_FINALIZER));
	spec = cJSON_AddObjectToObject(doc, "spec");
	(void)cJSON_AddStringToObject(spec, "loadBalancedZone", z->load_balanced_zone);
	(void)cJSON_AddStringToObject(spec, "parentZone", z->parent_zone);
	(void)cJSON_AddNumberToObject(spec, "dnsZoneNegTTL", z->neg_ttl_s);
	free(name);
	return doc;
}

/* --- patches -------------------------------------------------------------------------- */

/* Takes VALUE: metadata.NAME of O becomes that, unless O changed meanwhile. */
static char *meta_patch(const struct object *o, const char *name, cJSON *value)
{
	cJSON *doc = cJSON_CreateObject(), *meta = cJSON_AddObjectToObject(doc, "metadata");

	(void)cJSON_AddStringToObject(meta, "resourceVersion", o->resource_version);
	(void)cJSON_AddItemToObject(meta, name, value);
	char *text = json_print(doc);
	cJSON_Delete(doc);
	return text;
}

char *companion_set_finalizer(const struct object *o, const char *finalizer, bool present)
{
	struct strv list = { 0 };
	char *text = NULL;

	json_strings(o->json, "metadata.finalizers", &list);
	bool is_there = strv_has(&list, finalizer);
	if (is_there != present) {
		if (present)
			strv_add(&list, finalizer);
		for (size_t i = 0; !present && i < list.n; i++)
			if (strcmp(list.s[i], finalizer) == 0)
				strv_remove(&list, i--);
		text = meta_patch(o, "finalizers", json_from_strv(&list));
	}
	strv_fini(&list);
	return text;
}

char *companion_drop_owner(const struct object *o, const char *uid)
{
	cJSON *rest = cJSON_CreateArray();
	const cJSON *it = NULL;
	bool dropped = false;

	cJSON_ArrayForEach(it, json_get(o->json, "metadata.ownerReferences")) {
		const char *u = json_text(it, "uid");

		if (u && strcmp(u, uid) == 0)
			dropped = true;
		else
			(void)cJSON_AddItemToArray(rest, cJSON_Duplicate(it, true));
	}
	if (dropped)
		return meta_patch(o, "ownerReferences", rest);
	cJSON_Delete(rest);
	return NULL;
}

char *companion_set_label(const struct object *o, const char *label, const char *value)
{
	const char *have = object_label(o, label);
	cJSON *labels;

	if (have && strcmp(have, value) == 0)
		return NULL;
	labels = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(labels, label, value);
	return meta_patch(o, "labels", labels);
}

/* --- comparing ------------------------------------------------------------------------ */

static bool contains_items(const cJSON *have, const cJSON *want)
{
	const cJSON *h = have->child, *w = want->child;

	for (; h && w; h = h->next, w = w->next)
		if (!companion_contains(h, w))
			return false;
	return h == NULL && w == NULL;
}

bool companion_contains(const cJSON *have, const cJSON *want)
{
	const cJSON *it = NULL;

	if (cJSON_IsArray(want))
		return cJSON_IsArray(have) && contains_items(have, want);
	if (!cJSON_IsObject(want))
		return have && json_equal(have, want);
	cJSON_ArrayForEach(it, want)
		if (!companion_contains(cJSON_GetObjectItemCaseSensitive(have, it->string), it))
			return false;
	return cJSON_IsObject(have);
}

bool companion_is_foreign(const struct object *have, const char *uid)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(have->json, "metadata.ownerReferences")) {
		const char *u = json_text(it, "uid");

		if (json_bool(it, "controller", false) && (u == NULL || strcmp(u, uid) != 0))
			return true;
	}
	return false;
}

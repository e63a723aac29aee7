#include "k8s/object.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/selector.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* As the API server has it for path segments; also keeps names out of trouble in logs and URLs. */
static bool is_name(const char *s)
{
	if (s == NULL || *s == '\0' || strlen(s) > 253 || strcmp(s, ".") == 0 ||
	    strcmp(s, "..") == 0)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '/' || *s == '%' || *s == 0x7f)
			return false;
	return true;
}

static void slim(cJSON *meta)
{
	cJSON_DeleteItemFromObjectCaseSensitive(meta, "managedFields");
	cJSON_DeleteItemFromObjectCaseSensitive(
		cJSON_GetObjectItemCaseSensitive(meta, "annotations"), LAST_APPLIED);
}

/* Metadata whose text would surprise every reader if it were of another type. */
static const char *check_meta(const cJSON *meta)
{
	static const char *const maps[] = { "labels", "annotations" };

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++) {
		const cJSON *m = cJSON_GetObjectItemCaseSensitive(meta, maps[i]);
		const cJSON *it = NULL;

		if (m == NULL || cJSON_IsNull(m))
			continue;
		if (!cJSON_IsObject(m))
			return i ? "metadata.annotations: must be an object"
				 : "metadata.labels: must be an object";
		cJSON_ArrayForEach(it, m)
			if (!cJSON_IsString(it))
				return i ? "metadata.annotations: values must be strings"
					 : "metadata.labels: values must be strings";
	}
	return NULL;
}

static const char *text_of(const cJSON *meta, const char *name)
{
	const char *s = json_member(meta, name);

	return s ? s : "";
}

static void fill(struct object *o, cJSON *meta)
{
	const char *created = json_member(meta, "creationTimestamp");

	if (created && clock_from_rfc3339(created, &o->created_s) != 0)
		o->created_s = 0;
	o->name = text_of(meta, "name");
	o->uid = text_of(meta, "uid");
	o->resource_version = text_of(meta, "resourceVersion");
	o->generation = json_number(meta, "generation", 0);
	o->namespace = "";
	if (!kinds[o->kind].namespaced)
		return;
	if (*text_of(meta, "namespace") == '\0') {
		cJSON_DeleteItemFromObjectCaseSensitive(meta, "namespace");
		(void)cJSON_AddStringToObject(meta, "namespace", "default");
	}
	o->namespace = text_of(meta, "namespace");
}

int object_new(cJSON *json, struct object **ret, char **ret_why)
{
	const char *kind = json_member(json, "kind");
	cJSON *meta = cJSON_GetObjectItemCaseSensitive(json, "metadata");
	enum kind_id id = kind_find(json_member(json, "apiVersion"), kind);
	char *why = NULL;

	if (!cJSON_IsObject(json))
		why = mem_strdup("not an object");
	else if (kind == NULL)
		why = mem_strdup("kind: missing");
	else if (json_member(json, "apiVersion") == NULL)
		why = mem_strdup("apiVersion: missing");
	else if (id == KIND_COUNT)
		why = mem_printf("kind %.64s of %.128s is not known", kind,
				 text_of(json, "apiVersion"));
	else if (!cJSON_IsObject(meta))
		why = mem_strdup("metadata: missing");
	else if (!is_name(json_member(meta, "name")))
		why = mem_strdup("metadata.name: missing or not a name");
	else if (*text_of(meta, "namespace") && !is_name(json_member(meta, "namespace")))
		why = mem_strdup("metadata.namespace: not a name");
	else
		why = mem_strdup(check_meta(meta));
	if (why) {
		cJSON_Delete(json);
		*ret_why = why;
		return ERR_INVALID;
	}
	slim(meta);
	struct object *o = MEM_NEW(struct object);
	o->kind = id;
	o->json = json;
	o->refs = 1;
	fill(o, meta);
	*ret = o;
	return 0;
}

/* The count is the one part of a stored object that changes. */
static struct object *mutable(const struct object *o)
{
	union {
		const struct object *from;
		struct object *to;
	} u = { .from = o };

	return u.to;
}

struct object *object_ref(const struct object *o)
{
	mutable(o)->refs++;
	return mutable(o);
}

void object_unref(const struct object *o)
{
	if (o == NULL || --mutable(o)->refs)
		return;
	cJSON_Delete(o->json);
	free(mutable(o));
}

static const char *meta_text(const struct object *o, const char *map, const char *name)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(o->json, "metadata");

	return json_member(cJSON_GetObjectItemCaseSensitive(meta, map), name);
}

const char *object_annotation(const struct object *o, const char *name)
{
	return meta_text(o, "annotations", name);
}

const char *object_label(const struct object *o, const char *name)
{
	return meta_text(o, "labels", name);
}

const cJSON *object_spec(const struct object *o)
{
	return cJSON_GetObjectItemCaseSensitive(o->json, "spec");
}

const cJSON *object_status(const struct object *o)
{
	return cJSON_GetObjectItemCaseSensitive(o->json, "status");
}

bool object_is_deleting(const struct object *o)
{
	return json_text(o->json, "metadata.deletionTimestamp") != NULL;
}

char *object_key(const struct object *o)
{
	if (*o->namespace == '\0')
		return mem_strdup(o->name);
	return mem_printf("%s/%s", o->namespace, o->name);
}

bool object_matches_labels(const struct object *o, const char *text)
{
	struct selector *s = NULL;
	char *why = NULL;

	if (selector_parse(text, &s, &why) != 0) {
		free(why);
		return false;
	}
	bool matches = selector_matches_json(s, json_get(o->json, "metadata.labels"));
	selector_free(s);
	return matches;
}

/* One of matchExpressions; an operator that we do not know holds for nothing. */
static bool expression_holds(const cJSON *e, const cJSON *labels)
{
	const char *key = json_member(e, "key");
	const char *op = json_member(e, "operator");
	const char *label = key ? json_member(labels, key) : NULL;
	struct strv values = { 0 };

	if (key == NULL || op == NULL)
		return false;
	json_strings(e, "values", &values);
	bool in = label && strv_has(&values, label);
	strv_fini(&values);
	if (strcmp(op, "In") == 0)
		return in;
	if (strcmp(op, "NotIn") == 0)
		return !in;
	if (strcmp(op, "Exists") == 0)
		return label != NULL;
	return strcmp(op, "DoesNotExist") == 0 && label == NULL;
}

bool object_matches_label_selector(const cJSON *selector, const cJSON *labels)
{
	const cJSON *it = NULL;

	if (!cJSON_IsObject(selector))
		return false;
	cJSON_ArrayForEach(it, cJSON_GetObjectItemCaseSensitive(selector, "matchLabels")) {
		const char *have = json_member(labels, it->string);

		if (have == NULL || !cJSON_IsString(it) || strcmp(have, it->valuestring) != 0)
			return false;
	}
	cJSON_ArrayForEach(it, cJSON_GetObjectItemCaseSensitive(selector, "matchExpressions"))
		if (!expression_holds(it, labels))
			return false;
	return true;
}

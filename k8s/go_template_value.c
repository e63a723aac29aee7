#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/go_template_tree.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/strv.h"

/* What an object without labels has: an empty map, so that a missing key is still "<no value>". */
static const cJSON empty_object = { .type = cJSON_Object };

int run_fail(struct run *r, const char *fmt, ...)
{
	va_list ap;

	if (r->why)
		return ERR_INVALID;
	va_start(ap, fmt);
	r->why = mem_vprintf(fmt, ap);
	va_end(ap);
	return ERR_INVALID;
}

struct value value_string(const char *s)
{
	return (struct value){ .type = VALUE_STRING, .s = s };
}

struct value value_int(int64_t i)
{
	return (struct value){ .type = VALUE_INT, .i = i };
}

struct value value_bool(bool b)
{
	return (struct value){ .type = VALUE_BOOL, .b = b };
}

struct value value_own(struct run *r, char *s)
{
	r->owned = mem_array(r->owned, r->nowned + 1, sizeof(*r->owned));
	r->owned[r->nowned++] = s;
	return value_string(s);
}

struct value value_from_json(const cJSON *j, bool is_map, bool is_any)
{
	if (cJSON_IsString(j))
		return value_string(j->valuestring);
	if (cJSON_IsBool(j))
		return value_bool(cJSON_IsTrue(j));
	if (cJSON_IsNumber(j)) {
		double d = j->valuedouble;

		if (d == floor(d) && fabs(d) < 9e15)
			return value_int((int64_t)d);
		return (struct value){ .type = VALUE_FLOAT, .f = d };
	}
	if (cJSON_IsArray(j) || cJSON_IsObject(j))
		return (struct value){
			.type = VALUE_JSON, .json = j, .is_map = is_map, .is_any = is_any
		};
	return (struct value){ .type = VALUE_NONE };
}

bool value_is_true(const struct value *v)
{
	switch (v->type) {
	case VALUE_NONE:
	case VALUE_MISSING:
		return false;
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
		return v->i != 0;
	case VALUE_FLOAT:
		return v->f != 0;
	case VALUE_STRING:
		return *v->s != '\0';
	case VALUE_JSON: /* a struct is true even when all its fields are zero */
		return v->json->child != NULL || (cJSON_IsObject(v->json) && !v->is_map);
	}
	return false;
}

const char *value_type_name(const struct value *v)
{
	switch (v->type) {
	case VALUE_NONE:
		return "no value";
	case VALUE_MISSING:
		return "missing field";
	case VALUE_BOOL:
		return "bool";
	case VALUE_INT:
		return "int";
	case VALUE_FLOAT:
		return "float64";
	case VALUE_STRING:
		return "string";
	case VALUE_JSON:
		return cJSON_IsArray(v->json) ? "list" : v->is_map ? "map" : "struct";
	}
	return "?";
}

static int compare_keys(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

/* map[a:1 b:2] with sorted keys, [a b] */
static void print_json(const cJSON *j, struct buf *out)
{
	int n = cJSON_GetArraySize(j), i = 0;
	const cJSON **items = mem_calloc((size_t)n + 1, sizeof(*items));
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, j)
		items[i++] = it;
	if (cJSON_IsObject(j))
		qsort(items, (size_t)n, sizeof(cJSON *), compare_keys);
	buf_puts(out, cJSON_IsObject(j) ? "map[" : "[");
	for (i = 0; i < n; i++) {
		struct value v = value_from_json(items[i], true, true);

		if (i)
			buf_putc(out, ' ');
		if (cJSON_IsObject(j))
			buf_printf(out, "%s:", items[i]->string);
		value_print(&v, out);
	}
	buf_putc(out, ']');
	free(items);
}

void value_print(const struct value *v, struct buf *out)
{
	switch (v->type) {
	case VALUE_NONE:
		buf_puts(out, "<no value>");
		return;
	case VALUE_MISSING:
		return;
	case VALUE_BOOL:
		buf_puts(out, v->b ? "true" : "false");
		return;
	case VALUE_INT:
		buf_printf(out, "%" PRId64, v->i);
		return;
	case VALUE_FLOAT:
		buf_printf(out, "%.15g", v->f);
		return;
	case VALUE_STRING:
		buf_puts(out, v->s);
		return;
	case VALUE_JSON:
		print_json(v->json, out);
		return;
	}
}

/* Go's name of a field in the object, without regard to case: ClusterIP is clusterIP. */
static const cJSON *find_field(const cJSON *o, const char *name)
{
	const cJSON *it = cJSON_GetObjectItemCaseSensitive(o, name);

	if (it)
		return it;
	cJSON_ArrayForEach(it, o)
		if (strcasecmp(it->string, name) == 0)
			return it;
	return NULL;
}

/* Members that Go has as map[string]string; below them keys are data. */
static bool is_map_name(const char *name)
{
	static const char *const names[] = { "labels",      "annotations",  "matchLabels",
					     "selector",    "data",         "stringData",
					     "binaryData",  "nodeSelector", "capacity",
					     "allocatable", "limits",       "requests" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

/* Promoted fields and getters of Kubernetes' metadata. */
static const char *metadata_name(const char *name)
{
	static const char *const names[] = { "Name",
					     "Namespace",
					     "Labels",
					     "Annotations",
					     "UID",
					     "ResourceVersion",
					     "Generation",
					     "GenerateName",
					     "CreationTimestamp",
					     "DeletionTimestamp",
					     "OwnerReferences",
					     "Finalizers",
					     "SelfLink",
					     "DeletionGracePeriodSeconds" };

	if (strncmp(name, "Get", 3) == 0)
		name += 3;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return name;
	return NULL;
}

/* The value of a struct's field: a map that is not there is an empty one. */
static struct value field_of_struct(const cJSON *o, const char *name, bool raw)
{
	const cJSON *j = find_field(o, name);
	bool map = raw || is_map_name(name);

	if (j == NULL || cJSON_IsNull(j)) {
		if (map && !raw)
			return value_from_json(&empty_object, true, false);
		return (struct value){ .type = VALUE_MISSING };
	}
	return value_from_json(j, map, raw);
}

static int root_field(struct run *r, const struct value *v, const char *name, struct value *ret)
{
	const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(v->json, "metadata");
	const char *promoted = metadata_name(name);

	if (promoted) {
		*ret = field_of_struct(metadata, promoted, false);
		return 0;
	}
	if (strcmp(name, "ObjectMeta") == 0 || strcmp(name, "GetObjectMeta") == 0 ||
	    strcmp(name, "Metadata") == 0) {
		bool raw = strcmp(name, "Metadata") == 0;

		*ret = value_from_json(metadata ? metadata : &empty_object, raw, raw);
		return 0;
	}
	if (strcmp(name, "TypeMeta") == 0) {
		*ret = *v;
		return 0;
	}
	if (strcmp(name, "Object") == 0) {
		*ret = value_from_json(v->json, true, true);
		return 0;
	}
	if (!isupper((unsigned char)*name))
		return run_fail(r,
				"can't evaluate field %s: an object's fields begin with a capital "
				"letter",
				name);
	*ret = field_of_struct(v->json, name, r->data->raw);
	/* the unstructured source also knows .Spec.Hostnames for spec.hostnames, one level deep */
	if (r->data->raw && ret->type == VALUE_JSON)
		ret->is_map = false;
	return 0;
}

int value_field(struct run *r, const struct value *v, const char *name, struct value *ret)
{
	if (v->type == VALUE_MISSING) { /* a struct of zero values */
		*ret = *v;
		return 0;
	}
	if (v->type == VALUE_NONE)
		return run_fail(r, "nil pointer evaluating .%s", name);
	if (v->is_root)
		return root_field(r, v, name, ret);
	if (v->type != VALUE_JSON || !cJSON_IsObject(v->json))
		return run_fail(r, "can't evaluate field %s in type %s", name, value_type_name(v));
	if (v->is_map) {
		*ret = value_from_json(cJSON_GetObjectItemCaseSensitive(v->json, name), v->is_any,
				       v->is_any);
		return 0;
	}
	*ret = field_of_struct(v->json, name, v->is_any);
	return 0;
}

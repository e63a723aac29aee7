#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_tree.h"
#include "lib/endpoint.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

int value_want_string(struct run *r, const char *function, const struct value *v, const char **ret)
{
	if (v->type == VALUE_STRING)
		*ret = v->s;
	else if (v->type == VALUE_MISSING)
		*ret = "";
	else
		return run_fail(r, "error calling %s: expected string; found %s", function,
				value_type_name(v));
	return 0;
}

static int want_strings(struct run *r, const char *function, const struct value *args, size_t n,
			const char **ret)
{
	for (size_t i = 0; i < n; i++) {
		int err = value_want_string(r, function, &args[i], &ret[i]);

		if (err < 0)
			return err;
	}
	return 0;
}

static int call_contains(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[2];
	int err = want_strings(r, "contains", args, n, s);

	if (err == 0)
		*ret = value_bool(strstr(s[0], s[1]) != NULL);
	return err;
}

static int call_trim_prefix(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[2];
	int err = want_strings(r, "trimPrefix", args, n, s);

	if (err == 0)
		*ret = value_string(strncmp(s[0], s[1], strlen(s[1])) == 0 ? s[0] + strlen(s[1])
									   : s[0]);
	return err;
}

static int call_trim_suffix(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[2];
	int err = want_strings(r, "trimSuffix", args, n, s);

	if (err < 0)
		return err;
	size_t len = strlen(s[0]), cut = strlen(s[1]);
	if (cut > len || strcmp(s[0] + len - cut, s[1]) != 0)
		cut = 0;
	*ret = value_own(r, mem_strndup(s[0], len - cut));
	return 0;
}

static int call_trim(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "trim", args, n, s);

	if (err < 0)
		return err;
	s[0] += strspn(s[0], " \t\n\v\f\r");
	size_t len = strlen(s[0]);
	while (len && strchr(" \t\n\v\f\r", s[0][len - 1]))
		len--;
	*ret = value_own(r, mem_strndup(s[0], len));
	return 0;
}

static int call_to_lower(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "toLower", args, n, s);

	if (err < 0)
		return err;
	char *low = mem_strdup(s[0]);
	for (char *c = low; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	*ret = value_own(r, low);
	return 0;
}

/* replace OLD NEW TEXT, as sprig has it */
static int call_replace(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	struct buf b = { 0 };
	const char *s[3];
	int err = want_strings(r, "replace", args, n, s);

	if (err < 0)
		return err;
	for (const char *at = s[2], *hit; *at || *s[0] == '\0'; at = hit + strlen(s[0])) {
		hit = *s[0] ? strstr(at, s[0]) : NULL;
		if (hit == NULL) {
			buf_puts(&b, at);
			break;
		}
		buf_add(&b, at, (size_t)(hit - at));
		buf_puts(&b, s[1]);
	}
	*ret = value_own(r, buf_take(&b));
	return 0;
}

static int call_is_ipv4(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "isIPv4", args, n, s);

	if (err == 0)
		*ret = value_bool(strcmp(endpoint_suitable_type(s[0]), "A") == 0);
	return err;
}

static int call_is_ipv6(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "isIPv6", args, n, s);

	if (err == 0)
		*ret = value_bool(strcmp(endpoint_suitable_type(s[0]), "AAAA") == 0);
	return err;
}

static int call_is_source(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "isSource", args, n, s);

	if (err == 0)
		*ret = value_bool(r->data->source && strcmp(r->data->source, s[0]) == 0);
	return err;
}

static int call_has_key(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *key = "";
	int err = value_want_string(r, "hasKey", &args[1], &key);

	(void)n;
	if (err < 0)
		return err;
	if (args[0].type == VALUE_MISSING)
		*ret = value_bool(false);
	else if (args[0].type == VALUE_JSON && cJSON_IsObject(args[0].json))
		*ret = value_bool(cJSON_GetObjectItemCaseSensitive(args[0].json, key) != NULL);
	else
		return run_fail(r, "error calling hasKey: expected map; found %s",
				value_type_name(&args[0]));
	return 0;
}

static int call_from_json(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s[1];
	int err = want_strings(r, "fromJson", args, n, s);

	if (err < 0)
		return err;
	cJSON *tree = cJSON_Parse(s[0]);
	*ret = (struct value){ .type = VALUE_NONE };
	if (tree) {
		r->trees = mem_array(r->trees, r->ntrees + 1, sizeof(*r->trees));
		r->trees[r->ntrees++] = tree;
		*ret = value_from_json(tree, true, true);
	}
	return 0;
}

static int call_not(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	(void)r;
	(void)n;
	*ret = value_bool(!value_is_true(&args[0]));
	return 0;
}

static int call_len(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	(void)n;
	switch (args[0].type) {
	case VALUE_MISSING:
		*ret = value_int(0);
		return 0;
	case VALUE_STRING:
		*ret = value_int((int64_t)strlen(args[0].s));
		return 0;
	case VALUE_JSON:
		*ret = value_int(cJSON_GetArraySize(args[0].json));
		return 0;
	case VALUE_NONE:
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_FLOAT:
		break;
	}
	return run_fail(r, "error calling len: len of type %s", value_type_name(&args[0]));
}

static int index_list(struct run *r, const struct value *v, const struct value *at,
		      struct value *ret)
{
	int n = cJSON_GetArraySize(v->json);

	if (at->type != VALUE_INT)
		return run_fail(r, "error calling index: cannot index slice/array with type %s",
				value_type_name(at));
	if (at->i < 0 || at->i >= n)
		return run_fail(r, "error calling index: index out of range: %" PRId64, at->i);
	*ret = value_from_json(cJSON_GetArrayItem(v->json, (int)at->i), v->is_any, v->is_any);
	return 0;
}

static int index_one(struct run *r, const struct value *v, const struct value *at,
		     struct value *ret)
{
	const char *key = "";
	int err;

	if (v->type == VALUE_MISSING) { /* a nil map gives zero values, a nil list has no index */
		*ret = *v;
		return at->type == VALUE_INT ? run_fail(r,
							"error calling index: index out of range: "
							"%" PRId64,
							at->i)
					     : 0;
	}
	if (v->type != VALUE_JSON || (cJSON_IsObject(v->json) && !v->is_map && !v->is_any))
		return run_fail(r, "error calling index: can't index item of type %s",
				value_type_name(v));
	if (cJSON_IsArray(v->json))
		return index_list(r, v, at, ret);
	if ((err = value_want_string(r, "index", at, &key)) < 0)
		return err;
	const cJSON *j = cJSON_GetObjectItemCaseSensitive(v->json, key);
	if (j)
		*ret = value_from_json(j, v->is_any, v->is_any);
	else if (v->is_any)
		*ret = (struct value){ .type = VALUE_NONE };
	else
		*ret = value_string(""); /* the zero value of map[string]string */
	return 0;
}

static int call_index(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	struct value v = args[0];

	for (size_t i = 1; i < n; i++) {
		struct value next;
		int err = index_one(r, &v, &args[i], &next);

		if (err < 0)
			return err;
		v = next;
	}
	*ret = v;
	return 0;
}

/* slice TEXT [FROM [TO]] */
static int call_slice(struct run *r, const struct value *args, size_t n, struct value *ret)
{
	const char *s = "";
	int err = value_want_string(r, "slice", &args[0], &s);

	if (err < 0)
		return err;
	int64_t len = (int64_t)strlen(s), from = 0, to = len;
	for (size_t i = 1; i < n; i++)
		if (args[i].type != VALUE_INT)
			return run_fail(r, "error calling slice: cannot index with type %s",
					value_type_name(&args[i]));
	from = n > 1 ? args[1].i : from;
	to = n > 2 ? args[2].i : to;
	if (from < 0 || to > len || from > to)
		return run_fail(r, "error calling slice: index out of range");
	*ret = value_own(r, mem_strndup(s + from, (size_t)(to - from)));
	return 0;
}

static const struct function functions[] = {
	{ "and", 1, -1, NULL },
	{ "or", 1, -1, NULL },
	{ "not", 1, 1, call_not },
	{ "len", 1, 1, call_len },
	{ "index", 1, -1, call_index },
	{ "slice", 1, 3, call_slice },
	{ "print", 0, -1, go_call_print },
	{ "println", 0, -1, go_call_println },
	{ "printf", 1, -1, go_call_printf },
	{ "eq", 2, -1, go_call_eq },
	{ "ne", 2, 2, go_call_ne },
	{ "lt", 2, 2, go_call_lt },
	{ "le", 2, 2, go_call_le },
	{ "gt", 2, 2, go_call_gt },
	{ "ge", 2, 2, go_call_ge },
	{ "contains", 2, 2, call_contains },
	{ "trimPrefix", 2, 2, call_trim_prefix },
	{ "trimSuffix", 2, 2, call_trim_suffix },
	{ "trim", 1, 1, call_trim },
	{ "toLower", 1, 1, call_to_lower },
	{ "replace", 3, 3, call_replace },
	{ "isIPv4", 1, 1, call_is_ipv4 },
	{ "isIPv6", 1, 1, call_is_ipv6 },
	{ "isSource", 1, 1, call_is_source },
	{ "hasKey", 2, 2, call_has_key },
	{ "fromJson", 1, 1, call_from_json },
};

const struct function *go_function_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return &functions[i];
	return NULL;
}

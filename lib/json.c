#include "lib/json.h"

#include <string.h>

#include "lib/buf.h"

cJSON *json_get(const cJSON *o, const char *path)
{
	char name[128];
	cJSON *at = NULL;

	for (;;) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof(name) || !cJSON_IsObject(o))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		at = cJSON_GetObjectItemCaseSensitive(o, name);
		if (at == NULL || path[n] == '\0')
			return at;
		o = at;
		path += n + 1;
	}
}

const char *json_text(const cJSON *o, const char *path)
{
	return cJSON_GetStringValue(json_get(o, path));
}

int64_t json_number(const cJSON *o, const char *path, int64_t def)
{
	const cJSON *v = json_get(o, path);

	if (!cJSON_IsNumber(v) || v->valuedouble < -9.2e18 || v->valuedouble > 9.2e18)
		return def;
	return (int64_t)v->valuedouble;
}

bool json_bool(const cJSON *o, const char *path, bool def)
{
	const cJSON *v = json_get(o, path);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : def;
}

const char *json_member(const cJSON *o, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
}

void json_strings(const cJSON *o, const char *path, struct strv *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(o, path))
		if (cJSON_IsString(it))
			strv_add(v, it->valuestring);
}

cJSON *json_from_strv(const struct strv *v)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t i = 0; i < v->n; i++)
		(void)cJSON_AddItemToArray(a, cJSON_CreateString(v->s[i]));
	return a;
}

bool json_equal(const cJSON *a, const cJSON *b)
{
	return a == b || cJSON_Compare(a, b, true);
}

char *json_print(const cJSON *o)
{
	char *s = cJSON_PrintUnformatted(o);

	if (s == NULL) /* out of memory: mem_strdup of what cannot be would hide it */
		return mem_strdup("null");
	char *copy = mem_strdup(s);
	cJSON_free(s);
	return copy;
}

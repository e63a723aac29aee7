#include "k8s/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/schema_text.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/netaddr.h"
#include "lib/regexp.h"
#include "lib/yaml.h"

static cJSON *documents; /* an array: what the nodes below are part of */
static const cJSON *roots[KIND_COUNT];
static bool is_whole[KIND_COUNT]; /* a CRD: what it does not name is unknown */
static struct map patterns;       /* text -> struct regexp */

struct check {
	struct buf path;
	bool fill, whole;
	unsigned faults;
	schema_fault_cb cb;
	void *ctx;
};

/* --- reading the schemas -------------------------------------------------------------- */

static void add_schema(const char *group, const char *kind, const cJSON *root, bool whole)
{
	for (int i = 0; i < KIND_COUNT; i++)
		if (strcmp(kinds[i].name, kind) == 0 && strcmp(kinds[i].group, group) == 0) {
			roots[i] = root;
			is_whole[i] = whole;
		}
}

static void add_document(void *ctx, cJSON *doc, unsigned line)
{
	const cJSON *spec = json_get(doc, "spec");
	const char *group = json_text(spec, "group");
	const cJSON *version = cJSON_GetArrayItem(json_get(spec, "versions"), 0);
	const cJSON *it = NULL;

	(void)ctx;
	(void)line;
	(void)cJSON_AddItemToArray(documents, doc);
	if (group) {
		add_schema(group, json_text(spec, "names.kind"),
			   json_get(version, "schema.openAPIV3Schema"), true);
		return;
	}
	cJSON_ArrayForEach(it, json_get(doc, "kinds"))
		add_schema(json_text(doc, "group"), it->valuestring, json_get(doc, "schema"),
			   false);
}

static void load(void)
{
	struct yaml_error e;

	if (documents)
		return;
	documents = cJSON_CreateArray();
	for (size_t i = 0; schema_texts[i]; i++)
		if (yaml_parse(schema_texts[i], strlen(schema_texts[i]), add_document, NULL, &e) !=
		    0)
			abort(); /* they are part of the program */
}

static void free_pattern(void *p)
{
	regexp_free(p);
}

void schema_forget(void)
{
	cJSON_Delete(documents);
	documents = NULL;
	memset(roots, 0, sizeof(roots));
	map_fini(&patterns, free_pattern);
}

/* --- faults --------------------------------------------------------------------------- */

static MEM_PRINTF(4, 5) void fault(struct check *c, const cJSON *at, bool fatal, const char *fmt,
				   ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);
	va_end(ap);
	if (fatal)
		c->faults++;
	c->cb(c->ctx, at, buf_str(&c->path), text, fatal);
	free(text);
}

/* Go down by ".NAME" or "[I]"; returns the length to come back to. */
static size_t enter(struct check *c, const char *name)
{
	size_t back = c->path.len;

	if (strpbrk(name, "./[") != NULL)
		buf_printf(&c->path, "[%s]", name);
	else
		buf_printf(&c->path, "%s%s", back ? "." : "", name);
	return back;
}

static void leave(struct check *c, size_t back)
{
	c->path.len = back;
	c->path.data[back] = '\0';
}

/* --- values --------------------------------------------------------------------------- */

static bool is_format(const char *format, const char *s)
{
	struct netaddr a;
	struct netprefix p;
	int64_t t;

	if (strcmp(format, "ipv4") == 0)
		return netaddr_from_text(s, &a) == 0 && a.family == 4;
	if (strcmp(format, "ipv6") == 0)
		return netaddr_from_text(s, &a) == 0 && a.family == 6;
	if (strcmp(format, "cidr") == 0)
		return strchr(s, '/') && netprefix_from_text(s, &p) == 0;
	if (strcmp(format, "date-time") == 0)
		return clock_from_rfc3339(s, &t) == 0;
	return true;
}

/* "ipv4 or ipv6" of format or anyOf.  True if S is one of them or nothing is asked. */
static bool fits_format(const cJSON *schema, const char *s, struct buf *ret_wanted)
{
	const char *format = json_text(schema, "format");
	const cJSON *any = json_get(schema, "anyOf"), *it = NULL;
	bool fits = any == NULL;

	if (format) {
		buf_puts(ret_wanted, format);
		return is_format(format, s);
	}
	cJSON_ArrayForEach(it, any) {
		const char *one = json_text(it, "format");

		buf_printf(ret_wanted, "%s%s", ret_wanted->len ? " or " : "", one ? one : "?");
		fits = fits || one == NULL || is_format(one, s);
	}
	return fits;
}

static bool fits_pattern(const char *pattern, const char *s)
{
	struct regexp *r = map_get(&patterns, pattern);
	char *why = NULL;

	if (r == NULL) {
		if (regexp_new(pattern, &r, &why) != 0) {
			free(why); /* what we cannot read we cannot hold against the user */
			return true;
		}
		(void)map_put(&patterns, pattern, r);
	}
	return regexp_matches(r, s);
}

static size_t characters(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void check_string(struct check *c, const cJSON *schema, const cJSON *v)
{
	const char *pattern = json_text(schema, "pattern"), *s = v->valuestring;
	size_t n = characters(s);
	struct buf wanted = { 0 };

	if ((int64_t)n < json_number(schema, "minLength", 0))
		fault(c, v, true, "must not be empty");
	else if ((int64_t)n > json_number(schema, "maxLength", INT64_MAX))
		fault(c, v, true, "must have at most %lld characters",
		      (long long)json_number(schema, "maxLength", 0));
	else if (pattern && !fits_pattern(pattern, s))
		fault(c, v, true, "\"%.64s\" must match %s", s, pattern);
	else if (!fits_format(schema, s, &wanted))
		fault(c, v, true, "\"%.64s\" is not of format %s", s, buf_str(&wanted));
	buf_fini(&wanted);
}

static void check_number(struct check *c, const cJSON *schema, const cJSON *v)
{
	const cJSON *min = json_get(schema, "minimum"), *max = json_get(schema, "maximum");
	bool low = cJSON_IsNumber(min) && v->valuedouble < min->valuedouble;
	bool high = cJSON_IsNumber(max) && v->valuedouble > max->valuedouble;

	if (!low && !high)
		return;
	if (min && max)
		fault(c, v, true, "must be from %.15g to %.15g", min->valuedouble,
		      max->valuedouble);
	else
		fault(c, v, true, "must be at %s %.15g", low ? "least" : "most",
		      low ? min->valuedouble : max->valuedouble);
}

static void check_enum(struct check *c, const cJSON *schema, const cJSON *v)
{
	const cJSON *list = json_get(schema, "enum"), *it = NULL;
	struct strv words = { 0 };

	if (list == NULL)
		return;
	cJSON_ArrayForEach(it, list) {
		if (json_equal(it, v))
			goto out;
		if (cJSON_IsString(it))
			strv_add(&words, it->valuestring);
	}
	char *joined = strv_join(&words, ", ");
	fault(c, v, true, "\"%.64s\" is none of %s", cJSON_IsString(v) ? v->valuestring : "?",
	      joined);
	free(joined);
out:
	strv_fini(&words);
}

/* --- the walk ------------------------------------------------------------------------- */

static void check_value(struct check *c, const cJSON *schema, cJSON *v);

static bool is_type(const cJSON *v, const char *type)
{
	if (strcmp(type, "object") == 0)
		return cJSON_IsObject(v);
	if (strcmp(type, "array") == 0)
		return cJSON_IsArray(v);
	if (strcmp(type, "string") == 0)
		return cJSON_IsString(v);
	if (strcmp(type, "boolean") == 0)
		return cJSON_IsBool(v);
	if (strcmp(type, "integer") == 0)
		return cJSON_IsNumber(v) && v->valuedouble == floor(v->valuedouble);
	return cJSON_IsNumber(v);
}

static const char *with_article(const char *type)
{
	static const char *const words[][2] = {
		{ "object", "an object" },   { "array", "a list" },
		{ "string", "a string" },    { "boolean", "true or false" },
		{ "integer", "an integer" }, { "number", "a number" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i][0], type) == 0)
			return words[i][1];
	return type;
}

static void check_required(struct check *c, const cJSON *schema, const cJSON *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(schema, "required")) {
		const cJSON *have = cJSON_GetObjectItemCaseSensitive(v, it->valuestring);

		if (have && !cJSON_IsNull(have))
			continue;
		size_t back = enter(c, it->valuestring);
		fault(c, v, true, "missing");
		leave(c, back);
	}
}

static void fill_defaults(const cJSON *properties, cJSON *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, properties) {
		const cJSON *def = json_get(it, "default");

		if (def && cJSON_GetObjectItemCaseSensitive(v, it->string) == NULL)
			(void)cJSON_AddItemToObject(v, it->string, cJSON_Duplicate(def, true));
	}
}

static void check_member(struct check *c, const cJSON *schema, cJSON *member)
{
	const cJSON *properties = json_get(schema, "properties");
	const cJSON *sub = cJSON_GetObjectItemCaseSensitive(properties, member->string);

	if (sub == NULL)
		sub = json_get(schema, "additionalProperties");
	size_t back = enter(c, member->string);
	if (cJSON_IsObject(sub))
		check_value(c, sub, member);
	else if (c->whole && properties &&
		 !json_bool(schema, "x-kubernetes-preserve-unknown-fields", false))
		fault(c, member, false, "unknown field, it has no effect");
	leave(c, back);
}

static void check_object(struct check *c, const cJSON *schema, cJSON *v)
{
	cJSON *next = NULL;

	check_required(c, schema, v);
	for (cJSON *it = v->child; it; it = next) {
		next = it->next;
		if (!cJSON_IsNull(it))
			check_member(c, schema, it);
		else if (c->fill)
			cJSON_Delete(cJSON_DetachItemViaPointer(v, it));
	}
	if (c->fill)
		fill_defaults(json_get(schema, "properties"), v);
}

/* The same value twice in a set, or the same keys in a map of objects. */
static bool is_same_item(const cJSON *schema, const cJSON *a, const cJSON *b)
{
	const cJSON *keys = json_get(schema, "x-kubernetes-list-map-keys"), *it = NULL;

	if (keys == NULL)
		return json_equal(a, b);
	cJSON_ArrayForEach(it, keys) {
		const cJSON *x = cJSON_GetObjectItemCaseSensitive(a, it->valuestring);
		const cJSON *y = cJSON_GetObjectItemCaseSensitive(b, it->valuestring);

		if (x == NULL || y == NULL || !json_equal(x, y))
			return false;
	}
	return true;
}

static void check_unique(struct check *c, const cJSON *schema, const cJSON *v)
{
	const char *type = json_text(schema, "x-kubernetes-list-type");

	if (type == NULL || (strcmp(type, "set") != 0 && strcmp(type, "map") != 0))
		return;
	for (const cJSON *a = v->child; a; a = a->next)
		for (const cJSON *b = a->next; b; b = b->next)
			if (is_same_item(schema, a, b)) {
				fault(c, b, true, "holds the same item twice");
				return;
			}
}

static void check_array(struct check *c, const cJSON *schema, cJSON *v)
{
	const cJSON *items = json_get(schema, "items");
	int n = cJSON_GetArraySize(v);
	cJSON *it = NULL;
	unsigned i = 0;

	if (n < json_number(schema, "minItems", 0))
		fault(c, v, true, "must not be empty");
	if (n > json_number(schema, "maxItems", INT64_MAX))
		fault(c, v, true, "must have at most %lld items",
		      (long long)json_number(schema, "maxItems", 0));
	else
		check_unique(c, schema, v);
	cJSON_ArrayForEach(it, v) {
		size_t back = c->path.len;

		buf_printf(&c->path, "[%u]", i++);
		if (items)
			check_value(c, items, it);
		leave(c, back);
	}
}

static void check_value(struct check *c, const cJSON *schema, cJSON *v)
{
	const char *type = json_text(schema, "type");

	if (json_bool(schema, "x-kubernetes-int-or-string", false)) {
		if (!cJSON_IsString(v) && !is_type(v, "integer"))
			fault(c, v, true, "must be an integer or a string");
		return;
	}
	if (type && !is_type(v, type)) {
		fault(c, v, true, "must be %s", with_article(type));
		return;
	}
	check_enum(c, schema, v);
	if (cJSON_IsObject(v))
		check_object(c, schema, v);
	else if (cJSON_IsArray(v))
		check_array(c, schema, v);
	else if (cJSON_IsString(v))
		check_string(c, schema, v);
	else if (cJSON_IsNumber(v))
		check_number(c, schema, v);
}

unsigned schema_check(enum kind_id kind, cJSON *json, bool fill, schema_fault_cb cb, void *ctx)
{
	struct check c = { .fill = fill, .cb = cb, .ctx = ctx };

	load();
	if (roots[kind] == NULL)
		return 0;
	c.whole = is_whole[kind];
	buf_puts(&c.path, "");
	buf_reserve(&c.path, 64);
	check_value(&c, roots[kind], json);
	buf_fini(&c.path);
	return c.faults;
}

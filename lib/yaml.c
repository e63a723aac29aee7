#include "lib/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "lib/error.h"
#include "lib/intern.h"
#include "lib/map.h"
#include "lib/mem.h"

#define MAX_DEPTH    100
#define MAX_COMPARED 24
#define MAX_ITEMS    4000000u
/* Items that aliases of one text expand to: a "billion laughs" stops here. */
#define MAX_EXPANDED 200000u

#define TAG_PREFIX "tag:yaml.org,2002:"

struct reader {
	yaml_parser_t parser;
	struct map anchors; /* name -> cJSON of this document */
	unsigned depth, items, expanded;
	struct yaml_error *error;
};

/*
 * cJSON has no room for a line; but valueint has a meaning in numbers alone, and in numbers
 * valuestring has none (cJSON_Delete frees it).
 */
static void set_line(cJSON *item, const yaml_mark_t *mark)
{
	if (cJSON_IsNumber(item))
		item->valuestring = mem_printf("%zu", mark->line + 1);
	else
		item->valueint = (int)(mark->line + 1);
}

unsigned yaml_line(const cJSON *item)
{
	if (item == NULL)
		return 0;
	if (!cJSON_IsNumber(item))
		return item->valueint > 0 ? (unsigned)item->valueint : 0;
	return item->valuestring ? (unsigned)strtoul(item->valuestring, NULL, 10) : 0;
}

static MEM_PRINTF(4, 5) int fail(struct reader *r, const yaml_mark_t *mark, int err,
				 const char *fmt, ...)
{
	va_list ap;

	r->error->line = (unsigned)mark->line + 1;
	r->error->column = (unsigned)mark->column + 1;
	va_start(ap, fmt);
	(void)vsnprintf(r->error->text, sizeof(r->error->text), fmt, ap);
	va_end(ap);
	return err;
}

static int next_event(struct reader *r, yaml_event_t *ret)
{
	yaml_parser_t *p = &r->parser;

	if (yaml_parser_parse(p, ret))
		return 0;
	/* the reader's errors (wrong UTF-8) come without a mark */
	const yaml_mark_t *mark =
		p->problem_mark.line || p->problem_mark.column ? &p->problem_mark : &p->mark;
	return fail(r, mark, ERR_SYNTAX, "%s%s%s", p->context ? p->context : "",
		    p->context ? ": " : "", p->problem ? p->problem : "cannot be read");
}

static bool parse_int(const char *s, double *ret)
{
	bool minus = *s == '-';
	const char *digits = s + (*s == '-' || *s == '+');
	int base = 10;
	char *end;

	if (digits[0] == '0' && digits[1]) {
		char c = digits[1];

		base = c == 'x' || c == 'X' ? 16 : c == 'b' || c == 'B' ? 2 : 8;
		digits += c == 'x' || c == 'X' || c == 'b' || c == 'B' || c == 'o' || c == 'O' ? 2
											       : 1;
	}
	if (!isxdigit((unsigned char)*digits))
		return false;
	errno = 0;
	unsigned long long v = strtoull(digits, &end, base);
	if (*end || errno)
		return false;
	*ret = minus ? -(double)v : (double)v;
	return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *s)
{
	size_t whole, part = 0;

	s += *s == '-' || *s == '+';
	whole = strspn(s, "0123456789");
	s += whole;
	if (*s == '.') {
		part = strspn(s + 1, "0123456789");
		s += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		size_t exponent = strspn(s, "0123456789");
		if (exponent == 0)
			return false;
		s += exponent;
	}
	return *s == '\0';
}

static bool parse_number(const char *text, double *ret)
{
	char s[64];
	size_t n = 0;

	if (!isdigit((unsigned char)text[0]) && !strchr("+-.", text[0]))
		return false;
	for (; *text; text++) {
		if (*text == '_' && n)
			continue;
		if (n + 1 == sizeof(s))
			return false;
		s[n++] = *text;
	}
	s[n] = '\0';
	if (parse_int(s, ret))
		return true;
	if (!is_float(s))
		return false;
	*ret = strtod(s, NULL);
	return isfinite(*ret);
}

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static cJSON *resolve_plain(const char *s)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
					   "True", "TRUE", "on",  "On",  "ON",  NULL };
	static const char *const no[] = { "n",     "N",     "no",  "No",  "NO",  "false",
					  "False", "FALSE", "off", "Off", "OFF", NULL };
	double number;

	if (is_one_of(s, nulls))
		return cJSON_CreateNull();
	if (is_one_of(s, yes))
		return cJSON_CreateTrue();
	if (is_one_of(s, no))
		return cJSON_CreateFalse();
	if (parse_number(s, &number))
		return cJSON_CreateNumber(number);
	return cJSON_CreateString(s);
}

static const char *const special_floats[] = { ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",
					      ".INF",  "+.inf", "+.Inf", "+.INF", "-.inf",
					      "-.Inf", "-.INF", NULL };

/* A scalar with an explicit tag must be what the tag says. */
static bool fits_tag(const cJSON *item, const char *tag)
{
	return (strcmp(tag, "null") == 0 && cJSON_IsNull(item)) ||
	       (strcmp(tag, "bool") == 0 && cJSON_IsBool(item)) ||
	       (strcmp(tag, "int") == 0 && cJSON_IsNumber(item) &&
		item->valuedouble == floor(item->valuedouble)) ||
	       (strcmp(tag, "float") == 0 && cJSON_IsNumber(item)) ||
	       (strcmp(tag, "timestamp") == 0 && cJSON_IsString(item));
}

static int build_scalar(struct reader *r, const yaml_event_t *e, cJSON **ret)
{
	const char *text = (const char *)e->data.scalar.value;
	const char *tag = (const char *)e->data.scalar.tag;
	bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;

	if (strlen(text) != e->data.scalar.length)
		return fail(r, &e->start_mark, ERR_SYNTAX, "a string holds a NUL character");
	if (tag && strncmp(tag, TAG_PREFIX, strlen(TAG_PREFIX)) == 0)
		tag += strlen(TAG_PREFIX);
	if (tag ? strcmp(tag, "str") == 0 || strcmp(tag, "!") == 0 : quoted) {
		*ret = cJSON_CreateString(text);
		return 0;
	}
	if (is_one_of(text, special_floats))
		return fail(r, &e->start_mark, ERR_SYNTAX, "%s has no JSON form", text);
	cJSON *item = resolve_plain(text);
	if (tag && !fits_tag(item, tag)) {
		cJSON_Delete(item);
		return fail(r, &e->start_mark, ERR_SYNTAX, "tag %.40s does not fit here", tag);
	}
	*ret = item;
	return 0;
}

static int build(struct reader *r, yaml_event_t *e, cJSON **ret);

static int check_tag(struct reader *r, const yaml_event_t *e, const char *tag, const char *want)
{
	if (tag == NULL || strcmp(tag, "!") == 0 ||
	    (strncmp(tag, TAG_PREFIX, strlen(TAG_PREFIX)) == 0 &&
	     strcmp(tag + strlen(TAG_PREFIX), want) == 0))
		return 0;
	return fail(r, &e->start_mark, ERR_SYNTAX, "tag %.40s does not fit here", tag);
}

static int build_sequence(struct reader *r, cJSON *array)
{
	yaml_event_t e;
	int err;

	for (;;) {
		cJSON *item = NULL;

		err = next_event(r, &e);
		if (err)
			return err;
		if (e.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&e);
			return 0;
		}
		err = build(r, &e, &item);
		if (err)
			return err;
		intern_append(array, item);
	}
}

/* Members that OBJECT does not have itself; MERGED is one mapping or a list of them. */
static int merge(struct reader *r, const yaml_mark_t *mark, cJSON *object, const cJSON *merged)
{
	const cJSON *it = NULL;

	if (cJSON_IsArray(merged)) {
		cJSON_ArrayForEach(it, merged) {
			int err = merge(r, mark, object, it);

			if (err)
				return err;
		}
		return 0;
	}
	if (!cJSON_IsObject(merged))
		return fail(r, mark, ERR_SYNTAX, "<< wants a mapping or a list of mappings");
	cJSON_ArrayForEach(it, merged)
		if (cJSON_GetObjectItemCaseSensitive(object, it->string) == NULL)
			(void)cJSON_AddItemToObject(object, it->string, cJSON_Duplicate(it, true));
	return 0;
}

/* Most mappings are small: their keys are compared, only those of large ones are hashed. */
static bool is_double(struct map *seen, const cJSON *object, const char *name, unsigned n)
{
	if (n < MAX_COMPARED)
		return cJSON_GetObjectItemCaseSensitive(object, name) != NULL;
	if (n == MAX_COMPARED)
		for (cJSON *it = object->child; it; it = it->next)
			(void)map_put(seen, it->string, it);
	return map_put(seen, name, seen) != NULL;
}

static int build_member(struct reader *r, yaml_event_t *key, struct map *seen, unsigned n,
			cJSON *object, cJSON **ret_merged)
{
	const char *name = (const char *)key->data.scalar.value;
	cJSON *value = NULL;
	yaml_event_t e;

	if (key->type != YAML_SCALAR_EVENT)
		return fail(r, &key->start_mark, ERR_SYNTAX, "a key must be a string");
	if (strlen(name) != key->data.scalar.length)
		return fail(r, &key->start_mark, ERR_SYNTAX, "a key holds a NUL character");
	bool is_merge =
		strcmp(name, "<<") == 0 && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (is_merge ? *ret_merged != NULL : is_double(seen, object, name, n))
		return fail(r, &key->start_mark, ERR_SYNTAX, "key \"%.100s\" is there twice", name);
	int err = next_event(r, &e);
	if (err)
		return err;
	err = build(r, &e, &value);
	if (err)
		return err;
	if (is_merge)
		*ret_merged = value;
	else
		intern_add(object, name, strlen(name), value);
	return 0;
}

static int build_mapping(struct reader *r, cJSON *object)
{
	struct map seen = { 0 };
	cJSON *merged = NULL;
	unsigned n = 0;
	yaml_event_t e;
	int err;

	for (;;) {
		err = next_event(r, &e);
		if (err)
			break;
		if (e.type == YAML_MAPPING_END_EVENT) {
			err = merged ? merge(r, &e.start_mark, object, merged) : 0;
			yaml_event_delete(&e);
			break;
		}
		err = build_member(r, &e, &seen, n, object, &merged);
		n += err == 0;
		yaml_event_delete(&e);
		if (err)
			break;
	}
	cJSON_Delete(merged);
	map_fini(&seen, NULL);
	return err;
}

static unsigned count_items(const cJSON *item)
{
	const cJSON *it = NULL;
	unsigned n = 1;

	cJSON_ArrayForEach(it, item)
		n += count_items(it);
	return n;
}

static int build_alias(struct reader *r, const yaml_event_t *e, cJSON **ret)
{
	const char *name = (const char *)e->data.alias.anchor;
	const cJSON *anchored = map_get(&r->anchors, name);

	if (anchored == NULL)
		return fail(r, &e->start_mark, ERR_SYNTAX, "alias *%.40s is not known", name);
	r->expanded += count_items(anchored);
	if (r->expanded > MAX_EXPANDED)
		return fail(r, &e->start_mark, ERR_LIMIT, "aliases expand to too much");
	*ret = cJSON_Duplicate(anchored, true);
	return 0;
}

static void delete_item(void *item)
{
	cJSON_Delete(item);
}

static void keep_anchor(struct reader *r, const yaml_char_t *anchor, const cJSON *item)
{
	if (anchor)
		cJSON_Delete(
			map_put(&r->anchors, (const char *)anchor, cJSON_Duplicate(item, true)));
}

static int build_container(struct reader *r, const yaml_event_t *e, cJSON **ret)
{
	bool is_map = e->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = is_map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
	int err = check_tag(r, e, (const char *)tag, is_map ? "map" : "seq");

	if (err)
		return err;
	if (r->depth >= MAX_DEPTH)
		return fail(r, &e->start_mark, ERR_LIMIT, "nested more than %d deep", MAX_DEPTH);
	cJSON *item = is_map ? cJSON_CreateObject() : cJSON_CreateArray();
	r->depth++;
	err = is_map ? build_mapping(r, item) : build_sequence(r, item);
	r->depth--;
	if (err) {
		cJSON_Delete(item);
		return err;
	}
	*ret = item;
	return 0;
}

/* The value that begins with E, which is deleted. */
static int build(struct reader *r, yaml_event_t *e, cJSON **ret)
{
	const yaml_char_t *anchor = NULL;
	cJSON *item = NULL;
	int err;

	if (++r->items > MAX_ITEMS) {
		err = fail(r, &e->start_mark, ERR_LIMIT, "too many values");
	} else if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		err = build_scalar(r, e, &item);
	} else if (e->type == YAML_ALIAS_EVENT) {
		err = build_alias(r, e, &item);
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		err = build_container(r, e, &item);
	} else {
		anchor = e->data.sequence_start.anchor;
		err = build_container(r, e, &item);
	}
	if (err == 0) {
		if (e->type != YAML_ALIAS_EVENT)
			set_line(item, &e->start_mark);
		keep_anchor(r, anchor, item);
		*ret = item;
	}
	yaml_event_delete(e);
	return err;
}

/* After DOCUMENT-START: the root, and DOCUMENT-END. */
static int build_document(struct reader *r, cJSON **ret, unsigned *ret_line)
{
	cJSON *doc = NULL;
	yaml_event_t e;
	int err = next_event(r, &e);

	if (err)
		return err;
	unsigned line = (unsigned)e.start_mark.line + 1;
	err = build(r, &e, &doc);
	map_fini(&r->anchors, delete_item);
	if (err == 0)
		err = next_event(r, &e);
	if (err) {
		cJSON_Delete(doc);
		return err;
	}
	yaml_event_delete(&e);
	*ret = doc;
	*ret_line = line;
	return 0;
}

int yaml_parse(const char *text, size_t len, void (*cb)(void *ctx, cJSON *doc, unsigned line),
	       void *ctx, struct yaml_error *ret_error)
{
	struct reader r = { .error = ret_error };
	bool more = true;
	int err = 0;

	if (!yaml_parser_initialize(&r.parser))
		abort(); /* out of memory */
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	while (more && err == 0) {
		yaml_event_t e;
		cJSON *doc = NULL;
		unsigned line = 0;

		err = next_event(&r, &e);
		if (err)
			break;
		more = e.type != YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT)
			err = build_document(&r, &doc, &line);
		yaml_event_delete(&e);
		if (cJSON_IsNull(doc))
			cJSON_Delete(doc);
		else if (doc)
			cb(ctx, doc, line);
	}
	yaml_parser_delete(&r.parser);
	return err;
}

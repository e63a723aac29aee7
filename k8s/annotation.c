#include "k8s/annotation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/endpoint.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

#define CONTROLLER_VALUE "dns-controller"
#define TTL_MAX          INT32_MAX

enum property_kind {
	PROPERTY_PREFIX,
	PROPERTY_EXACT,
	PROPERTY_FULL,
};

static const char *const suffixes[] = {
#define ANNOTATION(id, suffix, where, what) suffix,
#define PROPERTY(suffix, property, kind)
#include "k8s/annotations.def"
#undef ANNOTATION
#undef PROPERTY
};

static const struct property {
	const char *suffix;
	const char *name;
	enum property_kind kind;
} properties[] = {
#define ANNOTATION(id, suffix, where, what)
#define PROPERTY(suffix, property, kind) { suffix, property, PROPERTY_##kind },
#include "k8s/annotations.def"
#undef ANNOTATION
#undef PROPERTY
};

int annotation_prefixes_init(struct annotation_prefixes *p, const char *prefix, bool both,
			     char **ret_why)
{
	size_t len = strlen(prefix);
	bool is_new = strcmp(prefix, ANNOTATION_PREFIX_NEW) == 0;
	bool is_old = strcmp(prefix, ANNOTATION_PREFIX_OLD) == 0;

	if (len == 0 || prefix[len - 1] != '/') {
		*ret_why = mem_printf("--annotation-prefix=%s: must end in '/'", prefix);
		return ERR_INVALID;
	}
	*p = (struct annotation_prefixes){ .first = prefix, .property = prefix };
	if (both && is_new)
		p->second = ANNOTATION_PREFIX_OLD;
	if (both && is_old)
		p->second = ANNOTATION_PREFIX_NEW;
	/* a prefix of one's own is there to tell two instances apart, not to rename properties */
	if (!is_new && !is_old)
		p->property = ANNOTATION_PREFIX_NEW;
	return 0;
}

static const char *get_joined(const struct object *o, const char *prefix, const char *suffix)
{
	char key[320];
	size_t np = strlen(prefix), ns = strlen(suffix);

	if (np + ns >= sizeof(key))
		return NULL;
	memcpy(key, prefix, np);
	memcpy(key + np, suffix, ns + 1);
	return object_annotation(o, key);
}

static const char *get_suffix(const struct annotation_prefixes *p, const struct object *o,
			      const char *suffix)
{
	const char *v = get_joined(o, p->first, suffix);

	return v || p->second == NULL ? v : get_joined(o, p->second, suffix);
}

const char *annotation_get(const struct annotation_prefixes *p, const struct object *o,
			   enum annotation id)
{
	return get_suffix(p, o, suffixes[id]);
}

const char *annotation_lookup(const struct annotation_prefixes *p, const struct object *o,
			      const char *key)
{
	const char *v = object_annotation(o, key);
	size_t n = strlen(p->first);

	if (v || p->second == NULL || strncmp(key, p->first, n) != 0)
		return v;
	return get_joined(o, p->second, key + n);
}

void annotation_split(const char *text, struct strv *v)
{
	char *bare = mem_alloc(strlen(text) + 1), *to = bare, *at = bare, *comma;

	/* ExternalDNS drops every blank, then white space at the ends */
	while (isspace((unsigned char)*text))
		text++;
	for (; *text; text++)
		if (*text != ' ')
			*to++ = *text;
	while (to > bare && isspace((unsigned char)to[-1]))
		to--;
	*to = '\0';
	while ((comma = strchr(at, ',')) != NULL) {
		strv_take(v, mem_strndup(at, (size_t)(comma - at)));
		at = comma + 1;
	}
	strv_add(v, at);
	free(bare);
}

void annotation_names(const struct annotation_prefixes *p, const struct object *o,
		      enum annotation id, struct strv *v)
{
	const char *text = annotation_get(p, o, id);

	if (text)
		annotation_split(text, v);
}

void annotation_targets(const struct annotation_prefixes *p, const struct object *o, struct strv *v)
{
	const char *text = annotation_get(p, o, ANNOTATION_TARGET);
	struct strv parts = { 0 };

	if (text == NULL || *text == '\0')
		return;
	annotation_split(text, &parts);
	for (size_t i = 0; i < parts.n; i++) {
		size_t n = strlen(parts.s[i]);

		if (n && parts.s[i][n - 1] == '.')
			n--;
		if (n)
			strv_take(v, mem_strndup(parts.s[i], n));
	}
	strv_fini(&parts);
}

/* Digits as a number; false if it does not fit. */
static bool take_digits(const char **at, uint64_t *ret)
{
	uint64_t v = 0;

	for (; isdigit((unsigned char)**at); (*at)++) {
		if (v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(**at - '0');
	}
	*ret = v;
	return true;
}

/* Nanoseconds of a unit of Go's time.ParseDuration, its length in *ret_len; 0 if it is none. */
static uint64_t unit_ns(const char *at, size_t *ret_len)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },
		{ "us", 1000 },
		{ "\xc2\xb5s", 1000 },
		{ "\xce\xbcs", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60ULL * 1000000000 },
		{ "h", 3600ULL * 1000000000 },
	};
	size_t n = strcspn(at, "0123456789.");

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == n && strncmp(at, units[i].name, n) == 0) {
			*ret_len = n;
			return units[i].ns;
		}
	return 0;
}

/* One "1.5h" of a duration, added to *NS. */
static int take_duration_part(const char **at, uint64_t *ns)
{
	uint64_t whole = 0, unit;
	const char *from = *at, *fraction;
	double part = 0, scale = 1;
	size_t len = 0;

	if (!take_digits(at, &whole))
		return ERR_SYNTAX;
	fraction = *at;
	if (**at == '.')
		for ((*at)++; isdigit((unsigned char)**at); (*at)++) {
			scale /= 10;
			part += (**at - '0') * scale;
		}
	if (*at - from == (*fraction == '.'))
		return ERR_SYNTAX; /* no digit at all */
	unit = unit_ns(*at, &len);
	if (unit == 0 || whole > INT64_MAX / unit)
		return ERR_SYNTAX;
	*at += len;
	*ns += whole * unit + (uint64_t)(part * (double)unit);
	return *ns > INT64_MAX ? ERR_SYNTAX : 0;
}

/* time.ParseDuration, in whole seconds towards zero. */
static int parse_duration(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t ns = 0;
	int err;

	if (*text == '-' || *text == '+')
		text++;
	if (strcmp(text, "0") == 0) {
		*ret = 0;
		return 0;
	}
	if (*text == '\0')
		return ERR_SYNTAX;
	while (*text)
		if ((err = take_duration_part(&text, &ns)) < 0)
			return err;
	*ret = (int64_t)(ns / 1000000000);
	if (negative)
		*ret = -*ret;
	return 0;
}

/* strconv.ParseInt(text, 10, 64) */
static int parse_int(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t v = 0;

	if (*text == '-' || *text == '+')
		text++;
	if (!isdigit((unsigned char)*text) || !take_digits(&text, &v) || *text || v > INT64_MAX)
		return ERR_SYNTAX;
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return 0;
}

int annotation_parse_ttl(const char *text, int64_t *ret)
{
	return parse_duration(text, ret) == 0 ? 0 : parse_int(text, ret);
}

int64_t annotation_ttl(const struct annotation_prefixes *p, const struct object *o,
		       const char **ret_bad)
{
	const char *text = annotation_get(p, o, ANNOTATION_TTL);
	int64_t ttl = 0;

	*ret_bad = NULL;
	if (text == NULL)
		return 0;
	if (annotation_parse_ttl(text, &ttl) == 0 && ttl >= 1 && ttl <= TTL_MAX)
		return ttl;
	*ret_bad = text;
	return 0;
}

/* The row that KEY, an annotation below a prefix, belongs to; and its name as a property. */
static char *property_name(const struct annotation_prefixes *p, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
		const struct property *row = &properties[i];
		size_t n = strlen(row->suffix);

		if (row->kind == PROPERTY_PREFIX && strncmp(key, row->suffix, n) == 0)
			return mem_printf("%s%s", row->name, key + n);
		if (row->kind == PROPERTY_EXACT && strcmp(key, row->suffix) == 0)
			return mem_strdup(row->name);
		if (row->kind == PROPERTY_FULL && strcmp(key, row->suffix) == 0)
			return mem_printf("%s%s", p->property, row->name);
	}
	return NULL;
}

static void add_properties(const struct annotation_prefixes *p, const char *prefix,
			   const struct object *o, struct endpoint *e)
{
	const cJSON *it = NULL;
	size_t n = strlen(prefix);

	cJSON_ArrayForEach(it, json_get(o->json, "metadata.annotations")) {
		char *name;

		if (!cJSON_IsString(it) || strncmp(it->string, prefix, n) != 0)
			continue;
		name = property_name(p, it->string + n);
		if (name && endpoint_prop(e, name) == NULL)
			endpoint_set_prop(e, name, it->valuestring);
		free(name);
	}
}

static int compare_props(const void *a, const void *b)
{
	const struct endpoint_prop *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_alias_value(const char *v)
{
	return strcmp(v, "true") == 0 || strcmp(v, "A") == 0 || strcmp(v, "AAAA") == 0;
}

void annotation_properties(const struct annotation_prefixes *p, const struct object *o,
			   struct endpoint *e)
{
	const char *alias = annotation_get(p, o, ANNOTATION_ALIAS);
	const char *type = annotation_get(p, o, ANNOTATION_RECORD_TYPE);
	const char *set = annotation_get(p, o, ANNOTATION_SET_IDENTIFIER);

	if (alias && is_alias_value(alias))
		endpoint_set_prop(e, "alias", alias);
	if (type)
		endpoint_set_prop(e, "record-type", type);
	if (set)
		mem_strset(&e->set_identifier, set);
	add_properties(p, p->first, o, e);
	if (p->second)
		add_properties(p, p->second, o, e);
	if (e->nprovider_specific > 1)
		qsort(e->provider_specific, e->nprovider_specific, sizeof(*e->provider_specific),
		      compare_props);
}

bool annotation_is_ours(const struct annotation_prefixes *p, const struct object *o)
{
	const char *v = annotation_get(p, o, ANNOTATION_CONTROLLER);

	return v == NULL || strcmp(v, CONTROLLER_VALUE) == 0;
}

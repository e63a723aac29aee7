#include "sync/azure_record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "sync/spelling.h"

/* How a type's values are spelt: list member (public, private) and the members of one value. */
static const struct spelling {
	const char *type, *list, *private_list;
	bool is_single;        /* one object in place of a list */
	const char *fields[4]; /* in the order of the presentation form; numbers but for the last,
				  and CAA's tag */
} spellings[] = {
	{ "A", "ARecords", "aRecords", false, { "ipv4Address" } },
	{ "AAAA", "AAAARecords", "aaaaRecords", false, { "ipv6Address" } },
	{ "CNAME", "CNAMERecord", "cnameRecord", true, { "cname" } },
	{ "NS", "NSRecords", NULL, false, { "nsdname" } },
	{ "PTR", "PTRRecords", "ptrRecords", false, { "ptrdname" } },
	{ "MX", "MXRecords", "mxRecords", false, { "preference", "exchange" } },
	{ "SRV", "SRVRecords", "srvRecords", false, { "priority", "weight", "port", "target" } },
	{ "CAA", "caaRecords", NULL, false, { "flags", "tag", "value" } },
};

static const struct spelling *spelling_of(const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		if (strcmp(spellings[i].type, type) == 0)
			return &spellings[i];
	return NULL;
}

/* Azure answers with other capitals than it is asked with, now and then. */
static const cJSON *member(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItem(o, name); /* ignores case */
}

static void read_value(struct endpoint *e, const struct spelling *s, const cJSON *value)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < 4 && s->fields[i]; i++) {
		const cJSON *f = member(value, s->fields[i]);

		if (cJSON_IsString(f) && strcmp(s->fields[i], "value") == 0)
			buf_printf(&b, " \"%s\"", f->valuestring); /* CAA */
		else if (cJSON_IsString(f))
			buf_printf(&b, "%s%s", i ? " " : "", f->valuestring);
		else if (cJSON_IsNumber(f))
			buf_printf(&b, "%s%d", i ? " " : "", f->valueint);
	}
	if (b.len)
		strv_take(&e->targets, spelling_plain(e->record_type, b.data));
	buf_fini(&b);
}

static void read_txt(struct endpoint *e, const cJSON *list)
{
	const cJSON *it = NULL, *part = NULL;

	cJSON_ArrayForEach(it, list) {
		struct buf b = { 0 };

		/* strings as they are stored, quotes included: so does ExternalDNS */
		cJSON_ArrayForEach(part, member(it, "value"))
			if (cJSON_IsString(part))
				buf_puts(&b, part->valuestring);
		strv_take(&e->targets, buf_take(&b));
	}
}

/* "a=1,b=2", sorted: what the annotation azure-tags says. */
static void set_tags(struct endpoint *e, struct strv *pairs)
{
	strv_sort(pairs);
	char *text = strv_join(pairs, ",");
	endpoint_set_prop(e, AZURE_PROP_TAGS, *text ? text : NULL);
	free(text);
}

static void read_metadata(struct endpoint *e, const cJSON *metadata)
{
	struct strv pairs = { 0 };
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, metadata)
		if (cJSON_IsString(it))
			strv_take(&pairs, mem_printf("%s=%s", it->string, it->valuestring));
	set_tags(e, &pairs);
	strv_fini(&pairs);
}

void azure_record_adjust(struct endpoint *e)
{
	const char *tags = endpoint_prop(e, AZURE_PROP_TAGS);
	struct strv all = { 0 }, pairs = { 0 };

	if (tags == NULL)
		return;
	strv_split(&all, tags, ",");
	for (size_t i = 0; i < all.n; i++) {
		char *eq = strchr(all.s[i], '=');
		struct strv key = { 0 }, value = { 0 };

		if (eq == NULL)
			continue;
		*eq = '\0';
		strv_split(&key, all.s[i], "");
		strv_split(&value, eq + 1, "");
		char *k = strv_join(&key, " "), *v = strv_join(&value, " ");
		if (*k)
			strv_take(&pairs, mem_printf("%s=%s", k, v));
		free(k);
		free(v);
		strv_fini(&key);
		strv_fini(&value);
	}
	set_tags(e, &pairs);
	strv_fini(&all);
	strv_fini(&pairs);
}

struct endpoint *azure_record_read(const cJSON *set, const char *zone)
{
	const char *name = json_text(set, "name"), *kind = json_text(set, "type");
	const cJSON *p = json_get(set, "properties");
	const char *type = kind ? strrchr(kind, '/') : NULL;

	if (!name || !type || !p)
		return NULL;
	type++;
	const struct spelling *s = spelling_of(type);
	const char *alias = json_text(p, "targetResource.id");
	if (s == NULL && strcmp(type, "TXT") != 0)
		return NULL;
	char *full = spelling_full_name(name, zone);
	const cJSON *ttl = member(p, "TTL");
	struct endpoint *e =
		endpoint_new(full, type, cJSON_IsNumber(ttl) ? (int64_t)ttl->valuedouble : 0);
	free(full);
	if (alias && *alias) { /* an alias record set: it shows, with what it points at */
		strv_add(&e->targets, alias);
	} else if (s == NULL) {
		read_txt(e, member(p, "TXTRecords"));
	} else if (s->is_single) {
		read_value(e, s, member(p, s->list));
	} else {
		const cJSON *it = NULL;

		cJSON_ArrayForEach(it, member(p, s->list))
			read_value(e, s, it);
	}
	if (e->targets.n == 0) {
		endpoint_free(e);
		return NULL;
	}
	read_metadata(e, member(p, "metadata"));
	return e;
}

static cJSON *value_json(const struct spelling *s, const char *target)
{
	cJSON *o = cJSON_CreateObject();

	for (size_t i = 0; i < 4 && s->fields[i]; i++) {
		bool is_last = i == 3 || s->fields[i + 1] == NULL;
		char *end;

		if (is_last) {
			char *text = spelling_unquoted(target); /* CAA's value */

			(void)cJSON_AddStringToObject(o, s->fields[i], text);
			free(text);
			break;
		}
		if (strcmp(s->fields[i], "tag") == 0) {
			size_t n = strcspn(target, " ");
			char *tag = mem_strndup(target, n);

			(void)cJSON_AddStringToObject(o, "tag", tag);
			free(tag);
			if (n == 0 || target[n] == '\0') {
				cJSON_Delete(o);
				return NULL;
			}
			target += n + 1;
			continue;
		}
		long v = strtol(target, &end, 10);
		if (end == target || *end != ' ' || v < 0 || v > 65535) {
			cJSON_Delete(o);
			return NULL;
		}
		(void)cJSON_AddNumberToObject(o, s->fields[i], (double)v);
		target = end + 1;
	}
	return o;
}

static cJSON *txt_json(const char *target)
{
	cJSON *o = cJSON_CreateObject();
	cJSON *parts = cJSON_AddArrayToObject(o, "value");
	size_t left = strlen(target);

	do {
		size_t n = left > 255 ? 255 : left;
		char *part = mem_strndup(target, n);

		(void)cJSON_AddItemToArray(parts, cJSON_CreateString(part));
		free(part);
		target += n;
		left -= n;
	} while (left);
	return o;
}

/* Every target of E, or NULL if one does not fit. */
static cJSON *list_json(const struct endpoint *e, const struct spelling *s)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < e->targets.n; i++) {
		cJSON *o = s ? value_json(s, e->targets.s[i]) : txt_json(e->targets.s[i]);

		if (o == NULL) {
			cJSON_Delete(list);
			return NULL;
		}
		(void)cJSON_AddItemToArray(list, o);
	}
	return list;
}

static void add_metadata(cJSON *p, const struct endpoint *e)
{
	const char *tags = endpoint_prop(e, AZURE_PROP_TAGS);
	struct strv pairs = { 0 };

	if (tags == NULL)
		return;
	cJSON *m = cJSON_AddObjectToObject(p, "metadata");
	strv_split(&pairs, tags, ",");
	for (size_t i = 0; i < pairs.n; i++) {
		char *eq = strchr(pairs.s[i], '=');

		if (eq == NULL)
			continue;
		*eq = '\0';
		(void)cJSON_AddStringToObject(m, pairs.s[i], eq + 1);
	}
	strv_fini(&pairs);
}

cJSON *azure_record_body(const struct endpoint *e, bool is_private)
{
	const struct spelling *s = spelling_of(e->record_type);
	bool is_txt = strcmp(e->record_type, "TXT") == 0;

	if ((!s && !is_txt) || (s && is_private && !s->private_list))
		return NULL;
	cJSON *list = list_json(e, s);
	if (list == NULL)
		return NULL;
	cJSON *body = cJSON_CreateObject();
	cJSON *p = cJSON_AddObjectToObject(body, "properties");
	(void)cJSON_AddNumberToObject(
		p, is_private ? "ttl" : "TTL",
		(double)(e->record_ttl > 0 ? e->record_ttl : AZURE_DEFAULT_TTL));
	const char *name = is_txt ? (is_private ? "txtRecords" : "TXTRecords")
				  : (is_private ? s->private_list : s->list);
	if (s && s->is_single) {
		(void)cJSON_AddItemToObject(p, name, cJSON_DetachItemFromArray(list, 0));
		cJSON_Delete(list);
	} else {
		(void)cJSON_AddItemToObject(p, name, list);
	}
	add_metadata(p, e);
	return body;
}

#include "sync/cloudflare_record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/json.h"
#include "lib/mem.h"

void cloudflare_record_fini(struct cloudflare_record *r)
{
	free(r->id);
	free(r->name);
	free(r->type);
	free(r->target);
	free(r->comment);
	free(r->tags);
	*r = (struct cloudflare_record){ 0 };
}

static char *without_dot(const char *text)
{
	size_t len = strlen(text);

	return mem_strndup(text, len > 1 && text[len - 1] == '.' ? len - 1 : len);
}

/* Cloudflare stores TXT as it was given: endpoints carry it quoted. */
static char *quoted(const char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"')
		return mem_strdup(text);
	return mem_printf("\"%s\"", text);
}

static char *read_target(const cJSON *json, const char *type, const char *content)
{
	if (strcmp(type, "TXT") == 0)
		return quoted(content);
	if (strcmp(type, "MX") == 0) {
		char *host = without_dot(content);
		char *text = mem_printf("%d %s", (int)json_number(json, "priority", 0), host);

		free(host);
		return text;
	}
	const char *host = json_text(json, "data.target");
	if (strcmp(type, "SRV") == 0 && host) {
		char *bare = without_dot(host);
		char *text = mem_printf("%d %d %d %s", (int)json_number(json, "data.priority", 0),
					(int)json_number(json, "data.weight", 0),
					(int)json_number(json, "data.port", 0), bare);

		free(bare);
		return text;
	}
	return without_dot(content);
}

bool cloudflare_record_read(const cJSON *json, struct cloudflare_record *ret)
{
	const char *id = json_text(json, "id"), *name = json_text(json, "name");
	const char *type = json_text(json, "type"), *content = json_text(json, "content");
	const char *comment = json_text(json, "comment");
	struct strv tags = { 0 };

	if (!id || !name || !type || !content)
		return false;
	json_strings(json, "tags", &tags);
	strv_sort(&tags);
	*ret = (struct cloudflare_record){
		.id = mem_strdup(id),
		.name = dname_text_normal(name),
		.type = mem_strdup(type),
		.target = read_target(json, type, content),
		.ttl = json_number(json, "ttl", 1),
		.proxied = json_bool(json, "proxied", false),
		.comment = mem_strdup(comment ? comment : ""),
		.tags = strv_join(&tags, ","),
	};
	strv_fini(&tags);
	return true;
}

bool cloudflare_record_is_proxiable(const char *type)
{
	/* "LOC, MX, NS, SPF, TXT, SRV are never proxied"; in fact only addresses and aliases can be
	 */
	return strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0 || strcmp(type, "CNAME") == 0;
}

const char *cloudflare_record_prop(const struct endpoint *e, const char *suffix)
{
	static const char *const prefixes[] = { "external-dns.kubernetes.io/",
						"external-dns.alpha.kubernetes.io/" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		char *name = mem_printf("%s%s", prefixes[i], suffix);
		const char *value = endpoint_prop(e, name);

		free(name);
		if (value)
			return value;
	}
	return NULL;
}

/* One string after another without quotes and escapes: what the TXT means. */
static void txt_meaning(const char *text, struct buf *out)
{
	bool in = false;

	for (; *text; text++) {
		if (*text == '"') {
			in = !in;
			continue;
		}
		if (!in && *text == ' ' && out->len && strchr(text, '"'))
			continue; /* between two strings */
		if (*text == '\\' && text[1])
			text++;
		buf_putc(out, *text);
	}
}

bool cloudflare_record_same_target(const char *type, const char *a, const char *b)
{
	if (strcmp(type, "TXT") != 0)
		return strcasecmp(a, b) == 0;
	struct buf x = { 0 }, y = { 0 };
	txt_meaning(a, &x);
	txt_meaning(b, &y);
	bool same = strcmp(buf_str(&x), buf_str(&y)) == 0;
	buf_fini(&x);
	buf_fini(&y);
	return same;
}

/* "10 mail" -> 10 and "mail"; false if it does not begin with a number of 16 bits. */
static bool take_number(const char **text, long *ret)
{
	char *end;
	long v = strtol(*text, &end, 10);

	if (end == *text || v < 0 || v > 65535 || *end != ' ')
		return false;
	while (*end == ' ')
		end++;
	*text = end;
	*ret = v;
	return true;
}

static bool add_mx(cJSON *body, const char *target)
{
	long priority;

	if (!take_number(&target, &priority))
		return false;
	char *host = without_dot(target);
	(void)cJSON_AddNumberToObject(body, "priority", (double)priority);
	(void)cJSON_AddStringToObject(body, "content", host);
	free(host);
	return true;
}

static bool add_srv(cJSON *body, const char *target)
{
	long priority, weight, port;

	if (!take_number(&target, &priority) || !take_number(&target, &weight) ||
	    !take_number(&target, &port))
		return false;
	char *host = without_dot(target);
	cJSON *data = cJSON_AddObjectToObject(body, "data");
	(void)cJSON_AddNumberToObject(data, "priority", (double)priority);
	(void)cJSON_AddNumberToObject(data, "weight", (double)weight);
	(void)cJSON_AddNumberToObject(data, "port", (double)port);
	(void)cJSON_AddStringToObject(data, "target", host);
	free(host);
	return true;
}

/* 0 issue "letsencrypt.org" */
static bool add_caa(cJSON *body, const char *target)
{
	long flags;
	const char *blank;

	if (!take_number(&target, &flags) || (blank = strchr(target, ' ')) == NULL)
		return false;
	char *tag = mem_strndup(target, (size_t)(blank - target));
	struct buf value = { 0 };
	txt_meaning(blank + 1, &value);
	cJSON *data = cJSON_AddObjectToObject(body, "data");
	(void)cJSON_AddNumberToObject(data, "flags", (double)flags);
	(void)cJSON_AddStringToObject(data, "tag", tag);
	(void)cJSON_AddStringToObject(data, "value", buf_str(&value));
	buf_fini(&value);
	free(tag);
	return true;
}

static bool add_content(cJSON *body, const char *type, const char *target)
{
	if (strcmp(type, "MX") == 0)
		return add_mx(body, target);
	if (strcmp(type, "SRV") == 0)
		return add_srv(body, target);
	if (strcmp(type, "CAA") == 0)
		return add_caa(body, target);
	char *text = strcmp(type, "TXT") == 0 ? quoted(target) : without_dot(target);
	(void)cJSON_AddStringToObject(body, "content", text);
	free(text);
	return true;
}

cJSON *cloudflare_record_body(const struct endpoint *e, const char *target)
{
	cJSON *body = cJSON_CreateObject();
	const char *proxied = cloudflare_record_prop(e, "cloudflare-proxied");
	const char *comment = cloudflare_record_prop(e, "cloudflare-record-comment");
	const char *tags = cloudflare_record_prop(e, "cloudflare-tags");

	(void)cJSON_AddStringToObject(body, "type", e->record_type);
	(void)cJSON_AddStringToObject(body, "name", e->dns_name);
	if (!add_content(body, e->record_type, target)) {
		cJSON_Delete(body);
		return NULL;
	}
	(void)cJSON_AddNumberToObject(body, "ttl", e->record_ttl > 0 ? (double)e->record_ttl : 1);
	if (cloudflare_record_is_proxiable(e->record_type))
		(void)cJSON_AddBoolToObject(body, "proxied",
					    proxied && strcmp(proxied, "true") == 0);
	if (comment && *comment)
		(void)cJSON_AddStringToObject(body, "comment", comment);
	if (tags && *tags) {
		struct strv list = { 0 };

		strv_split(&list, tags, ",");
		(void)cJSON_AddItemToObject(body, "tags", json_from_strv(&list));
		strv_fini(&list);
	}
	return body;
}

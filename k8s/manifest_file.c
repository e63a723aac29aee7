#include "k8s/manifest_file.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/schema.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/yaml.h"

struct reading {
	const char *path;
	struct manifest_content *c;
	struct map keys; /* key -> itself: what is there already */
};

static char *key_of(const struct object *o)
{
	return mem_printf("%d/%s/%s", (int)o->kind, o->namespace, o->name);
}

/* "Gslb eu/x", from what is there of the names; caller frees. */
static char *title(const cJSON *doc)
{
	const char *kind = json_text(doc, "kind"), *ns = json_text(doc, "metadata.namespace");
	const char *name = json_text(doc, "metadata.name");

	return mem_printf("%s %s%s%s", kind ? kind : "object", ns ? ns : "", ns ? "/" : "",
			  name ? name : "without a name");
}

static char *place(const struct reading *r, unsigned line)
{
	return line ? mem_printf("%s:%u", r->path, line) : mem_strdup(r->path);
}

struct faults {
	struct reading *r;
	const char *title;
	unsigned line;
};

static void on_fault(void *ctx, const cJSON *at, const char *path, const char *text, bool fatal)
{
	struct faults *f = ctx;
	char *where = place(f->r, yaml_line(at) ? yaml_line(at) : f->line);

	strv_take(fatal ? &f->r->c->errors : &f->r->c->warnings,
		  mem_printf("%s: %s: %s: %s", where, f->title, path, text));
	free(where);
}

static void refuse(struct reading *r, const char *what, unsigned line, const char *why)
{
	char *where = place(r, line);

	strv_take(&r->c->errors, mem_printf("%s: %s: %s", where, what, why));
	free(where);
}

static void keep(struct reading *r, const char *what, struct object *o, unsigned line)
{
	struct manifest_content *c = r->c;
	char *key = key_of(o);

	if (map_get(&r->keys, key)) {
		refuse(r, what, line, "is in this file twice, the first counts");
		object_unref(o);
		free(key);
		return;
	}
	(void)map_put(&r->keys, key, r);
	c->o = mem_array(c->o, c->n + 1, sizeof(*c->o));
	c->o[c->n++] = (struct manifest_object){ key, o, line };
}

/* Takes DOC, an object by its looks. */
static void add_object(struct reading *r, cJSON *doc, unsigned line)
{
	const char *kind_text = json_text(doc, "kind"), *version = json_text(doc, "apiVersion");
	enum kind_id kind = kind_find(version, kind_text);
	char *what = title(doc), *why = NULL;
	struct faults f = { .r = r, .title = what, .line = line };
	struct object *o = NULL;

	if (kind == KIND_COUNT && kind_text && version) {
		log_debug("%s:%u: %s of %s is not for us", r->path, line, what, version);
		cJSON_Delete(doc);
		free(what);
		return;
	}
	unsigned faults = kind == KIND_COUNT ? 0 : schema_check(kind, doc, true, on_fault, &f);
	if (object_new(doc, &o, &why) != 0) {
		refuse(r, what, line, why);
		r->c->has_nameless = true;
	} else if (faults == 0) {
		keep(r, what, o, line);
	} else {
		strv_take(&r->c->bad_keys, key_of(o));
		object_unref(o);
	}
	free(why);
	free(what);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n > m && strcmp(s + n - m, end) == 0;
}

/* An item of an IngressList need not say that it is an Ingress. */
static void complete(cJSON *item, const cJSON *list)
{
	const char *kind = json_text(list, "kind"), *version = json_text(list, "apiVersion");

	if (!cJSON_IsObject(item) || strcmp(kind, "List") == 0)
		return;
	if (json_text(item, "kind") == NULL) {
		char *one = mem_strndup(kind, strlen(kind) - strlen("List"));

		(void)cJSON_AddStringToObject(item, "kind", one);
		free(one);
	}
	if (json_text(item, "apiVersion") == NULL && version)
		(void)cJSON_AddStringToObject(item, "apiVersion", version);
}

static void on_document(void *ctx, cJSON *doc, unsigned line)
{
	struct reading *r = ctx;
	const char *kind = json_text(doc, "kind");
	cJSON *items = json_get(doc, "items"), *item;

	if (!cJSON_IsObject(doc)) {
		char *where = place(r, line);

		strv_take(&r->c->errors, mem_printf("%s: not an object", where));
		free(where);
		cJSON_Delete(doc);
		r->c->has_nameless = true;
		return;
	}
	if (kind == NULL || !cJSON_IsArray(items) ||
	    !(strcmp(kind, "List") == 0 || ends_with(kind, "List"))) {
		add_object(r, doc, line);
		return;
	}
	while ((item = cJSON_DetachItemFromArray(items, 0)) != NULL) {
		unsigned at = yaml_line(item) ? yaml_line(item) : line;

		complete(item, doc);
		on_document(r, item, at);
	}
	cJSON_Delete(doc);
}

static void drop_objects(struct manifest_content *c)
{
	for (size_t i = 0; i < c->n; i++) {
		object_unref(c->o[i].object);
		free(c->o[i].key);
	}
	free(c->o);
	c->o = NULL;
	c->n = 0;
}

/* JSON that YAML 1.1 does not take (surrogate pairs in escapes). */
static bool parse_as_json(struct reading *r, const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && isspace((unsigned char)text[i]))
		i++;
	if (i == len || (text[i] != '{' && text[i] != '['))
		return false;
	const char *end = NULL;
	cJSON *doc = cJSON_ParseWithLengthOpts(text, len, &end, false);
	if (doc == NULL || strspn(end, " \t\r\n") != strlen(end)) {
		cJSON_Delete(doc);
		return false;
	}
	on_document(r, doc, 0);
	return true;
}

int manifest_file_parse(const char *path, const char *text, size_t len, struct manifest_content *c)
{
	struct reading r = { .path = path, .c = c };
	struct yaml_error e;
	int err = yaml_parse(text, len, on_document, &r, &e);

	if (err) {
		drop_objects(c);
		map_fini(&r.keys, NULL);
		strv_fini(&c->errors);
		strv_fini(&c->warnings);
		strv_fini(&c->bad_keys);
		c->has_nameless = false;
		if (err == ERR_SYNTAX && parse_as_json(&r, text, len))
			err = 0;
		else
			strv_take(&c->errors,
				  mem_printf("%s:%u:%u: %s", path, e.line, e.column, e.text));
	}
	map_fini(&r.keys, NULL);
	return err;
}

void manifest_content_fini(struct manifest_content *c)
{
	drop_objects(c);
	strv_fini(&c->errors);
	strv_fini(&c->warnings);
	strv_fini(&c->bad_keys);
}

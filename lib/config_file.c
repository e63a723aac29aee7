/*
 * config_file - options from a YAML file: one mapping, keys are the names of
 * the flags, values scalars or, for options that repeat, lists.
 *
 *	txt-owner-id: eu
 *	source: [gslb, ingress]
 *	once: false
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/config_store.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/yaml.h"

#define FILE_MAX (1024 * 1024)

struct reader {
	struct config *config;
	enum config_origin from;
	int err;
	unsigned line; /* of what is being read */
	char *why;
};

static int read_file(const char *path, struct buf *ret, char **ret_why)
{
	FILE *f = fopen(path, "re");
	char part[8192];
	size_t n;

	if (!f) {
		*ret_why = mem_printf("%s: %s", path,
				      strerror(errno)); // NOLINT(concurrency-mt-unsafe)
		return ERR_IO;
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0 && ret->len <= FILE_MAX)
		buf_add(ret, part, n);
	fclose(f);
	if (ret->len > FILE_MAX) {
		*ret_why = mem_printf("%s: larger than 1 MiB", path);
		return ERR_LIMIT;
	}
	return 0;
}

/* A scalar as the text that a flag would have. */
static int put_scalar(struct reader *r, enum option o, const cJSON *v)
{
	const char *text = cJSON_GetStringValue(v);
	char number[40];

	if (cJSON_IsBool(v) && option_rows[o].type != OPTION_BOOL) {
		r->why = mem_printf("%s: YAML reads this as a boolean; quote it",
				    option_rows[o].name);
		return ERR_INVALID;
	}
	if (cJSON_IsBool(v)) {
		text = cJSON_IsTrue(v) ? "true" : "false";
	} else if (cJSON_IsNumber(v)) {
		snprintf(number, sizeof(number), "%.15g", v->valuedouble);
		text = number;
	} else if (!text) {
		r->why = mem_printf("%s: a scalar is expected here", option_rows[o].name);
		return ERR_INVALID;
	}
	return config_put(r->config, o, text, r->from, &r->why);
}

static int put_key(struct reader *r, const cJSON *item)
{
	size_t len = strlen(item->string);
	enum option o = option_find(item->string, len);
	const cJSON *e;

	if (!strcmp(item->string, "providers") && r->from == FROM_FILE) {
		cJSON_Delete(r->config->providers);
		r->config->providers = cJSON_Duplicate(item, true);
		return 0;
	}
	if (o == OPT_COUNT || o == OPT_CONFIG) {
		const char *near = option_nearest(item->string, len);

		r->why = mem_printf("unknown option '%s'%s%s", item->string,
				    near ? "; did you mean " : "", near ? near : "");
		return ERR_SYNTAX;
	}
	if (cJSON_IsNull(item))
		return 0;
	if (!cJSON_IsArray(item))
		return put_scalar(r, o, item);
	if (!option_is_list(option_rows[o].type)) {
		r->why = mem_printf("%s takes one value, not a list", item->string);
		return ERR_INVALID;
	}
	cJSON_ArrayForEach(e, item) {
		int err = put_scalar(r, o, e);

		if (err)
			return err;
	}
	return 0;
}

int config_file_put_key(struct config *c, const cJSON *item, enum config_origin from,
			char **ret_why)
{
	struct reader r = { .config = c, .from = from };
	int err = put_key(&r, item);

	if (err)
		*ret_why = r.why;
	return err;
}

/* Takes DOC. */
static void on_document(void *ctx, cJSON *doc, unsigned line)
{
	struct reader *r = ctx;
	const cJSON *item;

	r->line = r->err ? r->line : line;
	if (!r->err && !cJSON_IsObject(doc) && !cJSON_IsNull(doc)) {
		r->err = ERR_SYNTAX;
		r->why = mem_strdup("a mapping of options is expected");
	}
	for (item = doc->child; item && !r->err; item = item->next) {
		r->line = yaml_line(item);
		r->err = put_key(r, item);
	}
	cJSON_Delete(doc);
}

int config_file_put(struct config *c, const char *path, char **ret_why)
{
	struct reader r = { .config = c, .from = FROM_FILE };
	struct yaml_error e = { 0 };
	struct buf text = { 0 };
	int err = read_file(path, &text, ret_why);

	if (err)
		goto out;
	err = yaml_parse(buf_str(&text), text.len, on_document, &r, &e);
	if (err)
		*ret_why = mem_printf("%s:%u:%u: %s", path, e.line, e.column, e.text);
	else if (r.err)
		*ret_why = mem_printf("%s:%u: %s", path, r.line, r.why);
	if (!err)
		err = r.err;
out:
	free(r.why);
	buf_fini(&text);
	return err;
}

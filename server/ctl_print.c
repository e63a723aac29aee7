/*
 * ctl_print - replies as text: tables whose columns are as wide as they need be.
 *
 *	{"text": "…"}                          as it is
 *	{"columns": […], "rows": [[…], …]}     a table
 *	{"x": [{…}, …]} or {"x": {"a": {…}}}   a table, heads are the members' names
 *	anything else                          name: value
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "server/ctl.h"

struct table {
	struct strv *rows; /* the first one is the head */
	size_t nrows;
	unsigned indent;
};

static struct strv *table_row(struct table *t)
{
	t->rows = mem_array(t->rows, t->nrows + 1, sizeof(*t->rows));
	t->rows[t->nrows] = (struct strv){ 0 };
	return &t->rows[t->nrows++];
}

/* Characters of UTF-8 text, about as many as columns. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Text that may come from anywhere: control characters would move the cursor. */
static void print_safe(FILE *out, const char *s)
{
	for (; *s; s++)
		fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, out);
}

static void table_print(FILE *out, const struct table *t)
{
	size_t ncols = 0, *w;

	for (size_t r = 0; r < t->nrows; r++)
		ncols = t->rows[r].n > ncols ? t->rows[r].n : ncols;
	w = mem_calloc(ncols + 1, sizeof(*w));
	for (size_t r = 0; r < t->nrows; r++) {
		for (size_t i = 0; i < t->rows[r].n; i++) {
			size_t n = width(t->rows[r].s[i]);

			w[i] = n > w[i] ? n : w[i];
		}
	}
	for (size_t r = 0; r < t->nrows; r++) {
		size_t blanks = t->indent; /* before the next cell that is not empty */

		for (size_t i = 0; i < t->rows[r].n; i++) {
			const char *cell = t->rows[r].s[i];

			if (*cell) {
				fprintf(out, "%*s", (int)blanks, "");
				print_safe(out, cell);
				blanks = 0;
			}
			blanks += w[i] - width(cell) + 2;
		}
		fputc('\n', out);
	}
	free(w);
}

static void table_fini(struct table *t)
{
	for (size_t r = 0; r < t->nrows; r++)
		strv_fini(&t->rows[r]);
	free(t->rows);
}

/* A value in a cell: lists joined, objects as name=value.  Caller frees. */
static char *cell_text(const cJSON *v)
{
	struct strv parts = { 0 };
	const cJSON *i;
	char *s;

	if (!v || cJSON_IsNull(v))
		return mem_strdup("");
	if (cJSON_IsString(v))
		return mem_strdup(v->valuestring);
	if (cJSON_IsNumber(v))
		return mem_printf("%.15g", v->valuedouble);
	if (cJSON_IsBool(v))
		return mem_strdup(cJSON_IsTrue(v) ? "yes" : "no");
	cJSON_ArrayForEach(i, v) {
		char *one = cell_text(i);

		strv_take(&parts,
			  i->string ? mem_printf("%s=%s", i->string, one) : mem_strdup(one));
		free(one);
	}
	s = strv_join(&parts, cJSON_IsObject(v) ? " " : ", ");
	strv_fini(&parts);
	return s;
}

/* A member's name as a head: "last_seen_ms_ago" is LAST SEEN MS AGO. */
static char *head_text(const char *name)
{
	char *s = mem_strdup(name);

	for (char *p = s; *p; p++)
		*p = (char)(*p == '_' ? ' ' : toupper((unsigned char)*p));
	return s;
}

static void print_columns(FILE *out, const cJSON *columns, const cJSON *rows)
{
	struct table t = { 0 };
	struct strv *row = table_row(&t);
	const cJSON *r, *i;

	cJSON_ArrayForEach(i, columns)
		strv_take(row, head_text(cJSON_IsString(i) ? i->valuestring : ""));
	cJSON_ArrayForEach(r, rows) {
		row = table_row(&t);
		cJSON_ArrayForEach(i, r)
			strv_take(row, cell_text(i));
	}
	table_print(out, &t);
	table_fini(&t);
}

static bool is_list_of_objects(const cJSON *v)
{
	const cJSON *i;

	cJSON_ArrayForEach(i, v) {
		if (!cJSON_IsObject(i))
			return false;
	}
	return v->child != NULL;
}

/* Has no row of V a value for NAME?  Milliseconds beside the same time in words say nothing either.
 */
static bool is_idle_column(const cJSON *v, const struct strv *names, const char *name)
{
	size_t len = strlen(name);
	bool idle = true;
	const cJSON *r;

	if (len > 3 && !strcmp(name + len - 3, "_ms")) {
		char *words = mem_strndup(name, len - 3);
		bool has_words = strv_has(names, words);

		free(words);
		if (has_words)
			return true;
	}
	cJSON_ArrayForEach(r, v) {
		char *cell = cell_text(cJSON_GetObjectItemCaseSensitive(r, name));

		idle = idle && !*cell;
		free(cell);
	}
	return idle;
}

/* Rows are the objects in V, columns all names that they have; FIRST heads the rows' own names. */
static void print_objects(FILE *out, const cJSON *v, const char *first, unsigned indent)
{
	struct table t = { .indent = indent };
	struct strv names = { 0 };
	struct strv *row = table_row(&t);
	const cJSON *r, *i;

	cJSON_ArrayForEach(r, v) {
		cJSON_ArrayForEach(i, r)
			strv_add_unique(&names, i->string);
	}
	for (size_t n = names.n; n-- > 0;) {
		if (is_idle_column(v, &names, names.s[n]))
			strv_remove(&names, n);
	}
	if (v->child->string)
		strv_take(row, head_text(first));
	for (size_t n = 0; n < names.n; n++)
		strv_take(row, head_text(names.s[n]));
	cJSON_ArrayForEach(r, v) {
		row = table_row(&t);
		if (r->string)
			strv_add(row, r->string);
		for (size_t n = 0; n < names.n; n++)
			strv_take(row, cell_text(cJSON_GetObjectItemCaseSensitive(r, names.s[n])));
	}
	table_print(out, &t);
	table_fini(&t);
	strv_fini(&names);
}

/* ALONE: the reply has no other member, so a table needs no title. */
static void print_member(FILE *out, const cJSON *i, bool alone)
{
	char *s;

	if ((cJSON_IsArray(i) || cJSON_IsObject(i)) && is_list_of_objects(i)) {
		if (!alone)
			fprintf(out, "%s:\n", i->string ? i->string : "");
		print_objects(out, i, "name", alone ? 0 : 2);
		return;
	}
	s = cell_text(i);
	fprintf(out, "%s%s", i->string ? i->string : "", i->string ? ": " : "");
	print_safe(out, s);
	fputc('\n', out);
	free(s);
}

static bool is_one_of(const char *name, const char *a, const char *b, const char *c, const char *d)
{
	return name &&
	       (!strcmp(name, a) || !strcmp(name, b) || !strcmp(name, c) || !strcmp(name, d));
}

void ctl_print(FILE *out, const cJSON *reply)
{
	const char *text = json_text(reply, "text");
	const cJSON *columns = json_get(reply, "columns"), *i;

	if (text && *text)
		fprintf(out, "%s%s", text, text[strlen(text) - 1] == '\n' ? "" : "\n");
	if (cJSON_IsArray(columns))
		print_columns(out, columns, json_get(reply, "rows"));
	if (!columns && !text && cJSON_IsObject(reply) && is_list_of_objects(reply)) {
		print_objects(out, reply, "name", 0);
		return;
	}
	cJSON_ArrayForEach(i, reply) {
		if (!is_one_of(i->string, "text", "columns", "rows", "ok"))
			print_member(out, i, cJSON_GetArraySize(reply) == 1);
	}
}

void ctl_print_json(FILE *out, const cJSON *reply)
{
	char *s = cJSON_Print(reply);

	fprintf(out, "%s\n", s);
	cJSON_free(s);
}

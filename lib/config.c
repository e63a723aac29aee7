/*
 * config - the options' values and how they are loaded.
 *
 *	defaults < file (--config) < environment < command line
 *
 * main calls config_load once; everybody reads.  See config.h.
 */
#include "lib/config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/config_doc.h"
#include "lib/config_store.h"
#include "lib/error.h"
#include "lib/mem.h"

static int number_from_text(const char *text, int64_t *ret)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end || errno)
		return ERR_INVALID;
	*ret = n;
	return 0;
}

/* The spellings of Go's strconv.ParseBool. */
static int bool_from_text(const char *text, int64_t *ret)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True" };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return ERR_INVALID;
}

/* TEXT as number of its type; 0 for types that are text. */
static int parse_number(const struct option_row *row, const char *text, int64_t *ret,
			const char **ret_what)
{
	*ret = 0;
	switch (row->type) {
	case OPTION_NUMBER:
		*ret_what = "a number";
		return number_from_text(text, ret);
	case OPTION_BOOL:
		*ret_what = "true or false";
		return bool_from_text(text, ret);
	case OPTION_DURATION:
		*ret_what = "a duration like 30s, 1m30s or 500ms";
		return clock_duration_ms(text, ret);
	case OPTION_TEXT:
	case OPTION_LIST:
	case OPTION_COMMA_LIST:
	case OPTION_SEMI_LIST:
		break;
	}
	return 0;
}

/* Add TEXT to a list, split as its type says.  Empty values are none. */
static void add_to_list(struct strv *list, enum option_type type, const char *text,
			enum config_origin from)
{
	const char *seps = type == OPTION_COMMA_LIST || from == FROM_DEFAULT ? ",\r\n"
			   : type == OPTION_SEMI_LIST                        ? ";\r\n"
									     : "\r\n";

	if (type == OPTION_LIST && from == FROM_ARGS) {
		if (*text)
			strv_add(list, text);
	} else {
		strv_split(list, text, seps);
	}
}

int config_put(struct config *c, enum option o, const char *text, enum config_origin from,
	       char **ret_why)
{
	const struct option_row *row = &option_rows[o];
	struct config_value *v = &c->v[o];
	const char *what = "";
	int64_t number;

	/* what has no meaning here has no syntax either */
	if (parse_number(row, text, &number, &what) && row->state != STATE_IGNORED) {
		*ret_why = mem_printf("--%s: '%s' is not %s", row->name, text, what);
		return ERR_INVALID;
	}
	if (v->origin != from)
		strv_fini(&v->list);
	if (option_is_list(row->type))
		add_to_list(&v->list, row->type, text, from);
	v->number = number;
	v->origin = from;
	mem_strset(&v->text, text);
	return 0;
}

struct config *config_new(void)
{
	struct config *c = MEM_NEW(struct config);

	for (size_t i = 0; i < OPT_COUNT; i++) {
		char *why = NULL;

		if (config_put(c, (enum option)i, option_rows[i].def, FROM_DEFAULT, &why)) {
			fprintf(stderr, "options.def: %s\n", why);
			abort();
		}
	}
	return c;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < OPT_COUNT; i++) {
		if (option_rows[i].state == STATE_SECRET && c->v[i].text)
			mem_wipe(c->v[i].text, strlen(c->v[i].text));
		free(c->v[i].text);
		strv_fini(&c->v[i].list);
	}
	strv_fini(&c->warnings);
	config_entries_fini(c);
	cJSON_Delete(c->providers);
	free(c);
}

/* The file named on the command line or in the environment; NULL if none. */
static const char *config_path(const struct config_args *args, char *const *env)
{
	static const char *const names[] = { "GSLBD_CONFIG=", "EXTERNAL_DNS_CONFIG=" };

	for (size_t i = 0; i < args->n; i++) {
		if (args->a[i].option == OPT_CONFIG)
			return *args->a[i].text ? args->a[i].text : NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t e = 0; env && env[e]; e++) {
			size_t len = strlen(names[i]);

			if (!strncmp(env[e], names[i], len) && env[e][len])
				return env[e] + len;
		}
	}
	return NULL;
}

static void collect_warnings(struct config *c)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *how = c->v[i].origin == FROM_ENV && row->env ? row->env : NULL;
		char *w;

		if (c->v[i].origin == FROM_DEFAULT)
			continue;
		if (row->state == STATE_IGNORED)
			w = mem_printf("--%s%s%s%s has no meaning here and is ignored", row->name,
				       how ? " (" : "", how ? how : "", how ? ")" : "");
		else if (row->state == STATE_DEPRECATED)
			w = mem_printf("--%s is deprecated: %s", row->name, row->help);
		else
			continue;
		strv_take(&c->warnings, w);
	}
}

static int load(struct config *c, const struct config_args *args, char *const *env, char **ret_why)
{
	const char *path = config_path(args, env);
	int err = path ? config_file_put(c, path, ret_why) : 0;

	if (!err)
		err = config_env_put(c, env, ret_why);
	if (!err)
		err = config_args_put(c, args, ret_why);
	if (!err)
		err = config_check(c, ret_why);
	if (!err)
		err = config_entries_make(c, ret_why);
	return err;
}

struct config *config_load(int argc, char **argv, char **env, int *ret_exit)
{
	struct config_args args = { 0 };
	struct config *c = NULL;
	char *why = NULL;
	int err = config_args_parse(argc, argv, &args, &why);

	if (!err && (args.help || args.version)) {
		if (args.help)
			config_doc_help(stdout);
		else
			puts(PACKAGE_NAME " " PACKAGE_VERSION);
		*ret_exit = 0;
		goto out;
	}
	if (!err) {
		c = config_new();
		err = load(c, &args, env, &why);
	}
	if (err) {
		fprintf(stderr, "gslbd: %s\ngslbd: try --help\n", why);
		config_free(c);
		c = NULL;
		*ret_exit = 2;
	} else {
		collect_warnings(c);
	}
out:
	config_args_fini(&args);
	free(why);
	return c;
}

struct config *config_for_test(const char *const *pairs)
{
	struct config *c = config_new();

	for (; pairs && *pairs; pairs++) {
		const char *eq = strchr(*pairs, '=');
		enum option o = eq ? option_find(*pairs, (size_t)(eq - *pairs)) : OPT_COUNT;
		char *why = NULL;

		if (o == OPT_COUNT || config_put(c, o, eq + 1, FROM_ARGS, &why)) {
			fprintf(stderr, "config_for_test: '%s': %s\n", *pairs,
				why ? why : "no such option");
			abort();
		}
	}
	return c;
}

const char *config_text(const struct config *c, enum option o)
{
	assert(!option_is_list(option_rows[o].type));
	return c->v[o].text;
}

const struct strv *config_list(const struct config *c, enum option o)
{
	assert(option_is_list(option_rows[o].type));
	return &c->v[o].list;
}

int64_t config_number(const struct config *c, enum option o)
{
	assert(option_rows[o].type == OPTION_NUMBER);
	return c->v[o].number;
}

bool config_bool(const struct config *c, enum option o)
{
	assert(option_rows[o].type == OPTION_BOOL);
	return c->v[o].number;
}

int64_t config_ms(const struct config *c, enum option o)
{
	assert(option_rows[o].type == OPTION_DURATION);
	return c->v[o].number;
}

bool config_is_set(const struct config *c, enum option o)
{
	return c->v[o].origin != FROM_DEFAULT;
}

const struct strv *config_warnings(const struct config *c)
{
	return &c->warnings;
}

const char *config_option_name(enum option o)
{
	return option_rows[o].name;
}

/*
 * config_store - the values of the options, for the files of config only.
 * Control thread while loading; read-only afterwards.
 */
#pragma once

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/config_table.h"

/* Where a value came from; each beats the ones before. */
enum config_origin { FROM_DEFAULT, FROM_FILE, FROM_ENV, FROM_ARGS, FROM_ENTRY };

struct config_value {
	enum config_origin origin;
	char *text; /* as given; of lists the last one */
	struct strv list;
	int64_t number; /* number, boolean, milliseconds */
};

struct config_entry {
	char *name;
	struct config *config;
	struct strv environment;
};

struct config {
	struct config_value v[OPT_COUNT];
	struct strv warnings;
	cJSON *providers; /* the file's list, until the entries are made */
	struct config_entry *entries;
	size_t nentries;
};

struct config *config_new(void); /* all defaults */
/*
 * Take TEXT as value of O.  Lists collect what comes from one origin; a weaker
 * origin's values are dropped.  ERR_INVALID with *ret_why (caller frees) if TEXT
 * is no number, boolean or duration; nothing is changed then.
 */
int config_put(struct config *c, enum option o, const char *text, enum config_origin from,
	       char **ret_why);

/* An option of the command line, before it is put. */
struct config_arg {
	enum option option;
	char *text;
};

struct config_args {
	struct config_arg *a;
	size_t n;
	bool help, version;
};

/* Split the command line.  ERR_SYNTAX with *ret_why; fini in any case. */
int config_args_parse(int argc, char *const *argv, struct config_args *ret, char **ret_why);
void config_args_fini(struct config_args *args);
int config_args_put(struct config *c, const struct config_args *args, char **ret_why);
int config_env_put(struct config *c, char *const *env, char **ret_why);
/* Options from the YAML file PATH. */
int config_file_put(struct config *c, const char *path, char **ret_why);
/* One key of the file and its value. */
int config_file_put_key(struct config *c, const cJSON *item, enum config_origin from,
			char **ret_why);
/* Make the entries from c->providers, once all else is loaded.  ERR_SYNTAX, ERR_INVALID with
 * *ret_why. */
int config_entries_make(struct config *c, char **ret_why);
void config_entries_fini(struct config *c);
/* Rules between options; see config_check.c.  ERR_INVALID with *ret_why. */
int config_check(const struct config *c, char **ret_why);

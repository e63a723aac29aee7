/*
 * config - the options of options.def, from defaults, the YAML file (--config),
 * the environment and the command line (each beats the one before).
 * Read-only after start.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/strv.h"

enum option {
#define OPTION(id, name, type, def, env, arg, group, state, help) OPT_##id,
#include "lib/options.def"
#undef OPTION
	OPT_COUNT,
};

enum option_type {
	OPTION_TEXT,       /* config_text */
	OPTION_LIST,       /* repeatable, config_list; one value a line in the environment */
	OPTION_COMMA_LIST, /* the same, each value is split at commas */
	OPTION_SEMI_LIST,  /* the same, each value is split at semicolons */
	OPTION_NUMBER,     /* config_number */
	OPTION_BOOL,       /* --x / --no-x, config_bool */
	OPTION_DURATION,   /* Go duration, config_ms */
};

struct config;
/*
 * argv as main has it; ENV as environ.  On a usage error or a value that breaks
 * a rule (config_check.c): prints it to standard error, an unknown flag with the
 * nearest spelling, sets *ret_exit to 2 and returns NULL.  --help and --version
 * print and set *ret_exit to 0; NULL then too.  The caller frees.
 */
struct config *config_load(int argc, char **argv, char **env, int *ret_exit);
/* For tests: defaults plus "name=value" pairs, NULL-ended. */
struct config *config_for_test(const char *const *pairs);
void config_free(struct config *c);
const char *config_text(const struct config *c, enum option o); /* never NULL; "" if unset */
const struct strv *config_list(const struct config *c, enum option o);
int64_t config_number(const struct config *c, enum option o);
bool config_bool(const struct config *c, enum option o);
int64_t config_ms(const struct config *c, enum option o);
/* Words for the log: options that were given and are ignored or deprecated. */
const struct strv *config_warnings(const struct config *c);
/* "txt-owner-id", for messages. */
const char *config_option_name(enum option o);
/*
 * The entries of the file's list "providers", each a provider of its own: the options of C with the
 * entry's laid over.  All owned by C.
 *
 *	providers:
 *	- name: public                # for logs and metrics; else the provider's
 *	  provider: cloudflare
 *	  domain-filter: [example.com]
 *	  environment:                # set while this provider is opened
 *	    CF_API_TOKEN: file:/run/secrets/public
 */
size_t config_providers(const struct config *c);
const struct config *config_provider(const struct config *c, size_t i);
const char *config_provider_name(const struct config *c, size_t i);
const struct strv *config_provider_environment(const struct config *c, size_t i); /* "NAME=VALUE" */
bool config_is_set(const struct config *c, enum option o); /* given by the user in any way */

/*
 * domain_filter - which names (or hosted zones) an instance may touch:
 * --domain-filter, --exclude-domains, or their regular expressions.
 * Immutable once made.  Any thread.
 */
#pragma once

#include <stdbool.h>

#include "lib/strv.h"

struct cJSON;
struct config;
struct domain_filter;

/*
 * Suffix lists match on whole labels; an entry that begins with a dot matches only names below it.
 * An empty include matches all.  If either expression is non-empty, both lists are ignored
 * and the exclusion is looked at first.  NULL lists and expressions are empty.
 * ERR_SYNTAX, ERR_UNSUPPORTED with *ret_why (caller frees).
 */
int domain_filter_new(const struct strv *include, const struct strv *exclude,
		      const char *regex_include, const char *regex_exclude,
		      struct domain_filter **ret, char **ret_why);
/* From the four options. */
int domain_filter_from_config(const struct config *c, struct domain_filter **ret, char **ret_why);
/* The webhook's form: {"include": [], "exclude": []} or {"regexInclude": "", "regexExclude": ""};
 * "filters" for "include" too. */
int domain_filter_from_json(const struct cJSON *o, struct domain_filter **ret, char **ret_why);
struct cJSON *domain_filter_to_json(const struct domain_filter *f);
void domain_filter_free(struct domain_filter *f); /* NULL is fine */

bool domain_filter_is_configured(const struct domain_filter *f);
/* May a record of this NAME be looked at?  F NULL matches all. */
bool domain_filter_match(const struct domain_filter *f, const char *name);
/* Is ZONE above an included domain?  Such a hosted zone must be opened too. */
bool domain_filter_match_parent(const struct domain_filter *f, const char *zone);
/* match or match_parent: should a hosted zone be opened? */
bool domain_filter_match_zone(const struct domain_filter *f, const char *zone);

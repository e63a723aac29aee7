/*
 * selector - a Kubernetes label selector, parsed once: "a=b,c in (d,e),!f,g>3".
 * Used for --label-filter, --annotation-filter (matched against annotations) and
 * --gateway-label-filter.  Immutable once parsed; control thread.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

struct selector;

/*
 * The grammar of apimachinery's labels.Parse: =, ==, !=, in, notin, exists, !exists, >, <.
 * Empty text selects everything.  0, or ERR_SYNTAX with *ret_why (caller frees).
 */
int selector_parse(const char *text, struct selector **ret, char **ret_why);
void selector_free(struct selector *s);
/* NULL or without any requirement: selects everything. */
bool selector_is_empty(const struct selector *s);
/* GET returns the value of KEY or NULL.  A missing key satisfies != and notin. */
bool selector_matches(const struct selector *s,
		      const char *(*get)(const void *ctx, const char *key), const void *ctx);
/* Against a JSON object of strings (labels); NULL is an empty one. */
bool selector_matches_json(const struct selector *s, const cJSON *labels);

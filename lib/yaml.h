/*
 * yaml - YAML 1.1 (and so JSON) documents as cJSON trees, as Kubernetes reads
 * them (sigs.k8s.io/yaml): plain scalars become null, booleans (also yes, no, on,
 * off, y, n) and numbers, quoted ones stay strings, keys are always strings;
 * doubled keys and unknown tags are errors; anchors and merge keys are expanded
 * within bounds.  Any thread.
 */
#pragma once

#include <stddef.h>

#include <cjson/cJSON.h>

struct yaml_error {
	unsigned line, column; /* from 1 */
	char text[200];
};

/*
 * All documents in TEXT that are not empty, each passed to CB with the line it begins on; CB takes
 * the tree.
 * 0 or ERR_SYNTAX / ERR_LIMIT with *ret_error filled; documents before the bad one were passed.
 */
int yaml_parse(const char *text, size_t len, void (*cb)(void *ctx, cJSON *doc, unsigned line),
	       void *ctx, struct yaml_error *ret_error);
/* The line on which ITEM of such a tree began; 0 for trees that did not come from yaml_parse. */
unsigned yaml_line(const cJSON *item);

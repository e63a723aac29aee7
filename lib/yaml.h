/*
 * yaml - YAML 1.1 (and so JSON) documents as cJSON trees, as Kubernetes reads
 * them: plain scalars become null, booleans (true/false) and numbers, quoted ones
 * stay strings; doubled keys and unknown tags are errors; anchors are expanded
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
 * All documents in TEXT, each passed to CB with the line it begins on; CB takes the tree.
 * 0 or ERR_SYNTAX / ERR_LIMIT with *ret_error filled; documents before the bad one were passed.
 */
int yaml_parse(const char *text, size_t len, void (*cb)(void *ctx, cJSON *doc, unsigned line),
	       void *ctx, struct yaml_error *ret_error);

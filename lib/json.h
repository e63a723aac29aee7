/*
 * json - cJSON with paths.  A path is "a.b.c"; names that hold dots need
 * json_get on the parent.  Borrowed results.  Any thread, one tree a thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "lib/strv.h"

/* The item at PATH under O, or NULL.  Case matters. */
cJSON *json_get(const cJSON *o, const char *path);
/* Text at PATH, or NULL when missing or not a string. */
const char *json_text(const cJSON *o, const char *path);
/* Number at PATH, or DEF. */
int64_t json_number(const cJSON *o, const char *path, int64_t def);
bool json_bool(const cJSON *o, const char *path, bool def);
/* Member NAME of O exactly (annotations with dots), or NULL. */
const char *json_member(const cJSON *o, const char *name);
/* Strings of the array at PATH are added to V; others are skipped. */
void json_strings(const cJSON *o, const char *path, struct strv *v);
cJSON *json_from_strv(const struct strv *v);
/* Structural equality; object order does not matter. */
bool json_equal(const cJSON *a, const cJSON *b);
/* Compact text, caller frees. */
char *json_print(const cJSON *o);

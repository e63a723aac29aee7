/*
 * intern - one copy of texts that come again and again (names of JSON members),
 * kept as long as the process.  Bounded: what comes after that is not taken.
 * Any thread.
 */
#pragma once

#include <stddef.h>

#include <cjson/cJSON.h>

/* The copy of LEN characters at S; NULL if the table is full or the text long. */
const char *intern(const char *s, size_t len);
/* Append ITEM to OBJECT under NAME, shared if it can be.  Takes ITEM.  As cJSON_AddItemToObject. */
void intern_add(cJSON *object, const char *name, size_t len, cJSON *item);
/* Append to an array or object without looking for its end. */
void intern_append(cJSON *to, cJSON *item);

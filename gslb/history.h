/*
 * history - each change of a host's answer, with its cause, before and after: the
 * last some thousand, oldest dropped first.  Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/strv.h"

struct cJSON;
struct history;
struct host;
struct state;

/* STATE: where it is kept over restarts, or NULL; what is there is read. */
struct history *history_new(struct state *state);
void history_free(struct history *h);
/* H's answer was BEFORE and is now what the host says.  Copies. */
void history_add(struct history *h, const struct host *host, const struct strv *before);
/*
 * [{time, host, cause, detail, before, after}], the newest first, at most MAX; of HOST alone if it
 * is not NULL.
 */
void history_explain(const struct history *h, const char *host, size_t max, struct cJSON *array);

/*
 * regexp - Go's regular expressions (RE2 syntax) as users write them in flags,
 * translated to POSIX extended ones.  Matching only; no look-around, as in Go.
 * Any thread.
 */
#pragma once

#include <stdbool.h>

struct regexp;
/* 0, ERR_SYNTAX, or ERR_UNSUPPORTED (Unicode classes, look-around) with *ret_why (caller frees). */
int regexp_new(const char *pattern, struct regexp **ret, char **ret_why);
void regexp_free(struct regexp *r); /* NULL is fine */
/* Is there a match anywhere in TEXT? */
bool regexp_matches(const struct regexp *r, const char *text);
/* The pattern as it was given. */
const char *regexp_text(const struct regexp *r);

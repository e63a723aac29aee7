/*
 * strv - a list of strings that it owns.  Zero-initialise to begin.
 * Order is kept as added unless strv_sort is called.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct strv {
	char **s; /* s[0..n-1]; NULL while n was never > 0 */
	size_t n;
};

void strv_fini(struct strv *v);
void strv_add(struct strv *v, const char *s);             /* copies */
void strv_take(struct strv *v, char *s);                  /* takes */
void strv_copy(struct strv *to, const struct strv *from); /* TO must be empty or zero */
bool strv_has(const struct strv *v, const char *s);       /* exact */
bool strv_add_unique(struct strv *v, const char *s);      /* false if it was there */
void strv_remove(struct strv *v, size_t i);
void strv_sort(struct strv *v);                              /* strcmp order */
void strv_uniq(struct strv *v);                              /* sorts, drops doubles */
bool strv_equal(const struct strv *a, const struct strv *b); /* same order */
/* Split TEXT at any of SEPS; trims blanks; skips empty parts; adds to V. */
void strv_split(struct strv *v, const char *text, const char *seps);
char *strv_join(const struct strv *v, const char *sep); /* caller frees */

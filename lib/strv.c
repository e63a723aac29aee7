#include "lib/strv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

void strv_fini(struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->s[i]);
	free(v->s);
	*v = (struct strv){ 0 };
}

void strv_take(struct strv *v, char *s)
{
	/* grow at powers of two */
	if ((v->n & (v->n - 1)) == 0)
		v->s = mem_array(v->s, v->n ? v->n * 2 : 1, sizeof(*v->s));
	v->s[v->n++] = s;
}

void strv_add(struct strv *v, const char *s)
{
	strv_take(v, mem_strdup(s));
}

void strv_copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->s[i]);
}

bool strv_has(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->s[i], s) == 0)
			return true;
	return false;
}

bool strv_add_unique(struct strv *v, const char *s)
{
	if (strv_has(v, s))
		return false;
	strv_add(v, s);
	return true;
}

void strv_remove(struct strv *v, size_t i)
{
	assert(i < v->n);
	free(v->s[i]);
	/* the array's size follows n's powers of two, so rebuild when one is crossed */
	memmove(v->s + i, v->s + i + 1, (v->n - i - 1) * sizeof(*v->s));
	v->n--;
	if (v->n && (v->n & (v->n - 1)) == 0)
		v->s = mem_array(v->s, v->n, sizeof(*v->s));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->n > 1)
		qsort(v->s, v->n, sizeof(*v->s), compare);
}

void strv_uniq(struct strv *v)
{
	strv_sort(v);
	for (size_t i = 1; i < v->n;) {
		if (strcmp(v->s[i - 1], v->s[i]) == 0)
			strv_remove(v, i);
		else
			i++;
	}
}

bool strv_equal(const struct strv *a, const struct strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->s[i], b->s[i]) != 0)
			return false;
	return true;
}

void strv_split(struct strv *v, const char *text, const char *seps)
{
	while (*text) {
		size_t len = strcspn(text, seps);
		const char *start = text;
		size_t n = len;

		while (n && strchr(" \t\r\n", start[0]))
			start++, n--;
		while (n && strchr(" \t\r\n", start[n - 1]))
			n--;
		if (n)
			strv_take(v, mem_strndup(start, n));
		text += len;
		if (*text)
			text++;
	}
}

char *strv_join(const struct strv *v, const char *sep)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < v->n; i++) {
		if (i)
			buf_puts(&b, sep);
		buf_puts(&b, v->s[i]);
	}
	return buf_take(&b);
}

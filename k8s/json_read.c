#include "k8s/json_read.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/intern.h"
#include "lib/mem.h"

#define MAX_DEPTH 100

struct reader {
	const char *start, *p, *end;
	unsigned depth;
};

/* --- tokens --------------------------------------------------------------------------- */

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
		r->p++;
}

static bool take(struct reader *r, char c)
{
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Behind the opening quote; the raw characters up to the closing one, which is taken. */
static int raw_string(struct reader *r, const char **ret, size_t *ret_len, bool *ret_escapes)
{
	const char *s = r->p;
	bool escapes = false;

	while (r->p < r->end && *r->p != '"') {
		if ((unsigned char)*r->p < 0x20)
			return ERR_SYNTAX;
		if (*r->p == '\\') {
			escapes = true;
			r->p++;
		}
		r->p++;
	}
	if (r->p >= r->end)
		return ERR_SYNTAX;
	*ret = s;
	*ret_len = (size_t)(r->p - s);
	*ret_escapes = escapes;
	r->p++;
	return 0;
}

static int hex4(const char *s, const char *end, uint32_t *ret)
{
	uint32_t v = 0;

	if (end - s < 4)
		return ERR_SYNTAX;
	for (int i = 0; i < 4; i++) {
		char c = s[i];
		uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
			     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
			     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
						    : 16;
		if (d == 16)
			return ERR_SYNTAX;
		v = v << 4 | d;
	}
	*ret = v;
	return 0;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*out++ = (char)(0xe0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*out++ = (char)(0xf0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*out++ = (char)(0x80 | (c & 0x3f));
	}
	return out;
}

/* "\uXXXX" or a surrogate pair at *ps (behind the "u"); NUL has no place in our strings. */
static int unicode(const char **ps, const char *end, char **pout)
{
	uint32_t c, low;

	if (hex4(*ps, end, &c) != 0 || c == 0)
		return ERR_SYNTAX;
	*ps += 4;
	if (c >= 0xdc00 && c < 0xe000)
		return ERR_SYNTAX;
	if (c >= 0xd800 && c < 0xdc00) {
		if (end - *ps < 6 || (*ps)[0] != '\\' || (*ps)[1] != 'u' ||
		    hex4(*ps + 2, end, &low) != 0 || low < 0xdc00 || low >= 0xe000)
			return ERR_SYNTAX;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		*ps += 6;
	}
	*pout = put_utf8(*pout, c);
	return 0;
}

/* OUT holds LEN + 1 bytes: an escape is never shorter than what it stands for. */
static int unescape(const char *s, size_t len, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *end = s + len;

	while (s < end) {
		if (*s != '\\') {
			*out++ = *s++;
			continue;
		}
		s++;
		if (*s == 'u') {
			s++;
			if (unicode(&s, end, &out) != 0)
				return ERR_SYNTAX;
			continue;
		}
		const char *at = strchr(from, *s);
		if (at == NULL || *s == '\0')
			return ERR_SYNTAX;
		*out++ = to[at - from];
		s++;
	}
	*out = '\0';
	return 0;
}

/* Behind the opening quote; caller frees *ret. */
static int string(struct reader *r, char **ret)
{
	const char *s;
	size_t len;
	bool escapes;

	if (raw_string(r, &s, &len, &escapes) != 0)
		return ERR_SYNTAX;
	char *text = mem_alloc(len + 1);
	if (!escapes) {
		memcpy(text, s, len);
		text[len] = '\0';
	} else if (unescape(s, len, text) != 0) {
		free(text);
		return ERR_SYNTAX;
	}
	*ret = text;
	return 0;
}

static bool is_digit(const struct reader *r)
{
	return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static int digits(struct reader *r)
{
	if (!is_digit(r))
		return ERR_SYNTAX;
	while (is_digit(r))
		r->p++;
	return 0;
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? */
static int pass_number(struct reader *r)
{
	(void)take(r, '-');
	if (take(r, '0')) {
		if (is_digit(r))
			return ERR_SYNTAX;
	} else if (digits(r) != 0) {
		return ERR_SYNTAX;
	}
	if (take(r, '.') && digits(r) != 0)
		return ERR_SYNTAX;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			(void)take(r, '-');
		return digits(r);
	}
	return 0;
}

static bool literal(struct reader *r, const char *word, size_t len)
{
	if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0)
		return false;
	r->p += len;
	return true;
}

/* --- values that are passed over ------------------------------------------------------ */

static int pass_value(struct reader *r);

static int pass_members(struct reader *r, char close)
{
	bool first = true;

	if (++r->depth > MAX_DEPTH)
		return ERR_LIMIT;
	for (;;) {
		const char *s;
		size_t len;
		bool escapes;
		int err;

		skip_blanks(r);
		if (take(r, close))
			break;
		if (!first && !take(r, ','))
			return ERR_SYNTAX;
		skip_blanks(r);
		first = false;
		if (close == '}') {
			if (!take(r, '"') || raw_string(r, &s, &len, &escapes) != 0)
				return ERR_SYNTAX;
			skip_blanks(r);
			if (!take(r, ':'))
				return ERR_SYNTAX;
		}
		err = pass_value(r);
		if (err)
			return err;
	}
	r->depth--;
	return 0;
}

static int pass_value(struct reader *r)
{
	const char *s;
	size_t len;
	bool escapes;

	skip_blanks(r);
	if (take(r, '"'))
		return raw_string(r, &s, &len, &escapes);
	if (take(r, '{'))
		return pass_members(r, '}');
	if (take(r, '['))
		return pass_members(r, ']');
	if (literal(r, "true", 4) || literal(r, "false", 5) || literal(r, "null", 4))
		return 0;
	return pass_number(r);
}

/* --- values that are kept ------------------------------------------------------------- */

static int read_value(struct reader *r, const struct json_keep *keep, cJSON **ret);

/* Is the member wanted, and what of it?  KEEP is not NULL. */
static bool find_keep(const struct json_keep *keep, const char *name, size_t len,
		      const struct json_keep **ret_below)
{
	for (; keep->name; keep++) {
		bool is_not = keep->name[0] == '-';
		const char *want = keep->name + is_not;

		if (!(want[0] == '*' && want[1] == '\0') &&
		    (strncmp(want, name, len) != 0 || want[len] != '\0'))
			continue;
		*ret_below = keep->below;
		return !is_not;
	}
	return false;
}

static int read_member(struct reader *r, const struct json_keep *keep, cJSON *object)
{
	const struct json_keep *below = NULL;
	cJSON *item = NULL;
	const char *name;
	size_t len;
	bool escapes;
	int err;

	if (!take(r, '"') || raw_string(r, &name, &len, &escapes) != 0)
		return ERR_SYNTAX;
	skip_blanks(r);
	if (!take(r, ':'))
		return ERR_SYNTAX;
	if (keep && !find_keep(keep, name, len, &below))
		return pass_value(r);
	err = read_value(r, below, &item);
	if (err)
		return err;
	if (!escapes) {
		intern_add(object, name, len, item);
		return 0;
	}
	char *plain = mem_alloc(len + 1);
	err = unescape(name, len, plain);
	if (err == 0)
		intern_add(object, plain, strlen(plain), item);
	else
		cJSON_Delete(item);
	free(plain);
	return err;
}

static int read_members(struct reader *r, const struct json_keep *keep, cJSON *to, char close)
{
	bool first = true;

	if (++r->depth > MAX_DEPTH)
		return ERR_LIMIT;
	for (;;) {
		int err;

		skip_blanks(r);
		if (take(r, close))
			break;
		if (!first && !take(r, ','))
			return ERR_SYNTAX;
		skip_blanks(r);
		first = false;
		if (close == '}') {
			err = read_member(r, keep, to);
		} else {
			cJSON *item = NULL;

			err = read_value(r, keep, &item);
			if (err == 0)
				intern_append(to, item);
		}
		if (err)
			return err;
	}
	r->depth--;
	return 0;
}

static cJSON *new_item(int type)
{
	cJSON *item = cJSON_CreateNull();

	if (item == NULL)
		abort(); /* out of memory */
	item->type = type;
	return item;
}

static int read_number(struct reader *r, cJSON **ret)
{
	char small[64], *text = small;
	const char *s = r->p;

	if (pass_number(r) != 0)
		return ERR_SYNTAX;
	size_t n = (size_t)(r->p - s);
	if (n >= sizeof(small))
		text = mem_alloc(n + 1);
	memcpy(text, s, n);
	text[n] = '\0';
	*ret = cJSON_CreateNumber(strtod(text, NULL));
	if (text != small)
		free(text);
	return 0;
}

static int read_value(struct reader *r, const struct json_keep *keep, cJSON **ret)
{
	cJSON *item = NULL;
	int err = 0;

	skip_blanks(r);
	if (take(r, '"')) {
		item = new_item(cJSON_String);
		err = string(r, &item->valuestring);
	} else if (take(r, '{')) {
		item = new_item(cJSON_Object);
		err = read_members(r, keep, item, '}');
	} else if (take(r, '[')) {
		item = new_item(cJSON_Array);
		err = read_members(r, keep, item, ']');
	} else if (literal(r, "true", 4)) {
		item = new_item(cJSON_True);
	} else if (literal(r, "false", 5)) {
		item = new_item(cJSON_False);
	} else if (literal(r, "null", 4)) {
		item = new_item(cJSON_NULL);
	} else {
		err = read_number(r, &item);
	}
	if (err) {
		cJSON_Delete(item);
		return err;
	}
	*ret = item;
	return 0;
}

int json_read(const char *text, size_t len, const struct json_keep *keep, cJSON **ret,
	      size_t *ret_at)
{
	struct reader r = { .start = text, .p = text, .end = text + len };
	cJSON *item = NULL;
	int err = read_value(&r, keep, &item);

	if (err == 0) {
		skip_blanks(&r);
		err = r.p < r.end ? ERR_SYNTAX : 0;
	}
	if (err) {
		cJSON_Delete(item);
		*ret_at = (size_t)((r.p < r.end ? r.p : r.end) - text);
		return err;
	}
	*ret = item;
	return 0;
}

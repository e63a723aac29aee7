#include "zonedb/zonefile_scan.h"

#include <string.h>

#include "lib/error.h"

void scan_init(struct scan *s, const char *text, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->p = text;
	s->end = text + len;
	s->line = 1;
}

void scan_fini(struct scan *s)
{
	buf_fini(&s->joined);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Characters that end the plain run of an entry. */
static const bool special[256] = { ['\n'] = true, [';'] = true,  ['('] = true, [')'] = true,
				   ['"'] = true,  ['\\'] = true, ['\0'] = true };

/* Behind the quote that opened at P: behind the one that closes; NULL if none on this line. */
static const char *behind_quote(const char *p, const char *end)
{
	for (; p < end && *p != '\n'; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && ++p == end)
			break;
	}
	return NULL;
}

/* The end of the piece of entry at P that needs no joining: at a newline, comment or parenthesis.
 */
static int plain_end(const char *p, const char *end, const char **ret, const char **why)
{
	for (;;) {
		while (p < end && !special[(unsigned char)*p])
			p++;
		if (p == end || *p == '\n' || *p == ';' || *p == '(' || *p == ')')
			break;
		if (*p == '\0') {
			*why = "a NUL octet";
			return ERR_SYNTAX;
		}
		if (*p == '\\') {
			if (end - p < 2 || p[1] == '\n') {
				*why = "a backslash at the end of the line";
				return ERR_SYNTAX;
			}
			p += 2;
			continue;
		}
		p = behind_quote(p + 1, end);
		if (p == NULL) {
			*why = "a quote is not closed";
			return ERR_SYNTAX;
		}
	}
	*ret = p;
	return 0;
}

static const char *line_end(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl : end;
}

/* The slow way: an entry with parentheses, piece by piece into s->joined. */
static int join(struct scan *s, const char **why)
{
	unsigned depth = 0;

	buf_reset(&s->joined);
	for (;;) {
		const char *stop;
		int err = plain_end(s->p, s->end, &stop, why);

		if (err)
			return err;
		buf_add(&s->joined, s->p, (size_t)(stop - s->p));
		s->p = stop;
		if (s->p < s->end && *s->p == ';')
			s->p = line_end(s->p, s->end);
		if (s->p == s->end && depth == 0)
			return 0;
		if (s->p == s->end) {
			*why = "a parenthesis is not closed";
			return ERR_SYNTAX;
		}
		char c = *s->p++;
		buf_putc(&s->joined, ' '); /* what was removed parts tokens */
		if (c == '(') {
			depth++;
		} else if (c == ')' && depth-- == 0) {
			*why = "a parenthesis is closed that was not opened";
			return ERR_SYNTAX;
		} else if (c == '\n') {
			s->line++;
			if (depth == 0)
				return 0;
		}
	}
}

static bool is_empty(const struct piece *p)
{
	for (size_t i = 0; i < p->len; i++)
		if (!is_blank(p->s[i]))
			return false;
	return true;
}

int scan_entry(struct scan *s, bool *ret_blank, struct piece *ret_rest, unsigned *ret_line,
	       const char **ret_why)
{
	while (s->p < s->end) {
		const char *stop = NULL;
		bool blank = is_blank(*s->p);
		unsigned line = s->line;
		struct piece rest = { s->p, 0 };
		int err = plain_end(s->p, s->end, &stop, ret_why);

		if (err) {
			*ret_line = line;
			return err;
		}
		rest.len = (size_t)(stop - s->p);
		if (stop < s->end && (*stop == '(' || *stop == ')')) {
			err = join(s, ret_why);
			rest = (struct piece){ s->joined.data, s->joined.len };
			/* an open parenthesis at the end: tell where it began */
			*ret_line = s->p == s->end ? line : s->line;
			if (err)
				return err;
		} else {
			s->p = line_end(stop, s->end);
			s->line += s->p < s->end;
			s->p += s->p < s->end; /* the newline */
		}
		if (is_empty(&rest))
			continue;
		*ret_blank = blank;
		*ret_rest = rest;
		*ret_line = line;
		return 1;
	}
	return 0;
}

struct piece scan_token(struct piece *rest)
{
	const char *p = rest->s, *end = rest->s + rest->len;

	while (p < end && is_blank(*p))
		p++;
	const char *start = p;
	while (p < end && !is_blank(*p)) {
		if (*p == '"')
			p = behind_quote(p + 1, end);
		else
			p += *p == '\\' ? 2 : 1;
		if (p == NULL || p > end)
			p = end; /* not in a file, where plain_end looked; $GENERATE may make it */
	}
	struct piece token = { start, (size_t)(p - start) };
	rest->s = p;
	rest->len = (size_t)(end - p);
	return token;
}

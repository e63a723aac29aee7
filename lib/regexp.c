#include "lib/regexp.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

struct regexp {
	regex_t re;
	char *text;
};

/* Perl classes, inside and outside of brackets. */
static const struct {
	char letter;
	const char *inside;
} classes[] = { { 'd', "0-9" }, { 's', "[:space:]" }, { 'w', "[:alnum:]_" } };

static const char *class_inside(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (classes[i].letter == letter)
			return classes[i].inside;
	return NULL;
}

/* Behind a backslash outside of brackets; *p is the letter. */
static int translate_escape(const char **p, struct buf *out)
{
	char c = **p;
	const char *in = class_inside((char)tolower((unsigned char)c));

	if (c == '\0')
		return ERR_SYNTAX;
	(*p)++;
	if (in)
		buf_printf(out, isupper((unsigned char)c) ? "[^%s]" : "[%s]", in);
	else if (c == 'A')
		buf_putc(out, '^');
	else if (c == 'z')
		buf_putc(out, '$');
	else if (c == 'b' || c == 'B')
		buf_printf(out, "\\%c", c); /* GNU */
	else if (isalnum((unsigned char)c))
		return ERR_UNSUPPORTED;
	else
		buf_printf(out, "\\%c", c);
	return 0;
}

/* *p is behind "[": POSIX has no escapes in there, "]" must be first and "-" last. */
static int translate_bracket(const char **p, struct buf *out)
{
	struct buf set = { 0 };
	bool dash = false, caret = false, close = false, negate = false;
	const char *s = *p;
	int err = ERR_SYNTAX;

	if (*s == '^') {
		negate = true;
		s++;
	}
	if (*s == ']') {
		close = true;
		s++;
	}
	for (; *s && *s != ']'; s++) {
		if (*s == '[' && s[1] == ':') {
			const char *end = strstr(s + 2, ":]");

			if (end == NULL)
				goto out;
			buf_add(&set, s, (size_t)(end + 2 - s));
			s = end + 1;
			continue;
		}
		char c = *s;
		if (c == '\\') {
			c = *++s;
			const char *in = class_inside(c);

			if (c == '\0')
				goto out;
			if (in) {
				buf_puts(&set, in);
				continue;
			}
			err = ERR_UNSUPPORTED;
			if (isalnum((unsigned char)c))
				goto out;
			err = ERR_SYNTAX;
		} else if (c == '-' && set.len && s[1] != ']' && s[1] != '\0') {
			buf_putc(&set, c); /* a range */
			continue;
		}
		if (c == ']')
			close = true;
		else if (c == '-')
			dash = true;
		else if (c == '^')
			caret = true;
		else
			buf_putc(&set, c);
	}
	if (*s != ']' || (set.len == 0 && !dash && !caret && !close))
		goto out;
	if (caret && set.len == 0 && !close && !dash && !negate) {
		buf_puts(out, "\\^"); /* "[^]" alone would be a negation */
	} else {
		buf_printf(out, "[%s%s%s%s%s]", negate ? "^" : "", close ? "]" : "", buf_str(&set),
			   caret ? "^" : "", dash ? "-" : "");
	}
	*p = s + 1;
	err = 0;
out:
	buf_fini(&set);
	return err;
}

/* *p is behind "(?". */
static int translate_group(const char **p, struct buf *out)
{
	const char *s = *p;

	if (*s == 'P' && s[1] == '<')
		s++;
	if (*s == '<' && s[1] != '=' && s[1] != '!') {
		s = strchr(s, '>');
		if (s == NULL)
			return ERR_SYNTAX;
		*p = s + 1;
	} else if (*s == ':') {
		*p = s + 1;
	} else {
		return ERR_UNSUPPORTED;
	}
	buf_putc(out, '(');
	return 0;
}

static int translate(const char *p, struct buf *out, int *ret_flags)
{
	if (strncmp(p, "(?i)", 4) == 0) {
		*ret_flags |= REG_ICASE;
		p += 4;
	}
	while (*p) {
		int err = 0;
		char c = *p++;

		if (c == '\\') {
			err = translate_escape(&p, out);
		} else if (c == '[') {
			err = translate_bracket(&p, out);
		} else if (c == '(' && *p == '?') {
			p++;
			err = translate_group(&p, out);
		} else {
			buf_putc(out, c);
			/* greedy or lazy makes no difference for "does it match" */
			if ((c == '*' || c == '+' || c == '?' || c == '}') && *p == '?')
				p++;
		}
		if (err)
			return err;
	}
	return 0;
}

int regexp_new(const char *pattern, struct regexp **ret, char **ret_why)
{
	struct buf posix = { 0 };
	int flags = REG_EXTENDED | REG_NOSUB;
	int err = translate(pattern, &posix, &flags);
	struct regexp *r = MEM_NEW(struct regexp);
	char words[200] = "";

	if (err == 0) {
		int bad = regcomp(&r->re, buf_str(&posix), flags);

		if (bad) {
			(void)regerror(bad, &r->re, words, sizeof(words));
			err = ERR_SYNTAX;
		}
	}
	buf_fini(&posix);
	if (err) {
		*ret_why = mem_printf("regular expression \"%s\": %s", pattern,
				      *words ? words : error_text(err));
		free(r);
		return err;
	}
	r->text = mem_strdup(pattern);
	*ret = r;
	return 0;
}

void regexp_free(struct regexp *r)
{
	if (r == NULL)
		return;
	regfree(&r->re);
	free(r->text);
	free(r);
}

bool regexp_matches(const struct regexp *r, const char *text)
{
	return regexec(&r->re, text, 0, NULL, 0) == 0;
}

const char *regexp_text(const struct regexp *r)
{
	return r->text;
}

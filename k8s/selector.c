#include "k8s/selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/strv.h"

enum operator{
	OP_EXISTS,
	OP_MISSING,
	OP_IN,     /* also = and == */
	OP_NOT_IN, /* also != */
	OP_GREATER,
	OP_LESS,
};

struct requirement {
	char *key;
	enum operator op;
	struct strv values;
};

struct selector {
	struct requirement *r;
	size_t n;
};

struct parser {
	const char *text;
	const char *at;
	char *why;
};

void selector_free(struct selector *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->r[i].key);
		strv_fini(&s->r[i].values);
	}
	free(s->r);
	free(s);
}

bool selector_is_empty(const struct selector *s)
{
	return s == NULL || s->n == 0;
}

static int fail(struct parser *p, const char *what)
{
	if (p->why == NULL)
		p->why = mem_printf("label selector \"%s\", character %zu: %s", p->text,
				    (size_t)(p->at - p->text) + 1, what);
	return ERR_SYNTAX;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
		p->at++;
}

/* A word up to a blank or a character with a meaning; may be empty. */
static char *take_word(struct parser *p)
{
	skip_blanks(p);
	size_t n = strcspn(p->at, " \t\r\n=!<>(),");
	char *w = mem_strndup(p->at, n);

	p->at += n;
	skip_blanks(p);
	return w;
}

/* Letters and digits at both ends, "-_." between; at most 63 (apimachinery's IsValidLabelValue). */
static bool is_qualified_part(const char *s, size_t n)
{
	if (n == 0 || n > 63 || !isalnum((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	return true;
}

static bool is_subdomain(const char *s, size_t n)
{
	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]) && s[i] != '-' &&
		    s[i] != '.')
			return false;
	return isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]);
}

static bool is_key(const char *s)
{
	const char *slash = strchr(s, '/');

	if (slash == NULL)
		return is_qualified_part(s, strlen(s));
	return is_subdomain(s, (size_t)(slash - s)) &&
	       is_qualified_part(slash + 1, strlen(slash + 1));
}

static int add_value(struct parser *p, struct requirement *r, char *value)
{
	if (*value && !is_qualified_part(value, strlen(value))) {
		free(value);
		return fail(p, "not a label value");
	}
	if (strv_has(&r->values, value))
		free(value);
	else
		strv_take(&r->values, value);
	return 0;
}

static int parse_set(struct parser *p, struct requirement *r)
{
	int err;

	if (*p->at != '(')
		return fail(p, "expected '('");
	do {
		p->at++;
		if ((err = add_value(p, r, take_word(p))) < 0)
			return err;
	} while (*p->at == ',');
	if (*p->at != ')')
		return fail(p, "expected ')'");
	p->at++;
	return 0;
}

static int parse_number(struct parser *p, struct requirement *r)
{
	char *end = NULL;
	int err = add_value(p, r, take_word(p));

	if (err < 0)
		return err;
	errno = 0;
	(void)strtoll(r->values.s[0], &end, 10);
	if (end == r->values.s[0] || *end || errno)
		return fail(p, "expected a whole number");
	return 0;
}

static int parse_word_operator(struct parser *p, struct requirement *r)
{
	char *w = take_word(p);
	int err;

	if (strcmp(w, "in") == 0 || strcmp(w, "notin") == 0) {
		r->op = *w == 'i' ? OP_IN : OP_NOT_IN;
		err = parse_set(p, r);
	} else {
		err = fail(p, "expected =, !=, in, notin, > or <");
	}
	free(w);
	return err;
}

static int parse_operator(struct parser *p, struct requirement *r)
{
	if (*p->at == '\0' || *p->at == ',') {
		r->op = OP_EXISTS;
		return 0;
	}
	if (*p->at == '=') {
		p->at += p->at[1] == '=' ? 2 : 1;
		r->op = OP_IN;
		return add_value(p, r, take_word(p));
	}
	if (*p->at == '!' && p->at[1] == '=') {
		p->at += 2;
		r->op = OP_NOT_IN;
		return add_value(p, r, take_word(p));
	}
	if (*p->at == '>' || *p->at == '<') {
		r->op = *p->at++ == '>' ? OP_GREATER : OP_LESS;
		return parse_number(p, r);
	}
	return parse_word_operator(p, r);
}

static int parse_requirement(struct parser *p, struct requirement *r)
{
	bool missing = *p->at == '!';

	if (missing)
		p->at++;
	r->key = take_word(p);
	if (!is_key(r->key))
		return fail(p, "not a label key");
	if (missing) {
		r->op = OP_MISSING;
		return *p->at == '\0' || *p->at == ',' ? 0 : fail(p, "expected ','");
	}
	return parse_operator(p, r);
}

int selector_parse(const char *text, struct selector **ret, char **ret_why)
{
	struct parser p = { .text = text, .at = text };
	struct selector *s = MEM_NEW(struct selector);
	int err = 0;

	skip_blanks(&p);
	while (*p.at) {
		s->r = mem_array(s->r, s->n + 1, sizeof(*s->r));
		s->r[s->n] = (struct requirement){ 0 };
		if ((err = parse_requirement(&p, &s->r[s->n++])) < 0)
			break;
		skip_blanks(&p);
		if (*p.at == '\0')
			break;
		if (*p.at != ',') {
			err = fail(&p, "expected ','");
			break;
		}
		p.at++;
		skip_blanks(&p);
		if (*p.at == '\0') {
			err = fail(&p, "expected a label key after ','");
			break;
		}
	}
	if (err < 0) {
		selector_free(s);
		*ret_why = p.why;
		return err;
	}
	*ret = s;
	return 0;
}

/* Both are whole numbers and A is on the asked side of B. */
static bool compare_number(const char *a, const char *b, bool greater)
{
	char *end = NULL;
	long long x, y = strtoll(b, NULL, 10);

	errno = 0;
	x = strtoll(a, &end, 10);
	if (end == a || *end || errno)
		return false;
	return greater ? x > y : x < y;
}

static bool requirement_matches(const struct requirement *r, const char *value)
{
	switch (r->op) {
	case OP_EXISTS:
		return value != NULL;
	case OP_MISSING:
		return value == NULL;
	case OP_IN:
		return value && strv_has(&r->values, value);
	case OP_NOT_IN:
		return value == NULL || !strv_has(&r->values, value);
	case OP_GREATER:
	case OP_LESS:
		return value && compare_number(value, r->values.s[0], r->op == OP_GREATER);
	}
	return false;
}

bool selector_matches(const struct selector *s,
		      const char *(*get)(const void *ctx, const char *key), const void *ctx)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (!requirement_matches(&s->r[i], get(ctx, s->r[i].key)))
			return false;
	return true;
}

static const char *get_member(const void *ctx, const char *key)
{
	return json_member(ctx, key);
}

bool selector_matches_json(const struct selector *s, const cJSON *labels)
{
	return selector_matches(s, get_member, labels);
}

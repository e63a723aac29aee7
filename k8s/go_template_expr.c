#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_parser.h"
#include "lib/error.h"
#include "lib/mem.h"

/* Pipelines, commands and terms, by recursive descent straight from the text; no token list. */

int parser_fail(struct parser *p, const char *fmt, ...)
{
	unsigned line = 1, column = 1;
	va_list ap;

	if (p->why)
		return ERR_SYNTAX;
	for (const char *c = p->text; c < p->at; c++) {
		column++;
		if (*c == '\n') {
			line++;
			column = 1;
		}
	}
	va_start(ap, fmt);
	char *what = mem_vprintf(fmt, ap);
	va_end(ap);
	p->why = mem_printf("line %u, column %u: %s", line, column, what);
	free(what);
	return ERR_SYNTAX;
}

void parser_skip_blanks(struct parser *p)
{
	while (*p->at && strchr(" \t\r\n", *p->at))
		p->at++;
}

bool parser_starts(const struct parser *p, const char *s)
{
	return strncmp(p->at, s, strlen(s)) == 0;
}

bool parser_at_close(const struct parser *p)
{
	return parser_starts(p, "}}") || parser_starts(p, "-}}");
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

bool parser_is_name(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c);
}

static char *take_name(struct parser *p)
{
	const char *from = p->at;

	while (parser_is_name(*p->at))
		p->at++;
	return mem_strndup(from, (size_t)(p->at - from));
}

static void put_rune(struct buf *b, unsigned long c)
{
	if (c < 0x80) {
		buf_u8(b, (uint8_t)c);
	} else if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | c >> 6));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_u8(b, (uint8_t)(0xe0 | c >> 12));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_u8(b, (uint8_t)(0xf0 | c >> 18));
		buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* \x41, \u00e9, \U0001F600: N digits after the letter. */
static int take_hex_escape(struct parser *p, int n, struct buf *b, bool rune)
{
	unsigned long c = 0;

	for (p->at++; n; n--, p->at++) {
		if (!isxdigit((unsigned char)*p->at))
			return parser_fail(p, "expected a hexadecimal digit");
		c = c * 16 + (unsigned long)(isdigit((unsigned char)*p->at)
						     ? *p->at - '0'
						     : (*p->at | 0x20) - 'a' + 10);
	}
	if (rune && (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)))
		return parser_fail(p, "not a Unicode character");
	if (rune)
		put_rune(b, c);
	else
		buf_u8(b, (uint8_t)c);
	return 0;
}

static int take_escape(struct parser *p, struct buf *b)
{
	static const char from[] = "abfnrtv\\'\"";
	static const char to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *found = *p->at ? strchr(from, *p->at) : NULL;

	if (found) {
		buf_putc(b, to[found - from]);
		p->at++;
		return 0;
	}
	if (*p->at == 'x')
		return take_hex_escape(p, 2, b, false);
	if (*p->at == 'u')
		return take_hex_escape(p, 4, b, true);
	if (*p->at == 'U')
		return take_hex_escape(p, 8, b, true);
	return parser_fail(p, "unknown escape");
}

int parser_quoted(struct parser *p, struct term *t)
{
	char quote = *p->at++;
	struct buf b = { 0 };
	int err = 0;

	while (err == 0 && *p->at != quote) {
		if (*p->at == '\0' || (*p->at == '\n' && quote != '`')) {
			err = parser_fail(p, "unterminated quoted string");
		} else if (*p->at == '\\' && quote != '`') {
			p->at++;
			err = take_escape(p, &b);
		} else {
			buf_putc(&b, *p->at++);
		}
	}
	if (err == 0)
		p->at++;
	t->type = TERM_LITERAL;
	t->text = buf_take(&b);
	t->value = value_string(t->text);
	if (quote == '\'' && err == 0)
		t->value = value_int((unsigned char)t->text[0]); /* a character is its number */
	return err;
}

static int parse_number(struct parser *p, struct term *t)
{
	size_t n = strspn(p->at, "+-0123456789abcdefABCDEFxXoO._");
	char *end = NULL;

	t->type = TERM_LITERAL;
	t->text = mem_strndup(p->at, n);
	errno = 0;
	t->value = value_int(strtoll(t->text, &end, 0));
	if (*end == '\0' && errno == 0) {
		p->at += n;
		return 0;
	}
	errno = 0;
	t->value = (struct value){ .type = VALUE_FLOAT, .f = strtod(t->text, &end) };
	if (*end || errno)
		return parser_fail(p, "bad number \"%s\"", t->text);
	p->at += n;
	return 0;
}

static void add_string(struct strings *v, char *s)
{
	v->s = mem_array(v->s, v->n + 1, sizeof(*v->s));
	v->s[v->n++] = s;
}

/* .A.B.C behind a term, without blanks between. */
static void parse_fields(struct parser *p, struct strings *fields)
{
	while (*p->at == '.' && is_name_start(p->at[1])) {
		p->at++;
		add_string(fields, take_name(p));
	}
}

static int parse_variable(struct parser *p, struct term *t)
{
	const char *from = p->at++;

	while (parser_is_name(*p->at))
		p->at++;
	t->type = TERM_VARIABLE;
	t->text = mem_strndup(from, (size_t)(p->at - from));
	if (strcmp(t->text, "$") != 0 && !strv_has(&p->vars, t->text)) {
		p->at = from;
		return parser_fail(p, "undefined variable \"%s\"", t->text);
	}
	parse_fields(p, &t->fields);
	return 0;
}

static int parse_word(struct parser *p, struct term *t)
{
	const char *from = p->at;
	char *name = take_name(p);

	t->text = name;
	if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
		t->type = TERM_LITERAL;
		t->value = value_bool(*name == 't');
		return 0;
	}
	if (strcmp(name, "nil") == 0) {
		t->type = TERM_NIL;
		return 0;
	}
	t->type = TERM_FUNCTION;
	if (go_function_find(name))
		return 0;
	p->at = from;
	return parser_fail(p, "function \"%s\" not defined", name);
}

static int parse_parenthesis(struct parser *p, struct term *t)
{
	int err;

	p->at++;
	t->type = TERM_PIPE;
	if ((err = parser_pipe(p, &t->pipe, ")", false)) < 0)
		return err;
	p->at++;
	parse_fields(p, &t->fields);
	return 0;
}

static int parse_term(struct parser *p, struct term *t)
{
	char c = *p->at;

	if (c == '"' || c == '`' || c == '\'')
		return parser_quoted(p, t);
	if (isdigit((unsigned char)c) ||
	    ((c == '+' || c == '-') && isdigit((unsigned char)p->at[1])))
		return parse_number(p, t);
	if (c == '(')
		return parse_parenthesis(p, t);
	if (c == '$')
		return parse_variable(p, t);
	if (is_name_start(c))
		return parse_word(p, t);
	if (c != '.')
		return parser_fail(p, "unexpected \"%.10s\" in operand", p->at);
	t->type = TERM_DOT;
	if (!is_name_start(p->at[1]))
		p->at++;
	else
		parse_fields(p, &t->fields);
	return 0;
}

static bool ends_command(const struct parser *p, const char *close)
{
	return *p->at == '\0' || *p->at == '|' || parser_at_close(p) ||
	       (*close && parser_starts(p, close));
}

static int parse_command(struct parser *p, struct command *c, const char *close)
{
	int err;

	for (;;) {
		parser_skip_blanks(p);
		if (ends_command(p, close))
			break;
		if (c->n && !strchr(" \t\r\n", p->at[-1]))
			return parser_fail(p, "unexpected \"%.10s\": blanks separate operands",
					   p->at);
		c->terms = mem_array(c->terms, c->n + 1, sizeof(*c->terms));
		c->terms[c->n] = (struct term){ 0 };
		if ((err = parse_term(p, &c->terms[c->n++])) < 0)
			return err;
	}
	if (c->n == 0)
		return parser_fail(p, "missing value for command");
	/* only a function may have arguments; fields might be methods, which JSON has not */
	if (c->n > 1 && c->terms[0].type != TERM_FUNCTION && c->terms[0].type != TERM_DOT &&
	    c->terms[0].type != TERM_VARIABLE)
		return parser_fail(p, "a value cannot be given arguments");
	return 0;
}

/* "$x :=", "$i, $x :=" or "$x =" at the start of a pipeline; back where it was if there is none. */
static int parse_declaration(struct parser *p, struct pipe *pipe, bool is_range)
{
	const char *from = p->at;
	size_t max = is_range ? 2 : 1;

	while (*p->at == '$' && pipe->nvars < max) {
		const char *name = p->at++;
		while (parser_is_name(*p->at))
			p->at++;
		pipe->vars[pipe->nvars++] = mem_strndup(name, (size_t)(p->at - name));
		parser_skip_blanks(p);
		if (*p->at != ',')
			break;
		p->at++;
		parser_skip_blanks(p);
	}
	if (pipe->nvars && parser_starts(p, ":=")) {
		p->at += 2;
		for (size_t i = 0; i < pipe->nvars; i++)
			strv_add(&p->vars, pipe->vars[i]);
		return 0;
	}
	if (pipe->nvars && *p->at == '=') {
		p->at++;
		pipe->assign = true;
		for (size_t i = 0; i < pipe->nvars; i++)
			if (!strv_has(&p->vars, pipe->vars[i]))
				return parser_fail(p, "undefined variable \"%s\"", pipe->vars[i]);
		return 0;
	}
	for (size_t i = 0; i < pipe->nvars; i++)
		free(pipe->vars[i]);
	pipe->nvars = 0;
	p->at = from;
	return 0;
}

static int parse_commands(struct parser *p, struct pipe *pipe, const char *close)
{
	int err;

	for (;;) {
		pipe->commands = mem_array(pipe->commands, pipe->n + 1, sizeof(*pipe->commands));
		pipe->commands[pipe->n] = (struct command){ 0 };
		if ((err = parse_command(p, &pipe->commands[pipe->n++], close)) < 0)
			return err;
		if (pipe->n > 1 && pipe->commands[pipe->n - 1].terms[0].type != TERM_FUNCTION)
			return parser_fail(p, "a value cannot stand behind |");
		if (*p->at != '|')
			break;
		p->at++;
	}
	if (*close && !parser_starts(p, close))
		return parser_fail(p, "unclosed left parenthesis");
	return 0;
}

int parser_pipe(struct parser *p, struct pipe **ret, const char *close, bool is_range)
{
	struct pipe *pipe = MEM_NEW(struct pipe);
	int err;

	*ret = pipe; /* freed with the tree, also on errors */
	if (++p->depth > PARSER_DEPTH_MAX)
		return parser_fail(p, "too deep");
	parser_skip_blanks(p);
	if (*close == '\0' && (err = parse_declaration(p, pipe, is_range)) < 0)
		return err;
	err = parse_commands(p, pipe, close);
	p->depth--;
	return err;
}

void parser_pipe_free(struct pipe *pipe)
{
	if (pipe == NULL)
		return;
	for (size_t i = 0; i < pipe->n; i++) {
		struct command *c = &pipe->commands[i];

		for (size_t j = 0; j < c->n; j++) {
			free(c->terms[j].text);
			for (size_t k = 0; k < c->terms[j].fields.n; k++)
				free(c->terms[j].fields.s[k]);
			free(c->terms[j].fields.s);
			parser_pipe_free(c->terms[j].pipe);
		}
		free(c->terms);
	}
	for (size_t i = 0; i < pipe->nvars; i++)
		free(pipe->vars[i]);
	free(pipe->commands);
	free(pipe);
}

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_tree.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/strv.h"

/* Parse by recursive descent straight from the text; no token list. */

#define DEPTH_MAX 64

struct parser {
	const char *text;
	const char *at;
	struct go_template *tmpl;
	struct strv vars; /* names in scope, to find undefined ones at start-up */
	unsigned depth;
	unsigned ranges;
	bool trim_next; /* the last action ended in -}} */
	char *why;
};

/* How a list of nodes ended. */
enum ending {
	END_TEXT,
	END_END,
	END_ELSE, /* at the text after the keyword */
};

static int parse_pipe(struct parser *p, struct pipe **ret, const char *close, bool may_declare);
static int parse_list(struct parser *p, struct node_list *list, enum ending *ret_ending);

static int fail(struct parser *p, const char *fmt, ...) MEM_PRINTF(2, 3);
static int fail(struct parser *p, const char *fmt, ...)
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

static void skip_blanks(struct parser *p)
{
	while (*p->at && strchr(" \t\r\n", *p->at))
		p->at++;
}

static bool starts(const struct parser *p, const char *s)
{
	return strncmp(p->at, s, strlen(s)) == 0;
}

/* At the end of the action: "}}" or " -}}". */
static bool at_close(const struct parser *p)
{
	return starts(p, "}}") || starts(p, "-}}");
}

static int take_close(struct parser *p)
{
	skip_blanks(p);
	if (starts(p, "-}}") && p->at > p->text && strchr(" \t\r\n", p->at[-1])) {
		p->at += 3;
		p->trim_next = true;
		return 0;
	}
	if (starts(p, "}}")) {
		p->at += 2;
		return 0;
	}
	if (*p->at == '\0')
		return fail(p, "unclosed action");
	return fail(p, "unexpected \"%.10s\" in the action", p->at);
}

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c);
}

static char *take_name(struct parser *p)
{
	const char *from = p->at;

	while (is_name(*p->at))
		p->at++;
	return mem_strndup(from, (size_t)(p->at - from));
}

/* A keyword, if it is next and ends there. */
static bool take_keyword(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(p->at, word, n) != 0 || is_name(p->at[n]))
		return false;
	p->at += n;
	return true;
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

/* \x41, é, \U0001F600: N digits after the letter. */
static int take_hex_escape(struct parser *p, int n, struct buf *b, bool rune)
{
	unsigned long c = 0;

	for (p->at++; n; n--, p->at++) {
		if (!isxdigit((unsigned char)*p->at))
			return fail(p, "expected a hexadecimal digit");
		c = c * 16 + (unsigned long)(isdigit((unsigned char)*p->at)
						     ? *p->at - '0'
						     : (*p->at | 0x20) - 'a' + 10);
	}
	if (rune && (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)))
		return fail(p, "not a Unicode character");
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
	return fail(p, "unknown escape");
}

static int parse_quoted(struct parser *p, struct term *t)
{
	char quote = *p->at++;
	struct buf b = { 0 };
	int err = 0;

	while (err == 0 && *p->at != quote) {
		if (*p->at == '\0' || (*p->at == '\n' && quote != '`')) {
			err = fail(p, "unterminated quoted string");
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
		return fail(p, "bad number \"%s\"", t->text);
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

	while (is_name(*p->at))
		p->at++;
	t->type = TERM_VARIABLE;
	t->text = mem_strndup(from, (size_t)(p->at - from));
	if (strcmp(t->text, "$") != 0 && !strv_has(&p->vars, t->text)) {
		p->at = from;
		return fail(p, "undefined variable \"%s\"", t->text);
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
	return fail(p, "function \"%s\" not defined", name);
}

static int parse_parenthesis(struct parser *p, struct term *t)
{
	int err;

	p->at++;
	t->type = TERM_PIPE;
	if ((err = parse_pipe(p, &t->pipe, ")", false)) < 0)
		return err;
	p->at++;
	parse_fields(p, &t->fields);
	return 0;
}

static int parse_term(struct parser *p, struct term *t)
{
	char c = *p->at;

	if (c == '"' || c == '`' || c == '\'')
		return parse_quoted(p, t);
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
		return fail(p, "unexpected \"%.10s\" in operand", p->at);
	t->type = TERM_DOT;
	if (!is_name_start(p->at[1]))
		p->at++;
	else
		parse_fields(p, &t->fields);
	return 0;
}

static bool ends_command(const struct parser *p, const char *close)
{
	return *p->at == '\0' || *p->at == '|' || at_close(p) || (*close && starts(p, close));
}

static int parse_command(struct parser *p, struct command *c, const char *close)
{
	int err;

	for (;;) {
		skip_blanks(p);
		if (ends_command(p, close))
			break;
		if (c->n && !strchr(" \t\r\n", p->at[-1]))
			return fail(p, "unexpected \"%.10s\": blanks separate operands", p->at);
		c->terms = mem_array(c->terms, c->n + 1, sizeof(*c->terms));
		c->terms[c->n] = (struct term){ 0 };
		if ((err = parse_term(p, &c->terms[c->n++])) < 0)
			return err;
	}
	if (c->n == 0)
		return fail(p, "missing value for command");
	/* only a function may have arguments; fields might be methods, which JSON has not */
	if (c->n > 1 && c->terms[0].type != TERM_FUNCTION && c->terms[0].type != TERM_DOT &&
	    c->terms[0].type != TERM_VARIABLE)
		return fail(p, "a value cannot be given arguments");
	return 0;
}

/* "$x :=", "$i, $x :=" or "$x =" at the start of a pipeline; back where it was if there is none. */
static int parse_declaration(struct parser *p, struct pipe *pipe, bool is_range)
{
	const char *from = p->at;
	size_t max = is_range ? 2 : 1;

	while (*p->at == '$' && pipe->nvars < max) {
		const char *name = p->at++;
		while (is_name(*p->at))
			p->at++;
		pipe->vars[pipe->nvars++] = mem_strndup(name, (size_t)(p->at - name));
		skip_blanks(p);
		if (*p->at != ',')
			break;
		p->at++;
		skip_blanks(p);
	}
	if (pipe->nvars && starts(p, ":=")) {
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
				return fail(p, "undefined variable \"%s\"", pipe->vars[i]);
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
			return fail(p, "a value cannot stand behind |");
		if (*p->at != '|')
			break;
		p->at++;
	}
	if (*close && !starts(p, close))
		return fail(p, "unclosed left parenthesis");
	return 0;
}

/* Up to CLOSE (")") or the end of the action ("").  CLOSE is not taken. */
static int parse_pipe(struct parser *p, struct pipe **ret, const char *close, bool is_range)
{
	struct pipe *pipe = MEM_NEW(struct pipe);
	int err;

	*ret = pipe; /* freed with the tree, also on errors */
	if (++p->depth > DEPTH_MAX)
		return fail(p, "too deep");
	skip_blanks(p);
	if (*close == '\0' && (err = parse_declaration(p, pipe, is_range)) < 0)
		return err;
	err = parse_commands(p, pipe, close);
	p->depth--;
	return err;
}

static struct node *add_node(struct node_list *list, enum node_type type)
{
	list->n = mem_array(list->n, list->len + 1, sizeof(*list->n));
	list->n[list->len] = (struct node){ .type = type };
	return &list->n[list->len++];
}

/* if, range, with: pipe, body, else chain, end. */
static int parse_block(struct parser *p, struct node_list *list, enum node_type type)
{
	size_t index = list->len, mark = p->vars.n;
	enum ending ending = END_TEXT;
	struct node *n = add_node(list, type);
	int err;

	if ((err = parse_pipe(p, &n->pipe, "", type == NODE_RANGE)) < 0 ||
	    (err = take_close(p)) < 0)
		return err;
	p->ranges += type == NODE_RANGE;
	err = parse_list(p, &n->body, &ending);
	p->ranges -= type == NODE_RANGE;
	if (err < 0)
		return err;
	n = &list->n[index];
	if (ending == END_ELSE) {
		enum node_type chain = take_keyword(p, "if") ? NODE_IF : NODE_TEXT;

		if (chain == NODE_TEXT && type == NODE_WITH && take_keyword(p, "with"))
			chain = NODE_WITH;
		if (chain != NODE_TEXT) { /* its end is ours */
			err = parse_block(p, &n->otherwise, chain);
			goto out;
		}
		if ((err = take_close(p)) < 0 || (err = parse_list(p, &n->otherwise, &ending)) < 0)
			return err;
	}
	if (ending != END_END)
		err = ending == END_ELSE
			      ? fail(p, "expected end, found else")
			      : fail(p, "unexpected end of the template: missing {{end}}");
out:
	while (p->vars.n > mark)
		strv_remove(&p->vars, p->vars.n - 1);
	return err;
}

static int take_quoted_name(struct parser *p, char **ret)
{
	struct term t = { 0 };
	int err;

	skip_blanks(p);
	if (*p->at != '"' && *p->at != '`')
		return fail(p, "expected a quoted template name");
	err = parse_quoted(p, &t);
	*ret = t.text;
	return err;
}

static int parse_define_body(struct parser *p, char *name)
{
	struct node_list *body = MEM_NEW(struct node_list);
	enum ending ending = END_TEXT;
	struct strv outer = p->vars;
	int err;

	p->vars = (struct strv){ 0 };
	if (map_get(&p->tmpl->defines, name)) {
		free(body);
		return fail(p, "template \"%s\" is defined twice", name);
	}
	(void)map_put(&p->tmpl->defines, name, body);
	err = parse_list(p, body, &ending);
	strv_fini(&p->vars);
	p->vars = outer;
	if (err == 0 && ending != END_END)
		err = fail(p, "missing {{end}} of template \"%s\"", name);
	return err;
}

/* {{define "x"}}…{{end}}, {{block "x" pipe}}…{{end}}, {{template "x" pipe}} */
static int parse_template(struct parser *p, struct node_list *list, bool define, bool block)
{
	char *name = NULL;
	struct node *n;
	int err = take_quoted_name(p, &name);

	if (err < 0)
		goto out;
	if (!define) {
		n = add_node(list, NODE_TEMPLATE);
		n->text = mem_strdup(name);
		skip_blanks(p);
		if (!at_close(p) && (err = parse_pipe(p, &n->pipe, "", false)) < 0)
			goto out;
		if (block && n->pipe == NULL) {
			err = fail(p, "missing value for block");
			goto out;
		}
	}
	if ((err = take_close(p)) == 0 && (define || block))
		err = parse_define_body(p, name);
out:
	free(name);
	return err;
}

static int parse_jump(struct parser *p, struct node_list *list, enum node_type type)
{
	if (p->ranges == 0)
		return fail(p, "{{%s}} outside {{range}}",
			    type == NODE_BREAK ? "break" : "continue");
	(void)add_node(list, type);
	return take_close(p);
}

static int parse_comment(struct parser *p)
{
	const char *end = strstr(p->at, "*/");

	if (end == NULL)
		return fail(p, "unclosed comment");
	p->at = end + 2;
	return take_close(p);
}

/* At the text behind "{{".  *ret_ending is set when the list ends here. */
static int parse_action(struct parser *p, struct node_list *list, enum ending *ret_ending)
{
	struct node *n;
	int err;

	if (starts(p, "/*"))
		return parse_comment(p);
	skip_blanks(p);
	if (take_keyword(p, "end")) {
		*ret_ending = END_END;
		return take_close(p);
	}
	if (take_keyword(p, "else")) {
		*ret_ending = END_ELSE;
		skip_blanks(p);
		return 0;
	}
	if (take_keyword(p, "if"))
		return parse_block(p, list, NODE_IF);
	if (take_keyword(p, "range"))
		return parse_block(p, list, NODE_RANGE);
	if (take_keyword(p, "with"))
		return parse_block(p, list, NODE_WITH);
	if (take_keyword(p, "break"))
		return parse_jump(p, list, NODE_BREAK);
	if (take_keyword(p, "continue"))
		return parse_jump(p, list, NODE_CONTINUE);
	if (take_keyword(p, "define"))
		return parse_template(p, list, true, false);
	if (take_keyword(p, "block"))
		return parse_template(p, list, false, true);
	if (take_keyword(p, "template"))
		return parse_template(p, list, false, false);
	n = add_node(list, NODE_ACTION);
	if ((err = parse_pipe(p, &n->pipe, "", false)) < 0)
		return err;
	return take_close(p);
}

/* Text up to the next action, trimmed by its neighbours' dashes. */
static void parse_text(struct parser *p, struct node_list *list)
{
	const char *open = strstr(p->at, "{{");
	const char *from = p->at, *to = open ? open : p->at + strlen(p->at);

	p->at = to;
	if (p->trim_next)
		while (from < to && strchr(" \t\r\n", *from))
			from++;
	p->trim_next = false;
	if (open && open[2] == '-' && open[3] && strchr(" \t\r\n", open[3]))
		while (to > from && strchr(" \t\r\n", to[-1]))
			to--;
	if (to > from)
		add_node(list, NODE_TEXT)->text = mem_strndup(from, (size_t)(to - from));
}

static int parse_list(struct parser *p, struct node_list *list, enum ending *ret_ending)
{
	*ret_ending = END_TEXT;
	if (++p->depth > DEPTH_MAX)
		return fail(p, "too deep");
	for (;;) {
		int err;

		parse_text(p, list);
		if (*p->at == '\0')
			break;
		p->at += 2;
		if (*p->at == '-' && p->at[1] && strchr(" \t\r\n", p->at[1]))
			p->at++;
		if (*p->at == ' ' && starts(p, " /*"))
			p->at++;
		if ((err = parse_action(p, list, ret_ending)) < 0)
			return err;
		if (*ret_ending != END_TEXT)
			break;
	}
	p->depth--;
	return 0;
}

static void list_fini(struct node_list *list);

static void pipe_free(struct pipe *pipe)
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
			pipe_free(c->terms[j].pipe);
		}
		free(c->terms);
	}
	for (size_t i = 0; i < pipe->nvars; i++)
		free(pipe->vars[i]);
	free(pipe->commands);
	free(pipe);
}

static void list_fini(struct node_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->n[i].text);
		pipe_free(list->n[i].pipe);
		list_fini(&list->n[i].body);
		list_fini(&list->n[i].otherwise);
	}
	free(list->n);
	*list = (struct node_list){ 0 };
}

static void list_free(void *list)
{
	list_fini(list);
	free(list);
}

void go_template_free(struct go_template *t)
{
	if (t == NULL)
		return;
	list_fini(&t->root);
	map_fini(&t->defines, list_free);
	free(t);
}

int go_template_parse(const char *text, struct go_template **ret, char **ret_why)
{
	struct parser p = { .text = text, .at = text, .tmpl = MEM_NEW(struct go_template) };
	enum ending ending = END_TEXT;
	int err = parse_list(&p, &p.tmpl->root, &ending);

	if (err == 0 && ending != END_TEXT)
		err = fail(&p, "unexpected {{%s}}", ending == END_END ? "end" : "else");
	strv_fini(&p.vars);
	if (err < 0) {
		go_template_free(p.tmpl);
		*ret_why = p.why;
		return err;
	}
	*ret = p.tmpl;
	return 0;
}

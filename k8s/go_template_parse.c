#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_parser.h"
#include "lib/error.h"
#include "lib/mem.h"

/* Text and actions: if, range, with, define, template and the rest. */

/* How a list of nodes ended. */
enum ending {
	END_TEXT,
	END_END,
	END_ELSE, /* at the text after the keyword */
};

static int parse_list(struct parser *p, struct node_list *list, enum ending *ret_ending);

static int take_close(struct parser *p)
{
	parser_skip_blanks(p);
	if (parser_starts(p, "-}}") && p->at > p->text && strchr(" \t\r\n", p->at[-1])) {
		p->at += 3;
		p->trim_next = true;
		return 0;
	}
	if (parser_starts(p, "}}")) {
		p->at += 2;
		return 0;
	}
	if (*p->at == '\0')
		return parser_fail(p, "unclosed action");
	return parser_fail(p, "unexpected \"%.10s\" in the action", p->at);
}

/* A keyword, if it is next and ends there. */
static bool take_keyword(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(p->at, word, n) != 0 || parser_is_name(p->at[n]))
		return false;
	p->at += n;
	return true;
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

	if ((err = parser_pipe(p, &n->pipe, "", type == NODE_RANGE)) < 0 ||
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
			      ? parser_fail(p, "expected end, found else")
			      : parser_fail(p, "unexpected end of the template: missing {{end}}");
out:
	while (p->vars.n > mark)
		strv_remove(&p->vars, p->vars.n - 1);
	return err;
}

static int take_quoted_name(struct parser *p, char **ret)
{
	struct term t = { 0 };
	int err;

	parser_skip_blanks(p);
	if (*p->at != '"' && *p->at != '`')
		return parser_fail(p, "expected a quoted template name");
	err = parser_quoted(p, &t);
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
		return parser_fail(p, "template \"%s\" is defined twice", name);
	}
	(void)map_put(&p->tmpl->defines, name, body);
	err = parse_list(p, body, &ending);
	strv_fini(&p->vars);
	p->vars = outer;
	if (err == 0 && ending != END_END)
		err = parser_fail(p, "missing {{end}} of template \"%s\"", name);
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
		parser_skip_blanks(p);
		if (!parser_at_close(p) && (err = parser_pipe(p, &n->pipe, "", false)) < 0)
			goto out;
		if (block && n->pipe == NULL) {
			err = parser_fail(p, "missing value for block");
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
		return parser_fail(p, "{{%s}} outside {{range}}",
				   type == NODE_BREAK ? "break" : "continue");
	(void)add_node(list, type);
	return take_close(p);
}

static int parse_comment(struct parser *p)
{
	const char *end = strstr(p->at, "*/");

	if (end == NULL)
		return parser_fail(p, "unclosed comment");
	p->at = end + 2;
	return take_close(p);
}

/* At the text behind "{{".  *ret_ending is set when the list ends here. */
static int parse_action(struct parser *p, struct node_list *list, enum ending *ret_ending)
{
	struct node *n;
	int err;

	if (parser_starts(p, "/*"))
		return parse_comment(p);
	parser_skip_blanks(p);
	if (take_keyword(p, "end")) {
		*ret_ending = END_END;
		return take_close(p);
	}
	if (take_keyword(p, "else")) {
		*ret_ending = END_ELSE;
		parser_skip_blanks(p);
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
	if ((err = parser_pipe(p, &n->pipe, "", false)) < 0)
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
	if (++p->depth > PARSER_DEPTH_MAX)
		return parser_fail(p, "too deep");
	for (;;) {
		int err;

		parse_text(p, list);
		if (*p->at == '\0')
			break;
		p->at += 2;
		if (*p->at == '-' && p->at[1] && strchr(" \t\r\n", p->at[1]))
			p->at++;
		if (*p->at == ' ' && parser_starts(p, " /*"))
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

static void list_fini(struct node_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		free(list->n[i].text);
		parser_pipe_free(list->n[i].pipe);
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
		err = parser_fail(&p, "unexpected {{%s}}", ending == END_END ? "end" : "else");
	strv_fini(&p.vars);
	if (err < 0) {
		go_template_free(p.tmpl);
		*ret_why = p.why;
		return err;
	}
	*ret = p.tmpl;
	return 0;
}

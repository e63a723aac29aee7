#include <stdlib.h>
#include <string.h>

#include "k8s/go_template_tree.h"
#include "lib/error.h"
#include "lib/mem.h"

/* A hostile template ends here, and not with the process. */
#define STEPS_MAX  1000000
#define OUTPUT_MAX 1048576
#define DEPTH_MAX  100

static int run_list(struct run *r, const struct node_list *list, const struct value *dot);
static int eval_pipe(struct run *r, const struct pipe *pipe, const struct value *dot,
		     struct value *ret);

static void set_variable(struct run *r, const char *name, const struct value *v)
{
	r->vars = mem_array(r->vars, r->nvars + 1, sizeof(*r->vars));
	r->vars[r->nvars++] = (struct variable){ name, *v };
}

static struct variable *find_variable(struct run *r, const char *name)
{
	for (size_t i = r->nvars; i-- > 0;)
		if (strcmp(r->vars[i].name, name) == 0)
			return &r->vars[i];
	return NULL;
}

static int eval_fields(struct run *r, const struct strings *fields, struct value *v)
{
	for (size_t i = 0; i < fields->n; i++) {
		struct value next;
		int err = value_field(r, v, fields->s[i], &next);

		if (err < 0)
			return err;
		*v = next;
	}
	return 0;
}

/* Any term but a function. */
static int eval_term(struct run *r, const struct term *t, const struct value *dot,
		     struct value *ret)
{
	const struct variable *var;
	struct value v = { .type = VALUE_NONE };
	int err = 0;

	switch (t->type) {
	case TERM_DOT:
		v = *dot;
		break;
	case TERM_VARIABLE:
		var = find_variable(r, t->text);
		if (var == NULL)
			return run_fail(r, "undefined variable %s", t->text);
		v = var->value;
		break;
	case TERM_LITERAL:
		v = t->value;
		break;
	case TERM_NIL:
		break;
	case TERM_PIPE:
		err = eval_pipe(r, t->pipe, dot, &v);
		break;
	case TERM_FUNCTION:
		return run_fail(r, "function %s as an argument needs parentheses", t->text);
	}
	if (err < 0 || (err = eval_fields(r, &t->fields, &v)) < 0)
		return err;
	*ret = v;
	return 0;
}

/* and, or: the first argument that decides; those behind it are not looked at. */
static int eval_and_or(struct run *r, const struct command *c, const struct value *dot,
		       const struct value *last, struct value *ret)
{
	bool stop_at = c->terms[0].text[0] == 'o';
	bool any = false;
	int err;

	for (size_t i = 1; i < c->n; i++) {
		any = true;
		if ((err = eval_term(r, &c->terms[i], dot, ret)) < 0)
			return err;
		if (value_is_true(ret) == stop_at)
			return 0;
	}
	if (last) {
		any = true;
		*ret = *last;
	}
	return any ? 0
		   : run_fail(r, "wrong number of args for %s: want at least 1 got 0",
			      c->terms[0].text);
}

static int check_count(struct run *r, const struct function *f, size_t n)
{
	if ((int)n < f->min_args || (f->max_args >= 0 && (int)n > f->max_args))
		return run_fail(r, "wrong number of args for %s: want %s%d got %zu", f->name,
				f->min_args == f->max_args ? "" : "at least ", f->min_args, n);
	return 0;
}

/* LAST: the value piped in, as the last argument; NULL at the head of a pipeline. */
static int eval_function(struct run *r, const struct command *c, const struct value *dot,
			 const struct value *last, struct value *ret)
{
	const struct function *f = go_function_find(c->terms[0].text);
	size_t n = 0;
	struct value *args;
	int err = 0;

	if (f->call == NULL)
		return eval_and_or(r, c, dot, last, ret);
	args = mem_calloc(c->n + 1, sizeof(*args));
	for (size_t i = 1; i < c->n && err == 0; i++)
		err = eval_term(r, &c->terms[i], dot, &args[n++]);
	if (last)
		args[n++] = *last;
	if (err == 0 && (err = check_count(r, f, n)) == 0)
		err = f->call(r, args, n, ret);
	free(args);
	return err;
}

static int eval_pipe(struct run *r, const struct pipe *pipe, const struct value *dot,
		     struct value *ret)
{
	struct value v = { .type = VALUE_NONE }, next = v;

	if (++r->steps > STEPS_MAX)
		return run_fail(r, "takes too many steps");
	for (size_t i = 0; i < pipe->n; i++) {
		const struct command *c = &pipe->commands[i];
		int err;

		if (c->terms[0].type == TERM_FUNCTION)
			err = eval_function(r, c, dot, i ? &v : NULL, &next);
		else if (c->n > 1)
			err = run_fail(r, "%s has arguments but cannot be invoked as function",
				       c->terms[0].fields.n ? c->terms[0].fields.s[0] : "dot");
		else
			err = eval_term(r, &c->terms[0], dot, &next);
		if (err < 0)
			return err;
		v = next;
	}
	*ret = v;
	return 0;
}

/* Declare or assign the (one) variable of a pipeline. */
static int store(struct run *r, const struct pipe *pipe, const struct value *v)
{
	struct variable *var;

	if (pipe->nvars == 0)
		return 0;
	if (!pipe->assign) {
		set_variable(r, pipe->vars[0], v);
		return 0;
	}
	var = find_variable(r, pipe->vars[0]);
	if (var == NULL)
		return run_fail(r, "undefined variable %s", pipe->vars[0]);
	var->value = *v;
	return 0;
}

static int run_action(struct run *r, const struct node *n, const struct value *dot)
{
	struct value v;
	int err = eval_pipe(r, n->pipe, dot, &v);

	if (err < 0)
		return err;
	if (n->pipe->nvars)
		return store(r, n->pipe, &v);
	value_print(&v, r->out);
	return r->out->len > OUTPUT_MAX ? run_fail(r, "makes too much text") : 0;
}

static int run_if_with(struct run *r, const struct node *n, const struct value *dot)
{
	size_t mark = r->nvars;
	struct value v;
	int err = eval_pipe(r, n->pipe, dot, &v);

	if (err < 0 || (err = store(r, n->pipe, &v)) < 0)
		return err;
	if (value_is_true(&v))
		err = run_list(r, &n->body, n->type == NODE_WITH ? &v : dot);
	else
		err = run_list(r, &n->otherwise, dot);
	r->nvars = mark;
	return err;
}

static int run_item(struct run *r, const struct node *n, const struct value *key,
		    const struct value *item)
{
	const struct pipe *p = n->pipe;
	size_t mark = r->nvars;
	int err;

	if (++r->steps > STEPS_MAX)
		return run_fail(r, "takes too many steps");
	if (p->nvars == 1)
		set_variable(r, p->vars[0], item);
	if (p->nvars == 2) {
		set_variable(r, p->vars[0], key);
		set_variable(r, p->vars[1], item);
	}
	err = run_list(r, &n->body, item);
	r->nvars = mark;
	r->continuing = false;
	return err;
}

static int compare_keys(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;

	return strcmp((*x)->string, (*y)->string);
}

static int run_json(struct run *r, const struct node *n, const struct value *v)
{
	size_t len = (size_t)cJSON_GetArraySize(v->json), i = 0;
	const cJSON **items = mem_calloc(len + 1, sizeof(*items));
	const cJSON *it = NULL;
	int err = 0;

	cJSON_ArrayForEach(it, v->json)
		items[i++] = it;
	if (cJSON_IsObject(v->json))
		qsort(items, len, sizeof(cJSON *), compare_keys);
	for (i = 0; i < len && err == 0 && !r->breaking; i++) {
		struct value item = value_from_json(items[i], v->is_any, v->is_any);
		struct value key = cJSON_IsObject(v->json) ? value_string(items[i]->string)
							   : value_int((int64_t)i);

		err = run_item(r, n, &key, &item);
	}
	r->breaking = false;
	free(items);
	return err;
}

static int run_range(struct run *r, const struct node *n, const struct value *dot)
{
	struct value v;
	int err = eval_pipe(r, n->pipe, dot, &v);

	if (err < 0)
		return err;
	if (!value_is_true(&v))
		return run_list(r, &n->otherwise, dot);
	if (v.type == VALUE_JSON && (cJSON_IsArray(v.json) || v.is_map))
		return run_json(r, n, &v);
	if (v.type != VALUE_INT)
		return run_fail(r, "range can't iterate over a %s", value_type_name(&v));
	for (int64_t i = 0; i < v.i && err == 0 && !r->breaking; i++) {
		struct value item = value_int(i);

		err = run_item(r, n, &item, &item);
	}
	r->breaking = false;
	return err;
}

static int run_template(struct run *r, const struct node *n, const struct value *dot)
{
	const struct node_list *body = map_get(&r->tmpl->defines, n->text);
	struct variable *outer = r->vars;
	size_t nouter = r->nvars;
	struct value v = { .type = VALUE_NONE };
	int err;

	if (body == NULL)
		return run_fail(r, "template \"%s\" not defined", n->text);
	if (n->pipe && (err = eval_pipe(r, n->pipe, dot, &v)) < 0)
		return err;
	r->vars = NULL;
	r->nvars = 0;
	set_variable(r, "$", &v);
	err = run_list(r, body, &v);
	free(r->vars);
	r->vars = outer;
	r->nvars = nouter;
	return err;
}

static int run_node(struct run *r, const struct node *n, const struct value *dot)
{
	switch (n->type) {
	case NODE_TEXT:
		buf_puts(r->out, n->text);
		return r->out->len > OUTPUT_MAX ? run_fail(r, "makes too much text") : 0;
	case NODE_ACTION:
		return run_action(r, n, dot);
	case NODE_IF:
	case NODE_WITH:
		return run_if_with(r, n, dot);
	case NODE_RANGE:
		return run_range(r, n, dot);
	case NODE_TEMPLATE:
		return run_template(r, n, dot);
	case NODE_BREAK:
		r->breaking = true;
		return 0;
	case NODE_CONTINUE:
		r->continuing = true;
		return 0;
	}
	return 0;
}

static int run_list(struct run *r, const struct node_list *list, const struct value *dot)
{
	size_t mark = r->nvars;
	int err = 0;

	if (++r->depth > DEPTH_MAX)
		return run_fail(r, "is nested too deep");
	for (size_t i = 0; i < list->len && err == 0 && !r->breaking && !r->continuing; i++)
		err = run_node(r, &list->n[i], dot);
	r->nvars = mark;
	r->depth--;
	return err;
}

int go_template_run(const struct go_template *t, const struct go_template_data *data,
		    struct buf *out, char **ret_why)
{
	struct run r = { .tmpl = t, .data = data, .out = out };
	struct value root = value_from_json(data->object, false, false);
	int err;

	root.is_root = true;
	set_variable(&r, "$", &root);
	err = run_list(&r, &t->root, &root);
	free(r.vars);
	for (size_t i = 0; i < r.nowned; i++)
		free(r.owned[i]);
	free(r.owned);
	for (size_t i = 0; i < r.ntrees; i++)
		cJSON_Delete(r.trees[i]);
	free(r.trees);
	if (err < 0)
		*ret_why = r.why;
	return err;
}

/*
 * go_template_tree - the parsed form of a template and the values it computes with.
 * Private to go_template*.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "k8s/go_template.h"
#include "lib/buf.h"
#include "lib/map.h"

enum node_type {
	NODE_TEXT,     /* text */
	NODE_ACTION,   /* pipe; assigns when pipe.nvars */
	NODE_IF,       /* pipe, body, otherwise */
	NODE_RANGE,    /* ditto */
	NODE_WITH,     /* ditto */
	NODE_TEMPLATE, /* text = name, pipe may be empty */
	NODE_BREAK,
	NODE_CONTINUE,
};

enum term_type {
	TERM_DOT,      /* . and .A.B: fields */
	TERM_VARIABLE, /* $x.A.B: text, fields */
	TERM_LITERAL,  /* value */
	TERM_NIL,
	TERM_FUNCTION, /* text */
	TERM_PIPE,     /* (…).A.B: pipe, fields */
};

enum value_type {
	VALUE_NONE,    /* Go's invalid value: "<no value>" */
	VALUE_MISSING, /* the zero value of a field that is not there */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_JSON, /* array or object */
};

struct value {
	enum value_type type;
	bool is_map;  /* VALUE_JSON object: keys are exact, missing ones are VALUE_NONE */
	bool is_any;  /* … of any values: what index does not find is VALUE_NONE, not "" */
	bool is_root; /* the object itself */
	bool b;
	int64_t i;
	double f;
	const char *s;
	const cJSON *json;
};

struct strings {
	char **s;
	size_t n;
};

struct pipe;
struct term {
	enum term_type type;
	char *text;
	struct strings fields;
	struct value value; /* TERM_LITERAL; value.s is TEXT */
	struct pipe *pipe;
};

struct command {
	struct term *terms;
	size_t n;
};

struct pipe {
	unsigned line, column;
	char *vars[2]; /* with the dollar sign */
	size_t nvars;
	bool assign; /* = and not := */
	struct command *commands;
	size_t n;
};

struct node_list {
	struct node *n;
	size_t len;
};

struct node {
	enum node_type type;
	char *text;
	struct pipe *pipe;
	struct node_list body, otherwise;
};

struct go_template {
	struct node_list root;
	struct map defines; /* name -> struct node_list */
};

/* One run.  Owns what values point to; step and depth counts bound hostile templates. */
struct run {
	const struct go_template *tmpl;
	const struct go_template_data *data;
	struct buf *out;
	char *why;
	void **owned; /* strings */
	size_t nowned;
	cJSON **trees;
	size_t ntrees;
	struct variable {
		const char *name;
		struct value value;
	} * vars;
	size_t nvars;
	unsigned depth;
	unsigned long steps;
	bool breaking, continuing;
};

struct function {
	const char *name;
	int min_args, max_args; /* max -1: any number */
	/* 0 or ERR_INVALID with r->why. */
	int (*call)(struct run *r, const struct value *args, size_t n, struct value *ret);
};

/* NULL if there is none; "and" and "or" have no call: the evaluator does them, for they stop early.
 */
const struct function *go_function_find(const char *name);

int run_fail(struct run *r, const char *fmt, ...) MEM_PRINTF(2, 3);
/* Takes S; it lives as long as the run. */
struct value value_own(struct run *r, char *s);
struct value value_string(const char *s); /* borrows */
struct value value_int(int64_t i);
struct value value_bool(bool b);
/* What a JSON item is; MAP and ANY go to objects. */
struct value value_from_json(const cJSON *j, bool is_map, bool is_any);
bool value_is_true(const struct value *v);
const char *value_type_name(const struct value *v);
/* As fmt's %v prints it. */
void value_print(const struct value *v, struct buf *out);
/* V.NAME; 0 or ERR_INVALID with r->why. */
int value_field(struct run *r, const struct value *v, const char *name, struct value *ret);
/* The text of V, "" for a missing field; else ERR_INVALID with r->why naming FUNCTION. */
int value_want_string(struct run *r, const char *function, const struct value *v, const char **ret);

/* Functions that have a file of their own. */
#define GO_CALL(name) \
	int go_call_##name(struct run *r, const struct value *args, size_t n, struct value *ret)
GO_CALL(eq);
GO_CALL(ne);
GO_CALL(lt);
GO_CALL(le);
GO_CALL(gt);
GO_CALL(ge);
GO_CALL(print);
GO_CALL(println);
GO_CALL(printf);
#undef GO_CALL

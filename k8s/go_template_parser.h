/*
 * go_template_parser - the state of a parse, and what statements (go_template_parse.c) and
 * expressions (go_template_expr.c) share.  Private to the two.
 */
#pragma once

#include <stdbool.h>

#include "k8s/go_template_tree.h"
#include "lib/strv.h"

#define PARSER_DEPTH_MAX 64

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

/* ERR_SYNTAX, and the place with it, unless something failed before. */
int parser_fail(struct parser *p, const char *fmt, ...) MEM_PRINTF(2, 3);
void parser_skip_blanks(struct parser *p);
bool parser_starts(const struct parser *p, const char *s);
/* At the end of the action: "}}" or " -}}". */
bool parser_at_close(const struct parser *p);
bool parser_is_name(char c);
/*
 * A pipeline up to CLOSE (")") or the end of the action (""); CLOSE is not taken.  *ret is set, and
 * to be freed, on errors too.
 */
int parser_pipe(struct parser *p, struct pipe **ret, const char *close, bool is_range);
/* A quoted string or character into T. */
int parser_quoted(struct parser *p, struct term *t);
void parser_pipe_free(struct pipe *pipe);

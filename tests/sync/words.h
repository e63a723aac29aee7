/*
 * words - endpoints as one line of text, for tables in tests:
 *
 *	"www.example A 192.0.2.1,192.0.2.2 ttl=60 set=eu owner=me resource=ingress/a/b aws/weight=10
 *shared"
 *
 * owner=, resource= and label:K=V are labels; other K=V are properties.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/endpoint.h"
#include "lib/strv.h"

static inline struct endpoint *words_endpoint(const char *text)
{
	struct strv w = { 0 };

	/* TXT targets hold blanks and commas: 'x' quotes them */
	const char *quote = strchr(text, '\'');
	char *inner = NULL, *rest = NULL;
	if (quote) {
		const char *end = strrchr(text, '\'');

		inner = mem_strndup(quote + 1, (size_t)(end - quote - 1));
		rest = mem_printf("%.*s@%s", (int)(quote - text), text, end + 1);
	}
	strv_split(&w, rest ? rest : text, " ");
	assert_true(w.n >= 2);
	struct endpoint *e = endpoint_new(w.s[0], w.s[1], 0);
	for (size_t i = 2; i < w.n; i++) {
		char *s = w.s[i], *eq = strchr(s, '=');

		if (i == 2 && inner && strcmp(s, "@") == 0) {
			strv_split(&e->targets, inner, "|");
		} else if (i == 2 && eq == NULL && strcmp(s, "-") != 0) {
			strv_split(&e->targets, s, ",");
		} else if (eq == NULL) {
			e->shared = e->shared || strcmp(s, "shared") == 0;
		} else {
			*eq = '\0';
			if (strcmp(s, "ttl") == 0)
				e->record_ttl = strtol(eq + 1, NULL, 10);
			else if (strcmp(s, "set") == 0)
				mem_strset(&e->set_identifier, eq + 1);
			else if (strcmp(s, "owner") == 0 || strcmp(s, "resource") == 0)
				endpoint_set_label(e, s, eq + 1);
			else if (strncmp(s, "label:", 6) == 0)
				endpoint_set_label(e, s + 6, eq + 1);
			else
				endpoint_set_prop(e, s, eq + 1);
		}
	}
	strv_fini(&w);
	free(inner);
	free(rest);
	return e;
}

/* "name TYPE t1,t2 [ttl=N] [set=X]", targets in their order. */
static inline char *words_print(const struct endpoint *e)
{
	struct buf b = { 0 };
	char *targets = strv_join(&e->targets, ",");

	buf_printf(&b, "%s %s %s", e->dns_name, e->record_type, targets);
	if (e->record_ttl)
		buf_printf(&b, " ttl=%ld", (long)e->record_ttl);
	if (*e->set_identifier)
		buf_printf(&b, " set=%s", e->set_identifier);
	free(targets);
	return buf_take(&b);
}

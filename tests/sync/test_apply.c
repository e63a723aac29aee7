/* apply_each: order and isolation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/apply_each.h"

/* A service that refuses changes of the name BAD, and writes down what it was sent. */
struct provider {
	const char *bad;
	int refuse_with;
	struct strv log;
	bool done;
	int err;
};

static const struct endpoint *subject(const struct change *c)
{
	return c->after ? c->after : c->before;
}

static void done(void *ctx, int err, const char *text)
{
	struct provider *p = ctx;

	assert_true((err == 0) == (text == NULL));
	p->done = true;
	p->err = err;
}

static struct change *make(const char *const *rows, size_t n)
{
	struct change *c = mem_calloc(n, sizeof(*c));

	for (size_t i = 0; i < n; i++) { /* "+A name", "-TXT name" */
		char type[8];
		const char *name = strchr(rows[i], ' ') + 1;
		(void)memcpy(type, rows[i] + 1, (size_t)(name - rows[i] - 2));
		type[name - rows[i] - 2] = '\0';
		struct endpoint *e = endpoint_new(name, type, 0);

		if (strcmp(type, "TXT") == 0) /* the registry says whose it is */
			endpoint_set_label(e, "ownedRecord", strchr(name, '-') + 1);
		c[i].kind = rows[i][0] == '+' ? CHANGE_CREATE : CHANGE_DELETE;
		if (rows[i][0] == '+')
			c[i].after = e;
		else
			c[i].before = e;
	}
	return c;
}

static void drop(struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct endpoint *e = (struct endpoint *)(uintptr_t)subject(&c[i]);

		endpoint_free(e);
		free(c[i].err_text);
	}
	free(c);
}

static void run(struct loop *loop, struct provider *p)
{
	assert_false(p->done); /* never before the call returned */
	while (!p->done)
		loop_once(loop, 100);
}

static void send_one(struct provider *p, struct apply_each *a, const struct change *c)
{
	strv_take(&p->log,
		  mem_printf("%c%s", c->kind == CHANGE_DELETE ? '-' : '+', subject(c)->dns_name));
	bool bad = p->bad && c->kind != CHANGE_DELETE && strcmp(subject(c)->dns_name, p->bad) == 0;
	apply_each_result(a, bad ? p->refuse_with : 0, "refused");
}

static char *each(const char *const *rows, size_t n, const char *bad, int with, struct change **ret)
{
	struct provider p = { .bad = bad, .refuse_with = with };
	struct loop *loop = loop_new();

	*ret = make(rows, n);
	apply_each(&p, "fake", loop, *ret, n, send_one, done, &p);
	run(loop, &p);
	char *text = strv_join(&p.log, " ");
	strv_fini(&p.log);
	loop_free(loop);
	return text;
}

static void single_calls_come_in_an_order_that_loses_nothing(void **state)
{
	static const char *const move[] = { "+A x", "+TXT a-x", "-CNAME x", "-TXT cname-x" };
	static const char *const create[] = { "+A x", "+TXT a-x", "+A y", "+TXT a-y" };
	struct change *c;

	(void)state;
	char *log = each(move, 4, NULL, 0, &c);
	assert_string_equal(log, "-x -cname-x +a-x +x");
	free(log);
	drop(c, 4);
	/* the record is refused: its TXT is taken back, the other unit lands */
	log = each(create, 4, "x", ERR_INVALID, &c);
	assert_string_equal(log, "+a-x +x -a-x +a-y +y");
	assert_int_equal(c[0].err, ERR_INVALID);
	assert_int_equal(c[1].err, ERR_INVALID);
	assert_int_equal(c[2].err, 0);
	free(log);
	drop(c, 4);
	/* the TXT is refused: the record is not written */
	log = each(create, 4, "a-x", ERR_INVALID, &c);
	assert_string_equal(log, "+a-x +a-y +y");
	free(log);
	drop(c, 4);
	/* the network is gone: nothing more is tried */
	log = each(create, 4, "x", ERR_NETWORK, &c);
	assert_string_equal(log, "+a-x +x");
	assert_int_equal(c[3].err, ERR_NETWORK);
	free(log);
	drop(c, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_calls_come_in_an_order_that_loses_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

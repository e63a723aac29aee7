#include "sync/apply_each.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/batch.h"

struct step {
	struct change *change; /* borrowed, or &undo */
	size_t unit;
	unsigned rank;
	size_t index;
};

struct apply_each {
	struct provider *p;
	const char *name;
	apply_each_send send;
	struct step *steps;
	size_t n, at;
	struct change undo; /* takes back a TXT whose record was refused */
	bool undoing;
	struct loop_timer *soon;
	void (*done)(void *ctx, int err, const char *err_text);
	void *ctx;
	int err;
};

static const struct endpoint *subject(const struct change *c)
{
	return c->after ? c->after : c->before;
}

static unsigned rank(const struct change *c)
{
	bool is_txt = strcmp(subject(c)->record_type, "TXT") == 0;

	if (c->kind == CHANGE_DELETE)
		return is_txt ? 1 : 0;
	return is_txt ? 2 : 3;
}

static int compare(const void *x, const void *y)
{
	const struct step *a = x, *b = y;

	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static void make_steps(struct apply_each *a, struct change *changes, size_t n)
{
	size_t unit = 0;

	a->steps = mem_calloc(n, sizeof(*a->steps));
	a->n = n;
	for (size_t i = 0; i < n; i++) {
		if (i && !batch_follows(&changes[i - 1], &changes[i]))
			unit++;
		a->steps[i] = (struct step){ &changes[i], unit, rank(&changes[i]), i };
	}
	if (n > 1)
		qsort(a->steps, n, sizeof(*a->steps), compare);
}

static void fail(struct apply_each *a, struct change *c, int err, const char *text)
{
	c->err = err;
	free(c->err_text);
	c->err_text = mem_printf("%s: %s", a->name, text);
	if (a->err == 0)
		a->err = err;
}

static void next(void *ctx)
{
	struct apply_each *a = ctx;

	if (a->undoing) {
		a->send(a->p, a, &a->undo);
		return;
	}
	while (a->at < a->n && a->steps[a->at].change->err)
		a->at++; /* its unit failed before */
	if (a->at < a->n) {
		a->send(a->p, a, a->steps[a->at].change);
		return;
	}
	char *text = a->err ? mem_printf("%s: some changes did not land: %s", a->name,
					 error_text(a->err))
			    : NULL;
	a->done(a->ctx, a->err, text);
	free(text);
	loop_timer_free(a->soon);
	free(a->steps);
	free(a);
}

static bool is_about_content(int err)
{
	return err == ERR_INVALID || err == ERR_STALE || err == ERR_NOT_FOUND ||
	       err == ERR_EXISTS || err == ERR_CONFLICT;
}

/* The failed step takes the rest of its unit with it. */
static void fail_unit(struct apply_each *a, int err, const char *text)
{
	const struct step *bad = &a->steps[a->at];

	for (size_t i = a->at; i < a->n && a->steps[i].unit == bad->unit; i++)
		fail(a, a->steps[i].change, err, text);
	if (bad->rank != 3 || bad->change->kind != CHANGE_CREATE)
		return;
	/* a TXT made just now for this record says that we own what is not there */
	for (size_t i = a->at; i-- > 0 && a->steps[i].unit == bad->unit;) {
		struct change *c = a->steps[i].change;

		if (a->steps[i].rank != 2 || c->kind != CHANGE_CREATE || c->err)
			continue;
		fail(a, c, err, text);
		a->undo = (struct change){ .kind = CHANGE_DELETE, .before = c->after };
		a->undoing = true;
		return;
	}
}

void apply_each_result(struct apply_each *a, int err, const char *text)
{
	if (a->undoing) { /* as it may: the next full read tells */
		a->undoing = false;
	} else if (err && is_about_content(err)) {
		fail_unit(a, err, text);
	} else if (err) {
		for (size_t i = a->at; i < a->n; i++)
			if (!a->steps[i].change->err)
				fail(a, a->steps[i].change, err, text);
	}
	if (!a->undoing)
		a->at++;
	loop_timer_set(a->soon, 0);
}

void apply_each(struct provider *p, const char *name, struct loop *loop, struct change *changes,
		size_t n, apply_each_send send,
		void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	struct apply_each *a = MEM_NEW(struct apply_each);

	*a = (struct apply_each){ .p = p, .name = name, .send = send, .done = done, .ctx = ctx };
	make_steps(a, changes, n);
	a->soon = loop_timer_new(loop, next, a);
	loop_timer_set(a->soon, 0);
}

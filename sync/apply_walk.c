#include "sync/apply_walk.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/batch.h"

struct unit {
	size_t first, n; /* items */
	size_t cost;
};

struct range {
	size_t from, to; /* units */
};

struct apply_walk {
	struct provider *p;
	const struct apply_walk_ops *ops;
	struct apply_walk_item *items;
	size_t nitems;
	struct unit *units;
	size_t nunits;
	struct range *todo; /* a stack, the next batch on top */
	size_t ntodo, todo_size;
	struct range now;
	struct loop_timer *soon; /* results may come inside send: go on from the loop */
	void (*done)(void *ctx, int err, const char *err_text);
	void *ctx;
	int err; /* the first one */
};

static void fail_unit(struct apply_walk *w, size_t unit, int err, const char *text)
{
	const struct unit *u = &w->units[unit];

	for (size_t i = u->first; i < u->first + u->n; i++) {
		struct change *c = w->items[i].change;

		c->err = err;
		free(c->err_text);
		c->err_text = mem_printf("%s: %s", w->ops->name, text);
	}
	if (w->err == 0)
		w->err = err;
}

static void make_units(struct apply_walk *w)
{
	w->units = mem_calloc(w->nitems, sizeof(*w->units));
	for (size_t i = 0; i < w->nitems; i++) {
		bool follows = i && w->items[i].zone == w->items[i - 1].zone &&
			       batch_follows(w->items[i - 1].change, w->items[i].change);

		if (!follows) {
			w->units[w->nunits++] = (struct unit){ .first = i };
		}
		struct unit *u = &w->units[w->nunits - 1];
		u->n++;
		u->cost += w->ops->cost(w->p, w->items[i].change);
	}
}

/* Items of one zone together, zones in the order in which they first appear, stable. */
static void group_by_zone(struct apply_walk *w, const struct apply_walk_item *items, size_t n)
{
	bool *taken = mem_calloc(n, sizeof(*taken));
	size_t out = 0;

	w->items = mem_calloc(n, sizeof(*w->items));
	w->nitems = n;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = i; !taken[i] && k < n; k++) {
			if (taken[k] || items[k].zone != items[i].zone)
				continue;
			w->items[out++] = items[k];
			taken[k] = k != i; /* i itself last: it names the zone */
		}
	}
	free(taken);
}

static void push(struct apply_walk *w, size_t from, size_t to)
{
	if (w->ntodo == w->todo_size) {
		w->todo_size = w->todo_size ? w->todo_size * 2 : 16;
		w->todo = mem_array(w->todo, w->todo_size, sizeof(*w->todo));
	}
	w->todo[w->ntodo++] = (struct range){ from, to };
}

static void *zone_of(const struct apply_walk *w, size_t unit)
{
	return w->items[w->units[unit].first].zone;
}

/* From the last unit to the first, so that the first batch ends on top of the stack. */
static void make_batches(struct apply_walk *w)
{
	size_t to = w->nunits, cost = 0;

	for (size_t i = w->nunits; i-- > 0;) {
		void *zone = zone_of(w, i);

		if (zone == NULL)
			fail_unit(w, i, ERR_NOT_FOUND, "no hosted zone has this name");
		if (i + 1 < to && (zone != zone_of(w, i + 1) ||
				   cost + w->units[i].cost > w->ops->limit(w->p, zone))) {
			push(w, i + 1, to);
			to = i + 1;
			cost = 0;
		}
		cost += w->units[i].cost;
	}
	if (to)
		push(w, 0, to);
}

static void end(struct apply_walk *w)
{
	char *text = w->err ? mem_printf("%s: some changes did not land: %s", w->ops->name,
					 error_text(w->err))
			    : NULL;

	loop_timer_free(w->soon);
	w->soon = NULL;
	w->done(w->ctx, w->err, text);
	free(text);
	free(w->items);
	free(w->units);
	free(w->todo);
	free(w);
}

static void next(void *ctx)
{
	struct apply_walk *w = ctx;

	while (w->ntodo) {
		w->now = w->todo[--w->ntodo];
		void *zone = zone_of(w, w->now.from);
		if (zone == NULL)
			continue; /* failed already */
		size_t first = w->units[w->now.from].first;
		const struct unit *last = &w->units[w->now.to - 1];
		size_t n = last->first + last->n - first;
		struct change **list = mem_calloc(n, sizeof(struct change *));
		for (size_t i = 0; i < n; i++)
			list[i] = w->items[first + i].change;
		w->ops->send(w->p, w, zone, list, n);
		free(list);
		return;
	}
	end(w);
}

static bool is_about_content(int err)
{
	return err == ERR_INVALID || err == ERR_STALE || err == ERR_NOT_FOUND ||
	       err == ERR_EXISTS || err == ERR_CONFLICT;
}

static void give_up_rest(struct apply_walk *w, int err, const char *text)
{
	push(w, w->now.from, w->now.to);
	while (w->ntodo) {
		struct range r = w->todo[--w->ntodo];

		for (size_t i = r.from; i < r.to; i++)
			if (zone_of(w, i))
				fail_unit(w, i, err, text);
	}
}

void apply_walk_result(struct apply_walk *w, int err, const char *text)
{
	size_t n = w->now.to - w->now.from, half = w->now.from + n / 2;

	if (err && !is_about_content(err)) {
		give_up_rest(w, err, text);
	} else if (err && n == 1) {
		fail_unit(w, w->now.from, err, text);
	} else if (err) {
		push(w, half, w->now.to);
		push(w, w->now.from, half);
	}
	loop_timer_set(w->soon, 0);
}

void apply_walk(struct provider *p, const struct apply_walk_ops *ops, struct loop *loop,
		const struct apply_walk_item *items, size_t n,
		void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	struct apply_walk *w = MEM_NEW(struct apply_walk);

	*w = (struct apply_walk){ .p = p, .ops = ops, .done = done, .ctx = ctx };
	group_by_zone(w, items, n);
	make_units(w);
	make_batches(w);
	w->soon = loop_timer_new(loop, next, w);
	loop_timer_set(w->soon, 0);
}

#include "sync/batch.h"

#include <stdlib.h>
#include <string.h>

#include "lib/backoff.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/change_list.h"

#define TRIES 4 /* of a call that was answered with ERR_AGAIN */

/* Changes that go out in one call, all of one zone. */
struct piece {
	struct piece *next;
	void *zone;
	struct change **c;
	size_t n;
};

struct batch {
	const struct batch_ops *ops;
	void *ctx;
	struct batch_limits limits;
	struct ratelimit *limit;
	struct loop_timer *timer;
	struct piece *queue;
	struct backoff backoff;
	int err; /* first error of any change */
	char *err_text;
};

bool batch_is_refusal(int err)
{
	switch (err) {
	case ERR_INVALID:
	case ERR_SYNTAX:
	case ERR_CONFLICT:
	case ERR_EXISTS:
	case ERR_NOT_FOUND:
	case ERR_STALE:
	case ERR_RANGE:
	case ERR_TOO_LONG:
	case ERR_UNSUPPORTED:
		return true;
	default:
		return false;
	}
}

const char *batch_name(const struct change *c)
{
	const struct endpoint *e = change_endpoint(c);
	const char *owned =
		strcmp(e->record_type, "TXT") == 0 ? endpoint_label(e, "ownedRecord") : NULL;

	return owned ? owned : e->dns_name;
}

static bool same_name(const struct change *a, const struct change *b)
{
	return strcmp(batch_name(a), batch_name(b)) == 0;
}

bool batch_follows(const struct change *a, const struct change *b)
{
	const struct endpoint *e = change_endpoint(b);

	if (strcmp(e->record_type, "TXT") == 0 && endpoint_label(e, "ownedRecord") == NULL)
		return true;
	return same_name(a, b);
}

static void fail(struct batch *b, struct change *c, int err, const char *text)
{
	c->err = err;
	free(c->err_text);
	c->err_text = mem_strdup(text ? text : error_text(err));
	if (b->err == 0) {
		b->err = err;
		b->err_text = mem_strdup(c->err_text);
	}
}

static struct piece *piece_new(void *zone, struct change *const *c, size_t n)
{
	struct piece *p = MEM_NEW(struct piece);

	p->zone = zone;
	p->c = mem_dup(c, n * sizeof(struct change *));
	p->n = n;
	return p;
}

static void piece_free(struct piece *p)
{
	free(p->c);
	free(p);
}

static struct batch_cost cost_of(const struct batch *b, const struct change *c)
{
	const struct endpoint *e = change_endpoint(c);

	if (b->ops->cost)
		return b->ops->cost(b->ctx, c);
	return (struct batch_cost){ .changes = 1, .values = e->targets.n };
}

static bool exceeds(size_t have, size_t more, size_t limit)
{
	return limit && have + more > limit;
}

/* Cut the changes of one zone into pieces; a name is cut only if it alone is too large. */
static struct piece **cut(struct batch *b, void *zone, struct change *const *c, size_t n,
			  struct piece **tail)
{
	size_t from = 0;
	struct batch_cost have = { 0 };

	for (size_t i = 0, len; i < n; i += len) {
		struct batch_cost unit = { 0 };

		for (len = 0; i + len < n && (len == 0 || same_name(c[i], c[i + len])); len++) {
			struct batch_cost one = cost_of(b, c[i + len]);

			if (len && (exceeds(unit.changes, one.changes, b->limits.changes) ||
				    exceeds(unit.bytes, one.bytes, b->limits.bytes) ||
				    exceeds(unit.values, one.values, b->limits.values)))
				break;
			unit.changes += one.changes;
			unit.bytes += one.bytes;
			unit.values += one.values;
		}
		if (i > from && (exceeds(have.changes, unit.changes, b->limits.changes) ||
				 exceeds(have.bytes, unit.bytes, b->limits.bytes) ||
				 exceeds(have.values, unit.values, b->limits.values))) {
			*tail = piece_new(zone, c + from, i - from);
			tail = &(*tail)->next;
			from = i;
			have = (struct batch_cost){ 0 };
		}
		have.changes += unit.changes;
		have.bytes += unit.bytes;
		have.values += unit.values;
	}
	if (n > from) {
		*tail = piece_new(zone, c + from, n - from);
		tail = &(*tail)->next;
	}
	return tail;
}

/* Zones in the order of their first change, changes of each in their order. */
static void fill_queue(struct batch *b, struct change *changes, size_t n)
{
	void **zone = mem_calloc(n + 1, sizeof(*zone));
	struct change **mine = mem_calloc(n + 1, sizeof(*mine));
	struct piece **tail = &b->queue;

	for (size_t i = 0; i < n; i++) {
		zone[i] = b->ops->zone(b->ctx, &changes[i]);
		if (zone[i] == NULL)
			fail(b, &changes[i], ERR_NOT_FOUND, "no hosted zone takes this name");
	}
	for (size_t i = 0; i < n; i++) {
		void *z = zone[i];
		size_t m = 0;

		if (z == NULL)
			continue;
		for (size_t k = i; k < n; k++) {
			if (zone[k] != z)
				continue;
			mine[m++] = &changes[k];
			zone[k] = NULL;
		}
		tail = cut(b, z, mine, m, tail);
	}
	free(zone);
	free(mine);
}

static void batch_free(struct batch *b)
{
	while (b->queue) {
		struct piece *p = b->queue;

		b->queue = p->next;
		piece_free(p);
	}
	loop_timer_free(b->timer);
	free(b->err_text);
	free(b);
}

static void next(void *ctx)
{
	struct batch *b = ctx;
	uint64_t wait;

	if (b->queue == NULL) {
		b->ops->done(b->ctx, b->err, b->err_text);
		batch_free(b);
		return;
	}
	wait = b->limit ? ratelimit_take(b->limit) : 0;
	if (wait) {
		loop_timer_set(b->timer, wait);
		return;
	}
	b->ops->send(b->ctx, b, b->queue->zone, b->queue->c, b->queue->n);
}

struct batch *batch_start(struct loop *loop, const struct batch_ops *ops, void *ctx,
			  const struct batch_limits *limits, struct ratelimit *limit,
			  struct change *changes, size_t n)
{
	struct batch *b = MEM_NEW(struct batch);

	b->ops = ops;
	b->ctx = ctx;
	b->limits = *limits;
	b->limit = limit;
	b->backoff = (struct backoff){ .min_ms = 1000, .max_ms = 30000 };
	b->timer = loop_timer_new(loop, next, b);
	fill_queue(b, changes, n);
	loop_timer_set(b->timer, 0);
	return b;
}

/* Where to cut P in two between names; 0 if it is one name. */
static size_t middle(const struct piece *p)
{
	for (size_t d = 0; d < p->n; d++) {
		size_t up = p->n / 2 + d, down = p->n / 2 - d;

		if (up > 0 && up < p->n && !same_name(p->c[up - 1], p->c[up]))
			return up;
		if (d <= p->n / 2 && down > 0 && !same_name(p->c[down - 1], p->c[down]))
			return down;
	}
	return 0;
}

/* Replace the first piece by its halves, or give its changes up. */
static void refused(struct batch *b, int err, const char *text)
{
	struct piece *p = b->queue;
	size_t at = middle(p);

	b->queue = p->next;
	if (at == 0) {
		for (size_t i = 0; i < p->n; i++)
			fail(b, p->c[i], err, text);
	} else {
		struct piece *left = piece_new(p->zone, p->c, at);
		struct piece *right = piece_new(p->zone, p->c + at, p->n - at);

		left->next = right;
		right->next = b->queue;
		b->queue = left;
	}
	piece_free(p);
}

static void give_up(struct batch *b, int err, const char *text)
{
	while (b->queue) {
		struct piece *p = b->queue;

		b->queue = p->next;
		for (size_t i = 0; i < p->n; i++)
			fail(b, p->c[i], err, text);
		piece_free(p);
	}
}

void batch_sent(struct batch *b, int err, const char *err_text, long retry_after_ms)
{
	uint64_t wait = 0; /* the search for a culprit does not pause */

	if (err == 0) {
		struct piece *p = b->queue;

		wait = b->limits.interval_ms;

		for (size_t i = 0; i < p->n; i++)
			if (p->c[i]->err && b->err == 0) {
				b->err = p->c[i]->err;
				b->err_text = mem_strdup(p->c[i]->err_text);
			}
		b->queue = p->next;
		piece_free(p);
		backoff_reset(&b->backoff);
	} else if (err == ERR_AGAIN && b->backoff.tries < TRIES) {
		uint32_t pause = backoff_next_ms(&b->backoff);

		wait = retry_after_ms >= 0 ? (uint64_t)retry_after_ms : pause;
		if (b->limit)
			ratelimit_pause(b->limit, wait);
	} else if (batch_is_refusal(err)) {
		refused(b, err, err_text);
	} else {
		give_up(b, err, err_text);
	}
	loop_timer_set(b->timer, b->queue ? wait : 0);
}

void batch_cancel(struct batch *b)
{
	if (b)
		batch_free(b);
}

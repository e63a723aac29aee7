/*
 * fake - a provider for tests of the engine: keeps records, takes calls of a few
 * changes, all or nothing, refuses what a test tells it to, and counts.
 */
#pragma once

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "sync/batch.h"
#include "sync/change_list.h"
#include "sync/instance.h"
#include "sync/target.h"
#include "sync/view.h"
#include "tests/sync/rig.h"
#include "tests/sync/words.h"

struct provider {
	struct loop *loop;
	struct view zone;
	struct strv zones;
	struct loop_timer *timer;
	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	struct batch *batch;
	int sent_err;
	long retry_after;
	/* what the test sets */
	const char *bad_target;  /* a call that holds it is refused */
	int read_err, write_err; /* the service is in trouble */
	int again;               /* so many calls are told to come again */
	size_t max;              /* changes a call */
	/* what it counts */
	unsigned reads, calls, changes;
	struct strv log;
};

static struct provider fake; /* the one that open gives */

static inline void fake_timer(void *ctx)
{
	struct provider *p = ctx;
	struct endpoint_list all = { 0 };

	if (p->on_records) {
		void (*done)(void *, int, const char *, struct endpoint_list *) = p->on_records;

		p->on_records = NULL;
		for (struct map_item *it = map_first(&p->zone.rows); it && !p->read_err;
		     it = map_next(&p->zone.rows, it)) {
			const struct view_row *row = it->value;

			for (size_t i = 0; i < row->n; i++)
				endpoint_list_take(&all, endpoint_copy(row->e[i]));
		}
		done(p->ctx, p->read_err, NULL, &all);
		return;
	}
	batch_sent(p->batch, p->sent_err, p->sent_err ? "the fake says no" : NULL, p->retry_after);
}

static inline int fake_open(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	(void)ret_why;
	fake.loop = env->loop;
	fake.timer = loop_timer_new(env->loop, fake_timer, &fake);
	*ret = &fake;
	return 0;
}

static inline void fake_close(struct provider *p)
{
	loop_timer_free(p->timer);
	view_fini(&p->zone);
	strv_fini(&p->zones);
	strv_fini(&p->log);
	*p = (struct provider){ 0 };
}

static inline void fake_records(struct provider *p,
				void (*done)(void *ctx, int err, const char *err_text,
					     struct endpoint_list *records),
				void *ctx)
{
	p->reads++;
	p->on_records = done;
	p->ctx = ctx;
	loop_timer_set(p->timer, 0);
}

static inline void *fake_zone(void *ctx, const struct change *c)
{
	(void)c;
	return ctx;
}

static inline int fake_check(const struct provider *p, const struct change *c)
{
	const struct endpoint *e = change_endpoint(c);
	const struct endpoint *have =
		view_find(&p->zone, e->dns_name, e->record_type, e->set_identifier);

	if (p->bad_target && c->after && target_set_has(&c->after->targets, p->bad_target))
		return ERR_INVALID;
	if (c->kind == CHANGE_CREATE)
		return have ? ERR_EXISTS : 0;
	if (have == NULL)
		return ERR_NOT_FOUND;
	return target_set_equal(&have->targets, &c->before->targets) ? 0 : ERR_STALE;
}

static inline void fake_send(void *ctx, struct batch *b, void *zone, struct change *const *c,
			     size_t n)
{
	struct provider *p = ctx;

	(void)zone;
	p->calls++;
	p->batch = b;
	p->sent_err = p->write_err;
	p->retry_after = -1;
	if (p->again) {
		p->again--;
		p->sent_err = ERR_AGAIN;
		p->retry_after = 5;
	}
	for (size_t i = 0; i < n && !p->sent_err; i++)
		p->sent_err = fake_check(p, c[i]);
	for (size_t i = 0; i < n && !p->sent_err; i++) {
		const struct endpoint *e = change_endpoint(c[i]);
		static const char marks[] = "+~-";
		char *text = words_print(e);

		strv_take(&p->log, mem_printf("%c %s", marks[c[i]->kind], text));
		free(text);
		p->changes++;
		if (c[i]->kind == CHANGE_DELETE)
			view_remove(&p->zone, e->dns_name, e->record_type, e->set_identifier);
		else
			view_put(&p->zone, endpoint_copy(e));
	}
	loop_timer_set(p->timer, 0);
}

static inline void fake_done(void *ctx, int err, const char *err_text)
{
	struct provider *p = ctx;

	p->on_applied(p->ctx, err, err_text);
}

static inline void fake_apply(struct provider *p, struct change *changes, size_t n,
			      void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	static const struct batch_ops ops = { .zone = fake_zone,
					      .send = fake_send,
					      .done = fake_done };
	struct batch_limits limits = { .changes = p->max };

	p->on_applied = done;
	p->ctx = ctx;
	(void)batch_start(p->loop, &ops, p, &limits, NULL, changes, n);
}

static inline const struct strv *fake_zones(struct provider *p)
{
	return p->zones.n ? &p->zones : NULL;
}

static const struct provider_ops provider_fake = { .name = "fake",
						   .open = fake_open,
						   .close = fake_close,
						   .records = fake_records,
						   .apply = fake_apply,
						   .zones = fake_zones };

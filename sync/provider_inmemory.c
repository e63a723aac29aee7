/*
 * provider_inmemory - records in memory, lost at the end: for trying things out
 * and for tests of the engine.  Strict, so that a wrong change is seen: what is
 * created must not exist, what is changed or deleted must be there as it was.
 * Zones by --inmemory-zone.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/provider.h"
#include "sync/target.h"
#include "sync/view.h"

struct provider {
	struct provider_env env;
	struct strv zones;
	struct view records;
	struct loop_timer *timer; /* one call is under way at a time */
	void (*on_records)(void *ctx, int err, const char *err_text, struct endpoint_list *records);
	void (*on_applied)(void *ctx, int err, const char *err_text);
	void *ctx;
	int err;
	const char *err_text;
};

static void answer(void *ctx)
{
	struct provider *p = ctx;
	struct endpoint_list all = { 0 };

	if (p->on_applied) {
		void (*done)(void *, int, const char *) = p->on_applied;

		p->on_applied = NULL;
		done(p->ctx, p->err, p->err_text);
		return;
	}
	view_copy(&p->records, &all);
	p->on_records(p->ctx, 0, NULL, &all);
}

static int open_provider(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	struct provider *p = MEM_NEW(struct provider);
	const struct strv *zones = config_list(env->config, OPT_INMEMORY_ZONE);

	(void)ret_why;
	p->env = *env;
	p->timer = loop_timer_new(env->loop, answer, p);
	for (size_t i = 0; i < zones->n; i++)
		strv_take(&p->zones, idna_normal(zones->s[i]));
	*ret = p;
	return 0;
}

static void close_provider(struct provider *p)
{
	view_fini(&p->records);
	strv_fini(&p->zones);
	loop_timer_free(p->timer);
	free(p);
}

static void records(struct provider *p,
		    void (*done)(void *ctx, int err, const char *err_text,
				 struct endpoint_list *records),
		    void *ctx)
{
	p->on_records = done;
	p->ctx = ctx;
	loop_timer_set(p->timer, 0);
}

static void apply_one(struct provider *p, struct change *c)
{
	const struct endpoint *e = change_endpoint(c);
	struct endpoint *have =
		view_find(&p->records, e->dns_name, e->record_type, e->set_identifier);

	if (c->kind == CHANGE_CREATE ? have != NULL : have == NULL)
		c->err = c->kind == CHANGE_CREATE ? ERR_EXISTS : ERR_NOT_FOUND;
	else if (c->kind != CHANGE_CREATE && !target_set_equal(&have->targets, &c->before->targets))
		c->err = ERR_STALE;
	else if (c->kind == CHANGE_DELETE)
		view_remove(&p->records, e->dns_name, e->record_type, e->set_identifier);
	else
		view_put(&p->records, endpoint_copy(e));
	if (c->err) {
		c->err_text = mem_strdup(error_text(c->err));
		p->err = c->err;
		p->err_text = error_text(c->err);
	}
}

static void apply(struct provider *p, struct change *changes, size_t n,
		  void (*done)(void *ctx, int err, const char *err_text), void *ctx)
{
	p->err = 0;
	p->err_text = NULL;
	for (size_t i = 0; i < n; i++)
		apply_one(p, &changes[i]);
	p->on_applied = done;
	p->ctx = ctx;
	loop_timer_set(p->timer, 0);
}

static const struct strv *zones(struct provider *p)
{
	return p->zones.n ? &p->zones : NULL;
}

static bool keeps(struct provider *p, const char *property)
{
	(void)p;
	(void)property;
	return true;
}

const struct provider_ops provider_inmemory = { .name = "inmemory",
						.open = open_provider,
						.close = close_provider,
						.records = records,
						.apply = apply,
						.zones = zones,
						.keeps = keeps };

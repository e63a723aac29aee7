#include "sync/instance.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "sync/batch.h"
#include "sync/instance_state.h"

#define GATHER_MS     20    /* changes of objects come in bursts */
#define GATHER_MAX_MS 200   /* but the first is not kept longer */
#define STALE_TRIES   5     /* of a first pass */
#define FIRST_WAIT_MS 30000 /* for sources that never become complete */
#define ONCE_WAIT_MS  60000 /* with --once they must, or it has failed */

static void act(void *ctx);
static void apply_changes(struct instance *i);

/* --- when to do what ----------------------------------------------------------------- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_read_ms(const struct instance *i)
{
	if (!i->loaded || i->doubtful)
		return 0;
	return i->read_ms + (uint64_t)config_ms(i->config, OPT_INTERVAL);
}

/* When the dirty names are due. */
static uint64_t next_push_ms(const struct instance *i, uint64_t now)
{
	uint64_t due = min_u64(now + GATHER_MS, i->dirty_ms + GATHER_MAX_MS);

	if (config_is_set(i->config, OPT_MIN_EVENT_SYNC_INTERVAL)) {
		uint64_t least =
			i->pass_ms + (uint64_t)config_ms(i->config, OPT_MIN_EVENT_SYNC_INTERVAL);

		due = due < least ? least : due;
	}
	return due;
}

static uint64_t next_retry_ms(const struct instance *i)
{
	uint64_t at = UINT64_MAX;

	for (struct map_item *it = map_first(&i->quarantined); it;
	     it = map_next(&i->quarantined, it))
		at = min_u64(at, ((struct quarantine *)it->value)->until_ms);
	return at;
}

/* The first plan waits for all sources: with a part of the candidates the wrong one may win. */
static bool waits_for_sources(const struct instance *i, uint64_t now)
{
	return !i->first_done && !i->synced && (i->once || now < i->started_ms + FIRST_WAIT_MS);
}

static void schedule(struct instance *i)
{
	uint64_t now = clock_mono_ms(), at;

	if (i->phase != PHASE_IDLE || !i->started)
		return;
	if (i->stopping) {
		if (i->on_stopped)
			loop_post(i->env.loop, i->on_stopped, i->stopped_ctx);
		i->on_stopped = NULL;
		return;
	}
	if (!i->leader || (i->once && i->first_done)) {
		loop_timer_cancel(i->timer);
		return;
	}
	at = min_u64(next_read_ms(i), next_retry_ms(i));
	if (i->dirty.n)
		at = min_u64(at, next_push_ms(i, now));
	if (waits_for_sources(i, now))
		at = i->loaded ? i->started_ms + (i->once ? ONCE_WAIT_MS : FIRST_WAIT_MS) : 0;
	if (at < i->retry_ms)
		at = i->retry_ms;
	loop_timer_set(i->timer, at > now ? at - now : 0);
}

/* --- the end of a pass ----------------------------------------------------------------- */

static void end_pass(struct instance *i, int err)
{
	/* somebody wrote between our reading and our writing: that is no result yet */
	bool again = err == ERR_STALE && ++i->stale < STALE_TRIES;
	bool first = !i->first_done && !again && (i->once || err == 0 || batch_is_refusal(err));

	pass_clear(i);
	i->phase = PHASE_IDLE;
	i->release_deletes = false;
	metric_set(METRIC_SYNC_PENDING, (double)i->dirty.n, i->name);
	metric_set(METRIC_SYNC_QUARANTINED, (double)i->quarantined.n, i->name);
	if (err == 0) {
		i->last_sync_s = clock_real_s();
		metric_set(METRIC_EXTDNS_CONTROLLER_LAST_SYNC, (double)i->last_sync_s);
		metric_set(METRIC_EXTDNS_CONTROLLER_CONSECUTIVE_SOFT_ERRORS, 0);
		metric_add(METRIC_SYNC_RUNS_TOTAL, 1, i->name, "ok");
		metric_observe(METRIC_SYNC_DURATION, (double)(clock_mono_ms() - i->pass_ms) / 1000,
			       i->name);
		if (i->last_error)
			log_info("provider %s: works again", i->name);
		mem_strset(&i->last_error, NULL);
		backoff_reset(&i->backoff);
	}
	if (first) {
		i->first_done = true;
		if (i->env.on_first_pass)
			i->env.on_first_pass(i->env.ctx, i, err);
	}
	status_touch();
	schedule(i);
}

/* The provider as a whole is in trouble: wait, then look again. */
static void fault(struct instance *i, const char *what, int err, const char *err_text)
{
	report_fault(i, what, err, err_text);
	metric_add(METRIC_EXTDNS_CONTROLLER_CONSECUTIVE_SOFT_ERRORS, 1);
	i->doubtful = true;
	i->retry_ms = clock_mono_ms() + backoff_next_ms(&i->backoff);
	end_pass(i, err);
}

/* A provider that tells only of the whole: then it holds for each. */
static void spread_error(struct instance *i, int err, const char *text)
{
	for (size_t k = 0; k < i->changes.n; k++)
		if (i->changes.c[k].err)
			return;
	for (size_t k = 0; k < i->changes.n; k++) {
		i->changes.c[k].err = err;
		i->changes.c[k].err_text = mem_strdup(text ? text : error_text(err));
	}
}

static void applied(void *ctx, int err, const char *err_text)
{
	struct instance *i = ctx;
	char *text = err_text ? mem_strdup(err_text) : NULL;
	int first;

	if (err)
		spread_error(i, err, text);
	first = pass_landed(i);
	if (i->pass_err == 0)
		i->pass_err = first;
	bool more = pass_compensate(i);
	/* also when others write at the same time: a pause, then look again */
	if (first && (i->doubtful || !batch_is_refusal(first)))
		fault(i, "changes", first, text);
	else if (more)
		apply_changes(i);
	else
		end_pass(i, i->pass_err);
	free(text);
}

static void apply_changes(struct instance *i)
{
	i->phase = PHASE_APPLYING;
	i->ops->apply(i->provider, i->changes.c, i->changes.n, applied, i);
}

/* --- a pass -------------------------------------------------------------------------- */

/* The names to plan: those that the provider was asked about, or else the dirty ones. */
static void take_names(struct instance *i)
{
	struct map *from = i->asked.n ? &i->asked : &i->dirty;

	strv_fini(&i->names);
	for (struct map_item *it = map_first(from); it; it = map_next(from, it))
		strv_add(&i->names, it->key);
	map_fini(from, NULL);
	*from = (struct map){ 0 };
}

/* The provider did not say: its names are dirty as before. */
static void take_back_asked(struct instance *i)
{
	for (struct map_item *it = map_first(&i->asked); it; it = map_next(&i->asked, it))
		(void)map_put(&i->dirty, it->key, i); /* a set */
	map_fini(&i->asked, NULL);
	i->asked = (struct map){ 0 };
}

/* Names whose time in quarantine is over are tried again. */
static void take_retries(struct instance *i)
{
	uint64_t now = clock_mono_ms();

	for (struct map_item *it = map_first(&i->quarantined); it;
	     it = map_next(&i->quarantined, it)) {
		const struct quarantine *q = it->value;

		if (now >= q->until_ms && map_get(&i->dirty, it->key) == NULL)
			(void)map_put(&i->dirty, it->key, i); /* a set */
	}
}

/* A name that had trouble and is now as it should be has none any more. */
static void forget_healed(struct instance *i)
{
	uint64_t now = clock_mono_ms();
	struct map_item *next;

	for (struct map_item *it = map_first(&i->quarantined); it; it = next) {
		const struct quarantine *q = it->value;
		bool busy = now < q->until_ms;

		next = map_next(&i->quarantined, it);
		for (size_t k = 0; k < i->changes.n && !busy; k++)
			busy = strcmp(batch_name(&i->changes.c[k]), it->key) == 0;
		if (!busy)
			quarantine_free(map_remove(&i->quarantined, it->key));
	}
}

static void run_plan(struct instance *i)
{
	bool all = i->full;
	size_t known = i->asked.n ? i->asked.n : i->dirty.n;

	take_names(i);
	pass_plan(i, all ? NULL : &i->names);
	if (i->quarantined.n)
		forget_healed(i);
	if (all) {
		report_pass(i);
		i->drift = i->first_done && known == 0 ? i->changes.n : 0;
		if (i->drift)
			log_info(
				"provider %s: %zu changes were made there by others and are undone",
				i->name, i->drift);
	}
	metric_set(METRIC_SYNC_PENDING, (double)i->changes.n, i->name);
	if (i->changes.n == 0) {
		if (all)
			metric_add(METRIC_EXTDNS_CONTROLLER_NO_OP_RUNS_TOTAL, 1);
		end_pass(i, 0);
	} else if (i->dry_run) {
		report_dry_run(i);
		end_pass(i, 0);
	} else {
		apply_changes(i);
	}
}

static void adjusted(void *ctx, int err, const char *err_text, struct endpoint_list *list)
{
	struct instance *i = ctx;

	if (err) {
		endpoint_list_fini(list);
		take_back_asked(i);
		fault(i, "adjusting", err, err_text);
		return;
	}
	pass_take_adjusted(i, list);
	run_plan(i);
}

/* --once with sources that never became complete: nothing is done, that is the result. */
static bool gives_up(struct instance *i)
{
	if (!i->once || i->synced)
		return false;
	report_fault(i, "sources", ERR_TIMEOUT, "not all became complete");
	end_pass(i, ERR_TIMEOUT);
	return true;
}

/* The view is true; plan everything (i->full) or the dirty names. */
static void begin_plan(struct instance *i)
{
	struct endpoint_list all = { 0 };

	i->pass_ms = clock_mono_ms();
	i->pass_err = 0;
	i->phase = PHASE_ADJUSTING;
	metric_set(METRIC_EXTDNS_CONTROLLER_LAST_RECONCILE, (double)clock_real_s());
	take_retries(i);
	pass_refresh(i);
	if (i->ops->adjust_remote) {
		pass_collect(i, &all);
		if (all.n) {
			/* what becomes dirty from now on is none of this pass */
			i->asked = i->dirty;
			i->dirty = (struct map){ 0 };
			i->ops->adjust_remote(i->provider, &all, adjusted, i);
			return;
		}
	}
	run_plan(i);
}

/* Names of the view in the wire's spelling, so that they meet those of objects. */
static void take_records(struct instance *i, struct endpoint_list *records)
{
	view_fini(&i->view);
	registry_set_zones(i->registry, i->ops->zones ? i->ops->zones(i->provider) : NULL);
	for (size_t k = 0; k < records->n; k++)
		registry_put(i->registry, &i->view, records->e[k]);
	free(records->e); /* its endpoints were taken */
	*records = (struct endpoint_list){ 0 };
	i->loaded = true;
	i->doubtful = false;
	i->last_read_s = clock_real_s();
}

static void mark(void *ctx, const char *name)
{
	struct instance *i = ctx;

	(void)map_put(&i->dirty, name, i); /* a set */
}

static void got_records(void *ctx, int err, const char *err_text, struct endpoint_list *records)
{
	struct instance *i = ctx;
	bool first = !i->loaded;

	if (err) {
		if (records)
			endpoint_list_fini(records);
		fault(i, "reading", err, err_text);
		return;
	}
	take_records(i, records);
	if (first && i->ops->filter) /* what the service takes is known only now */
		desired_each_name(i->env.desired, mark, i);
	i->phase = PHASE_IDLE;
	if (i->stopping || waits_for_sources(i, clock_mono_ms())) {
		schedule(i);
		return;
	}
	if (gives_up(i))
		return;
	i->full = true;
	begin_plan(i);
}

static void act(void *ctx)
{
	struct instance *i = ctx;
	uint64_t now = clock_mono_ms();

	if (i->phase != PHASE_IDLE || i->stopping || !i->leader)
		return;
	if (now >= next_read_ms(i)) {
		i->phase = PHASE_READING;
		i->read_ms = now;
		i->ops->records(i->provider, got_records, i);
		return;
	}
	if (waits_for_sources(i, now)) {
		schedule(i);
		return;
	}
	if (gives_up(i))
		return;
	if (!i->first_done)
		i->full = true;
	else if (i->dirty.n == 0 && next_retry_ms(i) > now) {
		schedule(i);
		return;
	} else {
		i->full = false;
	}
	begin_plan(i);
}

/* --- life ------------------------------------------------------------------------------ */

int instance_new(const struct instance_env *env, const char *name, const struct provider_ops *ops,
		 const struct config *config, struct instance **ret, char **ret_why)
{
	struct instance *i = MEM_NEW(struct instance);
	int err;

	i->env = *env;
	i->name = mem_strdup(name);
	i->ops = ops;
	i->config = config;
	i->synced = false;
	i->leader = true;
	i->once = config_bool(config, OPT_ONCE);
	i->dry_run = config_bool(config, OPT_DRY_RUN);
	i->backoff = (struct backoff){ .min_ms = 1000, .max_ms = 300000 };
	i->timer = loop_timer_new(env->loop, act, i);
	strv_copy(&i->managed, config_list(config, OPT_MANAGED_RECORD_TYPES));
	strv_copy(&i->excluded, config_list(config, OPT_EXCLUDE_RECORD_TYPES));
	strv_copy(&i->adopt, config_list(config, OPT_ADOPT));
	err = plan_policy_from_text(config_text(config, OPT_POLICY), &i->policy);
	if (err)
		*ret_why = mem_printf("--policy=%s: sync, upsert-only or create-only is expected",
				      config_text(config, OPT_POLICY));
	if (err == 0)
		err = domain_filter_from_config(config, &i->filter, ret_why);
	if (err == 0)
		err = registry_new(config, &i->registry, ret_why);
	if (err == 0) {
		i->registry->no_inner_asterisk = ops->no_inner_asterisk;
		struct provider_env penv = { .loop = env->loop,
					     .config = config,
					     .http = env->http,
					     .dns = env->dns,
					     .zonedb = env->zonedb,
					     .filter = i->filter };
		err = ops->open(&penv, &i->provider, ret_why);
	}
	if (err) {
		instance_free(i);
		return err;
	}
	if (i->registry->hold_deletes)
		log_warning("provider %s: %s: deletes are held", name, i->registry->hold_deletes);
	*ret = i;
	return 0;
}

void instance_free(struct instance *i)
{
	if (i == NULL)
		return;
	if (i->provider)
		i->ops->close(i->provider);
	loop_timer_free(i->timer);
	pass_clear(i);
	view_fini(&i->view);
	map_fini(&i->rows, wanted_free);
	map_fini(&i->shared, NULL);
	map_fini(&i->asked, NULL);
	map_fini(&i->dirty, NULL);
	map_fini(&i->quarantined, quarantine_free);
	registry_free(i->registry);
	domain_filter_free(i->filter);
	strv_fini(&i->managed);
	strv_fini(&i->excluded);
	strv_fini(&i->adopt);
	strv_fini(&i->names);
	cJSON_Delete(i->skips);
	free(i->last_error);
	free(i->name);
	free(i);
}

void instance_start(struct instance *i)
{
	i->started = true;
	i->started_ms = clock_mono_ms();
	desired_each_name(i->env.desired, mark, i);
	schedule(i);
}

void instance_stop(struct instance *i, void (*done)(void *ctx), void *ctx)
{
	i->stopping = true;
	i->on_stopped = done;
	i->stopped_ctx = ctx;
	loop_timer_cancel(i->timer);
	if (i->phase != PHASE_APPLYING) {
		/* reading changes nothing: it may be abandoned */
		loop_post(i->env.loop, done, ctx);
		i->on_stopped = NULL;
	}
}

void instance_changed(struct instance *i, const struct strv *names)
{
	if (!i->started) /* start takes all */
		return;
	if (i->dirty.n == 0 && names->n)
		i->dirty_ms = clock_mono_ms();
	for (size_t k = 0; k < names->n; k++) {
		mark(i, names->s[k]);
		/* the object was mended, perhaps: no need to wait out the back-off */
		struct quarantine *q =
			i->quarantined.n ? map_get(&i->quarantined, names->s[k]) : NULL;
		if (q)
			q->until_ms = 0;
	}
	schedule(i);
}

void instance_gate(struct instance *i, bool synced, bool leader)
{
	bool gained = synced && !i->synced, leads = leader && !i->leader;

	i->synced = synced;
	i->leader = leader;
	if (leads)
		i->doubtful = true; /* another wrote while we did not */
	if (gained && i->first_done)
		i->doubtful = true; /* held deletes are looked at with a fresh view */
	schedule(i);
}

void instance_release(struct instance *i)
{
	i->release_deletes = true;
	instance_verify(i);
}

void instance_verify(struct instance *i)
{
	i->doubtful = true;
	schedule(i);
}

const char *instance_name(const struct instance *i)
{
	return i->name;
}

/*
 * pass - planning for one instance: its candidates, the plan over all or some
 * names, the brake on mass deletes, and what an apply leaves behind.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "sync/adopt.h"
#include "sync/batch.h"
#include "sync/instance_state.h"
#include "sync/sync.h"

/* Fewer deletes than this are never held by the share: small zones must work too. */
#define MASS_DELETE_FLOOR 20
#define LEAVE_AFTER_MS    300000 /* a shared set that nobody here wanted since the start */

void wanted_free(void *p)
{
	struct wanted *w = p;

	if (w == NULL)
		return;
	endpoint_list_fini(&w->l);
	free(w);
}

void quarantine_free(void *p)
{
	struct quarantine *q = p;

	if (q == NULL)
		return;
	free(q->err_text);
	free(q);
}

/* --- candidates ------------------------------------------------------------------ */

static bool keeps_property(const struct instance *i, const char *name)
{
	size_t n = strlen(i->ops->name);

	if (i->ops->keeps)
		return i->ops->keeps(i->provider, name);
	return strncmp(name, i->ops->name, n) == 0 && name[n] == '/';
}

static void filter_properties(const struct instance *i, struct endpoint *e)
{
	for (size_t k = e->nprovider_specific; k-- > 0;) {
		const char *name = e->provider_specific[k].name;

		if (strcmp(name, PLAN_WITHDRAW) != 0 && !keeps_property(i, name))
			endpoint_set_prop(e, name, NULL);
	}
}

static void refresh_name(struct instance *i, const char *name)
{
	struct wanted *w = MEM_NEW(struct wanted);
	const struct domain_filter *own = i->ops->filter ? i->ops->filter(i->provider) : NULL;

	if (domain_filter_match(i->filter, name) && domain_filter_match(own, name))
		desired_candidates(i->env.desired, name, &w->l);
	for (size_t k = 0; k < w->l.n; k++) {
		filter_properties(i, w->l.e[k]);
		if (w->l.e[k]->shared)
			(void)map_put(&i->shared, name, i); /* a set */
	}
	if (w->l.n && i->ops->adjust)
		i->ops->adjust(i->provider, &w->l);
	if (w->l.n == 0) {
		wanted_free(w);
		w = map_remove(&i->rows, name);
	} else {
		w = map_put(&i->rows, name, w);
	}
	wanted_free(w); /* what was there before */
}

static void refresh_any(void *ctx, const char *name)
{
	refresh_name(ctx, name);
}

void pass_refresh(struct instance *i)
{
	if (i->full && i->ops->adjust && i->ops->adjust_reads_view)
		desired_each_name(i->env.desired, refresh_any, i);
	for (struct map_item *it = map_first(&i->dirty); it; it = map_next(&i->dirty, it))
		refresh_name(i, it->key);
}

void pass_collect(const struct instance *i, struct endpoint_list *out)
{
	for (struct map_item *it = map_first(&i->dirty); it; it = map_next(&i->dirty, it)) {
		const struct wanted *w = map_get(&i->rows, it->key);

		for (size_t k = 0; w && k < w->l.n; k++)
			endpoint_list_take(out, endpoint_copy(w->l.e[k]));
	}
}

void pass_take_adjusted(struct instance *i, struct endpoint_list *adjusted)
{
	for (struct map_item *it = map_first(&i->asked); it; it = map_next(&i->asked, it))
		wanted_free(map_remove(&i->rows, it->key));
	for (size_t k = 0; k < adjusted->n; k++) {
		struct endpoint *e = adjusted->e[k];
		struct wanted *w = map_get(&i->rows, e->dns_name);

		if (w == NULL) {
			w = MEM_NEW(struct wanted);
			(void)map_put(&i->rows, e->dns_name, w); /* was not there */
		}
		endpoint_list_take(&w->l, e);
	}
	free(adjusted->e); /* its endpoints were taken */
	*adjusted = (struct endpoint_list){ 0 };
}

/* --- planning --------------------------------------------------------------------- */

/* A candidate for this record that asks to take it over? */
static bool is_adopted(const struct instance *i, const struct endpoint *e,
		       const struct endpoint_list *want)
{
	for (size_t k = 0; want && k < want->n; k++)
		if (strcmp(want->e[k]->record_type, e->record_type) == 0 &&
		    strcmp(want->e[k]->set_identifier, e->set_identifier) == 0 &&
		    adopt_is_asked(want->e[k], &i->adopt))
			return true;
	return false;
}

static bool is_quarantined(const struct instance *i, const char *name, uint64_t now)
{
	const struct quarantine *q = i->quarantined.n ? map_get(&i->quarantined, name) : NULL;

	return q && now < q->until_ms;
}

/* Candidates that this provider can hold at all; the others are noted. */
static size_t usable(struct instance *i, const struct endpoint_list *want,
		     const struct endpoint **out)
{
	size_t n = 0;

	for (size_t k = 0; want && k < want->n; k++) {
		const struct endpoint *e = want->e[k];

		if (i->registry->zones.n && registry_zone_of(i->registry, e->dns_name) == NULL)
			plan_skip(&i->plan, PLAN_SKIP_NO_ZONE, e, NULL, NULL);
		else if (i->ops->supports && !i->ops->supports(i->provider, e->record_type))
			plan_skip(&i->plan, PLAN_SKIP_TYPE, e, NULL, NULL);
		else
			out[n++] = e;
	}
	return n;
}

/*
 * A delegation is wanted only once addresses and peers are known, some time after the start: a
 * set that we were in before is not left before then.
 */
static bool may_leave(const struct instance *i, const char *name, uint64_t now)
{
	return i->once || map_get(&i->shared, name) || now > i->started_ms + LEAVE_AFTER_MS;
}

static void plan_one(struct instance *i, const struct plan_rules *rules, const char *name,
		     const struct view_row *row, struct wanted *w, uint64_t now)
{
	const struct endpoint_list *want = w ? &w->l : NULL;
	struct plan_record few[8], *records = few;
	const struct endpoint *few_e[8], **desired = few_e;
	size_t n = 0;

	if (w)
		w->pass = i->pass;
	if (is_quarantined(i, name, now))
		return;
	if (row && row->n > ARRAY_SIZE(few))
		records = mem_calloc(row->n, sizeof(*records));
	if (want && want->n > ARRAY_SIZE(few_e))
		desired = mem_calloc(want->n, sizeof(*desired));
	for (size_t k = 0; row && k < row->n; k++) {
		struct plan_record *r = &records[n];

		/* our own registry records are no part of the plan */
		i->registry->ops->lookup(i->registry, &i->view, row->e[k], r);
		if (r->is_registry && (r->owner == NULL || rules->owner == NULL ||
				       strcmp(r->owner, rules->owner) == 0))
			continue;
		if (r->owner == NULL && rules->owner && !r->is_registry &&
		    is_adopted(i, r->e, want))
			r->owner = rules->owner;
		if (r->claim && want == NULL && !may_leave(i, name, now))
			r->claim = NULL;
		if (r->owner && rules->owner && strcmp(r->owner, rules->owner) == 0)
			i->owned += i->full;
		n++;
	}
	size_t m = usable(i, want, desired);
	if (n + m)
		plan_name(rules, records, n, desired, m, &i->plan);
	if (records != few)
		free(records);
	if (desired != few_e)
		free(desired);
}

/* Only the registry's own: half of all names, and nothing to plan but for a candidate. */
static bool is_registry_row(const struct view_row *row)
{
	return row && row->n == 1 && registry_is_ours(row->e[0]);
}

static void plan_all(struct instance *i, const struct plan_rules *rules, const struct strv *names)
{
	uint64_t now = clock_mono_ms();

	i->full = names == NULL;
	for (size_t k = 0; names && k < names->n; k++)
		plan_one(i, rules, names->s[k], view_row(&i->view, names->s[k]),
			 map_get(&i->rows, names->s[k]), now);
	if (i->full) {
		i->owned = 0;
		i->deleted = 0;
		i->pass++;
		for (struct map_item *it = map_first(&i->view.rows); it;
		     it = map_next(&i->view.rows, it))
			if (!is_registry_row(it->value))
				plan_one(i, rules, it->key, it->value, map_get(&i->rows, it->key),
					 now);
		/* names that are not there yet, or only as one of the registry's */
		for (struct map_item *it = map_first(&i->rows); it; it = map_next(&i->rows, it))
			if (((struct wanted *)it->value)->pass != i->pass)
				plan_one(i, rules, it->key, view_row(&i->view, it->key), it->value,
					 now);
	}
	plan_sort(&i->plan);
}

/* Deletes of names that get nothing in their place.  The plan is sorted. */
static size_t count_losses(const struct plan *p)
{
	size_t losses = 0;

	for (size_t k = 0; k < p->nchanges; k++) {
		const struct plan_change *c = &p->changes[k];
		bool replaced = false;

		if (c->kind != PLAN_DELETE)
			continue;
		for (size_t m = k + 1; m < p->nchanges && !replaced; m++) {
			const struct plan_change *o = &p->changes[m];

			if (o->after == NULL && o->kind == PLAN_DELETE &&
			    strcmp(o->before.e->dns_name, c->before.e->dns_name) == 0)
				continue;
			if (o->after == NULL ||
			    strcmp(o->after->dns_name, c->before.e->dns_name) != 0)
				break;
			replaced = o->kind == PLAN_CREATE;
		}
		losses += !replaced;
	}
	return losses;
}

static bool is_mass_delete(const struct instance *i, size_t losses)
{
	int64_t most = config_number(i->config, OPT_MASS_DELETE_LIMIT);
	int64_t share = config_number(i->config, OPT_MASS_DELETE_SHARE);
	size_t all = losses + i->deleted;

	if (losses == 0)
		return false;
	if (most > 0 && all > (size_t)most)
		return true;
	return share < 100 && all > MASS_DELETE_FLOOR &&
	       all * 100 > (i->owned + i->deleted) * (size_t)share;
}

static struct plan_rules rules_of(struct instance *i)
{
	return (struct plan_rules){
		.policy = i->policy,
		.hold_deletes = !i->synced || i->registry->hold_deletes,
		.owner = i->registry->owner,
		.managed = &i->managed,
		.excluded = &i->excluded,
		.filters = { i->filter, i->ops->filter ? i->ops->filter(i->provider) : NULL }
	};
}

void pass_clear(struct instance *i)
{
	change_list_fini(&i->changes);
	plan_fini(&i->plan);
}

void pass_plan(struct instance *i, const struct strv *names)
{
	struct plan_rules rules = rules_of(i);
	size_t losses;

	pass_clear(i);
	plan_all(i, &rules, names);
	losses = count_losses(&i->plan);
	i->held = 0;
	if (is_mass_delete(i, losses) && !i->release_deletes) {
		log_warning("provider %s: %zu of %zu records would be deleted: held "
			    "(--mass-delete-limit, --mass-delete-share; let them go with "
			    "\"gslbctl sync-release\")",
			    i->name, losses + i->deleted, i->owned + i->deleted);
		pass_clear(i);
		rules.hold_deletes = true;
		plan_all(i, &rules, names);
		i->held = losses;
	}
	metric_set(METRIC_SYNC_HELD, i->held != 0, i->name);
	registry_expand(i->registry, &i->view, &i->plan, &i->changes);
}

/* --- what landed ------------------------------------------------------------------ */

static void view_apply(struct instance *i, const struct change *c)
{
	const struct endpoint *b = c->before;

	if (c->kind == CHANGE_DELETE) {
		view_remove(&i->view, b->dns_name, b->record_type, b->set_identifier);
		return;
	}
	struct endpoint *e = endpoint_copy(c->after);

	if (e->record_ttl == 0 && b) /* the service keeps the TTL or has its default */
		e->record_ttl = b->record_ttl;
	registry_put(i->registry, &i->view, e);
}

static void quarantine_put(struct instance *i, const char *name, int err, const char *text)
{
	struct quarantine *q = map_get(&i->quarantined, name);

	if (q == NULL) {
		q = MEM_NEW(struct quarantine);
		q->backoff = (struct backoff){ .min_ms = 2000, .max_ms = 600000 };
		(void)map_put(&i->quarantined, name, q); /* was not there */
	}
	q->until_ms = clock_mono_ms() + backoff_next_ms(&q->backoff);
	q->err = err;
	mem_strset(&q->err_text, text);
}

static void quarantine_drop(struct instance *i, const char *name)
{
	if (i->quarantined.n)
		quarantine_free(map_remove(&i->quarantined, name));
}

/* The object that wants E, or that wanted it by its label. */
static const char *object_of(const struct instance *i, const struct endpoint *e)
{
	const char *object = desired_object(i->env.desired, e);

	if (object == NULL)
		object = endpoint_label(e, "resource");
	return object ? object : "";
}

static void count_landed(struct instance *i, const struct change *c)
{
	static const char *const actions[] = {
		[CHANGE_CREATE] = "create", [CHANGE_UPDATE] = "update", [CHANGE_DELETE] = "delete"
	};

	metric_add(METRIC_SYNC_CHANGES_TOTAL, 1, i->name, actions[c->kind]);
	i->created_total += c->kind == CHANGE_CREATE;
	i->updated_total += c->kind == CHANGE_UPDATE;
	i->deleted_total += c->kind == CHANGE_DELETE;
	i->deleted += c->kind == CHANGE_DELETE;
}

/* Did a record fail whose TXT is change K?  Then that says it all. */
static bool neighbour_failed(const struct change_list *l, size_t k)
{
	for (size_t m = k > 4 ? k - 4 : 0; m < l->n && m <= k + 4; m++)
		if (!l->is_txt[m] && l->c[m].err && l->record[m] == l->record[k])
			return true;
	return false;
}

/* Does its record tell the same? */
static bool is_told(const struct change_list *l, size_t k)
{
	return l->is_txt[k] && (l->c[k].err == 0 || neighbour_failed(l, k));
}

/* Or the fault that hit them all? */
static bool is_quiet(const struct change_list *l, size_t k)
{
	return is_told(l, k) || (l->c[k].err && !batch_is_refusal(l->c[k].err));
}

static void tell_result(const struct instance *i, const struct change *c,
			const struct endpoint *record)
{
	struct sync_result r = { .object = object_of(i, record),
				 .record = record,
				 .deleted = c->kind == CHANGE_DELETE,
				 .err = c->err,
				 .err_text = c->err_text };

	i->env.on_result(i->env.ctx, &r);
}

int pass_landed(struct instance *i)
{
	struct change_list *l = &i->changes;
	int first = 0;

	/* reports before the view changes: BEFOREs live there */
	for (size_t k = 0; k < l->n; k++) {
		struct change *c = &l->c[k];

		report_change(i, c, is_quiet(l, k));
		if (c->err == 0) {
			quarantine_drop(i, batch_name(c));
			if (!l->is_txt[k])
				count_landed(i, c);
		} else {
			first = first ? first : c->err;
			i->failed_total++;
			metric_add(METRIC_SYNC_ERRORS_TOTAL, 1, i->name);
		}
		if (!is_quiet(l, k) && i->env.on_result)
			tell_result(i, c, l->record[k]);
	}
	for (size_t k = 0; k < l->n; k++) {
		if (l->c[k].err == 0)
			continue;
		if (l->c[k].err == ERR_STALE || !batch_is_refusal(l->c[k].err))
			i->doubtful = true; /* nobody knows: look before the next try */
		if (batch_is_refusal(l->c[k].err) && l->c[k].err != ERR_STALE && !is_told(l, k))
			quarantine_put(i, batch_name(&l->c[k]), l->c[k].err, l->c[k].err_text);
	}
	return first;
}

/* The changes of L that landed go into the view; BEFOREs are dead after this. */
static void view_take(struct instance *i)
{
	for (size_t k = 0; k < i->changes.n; k++)
		if (i->changes.c[k].err == 0)
			view_apply(i, &i->changes.c[k]);
}

static bool record_failed(const struct change_list *l, size_t txt)
{
	for (size_t k = txt + 1; k < l->n && k <= txt + 4; k++)
		if (!l->is_txt[k] && l->record[k] == l->record[txt] && l->c[k].err)
			return l->c[k].kind == CHANGE_CREATE;
	return false;
}

bool pass_compensate(struct instance *i)
{
	struct change_list undo = { 0 };
	struct change_list *l = &i->changes;

	for (size_t k = 0; k < l->n; k++) {
		if (!l->is_txt[k] || l->c[k].err || l->c[k].kind != CHANGE_CREATE ||
		    !record_failed(l, k))
			continue;
		struct endpoint *t = change_list_keep(&undo, endpoint_copy(l->c[k].after));
		struct endpoint *r = change_list_keep(&undo, endpoint_copy(l->record[k]));

		change_list_add(&undo, CHANGE_DELETE, t, NULL, r, true);
	}
	view_take(i);
	pass_clear(i);
	i->changes = undo;
	return undo.n != 0;
}

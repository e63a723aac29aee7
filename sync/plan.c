#include "sync/plan.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "sync/domain_filter.h"
#include "sync/target.h"

/* One (name, set identifier): what stands there and who wants it. */
struct row {
	const struct plan_record *const *current;
	size_t ncurrent;
	const struct endpoint *const *desired;
	size_t ndesired;
};

int plan_policy_from_text(const char *text, enum plan_policy *ret)
{
	static const char *const names[] = { "sync", "upsert-only", "create-only" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum plan_policy)i;
			return 0;
		}
	}
	return ERR_INVALID;
}

const char *plan_skip_text(enum plan_skip_reason reason)
{
	switch (reason) {
	case PLAN_SKIP_FOREIGN:
		return "a record at this name is not ours";
	case PLAN_SKIP_CNAME:
		return "a CNAME cannot stand beside other records";
	case PLAN_SKIP_DISCARDED:
		return "another object wants addresses at this name, which beat a CNAME";
	case PLAN_SKIP_WEAK:
		return "its ownership is recorded only in an old form, so it is not deleted";
	case PLAN_SKIP_EMPTY:
		return "it has no targets";
	case PLAN_SKIP_NO_ZONE:
		return "no hosted zone takes this name";
	case PLAN_SKIP_TYPE:
		return "the provider cannot hold records of this type";
	}
	return "";
}

bool plan_type_is_managed(const struct plan_rules *rules, const char *record_type)
{
	if (rules->excluded && strv_has(rules->excluded, record_type))
		return false;
	return rules->managed == NULL || strv_has(rules->managed, record_type);
}

static struct plan_change *add_change(struct plan *p, enum plan_kind kind)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->changes = mem_array(p->changes, p->cap, sizeof(*p->changes));
	}
	struct plan_change *c = &p->changes[p->n++];
	*c = (struct plan_change){ .kind = kind };
	p->creates += kind == PLAN_CREATE;
	p->updates += kind == PLAN_UPDATE;
	p->deletes += kind == PLAN_DELETE;
	return c;
}

void plan_skip(struct plan *p, enum plan_skip_reason reason, const struct endpoint *e,
	       const struct endpoint *because, const char *foreign_owner)
{
	if (p->nskips == p->cap_skips) {
		p->cap_skips = p->cap_skips ? p->cap_skips * 2 : 16;
		p->skips = mem_array(p->skips, p->cap_skips, sizeof(*p->skips));
	}
	p->skips[p->nskips++] = (struct plan_skipped){
		.reason = reason, .e = e, .because = because, .foreign_owner = foreign_owner
	};
}

static void add_skip(struct plan *p, enum plan_skip_reason reason, const struct endpoint *e,
		     const struct plan_record *because)
{
	plan_skip(p, reason, e, because ? because->e : NULL, because ? because->owner : NULL);
}

/* Records that the plan may look at and change. */
static bool is_managed(const struct plan_rules *rules, const struct plan_record *r)
{
	return !r->is_registry && plan_type_is_managed(rules, r->e->record_type);
}

static bool is_ours(const struct plan_rules *rules, const struct plan_record *r)
{
	return rules->owner == NULL || (r->owner && strcmp(r->owner, rules->owner) == 0);
}

static bool is_cname(const struct endpoint *e)
{
	return strcmp(e->record_type, "CNAME") == 0;
}

static const char *resource_of(const struct endpoint *e)
{
	const char *r = endpoint_label(e, "resource");

	return r ? r : "";
}

/* The least target list wins; the first among equals. */
static const struct endpoint *least(const struct endpoint *const *e, size_t n)
{
	const struct endpoint *min = e[0];

	for (size_t i = 1; i < n; i++)
		if (target_set_compare(&e[i]->targets, &min->targets) < 0)
			min = e[i];
	return min;
}

/* The object that has the record keeps it; else the least. */
static const struct endpoint *resolve_update(const struct plan_record *cur,
					     const struct endpoint *const *e, size_t n)
{
	const char *holder = cur->resource ? cur->resource : "";
	const struct endpoint *best = NULL;

	if (n == 1)
		return e[0];
	for (size_t i = 0; i < n; i++) {
		if (strcmp(resource_of(e[i]), holder) != 0)
			continue;
		if (best == NULL || target_set_compare(&e[i]->targets, &best->targets) < 0)
			best = e[i];
	}
	return best ? best : least(e, n);
}

/* Differ in either direction; the order does not matter. */
static bool props_differ(const struct endpoint *a, const struct endpoint *b)
{
	if (a->nprovider_specific != b->nprovider_specific)
		return true;
	for (size_t i = 0; i < a->nprovider_specific; i++) {
		const char *v = endpoint_prop(b, a->provider_specific[i].name);

		if (v == NULL || strcmp(v, a->provider_specific[i].value) != 0)
			return true;
	}
	return false;
}

static bool needs_update(const struct endpoint *want, const struct endpoint *have)
{
	if (want->record_ttl > 0 && want->record_ttl != have->record_ttl)
		return true;
	return !target_set_equal(&want->targets, &have->targets) || props_differ(want, have);
}

/* --- shared sets: only our own targets change -------------------------------- */

/* What the set shall hold: what stands, less what we no longer want of ours, plus what we want. */
static struct endpoint *merge_shared(const struct plan_record *cur, const struct endpoint *want,
				     bool all_ours)
{
	struct endpoint *e = endpoint_copy(cur->e);
	const char *dead = want ? endpoint_prop(want, PLAN_WITHDRAW) : NULL;
	struct strv gone = { 0 };
	bool only_ours = true;

	strv_split(&gone, dead ? dead : "", ",");

	for (size_t i = e->targets.n; i-- > 0;) {
		bool wanted = want && target_set_has(&want->targets, e->targets.s[i]);
		bool claimed =
			all_ours || (cur->claim && target_set_has(cur->claim, e->targets.s[i]));

		if (!wanted && (claimed || target_set_has(&gone, e->targets.s[i])))
			strv_remove(&e->targets, i);
		else if (!wanted)
			only_ours = false;
	}
	for (size_t i = 0; want && i < want->targets.n; i++)
		if (!target_set_has(&e->targets, want->targets.s[i]))
			strv_add(&e->targets, want->targets.s[i]);
	/* clusters that disagree about the TTL must not fight: the lesser wins */
	if (want && want->record_ttl > 0 && (only_ours || want->record_ttl < e->record_ttl))
		e->record_ttl = want->record_ttl;
	strv_fini(&gone);
	return e;
}

/* All shared candidates of one type together; NULL if there is none. */
static struct endpoint *unite_shared(struct plan *p, const struct endpoint *const *e, size_t n)
{
	struct endpoint *all = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!e[i]->shared)
			continue;
		if (all == NULL) {
			all = endpoint_copy(e[i]);
			endpoint_list_take(&p->made, all);
			continue;
		}
		for (size_t k = 0; k < e[i]->targets.n; k++)
			if (!target_set_has(&all->targets, e[i]->targets.s[k]))
				strv_add(&all->targets, e[i]->targets.s[k]);
	}
	return all;
}

static void plan_shared(const struct plan_rules *rules, const struct plan_record *cur,
			const struct endpoint *want, struct plan *p)
{
	struct plan_change *c;

	if (want && want->targets.n == 0)
		want = NULL;
	if (cur == NULL) {
		if (want) {
			c = add_change(p, PLAN_CREATE);
			c->after = c->wanted = want;
			c->is_shared = true;
		}
		return;
	}
	/* addresses that ExternalDNS pushed for us; of NS only some are ours even then */
	bool all_ours =
		!cur->is_shared && cur->owner && is_ours(rules, cur) &&
		(strcmp(cur->e->record_type, "A") == 0 || strcmp(cur->e->record_type, "AAAA") == 0);
	struct endpoint *after = merge_shared(cur, want, all_ours);
	endpoint_list_take(&p->made, after);
	enum plan_kind kind = after->targets.n == 0 ? PLAN_DELETE
			      : target_set_equal(&after->targets, &cur->e->targets) &&
					      after->record_ttl == cur->e->record_ttl
				      ? PLAN_KEEP
				      : PLAN_UPDATE;

	/* nobody's claim and not ours: a delegation made by hand is left alone */
	if (!cur->is_shared && !is_ours(rules, cur)) {
		if (kind != PLAN_KEEP)
			add_skip(p, PLAN_SKIP_FOREIGN, want ? want : cur->e, cur);
		return;
	}
	bool shrinks = after->targets.n < cur->e->targets.n;
	if ((kind == PLAN_DELETE || shrinks) && (rules->hold_deletes || rules->policy != PLAN_SYNC))
		return;
	if (kind == PLAN_UPDATE && rules->policy == PLAN_CREATE_ONLY)
		return;
	c = add_change(p, kind);
	c->before = *cur;
	c->after = kind == PLAN_DELETE ? NULL : after;
	c->wanted = want;
	c->is_shared = true;
}

/* --- ordinary sets ------------------------------------------------------------ */

static void plan_delete(const struct plan_rules *rules, const struct plan_record *cur,
			struct plan *p)
{
	if (rules->policy != PLAN_SYNC || rules->hold_deletes || !is_ours(rules, cur))
		return;
	if (cur->weak) {
		add_skip(p, PLAN_SKIP_WEAK, cur->e, cur);
		return;
	}
	add_change(p, PLAN_DELETE)->before = *cur;
}

static void plan_update(const struct plan_rules *rules, const struct plan_record *cur,
			const struct endpoint *const *e, size_t n, struct plan *p)
{
	const struct endpoint *want = resolve_update(cur, e, n);
	enum plan_kind kind = needs_update(want, cur->e) ? PLAN_UPDATE : PLAN_KEEP;

	if (!is_ours(rules, cur)) {
		if (kind == PLAN_UPDATE)
			add_skip(p, PLAN_SKIP_FOREIGN, want, cur);
		return;
	}
	if (want->targets.n == 0) {
		add_skip(p, PLAN_SKIP_EMPTY, want, NULL);
		return;
	}
	if (kind == PLAN_UPDATE && rules->policy == PLAN_CREATE_ONLY)
		return;
	struct plan_change *c = add_change(p, kind);
	c->before = *cur;
	c->after = c->wanted = want;
}

static void plan_create(const struct plan_rules *rules, const struct row *row,
			const struct endpoint *const *e, size_t n, struct plan *p)
{
	const struct endpoint *want = least(e, n);

	if (want->targets.n == 0) {
		add_skip(p, PLAN_SKIP_EMPTY, want, NULL);
		return;
	}
	for (size_t i = 0; i < row->ncurrent; i++) {
		const struct plan_record *r = row->current[i];

		if (is_managed(rules, r) && !is_ours(rules, r)) {
			add_skip(p, PLAN_SKIP_FOREIGN, want, r);
			return;
		}
	}
	struct plan_change *c = add_change(p, PLAN_CREATE);
	c->after = c->wanted = want;
}

/* Several types are wanted and one is CNAME: addresses are preferred. */
static bool cname_conflict(const struct row *row)
{
	bool cname = false, other = false;

	for (size_t i = 0; i < row->ndesired; i++)
		*(is_cname(row->desired[i]) ? &cname : &other) = true;
	return cname && other;
}

/* A CNAME on the wire; an alias is one only in the endpoint's words. */
static bool excludes_others(const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	return is_cname(e) && !(alias && strcmp(alias, "true") == 0);
}

/* Undo creates at this row that cannot stand beside what stays there. */
static void drop_impossible(const struct row *row, struct plan *p, size_t first)
{
	for (size_t i = first; i < p->n; i++) {
		struct plan_change *c = &p->changes[i];

		if (c->kind != PLAN_CREATE)
			continue;
		const struct plan_record *in_way = NULL;
		for (size_t k = 0; k < row->ncurrent && in_way == NULL; k++) {
			const struct plan_record *r = row->current[k];
			bool goes = false;

			if (excludes_others(r->e) == excludes_others(c->after))
				continue;
			for (size_t d = first; d < p->n && !goes; d++)
				goes = p->changes[d].kind == PLAN_DELETE &&
				       p->changes[d].before.e == r->e;
			if (!goes)
				in_way = r;
		}
		if (in_way == NULL)
			continue;
		add_skip(p, PLAN_SKIP_CNAME, c->after, in_way);
		p->creates--;
		p->n--;
		memmove(c, c + 1, (p->n - i) * sizeof(*c));
		i--;
	}
}

static int compare_type(const void *a, const void *b)
{
	return strcmp((*(const struct endpoint *const *)a)->record_type,
		      (*(const struct endpoint *const *)b)->record_type);
}

static const struct plan_record *current_of_type(const struct row *row, const char *type)
{
	for (size_t i = 0; i < row->ncurrent; i++)
		if (!row->current[i]->is_registry &&
		    strcmp(row->current[i]->e->record_type, type) == 0)
			return row->current[i];
	return NULL;
}

static bool is_wanted(const struct row *row, const char *type, bool no_cname)
{
	for (size_t i = 0; i < row->ndesired; i++)
		if (strcmp(row->desired[i]->record_type, type) == 0)
			return !(no_cname && is_cname(row->desired[i]));
	return false;
}

/* The candidates E..E+N are of one type. */
static void plan_type(const struct plan_rules *rules, const struct row *row,
		      const struct endpoint *const *e, size_t n, struct plan *p)
{
	const struct plan_record *cur = current_of_type(row, e[0]->record_type);
	const struct endpoint *shared = unite_shared(p, e, n);

	if (shared)
		plan_shared(rules, cur, shared, p);
	else if (cur)
		plan_update(rules, cur, e, n, p);
	else
		plan_create(rules, row, e, n, p);
}

static void plan_row(const struct plan_rules *rules, const struct row *row, struct plan *p)
{
	bool no_cname = cname_conflict(row);
	size_t first = p->n;

	for (size_t i = 0; i < row->ncurrent; i++) {
		const struct plan_record *r = row->current[i];

		if (is_wanted(row, r->e->record_type, no_cname))
			continue;
		if (r->claim)
			plan_shared(rules, r, NULL, p);
		else if (is_managed(rules, r) && !r->is_shared)
			plan_delete(rules, r, p);
	}
	for (size_t i = 0, n; i < row->ndesired; i += n) {
		const struct endpoint *const *e = &row->desired[i];

		for (n = 1; i + n < row->ndesired; n++)
			if (strcmp(e[n]->record_type, e[0]->record_type) != 0)
				break;
		if (no_cname && is_cname(e[0])) {
			for (size_t k = 0; k < n; k++)
				add_skip(p, PLAN_SKIP_DISCARDED, e[k], NULL);
			continue;
		}
		plan_type(rules, row, e, n, p);
	}
	drop_impossible(row, p, first);
}

static bool passes(const struct plan_rules *rules, const struct endpoint *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules->filters); i++)
		if (!domain_filter_match(rules->filters[i], e->dns_name))
			return false;
	return true;
}

void plan_name(const struct plan_rules *rules, const struct plan_record *current, size_t ncurrent,
	       const struct endpoint *const *desired, size_t ndesired, struct plan *plan)
{
	const struct plan_record *few_c[16], **cur = few_c;
	const struct endpoint *few_d[16], **des = few_d;
	size_t nc = 0, nd = 0;

	if (ncurrent + ndesired == 0 || !passes(rules, ncurrent ? current[0].e : desired[0]))
		return;
	if (ncurrent > ARRAY_SIZE(few_c))
		cur = mem_calloc(ncurrent, sizeof(*cur));
	if (ndesired > ARRAY_SIZE(few_d))
		des = mem_calloc(ndesired, sizeof(*des));
	bool *used_c = ncurrent > 64 ? mem_calloc(ncurrent, 1) : (bool[64]){ 0 };
	bool *used_d = ndesired > 64 ? mem_calloc(ndesired, 1) : (bool[64]){ 0 };

	/* one row for each set identifier, in order of first sight; there is seldom more than "" */
	for (size_t i = 0; i < ncurrent + ndesired; i++) {
		const struct endpoint *e = i < ncurrent ? current[i].e : desired[i - ncurrent];

		if (i < ncurrent ? used_c[i] : used_d[i - ncurrent])
			continue;
		nc = nd = 0;
		for (size_t k = 0; k < ncurrent; k++) {
			if (used_c[k] ||
			    strcmp(current[k].e->set_identifier, e->set_identifier) != 0)
				continue;
			used_c[k] = true;
			cur[nc++] = &current[k];
		}
		for (size_t k = 0; k < ndesired; k++) {
			if (used_d[k] || strcmp(desired[k]->set_identifier, e->set_identifier) != 0)
				continue;
			used_d[k] = true;
			/* a delegation is ours to push whatever the managed types */
			if (desired[k]->shared ||
			    plan_type_is_managed(rules, desired[k]->record_type))
				des[nd++] = desired[k];
		}
		if (nd > 1)
			qsort(des, nd, sizeof(*des), compare_type);
		struct row row = { cur, nc, des, nd };
		plan_row(rules, &row, plan);
	}
	if (cur != few_c)
		free(cur);
	if (des != few_d)
		free(des);
	if (ncurrent > 64)
		free(used_c);
	if (ndesired > 64)
		free(used_d);
}

static const struct endpoint *endpoint_of(const struct plan_change *c)
{
	return c->after ? c->after : c->before.e;
}

static int compare_changes(const void *pa, const void *pb)
{
	const struct plan_change *a = pa, *b = pb;
	static const int order[] = {
		[PLAN_DELETE] = 0, [PLAN_UPDATE] = 1, [PLAN_CREATE] = 2, [PLAN_KEEP] = 3
	};
	const struct endpoint *x = endpoint_of(a), *y = endpoint_of(b);
	int d = strcmp(x->dns_name, y->dns_name);

	if (d == 0)
		d = order[a->kind] - order[b->kind];
	return d ? d : endpoint_compare_key(x, y);
}

void plan_sort(struct plan *plan)
{
	size_t n = 0;

	/* what stays is most, and its order means nothing */
	for (size_t i = 0; i < plan->n; i++) {
		struct plan_change c = plan->changes[i];

		if (c.kind == PLAN_KEEP)
			continue;
		plan->changes[i] = plan->changes[n];
		plan->changes[n++] = c;
	}
	plan->nchanges = n;
	plan_sort_range(plan->changes, n);
}

void plan_sort_range(struct plan_change *changes, size_t n)
{
	if (n > 1)
		qsort(changes, n, sizeof(*changes), compare_changes);
}

static int compare_records(const void *a, const void *b)
{
	return endpoint_compare_key(((const struct plan_record *)a)->e,
				    ((const struct plan_record *)b)->e);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(const struct endpoint *const *)a)->dns_name,
		      (*(const struct endpoint *const *)b)->dns_name);
}

void plan_calculate(const struct plan_rules *rules, const struct plan_record *current,
		    size_t ncurrent, const struct endpoint *const *desired, size_t ndesired,
		    struct plan *ret)
{
	struct plan_record *cur = mem_calloc(ncurrent + 1, sizeof(*cur));
	const struct endpoint **des = mem_calloc(ndesired + 1, sizeof(*des));
	size_t i = 0, k = 0;

	if (ncurrent)
		memcpy(cur, current, ncurrent * sizeof(*cur));
	if (ndesired)
		memcpy(des, desired, ndesired * sizeof(*des));
	qsort(cur, ncurrent, sizeof(*cur), compare_records);
	qsort(des, ndesired, sizeof(*des), compare_names); /* merge sort: stable */
	while (i < ncurrent || k < ndesired) {
		const char *name = i == ncurrent   ? des[k]->dns_name
				   : k == ndesired ? cur[i].e->dns_name
				   : strcmp(cur[i].e->dns_name, des[k]->dns_name) <= 0
					   ? cur[i].e->dns_name
					   : des[k]->dns_name;
		size_t ni = 0, nk = 0;

		while (i + ni < ncurrent && strcmp(cur[i + ni].e->dns_name, name) == 0)
			ni++;
		while (k + nk < ndesired && strcmp(des[k + nk]->dns_name, name) == 0)
			nk++;
		plan_name(rules, cur + i, ni, des + k, nk, ret);
		i += ni;
		k += nk;
	}
	free(cur);
	free(des);
	plan_sort(ret);
}

void plan_fini(struct plan *plan)
{
	free(plan->changes);
	free(plan->skips);
	endpoint_list_fini(&plan->made);
	*plan = (struct plan){ 0 };
}

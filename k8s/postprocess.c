#include "k8s/postprocess.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/endpoint_chain.h"
#include "k8s/reverse.h"
#include "lib/endpoint.h"
#include "lib/gslb_decl.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"

struct giver {
	char *source, *object;
	struct endpoint_list raw; /* as the source gave them */
	struct group **groups;    /* of raw, same places; NULL for those that stay apart */
	struct endpoint_list out; /* as the sink has them */
	struct strv invalid;      /* types that were refused, for the metric */
	bool gone;                /* the object is, not only its targets */
	bool dirty;
	struct giver *next_dirty;
};

struct member {
	struct giver *giver;
	const struct endpoint *e;
};

/* Endpoints of one source that are one record. */
struct group {
	char *key;
	struct member *m;
	size_t n;
	const struct endpoint *leader; /* under whose object it goes out; NULL = to be found */
	bool dirty;
	struct group *next_dirty;
};

struct postprocess {
	const struct endpoint_sink *sink;
	struct endpoint_chain *chain;
	struct reverse *reverse;
	struct map givers; /* "source\nobject" */
	struct map groups;
	struct giver *dirty, **dirty_end; /* first come, first told */
	struct group *dirty_groups;
};

int postprocess_new(const struct config *config, const struct endpoint_sink *sink,
		    struct postprocess **ret, char **ret_why)
{
	struct postprocess *p;
	struct endpoint_chain *chain = NULL;
	int err = endpoint_chain_new(config, &chain, ret_why);

	if (err < 0)
		return err;
	p = MEM_NEW(struct postprocess);
	p->sink = sink;
	p->dirty_end = &p->dirty;
	p->chain = chain;
	p->reverse = reverse_new(chain);
	*ret = p;
	return 0;
}

static void giver_free(void *g_)
{
	struct giver *g = g_;

	endpoint_list_fini(&g->raw);
	endpoint_list_fini(&g->out);
	strv_fini(&g->invalid);
	free(g->groups);
	free(g->source);
	free(g->object);
	free(g);
}

static void group_free(void *g_)
{
	struct group *g = g_;

	free(g->key);
	free(g->m);
	free(g);
}

void postprocess_free(struct postprocess *p)
{
	if (p == NULL)
		return;
	map_fini(&p->groups, group_free);
	map_fini(&p->givers, giver_free);
	reverse_free(p->reverse);
	endpoint_chain_free(p->chain);
	free(p);
}

static void mark(struct postprocess *p, struct giver *g)
{
	if (g->dirty)
		return;
	g->dirty = true;
	g->next_dirty = NULL;
	*p->dirty_end = g;
	p->dirty_end = &g->next_dirty;
}

static void mark_group(struct postprocess *p, struct group *g)
{
	if (g->dirty)
		return;
	g->dirty = true;
	g->next_dirty = p->dirty_groups;
	p->dirty_groups = g;
}

/* --- groups --------------------------------------------------------------------------- */

static struct group *group_for(struct postprocess *p, const char *source, const struct endpoint *e)
{
	char *key;
	struct group *g;

	if (strcmp(e->record_type, "CNAME") == 0)
		return NULL;
	key = mem_printf("%s\n%s\n%s\n%s\n%" PRId64, source, e->dns_name, e->record_type,
			 e->set_identifier, e->record_ttl);
	g = map_get(&p->groups, key);
	if (g == NULL) {
		g = MEM_NEW(struct group);
		g->key = key;
		(void)map_put(&p->groups, key, g);
		return g;
	}
	free(key);
	return g;
}

static void join(struct postprocess *p, struct giver *giver, size_t i)
{
	struct group *g = group_for(p, giver->source, giver->raw.e[i]);

	giver->groups[i] = g;
	if (g == NULL)
		return;
	g->m = mem_array(g->m, g->n + 1, sizeof(*g->m));
	g->m[g->n++] = (struct member){ giver, giver->raw.e[i] };
	mark_group(p, g);
}

static void leave_all(struct postprocess *p, struct giver *giver)
{
	for (size_t i = 0; i < giver->raw.n; i++) {
		struct group *g = giver->groups[i];

		if (g == NULL)
			continue;
		for (size_t k = 0; k < g->n; k++)
			if (g->m[k].e == giver->raw.e[i]) {
				g->m[k] = g->m[--g->n];
				break;
			}
		if (g->leader == giver->raw.e[i])
			g->leader = NULL;
		mark_group(p, g);
	}
}

static const char *resource_of(const struct member *m)
{
	const char *label = endpoint_label(m->e, "resource");

	return label ? label : "";
}

static int compare_members(const struct member *a, const struct member *b)
{
	int d = strcmp(resource_of(a), resource_of(b));

	return d ? d : strcmp(a->giver->object, b->giver->object);
}

static struct giver *giver_of(const struct group *g, const struct endpoint *e)
{
	for (size_t i = 0; i < g->n; i++)
		if (g->m[i].e == e)
			return g->m[i].giver;
	return NULL;
}

/* Choose the leader anew; what led before and what leads now goes out again. */
static void settle_group(struct postprocess *p, struct group *g)
{
	const struct member *best = NULL;
	struct giver *before = g->leader ? giver_of(g, g->leader) : NULL;

	g->dirty = false;
	if (before)
		mark(p, before);
	for (size_t i = 0; i < g->n; i++)
		if (best == NULL || compare_members(&g->m[i], best) < 0)
			best = &g->m[i];
	if (best == NULL) {
		group_free(map_remove(&p->groups, g->key));
		return;
	}
	g->leader = best->e;
	mark(p, best->giver);
}

/* --- one object ----------------------------------------------------------------------- */

static struct endpoint *unite(const struct group *g, const struct endpoint *leader)
{
	struct endpoint *e = endpoint_copy(leader);

	for (size_t i = 0; i < g->n; i++)
		for (size_t k = 0; g->m[i].e != leader && k < g->m[i].e->targets.n; k++)
			strv_add(&e->targets, g->m[i].e->targets.s[k]);
	if (e->targets.n > 1)
		strv_uniq(&e->targets);
	return e;
}

static bool same_record(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare_key(a, b) == 0 && strv_equal(&a->targets, &b->targets);
}

/* Drop what is there already (name, type, set identifier, targets), as default targets make it. */
static void drop_doubles(struct giver *g, struct endpoint_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = i + 1; k < l->n;) {
			if (!same_record(l->e[i], l->e[k])) {
				k++;
				continue;
			}
			metric_add(METRIC_EXTDNS_SOURCE_DEDUPLICATED_ENDPOINTS, 1,
				   l->e[k]->record_type, g->source);
			endpoint_free(l->e[k]);
			memmove(&l->e[k], &l->e[k + 1], (l->n - k - 1) * sizeof(*l->e));
			l->n--;
		}
}

static void forget_invalid(struct giver *g)
{
	for (size_t i = 0; i < g->invalid.n; i++)
		metric_add(METRIC_EXTDNS_SOURCE_INVALID_ENDPOINTS, -1, g->invalid.s[i], g->source);
	strv_fini(&g->invalid);
}

static void compute(struct postprocess *p, struct giver *g, struct endpoint_list *out)
{
	forget_invalid(g);
	for (size_t i = 0; i < g->raw.n; i++) {
		const struct endpoint *raw = g->raw.e[i];
		const struct group *group = g->groups[i];
		const char *why = NULL;

		if (group && group->leader != raw)
			continue;
		endpoint_chain_apply(p->chain, group ? unite(group, raw) : endpoint_copy(raw), out,
				     &why);
		if (why == NULL)
			continue;
		strv_add(&g->invalid, raw->record_type);
		metric_add(METRIC_EXTDNS_SOURCE_INVALID_ENDPOINTS, 1, raw->record_type, g->source);
	}
	endpoint_list_sort(out);
	drop_doubles(g, out);
}

static void count_type(const char *type, double by)
{
	metric_add(METRIC_EXTDNS_SOURCE_ENDPOINTS_TOTAL, by);
	metric_add(METRIC_EXTDNS_SOURCE_RECORDS, by, type);
	if (strcmp(type, "A") == 0)
		metric_add(METRIC_EXTDNS_SOURCE_A_RECORDS, by);
	else if (strcmp(type, "AAAA") == 0)
		metric_add(METRIC_EXTDNS_SOURCE_AAAA_RECORDS, by);
}

static bool same_lists(const struct endpoint_list *a, const struct endpoint_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!endpoint_equal(a->e[i], b->e[i]))
			return false;
	return true;
}

/* GONE: the object is, not only its targets. */
static void tell(struct postprocess *p, const char *source, const char *object, bool gone,
		 const struct endpoint_list *before, const struct endpoint_list *now)
{
	struct endpoint *nothing = NULL;
	struct endpoint *const *list = now->n ? now->e : gone ? NULL : &nothing;

	for (size_t i = 0; i < before->n; i++)
		count_type(before->e[i]->record_type, -1);
	for (size_t i = 0; i < now->n; i++)
		count_type(now->e[i]->record_type, 1);
	if (p->sink->endpoints)
		p->sink->endpoints(p->sink->ctx, source, object, list, now->n);
}

static void settle(struct postprocess *p, struct giver *g)
{
	struct endpoint_list out = { 0 };

	g->dirty = false;
	compute(p, g, &out);
	reverse_put(p->reverse, g->object, out.e, out.n);
	for (size_t i = 0; i < out.n; i++)
		endpoint_chain_finish(p->chain, out.e[i]);
	if (same_lists(&out, &g->out)) {
		endpoint_list_fini(&out);
	} else {
		tell(p, g->source, g->object, g->gone, &g->out, &out);
		endpoint_list_fini(&g->out);
		g->out = out;
	}
	if (g->raw.n == 0) {
		char *key = mem_printf("%s\n%s", g->source, g->object);

		giver_free(map_remove(&p->givers, key));
		free(key);
	}
}

static void tell_reverse(void *ctx, const char *object, const struct endpoint_list *before,
			 const struct endpoint_list *now)
{
	for (size_t i = 0; i < now->n; i++)
		endpoint_chain_finish(((struct postprocess *)ctx)->chain, now->e[i]);
	tell(ctx, "ptr", object, false, before, now);
}

void postprocess_flush(struct postprocess *p)
{
	while (p->dirty_groups) {
		struct group *g = p->dirty_groups;

		p->dirty_groups = g->next_dirty;
		settle_group(p, g);
	}
	while (p->dirty) {
		struct giver *g = p->dirty;

		p->dirty = g->next_dirty;
		if (p->dirty == NULL)
			p->dirty_end = &p->dirty;
		settle(p, g);
	}
	reverse_flush(p->reverse, tell_reverse, p);
}

static struct giver *giver_for(struct postprocess *p, const char *source, const char *object)
{
	char *key = mem_printf("%s\n%s", source, object);
	struct giver *g = map_get(&p->givers, key);

	if (g == NULL) {
		g = MEM_NEW(struct giver);
		g->source = mem_strdup(source);
		g->object = mem_strdup(object);
		(void)map_put(&p->givers, key, g);
	}
	free(key);
	return g;
}

void postprocess_put(struct postprocess *p, const char *source, const char *object,
		     struct endpoint_list *endpoints)
{
	struct giver *g = giver_for(p, source, object);
	struct endpoint_list none = { 0 };

	g->gone = endpoints == NULL;
	if (g->gone)
		endpoints = &none;
	endpoint_list_sort(endpoints);
	if (g->raw.n && same_lists(endpoints, &g->raw)) {
		endpoint_list_fini(endpoints);
		return;
	}
	leave_all(p, g);
	endpoint_list_fini(&g->raw);
	g->raw = *endpoints;
	*endpoints = (struct endpoint_list){ 0 };
	g->groups = mem_array(g->groups, g->raw.n + 1, sizeof(struct group *));
	for (size_t i = 0; i < g->raw.n; i++)
		join(p, g, i);
	mark(p, g);
}

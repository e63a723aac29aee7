#include "gslb/compile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/choose.h"
#include "gslb/geo.h"
#include "gslb/netmap.h"
#include "gslb/place.h"
#include "gslb/policy.h"
#include "lib/mem.h"

/* A set of members: those of one class, one site, one window. */
struct set {
	size_t *m;
	size_t n;
};

static void set_add(struct set *s, size_t member)
{
	s->m = mem_array(s->m, s->n + 1, sizeof(*s->m));
	s->m[s->n++] = member;
}

static void set_fini(struct set *s)
{
	free(s->m);
	*s = (struct set){ 0 };
}

/* --- variants --------------------------------------------------------------------- */

static int by_address(const void *a, const void *b, void *ctx)
{
	const struct decision *d = ctx;
	const size_t *x = a, *y = b;

	return netaddr_compare(&d->members[*x].addr, &d->members[*y].addr);
}

static void sort_members(const struct decision *d, size_t *m, size_t n)
{
	if (n > 1)
		qsort_r(m, n, sizeof(*m), by_address, (void *)(uintptr_t)d);
}

/* The variant that consists of SET, sorted and without doubles; made if it is not there. */
static unsigned variant_of(const struct decision *d, struct compiled *c, const struct set *set)
{
	size_t *m = mem_dup(set->m, set->n * sizeof(*m)), n = 0;

	sort_members(d, m, set->n);
	for (size_t i = 0; i < set->n; i++) /* two sites may offer one address */
		if (n == 0 || !netaddr_equal(&d->members[m[n - 1]].addr, &d->members[m[i]].addr))
			m[n++] = m[i];
	for (size_t i = 0; i < c->nvariants; i++) {
		const struct compiled_variant *v = &c->variants[i];

		if (v->n == n && (n == 0 || memcmp(v->members, m, n * sizeof(*m)) == 0)) {
			free(m);
			return (unsigned)i;
		}
	}
	c->variants = mem_array(c->variants, c->nvariants + 1, sizeof(*c->variants));
	c->variants[c->nvariants] = (struct compiled_variant){ m, n };
	return (unsigned)c->nvariants++;
}

/* --- a class: weight, count -------------------------------------------------------- */

struct builder {
	const struct decision *d;
	struct compiled *c;
	struct choose_option *options; /* of the class being built */
	size_t noptions;
	unsigned count; /* most addresses in an answer; 0 = all */
};

static void add_option(struct builder *b, const struct set *set, double weight, uint64_t seed)
{
	b->options = mem_array(b->options, b->noptions + 1, sizeof(*b->options));
	b->options[b->noptions++] =
		(struct choose_option){ variant_of(b->d, b->c, set), weight, seed };
}

static uint64_t member_seed(const struct decision *d, size_t member)
{
	char text[NETADDR_TEXT_MAX];

	return choose_seed(netaddr_to_text(&d->members[member].addr, text));
}

/* All of SET, or COUNT neighbours of it at a time, each as often. */
static void add_windows(struct builder *b, struct set *set, double weight, uint64_t seed)
{
	if (b->count == 0 || set->n <= b->count) {
		add_option(b, set, weight, seed);
		return;
	}
	sort_members(b->d, set->m, set->n);
	for (size_t i = 0; i < set->n; i++) {
		struct set w = { 0 };

		for (size_t j = 0; j < b->count; j++)
			set_add(&w, set->m[(i + j) % set->n]);
		add_option(b, &w, weight / (double)set->n, member_seed(b->d, set->m[i]));
		set_fini(&w);
	}
}

static bool has_weights(const struct decision *d, const struct set *set)
{
	if (!d->by_weight)
		return false;
	for (size_t i = 0; i < set->n; i++) {
		const struct site *s = &d->sites[d->members[set->m[i]].site];

		if (s->weight != 0 && s->weight != SITE_NO_WEIGHT)
			return true;
	}
	return false;
}

/* One site at a time, as often as its weight says. */
static void add_sites(struct builder *b, const struct set *set)
{
	for (size_t i = 0; i < b->d->nsites; i++) {
		const struct site *s = &b->d->sites[i];
		struct set own = { 0 };

		for (size_t j = 0; j < set->n; j++)
			if (b->d->members[set->m[j]].site == i)
				set_add(&own, set->m[j]);
		if (own.n && s->weight != 0 && s->weight != SITE_NO_WEIGHT)
			add_windows(b, &own, s->weight,
				    choose_seed(s->name ? s->name : s->geo_tag));
		set_fini(&own);
	}
}

/* Without weights: those that start slowly are in a growing share of the answers only. */
static void add_ramped(struct builder *b, struct set *set)
{
	struct set settled = { 0 };
	double ramp = 1;

	for (size_t i = 0; i < set->n; i++) {
		const struct site *s = &b->d->sites[b->d->members[set->m[i]].site];

		if (s->ramp >= 1)
			set_add(&settled, set->m[i]);
		else if (s->ramp < ramp)
			ramp = s->ramp;
	}
	if (settled.n && settled.n < set->n)
		add_windows(b, &settled, 1 - ramp, 1);
	add_windows(b, set, settled.n ? ramp : 1, 0);
	set_fini(&settled);
}

static void add_class(struct builder *b, struct set *set)
{
	struct compiled *c = b->c;

	b->options = NULL;
	b->noptions = 0;
	if (set->n && has_weights(b->d, set))
		add_sites(b, set);
	else
		add_ramped(b, set);
	c->classes = mem_array(c->classes, c->nclasses + 1, sizeof(*c->classes));
	c->options = mem_array(c->options, c->nclasses + 1, sizeof(*c->options));
	c->options[c->nclasses] = b->options;
	c->classes[c->nclasses++] = (struct choose_class){ b->options, b->noptions };
}

/* --- classes by field ---------------------------------------------------------------- */

struct rows {
	struct place_row *r;
	size_t n;
};

/* The class of (FIELD, VALUE); a new one if nobody had it yet. */
static void add_row(struct rows *rows, size_t field, const char *value)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->r[i].field == field && strcmp(rows->r[i].value, value) == 0)
			return;
	rows->r = mem_array(rows->r, rows->n + 1, sizeof(*rows->r));
	rows->r[rows->n] = (struct place_row){ field, mem_strdup(value), (unsigned)rows->n + 1 };
	rows->n++;
}

static bool target_has(const struct decision *d, const struct geo *geo, size_t member,
		       const struct geo_field *f, char *value)
{
	struct geo_place place;

	geo_look(geo, &d->members[member].addr, &place);
	return geo_value(&place, f, value);
}

/*
 * Class 0 is everybody (no match); class i the targets with the value of row i-1.  With a fence
 * the values of those that do not answer now make rows too: their clients get nothing.
 */
static struct classifier *classes_by_field(struct builder *b, struct set *all,
					   const struct geo *geo, const struct strv *fields,
					   bool fence)
{
	struct rows rows = { 0 };
	struct set known = { 0 };
	char value[GEO_VALUE_MAX];

	for (size_t i = 0; i < b->d->nmembers; i++)
		if (b->d->members[i].addr.family == b->c->family &&
		    (fence || b->d->members[i].is_answered))
			set_add(&known, i);
	add_class(b, all);
	for (size_t f = 0; f < fields->n; f++) {
		struct geo_field field;
		size_t first = rows.n;

		geo_field_init(&field, fields->s[f]);
		for (size_t i = 0; i < known.n; i++)
			if (target_has(b->d, geo, known.m[i], &field, value))
				add_row(&rows, f, value);
		for (size_t r = first; r < rows.n; r++) {
			struct set here = { 0 };

			for (size_t i = 0; i < all->n; i++)
				if (target_has(b->d, geo, all->m[i], &field, value) &&
				    strcmp(value, rows.r[r].value) == 0)
					set_add(&here, all->m[i]);
			add_class(b, &here);
			set_fini(&here);
		}
		geo_field_fini(&field);
	}
	set_fini(&known);
	return place_by_field(geo, fields, rows.r, rows.n);
}

/* --- classes by the policy's sites ------------------------------------------------------ */

/* Those of ALL whose geo tag is one of the sites in MASK. */
static void add_here(struct builder *b, const struct set *all, uint64_t mask, struct set *here)
{
	const struct policy *p = b->d->policy;

	for (size_t i = 0; i < all->n; i++) {
		const char *tag = b->d->sites[b->d->members[all->m[i]].site].geo_tag;

		for (size_t s = 0; s < p->nsites && s < 64; s++) {
			if ((mask >> s & 1) && strcasecmp(p->sites[s].geo_tag, tag) == 0) {
				set_add(here, all->m[i]);
				break;
			}
		}
	}
}

/* A class for the sites in MASK, or PLACE_NOBODY. */
static unsigned class_of_mask(struct builder *b, const struct set *all, uint64_t mask)
{
	struct set here = { 0 };
	unsigned class = PLACE_NOBODY;

	add_here(b, all, mask, &here);
	if (here.n) {
		class = (unsigned)b->c->nclasses;
		add_class(b, &here);
	}
	set_fini(&here);
	return class;
}

/* Where clients go for whose sites nobody is live: everywhere, or nowhere. */
static unsigned class_of_none(struct builder *b, bool fence)
{
	struct set none = { 0 };

	if (!fence)
		return 0;
	add_class(b, &none);
	return (unsigned)b->c->nclasses - 1;
}

static struct classifier *classes_by_map(struct builder *b, struct set *all, const struct geo *geo)
{
	const struct policy *p = b->d->policy;
	size_t n = netmap_masks(p->map);
	unsigned *classes = mem_calloc(n, sizeof(*classes));

	add_class(b, all);
	unsigned none = class_of_none(b, p->fence);
	for (size_t i = 0; i < n; i++)
		classes[i] = class_of_mask(b, all, netmap_mask(p->map, i));
	struct classifier *c = place_by_map(p->map, geo, classes, none);
	free(classes);
	return c;
}

static struct classifier *classes_by_distance(struct builder *b, struct set *all,
					      const struct geo *geo)
{
	const struct policy *p = b->d->policy;
	struct place_site *sites = mem_calloc(p->nsites, sizeof(*sites));

	add_class(b, all);
	unsigned none = class_of_none(b, p->fence);
	for (size_t i = 0; i < p->nsites; i++)
		sites[i] = (struct place_site){ p->sites[i].latitude, p->sites[i].longitude,
						class_of_mask(b, all, 1ULL << i) };
	struct classifier *c = place_by_distance(geo, sites, p->nsites, p->fence, none);
	free(sites);
	return c;
}

/* --- all ------------------------------------------------------------------------------- */

static struct classifier *add_classes(struct builder *b, struct set *all, const struct geo *geo)
{
	const struct policy *p = b->d->policy;

	switch (p ? p->match : POLICY_MATCH_NONE) {
	case POLICY_MATCH_NONE:
		if (b->d->by_field && !geo_is_empty(geo))
			return classes_by_field(b, all, geo, geo_fields(geo), false);
		break;
	case POLICY_MATCH_FIELD:
		if (!geo_is_empty(geo))
			return classes_by_field(b, all, geo, &p->fields, p->fence);
		break;
	case POLICY_MATCH_MAP:
		return classes_by_map(b, all, geo);
	case POLICY_MATCH_NEAREST:
		if (!geo_is_empty(geo))
			return classes_by_distance(b, all, geo);
		break;
	}
	add_class(b, all);
	return NULL;
}

void compile_run(const struct decision *d, uint8_t family, const struct geo *geo,
		 struct compiled *ret)
{
	struct builder b = { .d = d, .c = ret, .count = d->policy ? d->policy->count : 0 };
	struct choose_spec spec = { 0 };
	struct set all = { 0 };

	*ret = (struct compiled){ .family = family };
	for (size_t i = 0; i < d->nmembers; i++)
		if (d->members[i].is_answered && d->members[i].addr.family == family)
			set_add(&all, i);
	if (all.n == 0)
		return;
	(void)variant_of(d, ret, &all);
	if (d->policy && d->policy->is_sticky) {
		spec.is_sticky = true;
		spec.v4_prefix = d->policy->v4_prefix;
		spec.v6_prefix = d->policy->v6_prefix;
		if (b.count == 0)
			b.count = 1; /* one network, one member */
	}
	spec.classifier = add_classes(&b, &all, geo);
	spec.classes = ret->classes;
	spec.nclasses = ret->nclasses;
	ret->selector = choose_new(&spec);
	set_fini(&all);
}

void compile_fini(struct compiled *c)
{
	for (size_t i = 0; i < c->nvariants; i++)
		free(c->variants[i].members);
	for (size_t i = 0; i < c->nclasses; i++)
		free(c->options[i]);
	free(c->variants);
	free(c->classes);
	free(c->options);
	if (c->selector)
		c->selector->free(c->selector);
	*c = (struct compiled){ 0 };
}

#include "lib/endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/netaddr.h"

struct endpoint *endpoint_new(const char *dns_name, const char *record_type, int64_t ttl)
{
	struct endpoint *e = MEM_NEW(struct endpoint);

	e->dns_name = mem_strdup(dns_name);
	e->record_type = mem_strdup(record_type);
	e->record_ttl = ttl;
	e->set_identifier = mem_strdup("");
	return e;
}

static void props_fini(struct endpoint_prop *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(p[i].name);
		free(p[i].value);
	}
	free(p);
}

void endpoint_free(struct endpoint *e)
{
	if (e == NULL)
		return;
	free(e->dns_name);
	free(e->record_type);
	free(e->set_identifier);
	strv_fini(&e->targets);
	props_fini(e->labels, e->nlabels);
	props_fini(e->provider_specific, e->nprovider_specific);
	free(e);
}

static struct endpoint_prop *props_copy(const struct endpoint_prop *p, size_t n)
{
	struct endpoint_prop *q = n ? mem_calloc(n, sizeof(*q)) : NULL;

	for (size_t i = 0; i < n; i++) {
		q[i].name = mem_strdup(p[i].name);
		q[i].value = mem_strdup(p[i].value);
	}
	return q;
}

struct endpoint *endpoint_copy(const struct endpoint *e)
{
	struct endpoint *c = endpoint_new(e->dns_name, e->record_type, e->record_ttl);

	mem_strset(&c->set_identifier, e->set_identifier);
	strv_copy(&c->targets, &e->targets);
	c->labels = props_copy(e->labels, e->nlabels);
	c->nlabels = e->nlabels;
	c->provider_specific = props_copy(e->provider_specific, e->nprovider_specific);
	c->nprovider_specific = e->nprovider_specific;
	c->shared = e->shared;
	return c;
}

static struct endpoint_prop *props_find(struct endpoint_prop *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(p[i].name, name) == 0)
			return &p[i];
	return NULL;
}

/* Insert, replace or (VALUE NULL) remove; SORTED keeps the order of names. */
static void props_set(struct endpoint_prop **p, size_t *n, const char *name, const char *value,
		      bool sorted)
{
	struct endpoint_prop *at = props_find(*p, *n, name);

	if (value == NULL) {
		if (at == NULL)
			return;
		free(at->name);
		free(at->value);
		memmove(at, at + 1, (size_t)(*p + *n - at - 1) * sizeof(*at));
		(*n)--;
		return;
	}
	if (at) {
		mem_strset(&at->value, value);
		return;
	}
	*p = mem_array(*p, *n + 1, sizeof(**p));
	size_t i = *n;
	while (sorted && i && strcmp((*p)[i - 1].name, name) > 0) {
		(*p)[i] = (*p)[i - 1];
		i--;
	}
	(*p)[i].name = mem_strdup(name);
	(*p)[i].value = mem_strdup(value);
	(*n)++;
}

void endpoint_set_label(struct endpoint *e, const char *name, const char *value)
{
	props_set(&e->labels, &e->nlabels, name, value, true);
}

const char *endpoint_label(const struct endpoint *e, const char *name)
{
	struct endpoint_prop *p = props_find(e->labels, e->nlabels, name);

	return p ? p->value : NULL;
}

void endpoint_set_prop(struct endpoint *e, const char *name, const char *value)
{
	props_set(&e->provider_specific, &e->nprovider_specific, name, value, false);
}

const char *endpoint_prop(const struct endpoint *e, const char *name)
{
	struct endpoint_prop *p = props_find(e->provider_specific, e->nprovider_specific, name);

	return p ? p->value : NULL;
}

int endpoint_compare_key(const struct endpoint *a, const struct endpoint *b)
{
	int d = strcmp(a->dns_name, b->dns_name);

	if (d == 0)
		d = strcmp(a->record_type, b->record_type);
	return d ? d : strcmp(a->set_identifier, b->set_identifier);
}

static bool props_equal(const struct endpoint_prop *a, size_t na, struct endpoint_prop *b,
			size_t nb)
{
	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		const struct endpoint_prop *p = props_find(b, nb, a[i].name);

		if (p == NULL || strcmp(p->value, a[i].value) != 0)
			return false;
	}
	return true;
}

static bool targets_equal(const struct strv *a, const struct strv *b)
{
	struct strv x = { 0 }, y = { 0 };

	if (a->n != b->n)
		return false;
	strv_copy(&x, a);
	strv_copy(&y, b);
	strv_sort(&x);
	strv_sort(&y);
	bool same = strv_equal(&x, &y);
	strv_fini(&x);
	strv_fini(&y);
	return same;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_compare_key(a, b) == 0 && a->record_ttl == b->record_ttl &&
	       a->shared == b->shared && targets_equal(&a->targets, &b->targets) &&
	       props_equal(a->labels, a->nlabels, b->labels, b->nlabels) &&
	       props_equal(a->provider_specific, a->nprovider_specific, b->provider_specific,
			   b->nprovider_specific);
}

const char *endpoint_suitable_type(const char *target)
{
	struct netaddr a;

	if (netaddr_from_text(target, &a) < 0)
		return "CNAME";
	return a.family == 6 ? "AAAA" : "A";
}

void endpoint_list_fini(struct endpoint_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		endpoint_free(l->e[i]);
	free(l->e);
	*l = (struct endpoint_list){ 0 };
}

void endpoint_list_take(struct endpoint_list *l, struct endpoint *e)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 8;
		l->e = mem_array(l->e, l->cap, sizeof(*l->e));
	}
	l->e[l->n++] = e;
}

static int compare_ptr(const void *a, const void *b)
{
	return endpoint_compare_key(*(struct endpoint *const *)a, *(struct endpoint *const *)b);
}

void endpoint_list_sort(struct endpoint_list *l)
{
	/* glibc's qsort is a merge sort for such sizes: stable */
	if (l->n > 1)
		qsort(l->e, l->n, sizeof(*l->e), compare_ptr);
}

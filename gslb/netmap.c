#include "gslb/netmap.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gslb/geo.h"
#include "gslb/policy.h"
#include "lib/mem.h"

#define NOTHING UINT16_MAX

/* A binary trie of prefixes: node 0 is the root, child 0 means none. */
struct node {
	uint32_t child[2];
	uint16_t mask; /* number, or NOTHING */
};

struct trie {
	struct node *node;
	size_t n;
};

struct asn {
	uint32_t asn;
	uint16_t mask;
};

struct code {
	char text[8]; /* "DE", "EU" */
	uint16_t mask;
};

struct netmap {
	atomic_uint refs;
	uint64_t *masks;
	size_t nmasks;
	struct trie v4, v6;
	struct asn *asns; /* sorted */
	size_t nasns;
	struct code *countries, *continents; /* sorted */
	size_t ncountries, ncontinents;
};

/* --- making ------------------------------------------------------------------------------- */

static uint16_t number_of(struct netmap *m, uint64_t mask)
{
	for (size_t i = 0; i < m->nmasks; i++)
		if (m->masks[i] == mask)
			return (uint16_t)i;
	m->masks = mem_array(m->masks, m->nmasks + 1, sizeof(*m->masks));
	m->masks[m->nmasks] = mask;
	return (uint16_t)m->nmasks++;
}

/* The mask of number NUM (or none) with site I in it. */
static uint16_t with_site(struct netmap *m, uint16_t num, size_t i)
{
	return number_of(m, (num == NOTHING ? 0 : m->masks[num]) | 1ULL << i);
}

static uint32_t new_node(struct trie *t)
{
	if ((t->n & (t->n - 1)) == 0)
		t->node = mem_array(t->node, t->n ? t->n * 2 : 1, sizeof(*t->node));
	t->node[t->n] = (struct node){ .mask = NOTHING };
	return (uint32_t)t->n++;
}

static unsigned bit_of(const struct netaddr *a, unsigned i)
{
	return a->bytes[i / 8] >> (7 - i % 8) & 1;
}

static void add_network(struct netmap *m, const struct netprefix *p, size_t site)
{
	struct trie *t = p->addr.family == 4 ? &m->v4 : &m->v6;
	uint32_t at = t->n ? 0 : new_node(t);

	for (unsigned i = 0; i < p->len; i++) {
		unsigned b = bit_of(&p->addr, i);

		if (t->node[at].child[b] == 0) {
			uint32_t new = new_node(t);

			t->node[at].child[b] = new;
		}
		at = t->node[at].child[b];
	}
	t->node[at].mask = with_site(m, t->node[at].mask, site);
}

static void add_asn(struct netmap *m, uint32_t asn, size_t site)
{
	size_t i = 0;

	while (i < m->nasns && m->asns[i].asn < asn)
		i++;
	if (i == m->nasns || m->asns[i].asn != asn) {
		m->asns = mem_array(m->asns, m->nasns + 1, sizeof(*m->asns));
		memmove(&m->asns[i + 1], &m->asns[i], (m->nasns - i) * sizeof(*m->asns));
		m->asns[i] = (struct asn){ asn, NOTHING };
		m->nasns++;
	}
	m->asns[i].mask = with_site(m, m->asns[i].mask, site);
}

static void add_code(struct netmap *m, struct code **list, size_t *n, const char *text, size_t site)
{
	size_t i = 0;

	if (strlen(text) >= sizeof((*list)->text))
		return; /* no such country */
	while (i < *n && strcmp((*list)[i].text, text) < 0)
		i++;
	if (i == *n || strcmp((*list)[i].text, text) != 0) {
		*list = mem_array(*list, *n + 1, sizeof(**list));
		memmove(&(*list)[i + 1], &(*list)[i], (*n - i) * sizeof(**list));
		(*list)[i] = (struct code){ .mask = NOTHING };
		memcpy((*list)[i].text, text, strlen(text));
		++*n;
	}
	(*list)[i].mask = with_site(m, (*list)[i].mask, site);
}

struct netmap *netmap_new(const struct policy_site *sites, size_t n)
{
	struct netmap *m = MEM_NEW(struct netmap);

	atomic_init(&m->refs, 1);
	for (size_t i = 0; i < n && i < 64; i++) {
		const struct policy_site *s = &sites[i];

		for (size_t j = 0; j < s->nnetworks; j++)
			add_network(m, &s->networks[j], i);
		for (size_t j = 0; j < s->nasns; j++)
			add_asn(m, s->asns[j], i);
		for (size_t j = 0; j < s->countries.n; j++)
			add_code(m, &m->countries, &m->ncountries, s->countries.s[j], i);
		for (size_t j = 0; j < s->continents.n; j++)
			add_code(m, &m->continents, &m->ncontinents, s->continents.s[j], i);
	}
	return m;
}

struct netmap *netmap_ref(const struct netmap *m)
{
	struct netmap *own = (struct netmap *)(uintptr_t)m; /* only the count is changed */

	if (own)
		atomic_fetch_add_explicit(&own->refs, 1, memory_order_relaxed);
	return own;
}

void netmap_unref(struct netmap *m)
{
	if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(m->masks);
	free(m->v4.node);
	free(m->v6.node);
	free(m->asns);
	free(m->countries);
	free(m->continents);
	free(m);
}

size_t netmap_masks(const struct netmap *m)
{
	return m->nmasks;
}

uint64_t netmap_mask(const struct netmap *m, size_t i)
{
	return m->masks[i];
}

/* --- finding --------------------------------------------------------------------------------- */

/*
 * The longest prefix.  The answer holds for all addresses that share the bits walked, the one that
 * led nowhere included (RFC 7871 7.2.1).
 */
static uint16_t find_network(const struct trie *t, const struct netaddr *a, uint8_t *ret_scope)
{
	unsigned bits = a->family == 4 ? 32 : 128, depth = 0;
	uint16_t best = NOTHING;
	uint32_t at = 0;

	if (t->n == 0)
		return NOTHING;
	for (;;) {
		const struct node *n = &t->node[at];

		if (n->mask != NOTHING)
			best = n->mask;
		if (depth == bits || (n->child[0] == 0 && n->child[1] == 0))
			break;
		at = n->child[bit_of(a, depth++)];
		if (at == 0)
			break;
	}
	if (depth > *ret_scope)
		*ret_scope = (uint8_t)depth;
	return best;
}

static int compare_asn(const void *key, const void *item)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct asn *)item)->asn;

	return a < b ? -1 : a > b;
}

static int compare_code(const void *key, const void *item)
{
	return strcmp(key, ((const struct code *)item)->text);
}

static uint16_t find_code(const struct code *list, size_t n, const char *text)
{
	const struct code *c =
		n && *text ? bsearch(text, list, n, sizeof(*list), compare_code) : NULL;

	return c ? c->mask : NOTHING;
}

static uint16_t find_asn(const struct netmap *m, uint32_t asn)
{
	const struct asn *a =
		m->nasns && asn ? bsearch(&asn, m->asns, m->nasns, sizeof(*m->asns), compare_asn)
				: NULL;

	return a ? a->mask : NOTHING;
}

size_t netmap_find(const struct netmap *m, const struct geo *geo, const struct netaddr *client,
		   uint16_t *ret_masks, uint8_t *ret_scope)
{
	uint16_t found[NETMAP_LEVELS] = { NOTHING, NOTHING, NOTHING, NOTHING };
	char country[GEO_VALUE_MAX], continent[GEO_VALUE_MAX];
	struct geo_place place;
	uint32_t asn;
	size_t n = 0;

	found[0] = find_network(client->family == 4 ? &m->v4 : &m->v6, client, ret_scope);
	if (m->nasns + m->ncountries + m->ncontinents && !geo_is_empty(geo)) {
		geo_look(geo, client, &place);
		if (place.scope > *ret_scope)
			*ret_scope = place.scope;
		geo_facts(&place, country, continent, &asn);
		found[1] = find_asn(m, asn);
		found[2] = find_code(m->countries, m->ncountries, country);
		found[3] = find_code(m->continents, m->ncontinents, continent);
	}
	for (size_t i = 0; i < NETMAP_LEVELS; i++)
		if (found[i] != NOTHING)
			ret_masks[n++] = found[i];
	return n;
}

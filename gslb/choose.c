#include "gslb/choose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"

/* One column of Walker's alias table: KEEP / 2^32 of it is A, the rest B. */
struct slot {
	uint32_t keep;
	uint16_t a, b;
};

struct option {
	uint64_t seed;
	double weight;
	uint32_t variant;
};

struct class
{
	uint32_t first, n;
};

struct chooser {
	struct selector base;
	struct classifier *classifier; /* NULL = one class */
	bool is_sticky;
	uint8_t v4_prefix, v6_prefix;
	uint32_t nclasses, noptions;
	struct class *classes;
	struct slot *slots;     /* by class, as many as options */
	struct option *options; /* by class */
};

static uint64_t mix(uint64_t x)
{
	/* the finaliser of MurmurHash3: every bit of X moves half the bits of the result */
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

uint64_t choose_seed(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ULL;
	return mix(h);
}

static uint64_t network_hash(const struct chooser *c, const struct selector_client *client,
			     uint8_t *ret_scope)
{
	unsigned bits = client->family == 4 ? c->v4_prefix : c->v6_prefix;
	uint64_t h = client->family;

	if (bits > client->prefix_len)
		bits = client->prefix_len;
	if (bits > *ret_scope)
		*ret_scope = (uint8_t)bits;
	for (unsigned i = 0; i * 8 < bits; i++) {
		uint8_t octet = client->bytes[i];

		if (bits - i * 8 < 8)
			octet = (uint8_t)(octet & 0xff00u >> (bits - i * 8));
		h = mix(h ^ octet) + i;
	}
	return mix(h);
}

/*
 * Weighted rendezvous hashing: each option draws -ln(u)/weight with a u of its own from the
 * client's network; the least wins.  An option that leaves or comes moves only its own share.
 */
static unsigned by_network(const struct chooser *c, const struct class *k, uint64_t network)
{
	const struct option *o = &c->options[k->first];
	double best = INFINITY;
	unsigned won = o[0].variant;

	for (uint32_t i = 0; i < k->n; i++) {
		double u = ((double)(mix(network ^ o[i].seed) >> 11) + 0.5) * 0x1p-53;
		double draw = o[i].weight > 0 ? -log(u) / o[i].weight : INFINITY;

		if (draw < best) {
			best = draw;
			won = o[i].variant;
		}
	}
	return won;
}

static unsigned class_of(const struct chooser *c, const struct selector_client *client,
			 uint8_t *ret_scope)
{
	struct netaddr addr = { .family = client->family };

	if (c->classifier == NULL)
		return 0;
	memcpy(addr.bytes, client->bytes, sizeof(addr.bytes));
	unsigned i = c->classifier->classify(c->classifier, &addr, ret_scope);
	return i < c->nclasses ? i : 0;
}

static unsigned chooser_select(const struct selector *s, const struct selector_client *client,
			       uint32_t rnd, uint8_t *ret_scope)
{
	const struct chooser *c = (const struct chooser *)s;

	*ret_scope = 0;
	const struct class *k = &c->classes[class_of(c, client, ret_scope)];
	if (c->is_sticky)
		return by_network(c, k, network_hash(c, client, ret_scope));
	uint64_t at = (uint64_t)rnd * k->n;
	const struct slot *slot = &c->slots[k->first + (at >> 32)];
	return (uint32_t)at < slot->keep ? slot->a : slot->b;
}

static bool chooser_equal(const struct selector *a, const struct selector *b)
{
	const struct chooser *x = (const struct chooser *)a, *y = (const struct chooser *)b;

	if (a->select != b->select || x->nclasses != y->nclasses || x->noptions != y->noptions ||
	    x->is_sticky != y->is_sticky || x->v4_prefix != y->v4_prefix ||
	    x->v6_prefix != y->v6_prefix || !x->classifier != !y->classifier)
		return false;
	if (x->classifier && (x->classifier->classify != y->classifier->classify ||
			      !x->classifier->equal(x->classifier, y->classifier)))
		return false;
	for (uint32_t i = 0; i < x->nclasses; i++)
		if (x->classes[i].first != y->classes[i].first ||
		    x->classes[i].n != y->classes[i].n)
			return false;
	for (uint32_t i = 0; i < x->noptions; i++)
		if (x->options[i].variant != y->options[i].variant ||
		    x->options[i].seed != y->options[i].seed ||
		    fabs(x->options[i].weight - y->options[i].weight) > 1e-9)
			return false;
	return true;
}

static void chooser_free(struct selector *s)
{
	struct chooser *c = (struct chooser *)s;

	if (c->classifier)
		c->classifier->free(c->classifier);
	free(c->classes);
	free(c->slots);
	free(c->options);
	free(c);
}

/* Walker's alias method (Vose 1991): columns of equal width, each cut once. */
static void fill_slots(struct slot *slots, const struct option *o, size_t n)
{
	double *share = mem_calloc(n, sizeof(*share)), sum = 0;
	size_t *less = mem_calloc(n, sizeof(*less)), *more = mem_calloc(n, sizeof(*more));
	size_t nless = 0, nmore = 0;

	for (size_t i = 0; i < n; i++)
		sum += o[i].weight;
	for (size_t i = 0; i < n; i++) {
		share[i] = sum > 0 ? o[i].weight * (double)n / sum : 1;
		if (share[i] < 1)
			less[nless++] = i;
		else
			more[nmore++] = i;
		slots[i].keep = UINT32_MAX;
		slots[i].a = slots[i].b = (uint16_t)o[i].variant;
	}
	while (nless && nmore) {
		size_t s = less[--nless], l = more[nmore - 1];

		slots[s].keep = (uint32_t)(share[s] * 4294967295.0);
		slots[s].b = (uint16_t)o[l].variant;
		share[l] -= 1 - share[s];
		if (share[l] < 1) {
			nmore--;
			less[nless++] = l;
		}
	}
	free(share);
	free(less);
	free(more);
}

static void add_class(struct chooser *c, const struct choose_class *k)
{
	struct class *own = &c->classes[c->nclasses++];

	*own = (struct class){ c->noptions, (uint32_t)k->n };
	for (size_t i = 0; i < k->n; i++)
		c->options[c->noptions++] =
			(struct option){ k->options[i].seed, k->options[i].weight,
					 k->options[i].variant };
	fill_slots(&c->slots[own->first], &c->options[own->first], own->n);
}

struct selector *choose_new(const struct choose_spec *spec)
{
	size_t n = 0;

	for (size_t i = 0; i < spec->nclasses; i++)
		n += spec->classes[i].n;
	if (spec->classifier == NULL && n == 1 && spec->classes[0].options[0].variant == 0)
		return NULL;
	struct chooser *c = MEM_NEW(struct chooser);

	c->base.select = chooser_select;
	c->base.free = chooser_free;
	c->base.equal = chooser_equal;
	c->base.needs_client = spec->classifier || spec->is_sticky;
	c->classifier = spec->classifier;
	c->is_sticky = spec->is_sticky;
	c->v4_prefix = spec->v4_prefix;
	c->v6_prefix = spec->v6_prefix;
	c->classes = mem_calloc(spec->nclasses, sizeof(*c->classes));
	c->slots = mem_calloc(n, sizeof(*c->slots));
	c->options = mem_calloc(n, sizeof(*c->options));
	for (size_t i = 0; i < spec->nclasses; i++)
		add_class(c, &spec->classes[i]);
	return &c->base;
}

unsigned choose_class_of(const struct selector *s, const struct netaddr *client, uint8_t *ret_scope)
{
	struct selector_client k = { .family = client->family,
				     .prefix_len = client->family == 4 ? 32 : 128 };

	memcpy(k.bytes, client->bytes, sizeof(k.bytes));
	*ret_scope = 0;
	return s ? class_of((const struct chooser *)s, &k, ret_scope) : 0;
}

bool choose_is_sticky(const struct selector *s)
{
	return s && ((const struct chooser *)s)->is_sticky;
}

#include "k8s/reverse.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/endpoint_chain.h"
#include "lib/buf.h"
#include "lib/endpoint.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/netaddr.h"

/* A name that an object gives an address. */
struct share {
	char *object;
	char *name;
	int64_t ttl;
};

struct ptr {
	char *name; /* "4.3.2.1.in-addr.arpa" */
	struct share *shares;
	size_t n;
	struct endpoint_list out;
	bool dirty;
	struct ptr *next_dirty;
};

struct reverse {
	const struct endpoint_chain *chain;
	struct map ptrs;    /* name -> struct ptr */
	struct map objects; /* object -> struct strv of the names it has a share in */
	struct ptr *dirty;
};

struct reverse *reverse_new(const struct endpoint_chain *chain)
{
	struct reverse *r = MEM_NEW(struct reverse);

	r->chain = chain;
	return r;
}

static void share_fini(struct share *s)
{
	free(s->object);
	free(s->name);
}

static void ptr_free(void *p_)
{
	struct ptr *p = p_;

	for (size_t i = 0; i < p->n; i++)
		share_fini(&p->shares[i]);
	free(p->shares);
	free(p->name);
	endpoint_list_fini(&p->out);
	free(p);
}

static void names_free(void *names)
{
	strv_fini(names);
	free(names);
}

void reverse_free(struct reverse *r)
{
	if (r == NULL)
		return;
	map_fini(&r->ptrs, ptr_free);
	map_fini(&r->objects, names_free);
	free(r);
}

/* RFC 1035 3.5 and RFC 3596 2.5; NULL if TARGET is no address.  Caller frees. */
static char *reverse_name(const char *target)
{
	struct buf b = { 0 };
	struct netaddr a;

	if (netaddr_from_text(target, &a) < 0)
		return NULL;
	if (a.family == 4)
		return mem_printf("%u.%u.%u.%u.in-addr.arpa", a.bytes[3], a.bytes[2], a.bytes[1],
				  a.bytes[0]);
	for (int i = 15; i >= 0; i--)
		buf_printf(&b, "%x.%x.", a.bytes[i] & 15u, a.bytes[i] >> 4);
	buf_puts(&b, "ip6.arpa");
	return buf_take(&b);
}

static void mark(struct reverse *r, struct ptr *p)
{
	if (p->dirty)
		return;
	p->dirty = true;
	p->next_dirty = r->dirty;
	r->dirty = p;
}

static void forget(struct reverse *r, const char *object)
{
	struct strv *names = map_remove(&r->objects, object);

	for (size_t i = 0; names && i < names->n; i++) {
		struct ptr *p = map_get(&r->ptrs, names->s[i]);

		for (size_t k = 0; p && k < p->n;) {
			if (strcmp(p->shares[k].object, object) != 0) {
				k++;
				continue;
			}
			share_fini(&p->shares[k]);
			p->shares[k] = p->shares[--p->n];
			mark(r, p);
		}
	}
	if (names)
		names_free(names);
}

static void add(struct reverse *r, const char *object, const struct endpoint *e, char *name)
{
	struct strv *names = map_get(&r->objects, object);
	struct ptr *p = map_get(&r->ptrs, name);

	if (names == NULL) {
		names = MEM_NEW(struct strv);
		(void)map_put(&r->objects, object, names);
	}
	(void)strv_add_unique(names, name);
	if (p == NULL) {
		p = MEM_NEW(struct ptr);
		p->name = mem_strdup(name);
		(void)map_put(&r->ptrs, name, p);
	}
	p->shares = mem_array(p->shares, p->n + 1, sizeof(*p->shares));
	p->shares[p->n++] =
		(struct share){ mem_strdup(object), mem_strdup(e->dns_name), e->record_ttl };
	mark(r, p);
	free(name);
}

void reverse_put(struct reverse *r, const char *object, struct endpoint *const *endpoints, size_t n)
{
	if (!endpoint_chain_makes_ptr(r->chain))
		return;
	forget(r, object);
	for (size_t i = 0; i < n; i++) {
		const struct endpoint *e = endpoints[i];

		if (!endpoint_chain_wants_ptr(r->chain, e))
			continue;
		for (size_t k = 0; k < e->targets.n; k++) {
			char *name = reverse_name(e->targets.s[k]);

			if (name)
				add(r, object, e, name);
		}
	}
}

static struct endpoint *make(const struct ptr *p)
{
	struct endpoint *e = endpoint_new(p->name, "PTR", p->shares[0].ttl);

	for (size_t i = 0; i < p->n; i++) {
		strv_add(&e->targets, p->shares[i].name);
		if (p->shares[i].ttl < e->record_ttl)
			e->record_ttl = p->shares[i].ttl;
	}
	strv_uniq(&e->targets);
	return e;
}

void reverse_flush(struct reverse *r,
		   void (*cb)(void *ctx, const char *object, const struct endpoint_list *before,
			      const struct endpoint_list *now),
		   void *ctx)
{
	while (r->dirty) {
		struct ptr *p = r->dirty;
		struct endpoint_list now = { 0 };
		char *object = mem_printf("ptr/%s", p->name);

		r->dirty = p->next_dirty;
		p->dirty = false;
		if (p->n)
			endpoint_list_take(&now, make(p));
		cb(ctx, object, &p->out, &now);
		endpoint_list_fini(&p->out);
		p->out = now;
		if (p->n == 0)
			ptr_free(map_remove(&r->ptrs, p->name));
		free(object);
	}
}

#include "sync/rrstore.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "sync/wire_target.h"

struct rr {
	uint8_t *data;
	uint16_t len;
};

struct rrstore_set {
	char *name; /* lower case, no final dot */
	uint16_t type;
	uint32_t ttl;
	struct rr *rr;
	size_t n;
};

static void set_free(void *p)
{
	struct rrstore_set *s = p;

	for (size_t i = 0; i < s->n; i++)
		free(s->rr[i].data);
	free(s->rr);
	free(s->name);
	free(s);
}

void rrstore_fini(struct rrstore *s)
{
	map_fini(&s->sets, set_free);
	*s = (struct rrstore){ 0 };
}

/* Caller frees both. */
static char *key_of(const struct dns_record *r, char **ret_name)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(r->owner, lower);
	*ret_name = dname_text(lower);
	return mem_printf("%s %u", *ret_name, r->type);
}

static struct rr *find(const struct rrstore_set *s, const struct dns_record *r)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->rr[i].len == r->rdlen &&
		    (r->rdlen == 0 || memcmp(s->rr[i].data, r->rdata, r->rdlen) == 0))
			return &s->rr[i];
	return NULL;
}

void rrstore_add(struct rrstore *s, const struct dns_record *r)
{
	char *name = NULL, *key;
	struct rrstore_set *set;

	if (!wire_target_is_shown(r->type))
		return;
	key = key_of(r, &name);
	set = map_get(&s->sets, key);
	if (set == NULL) {
		set = MEM_NEW(struct rrstore_set);
		set->name = mem_strdup(name);
		set->type = r->type;
		(void)map_put(&s->sets, key, set); /* was not there */
	}
	set->ttl = r->ttl;
	if (find(set, r) == NULL) {
		set->rr = mem_array(set->rr, set->n + 1, sizeof(*set->rr));
		set->rr[set->n++] = (struct rr){ mem_dup(r->rdata, r->rdlen), r->rdlen };
	}
	free(key);
	free(name);
}

void rrstore_remove(struct rrstore *s, const struct dns_record *r)
{
	char *name = NULL, *key = key_of(r, &name);
	struct rrstore_set *set = map_get(&s->sets, key);
	struct rr *rr = set ? find(set, r) : NULL;

	if (rr) {
		free(rr->data);
		set->n--;
		memmove(rr, rr + 1, (size_t)(set->rr + set->n - rr) * sizeof(*rr));
		if (set->n == 0)
			set_free(map_remove(&s->sets, key));
	}
	free(key);
	free(name);
}

void rrstore_endpoints(const struct rrstore *s, struct endpoint_list *out)
{
	for (struct map_item *it = map_first(&s->sets); it; it = map_next(&s->sets, it)) {
		const struct rrstore_set *set = it->value;
		char type[12];
		struct endpoint *e =
			endpoint_new(set->name, rrtype_to_text(set->type, type), set->ttl);

		for (size_t i = 0; i < set->n; i++)
			strv_take(&e->targets,
				  wire_target_get(set->type, set->rr[i].data, set->rr[i].len));
		endpoint_list_take(out, e);
	}
}

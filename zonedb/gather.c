#include "zonedb/gather.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "zonedb/rrset.h"
#include "zonedb/txn.h"
#include "zonedb/zonefile_sums.h"

void gather_init(struct gather *g, struct txn *t, const uint8_t *zone)
{
	memset(g, 0, sizeof(*g));
	g->t = t;
	g->sums = zonefile_sums_new();
	memcpy(g->zone, zone, dname_len(zone));
}

void gather_fini(struct gather *g)
{
	zonefile_sums_free(g->sums);
	buf_fini(&g->bytes);
	free(g->lens);
	free(g->list);
}

static void keep(struct gather *g, const uint8_t *rdata, uint16_t len)
{
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->lens = mem_array(g->lens, g->cap, sizeof(uint16_t));
	}
	g->lens[g->n++] = len;
	buf_add(&g->bytes, rdata, len);
}

static void list_add(struct gather *g, size_t *n, const uint8_t *rdata, uint16_t len)
{
	if (*n == g->list_cap) {
		g->list_cap = g->list_cap ? g->list_cap * 2 : 16;
		g->list = mem_array(g->list, g->list_cap, sizeof(struct rdata));
	}
	g->list[(*n)++] = (struct rdata){ rdata, len };
}

/* The gathered records, behind what came earlier of this RRset. */
static size_t list_all(struct gather *g)
{
	const struct rrset *there = NULL;
	const uint8_t *rdata;
	size_t pos = 0, n = 0;
	uint16_t len;
	bool *seen = &g->sums->seen[zonefile_sums_find(g->sums, g->key)];

	if (*seen)
		there = txn_rrset(g->t, g->zone, g->owner, g->type);
	*seen = true;
	if (there) {
		g->ttl = there->ttl; /* the first one counts */
		while (rrset_next(there, &pos, &rdata, &len))
			list_add(g, &n, rdata, len);
	}
	rdata = (const uint8_t *)buf_str(&g->bytes);
	for (size_t i = 0; i < g->n; rdata += g->lens[i], i++)
		list_add(g, &n, rdata, g->lens[i]);
	return n;
}

static bool is_unchanged(const struct gather *g)
{
	return g->old && zonefile_sums_find(g->old, g->key) >= 0 &&
	       zonefile_sums_get(g->old, g->key) == zonefile_sums_get(g->now, g->key);
}

int gather_flush(struct gather *g)
{
	int err = 0;

	if (g->n && !is_unchanged(g)) {
		size_t n = list_all(g);

		err = txn_put_rrset(g->t, g->zone, g->owner, g->type, g->ttl, g->list, n);
	}
	g->n = 0;
	buf_reset(&g->bytes);
	return err;
}

int gather_add(struct gather *g, const uint8_t *owner, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t len, unsigned tag)
{
	size_t owner_len = dname_len(owner);

	g->records++;
	if (g->n == 0 || type != g->type || owner_len != g->owner_len ||
	    memcmp(owner, g->owner, owner_len) != 0) {
		int err = gather_flush(g);

		if (err)
			return err;
		memcpy(g->owner, owner, owner_len);
		g->owner_len = owner_len;
		g->type = type;
		g->ttl = ttl;
		g->tag = tag;
		g->key = zonefile_sums_key(owner, type);
	}
	zonefile_sums_add(g->sums, g->key, zonefile_sums_record(type, ttl, rdata, len));
	keep(g, rdata, len);
	return 0;
}

#include "zonedb/zonefile_sums.h"

#include <stdlib.h>

#include "lib/dname.h"
#include "lib/hash64.h"
#include "lib/mem.h"

struct zonefile_sums *zonefile_sums_new(void)
{
	return MEM_NEW(struct zonefile_sums);
}

void zonefile_sums_free(struct zonefile_sums *s)
{
	if (s == NULL)
		return;
	free(s->slots);
	free(s->seen);
	free(s);
}

uint64_t zonefile_sums_key(const uint8_t *owner, uint16_t type)
{
	uint8_t lower[DNAME_MAX];
	uint64_t h = hash64(lower, dname_lower(owner, lower), type);

	return h ? h : 1;
}

uint64_t zonefile_sums_record(uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t len)
{
	return hash64(rdata, len, (uint64_t)type << 32 | ttl);
}

static size_t place(const struct zonefile_sums *s, uint64_t key)
{
	size_t i = (size_t)key & (s->cap - 1);

	while (s->slots[i].key && s->slots[i].key != key)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct zonefile_sums *s)
{
	struct zonefile_sums old = *s;

	s->cap = old.cap ? old.cap * 2 : 16;
	s->slots = mem_calloc(s->cap, sizeof(struct sum));
	s->seen = mem_calloc(s->cap, sizeof(bool));
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].key == 0)
			continue;
		size_t to = place(s, old.slots[i].key);

		s->slots[to] = old.slots[i];
		s->seen[to] = old.seen[i];
	}
	free(old.slots);
	free(old.seen);
}

uint64_t zonefile_sums_weight(uint64_t key, uint64_t record)
{
	return record * (key | 1);
}

void zonefile_sums_add(struct zonefile_sums *s, uint64_t key, uint64_t record)
{
	if (s->n * 2 >= s->cap)
		grow(s);
	size_t i = place(s, key);
	s->n += s->slots[i].key == 0;
	s->slots[i].key = key;
	s->slots[i].sum += record;
	s->total += zonefile_sums_weight(key, record);
}

long zonefile_sums_find(const struct zonefile_sums *s, uint64_t key)
{
	if (s == NULL || s->cap == 0)
		return -1;
	size_t i = place(s, key);
	return s->slots[i].key ? (long)i : -1;
}

uint64_t zonefile_sums_get(const struct zonefile_sums *s, uint64_t key)
{
	long i = zonefile_sums_find(s, key);

	return i < 0 ? 0 : s->slots[i].sum;
}

#include "lib/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/mem.h"

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_init(void)
{
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		abort();
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t map_hash(const void *data, size_t len)
{
	const uint8_t *p = data;

	(void)pthread_once(&seed_once, seed_init);
	uint64_t h = seed[0] ^ len;
	while (len >= 8) {
		uint64_t w;

		memcpy(&w, p, 8);
		h = mix(h ^ w, seed[1] | 1);
		p += 8;
		len -= 8;
	}
	uint64_t tail = 0;
	if (len)
		memcpy(&tail, p, len);
	return mix(h ^ tail, 0x9e3779b97f4a7c15ULL ^ seed[1]);
}

void map_fini(struct map *m, void (*free_value)(void *))
{
	struct map_item *next;

	for (struct map_item *it = m->head; it; it = next) {
		next = it->next;
		if (free_value)
			free_value(it->value);
		free(it->key);
		free(it);
	}
	free(m->buckets);
	*m = (struct map){ 0 };
}

static struct map_item **find(const struct map *m, const char *key, uint64_t hash)
{
	struct map_item **at = &m->buckets[hash & (m->nbuckets - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
		at = &(*at)->hash_next;
	return at;
}

void *map_get(const struct map *m, const char *key)
{
	if (m->n == 0)
		return NULL;
	struct map_item *it = *find(m, key, map_hash(key, strlen(key)));
	return it ? it->value : NULL;
}

static void grow(struct map *m)
{
	size_t n = m->nbuckets ? m->nbuckets * 2 : 8;

	free(m->buckets);
	m->buckets = mem_calloc(n, sizeof(*m->buckets));
	m->nbuckets = n;
	for (struct map_item *it = m->head; it; it = it->next) {
		struct map_item **at = &m->buckets[it->hash & (n - 1)];

		it->hash_next = *at;
		*at = it;
	}
}

void *map_put(struct map *m, const char *key, void *value)
{
	uint64_t hash = map_hash(key, strlen(key));

	if (m->nbuckets == 0 || m->n >= m->nbuckets)
		grow(m);
	struct map_item **at = find(m, key, hash);
	if (*at) {
		void *old = (*at)->value;

		(*at)->value = value;
		return old;
	}
	struct map_item *it = MEM_NEW(struct map_item);
	it->key = mem_strdup(key);
	it->value = value;
	it->hash = hash;
	it->prev = m->tail;
	if (m->tail)
		m->tail->next = it;
	else
		m->head = it;
	m->tail = it;
	*at = it;
	m->n++;
	return NULL;
}

void *map_remove(struct map *m, const char *key)
{
	if (m->n == 0)
		return NULL;
	struct map_item **at = find(m, key, map_hash(key, strlen(key)));
	struct map_item *it = *at;
	if (it == NULL)
		return NULL;
	void *value = it->value;

	*at = it->hash_next;
	if (it->prev)
		it->prev->next = it->next;
	else
		m->head = it->next;
	if (it->next)
		it->next->prev = it->prev;
	else
		m->tail = it->prev;
	free(it->key);
	free(it);
	m->n--;
	return value;
}

struct map_item *map_first(const struct map *m)
{
	return m->head;
}

struct map_item *map_next(const struct map *m, const struct map_item *it)
{
	(void)m;
	return it->next;
}

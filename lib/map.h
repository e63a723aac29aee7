/*
 * map - string to pointer, in the order of insertion.  The map copies keys and
 * borrows values.  Zero-initialise to begin.  Hash seeded per process.
 *
 *	struct map m = { 0 };
 *	map_put(&m, "eu", cluster);
 *	for (struct map_item *it = map_first(&m); it; it = map_next(&m, it)) …
 *
 * An item may be removed while iterating if map_next was called on it before.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map_item {
	char *key;
	void *value;
	struct map_item *hash_next;
	struct map_item *prev, *next;
	uint64_t hash;
};

struct map {
	struct map_item **buckets;
	size_t nbuckets;
	size_t n;
	struct map_item *head, *tail;
};

/* Free keys and, with FREE_VALUE, values. */
void map_fini(struct map *m, void (*free_value)(void *));
void *map_get(const struct map *m, const char *key);
/* Set KEY; returns the value that was there, or NULL. */
void *map_put(struct map *m, const char *key, void *value);
/* Remove KEY; returns its value, or NULL. */
void *map_remove(struct map *m, const char *key);
struct map_item *map_first(const struct map *m);
struct map_item *map_next(const struct map *m, const struct map_item *it);
/* 64-bit hash of bytes, seeded per process. */
uint64_t map_hash(const void *data, size_t len);

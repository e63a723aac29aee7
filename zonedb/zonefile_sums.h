/*
 * zonefile_sums - what a master file says, in 16 octets an RRset: (owner, type)
 * as a hash, and the sum of the hashes of its records.  Two of them tell which
 * RRsets a newer file changed, in any order of lines.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sum {
	uint64_t key; /* never 0 */
	uint64_t sum;
};

struct zonefile_sums {
	struct sum *slots; /* open addressing; cap is a power of two */
	bool *seen;        /* for the user: one a slot */
	size_t n, cap;
	uint64_t total; /* of all records */
};

struct zonefile_sums *zonefile_sums_new(void);
void zonefile_sums_free(struct zonefile_sums *s); /* NULL is fine */
/* The key of an RRset; any case. */
uint64_t zonefile_sums_key(const uint8_t *owner, uint16_t type);
/* The hash of one record's content. */
uint64_t zonefile_sums_record(uint16_t type, uint32_t ttl, const uint8_t *rdata, size_t len);
/* What a record adds to the total: the same data of another owner are other data. */
uint64_t zonefile_sums_weight(uint64_t key, uint64_t record);
void zonefile_sums_add(struct zonefile_sums *s, uint64_t key, uint64_t record);
/* The slot of KEY, or -1.  s NULL: -1. */
long zonefile_sums_find(const struct zonefile_sums *s, uint64_t key);
/* The sum of KEY, 0 if it is not there. */
uint64_t zonefile_sums_get(const struct zonefile_sums *s, uint64_t key);

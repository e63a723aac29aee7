/*
 * selector - the choice of a variant per query, stored in the RRset so that
 * the server needs no arrow to policy.  Made by gslb; immutable once put.
 * select runs on workers: pure, const data, no lock, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Who asks: the ECS address if one was sent and is trusted, else the packet's source. */
struct selector_client {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
	uint8_t prefix_len; /* ECS source prefix length, or 32/128 */
	bool is_ecs;
};

struct selector {
	/*
	 * Index of the variant for this client; RND is a fresh random number.
	 * *ret_scope: how many bits of the address the choice depends on (RFC 7871 7.2.1); 0 =
	 * none.
	 */
	unsigned (*select)(const struct selector *s, const struct selector_client *client,
			   uint32_t rnd, uint8_t *ret_scope);
	void (*free)(struct selector *s); /* after the last reader left */
	bool needs_client;                /* false: select ignores client, scope is 0 */
	/* Equal selectors make equal RRsets (no serial bump).  May be NULL = never equal. */
	bool (*equal)(const struct selector *a, const struct selector *b);
};

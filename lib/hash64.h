/*
 * hash64 - a fast hash of bytes that is the same in every process and may be
 * stored.  Not for tables that an attacker fills: map_hash is seeded.  Inline, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t hash64_mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
	return h ^ h >> 32;
}

static inline uint64_t hash64(const void *data, size_t len, uint64_t seed)
{
	const uint8_t *p = data;
	uint64_t h = hash64_mix(seed + len, 0x243f6a8885a308d3u); /* pi */
	uint64_t word;

	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = hash64_mix(h, word);
	}
	word = 0;
	memcpy(&word, p, len);
	h = hash64_mix(h, word);
	return hash64_mix(h, h >> 29);
}

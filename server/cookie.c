#include "server/cookie.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/wire.h"

static inline uint64_t rotl(uint64_t x, int b)
{
	return x << b | x >> (64 - b);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline uint64_t get64le(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v)); /* lib/wire.h asserts little endian */
	return v;
}

static inline void sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t cookie_siphash(const uint8_t *key, const uint8_t *data, size_t len)
{
	uint64_t k0 = get64le(key);
	uint64_t k1 = get64le(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
			  k1 ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)len << 56;
	size_t whole = len & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		sip_word(v, get64le(data + i));
	for (size_t i = whole; i < len; i++)
		last |= (uint64_t)data[i] << 8 * (i & 7);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Octets of the client's address: 4 or 16; IPv4 that came through an IPv6 socket counts as IPv4. */
static size_t address(const struct sockaddr *sa, const uint8_t **ret)
{
	if (sa->sa_family == AF_INET) {
		*ret = (const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr;
		return 4;
	}
	const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	if (IN6_IS_ADDR_V4MAPPED(a)) {
		*ret = a->s6_addr + 12;
		return 4;
	}
	*ret = a->s6_addr;
	return 16;
}

/* RFC 9018 4.4: over client cookie, version, reserved, timestamp, client address. */
static uint64_t hash(const uint8_t *secret, const uint8_t *cookie, const struct sockaddr *client)
{
	uint8_t text[16 + 16];
	const uint8_t *addr;
	size_t len = address(client, &addr);

	memcpy(text, cookie, 16);
	memcpy(text + 16, addr, len);
	return cookie_siphash(secret, text, 16 + len);
}

/* One hour back, five minutes ahead (RFC 9018 4.3), in serial arithmetic. */
static bool is_timely(uint32_t age_s)
{
	return age_s <= 3600 || age_s >= (uint32_t)-300;
}

enum cookie_state cookie_check(const struct cookie_keys *k, const uint8_t *cookie, size_t len,
			       const struct sockaddr *client, uint32_t now_s)
{
	if (len != COOKIE_LEN || cookie[8] != 1)
		return COOKIE_BAD;
	uint32_t age = now_s - wire_get32(cookie + 12);
	if (!is_timely(age))
		return COOKIE_BAD;
	uint64_t theirs = get64le(cookie + 16);
	for (unsigned i = 0; i < k->n; i++) {
		if (hash(k->secret[i], cookie, client) != theirs)
			continue; /* one compare of a whole word: no timing to learn from */
		/* older than half an hour, or made with the outgoing secret: renew */
		return i > 0 || (age > 1800 && age <= 3600) ? COOKIE_GOOD : COOKIE_FRESH;
	}
	return COOKIE_BAD;
}

void cookie_make(const struct cookie_keys *k, const uint8_t *client_cookie,
		 const struct sockaddr *client, uint32_t now_s, uint8_t *out)
{
	memmove(out, client_cookie, 8);
	memcpy(out + 8, "\x01\x00\x00\x00", 4);
	wire_put32(out + 12, now_s);
	uint64_t h = hash(k->secret[0], out, client);
	memcpy(out + 16, &h, sizeof(h));
}

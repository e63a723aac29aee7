/*
 * cookie - server cookies in the interoperable format of RFC 9018, so that all
 * servers of an anycast set that share the secret accept each other's.
 *
 *	client cookie (8) | version 1 | reserved (3) | timestamp (4) | SipHash-2-4 (8)
 *
 * Any thread; keys are read-only after start.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define COOKIE_LEN 24 /* client and server cookie */

struct cookie_keys {
	uint8_t secret[2][16]; /* the first makes cookies, all are accepted (rollover) */
	unsigned n;            /* 1 or 2 */
};

enum cookie_state {
	COOKIE_BAD,   /* no server cookie, or a wrong or old one */
	COOKIE_GOOD,  /* accepted, but to be renewed */
	COOKIE_FRESH, /* accepted; send the same back */
};

/* COOKIE: client and server part as received, LEN octets.  NOW_S: Unix time modulo 2^32. */
enum cookie_state cookie_check(const struct cookie_keys *k, const uint8_t *cookie, size_t len,
			       const struct sockaddr *client, uint32_t now_s);
/* OUT (COOKIE_LEN octets) = the CLIENT_COOKIE's 8 octets and a server cookie. */
void cookie_make(const struct cookie_keys *k, const uint8_t *client_cookie,
		 const struct sockaddr *client, uint32_t now_s, uint8_t *out);
/* SipHash-2-4 of LEN octets under KEY (16), in the octet order of the reference code. */
uint64_t cookie_siphash(const uint8_t *key, const uint8_t *data, size_t len);

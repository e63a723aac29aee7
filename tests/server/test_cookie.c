/* Tests of server cookies: the vectors of RFC 9018 appendix A, ages, rollover. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "server/cookie.h"

static void unhex(const char *hex, uint8_t *out)
{
	for (; *hex; hex += 2) {
		unsigned v;

		sscanf(hex, "%2x", &v);
		*out++ = (uint8_t)v;
	}
}

static struct sockaddr *client(const char *text)
{
	static union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;

	memset(&u, 0, sizeof(u));
	if (strchr(text, ':')) {
		u.in6.sin6_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &u.in6.sin6_addr), 1);
	} else {
		u.in.sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, text, &u.in.sin_addr), 1);
	}
	return &u.sa;
}

static struct cookie_keys keys(const char *first, const char *second)
{
	struct cookie_keys k = { .n = second ? 2 : 1 };

	unhex(first, k.secret[0]);
	if (second)
		unhex(second, k.secret[1]);
	return k;
}

static void expect_made(const struct cookie_keys *k, const char *from, const char *addr,
			uint32_t now, const char *want)
{
	uint8_t cookie[COOKIE_LEN] = { 0 };
	uint8_t out[COOKIE_LEN];
	uint8_t wanted[COOKIE_LEN];

	unhex(from, cookie);
	unhex(want, wanted);
	cookie_make(k, cookie, client(addr), now, out);
	assert_memory_equal(out, wanted, COOKIE_LEN);
}

static void rfc_9018_appendix_a(void **state)
{
	(void)state;
	struct cookie_keys k = keys("e5e973e5a6b2a43f48e7dc849e37bfcf", NULL);
	uint8_t cookie[COOKIE_LEN];

	/* A.1 learning a new server cookie */
	expect_made(&k, "2464c4abcf10c957", "198.51.100.100", 0x5cf79f11,
		    "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
	/* A.2 the same client, 40 minutes later: renewed */
	unhex("2464c4abcf10c957010000005cf79f111f8130c3eee29480", cookie);
	assert_int_equal(cookie_check(&k, cookie, 24, client("198.51.100.100"), 0x5cf7a871),
			 COOKIE_GOOD);
	expect_made(&k, "2464c4abcf10c957", "198.51.100.100", 0x5cf7a871,
		    "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
	/* A.3 another client, reserved bits set */
	unhex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5", cookie);
	assert_int_equal(cookie_check(&k, cookie, 24, client("203.0.113.203"), 0x5cf78f71 + 60),
			 COOKIE_FRESH);
	/* A.4 IPv6, the secret was rolled */
	k = keys("445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715");
	unhex("22681ab97d52c298010000005cf7c57926556bd0934c72f8", cookie);
	assert_int_equal(cookie_check(&k, cookie, 24, client("2001:db8:220:1:59de:d0f4:8769:82b8"),
				      0x5cf7c609),
			 COOKIE_GOOD);
	expect_made(&k, "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8", 0x5cf7c609,
		    "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
}

static void a_cookie_has_its_time(void **state)
{
	static const struct {
		uint32_t made, now;
		enum cookie_state state;
	} cases[] = {
		{ 1000000, 1000000, COOKIE_FRESH },
		{ 1000000, 1000000 + 1800, COOKIE_FRESH },
		{ 1000000, 1000000 + 1801, COOKIE_GOOD },
		{ 1000000, 1000000 + 3600, COOKIE_GOOD },
		{ 1000000, 1000000 + 3601, COOKIE_BAD },
		{ 1000300, 1000000, COOKIE_FRESH }, /* five minutes ahead of us */
		{ 1000301, 1000000, COOKIE_BAD },
		{ 0xffffff00, 0x40, COOKIE_FRESH }, /* across 2106, RFC 1982 */
		{ 0x40, 0xffffff00, COOKIE_BAD },
		{ 0x7ffffff0, 0x80000010, COOKIE_FRESH }, /* across 2038 */
	};
	struct cookie_keys k = keys("000102030405060708090a0b0c0d0e0f", NULL);
	uint8_t cookie[COOKIE_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cookie_make(&k, (const uint8_t *)"abcdefgh", client("192.0.2.1"), cases[i].made,
			    cookie);
		assert_int_equal(cookie_check(&k, cookie, 24, client("192.0.2.1"), cases[i].now),
				 cases[i].state);
	}
}

static void a_cookie_is_bound_to_client_and_secret(void **state)
{
	struct cookie_keys k = keys("000102030405060708090a0b0c0d0e0f", NULL);
	struct cookie_keys other = keys("100102030405060708090a0b0c0d0e0f", NULL);
	uint8_t cookie[41] = { 0 };

	(void)state;
	cookie_make(&k, (const uint8_t *)"abcdefgh", client("192.0.2.1"), 5000, cookie);
	assert_int_equal(cookie_check(&k, cookie, 24, client("192.0.2.1"), 5000), COOKIE_FRESH);
	/* IPv4 that came through a socket of both families */
	assert_int_equal(cookie_check(&k, cookie, 24, client("::ffff:192.0.2.1"), 5000),
			 COOKIE_FRESH);
	assert_int_equal(cookie_check(&k, cookie, 24, client("192.0.2.2"), 5000), COOKIE_BAD);
	assert_int_equal(cookie_check(&other, cookie, 24, client("192.0.2.1"), 5000), COOKIE_BAD);
	for (unsigned bit = 0; bit < 24 * 8; bit++) {
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(cookie_check(&k, cookie, 24, client("192.0.2.1"), 5000),
				 COOKIE_BAD);
		cookie[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t len = 8; len <= 40; len++)
		if (len != 24)
			assert_int_equal(cookie_check(&k, cookie, len, client("192.0.2.1"), 5000),
					 COOKIE_BAD);
}

/* The reference implementation's vector: key and text 00 01 02 …, 15 octets. */
static void siphash_is_siphash_2_4(void **state)
{
	uint8_t bytes[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = (uint8_t)i;
	assert_true(cookie_siphash(bytes, bytes, 15) == 0xa129ca6149be45e5);
	assert_true(cookie_siphash(bytes, bytes, 0) == 0x726fdb47dd0e0e31);
	assert_true(cookie_siphash(bytes, bytes, 8) == 0x93f5f5799a932462);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_9018_appendix_a),
		cmocka_unit_test(a_cookie_has_its_time),
		cmocka_unit_test(a_cookie_is_bound_to_client_and_secret),
		cmocka_unit_test(siphash_is_siphash_2_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

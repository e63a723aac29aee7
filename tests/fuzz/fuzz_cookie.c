/* fuzz_cookie - any octets as a cookie: only what we made ourselves is accepted. */
#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/wire.h"
#include "server/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct cookie_keys keys = { .secret = { "0123456789abcdef" }, .n = 2 };
	struct sockaddr_in6 client = { .sin6_family = AF_INET6 };
	uint8_t made[COOKIE_LEN];

	if (size < 20 || size > 60)
		return 0;
	memcpy(&client.sin6_addr, data, 16);
	uint32_t now = wire_get32(data + 16);
	const struct sockaddr *sa = (const struct sockaddr *)&client;
	data += 20;
	size -= 20;
	if (size >= 8) {
		cookie_make(&keys, data, sa, now, made);
		assert(memcmp(made, data, 8) == 0);
		assert(cookie_check(&keys, made, COOKIE_LEN, sa, now) == COOKIE_FRESH);
	}
	if (size <= 40)
		(void)cookie_check(&keys, data, size, sa, now);
	return 0;
}

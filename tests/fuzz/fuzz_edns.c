/*
 * fuzz_edns - any octets as an OPT record: what is read is bounded, and what is written in answer
 * to it has the length that was promised and is itself an OPT that parses.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/wire.h"
#include "server/edns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edns e = { 0 };
	struct edns_reply r = { .size = 1232, .nsid = "nsid", .agent = (const uint8_t *)"\1a" };
	uint8_t out[2000];

	if (size < 12 || size > 4000)
		return 0;
	/* two octets of flags for the reply, then type, class, TTL, RDLENGTH, options */
	r.flags = wire_get16(data) & 0xff;
	data += 2;
	size -= 2;
	int err = edns_parse(&e, data, (uint16_t)(size - 10));
	assert(e.flags & EDNS_HAS_OPT && e.size >= 512);
	if (err)
		return 0;
	assert(e.version == 0);
	if (!(e.flags & EDNS_HAS_SUBNET))
		r.flags &= ~(unsigned)EDNS_PUT_SUBNET;
	assert(edns_subnet_len(&e) <= 16 || !(e.flags & EDNS_HAS_SUBNET));
	assert(e.cookie_len <= EDNS_COOKIE_MAX || !(e.flags & EDNS_HAS_COOKIE));
	size_t len = edns_put(&r, &e, 0, out);
	assert(len == edns_len(&r, &e));
	assert(wire_get16(out + 9) == len - EDNS_OPT_FIXED);
	/* KEEPALIVE and ZONEVERSION with content are answers, not queries; scope is 0 here */
	struct edns again = { 0 };
	if (!(r.flags & (EDNS_PUT_KEEPALIVE | EDNS_PUT_ZONEVERSION))) {
		assert(edns_parse(&again, out + 1, (uint16_t)(len - EDNS_OPT_FIXED)) == 0);
		assert((again.flags & EDNS_DO) == (e.flags & EDNS_DO));
		if (r.flags & EDNS_PUT_SUBNET)
			assert(memcmp(again.subnet, e.subnet, 16) == 0 &&
			       again.subnet_source == e.subnet_source);
	}
	return 0;
}

/*
 * update - changes of endpoints as one DNS UPDATE message (RFC 2136).
 * Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "sync/provider.h"

struct update_options {
	uint32_t min_ttl;
	/*
	 * Say what must be there for the whole to be done: what is created must not exist (nor a
	 * CNAME beside it), what is changed must be just as it was read.
	 */
	bool prerequisites;
};

/*
 * ORIGIN: wire.  The message (id 0) is put into OUT.
 * ERR_SYNTAX, ERR_UNSUPPORTED with *ret_bad = the index of the change that cannot be said;
 * ERR_LIMIT: larger than a message can be.
 */
int update_make(const uint8_t *origin, struct change *const *c, size_t n,
		const struct update_options *options, struct buf *out, size_t *ret_bad);
/* About as many octets as C takes in a message. */
size_t update_size(const struct change *c);

/*
 * json_read - JSON as cJSON trees, in one pass and without the parts that nobody
 * reads: members that a filter does not name are passed over, never built.
 * Names that occur in every object are shared.  Strict (RFC 8259), bounded depth.
 * Control thread.
 */
#pragma once

#include <stddef.h>

#include <cjson/cJSON.h>

/* What to keep of an object (or of each object in a list): names with what to keep below. */
struct json_keep {
	/* NULL ends the table; "*" = any name; "-NAME" = not this one.  The first that fits counts.
	 */
	const char *name;
	const struct json_keep *below; /* NULL = everything */
};

/*
 * One value in TEXT, blanks around it.  KEEP NULL = everything.  *ret is the caller's.
 * 0, ERR_SYNTAX, or ERR_LIMIT (nested more than 100 deep); *ret_at is the offset then.
 */
int json_read(const char *text, size_t len, const struct json_keep *keep, cJSON **ret,
	      size_t *ret_at);

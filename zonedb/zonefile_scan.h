/*
 * zonefile_scan - the entries of a master file: one logical line each, with
 * comments, parentheses and line breaks resolved.  For zonefile*.c.
 *
 *	@ IN SOA ns host (  ; comment		owner "@", rest "IN SOA ns host   1 2 3 4 5"
 *		1 2 3 4 5 )
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

struct scan {
	const char *p, *end; /* the text that is left */
	unsigned line;       /* of P */
	struct buf joined;   /* the rest of an entry that is not one plain piece of the text */
};

/* A piece of text, not ended by NUL. */
struct piece {
	const char *s;
	size_t len;
};

void scan_init(struct scan *s, const char *text, size_t len);
void scan_fini(struct scan *s);
/*
 * The next entry that is not empty: *ret_blank tells that it begins with blanks (no owner),
 * *ret_rest is what follows, *ret_line where it began.  Valid until the next call.
 * 1; 0 at the end; ERR_SYNTAX with *ret_why (static).
 */
int scan_entry(struct scan *s, bool *ret_blank, struct piece *ret_rest, unsigned *ret_line,
	       const char **ret_why);
/* Take the first token off REST (blanks before it too); empty at the end. */
struct piece scan_token(struct piece *rest);

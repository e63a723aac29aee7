/*
 * zonefile - master files (RFC 1035 5): into records, into the database, and
 * back to text.
 *
 *	$ORIGIN (relative too), $TTL, $INCLUDE, $GENERATE, parentheses, comments,
 *	quotes, escapes, TTL and class in any order, every type, \# (RFC 3597)
 *
 * Strict: a broken file is refused whole, with file, line and why.  TTLs that
 * are left out: $TTL, else the last one stated, else (SOA alone) MINIMUM.
 * Parsing: any thread.  Loading: control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct strv;
struct txn;
struct zone;
struct zonefile_sums;

enum {
	ZONEFILE_INCLUDE_MAX = 10,       /* depth */
	ZONEFILE_GENERATE_MAX = 1000000, /* records of all $GENERATE of a load */
};

struct zonefile_record {
	const uint8_t *owner; /* wire, case as written */
	uint16_t type;
	uint16_t rdlen;
	uint32_t ttl;
	const uint8_t *rdata; /* wire, checked */
	const char *file;
	unsigned line;
};

/* One record; all borrowed.  Not 0 stops; *ret_why then says why (without file and line). */
typedef int (*zonefile_cb)(void *ctx, const struct zonefile_record *r, char **ret_why);

/*
 * Parse the file at PATH for the zone ORIGIN (wire).
 * includes: gets the paths of all files that were read, PATH first; NULL: not wanted.
 * ERR_IO, ERR_SYNTAX, ERR_RANGE (owner out of the zone), ERR_LIMIT, or what CB says, with
 * *ret_why = "FILE:LINE: reason" (caller frees).
 */
int zonefile_parse(const char *path, const uint8_t *origin, zonefile_cb cb, void *ctx,
		   struct strv *includes, char **ret_why);
/* The same for LEN characters of TEXT; NAME stands for the file in messages and for $INCLUDE. */
int zonefile_parse_text(const char *text, size_t len, const char *name, const uint8_t *origin,
			zonefile_cb cb, void *ctx, char **ret_why);

/*
 * Replace the zone ORIGIN in T by the file's records (it is added if it was not there).  A
 * failed load leaves part of it in T: abort T then.  *ret_records (may be NULL): records read.
 * Errors as zonefile_parse, and ERR_CONFLICT (CNAME beside other data …).
 */
int zonefile_load(struct txn *t, const char *path, const uint8_t *origin, struct strv *includes,
		  size_t *ret_records, char **ret_why);
/*
 * Load anew what the file changed since OLD (NULL: everything), and leave what others put
 * into the zone meanwhile.  live: the published zone, or NULL if there is none.  *ret_sums: what
 * the file says now (zonefile_sums_free).  Errors as zonefile_load, and ERR_AGAIN if the file
 * changed while it was read.
 */
int zonefile_update(struct txn *t, const struct zone *live, const char *path, const uint8_t *origin,
		    const struct zonefile_sums *old, struct zonefile_sums **ret_sums,
		    struct strv *includes, size_t *ret_records, char **ret_why);
/*
 * Is the file good as the zone ORIGIN (SOA and NS at the apex too)?  What `gslbctl check`
 * prints.  origin NULL: the file must begin with a SOA of an absolute owner or $ORIGIN, which
 * then is the zone.  *ret_summary: "zone example.com.: 12 records, serial 5" (caller frees).
 */
int zonefile_check(const char *path, const uint8_t *origin, char **ret_summary, char **ret_why);
/* What ERR of txn_put means for an RRset of TYPE in a master file. */
const char *zonefile_put_error(int err, uint16_t type);
/* The whole zone as a master file that loads again: one record a line, names absolute, SOA first.
 */
void zonefile_print(const struct zone *z, struct buf *out);

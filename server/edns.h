/*
 * edns - the OPT record (RFC 6891) and its options, in and out.
 * Any thread.  No allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire.h"

enum edns_option {
	EDNS_NSID = 3,
	EDNS_SUBNET = 8,
	EDNS_EXPIRE = 9,
	EDNS_COOKIE = 10,
	EDNS_KEEPALIVE = 11,
	EDNS_PADDING = 12,
	EDNS_EDE = 15,
	EDNS_REPORT_CHANNEL = 18,
	EDNS_ZONEVERSION = 19,
};

enum ede_code { /* RFC 8914 5.2 */
		EDE_NOT_READY = 14,
		EDE_PROHIBITED = 18,
		EDE_NOT_AUTHORITATIVE = 20,
		EDE_NOT_SUPPORTED = 21,
		EDE_NO_REACHABLE = 22,
		EDE_INVALID_QUERY_TYPE = 30,
		EDE_NONE = 0xffff,
};

/* What the query's OPT asks for. */
enum edns_flag {
	EDNS_HAS_OPT = 1,
	EDNS_DO = 2,
	EDNS_CO = 4, /* compact answers OK (RFC 9824) */
	EDNS_WANTS_NSID = 8,
	EDNS_WANTS_EXPIRE = 16,
	EDNS_WANTS_ZONEVERSION = 32,
	EDNS_HAS_COOKIE = 64,
	EDNS_HAS_SUBNET = 128,
	EDNS_HAS_KEEPALIVE = 256,
	EDNS_HAS_PADDING = 512,
};

#define EDNS_COOKIE_MAX 40

struct edns {
	uint16_t flags; /* enum edns_flag */
	uint16_t size;  /* the client's payload size, at least 512 */
	uint8_t version;
	uint8_t cookie_len;    /* 8 or 16..40 */
	uint8_t subnet_family; /* 0, 1 = IPv4, 2 = IPv6 as in RFC 7871 */
	uint8_t subnet_source; /* prefix length */
	uint8_t cookie[EDNS_COOKIE_MAX];
	uint8_t subnet[16]; /* network order, host bits zero */
};

/*
 * Read the OPT record's fixed fields at OPT (behind the root owner: type, class, TTL, RDLENGTH)
 * with RDLEN octets of options that are known to be there. 0; ERR_SYNTAX: FORMERR; ERR_UNSUPPORTED:
 * BADVERS (RFC 6891 6.1.3).  EDNS_HAS_OPT is set in any case.
 */
int edns_parse(struct edns *e, const uint8_t *opt, uint16_t rdlen);

/* edns_parse for the usual OPT, version 0 without options: false if it is another. */
static inline bool edns_parse_plain(struct edns *e, const uint8_t *opt, uint16_t rdlen)
{
	uint32_t ttl = wire_get32(opt + 4);
	uint16_t size = wire_get16(opt + 2);

	if (rdlen || ttl & 0xff0000)
		return false;
	e->flags = (uint16_t)(EDNS_HAS_OPT | (ttl & 0x8000 ? EDNS_DO : 0) |
			      (ttl & 0x4000 ? EDNS_CO : 0));
	e->size = size < 512 ? 512 : size; /* RFC 6891 6.2.3 */
	e->version = 0;
	return true;
}

/* Octets of the address of a subnet option (RFC 7871 6). */
static inline unsigned edns_subnet_len(const struct edns *e)
{
	return (e->subnet_source + 7u) / 8;
}

/* What the answer's OPT says; options that were not asked for are not set. */
enum edns_reply_flag {
	EDNS_PUT_NSID = 1,
	EDNS_PUT_COOKIE = 2,
	EDNS_PUT_SUBNET = 4,
	EDNS_PUT_EXPIRE = 8,
	EDNS_PUT_KEEPALIVE = 16,
	EDNS_PUT_ZONEVERSION = 32,
	EDNS_PUT_AGENT = 64,
	EDNS_PUT_EDE = 128,
};

struct edns_reply {
	unsigned flags;      /* enum edns_reply_flag */
	uint16_t size;       /* our payload size */
	uint16_t ede;        /* enum ede_code */
	uint16_t keepalive;  /* 100 ms units */
	uint8_t scope;       /* of the subnet option */
	uint8_t zone_labels; /* ZONEVERSION: of the zone's origin */
	uint32_t zone_serial;
	uint32_t expire_s;
	const char *nsid;     /* text, sent as octets */
	const uint8_t *agent; /* RFC 9567, wire */
	uint8_t cookie[24];
};

#define EDNS_OPT_FIXED 11 /* an OPT record without options */

/* Octets of the options that edns_put would write for R, whose flags are not 0, in answer to E. */
size_t edns_options_len(const struct edns_reply *r, const struct edns *e);
/* Write them; returns octets. */
size_t edns_put_options(const struct edns_reply *r, const struct edns *e, uint8_t *out);

/* Octets edns_put would write. */
static inline size_t edns_len(const struct edns_reply *r, const struct edns *e)
{
	return EDNS_OPT_FIXED + (__builtin_expect(r->flags != 0, 0) ? edns_options_len(r, e) : 0);
}

/*
 * Write the OPT record to OUT, which has 16 octets even if fewer are needed; the upper bits of
 * RCODE go into it.  Returns octets.
 */
static inline size_t edns_put(const struct edns_reply *r, const struct edns *e, unsigned rcode,
			      uint8_t *out)
{
	size_t len = __builtin_expect(r->flags != 0, 0)
			     ? edns_put_options(r, e, out + EDNS_OPT_FIXED)
			     : 0;

	/* root, type 41, our size, extended rcode, version 0, */
	wire_put64(out, 41ULL << 40 | (uint64_t)r->size << 24 | (uint64_t)(rcode >> 4) << 16 |
				/* DO copied (RFC 3225 3), the other flags 0 */
				(e->flags & EDNS_DO ? 0x80 : 0));
	out[8] = 0;
	wire_put16(out + 9, (uint16_t)len);
	return EDNS_OPT_FIXED + len;
}

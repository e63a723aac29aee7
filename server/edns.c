#include "server/edns.h"

#include <string.h>

#include "lib/dname.h"
#include "lib/error.h"

/*
 * RFC 7871 6 and 7.1.2: SCOPE is 0 in queries, the address has as many octets as SOURCE needs, the
 * bits beyond it are 0.
 */
static int parse_subnet(struct edns *e, const uint8_t *data, uint16_t len)
{
	static const uint8_t bits[3] = { 0, 32, 128 };

	if (len < 4)
		return ERR_SYNTAX;
	uint16_t family = wire_get16(data);
	uint8_t source = data[2];
	unsigned octets = (source + 7u) / 8;
	if (family > 2 || source > bits[family] || data[3] != 0 || len != 4 + octets)
		return ERR_SYNTAX;
	if (source % 8 && data[4 + octets - 1] & 0xff >> source % 8)
		return ERR_SYNTAX;
	e->subnet_family = (uint8_t)family;
	e->subnet_source = source;
	memset(e->subnet, 0, sizeof(e->subnet));
	memcpy(e->subnet, data + 4, octets);
	e->flags |= EDNS_HAS_SUBNET;
	return 0;
}

/* RFC 7873 5.2.2: 8, or 16 to 40; of several the first counts. */
static int parse_cookie(struct edns *e, const uint8_t *data, uint16_t len)
{
	if (e->flags & EDNS_HAS_COOKIE)
		return 0;
	if (len != 8 && (len < 16 || len > EDNS_COOKIE_MAX))
		return ERR_SYNTAX;
	memcpy(e->cookie, data, len);
	e->cookie_len = (uint8_t)len;
	e->flags |= EDNS_HAS_COOKIE;
	return 0;
}

static int parse_option(struct edns *e, uint16_t code, const uint8_t *data, uint16_t len)
{
	switch (code) {
	case EDNS_NSID: /* RFC 5001 2.1: empty in queries; what else is there is ignored */
		e->flags |= EDNS_WANTS_NSID;
		return 0;
	case EDNS_SUBNET:
		return e->flags & EDNS_HAS_SUBNET ? ERR_SYNTAX : parse_subnet(e, data, len);
	case EDNS_EXPIRE: /* RFC 7314 2 */
		e->flags |= EDNS_WANTS_EXPIRE;
		return 0;
	case EDNS_COOKIE:
		return parse_cookie(e, data, len);
	case EDNS_KEEPALIVE: /* RFC 7828 3.3.1: a client sends no time-out */
		e->flags |= EDNS_HAS_KEEPALIVE;
		return len ? ERR_SYNTAX : 0;
	case EDNS_PADDING:
		e->flags |= EDNS_HAS_PADDING;
		return 0;
	case EDNS_ZONEVERSION: /* RFC 9660 2: empty in queries */
		e->flags |= EDNS_WANTS_ZONEVERSION;
		return len ? ERR_SYNTAX : 0;
	default:
		return 0; /* RFC 6891 6.1.2: unknown ones are ignored */
	}
}

int edns_parse(struct edns *e, const uint8_t *opt, uint16_t rdlen)
{
	uint32_t ttl = wire_get32(opt + 4);
	const uint8_t *data = opt + 10;

	e->flags = EDNS_HAS_OPT;
	if (ttl & 0x8000)
		e->flags |= EDNS_DO;
	if (ttl & 0x4000)
		e->flags |= EDNS_CO;
	e->size = wire_get16(opt + 2);
	if (e->size < 512)
		e->size = 512; /* RFC 6891 6.2.3 */
	e->version = (uint8_t)(ttl >> 16);
	if (e->version != 0)
		return ERR_UNSUPPORTED; /* its options may look different */
	while (rdlen) {
		if (rdlen < 4)
			return ERR_SYNTAX;
		uint16_t code = wire_get16(data);
		uint16_t len = wire_get16(data + 2);
		if (len > rdlen - 4)
			return ERR_SYNTAX;
		int err = parse_option(e, code, data + 4, len);
		if (err)
			return err;
		data += 4 + len;
		rdlen = (uint16_t)(rdlen - 4 - len);
	}
	return 0;
}

size_t edns_options_len(const struct edns_reply *r, const struct edns *e)
{
	size_t n = 0;

	if (r->flags & EDNS_PUT_NSID)
		n += 4 + strlen(r->nsid);
	if (r->flags & EDNS_PUT_COOKIE)
		n += 4 + sizeof(r->cookie);
	if (r->flags & EDNS_PUT_SUBNET)
		n += 4 + 4 + edns_subnet_len(e);
	if (r->flags & EDNS_PUT_EXPIRE)
		n += 4 + 4;
	if (r->flags & EDNS_PUT_KEEPALIVE)
		n += 4 + 2;
	if (r->flags & EDNS_PUT_ZONEVERSION)
		n += 4 + 6;
	if (r->flags & EDNS_PUT_AGENT)
		n += 4 + dname_len(r->agent);
	if (r->flags & EDNS_PUT_EDE)
		n += 4 + 2;
	return n;
}

static uint8_t *option(uint8_t *out, enum edns_option code, const void *data, size_t len)
{
	wire_put16(out, (uint16_t)code);
	wire_put16(out + 2, (uint16_t)len);
	memcpy(out + 4, data, len);
	return out + 4 + len;
}

static uint8_t *put_subnet(uint8_t *out, const struct edns_reply *r, const struct edns *e)
{
	uint8_t data[4 + 16];

	/* RFC 7871 7.2.1: FAMILY, SOURCE and ADDRESS as they came */
	wire_put16(data, e->subnet_family);
	data[2] = e->subnet_source;
	data[3] = r->scope;
	memcpy(data + 4, e->subnet, 16);
	return option(out, EDNS_SUBNET, data, 4 + edns_subnet_len(e));
}

static uint8_t *put_numbers(uint8_t *out, const struct edns_reply *r)
{
	uint8_t data[6];

	if (r->flags & EDNS_PUT_EXPIRE) {
		wire_put32(data, r->expire_s);
		out = option(out, EDNS_EXPIRE, data, 4);
	}
	if (r->flags & EDNS_PUT_KEEPALIVE) {
		wire_put16(data, r->keepalive);
		out = option(out, EDNS_KEEPALIVE, data, 2);
	}
	if (r->flags & EDNS_PUT_ZONEVERSION) {
		data[0] = r->zone_labels;
		data[1] = 0; /* type SOA-SERIAL (RFC 9660 7.2) */
		wire_put32(data + 2, r->zone_serial);
		out = option(out, EDNS_ZONEVERSION, data, 6);
	}
	if (r->flags & EDNS_PUT_EDE) {
		wire_put16(data, r->ede);
		out = option(out, EDNS_EDE, data, 2);
	}
	return out;
}

size_t edns_put_options(const struct edns_reply *r, const struct edns *e, uint8_t *out)
{
	uint8_t *end = out;

	if (r->flags & EDNS_PUT_NSID)
		end = option(end, EDNS_NSID, r->nsid, strlen(r->nsid));
	if (r->flags & EDNS_PUT_COOKIE)
		end = option(end, EDNS_COOKIE, r->cookie, sizeof(r->cookie));
	if (r->flags & EDNS_PUT_SUBNET)
		end = put_subnet(end, r, e);
	if (r->flags & EDNS_PUT_AGENT)
		end = option(end, EDNS_REPORT_CHANNEL, r->agent, dname_len(r->agent));
	end = put_numbers(end, r);
	return (size_t)(end - out);
}

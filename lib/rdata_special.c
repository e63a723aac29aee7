/*
 * The RDATA forms that need a parser of their own: type bitmaps, LOC, APL, WKS.
 * Called by rdata*.c alone (rdata_type.h).
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata_type.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

/* --- type bitmap (RFC 4034 4.1.2) ------------------------------------------------ */

int rdata_bitmap_check(const uint8_t *p, size_t len)
{
	int last = -1;

	for (size_t at = 0; at < len; at += 2u + p[at + 1]) {
		if (len - at < 2)
			return ERR_TRUNCATED;
		uint8_t n = p[at + 1];

		/* windows ascend; "Blocks with no types present MUST NOT be included" */
		if (p[at] <= last || n == 0 || n > 32)
			return ERR_SYNTAX;
		if (len - at < 2u + n)
			return ERR_TRUNCATED;
		/* "Trailing zero octets in the bitmap MUST be omitted" */
		if (p[at + 1 + n] == 0)
			return ERR_SYNTAX;
		last = p[at];
	}
	return 0;
}

int rdata_bitmap_from_tokens(const struct rdata_token *t, size_t n, struct buf *out,
			     const char **why)
{
	uint8_t(*windows)[32] = mem_zalloc(256 * sizeof(*windows));
	int err = 0;

	for (size_t i = 0; i < n; i++) {
		char name[16];
		uint16_t type;

		if (t[i].quoted || t[i].len >= sizeof(name)) {
			err = ERR_SYNTAX;
			break;
		}
		memcpy(name, t[i].s, t[i].len);
		name[t[i].len] = '\0';
		err = rrtype_from_text(name, &type);
		if (err)
			break;
		windows[type >> 8][(type & 0xff) / 8] |= (uint8_t)(0x80 >> (type % 8));
	}
	for (unsigned w = 0; w < 256 && err == 0; w++) {
		unsigned used = 32;

		while (used && windows[w][used - 1] == 0)
			used--;
		if (used == 0)
			continue;
		buf_u8(out, (uint8_t)w);
		buf_u8(out, (uint8_t)used);
		buf_add(out, windows[w], used);
	}
	free(windows);
	if (err)
		*why = "unknown type in the bitmap";
	return err ? ERR_SYNTAX : 0;
}

void rdata_bitmap_to_text(const uint8_t *p, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += 2u + p[at + 1])
		for (unsigned i = 0; i < p[at + 1] * 8u; i++) {
			char name[16];

			if (!(p[at + 2 + i / 8] & 0x80 >> i % 8))
				continue;
			buf_putc(out, ' ');
			buf_puts(out, rrtype_to_text((uint16_t)(p[at] << 8 | i), name));
		}
}

/* --- LOC (RFC 1876) ---------------------------------------------------------------- */

#define LOC_EQUATOR  2147483648u
#define LOC_MAX_LAT  (90u * 3600000)
#define LOC_MAX_LONG (180u * 3600000)
#define LOC_ALT_ZERO 10000000u /* centimetres below the ellipsoid */

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

int rdata_loc_check(const uint8_t *p, size_t len)
{
	if (len < 1)
		return ERR_TRUNCATED;
	if (p[0] != 0)
		return ERR_SYNTAX; /* another version */
	if (len < 16)
		return ERR_TRUNCATED;
	if (len > 16)
		return ERR_SYNTAX;
	for (int i = 1; i <= 3; i++)
		if (p[i] >> 4 > 9 || (p[i] & 15) > 9)
			return ERR_SYNTAX;
	if (distance(wire_get32(p + 4), LOC_EQUATOR) > LOC_MAX_LAT ||
	    distance(wire_get32(p + 8), LOC_EQUATOR) > LOC_MAX_LONG)
		return ERR_SYNTAX;
	return 0;
}

/* "12", "12.5", "12.345" in units of 10^-DIGITS; SUFFIX 'm' may follow.  MAX in those units. */
static int decimal(const struct rdata_token *t, unsigned digits, bool metres, uint64_t max,
		   uint64_t *ret)
{
	size_t len = t->len;
	uint64_t v = 0;
	unsigned fraction = 0;
	bool dot = false, any = false;

	if (metres && len && t->s[len - 1] == 'm')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (t->s[i] == '.' && !dot) {
			dot = true;
			continue;
		}
		if (t->s[i] < '0' || t->s[i] > '9' || (dot && ++fraction > digits))
			return ERR_SYNTAX;
		v = v * 10 + (uint64_t)(t->s[i] - '0');
		any = true;
		if (v > max)
			return ERR_RANGE;
	}
	for (; fraction < digits; fraction++)
		v *= 10;
	if (!any)
		return ERR_SYNTAX;
	if (v > max)
		return ERR_RANGE;
	*ret = v;
	return 0;
}

static bool is_letter(const struct rdata_token *t, char a, char b)
{
	return t->len == 1 && ((t->s[0] & ~0x20) == a || (t->s[0] & ~0x20) == b);
}

/* d [m [s]] and PLUS or MINUS; *i moves behind them. */
static int angle(const struct rdata_token *t, size_t n, size_t *i, char plus, char minus,
		 uint32_t max, uint32_t *ret)
{
	uint64_t part[3] = { 0, 0, 0 };
	unsigned have = 0;
	static const uint64_t limit[3] = { 180, 59, 59999 };

	for (; *i < n && !is_letter(&t[*i], plus, minus); ++*i, have++) {
		if (have == 3)
			return ERR_SYNTAX;
		int err = decimal(&t[*i], have == 2 ? 3 : 0, false, limit[have], &part[have]);
		if (err)
			return err;
	}
	if (*i == n || have == 0)
		return ERR_SYNTAX;
	uint64_t v = part[0] * 3600000 + part[1] * 60000 + part[2];
	if (v > max)
		return ERR_RANGE;
	*ret = is_letter(&t[*i], plus, plus) ? LOC_EQUATOR + (uint32_t)v
					     : LOC_EQUATOR - (uint32_t)v;
	++*i;
	return 0;
}

static int altitude(struct rdata_token t, uint32_t *ret)
{
	bool below = t.len && t.s[0] == '-';
	uint64_t v;

	if (below || (t.len && t.s[0] == '+')) {
		t.s++;
		t.len--;
	}
	int err = decimal(&t, 2, true, below ? LOC_ALT_ZERO : UINT32_MAX - LOC_ALT_ZERO, &v);
	if (err == 0)
		*ret = below ? LOC_ALT_ZERO - (uint32_t)v : LOC_ALT_ZERO + (uint32_t)v;
	return err;
}

/* Centimetres as mantissa and power of ten. */
static int precision(const struct rdata_token *t, uint8_t *ret)
{
	uint64_t v;
	uint8_t e = 0;
	int err = decimal(t, 2, true, 9000000000u, &v);

	if (err)
		return err;
	for (; v >= 10; e++)
		v /= 10;
	*ret = (uint8_t)(v << 4 | e);
	return 0;
}

static int loc_fields(const struct rdata_token *t, size_t n, uint8_t *out)
{
	uint32_t latitude, longitude, alt;
	size_t i = 0;
	int err = angle(t, n, &i, 'N', 'S', LOC_MAX_LAT, &latitude);

	if (err == 0)
		err = angle(t, n, &i, 'E', 'W', LOC_MAX_LONG, &longitude);
	if (err == 0)
		err = i < n ? altitude(t[i++], &alt) : ERR_SYNTAX;
	for (int k = 1; k <= 3 && i < n && err == 0; k++)
		err = precision(&t[i++], &out[k]);
	if (err)
		return err;
	if (i != n)
		return ERR_SYNTAX;
	wire_put32(out + 4, latitude);
	wire_put32(out + 8, longitude);
	wire_put32(out + 12, alt);
	return 0;
}

int rdata_loc_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why)
{
	/* version 0; defaults: size 1 m, horizontal 10,000 m, vertical 10 m */
	uint8_t wire[16] = { 0, 0x12, 0x16, 0x13 };
	int err = loc_fields(t, n, wire);

	if (err)
		*why = "wrong location";
	else
		buf_add(out, wire, sizeof(wire));
	return err;
}

static void angle_to_text(uint32_t v, char plus, char minus, struct buf *out)
{
	uint32_t d = distance(v, LOC_EQUATOR);

	buf_printf(out, "%u %u %u.%03u %c ", d / 3600000, d / 60000 % 60, d / 1000 % 60, d % 1000,
		   v >= LOC_EQUATOR ? plus : minus);
}

static void precision_to_text(uint8_t v, struct buf *out)
{
	uint64_t cm = v >> 4;

	for (int e = v & 15; e; e--)
		cm *= 10;
	if (cm % 100)
		buf_printf(out, " %u.%02um", (unsigned)(cm / 100), (unsigned)(cm % 100));
	else
		buf_printf(out, " %um", (unsigned)(cm / 100));
}

void rdata_loc_to_text(const uint8_t *p, struct buf *out)
{
	uint32_t alt = wire_get32(p + 12);
	uint32_t d = distance(alt, LOC_ALT_ZERO);

	angle_to_text(wire_get32(p + 4), 'N', 'S', out);
	angle_to_text(wire_get32(p + 8), 'E', 'W', out);
	buf_printf(out, "%s%u.%02um", alt < LOC_ALT_ZERO ? "-" : "", d / 100, d % 100);
	for (int i = 1; i <= 3; i++)
		precision_to_text(p[i], out);
}

/* --- APL (RFC 3123) ----------------------------------------------------------------- */

int rdata_apl_check(const uint8_t *p, size_t len)
{
	for (size_t at = 0; at < len;) {
		if (len - at < 4)
			return ERR_TRUNCATED;
		uint16_t family = wire_get16(p + at);
		size_t n = p[at + 3] & 0x7f;

		if (len - at - 4 < n)
			return ERR_TRUNCATED;
		if (family == 1 && (p[at + 2] > 32 || n > 4))
			return ERR_SYNTAX;
		if (family == 2 && (p[at + 2] > 128 || n > 16))
			return ERR_SYNTAX;
		/* "trailing zero octets MUST be removed" */
		if (n && p[at + 3 + n] == 0)
			return ERR_SYNTAX;
		at += 4 + n;
	}
	return 0;
}

/* [!]family:address/prefix */
static int apl_item(const struct rdata_token *t, struct buf *out)
{
	const char *s = t->s, *end = t->s + t->len;
	bool negate = t->len && *s == '!';
	uint8_t address[16] = { 0 };
	char text[64];
	uint32_t prefix;

	s += negate;
	if (end - s < 2 || (*s != '1' && *s != '2') || s[1] != ':')
		return ERR_SYNTAX;
	bool v4 = *s == '1';
	s += 2;
	const char *slash = memchr(s, '/', (size_t)(end - s));
	if (slash == NULL || (size_t)(slash - s) >= sizeof(text))
		return ERR_SYNTAX;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (inet_pton(v4 ? AF_INET : AF_INET6, text, address) != 1)
		return ERR_SYNTAX;
	int err = rdata_token_number(slash + 1, (size_t)(end - slash - 1), v4 ? 32 : 128, &prefix);
	if (err)
		return err;
	unsigned n = v4 ? 4 : 16;
	while (n && address[n - 1] == 0)
		n--;
	buf_u16(out, v4 ? 1 : 2);
	buf_u8(out, (uint8_t)prefix);
	buf_u8(out, (uint8_t)(negate ? n | 0x80 : n));
	buf_add(out, address, n);
	return 0;
}

int rdata_apl_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why)
{
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = apl_item(&t[i], out);
	if (err)
		*why = "wrong address prefix";
	return err;
}

bool rdata_apl_to_text(const uint8_t *p, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += 4u + (p[at + 3] & 0x7f)) {
		uint16_t family = wire_get16(p + at);
		uint8_t address[16] = { 0 };
		char text[INET6_ADDRSTRLEN];

		if (family != 1 && family != 2)
			return false;
		memcpy(address, p + at + 4, p[at + 3] & 0x7f);
		buf_printf(out, "%s%s%u:%s/%u", at ? " " : "", p[at + 3] & 0x80 ? "!" : "", family,
			   inet_ntop(family == 1 ? AF_INET : AF_INET6, address, text, sizeof(text)),
			   p[at + 2]);
	}
	return true;
}

/* --- WKS (RFC 1035 3.4.2) ----------------------------------------------------------- */

static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	{ "echo", 7 },    { "discard", 9 }, { "daytime", 13 }, { "ftp-data", 20 }, { "ftp", 21 },
	{ "ssh", 22 },    { "telnet", 23 }, { "smtp", 25 },    { "time", 37 },     { "domain", 53 },
	{ "tftp", 69 },   { "gopher", 70 }, { "finger", 79 },  { "http", 80 },     { "www", 80 },
	{ "pop3", 110 },  { "nntp", 119 },  { "ntp", 123 },    { "imap", 143 },    { "snmp", 161 },
	{ "https", 443 },
};

static int service_port(const struct rdata_token *t, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		if (strlen(services[i].name) == t->len &&
		    strncasecmp(services[i].name, t->s, t->len) == 0) {
			*ret = services[i].port;
			return 0;
		}
	return rdata_token_number(t->s, t->len, UINT16_MAX, ret);
}

int rdata_wks_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why)
{
	uint8_t *ports = mem_zalloc(8192);
	uint32_t protocol = 0, port, used = 0;
	int err = ERR_SYNTAX;

	if (n && t[0].len == 3 && strncasecmp(t[0].s, "tcp", 3) == 0)
		err = (protocol = 6, 0);
	else if (n && t[0].len == 3 && strncasecmp(t[0].s, "udp", 3) == 0)
		err = (protocol = 17, 0);
	else if (n)
		err = rdata_token_number(t[0].s, t[0].len, 255, &protocol);
	for (size_t i = 1; i < n && err == 0; i++) {
		err = service_port(&t[i], &port);
		if (err)
			break;
		ports[port / 8] |= (uint8_t)(0x80 >> port % 8);
		if (used < port / 8 + 1)
			used = port / 8 + 1;
	}
	if (err) {
		*why = "wrong protocol or service";
	} else {
		buf_u8(out, (uint8_t)protocol);
		buf_add(out, ports, used);
	}
	free(ports);
	return err;
}

void rdata_wks_to_text(const uint8_t *p, size_t len, struct buf *out)
{
	buf_printf(out, "%u", p[0]);
	for (unsigned i = 0; i < (len - 1) * 8; i++)
		if (p[1 + i / 8] & 0x80 >> i % 8)
			buf_printf(out, " %u", i);
}

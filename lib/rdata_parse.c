/*
 * RDATA from presentation form (rdata_from_text, rdata_from_chars): split into
 * tokens, then one token or more a field, as the table of rdata_type.c says.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/dname.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rdata_type.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

#define TOKENS_INLINE 16

struct parse {
	const struct rdata_token *t;
	size_t n, at; /* tokens, the next one */
	const uint8_t *origin;
	struct buf *out;
	const char *why;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The token at *p..END; *p moves behind it.  ERR_SYNTAX: an open quote or a last backslash. */
static int token_next(const char **p, const char *end, struct rdata_token *t)
{
	const char *s = *p;
	bool inside = false;

	*t = (struct rdata_token){ .s = s };
	for (; s < end && (inside || !is_blank(*s)); s++) {
		if (*s == '\\') {
			if (++s == end)
				return ERR_SYNTAX;
		} else if (*s == '"') {
			if (!inside && s != t->s && t->s[0] == '"')
				break; /* "a""b": the next token */
			inside = !inside;
			t->has_quotes = true;
			if (!inside && t->s[0] == '"') {
				s++;
				break;
			}
		}
	}
	if (inside)
		return ERR_SYNTAX;
	t->len = (size_t)(s - t->s);
	if (t->s[0] == '"') {
		t->quoted = true;
		t->has_quotes = false;
		t->s++;
		t->len -= 2;
	}
	*p = s;
	return 0;
}

/* All tokens of TEXT; *ret is INLINE_TOKENS or heap. */
static int tokenize(const char *text, size_t len, struct rdata_token *inline_tokens,
		    struct rdata_token **ret, size_t *ret_n)
{
	const char *p = text, *end = text + len;
	struct rdata_token *t = inline_tokens;
	size_t n = 0, cap = TOKENS_INLINE;

	for (;;) {
		while (p < end && is_blank(*p))
			p++;
		if (p == end)
			break;
		if (n == cap) {
			cap *= 2;
			if (t == inline_tokens) {
				t = mem_calloc(cap, sizeof(*t));
				memcpy(t, inline_tokens, n * sizeof(*t));
			} else {
				t = mem_array(t, cap, sizeof(*t));
			}
		}
		int err = token_next(&p, end, &t[n++]);
		if (err) {
			if (t != inline_tokens)
				free(t);
			return err;
		}
	}
	*ret = t;
	*ret_n = n;
	return 0;
}

int rdata_token_number(const char *s, size_t len, uint32_t max, uint32_t *ret)
{
	uint64_t v = 0;

	if (len == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return ERR_SYNTAX;
		v = v * 10 + (uint64_t)(s[i] - '0');
		if (v > max)
			return ERR_RANGE;
	}
	*ret = (uint32_t)v;
	return 0;
}

int rdata_token_bytes(const struct rdata_token *t, struct buf *out)
{
	const char *s = t->s, *end = t->s + t->len;

	buf_reserve(out, t->len);
	while (s < end) {
		const char *escape = memchr(s, '\\', (size_t)(end - s));
		const char *stop = escape ? escape : end;

		buf_add(out, s, (size_t)(stop - s));
		s = stop;
		if (s == end)
			break;
		if (++s == end)
			return ERR_SYNTAX;
		if (*s < '0' || *s > '9') {
			buf_putc(out, *s++);
			continue;
		}
		uint32_t v;
		if (end - s < 3 || rdata_token_number(s, 3, 255, &v))
			return ERR_SYNTAX;
		buf_u8(out, (uint8_t)v);
		s += 3;
	}
	return 0;
}

static int fail(struct parse *p, int err, const char *why)
{
	if (p->why == NULL)
		p->why = why;
	return err;
}

/* The next token, or NULL if there is none (then WHY is set). */
static const struct rdata_token *take(struct parse *p)
{
	if (p->at < p->n)
		return &p->t[p->at++];
	(void)fail(p, 0, "a field is missing"); /* the caller returns the error */
	return NULL;
}

static int number_field(struct parse *p, uint32_t max, uint32_t *ret)
{
	const struct rdata_token *t = take(p);

	if (t == NULL || t->quoted)
		return fail(p, ERR_SYNTAX, "a number is missing");
	int err = rdata_token_number(t->s, t->len, max, ret);
	if (err)
		return fail(p, err, err == ERR_RANGE ? "the number is too large" : "not a number");
	return 0;
}

static int put_number(struct parse *p, unsigned bytes)
{
	uint32_t v;
	int err = number_field(p, bytes == 1 ? 0xff : bytes == 2 ? 0xffff : UINT32_MAX, &v);

	if (err)
		return err;
	if (bytes == 1)
		buf_u8(p->out, (uint8_t)v);
	else if (bytes == 2)
		buf_u16(p->out, (uint16_t)v);
	else
		buf_u32(p->out, v);
	return 0;
}

/* Seconds, or 1w2d3h4m5s. */
static int period_number(const struct rdata_token *t, uint32_t *ret)
{
	uint64_t total = 0, part = 0;
	bool digits = false;

	for (size_t i = 0; i < t->len; i++) {
		char c = t->s[i];

		if (c >= '0' && c <= '9') {
			part = part * 10 + (uint64_t)(c - '0');
			digits = true;
			if (part > UINT32_MAX)
				return ERR_RANGE;
			continue;
		}
		static const char units[] = "smhdw";
		static const uint32_t seconds[] = { 1, 60, 3600, 86400, 604800 };
		const char *u = strchr(units, c | 0x20);
		if (!digits || u == NULL || *u == '\0')
			return ERR_SYNTAX;
		total += part * seconds[u - units];
		if (total > UINT32_MAX)
			return ERR_RANGE;
		part = 0;
		digits = false;
	}
	total += part;
	if (t->len == 0)
		return ERR_SYNTAX;
	if (total > UINT32_MAX)
		return ERR_RANGE;
	*ret = (uint32_t)total;
	return 0;
}

int rdata_period(const char *text, size_t len, uint32_t *ret_s)
{
	struct rdata_token t = { text, len, false, false };

	return period_number(&t, ret_s);
}

static int put_period(struct parse *p)
{
	const struct rdata_token *t = take(p);
	uint32_t v;
	int err = t == NULL || t->quoted ? ERR_SYNTAX : period_number(t, &v);

	if (err)
		return fail(p, err, err == ERR_RANGE ? "the time is too long" : "not a time");
	buf_u32(p->out, v);
	return 0;
}

static int put_name(struct parse *p)
{
	const struct rdata_token *t = take(p);
	uint8_t name[DNAME_MAX];

	if (t == NULL || t->quoted)
		return fail(p, ERR_SYNTAX, "a name is missing");
	int err = dname_from_chars(t->s, t->len, p->origin, name);
	if (err)
		return fail(p, err, err == ERR_TOO_LONG ? "the name is too long" : "not a name");
	buf_add(p->out, name, dname_len(name));
	return 0;
}

static int put_address(struct parse *p, const struct rdata_token *t, int family)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t a[16];

	if (t == NULL || t->quoted || t->len >= sizeof(text))
		return fail(p, ERR_SYNTAX, "not an address");
	memcpy(text, t->s, t->len);
	text[t->len] = '\0';
	if (inet_pton(family, text, a) != 1)
		return fail(p, ERR_SYNTAX,
			    family == AF_INET ? "not an IPv4 address" : "not an IPv6 address");
	buf_add(p->out, a, family == AF_INET ? 4 : 16);
	return 0;
}

/* <character-string>, or any token as counted bytes. */
static int put_string(struct parse *p)
{
	const struct rdata_token *t = take(p);
	size_t at = p->out->len;

	if (t == NULL || t->has_quotes)
		return fail(p, ERR_SYNTAX, "a string is missing or has a stray quote");
	buf_u8(p->out, 0);
	if (rdata_token_bytes(t, p->out))
		return fail(p, ERR_SYNTAX, "wrong escape");
	size_t len = p->out->len - at - 1;
	if (len > 255)
		return fail(p, ERR_TOO_LONG, "a string is longer than 255 octets");
	p->out->data[at] = (char)len;
	return 0;
}

static int put_text(struct parse *p)
{
	const struct rdata_token *t = take(p);

	if (t == NULL || t->has_quotes || rdata_token_bytes(t, p->out))
		return fail(p, ERR_SYNTAX, "a text is missing or has a wrong escape");
	return 0;
}

/* All that is left as one text without blanks. */
static void join(struct parse *p, struct buf *out)
{
	for (; p->at < p->n; p->at++)
		buf_add(out, p->t[p->at].s, p->t[p->at].len);
}

static int put_rest(struct parse *p, enum rdata_field f)
{
	struct buf text = { 0 };
	size_t start = p->out->len;
	int err;

	join(p, &text);
	if (f == FIELD_BASE64_OPT && text.len == 1 && text.data[0] == '-')
		buf_reset(&text);
	if (f == FIELD_HEX)
		err = decode_hex(buf_str(&text), text.len, p->out);
	else
		err = decode_base64(buf_str(&text), text.len, p->out);
	if (err)
		err = fail(p, err, f == FIELD_HEX ? "wrong hexadecimal" : "wrong base64");
	else if (p->out->len == start && f != FIELD_BASE64_OPT)
		err = fail(p, ERR_SYNTAX, "data are missing");
	buf_fini(&text);
	return err;
}

struct mnemonic {
	const char *name;
	uint16_t value;
};

static const struct mnemonic algorithms[] = {
	{ "DELETE", 0 },
	{ "RSAMD5", 1 },
	{ "DH", 2 },
	{ "DSA", 3 },
	{ "RSASHA1", 5 },
	{ "DSA-NSEC3-SHA1", 6 },
	{ "NSEC3DSA", 6 },
	{ "RSASHA1-NSEC3-SHA1", 7 },
	{ "NSEC3RSASHA1", 7 },
	{ "RSASHA256", 8 },
	{ "RSASHA512", 10 },
	{ "ECC-GOST", 12 },
	{ "ECDSAP256SHA256", 13 },
	{ "ECDSAP384SHA384", 14 },
	{ "ED25519", 15 },
	{ "ED448", 16 },
	{ "INDIRECT", 252 },
	{ "PRIVATEDNS", 253 },
	{ "PRIVATEOID", 254 },
};
static const struct mnemonic cert_types[] = {
	{ "PKIX", 1 }, { "SPKI", 2 },   { "PGP", 3 },     { "IPKIX", 4 }, { "ISPKI", 5 },
	{ "IPGP", 6 }, { "ACPKIX", 7 }, { "IACPKIX", 8 }, { "URI", 253 }, { "OID", 254 },
};

static int put_mnemonic(struct parse *p, const struct mnemonic *table, size_t n, uint32_t max)
{
	const struct rdata_token *t = take(p);
	uint32_t v = 0;
	int err = t == NULL ? ERR_SYNTAX : rdata_token_number(t->s, t->len, max, &v);

	for (size_t i = 0; t && i < n && err == ERR_SYNTAX; i++)
		if (strlen(table[i].name) == t->len &&
		    strncasecmp(table[i].name, t->s, t->len) == 0) {
			v = table[i].value;
			err = 0;
		}
	if (err)
		return fail(p, err, "neither a known mnemonic nor a number in range");
	if (max == 255)
		buf_u8(p->out, (uint8_t)v);
	else
		buf_u16(p->out, (uint16_t)v);
	return 0;
}

static int put_type(struct parse *p)
{
	const struct rdata_token *t = take(p);
	char name[16];
	uint16_t type;

	if (t == NULL || t->len >= sizeof(name))
		return fail(p, ERR_SYNTAX, "not a type");
	memcpy(name, t->s, t->len);
	name[t->len] = '\0';
	if (rrtype_from_text(name, &type))
		return fail(p, ERR_SYNTAX, "not a type");
	buf_u16(p->out, type);
	return 0;
}

static int two_digits(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* RFC 4034 3.2: YYYYMMDDHHmmSS in UTC, or seconds since 1970 modulo 2^32. */
static int put_time(struct parse *p)
{
	const struct rdata_token *t = take(p);
	int part[7];
	uint32_t v;

	if (t == NULL)
		return ERR_SYNTAX;
	if (t->len != 14) {
		int err = rdata_token_number(t->s, t->len, UINT32_MAX, &v);
		if (err)
			return fail(p, err, "not a time");
		buf_u32(p->out, v);
		return 0;
	}
	for (int i = 0; i < 7; i++) {
		part[i] = two_digits(t->s + 2 * i);
		if (part[i] < 0)
			return fail(p, ERR_SYNTAX, "not a time");
	}
	struct tm tm = { .tm_year = part[0] * 100 + part[1] - 1900,
			 .tm_mon = part[2] - 1,
			 .tm_mday = part[3],
			 .tm_hour = part[4],
			 .tm_min = part[5],
			 .tm_sec = part[6] };
	struct tm want = tm;
	int64_t s = timegm(&tm);
	/* timegm mends the 31st of February: not here */
	if (tm.tm_mday != want.tm_mday || tm.tm_mon != want.tm_mon || tm.tm_hour != want.tm_hour ||
	    tm.tm_min != want.tm_min || tm.tm_sec != want.tm_sec)
		return fail(p, ERR_SYNTAX, "no such time");
	buf_u32(p->out, (uint32_t)s);
	return 0;
}

/* A length octet, then hex ("-" = empty) or base32hex. */
static int put_counted(struct parse *p, enum rdata_field f)
{
	const struct rdata_token *t = take(p);
	size_t at = p->out->len;
	int err = 0;

	if (t == NULL || t->len == 0)
		return fail(p, ERR_SYNTAX, "a salt or hash is missing");
	buf_u8(p->out, 0);
	if (f == FIELD_HASH)
		err = decode_base32hex(t->s, t->len, p->out);
	else if (!(t->len == 1 && t->s[0] == '-'))
		err = decode_hex(t->s, t->len, p->out);
	if (err || p->out->len - at - 1 > 255)
		return fail(p, ERR_SYNTAX, "wrong salt or hash");
	p->out->data[at] = (char)(p->out->len - at - 1);
	return 0;
}

/* N groups of DIGITS hexadecimal digits, parted by SEP. */
static int put_groups(struct parse *p, size_t n, size_t digits, char sep)
{
	const struct rdata_token *t = take(p);
	size_t at = 0;

	if (t == NULL || t->len != n * digits + n - 1)
		return fail(p, ERR_SYNTAX, "wrong identifier");
	for (size_t i = 0; i < n; i++, at += digits + 1) {
		if (i && t->s[at - 1] != sep)
			return fail(p, ERR_SYNTAX, "wrong identifier");
		if (decode_hex(t->s + at, digits, p->out))
			return fail(p, ERR_SYNTAX, "wrong identifier");
	}
	return 0;
}

/* RFC 6742 2.1.2: groups of one to four digits, leading zeros may be left out. */
static int put_locator64(struct parse *p)
{
	const struct rdata_token *t = take(p);
	size_t i = 0;

	for (int g = 0; t && g < 4; g++) {
		uint32_t v = 0;
		size_t digits = 0;

		for (; i < t->len && t->s[i] != ':'; i++, digits++) {
			const char *hex = "0123456789abcdef", *d = strchr(hex, t->s[i] | 0x20);
			if (d == NULL || *d == '\0' || t->s[i] < '0' || digits == 4)
				return fail(p, ERR_SYNTAX, "wrong locator");
			v = v << 4 | (uint32_t)(d - hex);
		}
		if (digits == 0 || (g < 3) != (i < t->len))
			return fail(p, ERR_SYNTAX, "wrong locator");
		buf_u16(p->out, (uint16_t)v);
		i++;
	}
	return t ? 0 : ERR_SYNTAX;
}

static int put_nsap(struct parse *p)
{
	const struct rdata_token *t = take(p);
	struct buf digits = { 0 };

	if (t == NULL || t->len < 4 || t->s[0] != '0' || (t->s[1] | 0x20) != 'x')
		return fail(p, ERR_SYNTAX, "NSAP begins with 0x");
	for (size_t i = 2; i < t->len; i++)
		if (t->s[i] != '.')
			buf_putc(&digits, t->s[i]);
	int err = decode_hex(buf_str(&digits), digits.len, p->out);
	buf_fini(&digits);
	return err ? fail(p, err, "wrong hexadecimal") : 0;
}

static int put_target(struct parse *p, unsigned kind)
{
	const struct rdata_token *t;

	switch (kind) {
	case 0:
		t = take(p);
		return t && t->len == 1 && t->s[0] == '.'
			       ? 0
			       : fail(p, ERR_SYNTAX, "a gateway of type 0 is \".\"");
	case 1:
		return put_address(p, take(p), AF_INET);
	case 2:
		return put_address(p, take(p), AF_INET6);
	case 3:
		return put_name(p);
	default:
		return fail(p, ERR_RANGE, "unknown gateway type");
	}
}

static int put_gateway(struct parse *p)
{
	size_t at = p->out->len;
	int err = put_number(p, 1);

	for (int i = 0; i < 2 && err == 0; i++)
		err = put_number(p, 1);
	return err ? err : put_target(p, (uint8_t)p->out->data[at + 1]);
}

static int put_relay(struct parse *p)
{
	uint32_t optional, kind;
	int err = put_number(p, 1);

	if (err == 0)
		err = number_field(p, 1, &optional);
	if (err == 0)
		err = number_field(p, 127, &kind);
	if (err)
		return err;
	buf_u8(p->out, (uint8_t)(optional << 7 | kind));
	return put_target(p, kind);
}

static int put_hip(struct parse *p)
{
	size_t at = p->out->len;
	uint32_t algorithm;
	int err = number_field(p, 255, &algorithm);
	const struct rdata_token *hit = err ? NULL : take(p);
	const struct rdata_token *key = hit ? take(p) : NULL;

	if (key == NULL)
		return fail(p, ERR_SYNTAX, "HIP needs algorithm, HIT and key");
	buf_u32(p->out, 0);
	if (decode_hex(hit->s, hit->len, p->out) || p->out->len - at - 4 > 255)
		return fail(p, ERR_SYNTAX, "wrong HIT");
	size_t hit_len = p->out->len - at - 4;
	if (decode_base64(key->s, key->len, p->out) || p->out->len - at - 4 - hit_len > UINT16_MAX)
		return fail(p, ERR_SYNTAX, "wrong base64");
	p->out->data[at] = (char)hit_len;
	p->out->data[at + 1] = (char)algorithm;
	wire_put16(p->out->data + at + 2, (uint16_t)(p->out->len - at - 4 - hit_len));
	while (p->at < p->n) {
		err = put_name(p);
		if (err)
			return err;
	}
	return 0;
}

typedef int (*tokens_fn)(const struct rdata_token *t, size_t n, struct buf *out, const char **why);

static int put_tokens(struct parse *p, tokens_fn fn)
{
	int err = fn(p->t + p->at, p->n - p->at, p->out, &p->why);

	p->at = p->n;
	return err;
}

static int put_field(struct parse *p, enum rdata_field f)
{
	int err;

	switch (f) {
	case FIELD_END:
		return 0;
	case FIELD_NAME_C:
	case FIELD_NAME_L:
	case FIELD_NAME:
		return put_name(p);
	case FIELD_U8:
		return put_number(p, 1);
	case FIELD_U16:
		return put_number(p, 2);
	case FIELD_U32:
		return put_number(p, 4);
	case FIELD_PERIOD:
		return put_period(p);
	case FIELD_A:
		return put_address(p, take(p), AF_INET);
	case FIELD_AAAA:
		return put_address(p, take(p), AF_INET6);
	case FIELD_STRING:
	case FIELD_TAG:
		return put_string(p);
	case FIELD_STRING_OPT:
		return p->at < p->n ? put_string(p) : 0;
	case FIELD_STRINGS:
		do
			err = put_string(p);
		while (err == 0 && p->at < p->n);
		return err;
	case FIELD_TEXT:
		return put_text(p);
	case FIELD_HEX:
	case FIELD_BASE64:
	case FIELD_BASE64_OPT:
		return put_rest(p, f);
	case FIELD_OPAQUE:
		return fail(p, ERR_UNSUPPORTED, "this type has only the form \\# LENGTH HEX");
	case FIELD_TYPE:
		return put_type(p);
	case FIELD_ALGORITHM:
		return put_mnemonic(p, algorithms, ARRAY_SIZE(algorithms), 255);
	case FIELD_CERT_TYPE:
		return put_mnemonic(p, cert_types, ARRAY_SIZE(cert_types), UINT16_MAX);
	case FIELD_TIME:
		return put_time(p);
	case FIELD_BITMAP:
	case FIELD_BITMAP_OPT:
		return put_tokens(p, rdata_bitmap_from_tokens);
	case FIELD_SALT:
	case FIELD_HASH:
		return put_counted(p, f);
	case FIELD_EUI48:
		return put_groups(p, 6, 2, '-');
	case FIELD_EUI64:
		return put_groups(p, 8, 2, '-');
	case FIELD_LOCATOR64:
		return put_locator64(p);
	case FIELD_NSAP:
		return put_nsap(p);
	case FIELD_WKS:
		return put_tokens(p, rdata_wks_from_tokens);
	case FIELD_LOC:
		return put_tokens(p, rdata_loc_from_tokens);
	case FIELD_APL:
		return put_tokens(p, rdata_apl_from_tokens);
	case FIELD_GATEWAY:
		return put_gateway(p);
	case FIELD_RELAY:
		return put_relay(p);
	case FIELD_HIP:
		return put_hip(p);
	case FIELD_PARAMS:
		return put_tokens(p, rdata_svcb_from_tokens);
	}
	return ERR_SYNTAX;
}

/* "\# LEN HEX…", RFC 3597 5. */
static int put_generic(struct parse *p)
{
	struct buf text = { 0 };
	size_t start = p->out->len;
	uint32_t len;

	p->at++;
	int err = number_field(p, UINT16_MAX, &len);
	if (err)
		return err;
	join(p, &text);
	err = decode_hex(buf_str(&text), text.len, p->out);
	buf_fini(&text);
	if (err)
		return fail(p, err, "wrong hexadecimal");
	if (p->out->len - start != len)
		return fail(p, ERR_SYNTAX, "the length after \\# is not that of the data");
	return 0;
}

static int put_all(struct parse *p, uint16_t type)
{
	const uint8_t *f = rdata_type_fields(type);
	int err;

	if (p->n && !p->t[0].quoted && p->t[0].len == 2 && memcmp(p->t[0].s, "\\#", 2) == 0)
		return put_generic(p);
	if (f == NULL)
		return fail(p, ERR_UNSUPPORTED, "unknown type: use \\# LENGTH HEX");
	for (; *f != FIELD_END; f++) {
		err = put_field(p, *f);
		if (err)
			return err;
	}
	if (p->at != p->n)
		return fail(p, ERR_SYNTAX, "surplus field");
	return 0;
}

int rdata_from_chars(uint16_t type, const char *text, size_t len, const uint8_t *origin,
		     struct buf *out, char *why)
{
	struct rdata_token inline_tokens[TOKENS_INLINE], *tokens = inline_tokens;
	struct parse p = { .origin = origin, .out = out };
	size_t start = out->len;
	int err = tokenize(text, len, inline_tokens, &tokens, &p.n);

	p.t = tokens;
	if (err)
		p.why = "a quote is not closed";
	else
		err = put_all(&p, type);
	if (err == 0) {
		err = rdata_check(type, (const uint8_t *)buf_str(out) + start, out->len - start);
		if (err)
			p.why = "wrong length or content for this type";
	}
	if (tokens != inline_tokens)
		free(tokens);
	if (err) {
		out->len = start;
		if (out->data)
			out->data[start] = '\0';
		if (why) {
			strncpy(why, p.why ? p.why : error_text(err), RDATA_WHY_MAX - 1);
			why[RDATA_WHY_MAX - 1] = '\0';
		}
	}
	return err;
}

int rdata_from_text(uint16_t type, const char *text, const uint8_t *origin, struct buf *out)
{
	return rdata_from_chars(type, text, strlen(text), origin, out, NULL);
}

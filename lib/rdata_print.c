/* RDATA to presentation form (rdata_to_text), as the table of rdata_type.c says. */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include "lib/dname.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/rdata.h"
#include "lib/rdata_type.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

void rdata_quote(const uint8_t *p, size_t len, struct buf *out)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '"' || p[i] == '\\') {
			buf_putc(out, '\\');
			buf_u8(out, p[i]);
		} else if (p[i] >= 0x20 && p[i] < 0x7f) {
			buf_u8(out, p[i]);
		} else {
			buf_printf(out, "\\%03u", p[i]);
		}
	}
	buf_putc(out, '"');
}

static void name(const uint8_t *p, struct buf *out)
{
	char text[DNAME_TEXT_MAX];

	buf_puts(out, dname_to_text(p, text));
}

static void address(int family, const uint8_t *p, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	buf_puts(out, inet_ntop(family, p, text, sizeof(text)));
}

static void strings(const uint8_t *p, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += (size_t)p[at] + 1) {
		if (at)
			buf_putc(out, ' ');
		rdata_quote(p + at + 1, p[at], out);
	}
}

static void date(uint32_t v, struct buf *out)
{
	time_t s = v;
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y%m%d%H%M%S", &tm);
	buf_puts(out, text);
}

static void groups(const uint8_t *p, size_t len, size_t each, char sep, struct buf *out)
{
	for (size_t i = 0; i < len; i += each) {
		if (i)
			buf_putc(out, sep);
		encode_hex(p + i, each, out);
	}
}

static void target(unsigned kind, const uint8_t *p, struct buf *out)
{
	buf_putc(out, ' ');
	if (kind == 1)
		address(AF_INET, p, out);
	else if (kind == 2)
		address(AF_INET6, p, out);
	else if (kind == 3)
		name(p, out);
	else
		buf_putc(out, '.');
}

static void hip(const uint8_t *p, size_t len, struct buf *out)
{
	size_t key_len = wire_get16(p + 2), at = 4 + (size_t)p[0] + key_len;

	buf_printf(out, "%u ", p[1]);
	encode_hex_upper(p + 4, p[0], out);
	buf_putc(out, ' ');
	encode_base64(p + 4 + p[0], key_len, out);
	for (; at < len; at += dname_len(p + at)) {
		buf_putc(out, ' ');
		name(p + at, out);
	}
}

static void counted(enum rdata_field f, const uint8_t *p, struct buf *out)
{
	if (f == FIELD_HASH)
		encode_base32hex(p + 1, p[0], out);
	else if (p[0])
		encode_hex_upper(p + 1, p[0], out);
	else
		buf_putc(out, '-');
}

/* Field F of LEN bytes at P; false: it has no text form. */
static bool field(enum rdata_field f, const uint8_t *p, size_t len, struct buf *out)
{
	char text[16];

	switch (f) {
	case FIELD_END:
		break;
	case FIELD_NAME_C:
	case FIELD_NAME_L:
	case FIELD_NAME:
		name(p, out);
		break;
	case FIELD_U8:
	case FIELD_ALGORITHM:
		buf_printf(out, "%u", p[0]);
		break;
	case FIELD_U16:
	case FIELD_CERT_TYPE:
		buf_printf(out, "%u", wire_get16(p));
		break;
	case FIELD_U32:
	case FIELD_PERIOD:
		buf_printf(out, "%u", wire_get32(p));
		break;
	case FIELD_TIME:
		date(wire_get32(p), out);
		break;
	case FIELD_TYPE:
		buf_puts(out, rrtype_to_text(wire_get16(p), text));
		break;
	case FIELD_A:
		address(AF_INET, p, out);
		break;
	case FIELD_AAAA:
		address(AF_INET6, p, out);
		break;
	case FIELD_STRING:
	case FIELD_STRING_OPT:
	case FIELD_STRINGS:
		strings(p, len, out);
		break;
	case FIELD_TAG:
		buf_add(out, p + 1, p[0]);
		break;
	case FIELD_TEXT:
		rdata_quote(p, len, out);
		break;
	case FIELD_HEX:
		encode_hex_upper(p, len, out);
		break;
	case FIELD_BASE64:
	case FIELD_BASE64_OPT:
		encode_base64(p, len, out);
		break;
	case FIELD_OPAQUE:
		return false;
	case FIELD_BITMAP:
	case FIELD_BITMAP_OPT:
		rdata_bitmap_to_text(p, len, out);
		break;
	case FIELD_SALT:
	case FIELD_HASH:
		counted(f, p, out);
		break;
	case FIELD_EUI48:
	case FIELD_EUI64:
		groups(p, len, 1, '-', out);
		break;
	case FIELD_LOCATOR64:
		groups(p, len, 2, ':', out);
		break;
	case FIELD_NSAP:
		buf_puts(out, "0x");
		encode_hex(p, len, out);
		break;
	case FIELD_WKS:
		rdata_wks_to_text(p, len, out);
		break;
	case FIELD_LOC:
		rdata_loc_to_text(p, out);
		break;
	case FIELD_APL:
		return rdata_apl_to_text(p, len, out);
	case FIELD_GATEWAY:
		buf_printf(out, "%u %u %u", p[0], p[1], p[2]);
		target(p[1], p + 3, out);
		break;
	case FIELD_RELAY:
		buf_printf(out, "%u %u %u", p[0], p[1] >> 7, p[1] & 0x7f);
		target(p[1] & 0x7f, p + 2, out);
		break;
	case FIELD_HIP:
		hip(p, len, out);
		break;
	case FIELD_PARAMS:
		rdata_svcb_to_text(p, len, out);
		break;
	}
	return true;
}

/* Fields that bring their own blank, so that an empty one leaves none. */
static bool brings_blank(enum rdata_field f, size_t len)
{
	return f == FIELD_BITMAP || f == FIELD_BITMAP_OPT || f == FIELD_PARAMS || len == 0;
}

/* Forms with more octets than meanings (trailing zeros of WKS, 0e5 of LOC): does TEXT lead back? */
static bool leads_back(uint16_t type, const char *text, size_t text_len, const uint8_t *rdata,
		       size_t len)
{
	struct buf again = { 0 };
	bool same = rdata_from_chars(type, text, text_len, NULL, &again, NULL) == 0 &&
		    again.len == len && memcmp(again.data, rdata, len) == 0;

	buf_fini(&again);
	return same;
}

int rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct buf *out)
{
	const uint8_t *f = rdata_type_fields(type);
	size_t start = out->len, pos = 0;
	int err = rdata_check(type, rdata, len);

	if (err)
		return err;
	bool known = f != NULL, doubtful = false;
	for (; known && *f != FIELD_END; f++) {
		size_t n = 0;

		(void)rdata_type_field_len(*f, rdata + pos, len - pos, &n); /* checked above */
		/* an empty CAA value or URI is "", not nothing */
		if (pos && (!brings_blank(*f, n) || *f == FIELD_TEXT))
			buf_putc(out, ' ');
		known = field(*f, rdata + pos, n, out);
		doubtful = doubtful || *f == FIELD_WKS || *f == FIELD_LOC;
		pos += n;
	}
	if (known && doubtful)
		known = leads_back(type, out->data + start, out->len - start, rdata, len);
	if (!known) {
		out->len = start;
		rdata_to_generic(rdata, len, out);
	}
	return 0;
}

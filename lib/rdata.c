#include "lib/rdata.h"

#include <assert.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/rdata_type.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

/* Octets of a digest: 0 = any length but none. */
static size_t ds_digest_len(uint8_t digest_type)
{
	switch (digest_type) {
	case 1: /* SHA-1 */
		return 20;
	case 2: /* SHA-256 */
	case 3: /* GOST R 34.11-94 */
		return 32;
	case 4: /* SHA-384 */
		return 48;
	default:
		return 0;
	}
}

static int digest_is(size_t want, size_t have)
{
	if (want == 0 || want == have)
		return 0;
	return have < want ? ERR_TRUNCATED : ERR_SYNTAX;
}

static int zonemd_check(const uint8_t *r, size_t len)
{
	/* RFC 8976 2.2.4: at least 12 octets, SHA-384 and SHA-512 have their own length */
	if (len - 6 < 12)
		return ERR_TRUNCATED;
	if (r[4] != 1)
		return 0; /* a scheme that we do not know */
	return digest_is(r[5] == 1 ? 48 : r[5] == 2 ? 64 : 0, len - 6);
}

/* What the form of the fields alone does not tell.  LEN covers the fixed fields. */
static int meaning_check(uint16_t type, const uint8_t *r, size_t len)
{
	switch (type) {
	case RRTYPE_CDS:
		if (r[3] == 0) /* RFC 8078 4: the delete form is 0 0 0 00 */
			return len == 5 && memcmp(r, "\0\0\0\0", 5) == 0 ? 0 : ERR_SYNTAX;
		return digest_is(ds_digest_len(r[3]), len - 4);
	case RRTYPE_DS:
	case RRTYPE_DLV:
	case RRTYPE_TA:
		return digest_is(ds_digest_len(r[3]), len - 4);
	case RRTYPE_SSHFP:
		return digest_is(r[1] == 1 ? 20 : r[1] == 2 ? 32 : 0, len - 2);
	case RRTYPE_TLSA:
	case RRTYPE_SMIMEA:
		return digest_is(r[2] == 1 ? 32 : r[2] == 2 ? 64 : 0, len - 3);
	case RRTYPE_ZONEMD:
		return zonemd_check(r, len);
	case RRTYPE_URI:
		return len > 4 ? 0 : ERR_TRUNCATED; /* RFC 7553 4.4: not empty */
	default:
		return 0;
	}
}

int rdata_check(uint16_t type, const uint8_t *rdata, size_t len)
{
	const uint8_t *f = rdata_type_fields(type);
	size_t pos = 0;

	if (len > UINT16_MAX)
		return ERR_TOO_LONG;
	if (f == NULL)
		return 0;
	for (; *f != FIELD_END; f++) {
		size_t n = 0;
		int err = rdata_type_field_len(*f, rdata + pos, len - pos, &n);

		if (err)
			return err;
		pos += n;
	}
	if (pos != len)
		return ERR_SYNTAX;
	return meaning_check(type, rdata, len);
}

static bool has_field(const uint8_t *f, enum rdata_field a, enum rdata_field b)
{
	for (; f && *f != FIELD_END; f++)
		if (*f == a || *f == b)
			return true;
	return false;
}

/* Expand the RDATA at POS..END of MSG into OUT. */
static int expand(const uint8_t *msg, size_t pos, size_t end, const uint8_t *f, struct buf *out)
{
	for (; *f != FIELD_END; f++) {
		uint8_t name[DNAME_MAX];
		size_t n = 0;
		int err;

		if (*f == FIELD_NAME_C) {
			/* END as the message's length: the name itself must not run past the RDATA
			 */
			err = dname_unpack(msg, end, &pos, name);
			if (err)
				return err;
			buf_add(out, name, dname_len(name));
			continue;
		}
		err = rdata_type_field_len(*f, msg + pos, end - pos, &n);
		if (err)
			return err;
		buf_add(out, msg + pos, n);
		pos += n;
	}
	return pos == end ? 0 : ERR_SYNTAX;
}

int rdata_unpack(const uint8_t *msg, size_t msg_len, size_t pos, uint16_t rdlen, uint16_t type,
		 struct buf *out)
{
	const uint8_t *f = rdata_type_fields(type);
	size_t start = out->len;
	int err = 0;

	if (pos > msg_len || msg_len - pos < rdlen)
		return ERR_TRUNCATED;
	if (has_field(f, FIELD_NAME_C, FIELD_NAME_C))
		err = expand(msg, pos, pos + rdlen, f, out);
	else
		buf_add(out, msg + pos, rdlen);
	if (err == 0)
		err = rdata_check(type, (const uint8_t *)out->data + start, out->len - start);
	if (err) {
		out->len = start;
		if (out->data)
			out->data[start] = '\0';
	}
	return err;
}

void rdata_lower_names(uint16_t type, uint8_t *rdata, size_t len)
{
	const uint8_t *f = rdata_type_fields(type);
	size_t pos = 0;

	if (!has_field(f, FIELD_NAME_C, FIELD_NAME_L))
		return;
	for (; *f != FIELD_END; f++) {
		size_t n = 0;

		if (rdata_type_field_len(*f, rdata + pos, len - pos, &n))
			return; /* not valid: leave it */
		if (*f == FIELD_NAME_C || *f == FIELD_NAME_L)
			(void)dname_lower(rdata + pos, rdata + pos); /* its length is N */
		pos += n;
	}
}

/* Names are at most three a type; the lower-cased copy of 64 KiB is made only for types with names.
 */
static int compare_bytes(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	int d = memcmp(a, b, alen < blen ? alen : blen);

	if (d)
		return d;
	return alen < blen ? -1 : alen > blen;
}

static int compare_names(const uint8_t *f, const uint8_t *a, size_t alen, const uint8_t *b,
			 size_t blen)
{
	size_t pos = 0;

	/* as long as the fields are equal, both have the same offsets */
	for (; *f != FIELD_END; f++) {
		size_t na = 0, nb = 0;
		int d;

		if (rdata_type_field_len(*f, a + pos, alen - pos, &na) ||
		    rdata_type_field_len(*f, b + pos, blen - pos, &nb))
			break; /* not valid: by bytes */
		if (*f == FIELD_NAME_C || *f == FIELD_NAME_L) {
			uint8_t la[DNAME_MAX], lb[DNAME_MAX];

			(void)dname_lower(a + pos, la); /* its length is NA */
			(void)dname_lower(b + pos, lb);
			d = compare_bytes(la, na, lb, nb);
		} else {
			d = compare_bytes(a + pos, na, b + pos, nb);
		}
		if (d)
			return d;
		pos += na;
	}
	return compare_bytes(a + pos, alen - pos, b + pos, blen - pos);
}

int rdata_compare(uint16_t type, const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	const uint8_t *f = rdata_type_fields(type);

	if (has_field(f, FIELD_NAME_C, FIELD_NAME_L))
		return compare_names(f, a, alen, b, blen);
	return compare_bytes(a, alen, b, blen);
}

bool rdata_type_is_data(uint16_t type)
{
	/* RFC 6895 3.1: 128..255 are Q and meta types; OPT is one below */
	return type != 0 && type != RRTYPE_OPT && !(type >= 128 && type <= 255) &&
	       type != UINT16_MAX;
}

void rdata_to_generic(const uint8_t *rdata, size_t len, struct buf *out)
{
	buf_printf(out, "\\# %zu", len);
	if (len) {
		buf_putc(out, ' ');
		encode_hex_upper(rdata, len, out);
	}
}

#include "lib/rdata_type.h"

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

#define DS_FIELDS                                               \
	{                                                       \
		FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX \
	}
#define KEY_FIELDS                                                 \
	{                                                          \
		FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64 \
	}
#define SIG_FIELDS(name)                                                                     \
	{                                                                                    \
		FIELD_TYPE, FIELD_ALGORITHM, FIELD_U8, FIELD_PERIOD, FIELD_TIME, FIELD_TIME, \
			FIELD_U16, (name), FIELD_BASE64                                      \
	}

static const uint8_t table[RRTYPE_WALLET + 1][RDATA_FIELDS_MAX] = {
	[RRTYPE_A] = { FIELD_A },
	[RRTYPE_NS] = { FIELD_NAME_C },
	[RRTYPE_MD] = { FIELD_NAME_C },
	[RRTYPE_MF] = { FIELD_NAME_C },
	[RRTYPE_CNAME] = { FIELD_NAME_C },
	[RRTYPE_SOA] = { FIELD_NAME_C, FIELD_NAME_C, FIELD_U32, FIELD_PERIOD, FIELD_PERIOD,
			 FIELD_PERIOD, FIELD_PERIOD },
	[RRTYPE_MB] = { FIELD_NAME_C },
	[RRTYPE_MG] = { FIELD_NAME_C },
	[RRTYPE_MR] = { FIELD_NAME_C },
	[RRTYPE_NULL] = { FIELD_OPAQUE },
	[RRTYPE_WKS] = { FIELD_A, FIELD_WKS },
	[RRTYPE_PTR] = { FIELD_NAME_C },
	[RRTYPE_HINFO] = { FIELD_STRING, FIELD_STRING },
	[RRTYPE_MINFO] = { FIELD_NAME_C, FIELD_NAME_C },
	[RRTYPE_MX] = { FIELD_U16, FIELD_NAME_C },
	[RRTYPE_TXT] = { FIELD_STRINGS },
	[RRTYPE_RP] = { FIELD_NAME_C, FIELD_NAME_C },
	[RRTYPE_AFSDB] = { FIELD_U16, FIELD_NAME_C },
	[RRTYPE_X25] = { FIELD_STRING },
	[RRTYPE_ISDN] = { FIELD_STRING, FIELD_STRING_OPT },
	[RRTYPE_RT] = { FIELD_U16, FIELD_NAME_C },
	[RRTYPE_NSAP] = { FIELD_NSAP },
	[RRTYPE_NSAP_PTR] = { FIELD_NAME },
	[RRTYPE_SIG] = SIG_FIELDS(FIELD_NAME_C),
	[RRTYPE_KEY] = { FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64_OPT },
	[RRTYPE_PX] = { FIELD_U16, FIELD_NAME_C, FIELD_NAME_C },
	[RRTYPE_GPOS] = { FIELD_STRING, FIELD_STRING, FIELD_STRING },
	[RRTYPE_AAAA] = { FIELD_AAAA },
	[RRTYPE_LOC] = { FIELD_LOC },
	[RRTYPE_NXT] = { FIELD_NAME_C, FIELD_OPAQUE },
	[RRTYPE_EID] = { FIELD_HEX },
	[RRTYPE_NIMLOC] = { FIELD_HEX },
	[RRTYPE_SRV] = { FIELD_U16, FIELD_U16, FIELD_U16, FIELD_NAME_C },
	[RRTYPE_NAPTR] = { FIELD_U16, FIELD_U16, FIELD_STRING, FIELD_STRING, FIELD_STRING,
			   FIELD_NAME_C },
	[RRTYPE_KX] = { FIELD_U16, FIELD_NAME_L },
	[RRTYPE_CERT] = { FIELD_CERT_TYPE, FIELD_U16, FIELD_ALGORITHM, FIELD_BASE64 },
	[RRTYPE_DNAME] = { FIELD_NAME_L },
	[RRTYPE_APL] = { FIELD_APL },
	[RRTYPE_DS] = DS_FIELDS,
	[RRTYPE_SSHFP] = { FIELD_U8, FIELD_U8, FIELD_HEX },
	[RRTYPE_IPSECKEY] = { FIELD_GATEWAY, FIELD_BASE64_OPT },
	[RRTYPE_RRSIG] = SIG_FIELDS(FIELD_NAME_L),
	[RRTYPE_NSEC] = { FIELD_NAME, FIELD_BITMAP },
	[RRTYPE_DNSKEY] = KEY_FIELDS,
	[RRTYPE_DHCID] = { FIELD_BASE64 },
	[RRTYPE_NSEC3] = { FIELD_U8, FIELD_U8, FIELD_U16, FIELD_SALT, FIELD_HASH,
			   FIELD_BITMAP_OPT },
	[RRTYPE_NSEC3PARAM] = { FIELD_U8, FIELD_U8, FIELD_U16, FIELD_SALT },
	[RRTYPE_TLSA] = { FIELD_U8, FIELD_U8, FIELD_U8, FIELD_HEX },
	[RRTYPE_SMIMEA] = { FIELD_U8, FIELD_U8, FIELD_U8, FIELD_HEX },
	[RRTYPE_HIP] = { FIELD_HIP },
	[RRTYPE_NINFO] = { FIELD_STRINGS },
	[RRTYPE_RKEY] = KEY_FIELDS,
	[RRTYPE_TALINK] = { FIELD_NAME, FIELD_NAME },
	[RRTYPE_CDS] = DS_FIELDS,
	[RRTYPE_CDNSKEY] = KEY_FIELDS,
	[RRTYPE_OPENPGPKEY] = { FIELD_BASE64 },
	[RRTYPE_CSYNC] = { FIELD_U32, FIELD_U16, FIELD_BITMAP_OPT },
	[RRTYPE_ZONEMD] = { FIELD_U32, FIELD_U8, FIELD_U8, FIELD_HEX },
	[RRTYPE_SVCB] = { FIELD_U16, FIELD_NAME, FIELD_PARAMS },
	[RRTYPE_HTTPS] = { FIELD_U16, FIELD_NAME, FIELD_PARAMS },
	[RRTYPE_DSYNC] = { FIELD_TYPE, FIELD_U8, FIELD_U16, FIELD_NAME },
	[RRTYPE_SPF] = { FIELD_STRINGS },
	[RRTYPE_NID] = { FIELD_U16, FIELD_LOCATOR64 },
	[RRTYPE_L32] = { FIELD_U16, FIELD_A },
	[RRTYPE_L64] = { FIELD_U16, FIELD_LOCATOR64 },
	[RRTYPE_LP] = { FIELD_U16, FIELD_NAME },
	[RRTYPE_EUI48] = { FIELD_EUI48 },
	[RRTYPE_EUI64] = { FIELD_EUI64 },
	[RRTYPE_URI] = { FIELD_U16, FIELD_U16, FIELD_TEXT },
	[RRTYPE_CAA] = { FIELD_U8, FIELD_TAG, FIELD_TEXT },
	[RRTYPE_AVC] = { FIELD_STRINGS },
	[RRTYPE_DOA] = { FIELD_U32, FIELD_U32, FIELD_U8, FIELD_STRING, FIELD_BASE64_OPT },
	[RRTYPE_AMTRELAY] = { FIELD_RELAY },
	[RRTYPE_RESINFO] = { FIELD_STRINGS },
	[RRTYPE_WALLET] = { FIELD_STRINGS },
};

const uint8_t *rdata_type_fields(uint16_t type)
{
	if (type == RRTYPE_TA || type == RRTYPE_DLV)
		type = RRTYPE_DS;
	if (type >= ARRAY_SIZE(table) || table[type][0] == FIELD_END)
		return NULL;
	return table[type];
}

static int fixed(size_t want, size_t left, size_t *ret_len)
{
	if (left < want)
		return ERR_TRUNCATED;
	*ret_len = want;
	return 0;
}

/* A length octet and that many octets, at least LEAST of them. */
static int counted(const uint8_t *p, size_t left, size_t least, size_t *ret_len)
{
	if (left < 1 || left < (size_t)p[0] + 1)
		return ERR_TRUNCATED;
	if (p[0] < least)
		return ERR_SYNTAX;
	*ret_len = (size_t)p[0] + 1;
	return 0;
}

static int strings(const uint8_t *p, size_t left, size_t *ret_len)
{
	if (left == 0)
		return ERR_TRUNCATED;
	for (size_t at = 0; at < left;) {
		if (left - at < (size_t)p[at] + 1)
			return ERR_TRUNCATED;
		at += (size_t)p[at] + 1;
	}
	*ret_len = left;
	return 0;
}

static int tag(const uint8_t *p, size_t left, size_t *ret_len)
{
	int err = counted(p, left, 1, ret_len);

	if (err)
		return err;
	for (size_t i = 1; i <= p[0]; i++) {
		uint8_t c = p[i] | 0x20;

		if (!(c >= 'a' && c <= 'z') && !(p[i] >= '0' && p[i] <= '9'))
			return ERR_SYNTAX;
	}
	return 0;
}

/* A gateway or relay of KIND: 0 none, 1 IPv4, 2 IPv6, 3 name. */
static int gateway(unsigned kind, const uint8_t *p, size_t left, size_t *ret_len)
{
	switch (kind) {
	case 0:
		*ret_len = 0;
		return 0;
	case 1:
		return fixed(4, left, ret_len);
	case 2:
		return fixed(16, left, ret_len);
	case 3:
		return dname_parse(p, left, ret_len);
	default:
		return ERR_SYNTAX;
	}
}

/* RFC 5205 5: lengths, HIT, public key, then any number of names. */
static int hip(const uint8_t *p, size_t left, size_t *ret_len)
{
	if (left < 4)
		return ERR_TRUNCATED;
	size_t at = 4 + (size_t)p[0] + wire_get16(p + 2);

	if (p[0] == 0 || wire_get16(p + 2) == 0)
		return ERR_SYNTAX;
	if (at > left)
		return ERR_TRUNCATED;
	while (at < left) {
		size_t n;
		int err = dname_parse(p + at, left - at, &n);

		if (err)
			return err;
		at += n;
	}
	*ret_len = left;
	return 0;
}

static int at_offset(unsigned kind, size_t skip, const uint8_t *p, size_t left, size_t *ret_len)
{
	int err = gateway(kind, p + skip, left - skip, ret_len);

	if (err == 0)
		*ret_len += skip;
	return err;
}

/* A field that takes all that is left, given its own check. */
static int rest(int err, size_t left, size_t *ret_len)
{
	if (err == 0)
		*ret_len = left;
	return err;
}

int rdata_type_field_len(enum rdata_field f, const uint8_t *p, size_t left, size_t *ret_len)
{
	switch (f) {
	case FIELD_END:
		return rest(left ? ERR_SYNTAX : 0, left, ret_len);
	case FIELD_NAME_C:
	case FIELD_NAME_L:
	case FIELD_NAME:
		return dname_parse(p, left, ret_len);
	case FIELD_U8:
	case FIELD_ALGORITHM:
		return fixed(1, left, ret_len);
	case FIELD_U16:
	case FIELD_TYPE:
	case FIELD_CERT_TYPE:
		return fixed(2, left, ret_len);
	case FIELD_U32:
	case FIELD_PERIOD:
	case FIELD_TIME:
	case FIELD_A:
		return fixed(4, left, ret_len);
	case FIELD_AAAA:
		return fixed(16, left, ret_len);
	case FIELD_EUI48:
		return fixed(6, left, ret_len);
	case FIELD_EUI64:
	case FIELD_LOCATOR64:
		return fixed(8, left, ret_len);
	case FIELD_STRING:
	case FIELD_SALT:
		return counted(p, left, 0, ret_len);
	case FIELD_HASH:
		return counted(p, left, 1, ret_len);
	case FIELD_STRING_OPT:
		return left ? counted(p, left, 0, ret_len) : rest(0, left, ret_len);
	case FIELD_STRINGS:
		return strings(p, left, ret_len);
	case FIELD_TAG:
		return tag(p, left, ret_len);
	case FIELD_TEXT:
	case FIELD_BASE64_OPT:
	case FIELD_OPAQUE:
		return rest(0, left, ret_len);
	case FIELD_HEX:
	case FIELD_BASE64:
	case FIELD_NSAP:
		return rest(left ? 0 : ERR_TRUNCATED, left, ret_len);
	case FIELD_WKS:
		/* the bitmap covers 65,536 ports at most */
		if (left < 1)
			return ERR_TRUNCATED;
		return rest(left > 8193 ? ERR_SYNTAX : 0, left, ret_len);
	case FIELD_BITMAP:
		if (left == 0)
			return ERR_TRUNCATED;
		return rest(rdata_bitmap_check(p, left), left, ret_len);
	case FIELD_BITMAP_OPT:
		return rest(rdata_bitmap_check(p, left), left, ret_len);
	case FIELD_LOC:
		return rest(rdata_loc_check(p, left), left, ret_len);
	case FIELD_APL:
		return rest(rdata_apl_check(p, left), left, ret_len);
	case FIELD_GATEWAY:
		return left < 3 ? ERR_TRUNCATED : at_offset(p[1], 3, p, left, ret_len);
	case FIELD_RELAY:
		return left < 2 ? ERR_TRUNCATED : at_offset(p[1] & 0x7f, 2, p, left, ret_len);
	case FIELD_HIP:
		return hip(p, left, ret_len);
	case FIELD_PARAMS:
		return rest(rdata_svcb_check(p, left), left, ret_len);
	}
	return ERR_SYNTAX;
}

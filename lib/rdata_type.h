/*
 * rdata_type - which fields the RDATA of each type has: one row a type.  For
 * rdata*.c alone.  To add a type: a row in rdata_type.c (and in rrtype.def).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rdata_field {
	FIELD_END,
	FIELD_NAME_C, /* compression is understood (RFC 3597 4), lower-cased when canonical */
	FIELD_NAME_L, /* never compressed, lower-cased when canonical */
	FIELD_NAME,   /* never compressed, case kept */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_PERIOD, /* u32, text may have units: 1h30m */
	FIELD_A,
	FIELD_AAAA,
	FIELD_STRING,     /* <character-string> */
	FIELD_STRING_OPT, /* the same, may be missing at the end */
	FIELD_STRINGS,    /* one or more to the end */
	FIELD_TEXT,       /* the rest as one quoted text, may be empty */
	FIELD_HEX,        /* the rest, not empty */
	FIELD_BASE64,     /* the rest, not empty */
	FIELD_BASE64_OPT, /* the rest, may be empty; text "-" or nothing */
	FIELD_OPAQUE,     /* the rest; text only as \# */
	FIELD_TYPE,       /* u16, mnemonic of a type */
	FIELD_ALGORITHM,  /* u8, DNSSEC mnemonic or number */
	FIELD_CERT_TYPE,  /* u16, mnemonic or number */
	FIELD_TIME,       /* u32, YYYYMMDDHHmmSS or seconds */
	FIELD_BITMAP,     /* type bitmap, not empty */
	FIELD_BITMAP_OPT, /* type bitmap, may be empty */
	FIELD_SALT,       /* u8 length, hex or "-" */
	FIELD_HASH,       /* u8 length, base32hex, not empty */
	FIELD_TAG,        /* u8 length, letters and digits, not empty */
	FIELD_EUI48,
	FIELD_EUI64,
	FIELD_LOCATOR64, /* xxxx:xxxx:xxxx:xxxx */
	FIELD_NSAP,      /* the rest, text 0x… with dots */
	FIELD_WKS,       /* u8 protocol and bitmap of ports */
	FIELD_LOC,
	FIELD_APL,
	FIELD_GATEWAY, /* IPSECKEY: precedence, type, algorithm, gateway */
	FIELD_RELAY,   /* AMTRELAY */
	FIELD_HIP,
	FIELD_PARAMS, /* SvcParams to the end */
};

#define RDATA_FIELDS_MAX 10

/* The fields of TYPE, ended by FIELD_END; NULL for an unknown type. */
const uint8_t *rdata_type_fields(uint16_t type);
/* Length of the field F at P, of which LEFT bytes are left, checked.  0 or an error as rdata_check.
 */
int rdata_type_field_len(enum rdata_field f, const uint8_t *p, size_t left, size_t *ret_len);
/* Check SvcParams (RFC 9460 2.2). */
int rdata_svcb_check(const uint8_t *p, size_t len);
/* One SvcParams list to text: " key=value key=value" (a blank before each). */
struct buf;
void rdata_svcb_to_text(const uint8_t *p, size_t len, struct buf *out);

/* A token: of RDATA text. */
struct rdata_token {
	const char *s;
	size_t len;
	bool quoted;     /* the whole token was in quotes, which are not in S */
	bool has_quotes; /* quotes inside: key="value" */
};
/* Gather the SvcParams of text tokens, sorted, appended to OUT.  WHY: static reason on failure. */
int rdata_svcb_from_tokens(const struct rdata_token *tokens, size_t n, struct buf *out,
			   const char **why);
/* Unescape a token into OUT.  ERR_SYNTAX. */
int rdata_token_bytes(const struct rdata_token *t, struct buf *out);
/* A decimal number of digits only, at most MAX.  ERR_SYNTAX, ERR_RANGE. */
int rdata_token_number(const char *s, size_t len, uint32_t max, uint32_t *ret);
/* Print bytes in quotes, escaped. */
void rdata_quote(const uint8_t *p, size_t len, struct buf *out);

/* The forms that need a parser of their own (rdata_special.c); WHY: static reason on failure. */
int rdata_loc_check(const uint8_t *p, size_t len);
int rdata_loc_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why);
void rdata_loc_to_text(const uint8_t *p, struct buf *out);
int rdata_apl_check(const uint8_t *p, size_t len);
int rdata_apl_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why);
/* false: an address family without a text form. */
bool rdata_apl_to_text(const uint8_t *p, size_t len, struct buf *out);
int rdata_wks_from_tokens(const struct rdata_token *t, size_t n, struct buf *out, const char **why);
void rdata_wks_to_text(const uint8_t *p, size_t len, struct buf *out);
int rdata_bitmap_check(const uint8_t *p, size_t len);
int rdata_bitmap_from_tokens(const struct rdata_token *t, size_t n, struct buf *out,
			     const char **why);
void rdata_bitmap_to_text(const uint8_t *p, size_t len, struct buf *out);

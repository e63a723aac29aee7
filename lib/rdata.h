/*
 * rdata - the one codec of RDATA: a table says which fields a type has
 * (rdata_type.h), one bounds-checked cursor walks them.  Wire form everywhere
 * means uncompressed names.  Types that the table does not know are opaque
 * (RFC 3597).  Pure, any thread.  No allocation but in OUT buffers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define RDATA_WHY_MAX 128 /* bytes of a reason, with NUL */

/*
 * Is this a valid RDATA of TYPE?  Checks the form of every field and what the
 * type's RFC makes malformed (order of SVCB keys, digest lengths of DS, SSHFP,
 * TLSA, bitmaps of NSEC …).  0, ERR_TRUNCATED (ends too early), ERR_SYNTAX
 * (surplus or wrong bytes), ERR_TOO_LONG (a name, or len > 65,535).
 */
int rdata_check(uint16_t type, const uint8_t *rdata, size_t len);
/*
 * Append the RDATA of RDLEN bytes at POS of a message to OUT, with names
 * decompressed for the types that RFC 3597 4 lists, and check it.  For other
 * types a compression pointer is an error.  Errors as rdata_check; OUT as before then.
 */
int rdata_unpack(const uint8_t *msg, size_t msg_len, size_t pos, uint16_t rdlen, uint16_t type,
		 struct buf *out);
/*
 * Presentation form to wire, appended to OUT.  Tokens parted by blanks, strings
 * may be quoted, \DDD and \X escapes, "\# LEN HEX" for every type (RFC 3597 5).
 * Comments and parentheses are the zone file's matter and have no meaning here.
 * origin: completes relative names and stands for "@"; NULL: all names are absolute.
 * ERR_SYNTAX, ERR_RANGE (a number), ERR_TOO_LONG, ERR_UNSUPPORTED (an unknown type
 * without \#); OUT as before then.
 */
int rdata_from_text(uint16_t type, const char *text, const uint8_t *origin, struct buf *out);
/* The same for LEN characters, with a reason of RDATA_WHY_MAX bytes in WHY (NULL: none) on failure.
 */
int rdata_from_chars(uint16_t type, const char *text, size_t len, const uint8_t *origin,
		     struct buf *out, char *why);
/*
 * A period as zone files write it: seconds, or with units "1w2d3h4m5s"; LEN
 * characters.  ERR_SYNTAX, ERR_RANGE.
 */
int rdata_period(const char *text, size_t len, uint32_t *ret_s);
/*
 * Wire to presentation form, appended to OUT; names absolute.  Unknown types and
 * those whose text form is dead (NXT, A6 …) as "\# …".  Error: as rdata_check; OUT as before.
 */
int rdata_to_text(uint16_t type, const uint8_t *rdata, size_t len, struct buf *out);
/* "\# LEN HEX" of any bytes. */
void rdata_to_generic(const uint8_t *rdata, size_t len, struct buf *out);
/* Canonical order (RFC 4034 6.3, names lower-cased as 6.2 says): <0, 0, >0.  Both valid. */
int rdata_compare(uint16_t type, const uint8_t *a, size_t alen, const uint8_t *b, size_t blen);
/* Lower-case the embedded names that RFC 4034 6.2 (with RFC 6840 5.1) lists, in place.  Valid
 * RDATA. */
void rdata_lower_names(uint16_t type, uint8_t *rdata, size_t len);
/* May records of this type stand in a zone (not 0, OPT, a Q or meta type; RFC 6895 3.1)? */
bool rdata_type_is_data(uint16_t type);

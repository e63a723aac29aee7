/*
 * encode - bytes to text and back: hexadecimal, base64 (RFC 4648 4), base32hex
 * without padding (RFC 4648 7, as NSEC3 uses it).  Strict.  Pure, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

void encode_hex(const uint8_t *data, size_t len, struct buf *out);       /* lower case */
void encode_hex_upper(const uint8_t *data, size_t len, struct buf *out); /* upper case */
void encode_base64(const uint8_t *data, size_t len, struct buf *out);
void encode_base32hex(const uint8_t *data, size_t len, struct buf *out); /* upper case */
/*
 * The reverse; LEN characters, appended to OUT.  ERR_SYNTAX: a wrong character,
 * an odd number of digits, missing or surplus padding, bits that are not zero
 * in the last character.  OUT may then hold a part.
 */
int decode_hex(const char *text, size_t len, struct buf *out);
int decode_base64(const char *text, size_t len, struct buf *out);
int decode_base32hex(const char *text, size_t len, struct buf *out);

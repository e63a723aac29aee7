/*
 * dname - domain names in uncompressed wire form (RFC 1035 3.1): length octets
 * and labels, ended by the zero octet; at most 255 octets in all, 63 a label.
 * All functions but dname_parse and dname_from_text expect a valid name.
 * Comparison ignores ASCII case (RFC 4343).  Pure, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNAME_MAX        255  /* octets on the wire, with the root's zero */
#define DNAME_TEXT_MAX   1016 /* escaped text with final dot and NUL: 4*253 + 4 */
#define DNAME_LABELS_MAX 127

/* Octets of the name, 1..255, with the ending zero. */
size_t dname_len(const uint8_t *name);
/* Labels without the root: 0 for ".". */
unsigned dname_labels(const uint8_t *name);
/*
 * Text to wire.  "www.example.com", a final dot is optional, "." is the root;
 * "\." and "\DDD" escapes as in RFC 1035 5.1; "@" has no meaning here.  Case kept.
 * out: DNAME_MAX bytes.  ERR_SYNTAX, ERR_TOO_LONG; OUT untouched then.
 */
int dname_from_text(const char *text, uint8_t *out);
/* The same, relative names (no final dot) are completed with ORIGIN. */
int dname_from_text_origin(const char *text, const uint8_t *origin, uint8_t *out);
/*
 * The same for LEN characters that need no NUL, as a zone file has them: "@" is
 * ORIGIN.  origin NULL: relative names are absolute, "@" is ERR_SYNTAX.  OUT may be ORIGIN.
 */
int dname_from_chars(const char *text, size_t len, const uint8_t *origin, uint8_t *out);
/* Wire to escaped text with final dot; OUT holds DNAME_TEXT_MAX.  Returns OUT. */
char *dname_to_text(const uint8_t *name, char *out);
/* The same without the final dot (except for the root), caller frees. */
char *dname_text(const uint8_t *name);
/*
 * Read an uncompressed name from at most LEN bytes; *ret_len = octets used.
 * ERR_TRUNCATED, ERR_TOO_LONG, ERR_SYNTAX (pointer or 0x40/0x80 label).
 */
int dname_parse(const uint8_t *wire, size_t len, size_t *ret_len);
/*
 * Read a possibly compressed name at *pos of a message (RFC 1035 4.1.4), strict:
 * a pointer must point before the label it stands in for, at most 127 hops.
 * out: DNAME_MAX bytes, uncompressed, case kept.  *pos moves behind the name.
 */
int dname_unpack(const uint8_t *msg, size_t msg_len, size_t *pos, uint8_t *out);
bool dname_equal(const uint8_t *a, const uint8_t *b);
/* Canonical order (RFC 4034 6.1): <0, 0, >0. */
int dname_compare(const uint8_t *a, const uint8_t *b);
/* True if NAME is PARENT or below it, on label boundaries. */
bool dname_is_subdomain(const uint8_t *name, const uint8_t *parent);
/* Lower-case copy; OUT holds DNAME_MAX; OUT may be NAME.  Returns its length. */
size_t dname_lower(const uint8_t *name, uint8_t *out);
/* NAME without its first N labels (a pointer into NAME); NULL if it has fewer. */
const uint8_t *dname_parent(const uint8_t *name, unsigned n);
bool dname_is_wildcard(const uint8_t *name); /* first label is "*" */
/* OUT = PREFIX's labels followed by SUFFIX.  ERR_TOO_LONG. */
int dname_join(const uint8_t *prefix, const uint8_t *suffix, uint8_t *out);
/* Text helpers: is HOST equal to ZONE or below it (label boundaries, no case, final dots ignored)?
 */
bool dname_text_is_below(const char *host, const char *zone);
/* Lower-case, without final dot; caller frees. */
char *dname_text_normal(const char *text);
/*
 * Is TEXT a valid host name (letters, digits, hyphen, underscore; a leading
 * "*." if ALLOW_WILDCARD; RFC 1123 2.1, RFC 1035 limits)?
 */
bool dname_text_is_host(const char *text, bool allow_wildcard);

/* spelling - an endpoint's targets in the spellings that DNS services want.  Pure. */
#pragma once

#include "lib/strv.h"

/* The name that ends the target of CNAME, NS, PTR, DNAME, MX, SRV … gets a final dot.  Caller
 * frees. */
char *spelling_absolute(const char *type, const char *target);
/* The same without the final dot.  Caller frees. */
char *spelling_plain(const char *type, const char *target);
/* TXT: quoted, as character strings of at most 255 octets separated by a blank.  Caller frees. */
char *spelling_quoted(const char *target);
/* TXT: the octets that TARGET (quoted or not) means, strings joined.  Caller frees. */
char *spelling_unquoted(const char *target);
/* DNS_NAME relative to ZONE, "@" for the apex.  Caller frees; NULL if it is not in the zone. */
char *spelling_relative(const char *dns_name, const char *zone);
/* "@" or relative NAME in ZONE as a full name without final dot, lower case.  Caller frees. */
char *spelling_full_name(const char *name, const char *zone);
struct endpoint;
/* Quote the targets of E if it is TXT, in strings of 255: as services give back what they took. */
void spelling_quote_txt(struct endpoint *e);

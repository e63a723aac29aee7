/*
 * idna - domain names with letters beyond ASCII in their wire spelling
 * ("bücher.example" -> "xn--bcher-kva.example", RFC 5890, 3492).  Any thread.
 */
#pragma once

#include <stdbool.h>

/*
 * TEXT (UTF-8) in lower case, blanks around it and the final dot removed, each label that is not
 * ASCII in punycode.  A name that is not UTF-8 or has a label that gets too long is only
 * lower-cased.  Caller frees.
 */
char *idna_normal(const char *text);
/* True if idna_normal would give TEXT back unchanged (the usual case, no allocation). */
bool idna_is_normal(const char *text);

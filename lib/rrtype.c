#include "lib/rrtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/error.h"
#include "lib/mem.h"

static const struct {
	uint16_t type;
	const char *name;
} names[] = {
#define RRTYPE(number, name) { number, #name },
#include "lib/rrtype.def"
#undef RRTYPE
};

int rrtype_from_text(const char *text, uint16_t *ret_type)
{
	if (strcasecmp(text, "NSAP-PTR") == 0)
		text = "NSAP_PTR";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(names[i].name, text) == 0) {
			*ret_type = names[i].type;
			return 0;
		}
	}
	if (strncasecmp(text, "TYPE", 4) != 0 || text[4] < '0' || text[4] > '9')
		return ERR_NOT_FOUND;
	char *end;
	unsigned long v = strtoul(text + 4, &end, 10);
	if (*end || v > 65535)
		return ERR_NOT_FOUND;
	*ret_type = (uint16_t)v;
	return 0;
}

const char *rrtype_to_text(uint16_t type, char *out)
{
	if (type == RRTYPE_NSAP_PTR)
		return "NSAP-PTR";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	(void)snprintf(out, 12, "TYPE%u", type);
	return out;
}

const char *rcode_to_text(unsigned rcode, char *out)
{
	static const char *const text[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					    "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
					    "NXRRSET", "NOTAUTH", "NOTZONE",  "DSOTYPENI" };

	if (rcode < ARRAY_SIZE(text))
		return text[rcode];
	switch (rcode) {
	case DNS_RCODE_BADVERS:
		return "BADVERS";
	case DNS_RCODE_BADKEY:
		return "BADKEY";
	case DNS_RCODE_BADTIME:
		return "BADTIME";
	case DNS_RCODE_BADTRUNC:
		return "BADTRUNC";
	case DNS_RCODE_BADCOOKIE:
		return "BADCOOKIE";
	default:
		(void)snprintf(out, 12, "RCODE%u", rcode & 0xfff);
		return out;
	}
}

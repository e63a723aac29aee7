/* rrtype - RR types by number and by mnemonic (RFC 3597 for the unknown).  Any thread. */
#pragma once

#include <stdint.h>

enum rrtype {
#define RRTYPE(number, name) RRTYPE_##name = number,
#include "lib/rrtype.def"
#undef RRTYPE
};

enum {
	DNS_CLASS_IN = 1,
	DNS_CLASS_CH = 3,
	DNS_CLASS_HS = 4,
	DNS_CLASS_NONE = 254,
	DNS_CLASS_ANY = 255,
};

enum dns_opcode {
	DNS_OPCODE_QUERY = 0,
	DNS_OPCODE_NOTIFY = 4,
	DNS_OPCODE_UPDATE = 5,
};

enum dns_rcode {
	DNS_RCODE_NOERROR = 0,
	DNS_RCODE_FORMERR = 1,
	DNS_RCODE_SERVFAIL = 2,
	DNS_RCODE_NXDOMAIN = 3,
	DNS_RCODE_NOTIMP = 4,
	DNS_RCODE_REFUSED = 5,
	DNS_RCODE_YXDOMAIN = 6,
	DNS_RCODE_YXRRSET = 7,
	DNS_RCODE_NXRRSET = 8,
	DNS_RCODE_NOTAUTH = 9,
	DNS_RCODE_NOTZONE = 10,
	DNS_RCODE_BADVERS = 16, /* and BADSIG in a TSIG */
	DNS_RCODE_BADKEY = 17,
	DNS_RCODE_BADTIME = 18,
	DNS_RCODE_BADTRUNC = 22,
	DNS_RCODE_BADCOOKIE = 23,
};

/* Mnemonic or "TYPEnnn", any case.  0 or ERR_NOT_FOUND. */
int rrtype_from_text(const char *text, uint16_t *ret_type);
/* Mnemonic or "TYPEnnn" in OUT (at least 12 bytes).  Returns OUT or a static string. */
const char *rrtype_to_text(uint16_t type, char *out);
/* "NOERROR", "NXDOMAIN"…, "RCODEnn". static or OUT (12 bytes). */
const char *rcode_to_text(unsigned rcode, char *out);

#include "server/chaos.h"

#include <string.h>

#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/settings.h"

static const char *text_for(const struct server_settings *set, const struct qname *q)
{
#define IS(name) (q->len == sizeof(name) && memcmp(q->lower, (name), sizeof(name)) == 0)
	if (IS("\2id\6server") || IS("\10hostname\4bind"))
		return set->id_server;
	if (IS("\7version\6server") || IS("\7version\4bind"))
		return set->version;
#undef IS
	return NULL;
}

bool chaos_put(struct response *r, const struct server_settings *set, const struct qname *q,
	       uint16_t qtype)
{
	const char *text = text_for(set, q);

	if (text == NULL || (qtype != RRTYPE_TXT && qtype != RRTYPE_ANY))
		return false;
	size_t len = strlen(text);
	uint8_t *p = r->msg + r->len;
	if (len > 255)
		len = 255;
	if (r->len + RR_FIXED + 1 + len > r->max)
		return false;
	wire_put16(p, 0xc00c);
	wire_put16(p + 2, RRTYPE_TXT);
	wire_put16(p + 4, DNS_CLASS_CH);
	wire_put32(p + 6, 0);
	wire_put16(p + 10, (uint16_t)(1 + len));
	p[12] = (uint8_t)len;
	memcpy(p + 13, text, len);
	r->len += RR_FIXED + 1 + len;
	response_count(r, SECTION_ANSWER, 1);
	return true;
}

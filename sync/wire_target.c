#include "sync/wire_target.h"

#include <stdlib.h>
#include <string.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata.h"
#include "lib/rrtype.h"
#include "sync/spelling.h"
#include "sync/target.h"

bool wire_target_type(const char *record_type, uint16_t *ret)
{
	return rrtype_from_text(record_type, ret) == 0 && wire_target_is_shown(*ret);
}

bool wire_target_is_shown(uint16_t type)
{
	switch (type) {
	case RRTYPE_SOA:
	case RRTYPE_RRSIG:
	case RRTYPE_NSEC:
	case RRTYPE_NSEC3:
	case RRTYPE_NSEC3PARAM:
	case RRTYPE_DNSKEY:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		return false;
	default:
		return rdata_type_is_data(type);
	}
}

int wire_target_put(uint16_t type, const char *record_type, const char *target, struct buf *out)
{
	/* strings as they stand: those of others must come back octet for octet */
	if (type == RRTYPE_TXT && *target == '"' && rdata_from_text(type, target, NULL, out) == 0)
		return 0;
	char *text = type == RRTYPE_TXT ? spelling_quoted(target)
					: spelling_absolute(record_type, target);
	int err = rdata_from_text(type, text, NULL, out);

	free(text);
	return err;
}

char *wire_target_get(uint16_t type, const uint8_t *rdata, size_t len)
{
	struct buf text = { 0 };
	char name[12];

	if (rdata_to_text(type, rdata, len, &text) < 0)
		return buf_take(&text); /* it was valid: cannot be */
	char *normal = target_normal(rrtype_to_text(type, name), buf_str(&text));
	buf_fini(&text);
	return normal;
}

static void adjust_targets(struct endpoint *e, uint16_t type)
{
	struct strv out = { 0 };

	for (size_t i = 0; i < e->targets.n; i++) {
		struct buf rdata = { 0 };

		if (wire_target_put(type, e->record_type, e->targets.s[i], &rdata) < 0) {
			strv_fini(&out);
			buf_fini(&rdata);
			return;
		}
		strv_take(&out, wire_target_get(type, (const uint8_t *)rdata.data, rdata.len));
		buf_fini(&rdata);
	}
	strv_fini(&e->targets);
	e->targets = out;
}

void wire_target_adjust(struct endpoint_list *desired, int64_t min_ttl)
{
	for (size_t i = 0; i < desired->n; i++) {
		struct endpoint *e = desired->e[i];
		uint16_t type;

		if (wire_target_type(e->record_type, &type))
			adjust_targets(e, type);
		if (e->record_ttl > 0 && e->record_ttl < min_ttl)
			e->record_ttl = min_ttl;
		endpoint_set_prop(e, "alias", NULL);
	}
}

/*
 * rrstore - the records of one zone as transfers bring them: filled by AXFR,
 * changed by IXFR, shown as endpoints.  Control thread.
 */
#pragma once

#include <stdint.h>

#include "lib/endpoint.h"
#include "lib/map.h"

struct dns_record;

struct rrstore {
	struct map sets; /* "name type" -> struct rrstore_set */
};

void rrstore_fini(struct rrstore *s);
/* Types that endpoints cannot show are left out. */
void rrstore_add(struct rrstore *s, const struct dns_record *r);
void rrstore_remove(struct rrstore *s, const struct dns_record *r);
/* All RRsets, appended to OUT. */
void rrstore_endpoints(const struct rrstore *s, struct endpoint_list *out);

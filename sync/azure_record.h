/*
 * azure_record - Azure DNS record sets, public (2018-05-01) and private
 * (2018-09-01, other spelling of the members), as endpoints and back.  Pure.
 */
#pragma once

#include <stdbool.h>

#include "lib/endpoint.h"

struct cJSON;

#define AZURE_DEFAULT_TTL 300
#define AZURE_PROP_TAGS   "azure/tags" /* the set's metadata, "a=1,b=2" sorted */

/*
 * NULL for SOA and what an endpoint cannot hold.  An alias set (targetResource) has the id of the
 * resource as its target.  Caller frees.
 */
struct endpoint *azure_record_read(const struct cJSON *set, const char *zone);
/* {"properties": …} for E; NULL if a target does not fit its type.  Caller deletes. */
struct cJSON *azure_record_body(const struct endpoint *e, bool is_private);
/* Bring the tags that E wishes into the form that azure_record_read gives. */
void azure_record_adjust(struct endpoint *e);

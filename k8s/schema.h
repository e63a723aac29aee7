/*
 * schema - the structure that objects must have, as the API server checks it:
 * the OpenAPI schemas of our CRDs (k8s/crds) and of the parts of Kubernetes' own
 * kinds that we read (k8s/schemas.yaml).  Rules in CEL are not evaluated; who
 * reads the object checks what they say.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "k8s/object.h"

/*
 * AT is the item that is wrong, or the nearest one above a missing one (for yaml_line); PATH is
 * "spec.rules[0].host"; TEXT what is wrong.  Not FATAL: an unknown field, which has no effect.
 */
typedef void (*schema_fault_cb)(void *ctx, const cJSON *at, const char *path, const char *text,
				bool fatal);

/*
 * Check JSON, an object of KIND; with FILL add the defaults of the schema and drop nulls, as the
 * API server does.  Returns how many fatal faults were told.
 */
unsigned schema_check(enum kind_id kind, cJSON *json, bool fill, schema_fault_cb cb, void *ctx);
/* Give back the memory of the parsed schemas (tests). */
void schema_forget(void);

/*
 * object_status - what gslb says of a Gslb or ZoneDelegation, as the status of
 * the object: k8gb's fields and conditions.  Pure: builds JSON; k8s.c has it
 * written.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "k8s/object.h"

struct gslb_decl;
struct gslb_status;
struct strv;

/* The part of a declaration that its status repeats: hosts and Services.  Caller frees. */
cJSON *object_status_servers(const struct gslb_decl *d);
/*
 * The status of OBJ; SERVERS (borrowed) may be NULL.  Conditions keep the lastTransitionTime that
 * OBJ has as long as they stand the same.  CONDITIONS false: k8gb's fields alone, for its own CRDs.
 */
cJSON *object_status_gslb(const struct object *obj, const struct gslb_status *s,
			  const cJSON *servers, bool conditions, int64_t now_s);
/* DNS_SERVERS: "NAME ADDRESS" each; ERROR why the zone is not served, or NULL. */
cJSON *object_status_zone(const struct object *obj, const struct strv *dns_servers,
			  const char *error, bool conditions, int64_t now_s);
/* Of a DNSEndpoint: that it was read, and what is wrong with it (NULL = nothing). */
cJSON *object_status_dns_endpoint(const struct object *obj, const char *error, bool conditions,
				  int64_t now_s);
/* The object with nothing but its identity and STATUS (taken), for server-side apply; caller frees.
 */
char *object_status_body(const struct object *obj, const char *api_version, cJSON *status);
/* OBJ has exactly this status already. */
bool object_status_is_there(const struct object *obj, const cJSON *status);

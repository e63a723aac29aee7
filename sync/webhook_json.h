/*
 * webhook_json - endpoints and changes in the JSON of ExternalDNS's webhook
 * protocol, for client (provider_webhook.c) and server (webhook_server.c).  Pure.
 */
#pragma once

#include "lib/endpoint.h"
#include "sync/provider.h"

struct cJSON;

#define WEBHOOK_MEDIA_TYPE "application/external.dns.webhook+json;version=1"
#define WEBHOOK_BODY_MAX   33554432 /* both ways */

/* Empty members are left out, and labels that stay inside (a leading blank). */
struct cJSON *webhook_json_endpoint(const struct endpoint *e);
/*
 * One endpoint; names and targets in normal form.  ERR_SYNTAX with *ret_why (caller frees) if a
 * member has the wrong type or dnsName or recordType is missing.
 */
int webhook_json_read_endpoint(const struct cJSON *o, struct endpoint **ret, char **ret_why);
/* An array (or null) of endpoints, appended to OUT. */
int webhook_json_read_list(const struct cJSON *a, struct endpoint_list *out, char **ret_why);
/*
 * {"create": …, "updateOld": …, "updateNew": …, "delete": …}, empty ones left out; or, as up to
 * 0.16, {"Create": …} with null for empty ones.  OWNER: whose these records are; NULL = they have
 * no owners.
 */
struct cJSON *webhook_json_changes(struct change *const *c, size_t n, const char *owner,
				   bool capitals);

struct webhook_changes {
	struct endpoint_list create, update_old, update_new, remove;
};
/* Keys in any case.  ERR_SYNTAX with *ret_why: types, or updateOld and updateNew of different
 * length. */
int webhook_json_read_changes(const struct cJSON *o, struct webhook_changes *ret, char **ret_why);
void webhook_changes_fini(struct webhook_changes *c);

/*
 * cloudflare_record - Cloudflare's DNS records (one object a value) as
 * endpoints and back.  Pure.  Source: Cloudflare API v4, dns_records.
 */
#pragma once

#include <stdbool.h>

#include "lib/endpoint.h"

struct cJSON;

#define CLOUDFLARE_PROP_PROXIED "external-dns.alpha.kubernetes.io/cloudflare-proxied"
#define CLOUDFLARE_PROP_COMMENT "external-dns.alpha.kubernetes.io/cloudflare-record-comment"
#define CLOUDFLARE_PROP_TAGS    "external-dns.alpha.kubernetes.io/cloudflare-tags"
#define CLOUDFLARE_PROP_CUSTOM  "external-dns.alpha.kubernetes.io/cloudflare-custom-hostname"
#define CLOUDFLARE_PROP_REGION  "external-dns.alpha.kubernetes.io/cloudflare-region-key"

struct cloudflare_record {
	char *id;
	char *name; /* lower case, no final dot */
	char *type;
	char *target; /* as an endpoint's target: "10 mail.example.com" for MX … */
	int64_t ttl;  /* 1 = automatic */
	bool proxied;
	char *comment; /* "" if none */
	char *tags;    /* sorted, comma-joined; "" if none */
};

void cloudflare_record_fini(struct cloudflare_record *r);
/* False if the object is no record that we can carry (no id, name, type or content). */
bool cloudflare_record_read(const struct cJSON *json, struct cloudflare_record *ret);
/*
 * The body for one TARGET of E: create (PUT and POST take the same).  Caller deletes.
 * NULL if the target does not parse for its type.
 */
struct cJSON *cloudflare_record_body(const struct endpoint *e, const char *target);
/* Can records of this type be proxied at all? */
bool cloudflare_record_is_proxiable(const char *type);
/* The same value, whatever quotes and case the service stores it with? */
bool cloudflare_record_same_target(const char *type, const char *a, const char *b);
/* The property under either annotation prefix, or NULL.  SUFFIX e.g. "cloudflare-proxied". */
const char *cloudflare_record_prop(const struct endpoint *e, const char *suffix);

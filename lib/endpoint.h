/*
 * endpoint - one desired DNS record set in ExternalDNS's words: what sources
 * make, gslb exports and sync plans.  Plain data, control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/strv.h"

struct endpoint_prop {
	char *name;
	char *value;
};

struct endpoint {
	char *dns_name;               /* lower case, no final dot; "*." wildcards allowed */
	char *record_type;            /* "A", "AAAA", "CNAME", "NS", "TXT", … */
	struct strv targets;          /* text; order kept */
	int64_t record_ttl;           /* seconds; 0 = not configured */
	char *set_identifier;         /* "" if none; never NULL */
	struct endpoint_prop *labels; /* sorted by name, unique: owner, resource, owned-record … */
	size_t nlabels;
	struct endpoint_prop *provider_specific; /* order kept, names unique */
	size_t nprovider_specific;
	/*
	 * The record set is shared by several clusters: this cluster adds and
	 * removes only its own targets in it (the delegation's NS set).
	 */
	bool shared;
};

struct endpoint *endpoint_new(const char *dns_name, const char *record_type, int64_t ttl);
void endpoint_free(struct endpoint *e);
struct endpoint *endpoint_copy(const struct endpoint *e);
void endpoint_set_label(struct endpoint *e, const char *name,
			const char *value);                             /* value NULL removes */
const char *endpoint_label(const struct endpoint *e, const char *name); /* NULL if none */
void endpoint_set_prop(struct endpoint *e, const char *name,
		       const char *value); /* value NULL removes */
const char *endpoint_prop(const struct endpoint *e, const char *name);
/* Order by (dns_name, record_type, set_identifier). */
int endpoint_compare_key(const struct endpoint *a, const struct endpoint *b);
/* Same key, TTL, targets as sets, labels and properties. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* "A", "AAAA" or "CNAME" for a target's text, as ExternalDNS's suitableType. */
const char *endpoint_suitable_type(const char *target);

/* A list that owns its endpoints.  Zero-initialise. */
struct endpoint_list {
	struct endpoint **e;
	size_t n;
	size_t cap;
};
void endpoint_list_fini(struct endpoint_list *l);
void endpoint_list_take(struct endpoint_list *l, struct endpoint *e);
void endpoint_list_sort(struct endpoint_list *l); /* by key, stable */

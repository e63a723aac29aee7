/*
 * policy - a GslbPolicy's spec, parsed: how hosts are probed and how members are
 * chosen beyond what a Gslb can say.  Immutable, counted.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gslb/health.h"
#include "lib/netaddr.h"
#include "lib/strv.h"

struct cJSON;
struct netmap;

enum policy_match { POLICY_MATCH_NONE, POLICY_MATCH_FIELD, POLICY_MATCH_NEAREST, POLICY_MATCH_MAP };
enum policy_quorum { QUORUM_OWN, QUORUM_LOCAL, QUORUM_ANY, QUORUM_MAJORITY, QUORUM_ALL };
enum policy_all_down {
	ALL_DOWN_NODATA,
	ALL_DOWN_ALL,
	ALL_DOWN_LAST_GOOD,
	ALL_DOWN_FALLBACK,
	ALL_DOWN_REFUSED
};

struct policy_tier {
	char *name; /* or NULL */
	struct strv geo_tags, members;
	unsigned min_live_percent;
};

/* Where clients of a site ask from. */
struct policy_site {
	char *geo_tag;
	bool has_coordinates;
	double latitude, longitude;
	struct netprefix *networks;
	size_t nnetworks;
	uint32_t *asns;
	size_t nasns;
	struct strv countries, continents;
};

struct policy {
	unsigned refs;
	char *id;          /* "ns/name" */
	struct strv hosts; /* normal form; a leading "*." stands for any labels; empty: by target */
	char *target_kind, *target_name, *namespace;

	struct health_need readiness;
	struct strv depends_on;   /* hosts, normal form */
	struct cJSON *probes;     /* the array, checked; NULL = none */
	unsigned probes_required; /* so many of them must pass; 0 = all */
	enum policy_quorum quorum;

	struct policy_tier *tiers;
	size_t ntiers;
	uint64_t failover_delay_ms, failback_delay_ms;
	bool is_failback_manual;

	unsigned damping_turns; /* 0 = none */
	uint64_t damping_within_ms, damping_hold_ms;
	uint64_t slow_start_ms;

	enum policy_match match;
	struct strv fields;
	bool fence;
	struct policy_site *sites; /* at most 64 */
	size_t nsites;
	struct netmap *map; /* of the sites, for match Map */

	char *https;    /* RDATA of the HTTPS record, text; NULL = none */
	unsigned count; /* 0 = all */
	bool is_sticky;
	uint8_t v4_prefix, v6_prefix;

	enum policy_all_down all_down;
	struct strv fallback_addresses;
	char *fallback_hostname; /* or NULL */
};

/*
 * Parse the SPEC of the policy ID ("namespace/name").  trusted: it comes from the operator's own
 * folder of manifests, so it may run helpers and read files here (probes Exec and File); whoever
 * may write objects into an API server may not.  ERR_INVALID with *ret_why ("spec.tiers[1]:
 * …", caller frees); the caller has the one reference to *ret.
 */
int policy_parse(const char *id, const struct cJSON *spec, bool trusted, struct policy **ret,
		 char **ret_why);
/* Why the group of SPEC's targetRef does not fit its kind (caller frees); NULL = it does. */
char *policy_check_target(const struct cJSON *spec);
struct policy *policy_ref(struct policy *p);
void policy_unref(struct policy *p); /* NULL is fine */
/* Is HOST (normal form) one of a list where a leading "*." stands for any labels? */
bool policy_list_has_host(const struct strv *list, const char *host);

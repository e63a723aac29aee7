/*
 * gslb_decl - what one object says about load-balanced hosts: the data that
 * goes from k8s (sources "gslb", "zonedelegation", "ingress" annotations) to
 * gslb.  k8s resolves references (Ingress, Service, routes, EndpointSlices) and
 * counts; gslb judges and decides.  Plain data, control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/strv.h"

/* One backend Service of a host, with what its EndpointSlices say. */
struct gslb_backend {
	char *namespace;
	char *name;
	bool found;       /* the Service exists */
	unsigned ready;   /* endpoints with >= 1 address and conditions.ready nil or true */
	unsigned serving; /* serving but not ready (terminating) */
	unsigned total;
};

struct gslb_host_decl {
	char *host; /* lower case, no final dot; may be a "*." wildcard */
	struct gslb_backend *backends;
	size_t nbackends;
};

struct gslb_weight {
	char *geo_tag;
	unsigned weight; /* 0..1000 */
};

enum gslb_health_policy { GSLB_HEALTH_ANY, GSLB_HEALTH_ALL };

struct gslb_decl {
	char *id;        /* "GROUP/NAMESPACE/NAME"; unique, the handle for put, remove and status */
	char *api_group; /* "k8gb.io" or "k8gb.absa.oss"; "networking.k8s.io" for an annotated
			    Ingress */
	char *namespace;
	char *name;
	char *ref_kind; /* of the object of the same namespace that the hosts come from: "Ingress",
			 */
	char *ref_name; /* … and its name; both NULL if it is the object itself or elsewhere */
	char *uid;
	int64_t created_s; /* creationTimestamp, Unix time; older wins a host */
	int64_t generation;
	bool deleting;

	char *strategy;              /* as written: "roundRobin", "failover", "geoip", … */
	char *primary_geo_tag;       /* NULL if none */
	struct gslb_weight *weights; /* as written */
	size_t nweights;
	unsigned dns_ttl_s; /* already defaulted: 0 or missing -> 30 */
	enum gslb_health_policy health_policy;

	struct gslb_host_decl *hosts;
	size_t nhosts;
	/*
	 * Where the cluster's own targets come from, already by k8gb's precedence
	 * except CLUSTER_EXPOSED_IPS, which gslb puts between: annotation
	 * exposed-hostnames > exposed-ip-addresses > CLUSTER_EXPOSED_IPS > status.
	 */
	struct strv exposed_hostnames; /* annotation k8gb.io/exposed-hostnames */
	struct strv exposed_ips;       /* annotation k8gb.io/exposed-ip-addresses */
	struct strv status_ips;        /* from the referenced object's status */
	struct strv status_hostnames;  /* ditto, to be resolved */

	char *policy_json; /* GslbPolicy spec that is attached, as JSON text; NULL if none */
	/* Why the object cannot be used (the whole object): "spec.strategy.type: …"; NULL if it
	 * can. */
	char *error;
	char *error_reason; /* CamelCase for events and conditions; NULL with error NULL */
};

void gslb_decl_free(struct gslb_decl *d);
/* A targetRef KIND NAME (NULL kind = Gslb) in NAMESPACE means D: itself or what it refers to. */
bool gslb_decl_is_target(const struct gslb_decl *d, const char *namespace, const char *kind,
			 const char *name);
/* Take host number I out; those behind it move up. */
void gslb_decl_drop_host(struct gslb_decl *d, size_t i);

/* A load-balanced zone: from DNS_ZONES or a ZoneDelegation object. */
struct zone_decl {
	char *id;                 /* "ZoneDelegation name" or "config:ZONE" */
	char *load_balanced_zone; /* lower case, no final dot */
	char *parent_zone;
	unsigned neg_ttl_s;
	bool do_finalize;
	bool deleting; /* deletionTimestamp is set: withdraw, then zone_finalized */
	char *error;   /* NULL if valid */
};
void zone_decl_free(struct zone_decl *z);

/* What gslb tells back for an object's status (gslb_on_resolved). */
struct gslb_host_status {
	char *host;
	const char *health;          /* "Healthy", "Unhealthy", "NotFound" (k8gb's words) */
	struct strv healthy_records; /* the addresses now answered, sorted */
	char *reason;                /* CamelCase, e.g. "Primary", "AllDown", "HostConflict" */
	char *message;               /* a sentence for humans */
};
struct gslb_status {
	const char *geo_tag;
	struct gslb_host_status *hosts;
	size_t nhosts;
	struct strv exposed_ips;
	bool accepted;
	char *reason;
	char *message;
};
void gslb_status_free(struct gslb_status *s);

/* The door from k8s into gslb (and, for plain endpoints, into sync); main.c plugs it in. */
struct endpoint;
struct endpoint_sink {
	void *ctx;
	/* Copies nothing: TAKES the declaration. Same id replaces. */
	void (*gslb_put)(void *ctx, struct gslb_decl *d);
	void (*gslb_remove)(void *ctx, const char *id);
	void (*zone_put)(void *ctx, struct zone_decl *z); /* takes */
	void (*zone_remove)(void *ctx, const char *id);
	/*
	 * All endpoints that OBJECT ("ingress/NAMESPACE/NAME", ExternalDNS's resource
	 * label) now gives through SOURCE; replaces what it gave before; n = 0 removes: with
	 * endpoints NULL because the object is gone, else because it lost its targets.
	 * The endpoints are borrowed.
	 */
	void (*endpoints)(void *ctx, const char *source, const char *object,
			  struct endpoint *const *endpoints, size_t n);
	/* SOURCE has seen a complete list (or lost it): deletes are safe only when all are synced.
	 */
	void (*synced)(void *ctx, const char *source, bool synced);
	/* Drain/GslbPolicy/StaticMember objects of gslbd.io: kind, "ns/name", spec as JSON; NULL =
	 * gone. */
	void (*policy)(void *ctx, const char *kind, const char *id, const char *spec_json);
};

/*
 * k8s - the room's door: reads objects from an API server or from manifests
 * and gives declarations and endpoints to the sink.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "lib/gslb_decl.h"

struct loop;
struct config;
struct http_client;
struct k8s;

/* 0, or an error with *ret_why (caller frees), e.g. an unknown --source with the known ones. */
int k8s_new(struct loop *loop, const struct config *config, struct http_client *http,
	    const struct endpoint_sink *sink, struct k8s **ret, char **ret_why);
void k8s_free(struct k8s *k);
/* Zones of the configuration are told at once, manifests are read before it returns. */
void k8s_start(struct k8s *k);
/* SIGHUP: look at every manifest again. */
void k8s_reload(struct k8s *k);
/*
 * Write back (leader only; no-ops with manifests).  DECL_ID as given by gslb_put; for events also
 * as given with endpoints.
 */
void k8s_gslb_status(struct k8s *k, const char *decl_id, const struct gslb_status *status);
void k8s_event(struct k8s *k, const char *decl_id, bool warning, const char *reason,
	       const char *message);
void k8s_zone_status(struct k8s *k, const char *zone_id, const struct strv *dns_servers,
		     bool finalized);
/* Leadership by Lease; CB is called on each change.  Manifests: always leader. */
void k8s_on_leader(struct k8s *k, void (*cb)(void *ctx, bool leader), void *ctx);
/* EXTDNS_ENABLED: write endpoints as a DNSEndpoint object NAME with k8gb's labels; n = 0 deletes
 * it. */
void k8s_write_dns_endpoint(struct k8s *k, const char *namespace, const char *name,
			    struct endpoint *const *endpoints, unsigned n);

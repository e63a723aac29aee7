/*
 * dns_endpoint_writer - endpoints as a DNSEndpoint object for an ExternalDNS
 * that runs beside us (EXTDNS_ENABLED), with k8gb's labels.  Control thread.
 */
#pragma once

#include <stddef.h>

struct cluster;
struct endpoint;
struct object;
struct writer;

/*
 * Object NAMESPACE/NAME holds ENDPOINTS; N = 0 deletes it.  OWNER, a ZoneDelegation, may be NULL.
 * A NAME that is a domain gets k8gb's prefix and dashes.
 */
void dns_endpoint_write(struct writer *w, const struct cluster *c, const char *namespace,
			const char *name, struct endpoint *const *endpoints, size_t n,
			const struct object *owner);

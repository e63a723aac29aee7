/*
 * delegation - what the parent zone should hold about our zones: the NS set of the
 * load-balanced zone and the address of our name server, given to the providers
 * through on_export; and what is told about a ZoneDelegation.  Control thread.
 *
 *	object "<zone>"                              NS: our name alone (shared set; names of
 *	                                             dead clusters to be withdrawn), A, AAAA
 *	object "dnsendpoint/k8gb-ns-extdns-<zone-dashed>"  the same as k8gb writes it for an
 *	                                             ExternalDNS that runs beside: NS of all
 *clusters
 */
#pragma once

struct delegation;
struct gslb;
struct strv;

struct delegation *delegation_new(struct gslb *g);
void delegation_free(struct delegation *d);
/* Give out what changed since the last time. */
void delegation_export(struct delegation *d);
/* The addresses that our name server's name should have; added to RET, sorted. */
void delegation_addresses(const struct delegation *d, struct strv *ret);
/*
 * Our name server's addresses as the object ID has them (its Service, an Ingress):
 * {"addresses": […]}; NULL = gone.
 */
void delegation_name_server(struct delegation *d, const char *id, const char *spec_json);

/*
 * source_settings - the flags that say which objects become endpoints and how, checked and parsed
 * once at start.  Read-only afterwards; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "k8s/annotation.h"
#include "lib/strv.h"

struct config;
struct fqdn_template;
struct selector;

struct source_settings {
	struct annotation_prefixes prefixes;
	struct strv namespaces;      /* empty = all */
	struct strv gloo_namespaces; /* of Gloo's Proxies, whatever namespaces says */
	struct selector *annotation_filter, *label_filter, *gateway_label_filter;
	struct fqdn_template *templates;
	struct strv ingress_classes;
	struct strv service_types;                    /* empty = all */
	const char *gateway_name, *gateway_namespace; /* "" = any */
	const char *openshift_router_name, *pod_source_domain;
	const char *compatibility;
	bool gateway_listener_sets;
	bool ignore_hostname_annotation, ignore_ingress_rules_spec, ignore_ingress_tls_spec;
	bool ignore_non_host_network_pods;
	bool publish_internal_services, publish_host_ip, always_publish_not_ready_addresses;
	bool resolve_load_balancer_hostname;
	bool exclude_unschedulable, expose_internal_ipv6;
};

/*
 * CONFIG is borrowed and must outlive the settings.  0, or ERR_INVALID / ERR_SYNTAX with *ret_why
 * naming the flag (caller frees): a bad selector, template, prefix, service type.
 */
int source_settings_new(const struct config *config, struct source_settings **ret, char **ret_why);
void source_settings_free(struct source_settings *s);
/*
 * The namespaces in which objects of KIND are read, added to V; none: all.  Gateways and what
 * hangs on them are looked for by --gateway-namespace, whatever --namespace says.
 */
void source_settings_namespaces(const struct source_settings *s, enum kind_id kind, struct strv *v);

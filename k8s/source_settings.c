#include "k8s/source_settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/fqdn_template.h"
#include "k8s/selector.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"

static int parse_selector(const struct config *config, enum option o, const char *flag,
			  struct selector **ret, char **ret_why)
{
	char *why = NULL;
	int err = selector_parse(config_text(config, o), ret, &why);

	if (err < 0)
		*ret_why = mem_printf("--%s: %s", flag, why);
	free(why);
	return err;
}

static int parse_selectors(struct source_settings *s, const struct config *c, char **ret_why)
{
	int err;

	if ((err = parse_selector(c, OPT_ANNOTATION_FILTER, "annotation-filter",
				  &s->annotation_filter, ret_why)) < 0 ||
	    (err = parse_selector(c, OPT_LABEL_FILTER, "label-filter", &s->label_filter, ret_why)) <
		    0)
		return err;
	return parse_selector(c, OPT_GATEWAY_LABEL_FILTER, "gateway-label-filter",
			      &s->gateway_label_filter, ret_why);
}

static int parse_service_types(struct source_settings *s, const struct config *c, char **ret_why)
{
	static const char *const known[] = { "ClusterIP", "NodePort", "LoadBalancer",
					     "ExternalName" };
	const struct strv *types = config_list(c, OPT_SERVICE_TYPE_FILTER);

	if (strv_has(types, "")) /* an empty value switches the filter off */
		return 0;
	for (size_t i = 0; i < types->n; i++) {
		bool found = false;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			found = found || strcmp(known[k], types->s[i]) == 0;
		if (!found) {
			*ret_why =
				mem_printf("--service-type-filter=%s: known types are ClusterIP, "
					   "NodePort, LoadBalancer, ExternalName",
					   types->s[i]);
			return ERR_INVALID;
		}
		(void)strv_add_unique(&s->service_types, types->s[i]);
	}
	return 0;
}

static int parse_classes(struct source_settings *s, const struct config *c, char **ret_why)
{
	strv_copy(&s->ingress_classes, config_list(c, OPT_INGRESS_CLASS));
	/* two filters on one thing: ExternalDNS refuses to guess, and so do we */
	if (s->ingress_classes.n &&
	    strstr(config_text(c, OPT_ANNOTATION_FILTER), CLASS_ANNOTATION)) {
		*ret_why = mem_printf("--ingress-class and --annotation-filter on %s exclude each "
				      "other",
				      CLASS_ANNOTATION);
		return ERR_INVALID;
	}
	return 0;
}

static int parse_compatibility(struct source_settings *s, const struct config *c, char **ret_why)
{
	s->compatibility = config_text(c, OPT_COMPATIBILITY);
	if (*s->compatibility == '\0' || strcmp(s->compatibility, "mate") == 0 ||
	    strcmp(s->compatibility, "molecule") == 0 ||
	    strcmp(s->compatibility, "kops-dns-controller") == 0)
		return 0;
	*ret_why = mem_printf("--compatibility=%s: known are mate, molecule, kops-dns-controller",
			      s->compatibility);
	return ERR_INVALID;
}

static int parse_resource(const char *resource, char **ret_why)
{
	enum kind_id id;
	size_t n = 0;
	int err = kind_define(resource, &id);

	if (err < 0) {
		*ret_why = mem_printf("--unstructured-resource=%s: %s", resource,
				      err == ERR_LIMIT ? "too many resources"
						       : "must be RESOURCE.VERSION.GROUP, such as "
							 "certificates.v1.cert-manager.io");
		return err;
	}
	while (kind_unstructured[n] != KIND_COUNT && kind_unstructured[n] != id)
		n++;
	if (n == KIND_LIST_MAX) {
		*ret_why = mem_printf("--unstructured-resource=%s: too many resources", resource);
		return ERR_LIMIT;
	}
	if (kind_unstructured[n] == KIND_COUNT)
		kind_unstructured[n + 1] = KIND_COUNT;
	kind_unstructured[n] = id;
	return 0;
}

/*
 * KIND of API_VERSION, defined if it is not built in; its plural is made as ExternalDNS makes it.
 * WHY names the flags.
 */
static int find_kind(const char *api_version, const char *kind, const char *why, enum kind_id *ret,
		     char **ret_why)
{
	const char *slash = strchr(api_version, '/');
	enum kind_id id = kind_find(api_version, kind);
	char *resource;
	int err = 0;

	if (id == KIND_COUNT) {
		resource = mem_printf("%ss.%s.%.*s", kind, slash ? slash + 1 : api_version,
				      slash ? (int)(slash - api_version) : 0, api_version);
		for (char *at = resource; at < resource + strlen(kind); at++)
			*at = (char)tolower((unsigned char)*at);
		err = kind_define(resource, &id);
		free(resource);
	}
	if (err < 0) {
		*ret_why = mem_printf("%s: %s, %s: not GROUP/VERSION and a kind", why, api_version,
				      kind);
		return err;
	}
	kind_learn(id, kind, true);
	*ret = id;
	return 0;
}

/* The two groups that Traefik has had for its kinds. */
static void choose_traefik(const struct config *c)
{
	static const enum kind_id now[] = { KIND_INGRESS_ROUTE, KIND_INGRESS_ROUTE_TCP,
					    KIND_INGRESS_ROUTE_UDP };
	static const enum kind_id legacy[] = { KIND_INGRESS_ROUTE_LEGACY,
					       KIND_INGRESS_ROUTE_TCP_LEGACY,
					       KIND_INGRESS_ROUTE_UDP_LEGACY };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(now) && !config_bool(c, OPT_TRAEFIK_DISABLE_NEW); i++)
		kind_traefik[n++] = now[i];
	for (size_t i = 0; i < ARRAY_SIZE(now) && config_bool(c, OPT_TRAEFIK_ENABLE_LEGACY); i++)
		kind_traefik[n++] = legacy[i];
	kind_traefik[n] = KIND_COUNT;
}

static int parse_kinds(const struct config *c, char **ret_why)
{
	const struct strv *resources = config_list(c, OPT_UNSTRUCTURED_RESOURCE);
	int err;

	kind_forget_custom();
	choose_traefik(c);
	if ((err = find_kind(
		     config_text(c, OPT_CRD_SOURCE_APIVERSION), config_text(c, OPT_CRD_SOURCE_KIND),
		     "--crd-source-apiversion and --crd-source-kind", &kind_crd[0], ret_why)) < 0 ||
	    (err = find_kind(config_text(c, OPT_SKIPPER_ROUTEGROUP_GROUPVERSION), "RouteGroup",
			     "--skipper-routegroup-groupversion", &kind_route_group[0], ret_why)) <
		    0)
		return err;
	for (size_t i = 0; i < resources->n && err == 0; i++)
		err = parse_resource(resources->s[i], ret_why);
	return err;
}

static void read_switches(struct source_settings *s, const struct config *c)
{
	strv_split(&s->namespaces, config_text(c, OPT_NAMESPACE), ",");
	strv_copy(&s->gloo_namespaces, config_list(c, OPT_GLOO_NAMESPACE));
	s->gateway_name = config_text(c, OPT_GATEWAY_NAME);
	s->gateway_namespace = config_text(c, OPT_GATEWAY_NAMESPACE);
	s->openshift_router_name = config_text(c, OPT_OPENSHIFT_ROUTER_NAME);
	s->pod_source_domain = config_text(c, OPT_POD_SOURCE_DOMAIN);
	s->gateway_listener_sets = config_bool(c, OPT_GATEWAY_LISTENER_SETS);
	s->ignore_hostname_annotation = config_bool(c, OPT_IGNORE_HOSTNAME_ANNOTATION);
	s->ignore_ingress_rules_spec = config_bool(c, OPT_IGNORE_INGRESS_RULES_SPEC);
	s->ignore_ingress_tls_spec = config_bool(c, OPT_IGNORE_INGRESS_TLS_SPEC);
	s->ignore_non_host_network_pods = config_bool(c, OPT_IGNORE_NON_HOST_NETWORK_PODS);
	s->publish_internal_services = config_bool(c, OPT_PUBLISH_INTERNAL_SERVICES);
	s->publish_host_ip = config_bool(c, OPT_PUBLISH_HOST_IP);
	s->always_publish_not_ready_addresses =
		config_bool(c, OPT_ALWAYS_PUBLISH_NOT_READY_ADDRESSES);
	s->resolve_load_balancer_hostname =
		config_bool(c, OPT_RESOLVE_SERVICE_LOAD_BALANCER_HOSTNAME);
	s->exclude_unschedulable = config_bool(c, OPT_EXCLUDE_UNSCHEDULABLE);
	s->expose_internal_ipv6 = config_bool(c, OPT_EXPOSE_INTERNAL_IPV6);
}

static int fill(struct source_settings *s, const struct config *c, char **ret_why)
{
	int err;

	read_switches(s, c);
	if ((err = annotation_prefixes_init(&s->prefixes, config_text(c, OPT_ANNOTATION_PREFIX),
					    config_bool(c, OPT_ENABLE_LEGACY_ANNOTATION_PREFIX),
					    ret_why)) < 0 ||
	    (err = parse_selectors(s, c, ret_why)) < 0 ||
	    (err = parse_service_types(s, c, ret_why)) < 0 ||
	    (err = parse_classes(s, c, ret_why)) < 0 ||
	    (err = parse_compatibility(s, c, ret_why)) < 0 || (err = parse_kinds(c, ret_why)) < 0)
		return err;
	return fqdn_template_new(
		config_list(c, OPT_FQDN_TEMPLATE), config_list(c, OPT_TARGET_TEMPLATE),
		config_list(c, OPT_FQDN_TARGET_TEMPLATE),
		config_bool(c, OPT_COMBINE_FQDN_ANNOTATION), &s->templates, ret_why);
}

int source_settings_new(const struct config *config, struct source_settings **ret, char **ret_why)
{
	struct source_settings *s = MEM_NEW(struct source_settings);
	int err = fill(s, config, ret_why);

	if (err < 0)
		source_settings_free(s);
	else
		*ret = s;
	return err;
}

void source_settings_free(struct source_settings *s)
{
	if (s == NULL)
		return;
	selector_free(s->annotation_filter);
	selector_free(s->label_filter);
	selector_free(s->gateway_label_filter);
	fqdn_template_free(s->templates);
	strv_fini(&s->namespaces);
	strv_fini(&s->gloo_namespaces);
	strv_fini(&s->ingress_classes);
	strv_fini(&s->service_types);
	free(s);
}

void source_settings_namespaces(const struct source_settings *s, enum kind_id kind, struct strv *v)
{
	const struct strv *from = kind == KIND_GLOO_PROXY ? &s->gloo_namespaces : &s->namespaces;

	if (kind == KIND_LISTENER_SET || kind == KIND_ISTIO_GATEWAY ||
	    kind == KIND_GLOO_VIRTUAL_SERVICE || kind == KIND_GLOO_GATEWAY)
		return;
	if (kind == KIND_GATEWAY) {
		if (*s->gateway_namespace)
			strv_add(v, s->gateway_namespace);
		return;
	}
	for (size_t i = 0; i < from->n; i++)
		(void)strv_add_unique(v, from->s[i]);
}

#include "k8s/gslb_ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/grant.h"
#include "k8s/gslb_backend.h"
#include "k8s/source.h"
#include "lib/config.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/netaddr.h"

#define HOSTNAME_ANNOTATION "k8gb.io/hostname"

static MEM_PRINTF(3, 4) void refuse(struct gslb_decl *d, const char *reason, const char *fmt, ...)
{
	va_list ap;

	if (d->error)
		return; /* the first cause is the best */
	va_start(ap, fmt);
	d->error = mem_vprintf(fmt, ap);
	va_end(ap);
	d->error_reason = mem_strdup(reason);
}

/* --- addresses ------------------------------------------------------------------------ */

static void add_address(struct source_run *run, const struct object *of, const char *text,
			struct gslb_decl *d)
{
	struct netaddr a;
	char clean[NETADDR_TEXT_MAX];

	if (netaddr_from_text(text, &a) != 0)
		source_error(run, of, "InvalidAddress", "%s %s: status: %s is not an address",
			     kinds[of->kind].name, of->name, text);
	else
		(void)strv_add_unique(&d->status_ips, netaddr_to_text(&a, clean));
}

/* status.loadBalancer.ingress[] of an Ingress or a Service. */
static void load_balancer(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(o), "loadBalancer.ingress")) {
		const char *ip = json_text(it, "ip"), *name = json_text(it, "hostname");

		if (ip && *ip)
			add_address(run, o, ip, d);
		if (name && *name)
			(void)strv_add_unique(&d->status_hostnames, name);
	}
}

static void gateway_addresses(struct source_run *run, const struct object *gw, struct gslb_decl *d)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(gw), "addresses")) {
		const char *type = json_text(it, "type"), *value = json_text(it, "value");

		if (value == NULL || *value == '\0')
			continue;
		if (type == NULL || strcmp(type, "IPAddress") == 0)
			add_address(run, gw, value, d);
		else if (strcmp(type, "Hostname") == 0)
			(void)strv_add_unique(&d->status_hostnames, value);
		else
			source_error(run, gw, "UnsupportedAddress",
				     "Gateway %s: status.addresses: type %s is not supported",
				     gw->name, type);
	}
}

/* --- Ingress -------------------------------------------------------------------------- */

static void ingress_rules(struct source_run *run, const struct object *of, const cJSON *rules,
			  struct gslb_decl *d)
{
	const cJSON *rule = NULL, *path = NULL;
	unsigned i = 0;

	cJSON_ArrayForEach(rule, rules) {
		const char *text = json_text(rule, "host");
		char where[64];

		(void)snprintf(where, sizeof(where), "rules[%u].host", i++);
		if (text == NULL || *text == '\0')
			continue; /* a rule for every host names none */
		struct gslb_host_decl *h = gslb_backend_host(run, of, where, text, d);
		if (h == NULL)
			continue;
		cJSON_ArrayForEach(path, json_get(rule, "http.paths")) {
			const char *service = json_text(path, "backend.service.name");

			if (service && *service)
				gslb_backend_add(run, h, of->namespace, service);
		}
	}
}

void gslb_ref_ingress(struct source_run *run, const struct object *ingress, struct gslb_decl *d)
{
	ingress_rules(run, ingress, json_get(object_spec(ingress), "rules"), d);
	load_balancer(run, ingress, d);
}

/* The Ingress that is written inside the Gslb; an object of the same name holds its addresses. */
static void embedded(struct source_run *run, const struct object *gslb, struct gslb_decl *d)
{
	const cJSON *spec = json_get(object_spec(gslb), "ingress");
	const struct object *ingress = source_get(run, KIND_INGRESS, gslb->namespace, gslb->name);

	ingress_rules(run, gslb, json_get(spec, "rules"), d);
	if (ingress)
		load_balancer(run, ingress, d);
}

/* --- Service -------------------------------------------------------------------------- */

/* Names for what has none itself: annotation k8gb.io/hostname of the Gslb. */
static struct gslb_host_decl *annotated_host(struct source_run *run, const struct object *gslb,
					     struct gslb_decl *d)
{
	const char *text = object_annotation(gslb, HOSTNAME_ANNOTATION);

	if (text == NULL || text[strspn(text, " \t")] == '\0') {
		refuse(d, "NoHostname",
		       "metadata.annotations[" HOSTNAME_ANNOTATION "]: missing; the object that "
		       "spec.resourceRef names has no host of its own");
		return NULL;
	}
	return gslb_backend_host(run, gslb, "metadata.annotations[" HOSTNAME_ANNOTATION "]", text,
				 d);
}

static void service(struct source_run *run, const struct object *gslb, const struct object *svc,
		    struct gslb_decl *d)
{
	const char *type = json_text(object_spec(svc), "type");

	if (type == NULL || strcmp(type, "LoadBalancer") != 0) {
		refuse(d, "NotLoadBalancer",
		       "spec.resourceRef: Service %s/%s is of type %s, not LoadBalancer",
		       svc->namespace, svc->name, type ? type : "ClusterIP");
		return;
	}
	struct gslb_host_decl *h = annotated_host(run, gslb, d);
	if (h)
		gslb_backend_add(run, h, svc->namespace, svc->name);
	load_balancer(run, svc, d);
}

/* --- Gateway API ---------------------------------------------------------------------- */

static bool is_group(const cJSON *ref, const char *group, const char *def)
{
	const char *g = json_text(ref, "group");

	return strcmp(g ? g : def, group) == 0;
}

/* The Gateway behind a parentRef: itself, or that of a ListenerSet. */
static const struct object *parent_gateway(struct source_run *run, const char *namespace,
					   const cJSON *ref)
{
	const char *kind = json_text(ref, "kind"), *ns = json_text(ref, "namespace");
	const char *name = json_text(ref, "name");

	if (name == NULL ||
	    !is_group(ref, "gateway.networking.k8s.io", "gateway.networking.k8s.io"))
		return NULL;
	if (kind == NULL || strcmp(kind, "Gateway") == 0)
		return source_get(run, KIND_GATEWAY, ns ? ns : namespace, name);
	if (strcmp(kind, "ListenerSet") != 0)
		return NULL;
	const struct object *set = source_get(run, KIND_LISTENER_SET, ns ? ns : namespace, name);
	const cJSON *up = set ? json_get(object_spec(set), "parentRef") : NULL;
	kind = json_text(up, "kind");
	if (up == NULL || (kind && strcmp(kind, "Gateway") != 0))
		return NULL;
	return parent_gateway(run, set->namespace, up);
}

static void route_addresses(struct source_run *run, const struct object *route, struct gslb_decl *d)
{
	const cJSON *ref = NULL;
	unsigned found = 0;

	cJSON_ArrayForEach(ref, json_get(object_spec(route), "parentRefs")) {
		const struct object *gw = parent_gateway(run, route->namespace, ref);

		if (gw == NULL)
			continue;
		found++;
		gateway_addresses(run, gw, d);
	}
	if (found == 0)
		refuse(d, "NoGateway", "%s %s/%s: spec.parentRefs: no Gateway was found",
		       kinds[route->kind].name, route->namespace, route->name);
}

static bool backend_is_allowed(struct source_run *run, const struct object *route,
			       const char *namespace, const char *name)
{
	const struct grant_ref from = { "gateway.networking.k8s.io", kinds[route->kind].name,
					route->namespace };
	const struct grant_ref to = { "", "Service", namespace };

	if (strcmp(namespace, route->namespace) == 0 ||
	    config_bool(source_config(run), OPT_ALLOW_CROSS_NAMESPACE) ||
	    grant_exists(run, &from, &to, name))
		return true;
	source_error(
		run, route, "RefNotPermitted",
		"%s %s/%s: spec.rules.backendRefs: Service %s/%s: no ReferenceGrant permits it",
		kinds[route->kind].name, route->namespace, route->name, namespace, name);
	return false;
}

static void route_backends(struct source_run *run, const struct object *route,
			   struct gslb_host_decl *h)
{
	const cJSON *rule = NULL, *ref = NULL;

	cJSON_ArrayForEach(rule, json_get(object_spec(route), "rules"))
		cJSON_ArrayForEach(ref, json_get(rule, "backendRefs")) {
			const char *kind = json_text(ref, "kind"), *name = json_text(ref, "name");
			const char *ns = json_text(ref, "namespace");

			if (name == NULL || (kind && strcmp(kind, "Service") != 0) ||
			    !is_group(ref, "", ""))
				continue;
			ns = ns ? ns : route->namespace;
			if (backend_is_allowed(run, route, ns, name))
				gslb_backend_add(run, h, ns, name);
			else
				gslb_backend_missing(h, ns, name);
		}
}

static void named_route(struct source_run *run, const struct object *gslb,
			const struct object *route, struct gslb_decl *d)
{
	const cJSON *it = NULL;
	unsigned i = 0;

	(void)gslb;
	cJSON_ArrayForEach(it, json_get(object_spec(route), "hostnames")) {
		char where[64];

		(void)snprintf(where, sizeof(where), "hostnames[%u]", i++);
		if (!cJSON_IsString(it))
			continue;
		struct gslb_host_decl *h = gslb_backend_host(run, route, where, it->valuestring, d);
		if (h)
			route_backends(run, route, h);
	}
	route_addresses(run, route, d);
}

static void nameless_route(struct source_run *run, const struct object *gslb,
			   const struct object *route, struct gslb_decl *d)
{
	struct gslb_host_decl *h = annotated_host(run, gslb, d);

	if (h)
		route_backends(run, route, h);
	route_addresses(run, route, d);
}

/* --- Istio ---------------------------------------------------------------------------- */

struct pick {
	const cJSON *selector; /* labels that must all be there */
	const struct object *found;
	unsigned n;
};

static void pick_service(void *ctx, const struct object *o)
{
	struct pick *p = ctx;
	const cJSON *labels = json_get(o->json, "metadata.labels"), *it = NULL;

	cJSON_ArrayForEach(it, p->selector) {
		const char *have = json_member(labels, it->string);

		if (have == NULL || !cJSON_IsString(it) || strcmp(have, it->valuestring) != 0)
			return;
	}
	p->found = o;
	p->n++;
}

/* "namespace/name", or a name in the namespace of the VirtualService as Istio has it. */
static const struct object *istio_gateway(struct source_run *run, const struct object *vs,
					  const char *ref)
{
	const char *slash = strchr(ref, '/');

	if (slash == NULL)
		return source_get(run, KIND_ISTIO_GATEWAY, vs->namespace, ref);
	char *ns = mem_strndup(ref, (size_t)(slash - ref));
	const struct object *gw = source_get(run, KIND_ISTIO_GATEWAY,
					     strcmp(ns, ".") == 0 ? vs->namespace : ns, slash + 1);
	free(ns);
	return gw;
}

static void istio_addresses(struct source_run *run, const struct object *vs, struct gslb_decl *d)
{
	const char *ref = NULL;
	const cJSON *it = NULL;
	unsigned n = 0;

	cJSON_ArrayForEach(it, json_get(object_spec(vs), "gateways"))
		if (cJSON_IsString(it) && strcmp(it->valuestring, "mesh") != 0) {
			ref = it->valuestring;
			n++;
		}
	if (n != 1) {
		refuse(d, "NoGateway",
		       "VirtualService %s/%s: spec.gateways: exactly one Gateway besides mesh is "
		       "wanted, there are %u",
		       vs->namespace, vs->name, n);
		return;
	}
	const struct object *gw = istio_gateway(run, vs, ref);
	if (gw == NULL) {
		refuse(d, "NoGateway", "VirtualService %s/%s: spec.gateways: Gateway %s not found",
		       vs->namespace, vs->name, ref);
		return;
	}
	struct pick p = { .selector = json_get(object_spec(gw), "selector") };
	source_each(run, KIND_SERVICE, NULL, pick_service, &p);
	if (p.n != 1)
		refuse(d, "NoGatewayService",
		       "Gateway %s/%s: spec.selector: exactly one Service is wanted, %u match",
		       gw->namespace, gw->name, p.n);
	else
		load_balancer(run, p.found, d);
}

/* "svc" or "svc.ns.svc.cluster.local": the first label is a Service, the second its namespace. */
static void istio_backend(struct source_run *run, const struct object *vs, const char *host,
			  struct gslb_host_decl *h)
{
	size_t n = strcspn(host, ".");
	char *name = mem_strndup(host, n);
	char *ns = NULL;

	if (host[n] == '.') {
		const char *rest = host + n + 1;
		size_t len = strcspn(rest, ".");

		if (strncmp(rest + len, ".svc", 4) == 0)
			ns = mem_strndup(rest, len);
	}
	gslb_backend_add(run, h, ns ? ns : vs->namespace, name);
	free(ns);
	free(name);
}

static void virtual_service(struct source_run *run, const struct object *gslb,
			    const struct object *vs, struct gslb_decl *d)
{
	static const char *const protocols[] = { "http", "tls", "tcp" };
	const cJSON *it = NULL, *rule = NULL, *route = NULL;
	unsigned i = 0;

	(void)gslb;
	cJSON_ArrayForEach(it, json_get(object_spec(vs), "hosts")) {
		char where[64];

		(void)snprintf(where, sizeof(where), "hosts[%u]", i++);
		struct gslb_host_decl *h =
			cJSON_IsString(it) ? gslb_backend_host(run, vs, where, it->valuestring, d)
					   : NULL;
		for (size_t p = 0; h && p < ARRAY_SIZE(protocols); p++)
			cJSON_ArrayForEach(rule, json_get(object_spec(vs), protocols[p]))
				cJSON_ArrayForEach(route, json_get(rule, "route")) {
					const char *host = json_text(route, "destination.host");

					if (host && *host)
						istio_backend(run, vs, host, h);
				}
	}
	istio_addresses(run, vs, d);
}

/* --- the reference -------------------------------------------------------------------- */

static void ingress(struct source_run *run, const struct object *gslb, const struct object *o,
		    struct gslb_decl *d)
{
	(void)gslb;
	gslb_ref_ingress(run, o, d);
}

static const struct {
	enum kind_id kind;
	void (*read)(struct source_run *run, const struct object *gslb, const struct object *o,
		     struct gslb_decl *d);
} readers[] = {
	{ KIND_INGRESS, ingress },          { KIND_SERVICE, service },
	{ KIND_HTTP_ROUTE, named_route },   { KIND_GRPC_ROUTE, named_route },
	{ KIND_TLS_ROUTE, named_route },    { KIND_TCP_ROUTE, nameless_route },
	{ KIND_UDP_ROUTE, nameless_route }, { KIND_VIRTUAL_SERVICE, virtual_service },
};

struct match {
	const cJSON *selector;
	const struct object *found;
	unsigned n;
};

static void match_labels(void *ctx, const struct object *o)
{
	struct match *m = ctx;

	if (!object_matches_label_selector(m->selector, json_get(o->json, "metadata.labels")))
		return;
	m->found = o;
	m->n++;
}

static bool reference_is_allowed(struct source_run *run, const struct object *gslb,
				 enum kind_id kind, const char *namespace, const char *name)
{
	const struct grant_ref from = { kinds[gslb->kind].group, "Gslb", gslb->namespace };
	const struct grant_ref to = { kinds[kind].group, kinds[kind].name, namespace };

	return strcmp(namespace, gslb->namespace) == 0 ||
	       config_bool(source_config(run), OPT_ALLOW_CROSS_NAMESPACE) ||
	       grant_exists(run, &from, &to, name);
}

static const struct object *by_name(struct source_run *run, const struct object *gslb,
				    enum kind_id kind, const cJSON *ref, struct gslb_decl *d)
{
	const char *ns = json_text(ref, "namespace"), *name = json_text(ref, "name");

	if (ns == NULL || *ns == '\0')
		ns = gslb->namespace;
	if (!reference_is_allowed(run, gslb, kind, ns, name)) {
		refuse(d, "RefNotPermitted",
		       "spec.resourceRef.namespace: no ReferenceGrant in %s permits a Gslb of "
		       "namespace %s to refer to %s %s",
		       ns, gslb->namespace, kinds[kind].name, name);
		return NULL;
	}
	const struct object *o = source_get(run, kind, ns, name);
	if (o == NULL)
		refuse(d, "ReferenceNotFound", "spec.resourceRef: %s %s/%s not found",
		       kinds[kind].name, ns, name);
	return o;
}

static const struct object *by_labels(struct source_run *run, const struct object *gslb,
				      enum kind_id kind, const cJSON *ref, struct gslb_decl *d)
{
	struct match m = { .selector = ref };

	source_each(run, kind, gslb->namespace, match_labels, &m);
	if (m.n == 1)
		return m.found;
	refuse(d, m.n ? "ReferenceAmbiguous" : "ReferenceNotFound",
	       "spec.resourceRef: exactly one %s must match the labels, %u do", kinds[kind].name,
	       m.n);
	return NULL;
}

static void referenced(struct source_run *run, const struct object *gslb, const cJSON *ref,
		       struct gslb_decl *d)
{
	const char *version = json_text(ref, "apiVersion"), *kind = json_text(ref, "kind");
	const char *name = json_text(ref, "name");
	enum kind_id id = kind_find(version, kind);
	const struct object *o = NULL;
	size_t i = 0;

	while (i < ARRAY_SIZE(readers) && readers[i].kind != id)
		i++;
	if (i == ARRAY_SIZE(readers)) {
		refuse(d, "ReferenceUnsupported",
		       "spec.resourceRef: kind %s of apiVersion %s is not supported",
		       kind ? kind : "\"\"", version ? version : "\"\"");
		return;
	}
	if (name && *name)
		o = by_name(run, gslb, id, ref, d);
	else if (json_get(ref, "matchLabels") || json_get(ref, "matchExpressions"))
		o = by_labels(run, gslb, id, ref, d);
	else
		refuse(d, "InvalidReference",
		       "spec.resourceRef: neither name nor matchLabels nor matchExpressions");
	if (o)
		readers[i].read(run, gslb, o, d);
}

static bool is_empty(const cJSON *o)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, o)
		if (!cJSON_IsNull(it))
			return false;
	return true;
}

void gslb_ref_resolve(struct source_run *run, const struct object *gslb, struct gslb_decl *d)
{
	const cJSON *ref = json_get(object_spec(gslb), "resourceRef");
	const cJSON *own = json_get(object_spec(gslb), "ingress");

	if (!is_empty(ref))
		referenced(run, gslb, ref, d);
	else if (!is_empty(own))
		embedded(run, gslb, d);
	else
		refuse(d, "InvalidReference",
		       "spec: neither resourceRef nor ingress says which hosts are meant");
	if (d->nhosts == 0)
		refuse(d, "NoHosts", "no host: the referenced object names none that can be used");
}

const char *gslb_ref_kind(const struct object *gslb)
{
	const char *kind = json_text(object_spec(gslb), "resourceRef.kind");

	return kind ? kind : "Ingress";
}

const char *gslb_ref_name(const struct object *gslb)
{
	const cJSON *ref = json_get(object_spec(gslb), "resourceRef");
	const char *ns = json_text(ref, "namespace");

	if (is_empty(ref))
		return gslb->name; /* the embedded Ingress */
	if (ns && *ns && strcmp(ns, gslb->namespace) != 0)
		return NULL;
	return json_text(ref, "name");
}

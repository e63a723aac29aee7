/* source_gslb, source_zonedelegation, source_policy, zone_config: manifests and what they declare.
 */
#include "k8s/zone_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/store.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/gslb_decl.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "tests/k8s/fixture.h"

#define INGRESS                                                                                 \
	"apiVersion: networking.k8s.io/v1\n"                                                    \
	"kind: Ingress\n"                                                                       \
	"metadata: {name: shop, namespace: eu, labels: {app: shop}}\n"                          \
	"spec:\n"                                                                               \
	"  rules:\n"                                                                            \
	"  - host: Shop.Example.com.\n"                                                         \
	"    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: "  \
	"{number: 80}}}},\n"                                                                    \
	"                   {path: /a, pathType: Prefix, backend: {service: {name: api, port: " \
	"{number: 80}}}}]}\n"                                                                   \
	"  - host: b.example.com\n"                                                             \
	"    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: "  \
	"{number: 80}}}}]}\n"                                                                   \
	"  - http: {paths: []}\n"                                                               \
	"status: {loadBalancer: {ingress: [{ip: 192.0.2.1}, {ip: \"2001:DB8::1\"}, {hostname: " \
	"lb.example.net}]}}\n"                                                                  \
	"---\n"

#define SERVICE                                  \
	"apiVersion: v1\n"                       \
	"kind: Service\n"                        \
	"metadata: {name: web, namespace: eu}\n" \
	"---\n"

#define SLICES                                                                                \
	"apiVersion: discovery.k8s.io/v1\n"                                                   \
	"kind: EndpointSlice\n"                                                               \
	"metadata: {name: web-1, namespace: eu, labels: {kubernetes.io/service-name: web}}\n" \
	"addressType: IPv4\n"                                                                 \
	"endpoints:\n"                                                                        \
	"- {addresses: [10.0.0.1], conditions: {ready: true}}\n"                              \
	"- {addresses: [10.0.0.2]}\n"                                                         \
	"- {addresses: [10.0.0.3], conditions: {ready: false, serving: true, terminating: "   \
	"true}}\n"                                                                            \
	"- {addresses: [10.0.0.4], conditions: {ready: false}}\n"                             \
	"- {addresses: [], conditions: {ready: true}}\n"                                      \
	"---\n"                                                                               \
	"apiVersion: discovery.k8s.io/v1\n"                                                   \
	"kind: EndpointSlice\n"                                                               \
	"metadata: {name: web-2, namespace: eu, labels: {kubernetes.io/service-name: web}}\n" \
	"addressType: IPv6\n"                                                                 \
	"endpoints:\n"                                                                        \
	"- {addresses: ['2001:db8::a'], conditions: {ready: true}}\n"                         \
	"---\n"

#define GSLB(spec)                             \
	"apiVersion: k8gb.io/v1beta1\n"        \
	"kind: Gslb\n"                         \
	"metadata: {name: g, namespace: eu}\n" \
	"spec: {" spec "}\n"

#define TO_INGRESS "resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: shop}"

#define SHOP                                                  \
	"ips=192.0.2.1,2001:db8::1 names=lb.example.net\n"    \
	"host shop.example.com eu/web:2/1/4 eu/api:missing\n" \
	"host b.example.com eu/web:2/1/4"

static void expect_decl(const char *yaml, const char *id, const char *want,
			const char *const *options)
{
	struct fixture *f = fixture_new("gslb", options);

	fixture_apply(f, yaml);
	const char *have = fixture_decl(f, id);
	if (have == NULL || strcmp(have, want) != 0)
		fail_msg("%s\nwanted %s\nhave   %s\nerrors %s", yaml, want, have ? have : "nothing",
			 buf_str(&f->errors));
	fixture_free(f);
}

static void a_gslb_is_declared_with_all_that_it_refers_to(void **state)
{
	static const struct {
		const char *spec, *want;
	} table[] = {
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin}"),
		  "strategy=roundRobin ttl=30 " SHOP },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin, dnsTtlSeconds: 0}"),
		  "strategy=roundRobin ttl=30 " SHOP },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin, dnsTtlSeconds: 5, weight: {eu: "
				  "5, us-east-1: 0}}"),
		  "strategy=roundRobin weight:eu=5 weight:us-east-1=0 ttl=5 " SHOP },
		{ GSLB(TO_INGRESS
		       ", serviceHealthPolicy: All, strategy: {type: failover, primaryGeoTag: eu}"),
		  "strategy=failover primary=eu ttl=30 health=All " SHOP },
		{ GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, "
		       "matchLabels: {app: shop}}, strategy: {type: geoip}"),
		  "strategy=geoip ttl=30 " SHOP },
		{ GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, "
		       "matchExpressions: [{key: app, operator: Exists}]}, strategy: {type: "
		       "geoip}"),
		  "strategy=geoip ttl=30 " SHOP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char *yaml = mem_printf("%s%s%s%s", INGRESS, SERVICE, SLICES, table[i].spec);

		expect_decl(yaml, "k8gb.io/eu/g", table[i].want, NULL);
		free(yaml);
	}
}

static void what_cannot_be_used_says_why(void **state)
{
	static const struct {
		const char *spec, *want;
	} table[] = {
		{ GSLB(TO_INGRESS ", strategy: {type: fastest}"),
		  "InvalidStrategy: spec.strategy.type: \"fastest\" is none of roundRobin, "
		  "failover, geoip" },
		{ GSLB(TO_INGRESS), "InvalidStrategy: spec.strategy.type: missing" },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin, weight: {eu: 1001}}"),
		  "InvalidWeight: spec.strategy.weight.eu: must be an integer from 0 to 1000" },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin, weight: {e_u: 1}}"),
		  "InvalidWeight: spec.strategy.weight: \"e_u\" is not a geo tag (letters, digits, "
		  "hyphens)" },
		{ GSLB(TO_INGRESS
		       ", strategy: {type: failover, primaryGeoTag: eu, weight: {eu: 1}}"),
		  "InvalidWeight: spec.strategy.weight: goes with type roundRobin only, not "
		  "failover" },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin, dnsTtlSeconds: -1}"),
		  "InvalidTTL: spec.strategy.dnsTtlSeconds: must be an integer from 0 to "
		  "2147483647" },
		{ GSLB(TO_INGRESS ", strategy: {type: roundRobin}, serviceHealthPolicy: Most"),
		  "InvalidHealthPolicy: spec.serviceHealthPolicy: \"Most\" is neither Any nor "
		  "All" },
		{ GSLB("strategy: {type: roundRobin}"),
		  "InvalidReference: spec: neither resourceRef nor ingress says which hosts are "
		  "meant" },
		{ GSLB("resourceRef: {}, ingress: {}, strategy: {type: roundRobin}"),
		  "InvalidReference: spec: neither resourceRef nor ingress says which hosts are "
		  "meant" },
		{ GSLB("resourceRef: {apiVersion: extensions/v1beta1, kind: Ingress, name: shop}, "
		       "strategy: {type: roundRobin}"),
		  "ReferenceUnsupported: spec.resourceRef: kind Ingress of apiVersion "
		  "extensions/v1beta1 is not supported" },
		{ GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress}, strategy: "
		       "{type: roundRobin}"),
		  "InvalidReference: spec.resourceRef: neither name nor matchLabels nor "
		  "matchExpressions" },
		{ GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: "
		       "other}, strategy: {type: roundRobin}"),
		  "ReferenceNotFound: spec.resourceRef: Ingress eu/other not found" },
		{ GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, "
		       "matchLabels: {app: x}}, strategy: {type: roundRobin}"),
		  "ReferenceNotFound: spec.resourceRef: exactly one Ingress must match the labels, "
		  "0 do" },
		{ GSLB("resourceRef: {apiVersion: v1, kind: Service, name: web}, strategy: {type: "
		       "roundRobin}"),
		  "NotLoadBalancer: spec.resourceRef: Service eu/web is of type ClusterIP, not "
		  "LoadBalancer" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture *f = fixture_new("gslb", NULL);
		char *yaml = mem_printf("%s%s%s", INGRESS, SERVICE, table[i].spec);
		char *error = mem_printf("error %s", table[i].want);
		char *event = mem_printf("Gslb eu/g: %s\n", table[i].want);

		fixture_apply(f, yaml);
		const char *have = fixture_decl(f, "k8gb.io/eu/g");
		if (have == NULL || strstr(have, error) == NULL)
			fail_msg("%s\nwanted %s\nhave   %s", table[i].spec, error, have);
		assert_string_equal(buf_str(&f->errors), event);
		free(event);
		free(error);
		free(yaml);
		fixture_free(f);
	}
}

static void labels_must_match_exactly_one(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(f,
		      INGRESS GSLB("resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, "
				   "matchLabels: {app: shop}}, strategy: {type: roundRobin}"));
	assert_null(strstr(fixture_decl(f, "k8gb.io/eu/g"), "error"));
	fixture_apply(f, "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
			 "metadata: {name: shop2, namespace: eu, labels: {app: shop}}\n");
	assert_non_null(
		strstr(fixture_decl(f, "k8gb.io/eu/g"),
		       "error ReferenceAmbiguous: spec.resourceRef: exactly one Ingress must "
		       "match the labels, 2 do"));
	fixture_delete(f, KIND_INGRESS, "eu", "shop2");
	assert_null(strstr(fixture_decl(f, "k8gb.io/eu/g"), "error"));
	fixture_free(f);
}

static void a_bad_host_does_not_hurt_the_others(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(
		f, "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
		   "metadata: {name: shop, namespace: eu}\n"
		   "spec: {rules: [{host: 'bad host'}, {host: a..b}, {host: 'x$y.example.com'},\n"
		   "  {host: good.example.com}, {host: '*.wild.example.com'}]}\n"
		   "---\n" GSLB(TO_INGRESS ", strategy: {type: roundRobin}"));
	assert_string_equal(
		fixture_decl(f, "k8gb.io/eu/g"),
		"strategy=roundRobin ttl=30\nhost good.example.com\nhost *.wild.example.com");
	assert_string_equal(
		buf_str(&f->errors),
		"Gslb eu/g: InvalidHost: rules[0].host: \"bad host\" is not a host name\n"
		"Gslb eu/g: InvalidHost: rules[1].host: \"a..b\" is not a host name\n"
		"Gslb eu/g: InvalidHost: rules[2].host: \"x$y.example.com\" is not a host name\n");
	fixture_free(f);
}

static void an_embedded_ingress_needs_no_other_object(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(f, SERVICE SLICES GSLB(
				 "ingress: {rules: [{host: a.example.com, http: {paths: [{backend: "
				 "{service: {name: web}}}]}}]}, strategy: {type: roundRobin}"));
	assert_string_equal(fixture_decl(f, "k8gb.io/eu/g"),
			    "strategy=roundRobin ttl=30\nhost a.example.com eu/web:2/1/4");
	fixture_apply(f, "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
			 "metadata: {name: g, namespace: eu}\n"
			 "status: {loadBalancer: {ingress: [{ip: 192.0.2.7}]}}\n");
	assert_string_equal(
		fixture_decl(f, "k8gb.io/eu/g"),
		"strategy=roundRobin ttl=30 ips=192.0.2.7\nhost a.example.com eu/web:2/1/4");
	fixture_free(f);
}

static void exposed_addresses_come_from_annotations(void **state)
{
	static const struct {
		const char *annotations, *want, *errors;
	} table[] = {
		{ "k8gb.io/exposed-ip-addresses: '185.199.110.153, 2001:DB8::1'",
		  "exposed=185.199.110.153,2001:db8::1 ips=192.0.2.1", "" },
		{ "k8gb.io/exposed-hostnames: 'lb1.example.net, lb2.example.net'",
		  "exposed-names=lb1.example.net,lb2.example.net ips=192.0.2.1", "" },
		{ "k8gb.io/exposed-ip-addresses: '192.0.2.9,nine'",
		  "exposed=192.0.2.9 ips=192.0.2.1",
		  "InvalidAddress: metadata.annotations[k8gb.io/exposed-ip-addresses]: \"nine\" is "
		  "not "
		  "an address" },
		{ "k8gb.io/exposed-ip-addresses: ''", "error InvalidAddress",
		  "InvalidAddress: metadata.annotations[k8gb.io/exposed-ip-addresses]: no address "
		  "in \"\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture *f = fixture_new("gslb", NULL);
		char *yaml = mem_printf("%sapiVersion: k8gb.io/v1beta1\nkind: Gslb\n"
					"metadata: {name: g, namespace: eu, annotations: {%s}}\n"
					"spec: {" TO_INGRESS ", strategy: {type: roundRobin}}\n",
					INGRESS, table[i].annotations);

		fixture_apply(f, yaml);
		const char *have = fixture_decl(f, "k8gb.io/eu/g");
		if (have == NULL || strstr(have, table[i].want) == NULL)
			fail_msg("wanted %s\nhave   %s", table[i].want, have);
		if (strstr(buf_str(&f->errors), table[i].errors) == NULL)
			fail_msg("wanted %s\nhave   %s", table[i].errors, buf_str(&f->errors));
		free(yaml);
		fixture_free(f);
	}
}

#define GATEWAY                                                                             \
	"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"                         \
	"metadata: {name: gw, namespace: infra}\n"                                          \
	"status: {addresses: [{value: 192.0.2.20}, {type: IPAddress, value: 192.0.2.21},\n" \
	"  {type: Hostname, value: gw.example.net}]}\n---\n"

#define ROUTE(kind, version, more)                                            \
	"apiVersion: gateway.networking.k8s.io/" version "\nkind: " kind "\n" \
	"metadata: {name: r, namespace: eu}\n"                                \
	"spec: {parentRefs: [{name: gw, namespace: infra}],\n"                \
	"  rules: [{backendRefs: [{name: web, port: 80}, {name: web, port: 81}]}]" more "}\n---\n"

#define TO_ROUTE(kind, version)                                                        \
	"resourceRef: {apiVersion: gateway.networking.k8s.io/" version ", kind: " kind \
	", name: r}, strategy: {type: roundRobin}"

#define BY_GATEWAY                                                                    \
	"strategy=roundRobin ttl=30 ips=192.0.2.20,192.0.2.21 names=gw.example.net\n" \
	"host r.example.com eu/web:2/1/4"

static void routes_take_their_gateways_addresses(void **state)
{
	static const char *const tables[] = {
		ROUTE("HTTPRoute", "v1", ", hostnames: [r.example.com]")
			GSLB(TO_ROUTE("HTTPRoute", "v1")),
		ROUTE("GRPCRoute", "v1", ", hostnames: [r.example.com]")
			GSLB(TO_ROUTE("GRPCRoute", "v1")),
		ROUTE("TLSRoute", "v1alpha2", ", hostnames: [r.example.com]")
			GSLB(TO_ROUTE("TLSRoute", "v1alpha3")),
		ROUTE("TCPRoute", "v1alpha2", "") "apiVersion: k8gb.io/v1beta1\nkind: Gslb\n"
						  "metadata: {name: g, namespace: eu, annotations: "
						  "{k8gb.io/hostname: R.example.com}}\n"
						  "spec: {" TO_ROUTE("TCPRoute", "v1alpha2") "}\n",
		ROUTE("UDPRoute", "v1alpha2", "") "apiVersion: k8gb.io/v1beta1\nkind: Gslb\n"
						  "metadata: {name: g, namespace: eu, annotations: "
						  "{k8gb.io/hostname: R.example.com}}\n"
						  "spec: {" TO_ROUTE("UDPRoute", "v1alpha2") "}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		char *yaml = mem_printf("%s%s%s%s", SERVICE, SLICES, GATEWAY, tables[i]);

		expect_decl(yaml, "k8gb.io/eu/g", BY_GATEWAY, NULL);
		free(yaml);
	}
}

static void several_gateways_and_listener_sets_count_together(void **state)
{
	(void)state;
	expect_decl(GATEWAY "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
			    "metadata: {name: gw2, namespace: eu}\n"
			    "status: {addresses: [{value: 192.0.2.30}]}\n---\n"
			    "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\n"
			    "metadata: {name: ls, namespace: eu}\n"
			    "spec: {parentRef: {name: gw, namespace: infra}}\n---\n"
			    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
			    "metadata: {name: r, namespace: eu}\n"
			    "spec: {hostnames: [a.example.com], parentRefs: [{name: gw2}, "
			    "{name: gw2, sectionName: x}, {kind: ListenerSet, name: ls}, {kind: "
			    "Service, name: s}]}\n"
			    "---\n" GSLB(TO_ROUTE("HTTPRoute", "v1")),
		    "k8gb.io/eu/g",
		    "strategy=roundRobin ttl=30 ips=192.0.2.30,192.0.2.20,192.0.2.21 "
		    "names=gw.example.net\nhost a.example.com",
		    NULL);
	expect_decl(ROUTE("HTTPRoute", "v1", ", hostnames: [a.example.com]")
			    GSLB(TO_ROUTE("HTTPRoute", "v1")),
		    "k8gb.io/eu/g",
		    "strategy=roundRobin ttl=30\nhost a.example.com eu/web:missing\n"
		    "error NoGateway: HTTPRoute eu/r: spec.parentRefs: no Gateway was found",
		    NULL);
}

static void a_load_balancer_service_is_named_by_annotation(void **state)
{
	static const char service[] =
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: eu}\n"
		"spec: {type: LoadBalancer}\n"
		"status: {loadBalancer: {ingress: [{ip: 192.0.2.5}]}}\n---\n";
	static const char ref[] = "spec: {resourceRef: {apiVersion: v1, kind: Service, name: web}, "
				  "strategy: {type: roundRobin}}\n";
	char *with =
		mem_printf("%s%sapiVersion: k8gb.io/v1beta1\nkind: Gslb\n"
			   "metadata: {name: g, namespace: eu, annotations: {k8gb.io/hostname: "
			   "tcp.example.com}}\n%s",
			   service, SLICES, ref);
	char *without = mem_printf("%sapiVersion: k8gb.io/v1beta1\nkind: Gslb\n"
				   "metadata: {name: g, namespace: eu}\n%s",
				   service, ref);

	(void)state;
	expect_decl(with, "k8gb.io/eu/g",
		    "strategy=roundRobin ttl=30 ips=192.0.2.5\nhost tcp.example.com eu/web:2/1/4",
		    NULL);
	expect_decl(without, "k8gb.io/eu/g",
		    "strategy=roundRobin ttl=30 ips=192.0.2.5\nerror NoHostname: "
		    "metadata.annotations[k8gb.io/hostname]: missing; the object that "
		    "spec.resourceRef names has no host of its own",
		    NULL);
	free(with);
	free(without);
}

#define VIRTUAL_SERVICE                                                                \
	"apiVersion: networking.istio.io/v1\nkind: VirtualService\n"                   \
	"metadata: {name: vs, namespace: eu}\n"                                        \
	"spec: {hosts: [vs.example.com], gateways: [mesh, istio-ingress/gw],\n"        \
	"  http: [{route: [{destination: {host: web}}]}],\n"                           \
	"  tcp: [{route: [{destination: {host: db.data.svc.cluster.local}}]}]}\n---\n" \
	"apiVersion: networking.istio.io/v1\nkind: Gateway\n"                          \
	"metadata: {name: gw, namespace: istio-ingress}\n"                             \
	"spec: {selector: {istio: ingressgateway}}\n---\n"

#define ISTIO_SERVICE(ns)                                                                   \
	"apiVersion: v1\nkind: Service\n"                                                   \
	"metadata: {name: igw, namespace: " ns ", labels: {istio: ingressgateway, x: z}}\n" \
	"status: {loadBalancer: {ingress: [{ip: 192.0.2.40}]}}\n---\n"

#define TO_VS                                                                                      \
	"resourceRef: {apiVersion: networking.istio.io/v1beta1, kind: VirtualService, name: vs}, " \
	"strategy: {type: roundRobin}"

static void a_virtual_service_takes_the_address_of_its_gateways_service(void **state)
{
	(void)state;
	expect_decl(SERVICE SLICES VIRTUAL_SERVICE ISTIO_SERVICE("istio-system") GSLB(TO_VS),
		    "k8gb.io/eu/g",
		    "strategy=roundRobin ttl=30 ips=192.0.2.40\n"
		    "host vs.example.com eu/web:2/1/4 data/db:missing",
		    NULL);
	expect_decl(
		VIRTUAL_SERVICE ISTIO_SERVICE("a") ISTIO_SERVICE("b") GSLB(TO_VS), "k8gb.io/eu/g",
		"strategy=roundRobin ttl=30\nhost vs.example.com eu/web:missing data/db:missing\n"
		"error NoGatewayService: Gateway istio-ingress/gw: spec.selector: exactly one "
		"Service is wanted, 2 match",
		NULL);
}

#define FOREIGN                                                                                   \
	INGRESS "apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata: {name: g, namespace: team}\n" \
		"spec: {resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: "    \
		"shop, "                                                                          \
		"namespace: eu}, strategy: {type: roundRobin}}\n---\n"

#define GRANT(from, to)                                                         \
	"apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n" \
	"metadata: {name: rg, namespace: eu}\nspec: {from: [" from "], to: [" to "]}\n"

static void other_namespaces_need_a_grant(void **state)
{
	static const struct {
		const char *grant;
		bool open, granted;
	} table[] = {
		{ "", false, false },
		{ "", true, true },
		{ GRANT("{group: k8gb.io, kind: Gslb, namespace: team}",
			"{group: networking.k8s.io, kind: Ingress}"),
		  false, true },
		{ GRANT("{group: k8gb.io, kind: Gslb, namespace: team}",
			"{group: networking.k8s.io, kind: Ingress, name: shop}"),
		  false, true },
		{ GRANT("{group: k8gb.io, kind: Gslb, namespace: team}",
			"{group: networking.k8s.io, kind: Ingress, name: bank}"),
		  false, false },
		{ GRANT("{group: k8gb.io, kind: Gslb, namespace: other}",
			"{group: networking.k8s.io, kind: Ingress}"),
		  false, false },
		{ GRANT("{group: k8gb.absa.oss, kind: Gslb, namespace: team}",
			"{group: networking.k8s.io, kind: Ingress}"),
		  false, false },
	};
	static const char *const open[] = { "allow-cross-namespace=true", NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture *f = fixture_new("gslb", table[i].open ? open : NULL);
		char *yaml = mem_printf("%s%s", FOREIGN, table[i].grant);

		fixture_apply(f, yaml);
		if (!strstr(fixture_decl(f, "k8gb.io/team/g"), "error RefNotPermitted") !=
		    table[i].granted)
			fail_msg("%s: %s", table[i].grant, fixture_decl(f, "k8gb.io/team/g"));
		free(yaml);
		fixture_free(f);
	}
}

static void a_foreign_backend_of_a_route_needs_a_grant(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(
		f, SERVICE SLICES GATEWAY
		"apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
		"metadata: {name: r, namespace: team}\n"
		"spec: {hostnames: [r.example.com], parentRefs: [{name: gw, namespace: infra}],\n"
		"  rules: [{backendRefs: [{name: web, namespace: eu}]}]}\n---\n"
		"apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata: {name: g, namespace: team}\n"
		"spec: {" TO_ROUTE("HTTPRoute", "v1") "}\n");
	assert_non_null(strstr(fixture_decl(f, "k8gb.io/team/g"), "eu/web:missing"));
	assert_non_null(strstr(buf_str(&f->errors), "RefNotPermitted: HTTPRoute team/r: "
						    "spec.rules.backendRefs: Service eu/web"));
	fixture_apply(f,
		      GRANT("{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team}",
			    "{group: '', kind: Service}"));
	assert_non_null(strstr(fixture_decl(f, "k8gb.io/team/g"), "eu/web:2/1/4"));
	fixture_free(f);
}

#define LEGACY                                                                                \
	"apiVersion: k8gb.absa.oss/v1beta1\nkind: Gslb\nmetadata: {name: g, namespace: eu}\n" \
	"spec: {" TO_INGRESS ", strategy: {type: geoip}}\n---\n"

static void the_canonical_group_counts_before_the_legacy_one(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(f, INGRESS LEGACY);
	assert_non_null(fixture_decl(f, "k8gb.absa.oss/eu/g"));
	assert_string_equal(buf_str(&f->errors),
			    "Gslb eu/g: LegacyDeprecated: Legacy Gslb eu/g uses deprecated API "
			    "group k8gb.absa.oss. "
			    "Set label k8gb.io/migration-requested=true to migrate to k8gb.io.\n");
	buf_reset(&f->errors);
	fixture_apply(f, GSLB(TO_INGRESS ", strategy: {type: roundRobin}"));
	assert_null(fixture_decl(f, "k8gb.absa.oss/eu/g"));
	assert_non_null(fixture_decl(f, "k8gb.io/eu/g"));
	assert_string_equal(
		buf_str(&f->errors),
		"Gslb eu/g: LegacyIgnored: Legacy Gslb ignored. Edit k8gb.io Gslb eu/g instead.\n");
	fixture_delete(f, KIND_GSLB, "eu", "g");
	assert_non_null(fixture_decl(f, "k8gb.absa.oss/eu/g"));
	assert_null(fixture_decl(f, "k8gb.io/eu/g"));
	fixture_free(f);
}

#define ANNOTATED(annotations)                                                            \
	"apiVersion: networking.k8s.io/v1\nkind: Ingress\n"                               \
	"metadata: {name: a, namespace: eu, annotations: {" annotations "}}\n"            \
	"spec: {rules: [{host: a.example.com, http: {paths: [{backend: {service: {name: " \
	"web}}}]}}]}\n"                                                                   \
	"status: {loadBalancer: {ingress: [{ip: 192.0.2.9}]}}\n---\n"

static void an_annotated_ingress_is_a_gslb(void **state)
{
	static const struct {
		const char *yaml, *want;
	} table[] = {
		{ ANNOTATED("k8gb.io/strategy: roundRobin"),
		  "strategy=roundRobin ttl=30 ips=192.0.2.9\nhost a.example.com eu/web:missing" },
		{ ANNOTATED("k8gb.io/strategy: failover, k8gb.io/primary-geotag: eu, "
			    "k8gb.io/dns-ttl-seconds: '60'"),
		  "strategy=failover primary=eu ttl=60 ips=192.0.2.9\nhost a.example.com "
		  "eu/web:missing" },
		{ ANNOTATED("k8gb.io/strategy: failover"),
		  "strategy=failover ttl=30 ips=192.0.2.9\nhost a.example.com eu/web:missing\n"
		  "error NoPrimaryGeoTag: metadata.annotations[k8gb.io/primary-geotag]: missing, "
		  "strategy "
		  "failover needs it" },
		{ ANNOTATED("k8gb.io/strategy: roundRobin, k8gb.io/dns-ttl-seconds: soon"),
		  "strategy=roundRobin ttl=30 ips=192.0.2.9\nhost a.example.com eu/web:missing\n"
		  "error InvalidTTL: metadata.annotations[k8gb.io/dns-ttl-seconds]: \"soon\" is "
		  "not a number "
		  "of seconds" },
	};
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		expect_decl(table[i].yaml, "networking.k8s.io/eu/a", table[i].want, NULL);
	fixture_apply(f, ANNOTATED("k8gb.io/strategy: roundRobin"));
	assert_non_null(fixture_decl(f, "networking.k8s.io/eu/a"));
	fixture_apply(f, ANNOTATED("other: x"));
	assert_null(fixture_decl(f, "networking.k8s.io/eu/a"));
	fixture_apply(f, ANNOTATED("k8gb.io/strategy: roundRobin"));
	fixture_apply(
		f,
		"apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata: {name: a, namespace: eu}\n"
		"spec: {resourceRef: {apiVersion: networking.k8s.io/v1, kind: Ingress, name: a}, "
		"strategy: {type: roundRobin}}\n");
	assert_null(fixture_decl(f, "networking.k8s.io/eu/a"));
	assert_non_null(fixture_decl(f, "k8gb.io/eu/a"));
	fixture_free(f);
}

static void an_unchanged_declaration_is_not_passed_on(void **state)
{
	struct fixture *f = fixture_new("gslb", NULL);

	(void)state;
	fixture_apply(f, INGRESS SERVICE SLICES GSLB(TO_INGRESS ", strategy: {type: roundRobin}"));
	assert_int_equal(f->calls, 1);
	/* another object of the namespace, and a change of the Service that says nothing */
	fixture_apply(f,
		      "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: eu, labels: "
		      "{x: z}}\n"
		      "---\napiVersion: v1\nkind: Service\nmetadata: {name: z, namespace: eu}\n");
	assert_int_equal(f->calls, 1);
	fixture_delete(f, KIND_ENDPOINT_SLICE, "eu", "web-1");
	assert_int_equal(f->calls, 2);
	fixture_delete(f, KIND_GSLB, "eu", "g");
	assert_int_equal(f->calls, 3);
	assert_null(fixture_decl(f, "k8gb.io/eu/g"));
	fixture_free(f);
}

static void a_policy_is_attached_by_its_target(void **state)
{
	static const char policy[] =
		"apiVersion: gslbd.io/v1alpha1\nkind: GslbPolicy\n"
		"metadata: {name: %s, namespace: eu, creationTimestamp: '%s'}\n"
		"spec: {targetRef: {kind: %s, name: %s}, count: %d}\n";
	struct fixture *f = fixture_new("gslb policy", NULL);

	(void)state;
	fixture_apply(f, INGRESS GSLB(TO_INGRESS ", strategy: {type: roundRobin}"));
	char *one = mem_printf(policy, "one", "2026-02-01T00:00:00Z", "Ingress", "shop", 1);
	fixture_apply(f, one);
	assert_non_null(strstr(
		fixture_decl(f, "k8gb.io/eu/g"),
		"policy={\"targetRef\":{\"kind\":\"Ingress\",\"name\":\"shop\"},\"count\":1}"));
	assert_non_null(fixture_decl(f, "GslbPolicy eu/one"));
	char *older = mem_printf(policy, "two", "2026-01-01T00:00:00Z", "Gslb", "g", 2);
	fixture_apply(f, older);
	assert_non_null(strstr(fixture_decl(f, "k8gb.io/eu/g"), "\"count\":2}"));
	fixture_delete(f, KIND_GSLB_POLICY, "eu", "two");
	assert_non_null(strstr(fixture_decl(f, "k8gb.io/eu/g"), "\"count\":1}"));
	fixture_delete(f, KIND_GSLB_POLICY, "eu", "one");
	assert_null(strstr(fixture_decl(f, "k8gb.io/eu/g"), "policy"));
	assert_null(fixture_decl(f, "GslbPolicy eu/one"));
	free(one);
	free(older);
	fixture_free(f);
}

static void policies_and_members_name_only_hosts_that_their_namespace_may_claim(void **state)
{
	static const char *const options[] = { "zone-allow=eu=eu.example.com",
					       "zone-allow=*=shared.example.com", NULL };
	static const struct {
		const char *hosts;
		bool passes;
	} rows[] = {
		{ "a.eu.example.com", true },
		{ "'*.eu.example.com', b.shared.example.com", true },
		{ "a.eu.example.com, a.us.example.com", false },
		{ "'*.example.com'", false },
		{ "noteu.example.com", false },
	};
	struct fixture *f = fixture_new("gslb policy", options);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *yaml = mem_printf("apiVersion: gslbd.io/v1alpha1\nkind: StaticMember\n"
					"metadata: {name: m, namespace: eu}\n"
					"spec: {hosts: [%s], geoTag: dc, addresses: [192.0.2.1]}\n"
					"---\napiVersion: gslbd.io/v1alpha1\nkind: GslbPolicy\n"
					"metadata: {name: p, namespace: eu}\n"
					"spec: {hosts: [%s], count: 1}\n",
					rows[i].hosts, rows[i].hosts);

		fixture_apply(f, yaml);
		assert_int_equal(fixture_decl(f, "StaticMember eu/m") != NULL, rows[i].passes);
		assert_int_equal(fixture_decl(f, "GslbPolicy eu/p") != NULL, rows[i].passes);
		free(yaml);
	}
	assert_non_null(strstr(buf_str(&f->errors), "HostNotAllowed"));
	fixture_free(f);
}

#define ZONE(name, spec)                                                            \
	"apiVersion: k8gb.io/v1beta1\nkind: ZoneDelegation\nmetadata: {name: " name \
	"}\nspec: {" spec "}\n---\n"

static void zone_delegations_become_zones(void **state)
{
	static const struct {
		const char *spec, *want;
	} table[] = {
		{ ZONE("z", "loadBalancedZone: Cloud.Example.com, parentZone: example.com., "
			    "dnsZoneNegTTL: 30"),
		  "zone cloud.example.com parent=example.com negttl=30" },
		{ ZONE("z", "loadBalancedZone: a.b.example.com, parentZone: example.com, "
			    "dnsZoneNegTTL: 0, doFinalize: true"),
		  "zone a.b.example.com parent=example.com negttl=0 finalize" },
		{ ZONE("z",
		       "loadBalancedZone: example.com, parentZone: example.com, dnsZoneNegTTL: 30"),
		  "zone example.com parent=example.com negttl=30 error: spec.loadBalancedZone: "
		  "must differ "
		  "from spec.parentZone (example.com)" },
		{ ZONE("z", "loadBalancedZone: notexample.com, parentZone: example.com, "
			    "dnsZoneNegTTL: 30"),
		  "zone notexample.com parent=example.com negttl=30 error: spec.loadBalancedZone: "
		  "notexample.com does not lie below spec.parentZone (example.com)" },
		{ ZONE("z", "loadBalancedZone: 'a b.example.com', parentZone: example.com, "
			    "dnsZoneNegTTL: 30"),
		  "zone a b.example.com parent=example.com negttl=30 error: spec.loadBalancedZone: "
		  "\"a "
		  "b.example.com\" is not a domain name" },
		{ ZONE("z", "loadBalancedZone: a.example.com, parentZone: example.com"),
		  "zone a.example.com parent=example.com negttl=0 error: spec.dnsZoneNegTTL: must "
		  "be an "
		  "integer from 0 to 2147483647" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct fixture *f = fixture_new("zonedelegation", NULL);

		fixture_apply(f, table[i].spec);
		assert_string_equal(fixture_decl(f, "ZoneDelegation z"), table[i].want);
		fixture_delete(f, KIND_ZONE_DELEGATION, "", "z");
		assert_null(fixture_decl(f, "ZoneDelegation z"));
		fixture_free(f);
	}
}

static void zones_of_the_configuration_give_way_to_objects(void **state)
{
	static const char *const options[] = {
		"dns-zones=example.com:cloud.example.com:30; example.org:x.example.org:300;", NULL
	};
	struct fixture *f = fixture_new("zonedelegation", options);
	struct zone_config *z = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(zone_config_new(f->loop, f->config, f->store, f->sink, &z, &why), 0);
	assert_int_equal(zone_config_count(z), 2);
	assert_null(fixture_decl(f, "config:cloud.example.com"));
	zone_config_start(z);
	assert_string_equal(fixture_decl(f, "config:cloud.example.com"),
			    "zone cloud.example.com parent=example.com negttl=30");
	assert_string_equal(fixture_decl(f, "config:x.example.org"),
			    "zone x.example.org parent=example.org negttl=300");
	fixture_apply(f,
		      ZONE("mine", "loadBalancedZone: cloud.example.com, parentZone: example.com, "
				   "dnsZoneNegTTL: 5"));
	loop_once(f->loop, 50);
	assert_null(fixture_decl(f, "config:cloud.example.com"));
	assert_non_null(fixture_decl(f, "ZoneDelegation mine"));
	assert_non_null(fixture_decl(f, "config:x.example.org"));
	fixture_delete(f, KIND_ZONE_DELEGATION, "", "mine");
	loop_once(f->loop, 50);
	assert_non_null(fixture_decl(f, "config:cloud.example.com"));
	zone_config_free(z);
	fixture_free(f);
}

static void bad_zones_of_the_configuration_are_refused(void **state)
{
	static const struct {
		const char *zones, *why;
	} table[] = {
		{ "dns-zones=example.com:cloud.example.com",
		  "DNS_ZONES: \"example.com:cloud.example.com\": must be parent:zone:negttl" },
		{ "dns-zones=example.com:cloud.example.com:30:x",
		  "DNS_ZONES: \"example.com:cloud.example.com:30:x\": must be parent:zone:negttl" },
		{ "dns-zones=example.com:cloud.example.com:soon",
		  "DNS_ZONES: \"example.com:cloud.example.com:soon\": \"soon\" is not a number of "
		  "seconds" },
		{ "dns-zones=example.com:cloud.example.org:30",
		  "DNS_ZONES: \"example.com:cloud.example.org:30\": zone: cloud.example.org does "
		  "not lie "
		  "below parent (example.com)" },
		{ "dns-zones=example.com:a.example.com:30;example.com:A.example.com.:30",
		  "DNS_ZONES: zone a.example.com is there twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *options[] = { table[i].zones, NULL };
		struct config *config = config_for_test(options);
		struct store *store = store_new();
		struct loop *loop = loop_new();
		struct endpoint_sink sink = { 0 };
		struct zone_config *z = NULL;
		char *why = NULL;

		assert_int_not_equal(zone_config_new(loop, config, store, &sink, &z, &why), 0);
		assert_string_equal(why, table[i].why);
		free(why);
		store_free(store);
		loop_free(loop);
		config_free(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gslb_is_declared_with_all_that_it_refers_to),
		cmocka_unit_test(what_cannot_be_used_says_why),
		cmocka_unit_test(labels_must_match_exactly_one),
		cmocka_unit_test(a_bad_host_does_not_hurt_the_others),
		cmocka_unit_test(an_embedded_ingress_needs_no_other_object),
		cmocka_unit_test(exposed_addresses_come_from_annotations),
		cmocka_unit_test(routes_take_their_gateways_addresses),
		cmocka_unit_test(several_gateways_and_listener_sets_count_together),
		cmocka_unit_test(a_load_balancer_service_is_named_by_annotation),
		cmocka_unit_test(a_virtual_service_takes_the_address_of_its_gateways_service),
		cmocka_unit_test(other_namespaces_need_a_grant),
		cmocka_unit_test(a_foreign_backend_of_a_route_needs_a_grant),
		cmocka_unit_test(the_canonical_group_counts_before_the_legacy_one),
		cmocka_unit_test(an_annotated_ingress_is_a_gslb),
		cmocka_unit_test(an_unchanged_declaration_is_not_passed_on),
		cmocka_unit_test(a_policy_is_attached_by_its_target),
		cmocka_unit_test(
			policies_and_members_name_only_hosts_that_their_namespace_may_claim),
		cmocka_unit_test(zone_delegations_become_zones),
		cmocka_unit_test(zones_of_the_configuration_give_way_to_objects),
		cmocka_unit_test(bad_zones_of_the_configuration_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

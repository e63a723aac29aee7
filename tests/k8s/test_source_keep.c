/* What stays and what goes when objects change; what is watched at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/k8s/fixture.h"

static const char good[] = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, "
			   "namespace: x, labels: {l: m}}, status: {loadBalancer: {ingress: [{ip: "
			   "1.1.1.1}]}}}";
static const char bad[] = "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a, "
			  "namespace: x}, status: {loadBalancer: {ingress: [{ip: 1.1.1.1}]}}}";

static void a_template_that_fails_takes_nothing_away(void **state)
{
	struct fixture *f = fixture_new(
		"ingress",
		(const char *const[]){ "fqdn-template={{toLower .Labels.l}}.org", NULL });

	(void)state;
	fixture_apply(f, bad);
	fixture_expect(f, "");
	fixture_apply(f, good);
	fixture_expect(f, "m.org A 0 1.1.1.1\n");
	fixture_apply(f, bad);
	fixture_expect(f, "m.org A 0 1.1.1.1\n");
	fixture_delete(f, KIND_INGRESS, "x", "a");
	fixture_expect(f, "");
	fixture_free(f);
}

static void pods_are_watched_only_for_types_that_need_them(void **state)
{
	struct fixture *f = fixture_new(
		"service", (const char *const[]){ "service-type-filter=LoadBalancer", NULL });

	(void)state;
	assert_true(source_set_needs(f->set, KIND_SERVICE));
	assert_false(source_set_needs(f->set, KIND_POD));
	assert_false(source_set_needs(f->set, KIND_NODE));
	assert_false(source_set_needs(f->set, KIND_ENDPOINT_SLICE));
	fixture_free(f);
	f = fixture_new("service", (const char *const[]){ "service-type-filter=NodePort", NULL });
	assert_true(source_set_needs(f->set, KIND_POD));
	assert_false(source_set_needs(f->set, KIND_ENDPOINT_SLICE));
	fixture_free(f);
	f = fixture_new("service", NULL);
	assert_true(source_set_needs(f->set, KIND_ENDPOINT_SLICE));
	fixture_free(f);
	f = fixture_new("gateway-httproute", NULL);
	assert_false(source_set_needs(f->set, KIND_LISTENER_SET));
	fixture_free(f);
}

static void gateways_are_looked_for_beyond_the_namespace(void **state)
{
	static const struct {
		const char *gateway_namespace;
		enum kind_id kind;
		const char *namespaces;
	} rows[] = {
		{ "gateway-namespace=", KIND_HTTP_ROUTE, "x z" },
		{ "gateway-namespace=", KIND_GATEWAY, "" },
		{ "gateway-namespace=infra", KIND_GATEWAY, "infra" },
		{ "gateway-namespace=infra", KIND_LISTENER_SET, "" },
		{ "gateway-namespace=infra", KIND_ISTIO_GATEWAY, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = fixture_new(
			"gateway-httproute",
			(const char *const[]){ "namespace=x, z", rows[i].gateway_namespace, NULL });
		struct strv v = { 0 };
		char *joined;

		source_set_namespaces(f->set, rows[i].kind, &v);
		joined = strv_join(&v, " ");
		assert_string_equal(joined, rows[i].namespaces);
		free(joined);
		strv_fini(&v);
		fixture_free(f);
	}
}

static void a_headless_service_follows_its_slices_pods_and_nodes(void **state)
{
	struct fixture *f = fixture_new("service", NULL);

	(void)state;
	fixture_apply(
		f, "apiVersion: v1\nkind: Service\nmetadata: {name: h, namespace: x, annotations: "
		   "{external-dns.alpha.kubernetes.io/hostname: h.org, "
		   "external-dns.alpha.kubernetes.io/endpoints-type: NodeExternalIP}}\n"
		   "spec: {clusterIP: None}\n");
	fixture_expect(f, "");
	fixture_apply(f, "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
			 "metadata: {name: h-1, namespace: x, labels: "
			 "{kubernetes.io/service-name: h}}\naddressType: IPv4\n"
			 "endpoints: [{addresses: [10.0.0.1], targetRef: {kind: Pod, name: p}}]\n");
	fixture_expect(f, "");
	fixture_apply(f, "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: x}\n"
			 "spec: {nodeName: n1}\nstatus: {podIP: 10.0.0.1}\n");
	fixture_expect(f, ""); /* the node is not known: half an answer would be wrong */
	fixture_apply(f, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			 "status: {addresses: [{type: ExternalIP, address: 5.5.5.5}]}\n");
	fixture_expect(f, "h.org A 0 5.5.5.5\n");
	fixture_apply(f, "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
			 "status: {addresses: [{type: ExternalIP, address: 6.6.6.6}]}\n");
	fixture_expect(f, "h.org A 0 6.6.6.6\n");
	fixture_delete(f, KIND_ENDPOINT_SLICE, "x", "h-1");
	fixture_expect(f, "");
	fixture_free(f);
}

static void a_route_follows_its_gateway_and_namespace(void **state)
{
	struct fixture *f = fixture_new("gateway-httproute", NULL);

	(void)state;
	fixture_apply(f, "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\n"
			 "metadata: {name: r, namespace: x}\n"
			 "spec: {hostnames: [a.org], parentRefs: [{name: g, namespace: infra}]}\n"
			 "status: {parents: [{parentRef: {name: g, namespace: infra}, "
			 "conditions: [{type: Accepted, status: 'True'}]}]}\n");
	fixture_expect(f, "");
	fixture_apply(f, "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
			 "metadata: {name: g, namespace: infra}\n"
			 "spec: {listeners: [{name: h, port: 80, protocol: HTTP, allowedRoutes: "
			 "{namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}}]}\n"
			 "status: {addresses: [{value: 1.2.3.4}]}\n");
	fixture_expect(f, "");
	fixture_apply(f, "apiVersion: v1\nkind: Namespace\nmetadata: {name: x, labels: {a: b}}\n");
	fixture_expect(f, "a.org A 0 1.2.3.4\n");
	fixture_delete(f, KIND_NAMESPACE, "", "x");
	fixture_expect(f, "");
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_that_fails_takes_nothing_away),
		cmocka_unit_test(pods_are_watched_only_for_types_that_need_them),
		cmocka_unit_test(gateways_are_looked_for_beyond_the_namespace),
		cmocka_unit_test(a_headless_service_follows_its_slices_pods_and_nodes),
		cmocka_unit_test(a_route_follows_its_gateway_and_namespace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

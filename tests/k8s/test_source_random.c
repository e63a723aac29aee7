/*
 * However objects came, changed and went, what the sink has is what a fresh start over the same
 * objects gives: no dependency is forgotten, no merged record stays behind.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/k8s/fixture.h"

#define NAMES 4 /* objects of a kind */
#define STEPS 3000
#define CHECK 25 /* steps between two comparisons */

static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

static char *service(unsigned i)
{
	static const char *const types[] = { "LoadBalancer", "ClusterIP", "NodePort",
					     "ExternalName" };
	unsigned type = pick(4);

	return mem_printf(
		"{apiVersion: v1, kind: Service, metadata: {name: s%u, namespace: x, "
		"annotations: {external-dns.alpha.kubernetes.io/hostname: n%u.org%s%s}}, "
		"spec: {type: %s, clusterIP: %s, selector: {a: l%u}%s, externalName: e.org, "
		"ports: [{nodePort: 30000}]}, status: {loadBalancer: {ingress: [{ip: "
		"1.1.1.%u}]}}}",
		i, pick(3), pick(2) ? ", external-dns.kubernetes.io/ttl: '60'" : "",
		pick(2) ? ", external-dns.kubernetes.io/endpoints-type: NodeExternalIP" : "",
		types[type], type == 1 ? "None" : "10.0.0.1", pick(2),
		pick(2) ? ", externalTrafficPolicy: Local" : "", pick(4));
}

static char *pod(unsigned i)
{
	return mem_printf("{apiVersion: v1, kind: Pod, metadata: {name: p%u, namespace: x, labels: "
			  "{a: l%u}}, spec: {nodeName: m%u%s}, status: {phase: Running, podIP: "
			  "10.1.0.%u, conditions: [{type: Ready, status: '%s'}]}}",
			  i, pick(2), pick(NAMES), pick(2) ? ", hostname: h" : "", i,
			  pick(2) ? "True" : "False");
}

static char *node(unsigned i)
{
	return mem_printf(
		"{apiVersion: v1, kind: Node, metadata: {name: m%u}, spec: "
		"{unschedulable: %s}, status: {addresses: [{type: %s, address: 5.5.5.%u}]}}",
		i, pick(4) ? "false" : "true", pick(3) ? "ExternalIP" : "InternalIP", pick(4));
}

static char *slice(unsigned i)
{
	return mem_printf("{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: "
			  "e%u, namespace: x, labels: {kubernetes.io/service-name: s%u}}, "
			  "addressType: IPv4, endpoints: [{addresses: [10.1.0.%u], conditions: "
			  "{ready: %s}, targetRef: {kind: Pod, name: p%u}}]}",
			  i, pick(NAMES), pick(4), pick(3) ? "true" : "false", pick(NAMES));
}

static char *gateway(unsigned i)
{
	static const char *const from[] = { "Same", "All",
					    "Selector, selector: {matchLabels: {a: b}}" };

	return mem_printf(
		"{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: "
		"g%u, namespace: x}, spec: {listeners: [{name: h, port: 80, protocol: HTTP, "
		"allowedRoutes: {namespaces: {from: %s}}}]}, status: {addresses: [{value: "
		"7.7.7.%u}]}}",
		i, from[pick(3)], pick(4));
}

static char *http_route(unsigned i)
{
	unsigned g = pick(NAMES);

	return mem_printf(
		"{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: "
		"{name: r%u, namespace: %s}, spec: {hostnames: [n%u.org], parentRefs: [{name: "
		"g%u, namespace: x}]}, status: {parents: [{parentRef: {name: g%u, namespace: "
		"x}, conditions: [{type: Accepted, status: '%s'}]}]}}",
		i, i % 2 ? "x" : "z", pick(3), g, g, pick(4) ? "True" : "False");
}

static char *namespace(unsigned i)
{
	return mem_printf(
		"{apiVersion: v1, kind: Namespace, metadata: {name: %s, labels: {a: %s}}}",
		i % 2 ? "x" : "z", pick(2) ? "b" : "c");
}

static const struct {
	enum kind_id kind;
	char *(*make)(unsigned i);
	const char *name; /* letter before the number; NULL: x and z */
} makers[] = {
	{ KIND_SERVICE, service, "s" },
	{ KIND_POD, pod, "p" },
	{ KIND_NODE, node, "m" },
	{ KIND_ENDPOINT_SLICE, slice, "e" },
	{ KIND_GATEWAY, gateway, "g" },
	{ KIND_HTTP_ROUTE, http_route, "r" },
	{ KIND_NAMESPACE, namespace, NULL },
};

#define KINDS (sizeof(makers) / sizeof(makers[0]))

static const char sources[] = "service gateway-httproute node";
static const char *const options[] = { "create-ptr=true", "managed-record-types=A,AAAA,PTR",
				       "fqdn-template=nodes.org", NULL };

static void remove_object(struct fixture *f, size_t k, unsigned i)
{
	char *name = makers[k].name ? mem_printf("%s%u", makers[k].name, i)
				    : mem_strdup(i % 2 ? "x" : "z");
	const char *ns = makers[k].kind == KIND_NODE || makers[k].kind == KIND_NAMESPACE ? ""
			 : makers[k].kind == KIND_HTTP_ROUTE && i % 2 == 0               ? "z"
											 : "x";

	fixture_delete(f, makers[k].kind, ns, name);
	free(name);
}

static unsigned lines; /* seen in all, so that the test is known to look at something */

static unsigned count_lines(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void compare(const struct fixture *f, char *objects[KINDS][NAMES], unsigned step)
{
	struct fixture *fresh = fixture_new(sources, options);
	char *have = fixture_endpoints(f, true), *want;

	fixture_sync(fresh);
	for (size_t k = 0; k < KINDS; k++)
		for (unsigned i = 0; i < NAMES; i++)
			if (objects[k][i])
				fixture_apply(fresh, objects[k][i]);
	want = fixture_endpoints(fresh, true);
	if (strcmp(have, want) != 0)
		fail_msg("step %u: have\n%sbut a fresh start gives\n%s", step, have, want);
	lines += count_lines(have);
	free(have);
	free(want);
	fixture_free(fresh);
}

static void every_history_ends_as_a_fresh_start(void **state)
{
	struct fixture *f = fixture_new(sources, options);
	char *objects[KINDS][NAMES] = { { NULL } };

	(void)state;
	seed = 20240607;
	fixture_sync(f);
	for (unsigned step = 1; step <= STEPS; step++) {
		size_t k = pick(KINDS);
		unsigned i = pick(makers[k].name ? NAMES : 2);

		free(objects[k][i]);
		objects[k][i] = NULL;
		if (pick(4) == 0) {
			remove_object(f, k, i);
		} else {
			objects[k][i] = makers[k].make(i);
			fixture_apply(f, objects[k][i]);
		}
		if (step % CHECK == 0)
			compare(f, objects, step);
	}
	assert_true(lines > STEPS / CHECK * 5);
	for (size_t k = 0; k < KINDS; k++)
		for (unsigned i = 0; i < NAMES; i++)
			free(objects[k][i]);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_history_ends_as_a_fresh_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* source_nameserver: which Services and Ingresses say where our name server is reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "tests/k8s/fixture.h"

#define SERVICE(namespace, labels, type, ip)                                                       \
	"{apiVersion: v1, kind: Service, metadata: {name: dns, namespace: " namespace ", labels: " \
										      "{" labels   \
										      "}}, spec: " \
										      "{type:"     \
										      " " type     \
										      "}, "        \
										      "status: "   \
										      "{loadBalan" \
										      "cer: "      \
										      "{ingress: " \
										      "["          \
										      "{ip: " ip   \
										      "}]}}}"
#define INGRESS(labels, ip)                                                                   \
	"{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: dns, namespace: " \
	"k8gb, labels: {" labels "}}, status: {loadBalancer: {ingress: [{ip: " ip "}]}}}"

static void which_objects_count(void **state)
{
	static const struct {
		const char *type; /* of --coredns-service-type */
		const char *yaml;
		const char *id, *addresses; /* NULL: it says nothing */
	} rows[] = {
		{ "ClusterIP",
		  SERVICE("k8gb", "app.kubernetes.io/name: gslbd", "LoadBalancer", "192.0.2.1"),
		  "NameServer Service k8gb/dns", "{\"addresses\":[\"192.0.2.1\"]}" },
		/* CoreDNS's own counts where k8gb would take it */
		{ "LoadBalancer",
		  SERVICE("k8gb", "app.kubernetes.io/name: coredns", "LoadBalancer", "192.0.2.1"),
		  "NameServer Service k8gb/dns", "{\"addresses\":[\"192.0.2.1\"]}" },
		{ "ClusterIP",
		  SERVICE("k8gb", "app.kubernetes.io/name: coredns", "LoadBalancer", "192.0.2.1"),
		  "NameServer Service k8gb/dns", NULL },
		/* another namespace, another type, the metrics */
		{ "ClusterIP",
		  SERVICE("other", "app.kubernetes.io/name: gslbd", "LoadBalancer", "192.0.2.1"),
		  "NameServer Service other/dns", NULL },
		{ "ClusterIP",
		  SERVICE("k8gb", "app.kubernetes.io/name: gslbd", "ClusterIP", "192.0.2.1"),
		  "NameServer Service k8gb/dns", NULL },
		{ "ClusterIP",
		  SERVICE("k8gb",
			  "app.kubernetes.io/name: gslbd, app.kubernetes.io/component: metrics",
			  "LoadBalancer", "192.0.2.1"),
		  "NameServer Service k8gb/dns", NULL },
		{ "ClusterIP", INGRESS("k8gb.io/ip-source: 'true'", "192.0.2.2"),
		  "NameServer Ingress k8gb/dns", "{\"addresses\":[\"192.0.2.2\"]}" },
		{ "LoadBalancer", INGRESS("k8gb.io/ip-source: 'true'", "192.0.2.2"),
		  "NameServer Ingress k8gb/dns", NULL },
		{ "ClusterIP", INGRESS("k8gb.io/ip-source: 'false'", "192.0.2.2"),
		  "NameServer Ingress k8gb/dns", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *type = mem_printf("coredns-service-type=%s", rows[i].type);
		struct fixture *f = fixture_new(
			"nameserver", (const char *[]){ type, "pod-namespace=k8gb", NULL });

		fixture_apply(f, rows[i].yaml);
		const char *got = map_get(&f->decls, rows[i].id);
		if (!got != !rows[i].addresses || (got && strcmp(got, rows[i].addresses) != 0))
			fail_msg("row %zu: %s", i, got ? got : "nothing");
		fixture_free(f);
		free(type);
	}
}

static void an_object_that_goes_takes_its_addresses_along(void **state)
{
	struct fixture *f =
		fixture_new("nameserver", (const char *[]){ "pod-namespace=k8gb", NULL });

	(void)state;
	fixture_apply(
		f, SERVICE("k8gb", "app.kubernetes.io/name: gslbd", "LoadBalancer", "192.0.2.1"));
	assert_non_null(map_get(&f->decls, "NameServer Service k8gb/dns"));
	unsigned calls = f->calls;
	fixture_apply(f, SERVICE("k8gb", "app.kubernetes.io/name: gslbd, x: z", "LoadBalancer",
				 "192.0.2.1"));
	assert_int_equal(f->calls, calls); /* nothing new, nothing said */
	fixture_apply(
		f, SERVICE("k8gb", "app.kubernetes.io/name: gslbd", "LoadBalancer", "192.0.2.9"));
	assert_string_equal(map_get(&f->decls, "NameServer Service k8gb/dns"),
			    "{\"addresses\":[\"192.0.2.9\"]}");
	fixture_delete(f, KIND_SERVICE, "k8gb", "dns");
	assert_null(map_get(&f->decls, "NameServer Service k8gb/dns"));
	fixture_apply(
		f, SERVICE("k8gb", "app.kubernetes.io/name: gslbd", "LoadBalancer", "192.0.2.1"));
	fixture_apply(f,
		      SERVICE("k8gb", "app.kubernetes.io/name: mine", "LoadBalancer", "192.0.2.1"));
	assert_null(map_get(&f->decls, "NameServer Service k8gb/dns"));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_objects_count),
		cmocka_unit_test(an_object_that_goes_takes_its_addresses_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

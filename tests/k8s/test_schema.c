/* schema: objects are checked as the API server would. */
#include "k8s/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/yaml.h"

static void on_fault(void *ctx, const cJSON *at, const char *path, const char *text, bool fatal)
{
	buf_printf(ctx, "%s%u %s: %s\n", fatal ? "" : "? ", yaml_line(at), path, text);
}

static void keep(void *ctx, cJSON *doc, unsigned line)
{
	(void)line;
	*(cJSON **)ctx = doc;
}

static cJSON *parse(const char *yaml)
{
	struct yaml_error e;
	cJSON *doc = NULL;

	if (yaml_parse(yaml, strlen(yaml), keep, &doc, &e) != 0)
		fail_msg("%u: %s in\n%s", e.line, e.text, yaml);
	return doc;
}

#define SPEC_OK "spec: {resourceRef: {kind: Ingress, name: a}, strategy: {type: roundRobin"

static void faults_are_named_with_place_and_cause(void **state)
{
	static const struct {
		enum kind_id kind;
		const char *yaml, *want;
	} table[] = {
		{ KIND_GSLB, SPEC_OK "}}", "" },
		{ KIND_GSLB, "spec:\n  strategy:\n    type: failover\n    dnsTtlSeconds: soon\n",
		  "4 spec.strategy.dnsTtlSeconds: must be an integer\n" },
		{ KIND_GSLB, "spec:\n  strategy:\n    type: failover\n    dnsTtlSeconds: 1.5\n",
		  "4 spec.strategy.dnsTtlSeconds: must be an integer\n" },
		{ KIND_GSLB, SPEC_OK ", dnsTtlSeconds: -1}}",
		  "1 spec.strategy.dnsTtlSeconds: must be from 0 to 2147483647\n" },
		{ KIND_GSLB, SPEC_OK ", weight: {eu: 5, us: many, x: 1001}}}",
		  "1 spec.strategy.weight.us: must be an integer\n"
		  "1 spec.strategy.weight.x: must be from 0 to 1000\n" },
		{ KIND_GSLB, "spec: {}", "1 spec.strategy: missing\n" },
		{ KIND_GSLB, "spec: {strategy: {}}", "1 spec.strategy.type: missing\n" },
		{ KIND_GSLB, "spec: {strategy: {type: null}}", "1 spec.strategy.type: missing\n" },
		{ KIND_GSLB, "spec: []", "1 spec: must be an object\n" },
		{ KIND_GSLB, "spec: {strategy: {type: geoip}, serviceHealthPolicy: Most}",
		  "1 spec.serviceHealthPolicy: \"Most\" is none of Any, All\n" },
		{ KIND_GSLB, SPEC_OK ", primaryGeotag: eu}}",
		  "? 1 spec.strategy.primaryGeotag: unknown field, it has no effect\n" },
		{ KIND_GSLB_LEGACY, "spec: {strategy: {type: 1}}",
		  "1 spec.strategy.type: must be a string\n" },
		{ KIND_GSLB,
		  "spec:\n  strategy: {type: geoip}\n  ingress:\n    rules:\n    - http: {paths: "
		  "[]}\n      host: 5\n"
		  "    - host: a\n",
		  "6 spec.ingress.rules[0].host: must be a string\n"
		  "7 spec.ingress.rules[1].http: missing\n" },
		{ KIND_ZONE_DELEGATION,
		  "spec: {loadBalancedZone: a.b, parentZone: b, dnsZoneNegTTL: '30'}",
		  "1 spec.dnsZoneNegTTL: must be an integer\n" },
		{ KIND_INGRESS, "spec: {rules: {host: a}}", "1 spec.rules: must be a list\n" },
		{ KIND_INGRESS, "spec: {anything: [1], rules: [{host: a}]}", "" },
		{ KIND_SERVICE, "spec: {type: Loadbalancer}",
		  "1 spec.type: \"Loadbalancer\" is none of ClusterIP, NodePort, LoadBalancer, "
		  "ExternalName\n" },
		{ KIND_ENDPOINT_SLICE, "endpoints: [{addresses: [a], conditions: {ready: 'true'}}]",
		  "1 endpoints[0].conditions.ready: must be true or false\n" },
		{ KIND_STATIC_MEMBER,
		  "spec: {geoTag: x, hosts: [a.example.com], addresses: [192.0.2.1, '::1', nine]}",
		  "1 spec.addresses[2]: \"nine\" is not of format ipv4 or ipv6\n" },
		{ KIND_STATIC_MEMBER,
		  "spec: {geoTag: x, hosts: [a.b, a.b], addresses: [192.0.2.1]}",
		  "1 spec.hosts: holds the same item twice\n" },
		{ KIND_STATIC_MEMBER, "spec: {geoTag: x, hosts: [], addresses: [192.0.2.1]}",
		  "1 spec.hosts: must not be empty\n" },
		{ KIND_DRAIN, "spec: {what: {geoTag: e_u}, reason: x}",
		  "1 spec.what.geoTag: \"e_u\" must match ^[A-Za-z0-9-]+$\n" },
		{ KIND_DRAIN, "spec: {what: {geoTag: eu}, reason: x, until: tomorrow}",
		  "1 spec.until: \"tomorrow\" is not of format date-time\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cJSON *doc = parse(table[i].yaml);
		struct buf out = { 0 };

		(void)schema_check(table[i].kind, doc, false, on_fault, &out);
		if (strcmp(buf_str(&out), table[i].want) != 0)
			fail_msg("%s\nwanted %s\nhave   %s", table[i].yaml, table[i].want,
				 buf_str(&out));
		buf_fini(&out);
		cJSON_Delete(doc);
	}
	schema_forget();
}

static void defaults_are_filled_in_and_nulls_dropped(void **state)
{
	cJSON *doc = parse("spec: {targetRef: {kind: Gslb, name: g}, count: null,\n"
			   "  probes: [{name: p, type: HTTP, http: {}}]}");
	struct buf out = { 0 };

	(void)state;
	assert_int_equal(schema_check(KIND_GSLB_POLICY, doc, true, on_fault, &out), 0);
	assert_string_equal(buf_str(&out), "");
	assert_null(json_get(doc, "spec.count"));
	cJSON *probe = cJSON_GetArrayItem(json_get(doc, "spec.probes"), 0);
	assert_string_equal(json_text(probe, "interval"), "10s");
	assert_int_equal(json_number(probe, "rise", 0), 2);
	assert_string_equal(json_text(probe, "http.method"), "GET");
	assert_string_equal(json_text(probe, "http.path"), "/");
	buf_fini(&out);
	cJSON_Delete(doc);
	schema_forget();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_named_with_place_and_cause),
		cmocka_unit_test(defaults_are_filled_in_and_nulls_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

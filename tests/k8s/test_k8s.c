/* k8s: the whole room against an API server, what it declares and what it writes. */
#include "k8s/k8s.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/object.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/endpoint.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "tests/k8s/fake_api.h"

static struct loop *loop;
static struct http_client *http;
static struct fake_api *api;
static struct config *config;
static struct k8s *k8s;
static struct endpoint_sink sink;
static struct map decls; /* id -> "x" */
static unsigned leader_calls;
static bool leads;

static char here;

static void put_decl(void *ctx, struct gslb_decl *d)
{
	(void)ctx;
	(void)map_put(&decls, d->id, &here);
	gslb_decl_free(d);
}

static void remove_decl(void *ctx, const char *id)
{
	(void)ctx;
	(void)map_remove(&decls, id);
}

static void put_zone(void *ctx, struct zone_decl *z)
{
	(void)ctx;
	(void)map_put(&decls, z->id, z->deleting ? (void *)&leads : (void *)&here);
	zone_decl_free(z);
}

static void on_leader(void *ctx, bool leader)
{
	(void)ctx;
	leader_calls++;
	leads = leader;
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	http = http_client_new(loop);
	api = fake_api_new(loop);
	fake_api_add(api, "", "v1", "services", "Service", true);
	fake_api_add(api, "", "v1", "events", "Event", true);
	fake_api_add(api, "networking.k8s.io", "v1", "ingresses", "Ingress", true);
	fake_api_add(api, "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true);
	fake_api_add(api, "k8gb.io", "v1beta1", "gslbs", "Gslb", true);
	fake_api_add(api, "k8gb.io", "v1beta1", "zonedelegations", "ZoneDelegation", false);
	fake_api_add(api, "k8gb.absa.oss", "v1beta1", "gslbs", "Gslb", true);
	fake_api_add(api, "externaldns.k8s.io", "v1alpha1", "dnsendpoints", "DNSEndpoint", true);
	fake_api_add(api, "coordination.k8s.io", "v1", "leases", "Lease", true);
	sink = (struct endpoint_sink){ .gslb_put = put_decl,
				       .gslb_remove = remove_decl,
				       .zone_put = put_zone,
				       .zone_remove = remove_decl };
	leader_calls = 0;
	leads = false;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	k8s_free(k8s);
	k8s = NULL;
	http_client_free(http);
	fake_api_free(api);
	config_free(config);
	loop_free(loop);
	map_fini(&decls, NULL);
	status_clear();
	metric_reset();
	return 0;
}

static void start(void)
{
	char *server = mem_printf("server=%s", fake_api_url(api)), *why = NULL;
	const char *const options[] = { server, "cluster-geo-tag=eu",
					"dns-zones=example.com:cloud.example.com:30", NULL };

	(void)unsetenv("KUBECONFIG");
	config = config_for_test(options);
	assert_non_null(config);
	if (k8s_new(loop, config, http, &sink, &k8s, &why) != 0)
		fail_msg("%s", why);
	k8s_on_leader(k8s, on_leader, NULL);
	k8s_start(k8s);
	free(server);
}

#define until(condition)                                       \
	do {                                                   \
		uint64_t end_ = clock_mono_ms() + 8000;        \
		while (!(condition) && clock_mono_ms() < end_) \
			loop_once(loop, 10);                   \
		assert_true(condition);                        \
	} while (0)

static void rest(unsigned ms)
{
	uint64_t end = clock_mono_ms() + ms;

	while (clock_mono_ms() < end)
		loop_once(loop, 10);
}

static const char *text_at(const char *plural, const char *ns, const char *name, const char *path)
{
	const char *t = json_text(fake_api_get(api, plural, ns, name), path);

	return t ? t : "";
}

#define EMBEDDED(version)                                                                     \
	"apiVersion: " version "\nkind: Gslb\n"                                               \
	"metadata: {name: g, namespace: eu, annotations: {note: kept}}\n"                     \
	"spec:\n  strategy: {type: roundRobin}\n  ingress:\n    ingressClassName: nginx\n"    \
	"    backend: {service: {name: fallback, port: {number: 1}}}\n"                       \
	"    rules: [{host: g.cloud.example.com, http: {paths: [{path: /, pathType: Prefix, " \
	"backend: {service: {name: web, port: {number: 80}}}}]}}]\n"

static void an_embedded_ingress_is_made_kept_and_owned(void **state)
{
	const cJSON *i;

	(void)state;
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(fake_api_get(api, "ingresses", "eu", "g") != NULL);
	i = fake_api_get(api, "ingresses", "eu", "g");
	assert_string_equal(json_text(i, "spec.ingressClassName"), "nginx");
	assert_string_equal(json_text(i, "spec.defaultBackend.service.name"), "fallback");
	assert_string_equal(json_member(json_get(i, "metadata.labels"), "app.k8gb.io/managed-by"),
			    "gslb");
	assert_string_equal(json_text(i, "metadata.annotations.note"), "kept");
	const cJSON *owner = cJSON_GetArrayItem(json_get(i, "metadata.ownerReferences"), 0);
	assert_string_equal(json_text(owner, "uid"), text_at("gslbs", "eu", "g", "metadata.uid"));
	assert_true(json_bool(owner, "controller", false));
	fake_api_delete(api, "ingresses", "eu", "g");
	until(fake_api_get(api, "ingresses", "eu", "g") != NULL); /* it comes back */
	buf_reset(fake_api_log(api));
	rest(300);
	assert_null(strstr(buf_str(fake_api_log(api)), "PATCH"));
}

static void a_foreign_ingress_is_left_alone(void **state)
{
	(void)state;
	fake_api_put(api, "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
			  "metadata: {name: g, namespace: eu, ownerReferences: [{uid: other, "
			  "controller: true}]}\n"
			  "spec: {ingressClassName: theirs}\n");
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(map_get(&decls, "k8gb.io/eu/g") != NULL && leads);
	rest(200);
	assert_string_equal(text_at("ingresses", "eu", "g", "spec.ingressClassName"), "theirs");
}

static void an_annotated_ingress_gets_its_gslb(void **state)
{
	(void)state;
	fake_api_put(api,
		     "apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
		     "metadata: {name: a, namespace: eu, annotations: {k8gb.io/strategy: failover, "
		     "k8gb.io/primary-geotag: eu, k8gb.io/dns-ttl-seconds: '60'}}\n"
		     "spec: {rules: [{host: a.cloud.example.com}]}\n");
	start();
	until(fake_api_get(api, "gslbs", "eu", "a") != NULL);
	assert_string_equal(text_at("gslbs", "eu", "a", "spec.resourceRef.kind"), "Ingress");
	assert_string_equal(text_at("gslbs", "eu", "a", "spec.strategy.primaryGeoTag"), "eu");
	assert_int_equal(json_number(fake_api_get(api, "gslbs", "eu", "a"),
				     "spec.strategy.dnsTtlSeconds", 0),
			 60);
	until(map_get(&decls, "k8gb.io/eu/a") && !map_get(&decls, "networking.k8s.io/eu/a"));
}

static struct gslb_status *new_status(const char *address)
{
	struct gslb_status *s = MEM_NEW(struct gslb_status);

	s->geo_tag = "eu";
	s->accepted = true;
	s->nhosts = 1;
	s->hosts = MEM_NEW(struct gslb_host_status);
	s->hosts->host = mem_strdup("g.cloud.example.com");
	s->hosts->health = address ? "Healthy" : "Unhealthy";
	s->hosts->reason = mem_strdup(address ? "Primary" : "AllDown");
	s->hosts->message = mem_strdup("so it is");
	if (address)
		strv_add(&s->hosts->healthy_records, address);
	strv_add(&s->exposed_ips, "192.0.2.1");
	return s;
}

static void tell_status(const char *address)
{
	struct gslb_status *s = new_status(address);

	k8s_gslb_status(k8s, "k8gb.io/eu/g", s);
	gslb_status_free(s);
}

static unsigned patches(void)
{
	const char *p = buf_str(fake_api_log(api));
	unsigned n = 0;

	while ((p = strstr(p, "/gslbs/g/status")) != NULL) {
		n++;
		p++;
	}
	return n;
}

static const cJSON *condition(const char *type)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(fake_api_get(api, "gslbs", "eu", "g"), "status.conditions"))
		if (strcmp(json_text(it, "type"), type) == 0)
			return it;
	return NULL;
}

static void a_status_is_written_when_it_changed(void **state)
{
	(void)state;
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(map_get(&decls, "k8gb.io/eu/g") != NULL && leads);
	tell_status("192.0.2.1");
	until(condition("Ready") != NULL);
	const cJSON *g = fake_api_get(api, "gslbs", "eu", "g");
	char *have = json_print(json_get(g, "status.serviceHealth"));
	assert_string_equal(have, "{\"g.cloud.example.com\":\"Healthy\"}");
	free(have);
	have = json_print(json_get(g, "status.healthyRecords"));
	assert_string_equal(have, "{\"g.cloud.example.com\":[\"192.0.2.1\"]}");
	free(have);
	have = json_print(json_get(g, "status.servers"));
	assert_string_equal(
		have, "[{\"host\":\"g.cloud.example.com\",\"services\":[{\"namespace\":\"eu\","
		      "\"name\":\"web\"}]}]");
	free(have);
	assert_string_equal(json_text(g, "status.geoTag"), "eu");
	assert_string_equal(json_text(g, "status.hosts"), "g.cloud.example.com");
	assert_string_equal(json_text(condition("Ready"), "status"), "True");
	assert_string_equal(json_text(condition("Ready"), "message"),
			    "g.cloud.example.com: Primary: so it is");
	assert_string_equal(json_text(condition("Accepted"), "reason"), "Accepted");
	rest(400);
	buf_reset(fake_api_log(api));
	for (int i = 0; i < 10; i++) {
		tell_status("192.0.2.1");
		rest(30);
	}
	assert_int_equal(patches(), 0);
	char *since = mem_strdup(json_text(condition("Accepted"), "lastTransitionTime"));
	tell_status(NULL);
	until(condition("Ready") && strcmp(json_text(condition("Ready"), "status"), "False") == 0);
	assert_string_equal(json_text(condition("Ready"), "reason"), "AllDown");
	assert_string_equal(json_text(condition("Accepted"), "lastTransitionTime"), since);
	free(since);
}

static void many_changes_are_few_writes(void **state)
{
	(void)state;
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(map_get(&decls, "k8gb.io/eu/g") != NULL && leads);
	buf_reset(fake_api_log(api));
	for (int i = 0; i < 50; i++) {
		char *a = mem_printf("192.0.2.%d", i);

		tell_status(a);
		loop_once(loop, 1);
		free(a);
	}
	until(strstr(({
			     static char t[256];
			     char *p = json_print(json_get(fake_api_get(api, "gslbs", "eu", "g"),
							   "status.healthyRecords"));
			     (void)snprintf(t, sizeof(t), "%s", p);
			     free(p);
			     t;
		     }),
		     "192.0.2.49") != NULL);
	assert_in_range(patches(), 1, 4);
}

static void zones_get_an_object_a_finalizer_and_a_status(void **state)
{
	struct strv rows = { 0 };
	cJSON *copy;

	(void)state;
	start();
	until(fake_api_get(api, "zonedelegations", "", "cloud-example-com") != NULL);
	assert_string_equal(text_at("zonedelegations", "", "cloud-example-com", "spec.parentZone"),
			    "example.com");
	fake_api_put(api,
		     "apiVersion: k8gb.io/v1beta1\nkind: ZoneDelegation\nmetadata: {name: mine}\n"
		     "spec: {loadBalancedZone: x.example.org, parentZone: example.org, "
		     "dnsZoneNegTTL: 5}\n");
	until(json_get(fake_api_get(api, "zonedelegations", "", "mine"), "metadata.finalizers") !=
	      NULL);
	strv_add(&rows, "gslb-ns-eu-x.example.org 192.0.2.1");
	k8s_zone_status(k8s, "ZoneDelegation mine", &rows, false);
	until(json_get(fake_api_get(api, "zonedelegations", "", "mine"), "status.dnsServers") !=
	      NULL);
	const cJSON *row = cJSON_GetArrayItem(
		json_get(fake_api_get(api, "zonedelegations", "", "mine"), "status.dnsServers"), 0);
	assert_string_equal(json_text(row, "name"), "gslb-ns-eu-x.example.org");
	assert_string_equal(json_text(row, "address"), "192.0.2.1");
	/* as kubectl delete does while there is a finalizer */
	copy = cJSON_Duplicate(fake_api_get(api, "zonedelegations", "", "mine"), true);
	(void)cJSON_AddStringToObject(json_get(copy, "metadata"), "deletionTimestamp",
				      "2026-01-01T00:00:00Z");
	char *yaml = json_print(copy);
	fake_api_put(api, yaml);
	free(yaml);
	cJSON_Delete(copy);
	until(map_get(&decls, "ZoneDelegation mine") == (void *)&leads);
	k8s_zone_status(k8s, "ZoneDelegation mine", &rows, true);
	until(cJSON_GetArraySize(json_get(fake_api_get(api, "zonedelegations", "", "mine"),
					  "metadata.finalizers")) == 0);
	strv_fini(&rows);
}

static unsigned count_events(const char *reason)
{
	char *name = NULL;
	unsigned n = 0;

	for (unsigned i = 0; i < fake_api_objects(api, "events"); i++) {
		const cJSON *e = fake_api_object(api, "events", i);

		if (strcmp(json_text(e, "reason"), reason) == 0)
			n += (unsigned)json_number(e, "count", 0);
	}
	free(name);
	return n;
}

static void events_are_told_and_counted(void **state)
{
	(void)state;
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(map_get(&decls, "k8gb.io/eu/g") != NULL && leads);
	k8s_event(k8s, "k8gb.io/eu/g", true, "Failover", "eu is down");
	until(count_events("Failover") == 1);
	rest(400);
	k8s_event(k8s, "k8gb.io/eu/g", true, "Failover", "eu is down");
	until(count_events("Failover") == 2);
	assert_int_equal(fake_api_objects(api, "events"), 1);
	k8s_event(k8s, "k8gb.io/eu/g", false, "Failback", "eu is up");
	until(count_events("Failback") == 1);
	const cJSON *e = fake_api_object(api, "events", 0);
	assert_string_equal(json_text(e, "involvedObject.kind"), "Gslb");
	assert_string_equal(json_text(e, "involvedObject.name"), "g");
	assert_string_equal(json_text(e, "type"), "Warning");
	for (int i = 0; i < 100; i++) {
		char *m = mem_printf("%d", i);

		k8s_event(k8s, "k8gb.io/eu/g", true, "Storm", m);
		free(m);
	}
	rest(1500);
	assert_in_range(count_events("Storm"), 1, 25);
	k8s_event(k8s, "k8gb.io/eu/nobody", true, "X", "y"); /* no such object: nothing */
}

static void what_cannot_be_used_is_told_as_an_event(void **state)
{
	(void)state;
	fake_api_put(
		api,
		"apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata: {name: bad, namespace: eu}\n"
		"spec: {strategy: {type: fastest}, resourceRef: {apiVersion: v1, kind: Service, "
		"name: x}}\n");
	start();
	until(count_events("InvalidStrategy") == 1);
}

static bool is_label(const char *name, const char *label, const char *value)
{
	for (unsigned i = 0; i < fake_api_objects(api, "gslbs"); i++) {
		const cJSON *g = fake_api_object(api, "gslbs", i);
		const char *v = json_member(json_get(g, "metadata.labels"), label);

		if (strcmp(json_text(g, "apiVersion"), "k8gb.absa.oss/v1beta1") == 0 &&
		    strcmp(json_text(g, "metadata.name"), name) == 0)
			return v && strcmp(v, value) == 0;
	}
	return false;
}

static const cJSON *canonical(void)
{
	for (unsigned i = 0; i < fake_api_objects(api, "gslbs"); i++) {
		const cJSON *g = fake_api_object(api, "gslbs", i);

		if (strcmp(json_text(g, "apiVersion"), "k8gb.io/v1beta1") == 0)
			return g;
	}
	return NULL;
}

static void a_legacy_gslb_is_migrated_on_request(void **state)
{
	(void)state;
	fake_api_put(api, EMBEDDED("k8gb.absa.oss/v1beta1"));
	start();
	until(fake_api_get(api, "ingresses", "eu", "g") != NULL);
	until(count_events("LegacyDeprecated") == 1);
	assert_null(canonical());
	cJSON *copy = cJSON_Duplicate(fake_api_get(api, "gslbs", "eu", "g"), true);
	(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(json_get(copy, "metadata"), "labels"),
				      "k8gb.io/migration-requested", "true");
	char *yaml = json_print(copy);
	fake_api_put(api, yaml);
	free(yaml);
	cJSON_Delete(copy);
	until(is_label("g", "k8gb.io/migrated-to-k8gb-io", "true"));
	assert_non_null(canonical());
	assert_string_equal(json_text(canonical(), "spec.resourceRef.kind"), "Ingress");
	assert_string_equal(json_text(canonical(), "spec.resourceRef.name"), "g");
	assert_string_equal(json_text(canonical(), "metadata.annotations.note"), "kept");
	assert_int_equal(cJSON_GetArraySize(json_get(fake_api_get(api, "ingresses", "eu", "g"),
						     "metadata.ownerReferences")),
			 0);
	until(count_events("LegacyMigrated") == 1);
	until(map_get(&decls, "k8gb.io/eu/g") && !map_get(&decls, "k8gb.absa.oss/eu/g"));
}

static void endpoints_become_an_object_for_externaldns(void **state)
{
	struct endpoint *e = endpoint_new("cloud.example.com", "NS", 30);
	struct endpoint *const list[] = { e };

	(void)state;
	start();
	until(fake_api_get(api, "zonedelegations", "", "cloud-example-com") != NULL && leads);
	rest(100);
	strv_add(&e->targets, "gslb-ns-eu-cloud.example.com");
	k8s_write_dns_endpoint(k8s, "k8gb", "k8gb-ns-extdns-cloud-example-com", list, 1);
	until(fake_api_get(api, "dnsendpoints", "k8gb", "k8gb-ns-extdns-cloud-example-com") !=
	      NULL);
	const cJSON *o =
		fake_api_get(api, "dnsendpoints", "k8gb", "k8gb-ns-extdns-cloud-example-com");
	assert_string_equal(json_member(json_get(o, "metadata.labels"), "k8gb.io/dnstype"),
			    "extdns");
	const cJSON *first = cJSON_GetArrayItem(json_get(o, "spec.endpoints"), 0);
	assert_string_equal(json_text(first, "recordType"), "NS");
	assert_int_equal(json_number(first, "recordTTL", 0), 30);
	assert_string_equal(
		json_text(cJSON_GetArrayItem(json_get(o, "metadata.ownerReferences"), 0), "kind"),
		"ZoneDelegation");
	k8s_write_dns_endpoint(k8s, "k8gb", "k8gb-ns-extdns-cloud-example-com", NULL, 0);
	until(fake_api_get(api, "dnsendpoints", "k8gb", "k8gb-ns-extdns-cloud-example-com") ==
	      NULL);
	endpoint_free(e);
}

#define LEASE(holder)                                                                          \
	"apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: gslbd, namespace: " \
	"k8gb}\n"                                                                              \
	"spec: {holderIdentity: " holder                                                       \
	", leaseDurationSeconds: 1, renewTime: '2026-01-01T00:00:00.000000Z'}\n"

static void a_lease_that_another_holds_is_waited_for(void **state)
{
	(void)state;
	fake_api_put(api, LEASE("another"));
	fake_api_put(api, EMBEDDED("k8gb.io/v1beta1"));
	start();
	until(map_get(&decls, "k8gb.io/eu/g") != NULL);
	rest(300);
	assert_false(leads);
	assert_null(fake_api_get(api, "ingresses", "eu", "g"));
	until(leads); /* it was not renewed */
	until(fake_api_get(api, "ingresses", "eu", "g") != NULL);
	assert_int_equal((int)metric_get(METRIC_LEADER), 1);
	/* taken away: nothing is written any more */
	fake_api_put(api, LEASE("thief"));
	until(!leads);
	fake_api_delete(api, "ingresses", "eu", "g");
	rest(300);
	assert_null(fake_api_get(api, "ingresses", "eu", "g"));
}

static void the_lease_is_given_away_at_the_end(void **state)
{
	(void)state;
	start();
	until(leads);
	assert_string_not_equal(text_at("leases", "k8gb", "gslbd", "spec.holderIdentity"), "");
	k8s_free(k8s);
	k8s = NULL;
	assert_string_equal(text_at("leases", "k8gb", "gslbd", "spec.holderIdentity"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_embedded_ingress_is_made_kept_and_owned),
		TEST(a_foreign_ingress_is_left_alone),
		TEST(an_annotated_ingress_gets_its_gslb),
		TEST(a_status_is_written_when_it_changed),
		TEST(many_changes_are_few_writes),
		TEST(zones_get_an_object_a_finalizer_and_a_status),
		TEST(events_are_told_and_counted),
		TEST(what_cannot_be_used_is_told_as_an_event),
		TEST(a_legacy_gslb_is_migrated_on_request),
		TEST(endpoints_become_an_object_for_externaldns),
		TEST(a_lease_that_another_holds_is_waited_for),
		TEST(the_lease_is_given_away_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

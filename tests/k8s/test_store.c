/* object and store. */
#include "k8s/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"

static struct object *object(const char *json)
{
	struct object *o = NULL;
	char *why = NULL;

	if (object_new(cJSON_Parse(json), &o, &why) != 0)
		fail_msg("%s: %s", json, why);
	return o;
}

static struct object *service(const char *ns, const char *name, const char *version)
{
	char *json = mem_printf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"namespace\":"
		"\"%s\",\"name\":\"%s\",\"resourceVersion\":\"%s\"}}",
		ns, name, version);
	struct object *o = object(json);

	free(json);
	return o;
}

static struct object *slice(const char *name, const char *service_name)
{
	char *json = mem_printf(
		"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
		"\"namespace\":\"a\",\"name\":\"%s\",\"labels\":{\"kubernetes.io/"
		"service-name\":\"%s\"}}}",
		name, service_name);
	struct object *o = object(json);

	free(json);
	return o;
}

static void kinds_are_found_by_group_and_version(void **state)
{
	static const struct {
		const char *version, *kind;
		enum kind_id want;
	} table[] = {
		{ "v1", "Service", KIND_SERVICE },
		{ "v2", "Service", KIND_COUNT },
		{ "k8gb.io/v1beta1", "Gslb", KIND_GSLB },
		{ "k8gb.absa.oss/v1beta1", "Gslb", KIND_GSLB_LEGACY },
		{ "gateway.networking.k8s.io/v1beta1", "Gateway", KIND_GATEWAY },
		{ "networking.istio.io/v1", "Gateway", KIND_ISTIO_GATEWAY },
		{ "extensions/v1beta1", "Ingress", KIND_COUNT },
		{ "networking.k8s.io/v1", "Ingress", KIND_INGRESS },
		{ "networking.k8s.io/", "Ingress", KIND_COUNT },
		{ NULL, "Ingress", KIND_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(kind_find(table[i].version, table[i].kind), table[i].want);
}

static void objects_without_identity_are_refused(void **state)
{
	static const struct {
		const char *json, *why;
	} table[] = {
		{ "[]", "not an object" },
		{ "{}", "kind: missing" },
		{ "{\"kind\":\"Job\",\"apiVersion\":\"batch/v1\"}",
		  "kind Job of batch/v1 is not known" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\"}", "metadata: missing" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{}}",
		  "metadata.name: missing or not a name" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a/b\"}}",
		  "metadata.name: missing or not a name" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
		  "\"namespace\":\"..\"}}",
		  "metadata.namespace: not a name" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
		  "\"labels\":[]}}",
		  "metadata.labels: must be an object" },
		{ "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\","
		  "\"annotations\":{\"x\":1}}}",
		  "metadata.annotations: values must be strings" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct object *o = NULL;
		char *why = NULL;

		assert_int_equal(object_new(cJSON_Parse(table[i].json), &o, &why), ERR_INVALID);
		assert_null(o);
		assert_string_equal(why, table[i].why);
		free(why);
	}
}

static void objects_are_slimmed_and_have_a_namespace(void **state)
{
	struct object *o = object("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{"
				  "\"name\":\"a\",\"uid\":\"u1\","
				  "\"generation\":3,\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
				  "\"managedFields\":[{}],"
				  "\"annotations\":{\"kubectl.kubernetes.io/"
				  "last-applied-configuration\":\"{}\",\"x.y/z\":\"1\"},"
				  "\"labels\":{\"app\":\"web\"}},\"spec\":{},\"status\":{}}");

	(void)state;
	assert_string_equal(o->namespace, "default");
	assert_string_equal(o->uid, "u1");
	assert_int_equal(o->generation, 3);
	assert_int_equal(o->created_s, 1767225600);
	assert_null(json_get(o->json, "metadata.managedFields"));
	assert_null(object_annotation(o, "kubectl.kubernetes.io/last-applied-configuration"));
	assert_string_equal(object_annotation(o, "x.y/z"), "1");
	assert_string_equal(object_label(o, "app"), "web");
	assert_non_null(object_spec(o));
	assert_non_null(object_status(o));
	assert_false(object_is_deleting(o));
	char *key = object_key(o);
	assert_string_equal(key, "default/a");
	free(key);
	object_unref(o);
	o = object("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\","
		   "\"namespace\":\"x\"}}");
	assert_string_equal(o->namespace, "");
	key = object_key(o);
	assert_string_equal(key, "n");
	free(key);
	object_unref(o);
}

static void label_selectors_of_objects_match_as_in_kubernetes(void **state)
{
	static const struct {
		const char *selector;
		bool want;
	} table[] = {
		{ "{}", true },
		{ "null", false },
		{ "{\"matchLabels\":{\"app\":\"web\"}}", true },
		{ "{\"matchLabels\":{\"app\":\"db\"}}", false },
		{ "{\"matchLabels\":{\"app\":\"web\",\"x\":\"y\"}}", false },
		{ "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"In\",\"values\":[\"db\","
		  "\"web\"]}]}",
		  true },
		{ "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"NotIn\",\"values\":["
		  "\"web\"]}]}",
		  false },
		{ "{\"matchExpressions\":[{\"key\":\"zone\",\"operator\":\"NotIn\",\"values\":["
		  "\"web\"]}]}",
		  true },
		{ "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]}", true },
		{ "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"DoesNotExist\"}]}",
		  false },
		{ "{\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Like\"}]}", false },
	};
	struct object *o =
		object("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"a\","
		       "\"labels\":{\"app\":\"web\"}}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		cJSON *s = cJSON_Parse(table[i].selector);

		if (object_matches_label_selector(s, json_get(o->json, "metadata.labels")) !=
		    table[i].want)
			fail_msg("%s", table[i].selector);
		cJSON_Delete(s);
	}
	assert_false(object_matches_label_selector(NULL, NULL));
	assert_true(object_matches_labels(o, "app in (web, db),!x"));
	assert_false(object_matches_labels(o, "app=db"));
	assert_false(object_matches_labels(o, "app in web"));
	object_unref(o);
}

static void log_change(void *ctx, const struct object *before, const struct object *after)
{
	buf_printf(ctx, "%s>%s ", before ? before->resource_version : "-",
		   after ? after->resource_version : "-");
}

static void count(void *ctx, const struct object *o)
{
	(void)o;
	++*(unsigned *)ctx;
}

static unsigned count_in(const struct store *s, enum kind_id kind, const char *ns)
{
	unsigned n = 0;

	store_each(s, kind, ns, count, &n);
	return n;
}

static void changes_are_told_and_sameness_is_not(void **state)
{
	struct store *s = store_new();
	struct buf log = { 0 };

	(void)state;
	store_on_change(s, log_change, &log);
	store_put(s, service("a", "x", "1"));
	store_put(s, service("a", "x", "1"));
	store_put(s, service("a", "x", "2"));
	store_put(s, service("b", "x", "3"));
	assert_int_equal(store_count(s, KIND_SERVICE), 2);
	assert_int_equal(count_in(s, KIND_SERVICE, NULL), 2);
	assert_int_equal(count_in(s, KIND_SERVICE, "a"), 1);
	assert_int_equal(count_in(s, KIND_SERVICE, "c"), 0);
	assert_int_equal(count_in(s, KIND_INGRESS, NULL), 0);
	assert_string_equal(store_get(s, KIND_SERVICE, "a", "x")->resource_version, "2");
	store_remove(s, KIND_SERVICE, "a", "x");
	store_remove(s, KIND_SERVICE, "a", "x");
	assert_null(store_get(s, KIND_SERVICE, "a", "x"));
	assert_int_equal(store_count(s, KIND_SERVICE), 1);
	assert_string_equal(buf_str(&log), "->1 1>2 ->3 2>- ");
	buf_reset(&log);
	store_put(s, object("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			    "\"f\"},\"spec\":{\"a\":1,\"b\":2}}"));
	store_put(s, object("{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":"
			    "\"f\"},\"spec\":{\"b\":2,\"a\":1}}"));
	assert_string_equal(buf_str(&log), "-> ");
	buf_fini(&log);
	store_free(s);
}

static unsigned slices_of(const struct store *s, const char *name)
{
	unsigned n = 0;

	store_each_slice(s, "a", name, count, &n);
	return n;
}

static void slices_are_found_by_their_service(void **state)
{
	struct store *s = store_new();

	(void)state;
	store_put(s, slice("s1", "web"));
	store_put(s, slice("s2", "web"));
	store_put(s, slice("s3", "db"));
	assert_int_equal(slices_of(s, "web"), 2);
	store_put(s, slice("s2", "db")); /* moved to another Service */
	assert_int_equal(slices_of(s, "web"), 1);
	assert_int_equal(slices_of(s, "db"), 2);
	store_remove(s, KIND_ENDPOINT_SLICE, "a", "s1");
	assert_int_equal(slices_of(s, "web"), 0);
	assert_int_equal(slices_of(s, "none"), 0);
	store_free(s);
}

static void log_kind(void *ctx, enum kind_id kind)
{
	buf_printf(ctx, "%s ", kinds[kind].name);
}

static void states_of_kinds_are_told_once(void **state)
{
	struct store *s = store_new();
	struct buf log = { 0 };

	(void)state;
	store_on_synced(s, log_kind, &log);
	assert_int_equal(store_state(s, KIND_NODE), STORE_PENDING);
	store_set_synced(s, KIND_NODE, true);
	store_set_synced(s, KIND_NODE, true);
	assert_true(store_is_synced(s, KIND_NODE));
	store_set_state(s, KIND_GATEWAY, STORE_ABSENT);
	assert_true(store_is_synced(s, KIND_GATEWAY));
	store_set_state(s, KIND_GATEWAY, STORE_FORBIDDEN);
	assert_false(store_is_synced(s, KIND_GATEWAY));
	assert_string_equal(buf_str(&log), "Node Gateway Gateway ");
	buf_fini(&log);
	store_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_found_by_group_and_version),
		cmocka_unit_test(objects_without_identity_are_refused),
		cmocka_unit_test(objects_are_slimmed_and_have_a_namespace),
		cmocka_unit_test(label_selectors_of_objects_match_as_in_kubernetes),
		cmocka_unit_test(changes_are_told_and_sameness_is_not),
		cmocka_unit_test(slices_are_found_by_their_service),
		cmocka_unit_test(states_of_kinds_are_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

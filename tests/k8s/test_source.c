/* source: the driver, with a source made for the test. */
#include "k8s/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/store.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/status.h"

static const enum kind_id services[] = { KIND_SERVICE, KIND_COUNT };
static const enum kind_id reads[] = { KIND_NODE, KIND_ENDPOINT_SLICE, KIND_INGRESS, KIND_COUNT };

static struct buf log_; /* what was collected and what the sink heard */

static void count_slices(void *ctx, const struct object *o)
{
	(void)o;
	++*(unsigned *)ctx;
}

/* A Service says in its spec what to look at. */
static void collect(struct source_run *run, const struct object *o)
{
	const char *node = json_text(o->json, "spec.node");
	unsigned slices = 0, nodes = 0;

	buf_printf(&log_, "collect:%s ", o->name);
	if (node && source_get(run, KIND_NODE, "", node) == NULL)
		source_error(run, o, "NoNode", "node %s is not there", node);
	if (json_bool(o->json, "spec.nodes", false))
		source_each(run, KIND_NODE, NULL, count_slices, &nodes);
	if (json_bool(o->json, "spec.slices", false))
		source_each_slice(run, o->namespace, o->name, count_slices, &slices);
	if (source_is_new(run, "", node ? node : ""))
		buf_puts(&log_, "new ");
	if (json_text(o->json, "spec.host")) {
		struct endpoint *e =
			endpoint_new(json_text(o->json, "spec.host"), "A", slices + nodes);

		strv_add(&e->targets, "192.0.2.1");
		source_emit(run, e);
	}
}

static void removed(struct source_run *run, const struct object *o)
{
	(void)run;
	buf_printf(&log_, "removed:%s ", o->name);
}

static const struct source_ops fake = {
	.name = "fake", .primary = services, .also = reads, .collect = collect, .removed = removed
};
static const struct source_ops other = { .name = "other", .primary = services, .collect = collect };
static const struct source_ops *const table[] = { &fake, &other, NULL };

static struct loop *loop;
static struct config *config;
static struct store *store;
static struct source_set *set;

static void on_endpoints(void *ctx, const char *source, const char *object,
			 struct endpoint *const *endpoints, size_t n)
{
	(void)ctx;
	buf_printf(&log_, "%s(%s)", source, object);
	for (size_t i = 0; i < n; i++)
		buf_printf(&log_, "=%s/%d/%s", endpoints[i]->dns_name,
			   (int)endpoints[i]->record_ttl, endpoint_label(endpoints[i], "resource"));
	buf_putc(&log_, ' ');
}

static void on_synced(void *ctx, const char *source, bool synced)
{
	(void)ctx;
	buf_printf(&log_, "%s:%s ", synced ? "synced" : "unsynced", source);
}

static void on_error(void *ctx, const struct object *obj, const char *reason, const char *message)
{
	(void)ctx;
	buf_printf(&log_, "error:%s:%s:%s ", obj->name, reason, message);
}

static const struct endpoint_sink sink = { .endpoints = on_endpoints, .synced = on_synced };

static void put(const char *json)
{
	struct object *o = NULL;
	char *why = NULL;

	if (object_new(cJSON_Parse(json), &o, &why) != 0)
		fail_msg("%s", why);
	store_put(store, o);
}

static void put_service(const char *name, const char *spec)
{
	char *json = mem_printf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"namespace\":"
		"\"a\",\"name\":\"%s\"},\"spec\":{%s}}",
		name, spec);

	put(json);
	free(json);
}

static void put_node(const char *name, int size)
{
	char *json = mem_printf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"%s\"},"
		"\"spec\":{\"size\":%d}}",
		name, size);

	put(json);
	free(json);
}

static void put_slice(const char *name, const char *service)
{
	char *json = mem_printf(
		"{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"metadata\":{"
		"\"namespace\":\"a\",\"name\":\"%s\",\"labels\":{\"kubernetes.io/"
		"service-name\":\"%s\"}}}",
		name, service);

	put(json);
	free(json);
}

/* One pass of the loop, then what happened. */
#define expect(want)                                       \
	do {                                               \
		loop_once(loop, 20);                       \
		assert_string_equal(buf_str(&log_), want); \
		buf_reset(&log_);                          \
	} while (0)

static void sync_all(void)
{
	store_set_synced(store, KIND_SERVICE, true);
	store_set_synced(store, KIND_NODE, true);
	store_set_synced(store, KIND_ENDPOINT_SLICE, true);
	store_set_state(store, KIND_INGRESS, STORE_FORBIDDEN);
}

static int setup(void **state)
{
	static const char *const none[] = { NULL };
	struct strv names = { 0 };
	char *why = NULL;

	(void)state;
	loop = loop_new();
	config = config_for_test(none);
	store = store_new();
	strv_add(&names, "fake");
	strv_add(&names, "fake");
	assert_int_equal(source_set_new(loop, config, store, &sink, &names, table, &set, &why), 0);
	source_set_on_error(set, on_error, NULL);
	strv_fini(&names);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	source_set_free(set);
	store_free(store);
	config_free(config);
	loop_free(loop);
	buf_fini(&log_);
	status_clear();
	return 0;
}

static void unknown_sources_are_refused_with_the_known(void **state)
{
	struct strv names = { 0 };
	struct source_set *s = NULL;
	char *why = NULL;

	(void)state;
	strv_add(&names, "ingres");
	assert_int_equal(source_set_new(loop, config, store, &sink, &names, table, &s, &why),
			 ERR_INVALID);
	assert_string_equal(why, "--source=ingres: there is no such source; known are fake, other");
	free(why);
	strv_fini(&names);
}

static void nothing_is_collected_before_all_kinds_are_listed(void **state)
{
	(void)state;
	put_service("x", "\"host\":\"x.test\"");
	store_set_synced(store, KIND_SERVICE, true);
	store_set_synced(store, KIND_NODE, true);
	store_set_synced(store, KIND_ENDPOINT_SLICE, true);
	expect("");
	store_set_state(store, KIND_INGRESS, STORE_ABSENT);
	expect("collect:x new fake(service/a/x)=x.test/0/service/a/x synced:fake ");
}

static void a_forbidden_primary_kind_keeps_the_source_unsynced(void **state)
{
	(void)state;
	sync_all();
	expect("synced:fake ");
	store_set_state(store, KIND_SERVICE, STORE_FORBIDDEN);
	expect("unsynced:fake ");
	store_set_synced(store, KIND_SERVICE, true);
	expect("synced:fake ");
}

static void only_what_was_read_makes_an_object_dirty(void **state)
{
	(void)state;
	sync_all();
	put_service("x", "\"host\":\"x.test\",\"node\":\"n1\"");
	put_service("y", "\"host\":\"y.test\",\"slices\":true");
	put_service("z", "\"nodes\":true");
	loop_once(loop, 20);
	buf_reset(&log_);
	put_node("n1", 1);
	expect("collect:x collect:z ");
	put_node("n1", 2);
	expect("collect:x collect:z ");
	put_node("n2", 1);
	expect("collect:z ");
	put_slice("s1", "other");
	expect("");
	put_slice("s2", "y");
	expect("collect:y fake(service/a/y)=y.test/1/service/a/y ");
	put_slice("s2", "other");
	expect("collect:y fake(service/a/y)=y.test/0/service/a/y ");
	store_remove(store, KIND_NODE, "", "n1");
	expect("collect:x error:x:NoNode:node n1 is not there collect:z ");
}

static void many_changes_in_a_pass_are_one_collection(void **state)
{
	(void)state;
	sync_all();
	put_service("x", "\"node\":\"n1\",\"nodes\":true");
	put_node("n1", 1);
	put_node("n2", 1);
	put_service("x", "\"node\":\"n2\",\"nodes\":true,\"host\":\"x.test\"");
	expect("collect:x new fake(service/a/x)=x.test/2/service/a/x synced:fake ");
}

static void an_object_that_goes_takes_its_endpoints_with_it(void **state)
{
	(void)state;
	sync_all();
	put_service("x", "\"host\":\"x.test\"");
	put_service("y", "");
	loop_once(loop, 20);
	buf_reset(&log_);
	store_remove(store, KIND_SERVICE, "a", "x");
	store_remove(store, KIND_SERVICE, "a", "y");
	expect("removed:x removed:y fake(service/a/x) ");
	put_service("x", "\"host\":\"x.test\"");
	expect("collect:x new fake(service/a/x)=x.test/0/service/a/x ");
	put_service("x", "");
	expect("collect:x fake(service/a/x) ");
}

static void an_object_that_came_and_went_in_a_pass_was_never_there(void **state)
{
	(void)state;
	sync_all();
	loop_once(loop, 20);
	buf_reset(&log_);
	put_service("x", "\"host\":\"x.test\"");
	store_remove(store, KIND_SERVICE, "a", "x");
	expect("");
}

static void errors_are_told_once_and_shown(void **state)
{
	(void)state;
	sync_all();
	put_service("x", "\"node\":\"n9\"");
	expect("collect:x new error:x:NoNode:node n9 is not there synced:fake ");
	put_service("x", "\"node\":\"n9\",\"more\":1");
	expect("collect:x ");
	cJSON *all = status_collect("sources");
	cJSON *errors = cJSON_GetObjectItem(json_get(all, "fake.errors"), "service/a/x");
	if (errors == NULL)
		errors = cJSON_GetObjectItem(json_get(all, "sources.fake.errors"), "service/a/x");
	assert_int_equal(cJSON_GetArraySize(errors), 1);
	cJSON_Delete(all);
	put_service("x", "");
	expect("collect:x new ");
	put_service("x", "\"node\":\"n9\"");
	expect("collect:x new error:x:NoNode:node n9 is not there ");
}

static void needs_are_the_kinds_of_the_chosen_sources(void **state)
{
	(void)state;
	assert_true(source_set_needs(set, KIND_SERVICE));
	assert_true(source_set_needs(set, KIND_INGRESS));
	assert_false(source_set_needs(set, KIND_GATEWAY));
	assert_true(source_set_has(set, "fake"));
	assert_false(source_set_has(set, "other"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unknown_sources_are_refused_with_the_known),
		TEST(nothing_is_collected_before_all_kinds_are_listed),
		TEST(a_forbidden_primary_kind_keeps_the_source_unsynced),
		TEST(only_what_was_read_makes_an_object_dirty),
		TEST(many_changes_in_a_pass_are_one_collection),
		TEST(an_object_that_goes_takes_its_endpoints_with_it),
		TEST(an_object_that_came_and_went_in_a_pass_was_never_there),
		TEST(errors_are_told_once_and_shown),
		TEST(needs_are_the_kinds_of_the_chosen_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

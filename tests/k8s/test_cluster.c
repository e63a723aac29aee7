/* cluster: watches and discovery against an API server that also misbehaves. */
#include "k8s/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "k8s/kubeconfig.h"
#include "k8s/store.h"
#include "k8s/watch.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "lib/strv.h"
#include "tests/k8s/fake_api.h"

static struct loop *loop;
static struct http_client *http;
static struct fake_api *api;
static struct store *store;
static struct config *config;
static struct cluster *cluster;
static struct buf changes;

static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	const struct object *o = after ? after : before;

	(void)ctx;
	buf_printf(&changes, "%s%s/%s ",
		   before == NULL ? "+"
		   : after        ? ""
				  : "-",
		   o->namespace, o->name);
}

static int setup(void **state)
{
	static const char *const none[] = { NULL };

	(void)state;
	loop = loop_new();
	http = http_client_new(loop);
	api = fake_api_new(loop);
	store = store_new();
	config = config_for_test(none);
	store_on_change(store, on_change, NULL);
	fake_api_add(api, "", "v1", "services", "Service", true);
	fake_api_add(api, "k8gb.io", "v1beta1", "gslbs", "Gslb", true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	watch_hurry(1);
	cluster_free(cluster);
	cluster = NULL;
	http_client_free(http);
	fake_api_free(api);
	store_free(store);
	config_free(config);
	loop_free(loop);
	buf_fini(&changes);
	status_clear();
	metric_reset();
	return 0;
}

static void start_with(const char *token, const char *namespaces)
{
	bool wanted[KIND_COUNT] = { [KIND_SERVICE] = true, [KIND_GSLB] = true };
	struct kube_config *k = MEM_NEW(struct kube_config);
	struct strv lists[KIND_COUNT] = { 0 };

	k->from = mem_strdup("a test");
	k->server = mem_strdup(fake_api_url(api));
	k->token = mem_strdup(token);
	strv_split(&lists[KIND_SERVICE], namespaces, ",");
	strv_split(&lists[KIND_GSLB], namespaces, ",");
	cluster = cluster_new(loop, config, http, store, k, wanted, lists);
	strv_fini(&lists[KIND_SERVICE]);
	strv_fini(&lists[KIND_GSLB]);
	cluster_start(cluster);
}

static void start(void)
{
	start_with(NULL, "");
}

static bool both_synced(void)
{
	return store_state(store, KIND_SERVICE) == STORE_SYNCED &&
	       store_state(store, KIND_GSLB) == STORE_SYNCED;
}

static bool both_watched(void)
{
	return fake_api_watchers(api) == 2;
}

#define until(condition)                                       \
	do {                                                   \
		uint64_t end_ = clock_mono_ms() + 8000;        \
		while (!(condition) && clock_mono_ms() < end_) \
			loop_once(loop, 10);                   \
		assert_true(condition);                        \
	} while (0)

/* Until CHANGES are seen; then exactly those. */
static void expect_(const char *want, int line)
{
	uint64_t end = clock_mono_ms() + 8000;

	while (strcmp(buf_str(&changes), want) != 0 && clock_mono_ms() < end)
		loop_once(loop, 10);
	if (strcmp(buf_str(&changes), want) != 0)
		fail_msg("line %d: wanted \"%s\", have \"%s\"", line, want, buf_str(&changes));
	buf_reset(&changes);
	buf_puts(&changes, "");
}
#define expect(want) expect_((want), __LINE__)

#define SERVICE(name, type)                                     \
	"apiVersion: v1\nkind: Service\nmetadata: {name: " name \
	", namespace: a}\nspec: {type: " type "}\n"
#define GSLB(name)                                                        \
	"apiVersion: k8gb.io/v1beta1\nkind: Gslb\nmetadata: {name: " name \
	", namespace: a}\nspec: {}\n"

static const char *type_of(const char *name)
{
	const struct object *o = store_get(store, KIND_SERVICE, "a", name);

	return o ? json_text(o->json, "spec.type") : "";
}

static void follow(void)
{
	fake_api_put(api, SERVICE("x", "NodePort"));
	fake_api_put(api, SERVICE("u", "NodePort"));
	start();
	until(both_synced());
	expect("+a/x +a/u ");
	until(both_watched());
	fake_api_put(api, SERVICE("x", "LoadBalancer"));
	expect("a/x ");
	assert_string_equal(type_of("x"), "LoadBalancer");
	fake_api_delete(api, "services", "a", "u");
	fake_api_put(api, GSLB("g"));
	until(store_get(store, KIND_GSLB, "a", "g") != NULL);
	until(store_get(store, KIND_SERVICE, "a", "u") == NULL);
	assert_true(status_is_ready(NULL));
}

static void a_server_with_watch_list_is_followed(void **state)
{
	(void)state;
	follow();
	assert_non_null(strstr(buf_str(fake_api_log(api)), "sendInitialEvents=true"));
	assert_null(strstr(buf_str(fake_api_log(api)), "limit="));
}

static void a_server_that_refuses_watch_list_is_followed(void **state)
{
	(void)state;
	fake_api_rules(api)->watch_list = false;
	fake_api_rules(api)->minor = "31";
	follow();
	assert_non_null(strstr(buf_str(fake_api_log(api)), "limit=500"));
}

static void an_old_server_is_followed(void **state)
{
	(void)state;
	fake_api_rules(api)->watch_list = false;
	fake_api_rules(api)->aggregated = false;
	fake_api_rules(api)->minor = "25+";
	follow();
	assert_null(strstr(buf_str(fake_api_log(api)), "sendInitialEvents"));
	assert_non_null(strstr(buf_str(fake_api_log(api)), "GET /apis/k8gb.io/v1beta1\n"));
}

static void lists_come_in_pages(void **state)
{
	(void)state;
	fake_api_rules(api)->watch_list = false;
	fake_api_rules(api)->page = 2;
	for (int i = 0; i < 7; i++) {
		char *yaml = mem_printf(SERVICE("s%d", "NodePort"), i);

		fake_api_put(api, yaml);
		free(yaml);
	}
	start();
	until(both_synced());
	assert_int_equal(store_count(store, KIND_SERVICE), 7);
	const char *p = buf_str(fake_api_log(api));
	unsigned pages = 0;
	while ((p = strstr(p, "/services?limit=500")) != NULL) {
		pages++;
		p++;
	}
	assert_int_equal(pages, 4);
}

static void a_watch_that_breaks_goes_on_where_it_was(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	start();
	until(both_watched());
	expect("+a/x ");
	for (int half = 0; half < 2; half++) {
		fake_api_break(api, half);
		fake_api_put(api, half ? SERVICE("x", "ClusterIP") : SERVICE("x", "LoadBalancer"));
		buf_reset(fake_api_log(api));
		expect("a/x ");
		until(both_watched());
		assert_null(strstr(buf_str(fake_api_log(api)), "sendInitialEvents"));
		assert_true(both_synced());
	}
}

static void an_expired_watch_is_compared_with_a_new_list(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	fake_api_put(api, SERVICE("u", "NodePort"));
	fake_api_put(api, SERVICE("z", "NodePort"));
	start();
	until(both_watched());
	expect("+a/x +a/u +a/z ");
	fake_api_break(api, false);
	fake_api_put(api, SERVICE("x", "LoadBalancer"));
	fake_api_delete(api, "services", "a", "u");
	fake_api_put(api, SERVICE("w", "NodePort"));
	fake_api_compact(api);
	/* z, which did not change, is not touched: nothing goes and comes back */
	expect("a/x +a/w -a/u ");
	until(both_watched());
	assert_true(both_synced());
}

static void an_expired_page_begins_the_list_anew(void **state)
{
	(void)state;
	fake_api_rules(api)->watch_list = false;
	fake_api_rules(api)->page = 1;
	fake_api_put(api, SERVICE("x", "NodePort"));
	fake_api_put(api, SERVICE("u", "NodePort"));
	fake_api_put(api, SERVICE("z", "NodePort"));
	start();
	until(store_count(store, KIND_SERVICE) == 1);
	fake_api_compact(api);
	until(both_synced());
	assert_int_equal(store_count(store, KIND_SERVICE), 3);
}

static void a_server_that_is_killed_takes_nothing_away(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	start();
	until(both_watched());
	expect("+a/x ");
	fake_api_down(api);
	uint64_t end = clock_mono_ms() + 700;
	while (clock_mono_ms() < end)
		loop_once(loop, 20);
	expect("");
	assert_true(both_synced());
	assert_true(status_is_ready(NULL));
	fake_api_up(api);
	fake_api_put(api, SERVICE("x", "ClusterIP"));
	expect("a/x ");
	until(both_watched());
}

static void a_server_that_comes_later_is_waited_for(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	fake_api_down(api);
	start();
	uint64_t end = clock_mono_ms() + 400;
	while (clock_mono_ms() < end)
		loop_once(loop, 20);
	assert_false(status_is_ready(NULL));
	fake_api_up(api);
	until(both_synced());
	assert_true(status_is_ready(NULL));
}

static void garbage_in_a_watch_is_not_believed(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	start();
	until(both_watched());
	expect("+a/x ");
	fake_api_say(api, "{\"type\":\"DELETED\",\"object\":{\"kind\":]]\n");
	until(fake_api_watchers(api) == 0);
	until(both_watched());
	fake_api_say(api, "{\"object\":{}}\n");
	until(fake_api_watchers(api) == 0);
	until(both_watched());
	fake_api_put(api, SERVICE("x", "ClusterIP"));
	expect("a/x ");
}

static void an_absent_kind_is_synced_and_taken_up_when_it_appears(void **state)
{
	(void)state;
	fake_api_remove(api, "k8gb.io", "gslbs");
	start();
	until(store_state(store, KIND_GSLB) == STORE_ABSENT);
	until(store_state(store, KIND_SERVICE) == STORE_SYNCED);
	assert_true(status_is_ready(NULL));
	fake_api_add(api, "k8gb.io", "v1beta1", "gslbs", "Gslb", true);
	fake_api_put(api, GSLB("g"));
	until(store_state(store, KIND_GSLB) == STORE_SYNCED);
	expect("+a/g ");
}

static void a_forbidden_kind_is_tried_again(void **state)
{
	(void)state;
	fake_api_put(api, GSLB("g"));
	fake_api_rules(api)->deny = 403;
	fake_api_rules(api)->deny_plural = "gslbs";
	start();
	until(store_state(store, KIND_GSLB) == STORE_FORBIDDEN);
	until(store_state(store, KIND_SERVICE) == STORE_SYNCED);
	fake_api_rules(api)->deny = 0;
	until(store_state(store, KIND_GSLB) == STORE_SYNCED);
	expect("+a/g ");
}

static void objects_stay_while_the_right_to_read_them_is_taken_away(void **state)
{
	(void)state;
	fake_api_put(api, GSLB("g"));
	watch_hurry(20);
	start();
	until(both_watched());
	expect("+a/g ");
	fake_api_rules(api)->deny = 403;
	fake_api_rules(api)->deny_plural = "gslbs";
	fake_api_break(api, false);
	until(store_state(store, KIND_GSLB) == STORE_FORBIDDEN);
	expect("");
	assert_non_null(store_get(store, KIND_GSLB, "a", "g"));
	fake_api_rules(api)->deny = 0;
	until(both_synced());
	expect("");
}

static void a_busy_server_says_when_to_come_back(void **state)
{
	(void)state;
	fake_api_rules(api)->deny = 429;
	fake_api_rules(api)->deny_plural = "services";
	fake_api_rules(api)->retry_after = "1";
	start();
	until(store_state(store, KIND_GSLB) == STORE_SYNCED);
	uint64_t begun = clock_mono_ms();
	fake_api_rules(api)->deny = 0;
	until(both_synced());
	assert_in_range(clock_mono_ms() - begun, 500, 3000);
}

static void a_refused_token_is_tried_again(void **state)
{
	(void)state;
	fake_api_rules(api)->token = "other";
	start_with("mine", "");
	uint64_t end = clock_mono_ms() + 300;
	while (clock_mono_ms() < end)
		loop_once(loop, 20);
	assert_false(status_is_ready(NULL));
	fake_api_rules(api)->token = "mine";
	until(both_synced());
}

static void only_the_namespaces_asked_for_are_watched(void **state)
{
	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	fake_api_put(api, "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: b}\n");
	fake_api_put(api, "apiVersion: v1\nkind: Service\nmetadata: {name: x, namespace: c}\n");
	start_with(NULL, "a,b");
	until(both_synced());
	assert_int_equal(store_count(store, KIND_SERVICE), 2);
	assert_null(store_get(store, KIND_SERVICE, "c", "x"));
	assert_non_null(strstr(buf_str(fake_api_log(api)), "/namespaces/a/services?"));
	assert_null(strstr(buf_str(fake_api_log(api)), "/api/v1/services"));
	/* a new list of one namespace does not sweep the other */
	fake_api_break(api, false);
	fake_api_compact(api);
	until(fake_api_watchers(api) == 4);
	assert_int_equal(store_count(store, KIND_SERVICE), 2);
}

static void bookmarks_move_a_quiet_watch_on(void **state)
{
	char *mark;

	(void)state;
	fake_api_put(api, SERVICE("x", "NodePort"));
	start();
	until(both_watched());
	fake_api_say(api, "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"X\",\"metadata\":{"
			  "\"resourceVersion\":\"777\"}}}\n");
	mark = mem_strdup("resourceVersion\":\"777\"");
	until(strstr(({
			     cJSON *s = status_collect("kubernetes");
			     static char text[8192];
			     char *t = json_print(s);
			     (void)snprintf(text, sizeof(text), "%s", t);
			     free(t);
			     cJSON_Delete(s);
			     text;
		     }),
		     mark) != NULL);
	free(mark);
	buf_reset(fake_api_log(api));
	fake_api_break(api, false);
	until(strstr(buf_str(fake_api_log(api)), "resourceVersion=777") != NULL);
}

static void a_kind_that_goes_is_believed_gone_when_its_objects_were(void **state)
{
	(void)state;
	fake_api_put(api, GSLB("g"));
	start();
	until(both_watched());
	expect("+a/g ");
	/* an API server that has just started does not know its CRDs yet */
	fake_api_remove(api, "k8gb.io", "gslbs");
	fake_api_break(api, false);
	uint64_t end = clock_mono_ms() + 1000;
	while (clock_mono_ms() < end)
		loop_once(loop, 20);
	expect("");
	assert_true(both_synced());
	fake_api_add(api, "k8gb.io", "v1beta1", "gslbs", "Gslb", true);
	fake_api_put(api, GSLB("h"));
	expect("+a/h ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_server_with_watch_list_is_followed),
		TEST(a_server_that_refuses_watch_list_is_followed),
		TEST(an_old_server_is_followed),
		TEST(lists_come_in_pages),
		TEST(a_watch_that_breaks_goes_on_where_it_was),
		TEST(an_expired_watch_is_compared_with_a_new_list),
		TEST(an_expired_page_begins_the_list_anew),
		TEST(a_server_that_is_killed_takes_nothing_away),
		TEST(a_server_that_comes_later_is_waited_for),
		TEST(garbage_in_a_watch_is_not_believed),
		TEST(an_absent_kind_is_synced_and_taken_up_when_it_appears),
		TEST(a_forbidden_kind_is_tried_again),
		TEST(objects_stay_while_the_right_to_read_them_is_taken_away),
		TEST(a_busy_server_says_when_to_come_back),
		TEST(a_refused_token_is_tried_again),
		TEST(only_the_namespaces_asked_for_are_watched),
		TEST(bookmarks_move_a_quiet_watch_on),
		TEST(a_kind_that_goes_is_believed_gone_when_its_objects_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

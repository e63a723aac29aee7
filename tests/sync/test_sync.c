/* sync: the room's door, with records in memory. */
#include "sync/sync.h"

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/status.h"
#include "tests/sync/words.h"

#define WAIT_FOR(loop, cond)                                         \
	do {                                                         \
		for (int wait_ = 0; wait_ < 500 && !(cond); wait_++) \
			loop_once((loop), 10);                       \
		assert_true(cond);                                   \
	} while (0)

struct rig {
	struct loop *loop;
	struct config *config;
	struct sync *s;
	struct strv results; /* "object name err" */
	int once_err;
	bool once, stopped;
};

static void on_result(void *ctx, const struct sync_result *r)
{
	strv_take(&((struct rig *)ctx)->results,
		  mem_printf("%s %s %d", r->object, r->record->dns_name, r->err));
}

static void on_once(void *ctx, int err)
{
	struct rig *r = ctx;

	r->once = true;
	r->once_err = err;
}

static void on_stopped(void *ctx)
{
	((struct rig *)ctx)->stopped = true;
}

static void up(struct rig *r, const char *const *flags)
{
	const char *pairs[12] = { "provider=inmemory", "inmemory-zone=e.org", "txt-owner-id=me",
				  "txt-prefix=_x." };
	char *why = NULL;

	for (size_t n = 4; *flags; flags++)
		pairs[n++] = *flags;
	log_setup(LOG_LEVEL_ERROR, 0);
	*r = (struct rig){ .loop = loop_new(), .config = config_for_test(pairs) };
	assert_int_equal(sync_new(r->loop, r->config, NULL, &r->s, &why), 0);
	sync_on_result(r->s, on_result, r);
	sync_on_once(r->s, on_once, r);
	sync_set_synced(r->s, "test", false);
}

static void down(struct rig *r)
{
	sync_stop(r->s, on_stopped, r);
	WAIT_FOR(r->loop, r->stopped);
	sync_free(r->s);
	status_clear();
	strv_fini(&r->results);
	config_free(r->config);
	loop_free(r->loop);
}

static void want(struct rig *r, const char *object, const char *line)
{
	struct endpoint *e = words_endpoint(line);

	sync_set_desired(r->s, "test", object, &e, 1);
	endpoint_free(e);
}

#define FLAGS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void objects_become_records_once_their_source_is_complete(void **state)
{
	struct rig r;

	(void)state;
	up(&r, FLAGS());
	want(&r, "ns/a", "a.e.org A 1.1.1.1");
	sync_start(r.s);
	for (int i = 0; i < 5; i++)
		loop_once(r.loop, 10);
	assert_int_equal(r.results.n, 0);
	sync_set_synced(r.s, "test", true);
	WAIT_FOR(r.loop, strv_has(&r.results, "ns/a a.e.org 0"));
	WAIT_FOR(r.loop, r.once);
	assert_int_equal(r.once_err, 0);
	down(&r);
}

static void lost_targets_are_held_and_come_back(void **state)
{
	struct rig r;
	struct endpoint *nothing = NULL;

	(void)state;
	up(&r, FLAGS("lost-targets-hold=300ms"));
	want(&r, "ns/a", "a.e.org A 1.1.1.1");
	want(&r, "ns/b", "b.e.org A 1.1.1.1");
	want(&r, "ns/c", "c.e.org A 1.1.1.1");
	sync_set_synced(r.s, "test", true);
	sync_start(r.s);
	WAIT_FOR(r.loop, r.results.n == 3);
	uint64_t t0 = clock_mono_ms();
	sync_set_desired(r.s, "test", "ns/a", &nothing, 0); /* lost its targets */
	sync_set_desired(r.s, "test", "ns/b", &nothing, 0);
	sync_set_desired(r.s, "test", "ns/c", NULL, 0); /* is gone */
	WAIT_FOR(r.loop, r.results.n == 4);
	assert_non_null(strstr(r.results.s[3], "c.e.org 0"));
	assert_true(clock_mono_ms() - t0 < 290);
	want(&r, "ns/b", "b.e.org A 1.1.1.1");
	WAIT_FOR(r.loop, r.results.n == 5);
	assert_true(clock_mono_ms() - t0 >= 290);
	assert_non_null(strstr(r.results.s[4], "a.e.org 0"));
	for (int i = 0; i < 10; i++)
		loop_once(r.loop, 10);
	assert_int_equal(r.results.n, 5); /* b came back in time */
	down(&r);
}

static void status_and_plan_tell_what_is(void **state)
{
	struct rig r;

	(void)state;
	up(&r, FLAGS("min-event-sync-interval=1h"));
	want(&r, "ns/a", "a.e.org A 1.1.1.1");
	want(&r, "ns/b", "b.other.org A 1.1.1.1");
	sync_set_synced(r.s, "test", true);
	sync_start(r.s);
	WAIT_FOR(r.loop, r.once);
	cJSON *o = status_collect("sync");
	const cJSON *p = cJSON_GetArrayItem(json_get(o, "providers"), 0);
	assert_string_equal(json_text(p, "name"), "inmemory");
	assert_int_equal(json_number(p, "created", 0), 1);
	const cJSON *skipped = cJSON_GetArrayItem(json_get(p, "skipped"), 0);
	assert_string_equal(json_text(skipped, "name"), "b.other.org");
	assert_non_null(strstr(json_text(skipped, "why"), "zone"));
	cJSON_Delete(o);
	want(&r, "ns/a", "a.e.org A 2.2.2.2");
	cJSON *args = cJSON_CreateObject(), *out = cJSON_CreateObject();
	assert_int_equal(status_run("plan", args, out, false), 0);
	assert_int_equal(cJSON_GetArraySize(json_get(out, "changes")), 1);
	cJSON_Delete(out);
	out = cJSON_CreateObject();
	assert_int_equal(status_run("sync-verify", args, out, false), ERR_DENIED);
	assert_int_equal(status_run("sync-verify", args, out, true), 0);
	WAIT_FOR(r.loop, r.results.n == 2); /* the full pass takes the change along */
	cJSON_Delete(out);
	cJSON_Delete(args);
	down(&r);
}

static void glue_of_another_cluster_with_our_owner_id_stays(void **state)
{
	static const char *const tags[] = { "cluster-geo-tag=eu", "cluster-geo-tag=us" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rig r;
		struct endpoint *e = words_endpoint("ns-eu.e.org A 1.1.1.1");

		up(&r, FLAGS(tags[i]));
		sync_set_desired(r.s, "gslb", "zone", &e, 1);
		sync_set_synced(r.s, "gslb", true);
		sync_set_synced(r.s, "test", true);
		sync_start(r.s);
		WAIT_FOR(r.loop, r.results.n == 1);
		/* a claim, not ExternalDNS's TXT, which has no room for a cluster */
		cJSON *o = status_collect("sync");
		const cJSON *p = cJSON_GetArrayItem(json_get(o, "providers"), 0);
		assert_int_equal(json_number(p, "records", 0), 2);
		assert_int_equal(json_number(p, "owned", 1), 0);
		cJSON_Delete(o);
		endpoint_free(e);
		down(&r);
	}
}

static void wrong_providers_are_named(void **state)
{
	static const char *const rows[][2] = { { "provider=nonsense", "webhook" },
					       { "provider=infoblox", "rfc2136" } };
	struct loop *loop = loop_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const pairs[] = { rows[i][0], NULL };
		struct config *c = config_for_test(pairs);
		struct sync *s = NULL;
		char *why = NULL;

		assert_int_equal(sync_new(loop, c, NULL, &s, &why), ERR_INVALID);
		assert_non_null(strstr(why, rows[i][1]));
		free(why);
		config_free(c);
	}
	struct config *none = config_for_test(NULL);
	struct sync *s = NULL;
	char *why = NULL;
	assert_int_equal(sync_new(loop, none, NULL, &s, &why), 0);
	assert_null(s);
	config_free(none);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_become_records_once_their_source_is_complete),
		cmocka_unit_test(lost_targets_are_held_and_come_back),
		cmocka_unit_test(status_and_plan_tell_what_is),
		cmocka_unit_test(glue_of_another_cluster_with_our_owner_id_stays),
		cmocka_unit_test(wrong_providers_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

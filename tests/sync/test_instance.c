/* instance: the loop of one provider, against a fake that counts. */
#include "sync/instance.h"

#include <cjson/cJSON.h>

#include "lib/json.h"
#include "lib/log.h"
#include "tests/sync/fake.h"
#include "tests/sync/rig.h"

static void have(const char *line)
{
	view_put(&fake.zone, words_endpoint(line));
}

static const char *is_there(const char *name)
{
	const struct endpoint *e = view_find(&fake.zone, name, "A", "");

	return e ? e->targets.s[0] : "-";
}

#define MINE "'\"heritage=external-dns,external-dns/owner=me\"'"

static void the_first_pass_makes_the_zone_as_wanted(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	have("old.x A 9.9.9.9");
	have("_x.a-old.x TXT " MINE);
	have("hand.x A 8.8.8.8");
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	assert_int_equal(r.first_err, 0);
	assert_string_equal(is_there("a.x"), "1.1.1.1");
	assert_string_equal(is_there("old.x"), "-");
	assert_string_equal(is_there("hand.x"), "8.8.8.8");
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.calls, 1);
	assert_true(strv_has(&r.results, "o/a a.x 0"));
	rig_down(&r);
}

static void a_changed_object_is_one_call_and_no_read(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	want(&r, "o/a", "a.x A 1.1.1.1");
	want(&r, "o/b", "b.x A 1.1.1.1");
	run_first(&r);
	uint64_t before = clock_mono_ms();
	want(&r, "o/a", "a.x A 2.2.2.2");
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "2.2.2.2") == 0);
	assert_true(clock_mono_ms() - before < 1000);
	WAIT_FOR(r.loop, is_idle(&r));
	assert_int_equal(fake.reads, 1);
	assert_int_equal(fake.calls, 2);
	assert_string_equal(fake.log.s[fake.log.n - 1], "~ a.x A 2.2.2.2");
	want(&r, "o/b", NULL);
	WAIT_FOR(r.loop, strcmp(is_there("b.x"), "-") == 0);
	WAIT_FOR(r.loop, is_idle(&r));
	assert_null(view_find(&fake.zone, "_x.a-b.x", "TXT", ""));
	assert_int_equal(fake.reads, 1);
	rig_down(&r);
}

static void a_burst_of_changes_is_one_call(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	run_first(&r);
	for (int i = 0; i < 50; i++) {
		char *object = mem_printf("o/%d", i), *line = mem_printf("n%d.x A 1.1.1.1", i);

		want(&r, object, line);
		free(object);
		free(line);
	}
	WAIT_FOR(r.loop, fake.changes == 100);
	assert_int_equal(fake.calls, 1);
	rig_down(&r);
}

static void the_interval_finds_drift(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("interval=50ms"));
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	view_put(&fake.zone, words_endpoint("a.x A 6.6.6.6"));
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "1.1.1.1") == 0);
	assert_true(fake.reads >= 2);
	unsigned calls = fake.calls, reads = fake.reads;
	WAIT_FOR(r.loop, fake.reads > reads + 2);
	assert_int_equal(fake.calls, calls); /* at rest nothing is written */
	rig_down(&r);
}

static void nothing_is_planned_before_all_sources_are_complete(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("once=true"));
	have("a.x A 1.1.1.1");
	have("_x.a-a.x TXT " MINE);
	instance_gate(r.i, false, true);
	instance_start(r.i);
	WAIT_FOR(r.loop, fake.reads == 1);
	for (int i = 0; i < 5; i++)
		loop_once(r.loop, 10);
	assert_false(r.first_done);
	want(&r, "o/a", "a.x A 1.1.1.1");
	instance_gate(r.i, true, true);
	WAIT_FOR(r.loop, r.first_done);
	assert_int_equal(fake.calls, 0);
	rig_down(&r);
}

static void a_source_that_gets_lost_holds_deletes(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	instance_gate(r.i, false, true);
	want(&r, "o/a", NULL);
	want(&r, "o/b", "b.x A 1.1.1.1");
	WAIT_FOR(r.loop, strcmp(is_there("b.x"), "1.1.1.1") == 0);
	assert_string_equal(is_there("a.x"), "1.1.1.1");
	instance_gate(r.i, true, true);
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "-") == 0);
	rig_down(&r);
}

static void only_the_leader_calls(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	want(&r, "o/a", "a.x A 1.1.1.1");
	instance_gate(r.i, true, false);
	instance_start(r.i);
	for (int i = 0; i < 5; i++)
		loop_once(r.loop, 10);
	assert_int_equal(fake.reads + fake.calls, 0);
	instance_gate(r.i, true, true);
	WAIT_FOR(r.loop, r.first_done);
	assert_string_equal(is_there("a.x"), "1.1.1.1");
	rig_down(&r);
}

static void a_bad_record_stops_no_other_and_is_set_aside(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	fake.bad_target = "6.6.6.6";
	for (int i = 0; i < 20; i++) {
		char *object = mem_printf("o/%d", i);
		char *line = mem_printf("n%02d.x A %s", i, i == 7 ? "6.6.6.6" : "1.1.1.1");

		want(&r, object, line);
		free(object);
		free(line);
	}
	run_first(&r);
	assert_int_equal(r.first_err, ERR_INVALID);
	assert_int_equal(fake.changes, 38);
	assert_string_equal(is_there("n07.x"), "-");
	assert_null(view_find(&fake.zone, "_x.a-n07.x", "TXT", ""));
	char *line = mem_printf("o/7 n07.x %d", ERR_INVALID);
	assert_true(strv_has(&r.results, line));
	free(line);
	unsigned calls = fake.calls;
	want(&r, "o/3", "n03.x A 2.2.2.2");
	WAIT_FOR(r.loop, strcmp(is_there("n03.x"), "2.2.2.2") == 0);
	assert_int_equal(fake.calls, calls + 1); /* the bad one is not tried with it */
	cJSON *o = cJSON_CreateObject();
	instance_status(r.i, o);
	const cJSON *q = cJSON_GetObjectItem(o, "quarantined");
	assert_int_equal(cJSON_GetArraySize(q), 1);
	assert_string_equal(json_text(cJSON_GetArrayItem(q, 0), "name"), "n07.x");
	assert_string_equal(json_text(cJSON_GetArrayItem(q, 0), "error"), "the fake says no");
	cJSON_Delete(o);
	want(&r, "o/7", "n07.x A 7.7.7.7"); /* mended: no waiting */
	WAIT_FOR(r.loop, strcmp(is_there("n07.x"), "7.7.7.7") == 0);
	rig_down(&r);
}

static void trouble_is_waited_out(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	fake.read_err = ERR_NETWORK;
	want(&r, "o/a", "a.x A 1.1.1.1");
	instance_gate(r.i, true, true);
	instance_start(r.i);
	WAIT_FOR(r.loop, fake.reads == 1);
	fake.read_err = 0;
	WAIT_FOR(r.loop, r.first_done);
	assert_int_equal(r.first_err, 0);
	fake.write_err = ERR_TIMEOUT;
	want(&r, "o/a", "a.x A 2.2.2.2");
	WAIT_FOR(r.loop, fake.calls == 2);
	unsigned reads = fake.reads;
	fake.write_err = 0;
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "2.2.2.2") == 0);
	assert_int_equal(fake.reads, reads + 1); /* it looked before it tried again */
	rig_down(&r);
}

static void a_foreign_change_in_between_is_not_overwritten_blindly(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	view_put(&fake.zone, words_endpoint("a.x A 5.5.5.5"));
	want(&r, "o/a", "a.x A 2.2.2.2");
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "2.2.2.2") == 0);
	assert_true(fake.reads >= 2); /* ERR_STALE made it look */
	rig_down(&r);
}

static void once_looks_again_when_others_write_meanwhile(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("once=true"));
	have("a.x A 1.1.1.1");
	have("_x.a-a.x TXT " MINE);
	want(&r, "o/a", "a.x A 2.2.2.2");
	fake.write_err = ERR_STALE;
	instance_gate(r.i, true, true);
	instance_start(r.i);
	WAIT_FOR(r.loop, fake.calls >= 1);
	fake.write_err = 0;
	WAIT_FOR(r.loop, r.first_done);
	assert_int_equal(r.first_err, 0);
	assert_string_equal(is_there("a.x"), "2.2.2.2");
	rig_down(&r);
}

static void mass_deletes_are_held_until_released(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	for (int i = 0; i < 40; i++) {
		char *object = mem_printf("o/%d", i), *line = mem_printf("n%d.x A 1.1.1.1", i);

		want(&r, object, line);
		free(object);
		free(line);
	}
	run_first(&r);
	assert_int_equal(fake.changes, 80);
	instance_verify(r.i); /* so that it knows what is ours */
	WAIT_FOR(r.loop, fake.reads == 2 && is_idle(&r));
	for (int i = 0; i < 40; i++) {
		char *object = mem_printf("o/%d", i);

		want(&r, object, NULL);
		free(object);
	}
	want(&r, "o/new", "new.x A 1.1.1.1");
	WAIT_FOR(r.loop, strcmp(is_there("new.x"), "1.1.1.1") == 0);
	WAIT_FOR(r.loop, is_idle(&r));
	assert_int_equal(fake.changes, 82);
	cJSON *o = cJSON_CreateObject();
	instance_status(r.i, o);
	assert_int_equal(json_number(o, "heldDeletes", 0), 40);
	cJSON_Delete(o);
	instance_release(r.i);
	WAIT_FOR(r.loop, fake.changes == 162);
	rig_down(&r);
}

static void an_absolute_limit_counts_too(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("mass-delete-limit=1"));
	have("a.x A 1.1.1.1");
	have("_x.a-a.x TXT " MINE);
	have("b.x A 1.1.1.1");
	have("_x.a-b.x TXT " MINE);
	run_first(&r);
	assert_int_equal(fake.calls, 0);
	rig_down(&r);
}

static void a_dry_run_changes_nothing(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("dry-run=true", "once=true"));
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	assert_int_equal(fake.calls, 0);
	rig_down(&r);
}

static void a_preview_tells_without_doing(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("min-event-sync-interval=1h"));
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	want(&r, "o/a", "a.x A 2.2.2.2");
	cJSON *out = cJSON_CreateArray();
	instance_preview(r.i, out);
	char *text = json_print(out);
	assert_string_equal(text,
			    "[{\"provider\":\"fake\",\"action\":\"update\",\"registry\":false,"
			    "\"before\":{\"dnsName\":\"a.x\",\"recordType\":\"A\",\"targets\":"
			    "[\"1.1.1.1\"]},\"after\":{\"dnsName\":\"a.x\",\"recordType\":\"A\","
			    "\"targets\":[\"2.2.2.2\"]}}]");
	free(text);
	cJSON_Delete(out);
	for (int i = 0; i < 5; i++)
		loop_once(r.loop, 10);
	assert_int_equal(fake.calls, 1); /* events wait for their least interval */
	rig_down(&r);
}

static void records_are_adopted_only_by_request(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS("adopt=in.x"));
	have("a.x A 9.9.9.9");
	have("b.x A 9.9.9.9");
	have("c.in.x A 9.9.9.9");
	have("d.in.x A 9.9.9.9");
	have("_x.a-d.in.x TXT '\"heritage=external-dns,external-dns/owner=you\"'");
	want(&r, "o/a", "a.x A 1.1.1.1");
	want(&r, "o/b", "b.x A 1.1.1.1 gslbd.io/adopt=true");
	want(&r, "o/c", "c.in.x A 9.9.9.9");
	want(&r, "o/d", "d.in.x A 1.1.1.1");
	run_first(&r);
	assert_string_equal(is_there("a.x"), "9.9.9.9");
	assert_string_equal(is_there("b.x"), "1.1.1.1");
	assert_non_null(view_find(&fake.zone, "_x.a-b.x", "TXT", ""));
	assert_non_null(view_find(&fake.zone, "_x.a-c.in.x", "TXT", ""));
	assert_string_equal(is_there("d.in.x"), "9.9.9.9");
	rig_down(&r);
}

static void names_outside_the_zones_are_left_out(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, &provider_fake, NULL, FLAGS());
	strv_add(&fake.zones, "x");
	want(&r, "o/a", "a.x A 1.1.1.1");
	want(&r, "o/b", "a.y A 1.1.1.1");
	run_first(&r);
	assert_int_equal(r.first_err, 0);
	assert_int_equal(fake.changes, 2);
	rig_down(&r);
}

static void a_kill_between_claim_and_record_converges(void **state)
{
	struct rig r;

	(void)state;
	/* the claim was written, then the power went */
	rig_up(&r, &provider_fake, NULL, FLAGS());
	have("_x.a-a.x TXT " MINE);
	/* a delete: the record went, the claim did not */
	have("_x.a-gone.x TXT " MINE);
	want(&r, "o/a", "a.x A 1.1.1.1");
	run_first(&r);
	assert_string_equal(is_there("a.x"), "1.1.1.1");
	want(&r, "o/a", NULL);
	WAIT_FOR(r.loop, strcmp(is_there("a.x"), "-") == 0);
	assert_null(view_find(&fake.zone, "_x.a-a.x", "TXT", ""));
	rig_down(&r);
}

/* A provider that is asked what becomes of wishes, and answers when the test says so. */
static struct {
	struct endpoint_list list;
	void (*done)(void *ctx, int err, const char *err_text, struct endpoint_list *adjusted);
	void *ctx;
} question;

static void ask_slowly(struct provider *p, struct endpoint_list *desired,
		       void (*done)(void *ctx, int err, const char *err_text,
				    struct endpoint_list *adjusted),
		       void *ctx)
{
	(void)p;
	question.list = *desired;
	question.done = done;
	question.ctx = ctx;
}

static void answer_question(int err)
{
	void (*done)(void *, int, const char *, struct endpoint_list *) = question.done;
	struct endpoint_list list = question.list;

	question.done = NULL;
	done(question.ctx, err, err ? "no" : NULL, &list);
}

static void what_changes_while_the_provider_is_asked_is_not_lost(void **state)
{
	struct provider_ops ops = provider_fake;
	struct rig r;

	(void)state;
	ops.adjust_remote = ask_slowly;
	rig_up(&r, &ops, NULL, FLAGS());
	want(&r, "o/a", "a.x A 1.1.1.1");
	want(&r, "o/b", "b.x A 1.1.1.1");
	instance_gate(r.i, true, true);
	instance_start(r.i);
	WAIT_FOR(r.loop, question.done);
	answer_question(0);
	WAIT_FOR(r.loop, r.first_done);
	assert_string_equal(is_there("b.x"), "1.1.1.1");
	/* b changes while a is asked about */
	want(&r, "o/a", "a.x A 2.2.2.2");
	WAIT_FOR(r.loop, question.done);
	want(&r, "o/b", "b.x A 2.2.2.2");
	answer_question(0);
	WAIT_FOR(r.loop, question.done);
	assert_string_equal(is_there("a.x"), "2.2.2.2");
	assert_string_equal(is_there("b.x"), "1.1.1.1"); /* neither lost nor changed unasked */
	answer_question(0);
	WAIT_FOR(r.loop, strcmp(is_there("b.x"), "2.2.2.2") == 0);
	WAIT_FOR(r.loop, is_idle(&r));
	/* a question without an answer is asked again, with what came in between */
	want(&r, "o/a", "a.x A 3.3.3.3");
	WAIT_FOR(r.loop, question.done);
	want(&r, "o/b", "b.x A 3.3.3.3");
	answer_question(ERR_PROTOCOL);
	WAIT_FOR(r.loop, question.done);
	assert_int_equal(question.list.n, 2);
	answer_question(0);
	WAIT_FOR(r.loop, strcmp(is_there("b.x"), "3.3.3.3") == 0);
	assert_string_equal(is_there("a.x"), "3.3.3.3");
	WAIT_FOR(r.loop, is_idle(&r));
	rig_down(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_pass_makes_the_zone_as_wanted),
		cmocka_unit_test(a_changed_object_is_one_call_and_no_read),
		cmocka_unit_test(a_burst_of_changes_is_one_call),
		cmocka_unit_test(the_interval_finds_drift),
		cmocka_unit_test(nothing_is_planned_before_all_sources_are_complete),
		cmocka_unit_test(a_source_that_gets_lost_holds_deletes),
		cmocka_unit_test(only_the_leader_calls),
		cmocka_unit_test(a_bad_record_stops_no_other_and_is_set_aside),
		cmocka_unit_test(trouble_is_waited_out),
		cmocka_unit_test(a_foreign_change_in_between_is_not_overwritten_blindly),
		cmocka_unit_test(once_looks_again_when_others_write_meanwhile),
		cmocka_unit_test(mass_deletes_are_held_until_released),
		cmocka_unit_test(an_absolute_limit_counts_too),
		cmocka_unit_test(a_dry_run_changes_nothing),
		cmocka_unit_test(a_preview_tells_without_doing),
		cmocka_unit_test(records_are_adopted_only_by_request),
		cmocka_unit_test(names_outside_the_zones_are_left_out),
		cmocka_unit_test(a_kill_between_claim_and_record_converges),
		cmocka_unit_test(what_changes_while_the_provider_is_asked_is_not_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

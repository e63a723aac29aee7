/* webhook: client and server against each other, and the client against a server of the test's own.
 */
#include "sync/webhook_server.h"

#include "lib/error.h"
#include "sync/webhook_json.h"
#include "tests/fake_http.h"
#include "tests/sync/fake.h"
#include "tests/sync/rig.h"

extern const struct provider_ops provider_webhook;

#define MINE "'\"heritage=external-dns,external-dns/owner=me\"'"

static void endpoints_keep_everything_over_the_wire(void **state)
{
	static const char *const rows[][2] = {
		{ "a.x A 1.1.1.1,2.2.2.2 ttl=60 set=eu resource=i/d/a webhook/k=v",
		  "{\"dnsName\":\"a.x\",\"targets\":[\"1.1.1.1\",\"2.2.2.2\"],\"recordType\":\"A\","
		  "\"setIdentifier\":\"eu\",\"recordTTL\":60,\"labels\":{\"resource\":\"i/d/a\"},"
		  "\"providerSpecific\":[{\"name\":\"webhook/k\",\"value\":\"v\"}]}" },
		{ "a.x TXT -", "{\"dnsName\":\"a.x\",\"recordType\":\"TXT\"}" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint *e = words_endpoint(rows[i][0]), *back = NULL;
		char *why = NULL;

		endpoint_set_label(e, " inside", "x");
		cJSON *o = webhook_json_endpoint(e);
		char *text = json_print(o);
		assert_string_equal(text, rows[i][1]);
		assert_int_equal(webhook_json_read_endpoint(o, &back, &why), 0);
		endpoint_set_label(e, " inside", NULL);
		assert_true(endpoint_equal(e, back));
		free(text);
		cJSON_Delete(o);
		endpoint_free(e);
		endpoint_free(back);
	}
}

static void bad_endpoints_are_refused_by_member(void **state)
{
	static const char *const rows[][2] = {
		{ "[]", "object" },
		{ "{}", "dnsName" },
		{ "{\"dnsName\":1,\"recordType\":\"A\"}", "dnsName" },
		{ "{\"dnsName\":\"a\"}", "recordType" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"recordTTL\":-1}", "recordTTL" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"recordTTL\":\"6\"}", "recordTTL" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"recordTTL\":1e30}", "recordTTL" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"targets\":\"x\"}", "targets" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"targets\":[1]}", "targets" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"labels\":[]}", "labels" },
		{ "{\"dnsName\":\"a\",\"recordType\":\"A\",\"providerSpecific\":[{}]}",
		  "providerSpecific" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *o = cJSON_Parse(rows[i][0]);
		struct endpoint *e = NULL;
		char *why = NULL;

		assert_int_equal(webhook_json_read_endpoint(o, &e, &why), ERR_SYNTAX);
		assert_non_null(strstr(why, rows[i][1]));
		free(why);
		cJSON_Delete(o);
	}
}

static void changes_are_read_in_both_spellings(void **state)
{
	static const char *const rows[] = {
		"{\"create\":[{\"dnsName\":\"a.x\",\"recordType\":\"A\"}],\"updateOld\":[{"
		"\"dnsName\":"
		"\"b.x\",\"recordType\":\"A\"}],\"updateNew\":[{\"dnsName\":\"b.x\",\"recordType\":"
		"\"A\"}],"
		"\"delete\":[{\"dnsName\":\"c.x\",\"recordType\":\"A\"}]}",
		"{\"Create\":[{\"dnsName\":\"a.x\",\"recordType\":\"A\"}],\"UpdateOld\":[{"
		"\"dnsName\":"
		"\"b.x\",\"recordType\":\"A\"}],\"UpdateNew\":[{\"dnsName\":\"b.x\",\"recordType\":"
		"\"A\"}],"
		"\"Delete\":[{\"dnsName\":\"c.x\",\"recordType\":\"A\"}]}",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *o = cJSON_Parse(rows[i]);
		struct webhook_changes c = { 0 };
		char *why = NULL;

		assert_int_equal(webhook_json_read_changes(o, &c, &why), 0);
		assert_string_equal(c.create.e[0]->dns_name, "a.x");
		assert_string_equal(c.update_old.e[0]->dns_name, "b.x");
		assert_string_equal(c.update_new.e[0]->dns_name, "b.x");
		assert_string_equal(c.remove.e[0]->dns_name, "c.x");
		webhook_changes_fini(&c);
		cJSON_Delete(o);
	}
	cJSON *odd = cJSON_Parse("{\"updateOld\":[{\"dnsName\":\"b.x\",\"recordType\":\"A\"}]}");
	struct webhook_changes c = { 0 };
	char *why = NULL;
	assert_int_equal(webhook_json_read_changes(odd, &c, &why), ERR_SYNTAX);
	free(why);
	cJSON_Delete(odd);
	odd = cJSON_Parse("{\"Create\":null,\"Delete\":null}");
	assert_int_equal(webhook_json_read_changes(odd, &c, &why), 0);
	webhook_changes_fini(&c);
	cJSON_Delete(odd);
}

/* --- client and server --------------------------------------------------------------- */

struct pair {
	struct rig r;
	struct config *config;
	struct webhook_server *server;
};

static void pair_up(struct pair *p, const char *const *flags)
{
	static const char *const pairs[] = { "webhook-server-address=127.0.0.1:0", NULL };
	char *why = NULL, *url;
	const char *all[8] = { NULL };
	size_t n = 0;

	p->config = config_for_test(pairs);
	struct loop *loop = loop_new();
	struct provider_env env = { .loop = loop, .config = p->config };
	if (webhook_server_new(&env, &provider_fake, &p->server, &why))
		fail_msg("%s", why);
	url = mem_printf("webhook-provider-url=http://127.0.0.1:%u",
			 webhook_server_port(p->server));
	all[n++] = url;
	for (; *flags; flags++)
		all[n++] = *flags;
	rig_up_on(&p->r, loop, &provider_webhook, NULL, all);
	free(url);
}

static void pair_down(struct pair *p)
{
	rig_stop(&p->r);
	webhook_server_free(p->server);
	config_free(p->config);
	rig_free(&p->r);
}

static void the_whole_chain_works_through_both(void **state)
{
	struct pair p;

	(void)state;
	pair_up(&p, FLAGS());
	view_put(&fake.zone, words_endpoint("old.x A 9.9.9.9"));
	view_put(&fake.zone, words_endpoint("_x.a-old.x TXT " MINE));
	view_put(&fake.zone, words_endpoint("hand.x A 8.8.8.8"));
	want(&p.r, "o/a", "a.x A 1.1.1.1 ttl=60 webhook/k=v");
	want(&p.r, "o/b", "b.x CNAME lb.y");
	run_first(&p.r);
	assert_int_equal(p.r.first_err, 0);
	assert_non_null(view_find(&fake.zone, "a.x", "A", ""));
	assert_non_null(view_find(&fake.zone, "_x.a-a.x", "TXT", ""));
	assert_string_equal(view_find(&fake.zone, "_x.a-a.x", "TXT", "")->targets.s[0],
			    "\"heritage=external-dns,external-dns/owner=me\"");
	assert_null(view_find(&fake.zone, "old.x", "A", ""));
	assert_null(view_find(&fake.zone, "_x.a-old.x", "TXT", ""));
	assert_non_null(view_find(&fake.zone, "hand.x", "A", ""));
	want(&p.r, "o/a", "a.x A 2.2.2.2 ttl=60 webhook/k=v");
	WAIT_FOR(p.r.loop,
		 strcmp(view_find(&fake.zone, "a.x", "A", "")->targets.s[0], "2.2.2.2") == 0);
	want(&p.r, "o/a", NULL);
	WAIT_FOR(p.r.loop, view_find(&fake.zone, "a.x", "A", "") == NULL);
	pair_down(&p);
}

static void a_bad_record_is_found_through_both(void **state)
{
	struct pair p;

	(void)state;
	pair_up(&p, FLAGS());
	fake.bad_target = "6.6.6.6";
	want(&p.r, "o/a", "a.x A 1.1.1.1");
	want(&p.r, "o/b", "b.x A 6.6.6.6");
	want(&p.r, "o/c", "c.x A 1.1.1.1");
	instance_gate(p.r.i, true, true);
	instance_start(p.r.i);
	WAIT_FOR(p.r.loop,
		 view_find(&fake.zone, "a.x", "A", "") && view_find(&fake.zone, "c.x", "A", ""));
	assert_null(view_find(&fake.zone, "b.x", "A", ""));
	pair_down(&p);
}

/* --- the client alone ------------------------------------------------------------------ */

struct peer {
	struct rig r;
	struct fake_http *http;
	const char *type;   /* of the negotiation's answer */
	bool only_capitals; /* as of 0.14: other keys are not seen */
	int post_status;
	unsigned posts;
	char *last_post, *accept, *content_type;
	struct webhook_changes applied;
	bool has;
};

static void serve(void *ctx, struct fake_conn *c, const struct fake_request *q)
{
	struct peer *p = ctx;
	char header[200];

	if (strcmp(q->method, "POST") == 0 && strcmp(q->target, "/records") == 0) {
		p->posts++;
		mem_strset(&p->last_post, q->body);
		if (fake_request_header(q, "Content-Type", header, sizeof(header)))
			mem_strset(&p->content_type, header);
		if (p->post_status == 204 && (!p->only_capitals || strstr(q->body, "\"Create\"")))
			p->has = true;
		fake_conn_reply(c, p->post_status, "", p->post_status == 204 ? "" : "sorry");
	} else if (strcmp(q->method, "POST") == 0) {
		char *headers = mem_printf("Content-Type: %s\r\n", WEBHOOK_MEDIA_TYPE);

		fake_conn_reply(c, 200, headers, q->body);
		free(headers);
	} else if (strcmp(q->target, "/records") == 0) {
		char *headers = mem_printf("Content-Type: %s\r\n", WEBHOOK_MEDIA_TYPE);

		fake_conn_reply(
			c, 200, headers,
			p->has ? "[{\"dnsName\":\"a.x\",\"recordType\":\"A\",\"targets\":[\"1.1.1."
				 "1\"]},{\"dnsName\":\"_x.a-a.x\",\"recordType\":\"TXT\",\"targets"
				 "\":[\"\\\"heritage=external-dns,external-dns/owner=me\\\"\"]}]"
			       : "[]");
		free(headers);
	} else {
		char *headers = mem_printf("Content-Type: %s\r\nVary: Content-Type\r\n", p->type);

		if (fake_request_header(q, "Accept", header, sizeof(header)))
			mem_strset(&p->accept, header);
		fake_conn_reply(c, 200, headers, "{\"include\":[\"x\"]}");
		free(headers);
	}
}

static void peer_up(struct peer *p)
{
	struct loop *loop = loop_new();

	*p = (struct peer){ .type = WEBHOOK_MEDIA_TYPE, .post_status = 204 };
	p->http = fake_http_new(loop, 0, serve, p);
	char *url = mem_printf("webhook-provider-url=%s/", fake_http_url(p->http));
	rig_up_on(&p->r, loop, &provider_webhook, NULL, FLAGS(url));
	free(url);
}

static void peer_down(struct peer *p)
{
	rig_stop(&p->r);
	fake_http_free(p->http);
	rig_free(&p->r);
	free(p->last_post);
	free(p->accept);
	free(p->content_type);
}

static void requests_are_as_external_dns_makes_them(void **state)
{
	struct peer p;

	(void)state;
	peer_up(&p);
	want(&p.r, "o/a", "a.x A 1.1.1.1 resource=ingress/d/a other/k=v");
	want(&p.r, "o/b", "a.y A 1.1.1.1"); /* outside the webhook's filter */
	run_first(&p.r);
	assert_string_equal(p.accept, WEBHOOK_MEDIA_TYPE);
	assert_string_equal(p.content_type, WEBHOOK_MEDIA_TYPE);
	assert_string_equal(
		p.last_post,
		"{\"create\":[{\"dnsName\":\"_x.a-a.x\",\"targets\":[\"\\\"heritage=external-dns,"
		"external-dns/owner=me,external-dns/resource=ingress/d/"
		"a\\\"\"],\"recordType\":\"TXT\","
		"\"labels\":{\"ownedRecord\":\"a.x\"}},{\"dnsName\":\"a.x\",\"targets\":[\"1.1.1."
		"1\"],"
		"\"recordType\":\"A\",\"labels\":{\"resource\":\"ingress/d/"
		"a\",\"owner\":\"me\"}}]}");
	peer_down(&p);
}

static void old_webhooks_get_capitalised_keys(void **state)
{
	struct peer p;

	(void)state;
	peer_up(&p);
	p.only_capitals = true;
	want(&p.r, "o/a", "a.x A 1.1.1.1");
	run_first(&p.r);
	assert_int_equal(p.posts, 2);
	assert_non_null(strstr(p.last_post, "\"Create\":["));
	assert_non_null(strstr(p.last_post, "\"UpdateOld\":null"));
	assert_non_null(strstr(p.last_post, "\"Delete\":null"));
	peer_down(&p);
}

static void another_content_type_is_no_webhook(void **state)
{
	struct peer p;

	(void)state;
	peer_up(&p);
	p.type = "application/json";
	want(&p.r, "o/a", "a.x A 1.1.1.1");
	instance_gate(p.r.i, true, true);
	instance_start(p.r.i);
	WAIT_FOR(p.r.loop, p.accept != NULL);
	for (int i = 0; i < 10; i++)
		loop_once(p.r.loop, 10);
	assert_int_equal(p.posts, 0);
	assert_false(p.r.first_done);
	p.type = WEBHOOK_MEDIA_TYPE;
	WAIT_FOR(p.r.loop, p.r.first_done);
	peer_down(&p);
}

static void only_204_is_success(void **state)
{
	struct peer p;

	(void)state;
	peer_up(&p);
	p.post_status = 200;
	want(&p.r, "o/a", "a.x A 1.1.1.1");
	instance_gate(p.r.i, true, true);
	instance_start(p.r.i);
	WAIT_FOR(p.r.loop, p.posts == 1);
	for (int i = 0; i < 10; i++)
		loop_once(p.r.loop, 10);
	assert_false(p.r.first_done);
	p.post_status = 204;
	WAIT_FOR(p.r.loop, p.r.first_done && p.has);
	peer_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_keep_everything_over_the_wire),
		cmocka_unit_test(bad_endpoints_are_refused_by_member),
		cmocka_unit_test(changes_are_read_in_both_spellings),
		cmocka_unit_test(the_whole_chain_works_through_both),
		cmocka_unit_test(a_bad_record_is_found_through_both),
		cmocka_unit_test(requests_are_as_external_dns_makes_them),
		cmocka_unit_test(old_webhooks_get_capitalised_keys),
		cmocka_unit_test(another_content_type_is_no_webhook),
		cmocka_unit_test(only_204_is_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

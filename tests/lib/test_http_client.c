/* http_client: against a server that also misbehaves. */
#include "lib/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "tests/fake_http.h"

static struct loop *loop;
static struct http_client *client;
static struct fake_http *server;
static struct buf seen;        /* what the server got: "METHOD target body\n" */
static struct fake_conn *held; /* the last connection that was left without an answer */
static unsigned closed;

static void on_closed(void *ctx)
{
	(void)ctx;
	closed++;
	held = NULL;
}

static void serve(void *ctx, struct fake_conn *c, const struct fake_request *r)
{
	char type[64] = "-";

	(void)ctx;
	(void)fake_request_header(r, "content-type", type, sizeof(type));
	buf_printf(&seen, "%s %s %s %s\n", r->method, r->target, type, r->body);
	if (strcmp(r->target, "/silent") == 0) {
		held = c;
		fake_conn_on_close(c, on_closed, NULL);
	} else if (strcmp(r->target, "/half") == 0) {
		fake_conn_puts(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
		fake_conn_close(c, true);
	} else if (strcmp(r->target, "/chunks") == 0) {
		fake_conn_begin(c, 200);
		fake_conn_chunk(c, "one\n");
		fake_conn_chunk(c, "two\n");
		fake_conn_end(c);
	} else if (strcmp(r->target, "/stream") == 0) {
		held = c;
		fake_conn_on_close(c, on_closed, NULL);
		fake_conn_begin(c, 200);
		fake_conn_chunk(c, "first\n");
	} else if (strcmp(r->target, "/interim") == 0) {
		fake_conn_puts(c, "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
		fake_conn_reply(c, 200, "X-Late: 2\r\n", "done");
	} else if (strcmp(r->target, "/busy") == 0) {
		fake_conn_reply(c, 429, "RETRY-after: 7\r\n", "{}");
	} else if (strcmp(r->target, "/garbage") == 0) {
		fake_conn_puts(c, "what is this\r\n\r\n");
		fake_conn_close(c, false);
	} else if (strcmp(r->target, "/redirect") == 0) {
		fake_conn_reply(c, 302, "Location: /big\r\n", "");
	} else if (strcmp(r->target, "/big") == 0) {
		char *big = mem_zalloc(5001);

		memset(big, 'x', 5000);
		fake_conn_reply(c, 200, "", big);
		free(big);
	} else {
		fake_conn_reply(c, 200, "X-Name:  value \r\n", "hello");
	}
}

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	client = http_client_new(loop);
	server = fake_http_new(loop, 0, serve, NULL);
	closed = 0;
	held = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http_client_free(client);
	fake_http_free(server);
	loop_free(loop);
	buf_fini(&seen);
	return 0;
}

struct result {
	unsigned done, headers, data_calls;
	int err, status, header_status;
	char error[256];
	char *body, *header;
	long retry_after_ms;
	struct buf data;
	int refuse; /* what on_data returns */
	bool cancel_in_data, call_in_data, cancel_in_done;
	struct http_request *request;
	struct result *chained;
};

static void result_fini(struct result *r)
{
	free(r->body);
	free(r->header);
	buf_fini(&r->data);
}

static void on_done(void *ctx, const struct http_response *res)
{
	struct result *r = ctx;

	r->done++;
	r->err = res->err;
	r->status = res->status;
	r->body = mem_strdup(buf_str(&res->body));
	r->header = mem_strdup(http_response_header(res, "x-name"));
	r->retry_after_ms = http_response_retry_after_ms(res);
	(void)snprintf(r->error, sizeof(r->error), "%s", res->error);
	if (r->cancel_in_done)
		http_request_cancel(r->request);
}

static void on_headers(void *ctx, const struct http_response *res)
{
	struct result *r = ctx;

	r->headers++;
	r->header_status = res->status;
	assert_int_equal(r->data_calls, 0);
	assert_null(http_response_header(res, "x-early"));
}

static void call(const char *path, struct result *r, struct http_call more);

static int on_data(void *ctx, const char *data, size_t len)
{
	struct result *r = ctx;

	r->data_calls++;
	buf_add(&r->data, data, len);
	if (r->cancel_in_data)
		http_request_cancel(r->request);
	if (r->call_in_data && r->data_calls == 1)
		call("/", r->chained, (struct http_call){ 0 });
	return r->refuse;
}

static void call(const char *path, struct result *r, struct http_call more)
{
	char *url = mem_printf("%s%s", fake_http_url(server), path);

	more.url = url;
	more.on_done = on_done;
	more.ctx = r;
	if (more.timeout_ms == 0)
		more.timeout_ms = 5000;
	r->request = http_client_call(client, &more);
	free(url);
}

static void wait_done(const struct result *r)
{
	uint64_t end = clock_mono_ms() + 10000;

	while (!r->done && clock_mono_ms() < end)
		loop_once(loop, 100);
	assert_int_equal(r->done, 1);
}

static void a_body_arrives_whole_with_its_headers(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/a?b=c", &r, (struct http_call){ .on_headers = on_headers });
	assert_int_equal(r.done, 0); /* never from inside the call */
	wait_done(&r);
	assert_int_equal(r.err, 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.headers, 1);
	assert_int_equal(r.header_status, 200);
	assert_string_equal(r.body, "hello");
	assert_string_equal(r.header, "value ");
	assert_int_equal(r.retry_after_ms, -1);
	assert_string_equal(buf_str(&seen), "GET /a?b=c - \n");
	result_fini(&r);
}

static void methods_and_bodies_are_sent_as_told(void **state)
{
	static const char *const json[] = { "Content-Type: application/json", NULL };
	static const struct {
		const char *method, *body;
		const char *const *headers;
		const char *want;
	} table[] = {
		{ "POST", "{}", json, "POST / application/json {}\n" },
		{ "POST", NULL, NULL, "POST / - \n" },
		{ "PUT", "abc", NULL, "PUT / - abc\n" },
		{ "PATCH", "[1]", json, "PATCH / application/json [1]\n" },
		{ "DELETE", NULL, NULL, "DELETE / - \n" },
		{ "DELETE", "{}", json, "DELETE / application/json {}\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct result r = { 0 };

		buf_reset(&seen);
		call("/", &r,
		     (struct http_call){ .method = table[i].method,
					 .body = table[i].body,
					 .body_len = table[i].body ? strlen(table[i].body) : 0,
					 .headers = table[i].headers });
		wait_done(&r);
		assert_int_equal(r.err, 0);
		assert_string_equal(buf_str(&seen), table[i].want);
		result_fini(&r);
	}
	assert_int_equal(fake_http_connections(server), 1); /* kept alive */
}

static void chunks_are_streamed(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/chunks", &r, (struct http_call){ .on_data = on_data, .on_headers = on_headers });
	wait_done(&r);
	assert_int_equal(r.err, 0);
	assert_string_equal(buf_str(&r.data), "one\ntwo\n");
	assert_string_equal(r.body, "");
	result_fini(&r);
}

static void a_reset_in_the_body_is_a_network_error(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/half", &r, (struct http_call){ 0 });
	wait_done(&r);
	assert_int_equal(r.err, ERR_NETWORK);
	assert_int_not_equal(r.error[0], 0);
	result_fini(&r);
}

static void silence_ends_by_the_idle_time_out(void **state)
{
	struct result r = { 0 }, s = { 0 };

	(void)state;
	call("/silent", &r, (struct http_call){ .idle_timeout_ms = 30 });
	wait_done(&r);
	assert_int_equal(r.err, ERR_TIMEOUT);
	call("/stream", &s, (struct http_call){ .idle_timeout_ms = 30, .on_data = on_data });
	wait_done(&s);
	assert_int_equal(s.err, ERR_TIMEOUT);
	assert_string_equal(buf_str(&s.data), "first\n");
	assert_string_equal(s.error, "no byte for 30 ms");
	result_fini(&r);
	result_fini(&s);
}

static void the_whole_request_has_a_time_out(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/silent", &r, (struct http_call){ .timeout_ms = 30 });
	wait_done(&r);
	assert_int_equal(r.err, ERR_TIMEOUT);
	result_fini(&r);
}

static void a_body_above_the_limit_is_refused(void **state)
{
	struct result r = { 0 }, s = { 0 };

	(void)state;
	call("/big", &r, (struct http_call){ .max_body = 4999 });
	wait_done(&r);
	assert_int_equal(r.err, ERR_LIMIT);
	call("/big", &s, (struct http_call){ .max_body = 5000 });
	wait_done(&s);
	assert_int_equal(s.err, 0);
	assert_int_equal(strlen(s.body), 5000);
	result_fini(&r);
	result_fini(&s);
}

static void retry_after_is_read(void **state)
{
	struct result r = { 0 };
	struct http_response res = { 0 };

	(void)state;
	call("/busy", &r, (struct http_call){ 0 });
	wait_done(&r);
	assert_int_equal(r.status, 429);
	assert_int_equal(r.retry_after_ms, 7000);
	result_fini(&r);
	clock_fake(784111777 - 60); /* Sun, 06 Nov 1994 08:49:37 GMT */
	strv_add(&res.headers, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(http_response_retry_after_ms(&res), 60000);
	clock_fake(784111777 + 60);
	assert_int_equal(http_response_retry_after_ms(&res), 0);
	/* a service whose clock is not ours says it by its own */
	strv_add(&res.headers, "date: Sun, 06 Nov 1994 08:49:07 GMT");
	clock_fake(784111777 - 7200);
	assert_int_equal(http_response_retry_after_ms(&res), 30000);
	clock_fake(0);
	strv_fini(&res.headers);
	strv_add(&res.headers, "retry-after: soon");
	assert_int_equal(http_response_retry_after_ms(&res), -1);
	strv_fini(&res.headers);
}

static void interim_answers_are_passed_over(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/interim", &r, (struct http_call){ .on_headers = on_headers });
	wait_done(&r);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.headers, 1);
	assert_string_equal(r.body, "done");
	result_fini(&r);
}

static void redirects_are_not_followed(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/redirect", &r, (struct http_call){ 0 });
	wait_done(&r);
	assert_int_equal(r.status, 302);
	result_fini(&r);
}

static void garbage_is_a_network_error(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/garbage", &r, (struct http_call){ 0 });
	wait_done(&r);
	assert_int_equal(r.err, ERR_NETWORK);
	result_fini(&r);
}

static void a_call_may_be_cancelled_inside_its_callbacks(void **state)
{
	struct result r = { .cancel_in_data = true }, s = { .cancel_in_done = true };

	(void)state;
	call("/stream", &r, (struct http_call){ .on_data = on_data });
	for (int i = 0; i < 200 && closed == 0; i++)
		loop_once(loop, 50);
	assert_int_equal(closed, 1);
	assert_int_equal(r.done, 0);
	assert_int_equal(r.data_calls, 1);
	call("/", &s, (struct http_call){ 0 });
	wait_done(&s);
	result_fini(&r);
	result_fini(&s);
}

static void a_call_may_be_started_inside_a_callback(void **state)
{
	struct result s = { 0 }, r = { .call_in_data = true, .chained = &s };

	(void)state;
	call("/chunks", &r, (struct http_call){ .on_data = on_data });
	wait_done(&r);
	wait_done(&s);
	assert_string_equal(s.body, "hello");
	result_fini(&r);
	result_fini(&s);
}

static void on_data_may_refuse(void **state)
{
	struct result r = { .refuse = ERR_SYNTAX };

	(void)state;
	call("/chunks", &r, (struct http_call){ .on_data = on_data });
	wait_done(&r);
	assert_int_equal(r.err, ERR_SYNTAX);
	result_fini(&r);
}

static void control_characters_never_reach_the_wire(void **state)
{
	static const char *const bad[] = { "Authorization: Bearer a\r\nX: y", NULL };
	struct result r = { 0 }, s = { 0 };

	(void)state;
	call("/", &r, (struct http_call){ .headers = bad });
	wait_done(&r);
	assert_int_equal(r.err, ERR_INVALID);
	call("/a\nb", &s, (struct http_call){ 0 });
	wait_done(&s);
	assert_int_equal(s.err, ERR_INVALID);
	assert_string_equal(buf_str(&seen), "");
	result_fini(&r);
	result_fini(&s);
}

static void nobody_there_and_wrong_urls_are_errors(void **state)
{
	static const struct {
		const char *url;
		int err;
	} table[] = {
		{ "http://127.0.0.1:1/", ERR_NETWORK },
		{ "file:///etc/passwd", ERR_INVALID },
		{ "http://", ERR_INVALID },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct result r = { 0 };
		struct http_call c = { .url = table[i].url, .on_done = on_done, .ctx = &r };

		r.request = http_client_call(client, &c);
		wait_done(&r);
		assert_int_equal(r.err, table[i].err);
		result_fini(&r);
	}
}

static void connect_to_leads_elsewhere(void **state)
{
	struct result r = { 0 };
	char to[64];
	struct http_call c = { .url = "http://kubernetes.invalid:80/x",
			       .connect_to = to,
			       .on_done = on_done,
			       .ctx = &r };

	(void)state;
	(void)snprintf(to, sizeof(to), "127.0.0.1:%u", fake_http_port(server));
	r.request = http_client_call(client, &c);
	wait_done(&r);
	assert_int_equal(r.status, 200);
	result_fini(&r);
}

static void freeing_the_client_ends_what_runs(void **state)
{
	struct result r = { 0 };

	(void)state;
	call("/stream", &r, (struct http_call){ .on_data = on_data });
	for (int i = 0; i < 200 && r.data_calls == 0; i++)
		loop_once(loop, 50);
	assert_int_equal(r.data_calls, 1);
	http_client_free(client);
	client = NULL;
	for (int i = 0; i < 200 && closed == 0; i++)
		loop_once(loop, 50);
	assert_int_equal(r.done, 0);
	assert_int_equal(closed, 1);
	result_fini(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_body_arrives_whole_with_its_headers),
		TEST(methods_and_bodies_are_sent_as_told),
		TEST(chunks_are_streamed),
		TEST(a_reset_in_the_body_is_a_network_error),
		TEST(silence_ends_by_the_idle_time_out),
		TEST(the_whole_request_has_a_time_out),
		TEST(a_body_above_the_limit_is_refused),
		TEST(retry_after_is_read),
		TEST(interim_answers_are_passed_over),
		TEST(redirects_are_not_followed),
		TEST(garbage_is_a_network_error),
		TEST(a_call_may_be_cancelled_inside_its_callbacks),
		TEST(a_call_may_be_started_inside_a_callback),
		TEST(on_data_may_refuse),
		TEST(control_characters_never_reach_the_wire),
		TEST(nobody_there_and_wrong_urls_are_errors),
		TEST(connect_to_leads_elsewhere),
		TEST(freeing_the_client_ends_what_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* web: the admin address from outside, with rooms that are stubs. */
#include "server/web.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/status.h"

struct fixture {
	struct loop *loop;
	struct http_client *client;
	struct web *web;
	char dir[32];
	char *sock, *token;
	/* the last answer */
	bool done;
	int status;
	char *body, *headers;
	struct buf streamed;
	unsigned drains;
};

static void hosts(void *ctx, cJSON *out)
{
	(void)ctx;
	cJSON_AddStringToObject(cJSON_AddObjectToObject(out, "a.example"), "strategy", "failover");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(out, "b.example"), "strategy", "geoip");
	cJSON_AddStringToObject(cJSON_AddObjectToObject(out, "c.test"), "strategy", "geoip");
}

static int explain(void *ctx, const cJSON *args, cJSON *out)
{
	const char *name = json_text(args, "name");

	(void)ctx;
	if (!name) {
		cJSON_AddStringToObject(out, "error", "which name?");
		return ERR_INVALID;
	}
	cJSON_AddStringToObject(out, "text", name);
	return 0;
}

static int drain(void *ctx, const cJSON *args, cJSON *out)
{
	struct fixture *f = ctx;

	(void)args;
	(void)out;
	f->drains++;
	return 0;
}

static int lost(void *ctx, const cJSON *args, cJSON *out)
{
	(void)ctx;
	(void)args;
	cJSON_AddStringToObject(out, "error", "no host 'x'");
	return ERR_NOT_FOUND;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);
	char *why = NULL, *admin, *token;

	strcpy(f->dir, "/tmp/test_web.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->sock = mem_printf("%s/ctl.sock", f->dir);
	f->token = mem_printf("%s/token", f->dir);
	write_file(f->token, "s3cret\n");
	f->loop = loop_new();
	f->client = http_client_new(f->loop);
	status_section("hosts", hosts, f);
	status_command("explain", false, explain, f);
	status_command("drain", true, drain, f);
	status_command("lost", false, lost, f);
	admin = mem_printf("admin=unix:%s", f->sock);
	token = mem_printf("admin-token-file=%s", f->token);
	const char *const pairs[] = { "admin=127.0.0.1:0", admin, token, "cluster-geo-tag=eu",
				      NULL };
	struct config *c = config_for_test(pairs);
	assert_int_equal(web_new(f->loop, c, &f->web, &why), 0);
	config_free(c);
	free(admin);
	free(token);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->client);
	web_free(f->web);
	loop_free(f->loop);
	status_clear();
	metric_reset();
	unlink(f->token);
	assert_int_equal(rmdir(f->dir), 0); /* the socket is gone too */
	free(f->sock);
	free(f->token);
	free(f->body);
	free(f->headers);
	buf_fini(&f->streamed);
	free(f);
	return 0;
}

static void on_done(void *ctx, const struct http_response *r)
{
	struct fixture *f = ctx;

	assert_int_equal(r->err, 0);
	f->done = true;
	f->status = r->status;
	mem_strset(&f->body, buf_str(&r->body));
	free(f->headers);
	f->headers = strv_join(&r->headers, "\n");
}

static void wait_done(struct fixture *f)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (!f->done && clock_mono_ms() < end)
		loop_once(f->loop, 20);
	assert_true(f->done);
}

static void ask_port(struct fixture *f, unsigned port, const char *path, const char *body,
		     const char *token)
{
	char *url = mem_printf("http://127.0.0.1:%u%s", port, path);
	char *auth = token ? mem_printf("Authorization: Bearer %s", token) : NULL;
	const char *const headers[] = { auth, NULL };
	struct http_call call = { .url = url, .headers = headers, .on_done = on_done, .ctx = f };

	if (body) {
		call.method = "POST";
		call.body = body;
		call.body_len = strlen(body);
	}
	f->done = false;
	assert_non_null(http_client_call(f->client, &call));
	wait_done(f);
	free(url);
	free(auth);
}

static void ask(struct fixture *f, const char *path, const char *body, const char *token)
{
	ask_port(f, web_port(f->web), path, body, token);
}

static void assert_answer(struct fixture *f, const char *path, const char *body, int status,
			  const char *part)
{
	ask(f, path, body, NULL);
	if (f->status != status || !strstr(f->body, part))
		fail_msg("%s: expected %d … %s, got %d %s", path, status, part, f->status, f->body);
}

static void every_path_answers(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "/healthz", NULL, 200, "OK");
	assert_answer(f, "/metrics", NULL, 200, "external_dns_build_info{");
	assert_answer(f, "/metrics", NULL, 200, "process_open_fds ");
	assert_answer(f, "/api/v1/status", NULL, 200, "\"hosts\":{\"a.example\"");
	assert_answer(f, "/api/v1/status", NULL, 200, "\"geo_tag\":\"eu\"");
	assert_answer(f, "/api/v1/status/hosts", NULL, 200, "{\"a.example\":{");
	assert_answer(f, "/api/v1/status/nothing", NULL, 404, "no such section");
	assert_answer(f, "/api/v1/command", NULL, 200, "\"drain\":{\"mutates\":true}");
	assert_answer(f, "/nothing", NULL, 404, "not found");
}

static void sections_can_be_filtered(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "/api/v1/status/hosts?match=EXAMPLE&limit=1", NULL, 200,
		      "{\"a.example\":{\"strategy\":\"failover\"}}");
	assert_answer(f, "/api/v1/status/hosts?match=c.", NULL, 200, "{\"c.test\":");
	assert_answer(f, "/api/v1/status/hosts?limit=0", NULL, 200, "{}");
}

static void readyz_says_why_not(void **state)
{
	struct fixture *f = *state;

	status_ready_declare("manifests");
	assert_answer(f, "/readyz", NULL, 503,
		      "{\"ready\":false,\"reasons\":{\"manifests\":\"not yet\"}}");
	assert_answer(f, "/metrics", NULL, 200, "\ngslbd_ready 0\n");
	assert_answer(f, "/api/v1/status/about", NULL, 200, "\"manifests: not yet\"");
	status_ready_set("manifests", true, NULL);
	assert_answer(f, "/readyz", NULL, 200, "{\"ready\":true}");
	assert_answer(f, "/metrics", NULL, 200, "\ngslbd_ready 1\n");
}

static void commands_run_and_report(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "/api/v1/command/explain", "{\"name\":\"x.example\"}", 200,
		      "\"x.example\"");
	assert_answer(f, "/api/v1/command/explain", "", 422, "which name?");
	assert_answer(f, "/api/v1/command/lost", "{}", 404, "no host 'x'");
	assert_answer(f, "/api/v1/command/nothing", "{}", 404, "no command 'nothing'");
	assert_answer(f, "/api/v1/command/explain", "[1]", 400, "JSON object");
	assert_answer(f, "/api/v1/command/explain", "{", 400, "JSON object");
}

static void changes_need_a_token_over_tcp(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "/api/v1/command/drain", "{}", 401, "needs the unix socket or a token");
	ask(f, "/api/v1/command/drain", "{}", "s3cre");
	assert_int_equal(f->status, 401);
	ask(f, "/api/v1/command/drain", "{}", "s3cretx");
	assert_int_equal(f->status, 401);
	assert_int_equal(f->drains, 0);
	ask(f, "/api/v1/command/drain", "{}", "s3cret");
	assert_int_equal(f->status, 200);
	assert_int_equal(f->drains, 1);
	write_file(f->token, "other\n"); /* the file is read anew: tokens can be rotated */
	ask(f, "/api/v1/command/drain", "{}", "s3cret");
	assert_int_equal(f->status, 401);
	write_file(f->token, "\n");
	ask(f, "/api/v1/command/drain", "{}", "");
	assert_int_equal(f->status, 401);
	assert_int_equal(f->drains, 1);
}

static void changes_need_no_token_over_the_unix_socket(void **state)
{
	static const char req[] =
		"POST /api/v1/command/drain HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
	struct fixture *f = *state;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, f->sock);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(send(fd, req, sizeof(req) - 1, MSG_NOSIGNAL), sizeof(req) - 1);
	for (int i = 0; i < 200 && !f->drains; i++)
		loop_once(f->loop, 20);
	assert_int_equal(f->drains, 1);
	close(fd);
}

static void the_page_is_whole_and_locked_down(void **state)
{
	struct fixture *f = *state;

	assert_answer(f, "/", NULL, 200, "</html>");
	assert_non_null(strstr(f->headers,
			       "content-security-policy: default-src 'none'; script-src "
			       "'sha256-"));
	assert_null(strstr(f->body, "http://")); /* nothing from elsewhere */
	assert_null(strstr(f->body, "https://"));
	assert_null(strstr(f->body, " src="));
	assert_null(strstr(f->body, " style=")); /* the policy would refuse it */
	assert_null(strstr(f->body, " onclick="));
}

static int on_data(void *ctx, const char *data, size_t len)
{
	struct fixture *f = ctx;

	buf_add(&f->streamed, data, len);
	return 0;
}

static void wait_streamed(struct fixture *f, const char *text)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (!strstr(buf_str(&f->streamed), text) && clock_mono_ms() < end)
		loop_once(f->loop, 20);
	if (!strstr(buf_str(&f->streamed), text))
		fail_msg("no '%s' in '%s'", text, buf_str(&f->streamed));
}

static void events_follow_the_status(void **state)
{
	struct fixture *f = *state;
	char *url = mem_printf("http://127.0.0.1:%u/api/v1/events", web_port(f->web));
	struct http_call call = { .url = url, .on_data = on_data, .on_done = on_done, .ctx = f };
	struct http_request *r = http_client_call(f->client, &call);
	char text[64];

	wait_streamed(f, "event: status\ndata: {\"generation\":");
	status_touch();
	snprintf(text, sizeof(text), "{\"generation\":%lu,\"ready\":true}\n\n",
		 status_generation());
	wait_streamed(f, text);
	http_request_cancel(r);
	free(url);
}

static void a_wrong_admin_address_is_named(void **state)
{
	struct fixture *f = *state;
	const char *const pairs[] = { "admin=nowhere", NULL };
	struct config *c = config_for_test(pairs);
	struct web *w = NULL;
	char *why = NULL;

	assert_int_equal(web_new(f->loop, c, &w, &why), ERR_SYNTAX);
	assert_non_null(strstr(why, "nowhere"));
	assert_null(w);
	free(why);
	config_free(c);
}

static void the_metrics_address_has_metrics_only(void **state)
{
	struct fixture *f = *state;
	const char *const pairs[] = { "metrics-address=127.0.0.1:0", "admin=127.0.0.1:0", NULL };
	struct config *c = config_for_test(pairs);
	static const struct {
		const char *path;
		int status;
	} rows[] = { { "/metrics", 200 }, { "/healthz", 200 },       { "/readyz", 200 },
		     { "/", 404 },        { "/api/v1/status", 404 }, { "/api/v1/command", 404 } };
	struct web *w = NULL;
	char *why = NULL;

	assert_int_equal(web_metrics_port(f->web), 0); /* not asked for, not opened */
	assert_int_equal(web_new(f->loop, c, &w, &why), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ask_port(f, web_metrics_port(w), rows[i].path, NULL, NULL);
		assert_int_equal(f->status, rows[i].status);
	}
	web_free(w);
	config_free(c);
}

static void promtool_accepts_the_scrape(void **state)
{
	struct fixture *f = *state;
	FILE *p;

	if (system("command -v promtool >/dev/null 2>&1") != 0)
		skip();
	ask(f, "/metrics", NULL, NULL);
	p = popen("promtool check metrics", "w");
	assert_non_null(p);
	fputs(f->body, p);
	assert_int_equal(pclose(p), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(every_path_answers),
		TEST(sections_can_be_filtered),
		TEST(readyz_says_why_not),
		TEST(commands_run_and_report),
		TEST(changes_need_a_token_over_tcp),
		TEST(changes_need_no_token_over_the_unix_socket),
		TEST(the_page_is_whole_and_locked_down),
		TEST(events_follow_the_status),
		TEST(a_wrong_admin_address_is_named),
		TEST(the_metrics_address_has_metrics_only),
		TEST(promtool_accepts_the_scrape),
	};
	log_setup(LOG_LEVEL_WARNING, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

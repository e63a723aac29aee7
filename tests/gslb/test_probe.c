/* probe: real checks of real little servers on the loop. */
#include "gslb/probe.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "gslb/probe_http.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/loop.h"
#include "lib/mem.h"

/* --- a server that says one thing to everybody -------------------------------------------- */

struct said {
	struct loop *loop;
	int listener, client;
	struct loop_fd *ready, *asked;
	char answer[512];
	size_t len;
	unsigned count;
};

static void on_request(void *ctx)
{
	struct said *s = ctx;
	char in[4096];

	if (recv(s->client, in, sizeof(in), 0) > 0)
		(void)send(s->client, s->answer, s->len, MSG_NOSIGNAL);
	loop_fd_free(s->asked);
	(void)close(s->client);
	s->asked = NULL;
}

static void on_client(void *ctx)
{
	struct said *s = ctx;
	int fd = accept(s->listener, NULL, NULL);

	if (fd < 0)
		return;
	s->count++;
	if (s->asked) { /* one at a time is all that a probe needs */
		(void)close(fd);
		return;
	}
	s->client = fd;
	s->asked = loop_fd_new(s->loop, fd, on_request, s);
}

static struct http_client *http; /* only the feeds' test has one */

static uint16_t port_of(int fd)
{
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

static uint16_t serve(struct loop *loop, struct said *s, const void *answer, size_t len)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*s = (struct said){ .loop = loop, .listener = socket(AF_INET, SOCK_STREAM, 0), .len = len };
	memcpy(s->answer, answer, len);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	s->ready = loop_fd_new(loop, s->listener, on_client, s);
	return port_of(s->listener);
}

static void serve_end(struct said *s)
{
	loop_fd_free(s->ready);
	if (s->asked)
		(void)close(s->client);
	loop_fd_free(s->asked);
	(void)close(s->listener);
}

/* --- helpers ---------------------------------------------------------------------------------- */

static void count_turn(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static struct probe_spec *spec(const char *fmt, unsigned port)
{
	struct probe_spec *s = NULL;
	char *why = NULL, *text = mem_printf("%s", fmt);
	cJSON *json = cJSON_Parse(text);

	assert_non_null(json);
	if (port)
		(void)cJSON_AddNumberToObject(json, "port", port);
	(void)cJSON_AddStringToObject(json, "interval", "100ms");
	(void)cJSON_AddStringToObject(json, "timeout", "100ms");
	if (probe_spec_read(json, "app.example", &s, &why) < 0)
		fail_msg("%s", why);
	cJSON_Delete(json);
	free(text);
	return s;
}

/* Run until the probe is in STATE; false after ten seconds. */
static bool reaches(struct loop *loop, const struct probe *pr, enum probe_state state)
{
	uint64_t end = clock_mono_ms() + 10000;

	while (probe_state(pr) != state && clock_mono_ms() < end)
		loop_once(loop, 50);
	return probe_state(pr) == state;
}

static const struct netaddr loopback = { .family = 4, .bytes = { 127, 0, 0, 1 } };

struct expected {
	const char *spec, *answer;
	enum probe_state state;
	const char *reason; /* part of it */
};

static void check_one(const struct expected *e)
{
	struct loop *loop = loop_new();
	struct probes *probes = probes_new(loop, http);
	struct said s;
	unsigned turns = 0;
	uint16_t port = serve(loop, &s, e->answer, strlen(e->answer));
	struct probe_spec *sp = spec(e->spec, port);
	struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);

	assert_true(reaches(loop, pr, e->state));
	assert_int_equal(turns, 1);
	if (!strstr(probe_reason(pr), e->reason))
		fail_msg("%s: reason \"%s\" does not hold \"%s\"", e->spec, probe_reason(pr),
			 e->reason);
	probe_unwatch(pr, &turns);
	probe_spec_free(sp);
	probes_free(probes);
	serve_end(&s);
	loop_free(loop);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void http_judges_status_and_body(void **state)
{
	static const struct expected rows[] = {
		{ "{\"type\":\"HTTP\"}", "HTTP/1.1 200 OK\r\n\r\nhi", PROBE_UP, "" },
		{ "{\"type\":\"HTTP\"}", "HTTP/1.1 503 No\r\n\r\n", PROBE_DOWN, "status 503" },
		{ "{\"type\":\"HTTP\",\"http\":{\"expectedStatuses\":[\"503\"]}}",
		  "HTTP/1.1 503 No\r\n\r\n", PROBE_UP, "" },
		{ "{\"type\":\"HTTP\",\"http\":{\"expectedBody\":\"alive\"}}",
		  "HTTP/1.1 200 OK\r\n\r\nI am alive", PROBE_UP, "" },
		{ "{\"type\":\"HTTP\",\"http\":{\"expectedBody\":\"alive\"}}",
		  "HTTP/1.1 200 OK\r\nX: alive\r\n\r\ndead", PROBE_DOWN, "expected text" },
		{ "{\"type\":\"HTTP\"}", "SSH-2.0-x\r\n", PROBE_DOWN, "no HTTP" },
		{ "{\"type\":\"HTTP\",\"inverted\":true}", "HTTP/1.1 500 No\r\n\r\n", PROBE_UP,
		  "" },
		{ "{\"type\":\"TCP\"}", "", PROBE_UP, "" },
		{ "{\"type\":\"TLS\"}", "HTTP/1.1 400 No\r\n\r\n", PROBE_DOWN, "" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_one(&rows[i]);
}

static void grpc_reads_the_health_status(void **state)
{
	/* SETTINGS, then DATA on stream 1: not compressed, 2 octets, status = SERVING or
	 * NOT_SERVING */
	static const char serving[] = "\0\0\0\4\0\0\0\0\0\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\1";
	static const char not_serving[] = "\0\0\0\4\0\0\0\0\0\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\2";
	struct loop *loop = loop_new();

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct probes *probes = probes_new(loop, http);
		struct said s;
		unsigned turns = 0;
		uint16_t port = serve(loop, &s, i ? not_serving : serving, sizeof(serving) - 1);
		struct probe_spec *sp = spec("{\"type\":\"GRPC\"}", port);
		struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);

		assert_true(reaches(loop, pr, i ? PROBE_DOWN : PROBE_UP));
		probe_unwatch(pr, &turns);
		probe_spec_free(sp);
		probes_free(probes);
		serve_end(&s);
	}
	loop_free(loop);
}

static void it_takes_rise_and_fall_results_to_turn(void **state)
{
	struct loop *loop = loop_new();
	struct probes *probes = probes_new(loop, http);
	struct said s;
	unsigned turns = 0;
	uint16_t port = serve(loop, &s, "HTTP/1.1 200 OK\r\n\r\n", 19);
	struct probe_spec *sp = spec("{\"type\":\"HTTP\",\"rise\":2,\"fall\":3}", port);
	struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);

	(void)state;
	assert_true(reaches(loop, pr, PROBE_UP));
	assert_int_equal(s.count, 1); /* the first result decides */
	memcpy(s.answer, "HTTP/1.1 500 No\r\n\r\n", 19);
	assert_true(reaches(loop, pr, PROBE_DOWN));
	assert_int_equal(s.count, 4);
	memcpy(s.answer, "HTTP/1.1 200 OK\r\n\r\n", 19);
	assert_true(reaches(loop, pr, PROBE_UP));
	assert_int_equal(s.count, 6);
	assert_int_equal(turns, 6); /* and each result that brings a turn nearer is told */
	assert_int_equal(probe_near_ms(pr), 0);
	probe_unwatch(pr, &turns);
	probe_spec_free(sp);
	probes_free(probes);
	serve_end(&s);
	loop_free(loop);
}

static void a_feed_is_a_number_with_marks(void **state)
{
	static const char *const rows[][4] = {
		/* feed, body, up or down, load in percent */
		{ "\"max\":10", "7", "up", "" },
		{ "\"max\":10", "11", "down", "" },
		{ "\"max\":10,\"field\":\"load.now\"", "{\"load\":{\"now\":3.5}}", "up", "" },
		{ "\"max\":10,\"field\":\"load.now\"", "{\"load\":1}", "down", "" },
		{ "\"max\":10,\"field\":\"cpu\"", "# x\ncpu_x 99\ncpu{a=\"b\"} 4\n", "up", "" },
		{ "\"low\":20,\"high\":40", "30", "up", "50" },
		{ "\"low\":20,\"high\":40", "90", "up", "100" },
		{ "\"low\":20,\"high\":40", "1", "up", "0" },
		{ "\"max\":10", "no number", "down", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loop *loop = loop_new();
		struct said s;
		unsigned turns = 0;
		char answer[512];

		http = http_client_new(loop);
		struct probes *probes = probes_new(loop, http);
		int n = snprintf(
			answer, sizeof(answer),
			"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
			strlen(rows[i][1]), rows[i][1]);
		uint16_t port = serve(loop, &s, answer, (size_t)n);
		char *json = mem_printf("{\"type\":\"Feed\",\"feed\":{\"url\":"
					"\"http://{target}:%u/x\",%s}}",
					port, rows[i][0]);
		struct probe_spec *sp = spec(json, 0);
		struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);
		double load;

		assert_true(reaches(loop, pr, *rows[i][2] == 'u' ? PROBE_UP : PROBE_DOWN));
		assert_int_equal(probe_load(pr, &load), *rows[i][3] != '\0');
		if (*rows[i][3])
			assert_int_equal((int)(load * 100 + 0.5), atoi(rows[i][3]));
		probe_unwatch(pr, &turns);
		probe_spec_free(sp);
		probes_free(probes);
		http_client_free(http);
		http = NULL;
		serve_end(&s);
		loop_free(loop);
		free(json);
	}
}

static void hosts_share_one_probe_of_a_target(void **state)
{
	struct loop *loop = loop_new();
	struct probes *probes = probes_new(loop, http);
	struct probe_spec *sp = spec("{\"type\":\"TCP\"}", 1);
	struct probe_spec *other = spec("{\"type\":\"TCP\"}", 2);
	unsigned a = 0, b = 0, c = 0;
	struct probe *x = probes_watch(probes, &loopback, sp, count_turn, &a);
	struct probe *y = probes_watch(probes, &loopback, sp, count_turn, &b);
	struct probe *z = probes_watch(probes, &loopback, other, count_turn, &c);
	cJSON *list = cJSON_CreateArray();

	(void)state;
	assert_ptr_equal(x, y);
	assert_ptr_not_equal(x, z);
	probe_unwatch(x, &a);
	assert_true(reaches(loop, y, PROBE_DOWN));
	assert_int_equal(a, 0);
	assert_int_equal(b, 1);
	assert_string_equal(probe_reason(y), "Connection refused");
	probes_show(probes, list);
	assert_int_equal(cJSON_GetArraySize(list), 2);
	cJSON_Delete(list);
	probe_unwatch(y, &b);
	probe_unwatch(z, &c);
	probe_spec_free(sp);
	probe_spec_free(other);
	probes_free(probes);
	loop_free(loop);
}

static void helper_programs_and_files_are_judged(void **state)
{
	char path[] = "/tmp/gslbd-probe-XXXXXX";
	int fd = mkstemp(path);
	static const char *const words[] = { "up\n", "down\n", "7" };
	struct loop *loop = loop_new();
	struct probes *probes = probes_new(loop, http);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		unsigned turns = 0;
		char *text = mem_printf(
			"{\"type\":\"File\",\"file\":{\"path\":\"%s\"},\"feed\":{\"max\":5}}",
			path);
		struct probe_spec *sp = spec(text, 0);

		assert_int_equal(pwrite(fd, words[i], strlen(words[i]), 0), strlen(words[i]));
		assert_int_equal(ftruncate(fd, (off_t)strlen(words[i])), 0);
		struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);
		assert_true(reaches(loop, pr, i == 0 ? PROBE_UP : PROBE_DOWN));
		probe_unwatch(pr, &turns);
		probe_spec_free(sp);
		free(text);
	}
	static const char *const programs[] = { "/bin/true", "/bin/false", "/nowhere/at/all" };
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		unsigned turns = 0;
		char *text = mem_printf("{\"type\":\"Exec\",\"exec\":{\"command\":[\"%s\"]}}",
					programs[i]);
		struct probe_spec *sp = spec(text, 0);
		struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);

		assert_true(reaches(loop, pr, i == 0 ? PROBE_UP : PROBE_DOWN));
		probe_unwatch(pr, &turns);
		probe_spec_free(sp);
		free(text);
	}
	/* one that does not end is killed when its time is up */
	unsigned turns = 0;
	struct probe_spec *sp =
		spec("{\"type\":\"Exec\",\"exec\":{\"command\":[\"/bin/sleep\",\"600\"]}}", 0);
	struct probe *pr = probes_watch(probes, &loopback, sp, count_turn, &turns);
	assert_true(reaches(loop, pr, PROBE_DOWN));
	assert_string_equal(probe_reason(pr), "timed out");
	probe_unwatch(pr, &turns);
	probe_spec_free(sp);
	probes_free(probes);
	loop_free(loop);
	(void)close(fd);
	(void)unlink(path);
}

static void wrong_specs_name_the_field(void **state)
{
	static const struct {
		const char *json, *why;
	} rows[] = {
		{ "{\"type\":\"SMTP\"}", "type: there is no probe kind \"SMTP\"" },
		{ "{\"type\":\"TCP\"}", "port: must be 1 to 65535" },
		{ "{\"type\":\"TCP\",\"port\":70000}", "port: must be 1 to 65535" },
		{ "{\"type\":\"HTTP\",\"interval\":\"soon\"}",
		  "interval: \"soon\" is no duration between 100 ms and a day" },
		{ "{\"type\":\"HTTP\",\"timeout\":\"30s\"}",
		  "timeout: must not be longer than interval" },
		{ "{\"type\":\"HTTP\",\"rise\":0}", "rise, fall: must be 1 to 100" },
		{ "{\"type\":\"HTTP\",\"http\":{\"path\":\"x\"}}",
		  "http.path: must begin with / and hold no blank or line break" },
		{ "{\"type\":\"HTTP\",\"http\":{\"expectedStatuses\":[\"2xx\"]}}",
		  "http.expectedStatuses: \"2xx\" is no status or range" },
		{ "{\"type\":\"Exec\"}", "exec.command: must begin with an absolute path" },
		{ "{\"type\":\"DNS\",\"dns\":{\"name\":\"a..b\"}}",
		  "dns.name: \"a..b\" is no domain name" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe_spec *s = NULL;
		char *why = NULL;
		cJSON *json = cJSON_Parse(rows[i].json);

		assert_int_equal(probe_spec_read(json, "app.example", &s, &why), ERR_INVALID);
		assert_string_equal(why, rows[i].why);
		assert_null(s);
		free(why);
		cJSON_Delete(json);
	}
}

static void status_ranges(void **state)
{
	struct strv none = { 0 }, some = { 0 };

	(void)state;
	strv_split(&some, "200-204,404", ",");
	assert_true(probe_http_status_fits(&none, 302));
	assert_false(probe_http_status_fits(&none, 400));
	assert_true(probe_http_status_fits(&some, 204));
	assert_true(probe_http_status_fits(&some, 404));
	assert_false(probe_http_status_fits(&some, 205));
	strv_fini(&some);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_judges_status_and_body),
		cmocka_unit_test(grpc_reads_the_health_status),
		cmocka_unit_test(it_takes_rise_and_fall_results_to_turn),
		cmocka_unit_test(a_feed_is_a_number_with_marks),
		cmocka_unit_test(hosts_share_one_probe_of_a_target),
		cmocka_unit_test(helper_programs_and_files_are_judged),
		cmocka_unit_test(wrong_specs_name_the_field),
		cmocka_unit_test(status_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

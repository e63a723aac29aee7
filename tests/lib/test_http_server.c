/* http_server: routes, replies, limits, streams; over TCP and unix sockets. */
#include "lib/http_server.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"

struct fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_stream *stream;
	unsigned closed;
	char dir[32];
	char *path; /* of the unix socket */
};

static void echo(void *ctx, struct http_exchange *x)
{
	const char *q = http_exchange_query(x, "q"), *h = http_exchange_header(x, "X-Test");
	char *text = mem_printf("path=%s rest=%s q=%s h=%s body=%s local=%d post=%d",
				http_exchange_path(x), http_exchange_rest(x), q ? q : "-",
				h ? h : "-", buf_str(http_exchange_body(x)),
				http_exchange_is_local(x), http_exchange_method(x) == HTTP_POST);

	(void)ctx;
	http_exchange_set(x, "X-Own", "yes");
	http_exchange_text(x, 200, text);
	free(text);
}

static void json(void *ctx, struct http_exchange *x)
{
	cJSON *o = cJSON_CreateObject();

	(void)ctx;
	cJSON_AddNumberToObject(o, "n", 1);
	http_exchange_json(x, 503, o);
	cJSON_Delete(o);
}

static void silent(void *ctx, struct http_exchange *x)
{
	(void)ctx;
	(void)x;
}

static void on_close(void *ctx)
{
	struct fixture *f = ctx;

	f->closed++;
	f->stream = NULL;
}

static void stream(void *ctx, struct http_exchange *x)
{
	struct fixture *f = ctx;

	f->stream = http_exchange_stream(x, "text/event-stream", on_close, f);
}

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);
	char *why = NULL, *address;

	metric_reset();
	strcpy(f->dir, "/tmp/test_http.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->path = mem_printf("%s/sock", f->dir);
	f->loop = loop_new();
	f->server = http_server_new(f->loop);
	http_server_route(f->server, HTTP_GET | HTTP_POST, "/echo", echo, f);
	http_server_route(f->server, HTTP_GET, "/tree/", echo, f);
	http_server_route(f->server, HTTP_GET, "/tree/deep/", echo, f);
	http_server_route(f->server, HTTP_POST, "/post", echo, f);
	http_server_route(f->server, HTTP_GET, "/json", json, f);
	http_server_route(f->server, HTTP_GET, "/silent", silent, f);
	http_server_route(f->server, HTTP_GET, "/stream", stream, f);
	http_server_route(f->server, HTTP_GET, "/", echo, f);
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", &why), 0);
	address = mem_printf("unix:%s", f->path);
	assert_int_equal(http_server_listen(f->server, address, &why), 0);
	free(address);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(f->server);
	loop_free(f->loop);
	assert_int_not_equal(access(f->path, F_OK), 0); /* the socket file is gone */
	rmdir(f->dir);
	free(f->path);
	free(f);
	return 0;
}

/* A client's socket, connected; non-blocking. */
static int dial(const struct fixture *f, bool local)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len;
	int fd;

	if (local) {
		struct sockaddr_un *sun = (struct sockaddr_un *)&ss;

		sun->sun_family = AF_UNIX;
		strcpy(sun->sun_path, f->path);
		len = sizeof(*sun);
	} else {
		struct netaddr a;

		assert_int_equal(netaddr_from_text("127.0.0.1", &a), 0);
		a.port = (uint16_t)http_server_port(f->server);
		len = netaddr_to_sockaddr(&a, &ss);
	}
	fd = socket(ss.ss_family, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	return fd;
}

/* Run the loop until TEXT has arrived or the connection ended; what came is in B. */
static bool wait_for(const struct fixture *f, int fd, struct buf *b, const char *text)
{
	uint64_t end = clock_mono_ms() + 5000;

	while (clock_mono_ms() < end) {
		char part[65536];
		ssize_t n = recv(fd, part, sizeof(part), MSG_DONTWAIT);

		if (n > 0)
			buf_add(b, part, (size_t)n);
		if (text && strstr(buf_str(b), text))
			return true;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return !text;
		loop_once(f->loop, 20);
	}
	return false;
}

/* Send REQUEST on a fresh connection, wait for the end (Connection: close). */
static struct buf ask(const struct fixture *f, bool local, const char *request)
{
	struct buf b = { 0 };
	int fd = dial(f, local);

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	assert_true(wait_for(f, fd, &b, NULL));
	close(fd);
	return b;
}

static void assert_reply(const struct fixture *f, const char *request, const char *status,
			 const char *part)
{
	struct buf b = ask(f, false, request);

	if (strncmp(buf_str(&b), "HTTP/1.1 ", 9) != 0 || strncmp(buf_str(&b) + 9, status, 3) != 0 ||
	    !strstr(buf_str(&b), part))
		fail_msg("%s\nexpected %s … %s, got\n%s", request, status, part, buf_str(&b));
	buf_fini(&b);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static void the_longest_route_answers(void **state)
{
	static const struct {
		const char *request, *status, *part;
	} rows[] = {
		{ GET("/"), "200", "path=/ rest= q=-" },
		{ GET("/echo?q=a%20b&z="), "200", "path=/echo rest= q=a b" },
		{ GET("/tree/x/y"), "200", "rest=x/y" },
		{ GET("/tree/deep/y"), "200", "rest=y" },
		{ GET("/tree/"), "200", "rest= " },
		{ GET("/%65cho"), "200", "path=/echo" },
		{ GET("/nothing"), "404", "not found" },
		{ GET("/echo/x"), "404", "not found" },
		{ GET("/post"), "405", "Allow: POST" },
		{ GET("/json"), "503", "{\"n\":1}" },
		{ GET("/json"), "503", "Content-Type: application/json" },
		{ GET("/json"), "503", "X-Content-Type-Options: nosniff" },
		{ GET("/silent"), "500", "no reply" },
		{ GET("/ec%00ho"), "400", "bad request" },
		{ "POST /echo HTTP/1.1\r\nX-Test: hi\r\nConnection: close\r\nContent-Length: "
		  "3\r\n\r\nabc",
		  "200", "h=hi body=abc local=0 post=1" },
		{ "POST /json HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405",
		  "Allow: GET" },
		{ "DELETE /echo HTTP/1.1\r\nConnection: close\r\n\r\n", "501", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_reply(*state, rows[i].request, rows[i].status, rows[i].part);
}

static void head_has_the_length_but_no_body(void **state)
{
	struct buf b = ask(*state, false, "HEAD /echo HTTP/1.1\r\nConnection: close\r\n\r\n");

	assert_non_null(strstr(buf_str(&b), "Content-Length: "));
	assert_null(strstr(buf_str(&b), "path="));
	buf_fini(&b);
}

static void a_unix_socket_is_local_and_private(void **state)
{
	struct fixture *f = *state;
	struct buf b = ask(f, true, GET("/echo"));
	struct stat st;

	assert_non_null(strstr(buf_str(&b), "local=1"));
	buf_fini(&b);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void connections_are_kept_and_counted(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f, false);
	struct buf b = { 0 };

	for (int i = 0; i < 3; i++) {
		static const char req[] = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";

		assert_int_equal(send(fd, req, sizeof(req) - 1, MSG_NOSIGNAL), sizeof(req) - 1);
		assert_true(wait_for(f, fd, &b, "post=0"));
		buf_reset(&b);
	}
	assert_true(metric_get(METRIC_HTTP_CONNECTIONS) == 1);
	assert_true(metric_get(METRIC_HTTP_REQUESTS_TOTAL, "200") == 3);
	close(fd);
	for (int i = 0; i < 100 && metric_get(METRIC_HTTP_CONNECTIONS) > 0; i++)
		loop_once(f->loop, 20);
	assert_true(metric_get(METRIC_HTTP_CONNECTIONS) == 0);
	buf_fini(&b);
}

static void connections_over_the_limit_are_closed(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int a, c;

	http_server_limit(f->server, 1);
	a = dial(f, false);
	assert_int_equal(send(a, "GET /ec", 7, MSG_NOSIGNAL), 7);
	for (int i = 0; i < 100 && metric_get(METRIC_HTTP_CONNECTIONS) < 1; i++)
		loop_once(f->loop, 20);
	c = dial(f, false);
	assert_true(wait_for(f, c, &b, NULL)); /* ended without a byte */
	assert_int_equal(b.len, 0);
	close(c);
	assert_true(metric_get(METRIC_HTTP_REFUSED_TOTAL) == 1);
	b = ask(f, true, GET("/echo")); /* the other door has its own count */
	assert_non_null(strstr(buf_str(&b), "200 OK"));
	buf_fini(&b);
	assert_int_equal(send(a, "ho HTTP/1.1\r\n\r\n", 15, MSG_NOSIGNAL), 15);
	assert_true(wait_for(f, a, &b, "200 OK"));
	buf_fini(&b);
	close(a);
}

static void large_bodies_and_headers_are_refused(void **state)
{
	struct fixture *f = *state;
	char *big = mem_alloc(40000);
	char *req;
	struct buf b;

	b = ask(f, false,
		"POST /echo HTTP/1.1\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n");
	assert_int_equal(strncmp(buf_str(&b), "HTTP/1.1 413", 12), 0);
	buf_fini(&b);
	memset(big, 'x', 39999);
	big[39999] = '\0';
	req = mem_printf("GET /echo HTTP/1.1\r\nX-Test: %s\r\n\r\n", big);
	b = ask(f, false, req);
	assert_int_not_equal(strncmp(buf_str(&b), "HTTP/1.1 200", 12), 0);
	buf_fini(&b);
	free(req);
	free(big);
}

static void garbage_does_not_hurt(void **state)
{
	static const char *const rows[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"\x16\x03\x01\x02\r\n\r\n",
		"GET http://[ HTTP/1.1\r\n\r\n",
		"GET x HTTP/1.1\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET /echo?%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b = { 0 };
		int fd = dial(*state, false);

		assert_int_equal(send(fd, rows[i], strlen(rows[i]), MSG_NOSIGNAL), strlen(rows[i]));
		for (int n = 0; n < 5; n++)
			loop_once(((struct fixture *)*state)->loop, 1);
		shutdown(fd, SHUT_WR);
		if (!wait_for(*state, fd, &b, NULL))
			fail_msg("row %zu hangs", i);
		close(fd);
		buf_fini(&b);
	}
	assert_reply(*state, GET("/echo"), "200", "path=/echo");
}

static int open_stream(struct fixture *f, struct buf *b)
{
	int fd = dial(f, false);
	static const char req[] = "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n";

	assert_int_equal(send(fd, req, sizeof(req) - 1, MSG_NOSIGNAL), sizeof(req) - 1);
	assert_true(wait_for(f, fd, b, "text/event-stream"));
	assert_non_null(f->stream);
	return fd;
}

static void a_stream_sends_until_the_client_goes(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd = open_stream(f, &b);

	assert_int_equal(http_stream_send(f->stream, "data: 1\n\n", 9), 0);
	assert_true(wait_for(f, fd, &b, "data: 1"));
	assert_int_equal(http_stream_send(f->stream, "data: 2\n\n", 9), 0);
	assert_true(wait_for(f, fd, &b, "data: 2"));
	close(fd);
	for (int i = 0; i < 100 && !f->closed; i++)
		loop_once(f->loop, 20);
	assert_int_equal(f->closed, 1);
	buf_fini(&b);
}

static void a_stream_that_we_end_does_not_call_back(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd = open_stream(f, &b);

	http_stream_end(f->stream);
	f->stream = NULL;
	assert_true(wait_for(f, fd, &b, "\r\n0\r\n"));
	close(fd);
	for (int i = 0; i < 100 && metric_get(METRIC_HTTP_CONNECTIONS) > 0; i++)
		loop_once(f->loop, 20);
	assert_int_equal(f->closed, 0);
	buf_fini(&b);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd = open_stream(f, &b), err = 0;
	char *part = mem_zalloc(100000);

	for (int i = 0; i < 1000 && !err; i++) {
		err = http_stream_send(f->stream, part, 100000);
		loop_once(f->loop, 0);
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_int_equal(http_stream_send(f->stream, part, 1), ERR_LIMIT);
	for (int i = 0; i < 100 && !f->closed; i++)
		loop_once(f->loop, 20);
	assert_int_equal(f->closed, 1);
	close(fd);
	free(part);
	buf_fini(&b);
}

static void stopping_closes_streams(void **state)
{
	struct fixture *f = *state;
	struct buf b = { 0 };
	int fd = open_stream(f, &b);
	char *why = NULL, *address;

	http_server_free(f->server);
	assert_int_equal(f->closed, 1);
	assert_true(metric_get(METRIC_HTTP_CONNECTIONS) == 0);
	close(fd);
	buf_fini(&b);
	f->server = http_server_new(f->loop);
	address = mem_printf("unix:%s", f->path);
	assert_int_equal(http_server_listen(f->server, address, &why), 0);
	free(address);
}

static void a_stale_socket_is_replaced_and_a_living_one_is_not(void **state)
{
	struct fixture *f = *state;
	struct http_server *other = http_server_new(f->loop);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char *why = NULL, *address = mem_printf("unix:%s", f->path);
	int fd;

	assert_int_equal(http_server_listen(other, address, &why), ERR_EXISTS);
	assert_non_null(strstr(why, f->path));
	free(why);
	why = NULL;
	free(address);
	address = mem_printf("unix:%s/stale", f->dir);
	strcpy(sun.sun_path, address + 5);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	assert_int_equal(http_server_listen(other, address, &why), 0);
	http_server_free(other);
	free(address);
}

static void addresses_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *address;
		int err;
	} rows[] = {
		{ "nowhere", ERR_SYNTAX },
		{ "unix:", ERR_SYNTAX },
		{ "127.0.0.1:99999", ERR_SYNTAX },
		{ "192.0.2.1:80", ERR_IO },
		{ "unix:/nonexistent/dir/sock", ERR_IO },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *why = NULL;

		assert_int_equal(http_server_listen(f->server, rows[i].address, &why), rows[i].err);
		assert_non_null(why);
		free(why);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_longest_route_answers),
		TEST(head_has_the_length_but_no_body),
		TEST(a_unix_socket_is_local_and_private),
		TEST(connections_are_kept_and_counted),
		TEST(connections_over_the_limit_are_closed),
		TEST(large_bodies_and_headers_are_refused),
		TEST(garbage_does_not_hurt),
		TEST(a_stream_sends_until_the_client_goes),
		TEST(a_stream_that_we_end_does_not_call_back),
		TEST(a_client_that_does_not_read_is_dropped),
		TEST(stopping_closes_streams),
		TEST(a_stale_socket_is_replaced_and_a_living_one_is_not),
		TEST(addresses_that_cannot_be_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

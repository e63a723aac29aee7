/* Tests of the server on real sockets: UDP, TCP in all its forms, limits, and the handoff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "server/handoff.h"
#include "server/server.h"
#include "tests/server/harness.h"

static struct loop *loop;
static struct server *server;

static const char zones[] = "z.test 3600 SOA ns1.z.test. admin.z.test. 7 7200 3600 86400 30\n"
			    "z.test 3600 NS ns1.z.test.\n"
			    "www.z.test 300 A 192.0.2.1\n";

#define ANSWER "NOERROR aa\nAN www.z.test. 300 A 192.0.2.1\n"

static void start(const char *const *addresses, size_t n)
{
	struct server_settings *set = &harness.settings;
	char *why = NULL;

	set->listen = mem_calloc(n, sizeof(set->listen[0]));
	set->nlisten = n;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(netaddr_from_text_port(addresses[i], 53, &set->listen[i]), 0);
	server = server_new(set, loop, harness.db);
	int err = server_start(server, &why);
	if (err)
		print_error("%s\n", why);
	assert_int_equal(err, 0);
}

static void start_one(void)
{
	static const char *const one[] = { "127.0.0.1:0" };

	start(one, 1);
}

static int setup(void **state)
{
	(void)state;
	harness_start();
	harness_zones(zones);
	harness.settings.workers = 2;
	harness.settings.rate_limit = 0;
	loop = loop_new();
	server = NULL;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	server_free(server);
	for (int i = 0; i < 3; i++)
		loop_once(loop, 0);
	loop_free(loop);
	harness_stop();
	return 0;
}

static struct netaddr bound(unsigned i)
{
	struct netaddr a;

	assert_true(server_address(server, i, &a));
	return a;
}

static int connect_to(const struct netaddr *a, int type)
{
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(a, &ss);
	int fd = socket(ss.ss_family, type, 0);
	const struct timeval limit = { 10, 0 }; /* a test that hangs fails */

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	return fd;
}

static int tcp(void)
{
	struct netaddr a = bound(0);
	int one = 1;
	int fd = connect_to(&a, SOCK_STREAM);

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
	return fd;
}

/* A question with TCP's length in front; its length with that. */
static size_t question(uint8_t *out, const char *text)
{
	bool is_tcp;
	size_t len = harness_question(text, &is_tcp);

	wire_put16(out, (uint16_t)len);
	memcpy(out + 2, harness.msg, len);
	return len + 2;
}

static void receive(int fd, uint8_t *to, size_t len)
{
	while (len) {
		ssize_t n = recv(fd, to, len, 0);

		assert_true(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

static const char *receive_tcp(int fd, uint16_t *ret_id)
{
	static uint8_t msg[65535];
	uint8_t length[2];

	receive(fd, length, 2);
	receive(fd, msg, wire_get16(length));
	if (ret_id)
		*ret_id = wire_get16(msg);
	return harness_text(msg, wire_get16(length));
}

static void expect_closed(int fd)
{
	uint8_t octet;
	ssize_t n = recv(fd, &octet, 1, 0);

	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static const char *ask_udp(int fd, const char *text)
{
	static uint8_t msg[65535];
	uint8_t q[600];
	size_t len = question(q, text);

	assert_int_equal(send(fd, q + 2, len - 2, 0), len - 2);
	ssize_t n = recv(fd, msg, sizeof(msg), 0);
	assert_true(n >= 12);
	return harness_text(msg, (size_t)n);
}

static void udp_and_tcp_answer_on_every_address(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:0", "[::1]:0", "127.0.0.2:0",
						 "0.0.0.0:0", "[::]:0" };

	(void)state;
	start(addresses, ARRAY_SIZE(addresses));
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct netaddr a = bound(i);
		uint8_t q[600];

		assert_true(a.port != 0);
		int fd = connect_to(&a, SOCK_DGRAM);
		assert_string_equal(ask_udp(fd, "www.z.test A"), ANSWER);
		close(fd);
		fd = connect_to(&a, SOCK_STREAM);
		size_t len = question(q, "www.z.test A");
		assert_int_equal(send(fd, q, len, 0), len);
		assert_string_equal(receive_tcp(fd, NULL), ANSWER);
		close(fd);
	}
	struct netaddr none;
	assert_false(server_address(server, ARRAY_SIZE(addresses), &none));
}

/* A connected socket takes no answer from another address than it asked. */
static void wildcard_sockets_answer_from_the_address_that_was_asked(void **state)
{
	static const char *const addresses[] = { "0.0.0.0:0", "[::]:0" };
	struct netaddr a;

	(void)state;
	start(addresses, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(netaddr_from_text("127.0.0.77", &a), 0);
		a.port = bound(i).port;
		int fd = connect_to(&a, SOCK_DGRAM);
		assert_string_equal(ask_udp(fd, "www.z.test A"), ANSWER);
		close(fd);
	}
	assert_int_equal(netaddr_from_text("::1", &a), 0);
	a.port = bound(1).port;
	int fd = connect_to(&a, SOCK_DGRAM);
	assert_string_equal(ask_udp(fd, "www.z.test A"), ANSWER);
	close(fd);
}

static void an_address_in_use_is_told(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:0" };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	char *why = NULL;
	char want[100];

	(void)state;
	start(addresses, 1);
	server_free(server);
	server = NULL;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	harness.settings.listen[0].port = ntohs(in.sin_port);
	server = server_new(&harness.settings, loop, harness.db);
	assert_int_equal(server_start(server, &why), ERR_EXISTS);
	snprintf(want, sizeof(want), "cannot listen on 127.0.0.1:%u (udp): Address already in use",
		 ntohs(in.sin_port));
	assert_string_equal(why, want);
	free(why);
	close(fd);
}

/* RFC 7766 8: the length and the message may come in any pieces. */
static void tcp_takes_any_segmentation(void **state)
{
	uint8_t q[600];

	(void)state;
	start_one();
	int fd = tcp();
	size_t len = question(q, "www.z.test A");
	for (size_t i = 0; i < len; i++)
		assert_int_equal(send(fd, q + i, 1, 0), 1);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	/* one and a half, then the rest */
	memcpy(q + len, q, len);
	assert_int_equal(send(fd, q, len + len / 2, 0), len + len / 2);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	assert_int_equal(send(fd, q + len / 2, len - len / 2, 0), len - len / 2);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	close(fd);
}

/* RFC 7766 6.2.1.1: many queries at once; answers are told by their ids. */
static void tcp_takes_pipelined_queries(void **state)
{
	static uint8_t q[1000 * 60];
	static bool seen[1000];
	size_t len = 0;

	(void)state;
	start_one();
	int fd = tcp();
	for (unsigned i = 0; i < 1000; i++) {
		char text[64];

		snprintf(text, sizeof(text), "www.z.test A +id=%u", i);
		len += question(q + len, text);
	}
	assert_int_equal(send(fd, q, len, 0), len);
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t id;

		assert_string_equal(receive_tcp(fd, &id), ANSWER);
		assert_true(id < 1000 && !seen[id]);
		seen[id] = true;
	}
	close(fd);
}

/* A client that has sent all it wants may close its half. */
static void tcp_answers_after_a_half_close(void **state)
{
	uint8_t q[1200];

	(void)state;
	start_one();
	int fd = tcp();
	size_t len = question(q, "www.z.test A");
	len += question(q + len, "www.z.test A");
	assert_int_equal(send(fd, q, len, 0), len);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	expect_closed(fd);
}

static void tcp_closes_on_nonsense(void **state)
{
	uint8_t q[600];

	(void)state;
	start_one();
	int fd = tcp();
	assert_int_equal(send(fd, "\0", 2, 0), 2); /* a message of no octets */
	expect_closed(fd);
	fd = tcp();
	assert_int_equal(send(fd, "\0\3abc", 5, 0), 5); /* less than a header */
	expect_closed(fd);
	fd = tcp();
	size_t len = question(q, "www.z.test A");
	q[4] |= 0x80; /* a response */
	assert_int_equal(send(fd, q, len, 0), len);
	expect_closed(fd);
	/* what came before the nonsense is answered */
	fd = tcp();
	len = question(q, "www.z.test A");
	memcpy(q + len, "\0\0", 2);
	assert_int_equal(send(fd, q, len + 2, 0), len + 2);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	expect_closed(fd);
}

static void tcp_closes_idle_and_dripping_clients(void **state)
{
	uint8_t q[600];
	struct pollfd p = { .events = POLLIN };

	(void)state;
	harness.settings.tcp_idle_ms = 300;
	start_one();
	int idle = tcp();
	int dripping = tcp();
	size_t len = question(q, "www.z.test A");
	p.fd = dripping;
	for (size_t i = 0; i < len - 1 && poll(&p, 1, 100) == 0; i++)
		(void)send(dripping, q + i, 1, MSG_NOSIGNAL);
	expect_closed(dripping);
	expect_closed(idle);
}

static void the_longest_idle_goes_when_there_are_too_many(void **state)
{
	uint8_t q[600];
	int fd[5];

	(void)state;
	harness.settings.workers = 1;
	harness.settings.tcp_clients = 4;
	start_one();
	for (unsigned i = 0; i < 5; i++) {
		size_t len = question(q, "www.z.test A");

		fd[i] = tcp();
		assert_int_equal(send(fd[i], q, len, 0), len);
		assert_string_equal(receive_tcp(fd[i], NULL), ANSWER);
		if (i == 3) { /* the first is not the longest idle any more */
			assert_int_equal(send(fd[0], q, len, 0), len);
			assert_string_equal(receive_tcp(fd[0], NULL), ANSWER);
		}
	}
	expect_closed(fd[1]);
	close(fd[0]);
	for (unsigned i = 2; i < 5; i++)
		close(fd[i]);
}

static void one_address_has_its_share_of_connections(void **state)
{
	uint8_t q[600];
	int fd[4];

	(void)state;
	harness.settings.workers = 1;
	harness.settings.tcp_clients_per_address = 3;
	start_one();
	for (unsigned i = 0; i < 4; i++) {
		size_t len = question(q, "www.z.test A");

		fd[i] = tcp();
		assert_int_equal(send(fd[i], q, len, 0), len);
		assert_string_equal(receive_tcp(fd[i], NULL), ANSWER);
	}
	expect_closed(fd[0]);
	for (unsigned i = 1; i < 4; i++)
		close(fd[i]);
}

/* A client that reads nothing blocks itself alone, and gets everything when it reads. */
static void tcp_waits_for_slow_readers(void **state)
{
	static uint8_t q[60];
	char records[4000] = "";
	unsigned sent = 0;

	(void)state;
	for (int i = 0; i < 15; i++)
		snprintf(records + strlen(records), 300, "big.z.test 60 TXT \"%0200d\"\n", i);
	harness_zones(records);
	harness.settings.workers = 1;
	start_one();
	int slow = tcp();
	size_t len = question(q, "big.z.test TXT");
	struct pollfd p = { .fd = slow, .events = POLLOUT };
	while (poll(&p, 1, 200) == 1 && sent < 20000) {
		ssize_t n = send(slow, q, len, MSG_DONTWAIT);

		if (n < 0)
			continue;
		if ((size_t)n < len) {
			/* the rest of this one must follow when there is room */
			uint8_t *rest = q + n;
			size_t left = len - (size_t)n;
			static uint8_t sink[65536];

			while (left) {
				ssize_t m = send(slow, rest, left, MSG_DONTWAIT);

				if (m > 0) {
					rest += m;
					left -= (size_t)m;
				} else {
					break;
				}
			}
			(void)sink;
			if (left)
				break;
		}
		sent++;
	}
	assert_in_range(sent, 100, 20000);
	/* others are served meanwhile */
	int other = tcp();
	uint8_t w[60];
	size_t wlen = question(w, "www.z.test A");
	assert_int_equal(send(other, w, wlen, 0), wlen);
	assert_string_equal(receive_tcp(other, NULL), ANSWER);
	close(other);
	for (unsigned i = 0; i < sent; i++)
		assert_memory_equal(receive_tcp(slow, NULL), "NOERROR aa\nAN big.z.test.", 25);
	close(slow);
}

static void rate_limits_hold_and_slip(void **state)
{
	(void)state;
	harness.settings.workers = 1;
	harness.settings.rate_limit = 50;
	harness.settings.rate_limit_slip = 2;
	start_one();
	struct netaddr a = bound(0);
	int fd = connect_to(&a, SOCK_DGRAM);
	const struct timeval limit = { 0, 500000 };
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	uint8_t q[600];
	size_t len = question(q, "www.z.test A");
	uint8_t msg[600];
	unsigned whole = 0;
	unsigned cut = 0;
	for (unsigned i = 0; i < 250; i++)
		assert_int_equal(send(fd, q + 2, len - 2, 0), len - 2);
	for (;;) {
		ssize_t n = recv(fd, msg, sizeof(msg), 0);

		if (n < 0)
			break;
		const char *text = harness_text(msg, (size_t)n);
		if (strcmp(text, ANSWER) == 0)
			whole++;
		else if (strcmp(text, "NOERROR tc\n") == 0)
			cut++;
		else
			fail_msg("%s", text);
	}
	assert_in_range(whole, 50, 80); /* a burst of one second, and what the test took */
	assert_in_range(cut, 80, 100);
	/* another name has its own share */
	assert_memory_equal(ask_udp(fd, "nope.z.test A"), "NXDOMAIN aa\n", 12);
	close(fd);
}

static void exempt_prefixes_and_dry_runs_are_not_limited(void **state)
{
	(void)state;
	for (unsigned dry = 0; dry < 2; dry++) {
		harness.settings.workers = 1;
		harness.settings.rate_limit = 1;
		harness.settings.rate_limit_dry_run = dry;
		if (!dry) {
			harness.settings.rate_limit_exempt =
				mem_calloc(1, sizeof(struct netprefix));
			harness.settings.nrate_limit_exempt = 1;
			assert_int_equal(netprefix_from_text("127.0.0.0/8",
							     harness.settings.rate_limit_exempt),
					 0);
		} else {
			harness.settings.nrate_limit_exempt = 0;
		}
		free(harness.settings.listen);
		start_one();
		struct netaddr a = bound(0);
		int fd = connect_to(&a, SOCK_DGRAM);
		for (unsigned i = 0; i < 50; i++)
			assert_string_equal(ask_udp(fd, "www.z.test A"), ANSWER);
		close(fd);
		server_free(server);
		server = NULL;
	}
}

/* --- handoff --------------------------------------------------------------- */

struct job {
	struct handoff *h;
	unsigned left;
	unsigned again;
};

static struct job job;
static uint8_t stream[60000];

static void send_more(void *ctx)
{
	struct job *j = ctx;

	while (j->left) {
		wire_put16(stream + 12, (uint16_t)j->left);
		int err = handoff_send(j->h, stream, sizeof(stream));

		if (err == ERR_AGAIN) {
			j->again++;
			return;
		}
		if (err)
			break;
		j->left--;
	}
	handoff_done(j->h);
	j->h = NULL;
}

static void stream_handler(void *ctx, struct handoff *h)
{
	size_t len;
	const uint8_t *msg = handoff_msg(h, &len);

	(void)ctx;
	memcpy(stream, msg, 12);
	job.h = h;
	assert_true(handoff_is_tcp(h));
	assert_int_equal(handoff_max(h), 65535);
	handoff_on_room(h, send_more, &job);
	send_more(&job);
}

/* A transfer of 30 MB to a client that reads slowly: never more than the limit is in memory. */
static void a_transfer_flows_with_back_pressure(void **state)
{
	static uint8_t got[65535];
	uint8_t q[600];
	unsigned expected = 500;

	(void)state;
	harness.settings.workers = 1;
	start_one();
	server_stop(server);
	handoff_handler(server, stream_handler, NULL);
	char *why = NULL;
	assert_int_equal(server_start(server, &why), 0);
	job = (struct job){ .left = expected };
	int fd = tcp();
	size_t len = question(q, "z.test AXFR");
	len += question(q + len, "www.z.test A"); /* answered when the transfer is done */
	assert_int_equal(send(fd, q, len, 0), len);
	while (job.left == 500)
		loop_once(loop, 10);
	while (expected) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint8_t length[2];

		while (poll(&p, 1, 0) == 0)
			loop_once(loop, 1);
		receive(fd, length, 2);
		assert_int_equal(wire_get16(length), sizeof(stream));
		size_t at = 0;
		while (at < sizeof(stream)) {
			ssize_t n = recv(fd, got + at, sizeof(stream) - at, MSG_DONTWAIT);

			if (n > 0)
				at += (size_t)n;
			else
				loop_once(loop, 1);
		}
		assert_int_equal(wire_get16(got + 12), expected);
		expected--;
	}
	while (job.h)
		loop_once(loop, 10);
	assert_true(job.again > 0);
	assert_string_equal(receive_tcp(fd, NULL), ANSWER);
	close(fd);
}

static void a_transfer_ends_when_the_client_leaves(void **state)
{
	uint8_t q[600];

	(void)state;
	harness.settings.workers = 1;
	start_one();
	server_stop(server);
	handoff_handler(server, stream_handler, NULL);
	char *why = NULL;
	assert_int_equal(server_start(server, &why), 0);
	job = (struct job){ .left = 1000000 };
	int fd = tcp();
	size_t len = question(q, "z.test AXFR");
	assert_int_equal(send(fd, q, len, 0), len);
	while (job.left > 999990)
		loop_once(loop, 10);
	close(fd);
	while (job.h)
		loop_once(loop, 10);
	assert_true(job.left > 0);
}

static void echo_handler(void *ctx, struct handoff *h)
{
	static uint8_t out[65535];
	size_t len;
	uint8_t *msg = handoff_msg(h, &len);

	(void)ctx;
	if (msg[2] >> 3 == 0) { /* a query with TSIG: take it off, answer as a worker would */
		msg[11]--;
		len = handoff_answer(h, msg, len - 19, out, handoff_max(h));
		assert_int_equal(handoff_send(h, out, len), 0);
	} else {
		msg[2] |= 0x80;
		assert_int_equal(handoff_send(h, msg, len), 0);
	}
	handoff_done(h);
}

static void notify_over_udp_is_answered_by_the_loop(void **state)
{
	static const char *const addresses[] = { "0.0.0.0:0" };
	uint8_t msg[600];
	struct netaddr a;

	(void)state;
	start(addresses, 1);
	server_stop(server);
	handoff_handler(server, echo_handler, NULL);
	char *why = NULL;
	assert_int_equal(server_start(server, &why), 0);
	assert_int_equal(netaddr_from_text("127.0.0.9", &a), 0);
	a.port = bound(0).port;
	int fd = connect_to(&a, SOCK_DGRAM);
	for (int i = 0; i < 1000; i++) { /* more than may be under way at once */
		bool is_tcp;
		size_t len = harness_question("z.test SOA +flags=2400", &is_tcp);

		assert_int_equal(send(fd, harness.msg, len, 0), len);
		ssize_t n;
		while ((n = recv(fd, msg, sizeof(msg), MSG_DONTWAIT)) < 0)
			loop_once(loop, 1);
		assert_string_equal(harness_text(msg, (size_t)n), "NOERROR opcode=4 aa\n");
	}
	/* a signed query */
	bool is_tcp;
	size_t len = harness_question("www.z.test A", &is_tcp);
	memcpy(harness.msg + len,
	       "\1k\0\0\xfa\0\xff\0\0\0\0\0\6"
	       "abcdef",
	       19);
	harness.msg[11]++;
	assert_int_equal(send(fd, harness.msg, len + 19, 0), len + 19);
	ssize_t n;
	while ((n = recv(fd, msg, sizeof(msg), MSG_DONTWAIT)) < 0)
		loop_once(loop, 1);
	assert_string_equal(harness_text(msg, (size_t)n), ANSWER);
	close(fd);
}

static struct handoff *kept;

static void keep_handler(void *ctx, struct handoff *h)
{
	(void)ctx;
	kept = h;
}

static void a_stopped_server_has_no_way_back(void **state)
{
	uint8_t q[600];

	(void)state;
	start_one();
	server_stop(server);
	handoff_handler(server, keep_handler, NULL);
	char *why = NULL;
	assert_int_equal(server_start(server, &why), 0);
	kept = NULL;
	int fd = tcp();
	size_t len = question(q, "z.test AXFR");
	assert_int_equal(send(fd, q, len, 0), len);
	while (kept == NULL)
		loop_once(loop, 10);
	server_free(server);
	server = NULL;
	assert_true(handoff_is_gone(kept));
	assert_int_equal(handoff_send(kept, q + 2, len - 2), ERR_GONE);
	handoff_done(kept);
	expect_closed(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(udp_and_tcp_answer_on_every_address),
		TEST(wildcard_sockets_answer_from_the_address_that_was_asked),
		TEST(an_address_in_use_is_told),
		TEST(tcp_takes_any_segmentation),
		TEST(tcp_takes_pipelined_queries),
		TEST(tcp_answers_after_a_half_close),
		TEST(tcp_closes_on_nonsense),
		TEST(tcp_closes_idle_and_dripping_clients),
		TEST(the_longest_idle_goes_when_there_are_too_many),
		TEST(one_address_has_its_share_of_connections),
		TEST(tcp_waits_for_slow_readers),
		TEST(rate_limits_hold_and_slip),
		TEST(exempt_prefixes_and_dry_runs_are_not_limited),
		TEST(a_transfer_flows_with_back_pressure),
		TEST(a_transfer_ends_when_the_client_leaves),
		TEST(notify_over_udp_is_answered_by_the_loop),
		TEST(a_stopped_server_has_no_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

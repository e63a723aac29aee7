/* The probes without a connection: DNS over UDP against a server of the test's own, ICMP echo. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "gslb/probe.h"
#include "lib/clock.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "tests/fake_dns.h"

enum say { GOOD, SERVFAIL, OTHER_ID, OTHER_QUESTION, NO_ANSWER_BIT, SHORT, SILENCE };

struct server {
	enum say say;
	unsigned asked;
	uint8_t last[512];
	size_t len;
};

static void on_question(void *ctx, struct fake_dns *f, uint8_t *msg, size_t len, bool tcp)
{
	struct server *s = ctx;

	assert_false(tcp);
	assert_true(len >= 17 && len <= sizeof(s->last));
	memcpy(s->last, msg, len);
	s->len = len;
	s->asked++;
	if (s->say != NO_ANSWER_BIT)
		msg[2] |= 0x80;
	if (s->say == SERVFAIL)
		msg[3] = (uint8_t)((msg[3] & 0xf0) | 2);
	if (s->say == OTHER_ID)
		msg[0] ^= 0xff;
	if (s->say == OTHER_QUESTION)
		msg[13] ^= 0x01;
	if (s->say != SILENCE)
		fake_dns_reply(f, msg, s->say == SHORT ? 11 : len);
}

static struct probe_spec *read_spec(const char *text, unsigned port)
{
	cJSON *json = cJSON_Parse(text);
	struct probe_spec *s = NULL;
	char *why = NULL;

	assert_non_null(json);
	if (port)
		(void)cJSON_AddNumberToObject(json, "port", port);
	(void)cJSON_AddStringToObject(json, "interval", "100ms");
	(void)cJSON_AddStringToObject(json, "timeout", "100ms");
	if (probe_spec_read(json, "app.example.test", &s, &why) < 0)
		fail_msg("%s", why);
	cJSON_Delete(json);
	return s;
}

static void turned(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static void settle(struct loop *loop, const struct probe *pr)
{
	uint64_t end = clock_mono_ms() + 10000;

	while (probe_state(pr) == PROBE_UNKNOWN && clock_mono_ms() < end)
		loop_once(loop, 50);
}

static void dns_wants_our_answer_with_the_expected_rcode(void **state)
{
	static const struct {
		enum say say;
		const char *more; /* of the spec */
		enum probe_state state;
		const char *reason;
	} rows[] = {
		{ GOOD, "", PROBE_UP, "" },
		{ SERVFAIL, "", PROBE_DOWN, "SERVFAIL" },
		{ SERVFAIL, ",\"expectedRcode\":\"SERVFAIL\"", PROBE_UP, "" },
		{ OTHER_ID, "", PROBE_DOWN, "timed out" },
		{ OTHER_QUESTION, "", PROBE_DOWN, "timed out" },
		{ NO_ANSWER_BIT, "", PROBE_DOWN, "timed out" },
		{ SHORT, "", PROBE_DOWN, "timed out" },
		{ SILENCE, "", PROBE_DOWN, "timed out" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct loop *loop = loop_new();
		struct probes *probes = probes_new(loop, NULL);
		struct server server = { .say = rows[i].say };
		struct fake_dns *dns = fake_dns_new(loop, on_question, &server);
		char *text = mem_printf("{\"type\":\"DNS\",\"dns\":{\"name\":\"up.example.test\","
					"\"type\":\"AAAA\"%s}}",
					rows[i].more);
		struct probe_spec *spec = read_spec(text, fake_dns_address(dns)->port);
		unsigned turns = 0;
		struct probe *pr =
			probes_watch(probes, fake_dns_address(dns), spec, turned, &turns);

		settle(loop, pr);
		assert_int_equal(probe_state(pr), rows[i].state);
		if (!strstr(probe_reason(pr), rows[i].reason))
			fail_msg("row %zu: \"%s\"", i, probe_reason(pr));
		/* one question, no recursion wanted, the name and type of the spec */
		assert_memory_equal(server.last + 4, "\0\1\0\0\0\0\0\0", 8);
		assert_memory_equal(server.last + 12, "\2up\7example\4test\0\0\34\0\1", 21);
		probe_unwatch(pr, &turns);
		probe_spec_free(spec);
		fake_dns_free(dns);
		probes_free(probes);
		loop_free(loop);
		free(text);
	}
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return has;
}

/* May this process send pings at all? */
static bool may_ping(bool v6)
{
	int family = v6 ? AF_INET6 : AF_INET, protocol = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

static void icmp_is_up_where_the_address_echoes(void **state)
{
	static const struct {
		struct netaddr target;
		enum probe_state state;
	} rows[] = {
		{ { .family = 4, .bytes = { 127, 0, 0, 1 } }, PROBE_UP },
		{ { .family = 6, .bytes = { [15] = 1 } }, PROBE_UP },
		{ { .family = 4, .bytes = { 240, 0, 0, 1 } }, PROBE_DOWN }, /* no such network */
	};
	struct loop *loop = loop_new();
	struct probes *probes = probes_new(loop, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].target.family == 6 && !has_ipv6())
			continue;
		struct probe_spec *spec = read_spec("{\"type\":\"ICMP\"}", 0);
		unsigned turns = 0;
		struct probe *pr = probes_watch(probes, &rows[i].target, spec, turned, &turns);

		settle(loop, pr);
		if (may_ping(rows[i].target.family == 6)) {
			if (probe_state(pr) != rows[i].state)
				fail_msg("row %zu: %s", i, probe_reason(pr));
		} else { /* then it says what the user can do */
			assert_int_equal(probe_state(pr), PROBE_DOWN);
			assert_non_null(strstr(probe_reason(pr), "ping_group_range"));
		}
		probe_unwatch(pr, &turns);
		probe_spec_free(spec);
	}
	probes_free(probes);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dns_wants_our_answer_with_the_expected_rcode),
		cmocka_unit_test(icmp_is_up_where_the_address_echoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

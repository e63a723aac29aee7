/* Tests of the server's options and of secrets that change while it runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "server/server.h"
#include "server/server_inside.h"
#include "server/settings.h"
#include "zonedb/zonedb.h"

static char path[] = "/tmp/gslbd-test-secrets.XXXXXX";

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int load(const char *const *pairs, struct server_settings *ret, char **ret_why)
{
	struct config *c = config_for_test(pairs);

	assert_non_null(c);
	int err = server_settings_load(c, ret, ret_why);
	config_free(c);
	return err;
}

static void defaults_are_as_documented(void **state)
{
	const char *const none[] = { NULL };
	struct server_settings s;
	char *why = NULL;

	(void)state;
	assert_int_equal(load(none, &s, &why), 0);
	assert_int_equal(s.nlisten, 1);
	assert_int_equal(s.listen[0].family, 6);
	assert_int_equal(s.listen[0].port, 5353);
	assert_int_equal(s.udp_size, 1232);
	assert_int_equal(s.rate_limit, 200);
	assert_int_equal(s.rate_limit_slip, 2);
	assert_int_equal(s.tcp_clients, 10000);
	assert_int_equal(s.tcp_clients_per_address, 0);
	assert_int_equal(s.tcp_idle_ms, 10000);
	assert_true(s.ecs_trust_all);
	assert_true(s.rotate);
	assert_false(s.full_responses);
	assert_false(s.cookie_required);
	assert_null(s.nsid);
	assert_null(s.version);
	assert_int_equal(s.cookies.n, 0);
	assert_int_equal(s.report_agent[0], 0);
	server_settings_fini(&s);
}

static void every_option_arrives(void **state)
{
	const char *const pairs[] = { "listen=192.0.2.1:53",
				      "nsid=n",
				      "server-id=i",
				      "version-text=v",
				      "edns-size=1400",
				      "rate-limit=7",
				      "rate-limit-slip=0",
				      "rate-limit-dry-run=true",
				      "rate-limit-exempt=10.0.0.0/8",
				      "require-cookies=true",
				      "cookie-secret=000102030405060708090A0B0C0D0E0F",
				      "max-tcp-clients=5",
				      "max-tcp-clients-per-address=2",
				      "tcp-idle-timeout=3s",
				      "ecs-trust=10.0.0.0/8,2001:db8::/32",
				      "report-agent=agent.example.",
				      "full-responses=true",
				      "rotate=false",
				      "workers=3",
				      NULL };
	struct server_settings s;
	char *why = NULL;

	(void)state;
	int err = load(pairs, &s, &why);
	if (err)
		print_error("%s\n", why);
	assert_int_equal(err, 0);
	assert_int_equal(s.listen[0].port, 53);
	assert_string_equal(s.nsid, "n");
	assert_string_equal(s.id_server, "i");
	assert_string_equal(s.version, "v");
	assert_int_equal(s.udp_size, 1400);
	assert_int_equal(s.rate_limit, 7);
	assert_int_equal(s.rate_limit_slip, 0);
	assert_true(s.rate_limit_dry_run);
	assert_int_equal(s.nrate_limit_exempt, 1);
	assert_true(s.cookie_required);
	assert_int_equal(s.cookies.n, 1);
	assert_int_equal(s.cookies.secret[0][15], 15);
	assert_int_equal(s.tcp_clients, 5);
	assert_int_equal(s.tcp_clients_per_address, 2);
	assert_int_equal(s.tcp_idle_ms, 3000);
	assert_false(s.ecs_trust_all);
	assert_int_equal(s.necs_trust, 2);
	assert_memory_equal(s.report_agent, "\5agent\7example", 15);
	assert_true(s.full_responses);
	assert_false(s.rotate);
	assert_int_equal(s.workers, 3);
	server_settings_fini(&s);
}

static void bad_options_are_named(void **state)
{
	static const struct {
		const char *pair, *why;
	} cases[] = {
		{ "listen=300.1.2.3:53", "--listen=300.1.2.3:53: syntax error" },
		{ "rate-limit-exempt=x", "--rate-limit-exempt=x: syntax error" },
		{ "report-agent=a..b", "--report-agent=a..b: syntax error" },
		{ "cookie-secret=00", "--cookie-secret: not 32 hex digits" },
		{ "cookie-secret=x00102030405060708090A0B0C0D0E0F",
		  "--cookie-secret: not 32 hex digits" },
		{ "cookie-secret-file=/nonexistent",
		  "--cookie-secret-file: /nonexistent: No such file or directory" },
		{ "edns-size=100", "--edns-size: must be 512 to 4096" },
		{ "rate-limit=-1", "--rate-limit: must be 0 to 1000000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const pairs[] = { cases[i].pair, NULL };
		struct server_settings s;
		char *why = NULL;

		assert_true(load(pairs, &s, &why) < 0);
		assert_string_equal(why, cases[i].why);
		free(why);
	}
}

static void files_of_secrets_are_read_strictly(void **state)
{
	static const struct {
		const char *text, *why; /* after the path */
	} cases[] = {
		{ "", ": no secret in it" },
		{ "# only this\n\n", ": no secret in it" },
		{ "0011\n", " line 1: not 32 hex digits" },
		{ "\n00112233445566778899aabbccddeefg\n", " line 2: not 32 hex digits" },
		{ "00112233445566778899aabbccddeeff\n00112233445566778899aabbccddeefe\n"
		  "00112233445566778899aabbccddeefd\n",
		  " line 3: more than two secrets" },
	};
	struct cookie_keys k;
	char *why = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_file(cases[i].text);
		assert_int_equal(server_settings_secrets(path, &k, &why), ERR_INVALID);
		assert_string_equal(why + strlen(path), cases[i].why);
		free(why);
		why = NULL;
	}
	write_file("  00112233445566778899AABBCCDDEEFF # new\n# old:\n"
		   "ffeeddccbbaa99887766554433221100");
	assert_int_equal(server_settings_secrets(path, &k, &why), 0);
	assert_int_equal(k.n, 2);
	assert_int_equal(k.secret[0][1], 0x11);
	assert_int_equal(k.secret[1][1], 0xee);
}

static void secrets_change_while_the_server_runs(void **state)
{
	const char *pairs[] = { "listen=127.0.0.1:0", NULL, NULL };
	struct zonedb *db = zonedb_new();
	struct loop *loop = loop_new();
	struct server_settings s;
	char *why = NULL;

	(void)state;
	write_file("00112233445566778899aabbccddeeff\n");
	pairs[1] = mem_printf("cookie-secret-file=%s", path);
	assert_int_equal(load(pairs, &s, &why), 0);
	struct server *server = server_new(&s, loop, db);
	assert_int_equal(server_start(server, &why), 0);
	assert_int_equal(server_cookies(server)->n, 1);
	for (unsigned i = 0; i < 5; i++) {
		char text[100];

		snprintf(text, sizeof(text), "%032x\n00112233445566778899aabbccddeeff\n", i);
		write_file(text);
		server_reload(server);
		assert_int_equal(server_cookies(server)->n, 2);
		assert_int_equal(server_cookies(server)->secret[0][15], i);
		write_file("broken\n"); /* the last good ones stay */
		server_reload(server);
		assert_int_equal(server_cookies(server)->secret[0][15], i);
	}
	server_free(server);
	server_settings_fini(&s);
	loop_free(loop);
	zonedb_free(db);
	free((char *)(uintptr_t)pairs[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_as_documented),
		cmocka_unit_test(every_option_arrives),
		cmocka_unit_test(bad_options_are_named),
		cmocka_unit_test(files_of_secrets_are_read_strictly),
		cmocka_unit_test(secrets_change_while_the_server_runs),
	};

	close(mkstemp(path));
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}

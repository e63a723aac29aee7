/* Hetzner's Cloud API: record sets, paging, actions that take their time, refusals. */
#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_hetzner;

#define ZONES                                                                   \
	"{\"zones\":[{\"id\":7,\"name\":\"example.test\",\"mode\":\"primary\"," \
	"\"ttl\":3600}],\"meta\":{\"pagination\":{\"page\":1,\"per_page\":50,"  \
	"\"previous_page\":null,\"next_page\":null,\"last_page\":1,\"total_entries\":1}}}"
#define PAGE(sets, next)                                                                 \
	"{\"rrsets\":[" sets "],\"meta\":{\"pagination\":{\"page\":1,"                   \
	"\"per_page\":50,\"previous_page\":null,\"next_page\":" next ",\"last_page\":2," \
	"\"total_entries\":3}}}"
#define SET(name, type, ttl, value)                                                              \
	"{\"id\":\"" name "/" type "\",\"name\":\"" name "\",\"type\":\"" type "\",\"ttl\":" ttl \
	",\"labels\":{},\"protection\":{\"change\":false},\"records\":[{\"value\":\"" value      \
	"\",\"comment\":\"\"}],\"zone\":7}"
#define ACTION(status)                                                                        \
	"{\"action\":{\"id\":600,\"status\":\"" status "\",\"command\":\"x\",\"progress\":0," \
	"\"started\":\"2026-01-01T00:00:00Z\",\"finished\":null,\"error\":null,"              \
	"\"resources\":[{\"id\":7,\"type\":\"zone\"}]}}"
#define ENV FLAGS("HCLOUD_TOKEN", "t0ken", "HCLOUD_ENDPOINT", "@")

static const struct script_row rows[] = {
	{ "GET", "/zones?*", 200, ZONES, NULL },
	{ "GET", "/zones/7/rrsets?page=1*", 200,
	  PAGE(SET("@", "NS", "null", "ns1.x.") "," SET("www", "A", "60", "192.0.2.1"), "2"),
	  NULL },
	{ "GET", "/zones/7/rrsets?page=2*", 200,
	  PAGE(SET("t", "TXT", "null", "\\\"a b\\\""), "null"), NULL },
	{ "GET", "/zones/7/rrsets?*", 200,
	  PAGE(SET("@", "NS", "null", "ns1.x.") "," SET("www", "A", "60", "192.0.2.1"), "2"),
	  NULL },
	{ "POST", "/zones/7/rrsets", 201, ACTION("running"), NULL },
	{ "POST", "/zones/7/rrsets/www/A/actions/set_records", 201, ACTION("running"), NULL },
	{ "POST", "/zones/7/rrsets/www/A/actions/change_ttl", 201, ACTION("success"), NULL },
	{ "DELETE", "/zones/7/rrsets/www/A", 201, ACTION("running"), NULL },
	{ "GET", "/zones/actions/600", 200, ACTION("running"), NULL },
	{ "GET", "/zones/actions/600", 200, ACTION("success"), NULL },
	{ "GET", "/actions/600", 200, ACTION("running"), NULL },
	{ "GET", "/actions/600", 200, ACTION("success"), NULL },
	{ 0 },
};

static void up(struct script *s, const struct script_row *answers)
{
	assert_int_equal(script_up(s, &provider_hetzner, answers, ENV, FLAGS("provider=hetzner")),
			 0);
}

static void all_pages_are_read(void **state)
{
	struct script s;

	(void)state;
	up(&s, rows);
	script_read(&s);
	assert_int_equal(s.err, 0);
	assert_int_equal(s.asked.n, 3);
	script_asked(&s, 0, "GET /zones?page=1&per_page=50");
	script_asked(&s, 1, "GET /zones/7/rrsets?page=1&per_page=100");
	script_asked(&s, 2, "GET /zones/7/rrsets?page=2&per_page=100");
	assert_non_null(strstr(s.headers.s[0], "Authorization: Bearer t0ken"));
	assert_int_equal(s.records.n, 3);
	assert_string_equal(s.records.s[0], "example.test NS ns1.x");
	assert_string_equal(s.records.s[1], "t.example.test TXT \"a b\"");
	assert_string_equal(s.records.s[2], "www.example.test A 192.0.2.1 ttl=60");
	assert_string_equal(provider_hetzner.zones(s.provider)->s[0], "example.test");
	script_down(&s);
}

static void each_change_waits_for_its_action(void **state)
{
	static const struct script_change changes[] = {
		{ NULL, "new.example.test A 192.0.2.9 ttl=120", 0 },
		{ "www.example.test A 192.0.2.1 ttl=60",
		  "www.example.test A 192.0.2.2,192.0.2.3 ttl=300", 0 },
	};
	static const struct script_change removal[] = {
		{ "www.example.test A 192.0.2.1 ttl=60", NULL, 0 },
	};
	struct script s;

	(void)state;
	up(&s, rows);
	script_read(&s);
	script_forget(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	script_asked(&s, 0,
		     "POST /zones/7/rrsets {\"name\":\"new\",\"type\":\"A\",\"ttl\":120,"
		     "\"records\":[{\"value\":\"192.0.2.9\"}]}");
	script_asked(&s, 1, "GET /zones/actions/600"); /* running */
	script_asked(&s, 2, "GET /zones/actions/600"); /* success */
	script_asked(&s, 3,
		     "POST /zones/7/rrsets/www/A/actions/set_records "
		     "{\"records\":[{\"value\":\"192.0.2.2\"},{\"value\":\"192.0.2.3\"}]}");
	script_asked(&s, s.asked.n - 1,
		     "POST /zones/7/rrsets/www/A/actions/change_ttl {\"ttl\":300}");
	script_forget(&s);
	script_apply(&s, removal, 1);
	script_asked(&s, 0, "DELETE /zones/7/rrsets/www/A");
	script_down(&s);
}

static void a_refusal_is_its_records_own(void **state)
{
	static const struct script_row answers[] = {
		{ "GET", "/zones?*", 200, ZONES, NULL },
		{ "GET", "/zones/7/rrsets?*", 200, PAGE("", "null"), NULL },
		{ "POST", "/zones/7/rrsets", 422,
		  "{\"error\":{\"code\":\"invalid_input\",\"message\":\"bad value\"}}", NULL },
		{ "POST", "/zones/7/rrsets", 201, ACTION("success"), NULL },
		{ 0 },
	};
	static const struct script_change changes[] = {
		{ NULL, "bad.example.test A 192.0.2.9", ERR_INVALID },
		{ NULL, "good.example.test A 192.0.2.9", 0 },
		{ NULL, "other.example A 192.0.2.9", ERR_NOT_FOUND }, /* no such zone */
	};
	struct script s;

	(void)state;
	up(&s, answers);
	script_read(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	assert_int_not_equal(s.err, 0);
	script_down(&s);
}

static void credentials_are_looked_at_when_it_opens(void **state)
{
	static const struct {
		const char *token, *endpoint, *why;
	} table[] = {
		{ "", "@", "HCLOUD_TOKEN" },
		{ "file:/nowhere/token", "@", "/nowhere/token" },
		{ "t", "https://dns.hetzner.com/api/v1", "shut down" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct script s;
		const char *const env[] = { "HCLOUD_TOKEN", table[i].token, "HCLOUD_ENDPOINT",
					    table[i].endpoint, NULL };

		assert_int_not_equal(
			script_up(&s, &provider_hetzner, rows, env, FLAGS("provider=hetzner")), 0);
		assert_non_null(strstr(s.err_text, table[i].why));
		script_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_are_read),
		cmocka_unit_test(each_change_waits_for_its_action),
		cmocka_unit_test(a_refusal_is_its_records_own),
		cmocka_unit_test(credentials_are_looked_at_when_it_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

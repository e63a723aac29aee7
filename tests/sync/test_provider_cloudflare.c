/* Cloudflare's API v4: zones, pages, batches and what happens without them, proxied records. */
#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_cloudflare;

#define PROXIED "external-dns.alpha.kubernetes.io/cloudflare-proxied"
#define GOOD(result, more) \
	"{\"success\":true,\"errors\":[],\"messages\":[],\"result\":" result more "}"
#define BAD(code, text)                                                                 \
	"{\"success\":false,\"errors\":[{\"code\":" code ",\"message\":\"" text "\"}]," \
	"\"messages\":[],\"result\":null}"
#define INFO(page, pages)                                                                       \
	",\"result_info\":{\"page\":" page ",\"per_page\":2,\"count\":2,\"total_pages\":" pages \
	",\"total_count\":3}"
#define RECORD(id, name, type, content, ttl, proxied)                                           \
	"{\"id\":\"" id "\",\"name\":\"" name "\",\"type\":\"" type "\",\"content\":\"" content \
	"\",\"ttl\":" ttl ",\"proxied\":" proxied ",\"proxiable\":true,"                        \
	"\"comment\":null,\"tags\":[]}"
#define ZONES                                                                   \
	GOOD("[{\"id\":\"z1\",\"name\":\"example.test\",\"status\":\"active\"," \
	     "\"plan\":{\"id\":\"p\",\"legacy_id\":\"free\"}}]",                \
	     INFO("1", "1"))
#define PAGE_1                                                                                  \
	GOOD("[" RECORD("r1", "www.example.test", "A", "192.0.2.1", "120", "false") "," RECORD( \
		     "r2", "www.example.test", "A", "192.0.2.2", "120", "false") "]",           \
	     INFO("1", "2"))
#define PAGE_2                                                                                 \
	GOOD("[" RECORD("r3", "cdn.example.test", "CNAME", "lb.example.net", "1", "true") "]", \
	     INFO("2", "2"))
#define READING                                                                                   \
	{ "GET", "/zones?*", 200, ZONES, NULL },                                                  \
		{ "GET", "/zones/z1/dns_records?page=1*", 200, PAGE_1, NULL },                    \
		{ "GET", "/zones/z1/dns_records?page=2*", 200, PAGE_2, NULL },                    \
		{ "GET", "/zones/z1/dns_records?*", 200, PAGE_1, NULL },                          \
		{ "GET", "/zones/z1/addressing/regional_hostnames*", 200, GOOD("[]", ""), NULL }, \
	{                                                                                         \
		"GET", "/zones/z1/custom_hostnames*", 200, GOOD("[]", INFO("1", "1")), NULL       \
	}
#define ENV                                                                          \
	FLAGS("CLOUDFLARE_BASE_URL", "@", "CF_API_TOKEN", "t0ken", "CF_API_KEY", "", \
	      "CF_API_EMAIL", "")

static void up(struct script *s, const struct script_row *answers, const char *const *flags)
{
	assert_int_equal(script_up(s, &provider_cloudflare, answers, ENV, flags), 0);
	script_read(s);
	assert_int_equal(s->err, 0);
}

static const struct script_row whole[] = {
	READING,
	{ "POST", "/zones/z1/dns_records/batch", 200,
	  GOOD("{\"deletes\":[],\"patches\":[],\"puts\":[],\"posts\":[]}", ""), NULL },
	{ 0 },
};

static void all_pages_are_read(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole, FLAGS("provider=cloudflare"));
	script_asked(&s, 0, "GET /zones?page=1&per_page=50");
	script_asked(&s, 1, "GET /zones/z1/dns_records?page=1&per_page=100");
	script_asked(&s, 2, "GET /zones/z1/dns_records?page=2&per_page=100");
	assert_non_null(strstr(s.headers.s[0], "Authorization: Bearer t0ken"));
	assert_int_equal(s.records.n, 2);
	assert_string_equal(s.records.s[0],
			    "cdn.example.test CNAME lb.example.net ttl=1 " PROXIED "=true");
	assert_string_equal(s.records.s[1],
			    "www.example.test A 192.0.2.1,192.0.2.2 ttl=120 " PROXIED "=false");
	script_down(&s);
}

static const struct script_change changes[] = {
	{ NULL, "new.example.test A 192.0.2.9 ttl=120 " PROXIED "=false", 0 },
	{ "www.example.test A 192.0.2.1,192.0.2.2 ttl=120",
	  "www.example.test A 192.0.2.2,192.0.2.3 ttl=120", 0 },
	{ "cdn.example.test CNAME lb.example.net " PROXIED "=true", NULL, 0 },
};

static void what_stands_already_is_not_sent_again(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole, FLAGS("provider=cloudflare"));
	script_forget(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	assert_int_equal(s.asked.n, 1); /* one batch, and 192.0.2.2 stays as it is */
	script_asked(&s, 0,
		     "POST /zones/z1/dns_records/batch {\"deletes\":[{\"id\":\"r3\"}],"
		     "\"patches\":[],\"puts\":[{\"type\":\"A\",\"name\":\"www.example.test\","
		     "\"content\":\"192.0.2.3\",\"ttl\":120,\"proxied\":false,\"id\":\"r1\"}],"
		     "\"posts\":[{\"type\":\"A\",\"name\":\"new.example.test\","
		     "\"content\":\"192.0.2.9\",\"ttl\":120,\"proxied\":false}]}");
	script_down(&s);
}

static void without_batches_each_goes_alone(void **state)
{
	static const struct script_row answers[] = {
		READING,
		{ "POST", "/zones/z1/dns_records/batch", 404, "not found", NULL },
		{ "POST", "/zones/z1/dns_records", 400, BAD("9005", "Content is invalid"), NULL },
		{ "PUT", "/zones/z1/dns_records/r1", 200,
		  GOOD(RECORD("r1", "www.example.test", "A", "192.0.2.3", "120", "false"), ""),
		  NULL },
		{ "DELETE", "/zones/z1/dns_records/r3", 200, GOOD("{\"id\":\"r3\"}", ""), NULL },
		{ 0 },
	};
	struct script_change mixed[3];
	struct script s;

	(void)state;
	memcpy(mixed, changes, sizeof(mixed));
	mixed[0].err = ERR_INVALID; /* refused; the others land */
	up(&s, answers, FLAGS("provider=cloudflare"));
	script_apply(&s, mixed, ARRAY_SIZE(mixed));
	assert_int_not_equal(s.err, 0);
	assert_true(strv_has(&s.asked, "DELETE /zones/z1/dns_records/r3"));
	script_down(&s);
}

static void the_proxy_and_the_comment_are_asked_for_by_flags(void **state)
{
	static const struct {
		const char *in, *out;
	} table[] = {
		{ "a.example.test A 192.0.2.1 ttl=300", PROXIED "=true" },
		{ "a.example.test A 192.0.2.1 " PROXIED "=false", PROXIED "=false" },
		{ "a.example.test TXT 'x'", PROXIED "=false" }, /* never proxied */
		{ "*.example.test CNAME x.example.net", PROXIED "=true" },
		{ "a.example.test NS ns.example.net", PROXIED "=false" },
	};
	struct script s;

	(void)state;
	up(&s, whole,
	   FLAGS("provider=cloudflare", "cloudflare-proxied=true", "cloudflare-record-comment=us"));
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct endpoint_list l = { 0 };

		endpoint_list_take(&l, words_endpoint(table[i].in));
		provider_cloudflare.adjust(s.provider, &l);
		assert_string_equal(endpoint_prop(l.e[0], PROXIED), strchr(table[i].out, '=') + 1);
		if (strstr(table[i].out, "true"))
			assert_true(l.e[0]->record_ttl <= 1); /* automatic */
		endpoint_list_fini(&l);
	}
	script_down(&s);
}

static void credentials_are_looked_at_when_it_opens(void **state)
{
	static const char *const table[][4] = {
		/* token, key, email, in the message; NULL = opens */
		{ "", "", "", "CF_API_TOKEN" },
		{ "", "k", "", "CF_API_EMAIL" },
		{ "", "k", "me@example.test", NULL },
		{ "file:/nowhere/token", "", "", "/nowhere/token" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *const env[] = { "CLOUDFLARE_BASE_URL", "@",          "CF_API_TOKEN",
					    table[i][0],           "CF_API_KEY", table[i][1],
					    "CF_API_EMAIL",        table[i][2],  NULL };
		struct script s;
		int err = script_up(&s, &provider_cloudflare, whole, env,
				    FLAGS("provider=cloudflare"));

		if (table[i][3]) {
			assert_int_not_equal(err, 0);
			assert_non_null(strstr(s.err_text, table[i][3]));
		} else {
			assert_int_equal(err, 0);
			script_read(&s);
			assert_non_null(strstr(s.headers.s[0], "X-Auth-Key: k"));
			assert_non_null(strstr(s.headers.s[0], "X-Auth-Email: me@example.test"));
		}
		script_down(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_are_read),
		cmocka_unit_test(what_stands_already_is_not_sent_again),
		cmocka_unit_test(without_batches_each_goes_alone),
		cmocka_unit_test(the_proxy_and_the_comment_are_asked_for_by_flags),
		cmocka_unit_test(credentials_are_looked_at_when_it_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

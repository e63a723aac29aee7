/* Google Cloud DNS: the metadata server's token, zones, pages, changes as a whole. */
#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_google;

#define BASE "/dns/v1/projects/p1"
#define SET(name, type, ttl, value)                                                  \
	"{\"kind\":\"dns#resourceRecordSet\",\"name\":\"" name "\",\"type\":\"" type \
	"\",\"ttl\":" ttl ",\"rrdatas\":[\"" value "\"]}"
#define ENV                                                                                      \
	FLAGS("CLOUDSDK_API_ENDPOINT_OVERRIDES_DNS", "@/", "GOOGLE_APPLICATION_CREDENTIALS", "", \
	      "HOME", "/nowhere")
#define READING                                                                                   \
	{ "GET", "/computeMetadata/v1/instance/service-accounts/default/token", 200,              \
	  "{\"access_token\":\"t0ken\",\"token_type\":\"Bearer\",\"expires_in\":3600}", NULL },   \
		{ "GET", "/computeMetadata/v1/project/project-id", 200, "p1", NULL },             \
		{ "GET", BASE, 200,                                                               \
		  "{\"kind\":\"dns#project\",\"id\":\"p1\",\"quota\":{"                           \
		  "\"rrsetAdditionsPerChange\":100,\"rrsetDeletionsPerChange\":100}}",            \
		  NULL },                                                                         \
		{ "GET", BASE "/managedZones*", 200,                                              \
		  "{\"managedZones\":[{\"name\":\"ex\",\"id\":\"11\",\"dnsName\":\"example.test." \
		  "\","                                                                           \
		  "\"visibility\":\"public\"},{\"name\":\"in\",\"id\":\"12\",\"dnsName\":"        \
		  "\"example.test.\",\"visibility\":\"private\"}]}",                              \
		  NULL },                                                                         \
		{ "GET", BASE "/managedZones/ex/rrsets?maxResults=*", 200,                        \
		  "{\"rrsets\":[" SET("www.example.test.", "A", "60",                             \
				      "192.0.2.1") "],"                                           \
						   "\"nextPageToken\":\"n/2\"}",                  \
		  NULL },                                                                         \
	{                                                                                         \
		"GET", BASE "/managedZones/ex/rrsets?*", 200,                                     \
			"{\"rrsets\":[" SET("t.example.test.", "TXT", "300", "\\\"a b\\\"") "]}", \
			NULL                                                                      \
	}

static void up(struct script *s, const struct script_row *answers)
{
	assert_int_equal(script_up(s, &provider_google, answers, ENV,
				   FLAGS("provider=google", "google-zone-visibility=public")),
			 0);
	script_env(s, "GCE_METADATA_HOST", fake_http_url(s->service) + strlen("http://"));
	script_read(s);
	assert_int_equal(s->err, 0);
}

static const struct script_row whole[] = {
	READING,
	{ "POST", BASE "/managedZones/ex/changes", 200,
	  "{\"kind\":\"dns#change\",\"id\":\"1\",\"status\":\"pending\"}", NULL },
	{ 0 },
};

static void all_pages_are_read(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole);
	assert_true(strv_has(&s.asked,
			     "GET /computeMetadata/v1/instance/service-accounts/default/token"));
	assert_non_null(strstr(s.headers.s[0], "Metadata-Flavor: Google"));
	script_asked(&s, s.asked.n - 2, "GET " BASE "/managedZones/ex/rrsets?maxResults=1000");
	script_asked(&s, s.asked.n - 1,
		     "GET " BASE "/managedZones/ex/rrsets?maxResults=1000&pageToken=n%2F2");
	assert_non_null(strstr(s.headers.s[s.headers.n - 1], "Authorization: Bearer t0ken"));
	assert_int_equal(s.records.n, 2); /* the private zone was not asked for */
	assert_string_equal(s.records.s[0], "t.example.test TXT \"a b\" ttl=300");
	assert_string_equal(s.records.s[1], "www.example.test A 192.0.2.1 ttl=60");
	script_down(&s);
}

static const struct script_change changes[] = {
	{ NULL, "new.example.test CNAME lb.example.net", 0 },
	{ "www.example.test A 192.0.2.1 ttl=60", "www.example.test A 192.0.2.2,192.0.2.3 ttl=120",
	  0 },
	{ "t.example.test TXT '\"a b\"' ttl=300", NULL, 0 },
};

static void a_change_says_what_it_takes_away(void **state)
{
	struct script s;

	(void)state;
	up(&s, whole);
	script_forget(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	assert_int_equal(s.asked.n, 1);
	script_asked(&s, 0,
		     "POST " BASE "/managedZones/ex/changes {\"additions\":["
		     "{\"name\":\"new.example.test.\",\"type\":\"CNAME\",\"ttl\":300,"
		     "\"rrdatas\":[\"lb.example.net.\"]},"
		     "{\"name\":\"www.example.test.\",\"type\":\"A\",\"ttl\":120,"
		     "\"rrdatas\":[\"192.0.2.2\",\"192.0.2.3\"]}],\"deletions\":["
		     "{\"name\":\"www.example.test.\",\"type\":\"A\",\"ttl\":60,"
		     "\"rrdatas\":[\"192.0.2.1\"]},"
		     "{\"name\":\"t.example.test.\",\"type\":\"TXT\",\"ttl\":300,"
		     "\"rrdatas\":[\"\\\"a b\\\"\"]}]}");
	script_down(&s);
}

static void the_culprit_of_a_refused_change_is_found(void **state)
{
	static const struct script_row answers[] = {
		READING,
		/* all three; then the first alone; then the other two */
		{ "POST", BASE "/managedZones/ex/changes", 400,
		  "{\"error\":{\"code\":400,\"message\":\"bad\"}}", NULL },
		{ "POST", BASE "/managedZones/ex/changes", 400,
		  "{\"error\":{\"code\":400,\"message\":\"bad\"}}", NULL },
		{ "POST", BASE "/managedZones/ex/changes", 200,
		  "{\"kind\":\"dns#change\",\"id\":\"1\",\"status\":\"done\"}", NULL },
		{ 0 },
	};
	struct script_change mixed[3];
	struct script s;

	(void)state;
	memcpy(mixed, changes, sizeof(mixed));
	mixed[0].err = ERR_INVALID;
	up(&s, answers);
	script_apply(&s, mixed, ARRAY_SIZE(mixed));
	assert_int_not_equal(s.err, 0);
	script_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pages_are_read),
		cmocka_unit_test(a_change_says_what_it_takes_away),
		cmocka_unit_test(the_culprit_of_a_refused_change_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

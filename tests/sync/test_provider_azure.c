/* Azure DNS, public and private: tokens, pages, record sets with their ETags. */
#include "lib/error.h"
#include "tests/sync/script.h"

extern const struct provider_ops provider_azure, provider_azure_private;

#define RM   "/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.Network/"
#define PUB  RM "dnsZones/example.test"
#define PRIV RM "privateDnsZones/example.test"
#define ZONE(kind)                                                                             \
	"{\"value\":[{\"id\":\"" RM kind "/example.test\",\"name\":\"example.test\",\"type\":" \
	"\"Microsoft.Network/" kind "\",\"properties\":{\"zoneType\":\"Public\"}}]}"
#define TOKEN "{\"token_type\":\"Bearer\",\"expires_in\":\"3599\",\"access_token\":\"t0ken\"}"
#define ENV                                                                                 \
	FLAGS("AZURE_RESOURCE_MANAGER_ENDPOINT", "@", "AZURE_AUTHORITY_HOST", "@",          \
	      "AZURE_TENANT_ID", "t1", "AZURE_CLIENT_ID", "c1", "AZURE_CLIENT_SECRET", "s", \
	      "AZURE_SUBSCRIPTION_ID", "s1", "AZURE_RESOURCE_GROUP", "rg1")
#define CONFIG FLAGS("provider=azure", "azure-config-file=/nowhere/azure.json")

static const struct script_row public_rows[] = {
	{ "POST", "/t1/oauth2/*", 200, TOKEN, NULL },
	{ "GET", RM "dnsZones?*", 200, ZONE("dnsZones"), NULL },
	{ "GET", PUB "/all?*", 200,
	  "{\"value\":[{\"id\":\"" PUB "/A/www\",\"name\":\"www\",\"type\":"
	  "\"Microsoft.Network/dnszones/A\",\"etag\":\"e7\",\"properties\":{\"TTL\":60,"
	  "\"fqdn\":\"www.example.test.\",\"ARecords\":[{\"ipv4Address\":\"192.0.2.1\"}]}}]}",
	  NULL },
	{ "PUT", PUB "/*", 200, "{}", NULL },
	{ "DELETE", PUB "/*", 200, "", NULL },
	{ 0 },
};

static const struct script_row private_rows[] = {
	{ "GET", "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=*", 200, TOKEN,
	  NULL },
	{ "GET", RM "privateDnsZones?*", 200, ZONE("privateDnsZones"), NULL },
	{ "GET", PRIV "/ALL?*", 200, "{\"value\":[]}", NULL },
	{ "PUT", PRIV "/*", 201, "{}", NULL },
	{ 0 },
};

static void a_token_is_asked_for_and_the_sets_are_read(void **state)
{
	struct script s;

	(void)state;
	assert_int_equal(script_up(&s, &provider_azure, public_rows, ENV, CONFIG), 0);
	script_read(&s);
	script_asked(&s, 0,
		     "POST /t1/oauth2/v2.0/token grant_type=client_credentials&client_id=c1"
		     "&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_secret=s");
	script_asked(&s, 1, "GET " RM "dnsZones?api-version=2018-05-01");
	script_asked(&s, 2, "GET " PUB "/all?api-version=2018-05-01");
	assert_int_equal(s.records.n, 1);
	assert_string_equal(s.records.s[0], "www.example.test A 192.0.2.1 ttl=60");
	script_down(&s);
}

static void writes_compare_and_swap(void **state)
{
	static const struct script_change changes[] = {
		{ NULL, "new.example.test TXT '\"heritage=x\"' ttl=300", 0 },
		{ "www.example.test A 192.0.2.1 ttl=60",
		  "www.example.test A 192.0.2.2,192.0.2.3 ttl=120", 0 },
		{ NULL, "example.test NS ns1.example.net", 0 },
	};
	struct script s;

	(void)state;
	assert_int_equal(script_up(&s, &provider_azure, public_rows, ENV, CONFIG), 0);
	script_read(&s);
	script_forget(&s);
	script_apply(&s, changes, ARRAY_SIZE(changes));
	script_asked(&s, 0,
		     "PUT " PUB "/TXT/new?api-version=2018-05-01 {\"properties\":{\"TTL\":300,"
		     "\"TXTRecords\":[{\"value\":[\"\\\"heritage=x\\\"\"]}]}}");
	assert_non_null(strstr(s.headers.s[0], "If-None-Match: *"));
	script_asked(
		&s, 1,
		"PUT " PUB "/A/www?api-version=2018-05-01 {\"properties\":{\"TTL\":120,"
		"\"ARecords\":[{\"ipv4Address\":\"192.0.2.2\"},{\"ipv4Address\":\"192.0.2.3\"}]}}");
	assert_non_null(strstr(s.headers.s[1], "If-Match: e7"));
	assert_true(s.asked.n >= 3);
	assert_non_null(strstr(s.asked.s[2], "/NS/%40?")); /* the apex */
	script_down(&s);
}

static void somebody_elses_edit_is_not_overwritten(void **state)
{
	static const struct script_row answers[] = {
		{ "POST", "/t1/oauth2/*", 200, TOKEN, NULL },
		{ "GET", RM "dnsZones?*", 200, ZONE("dnsZones"), NULL },
		{ "GET", PUB "/all?*", 200, "{\"value\":[]}", NULL },
		{ "PUT", PUB "/*", 412,
		  "{\"error\":{\"code\":\"PreconditionFailed\",\"message\":\"changed\"}}", NULL },
		{ 0 },
	};
	static const struct script_change change = { NULL, "www.example.test A 192.0.2.1",
						     ERR_STALE };
	struct script s;

	(void)state;
	assert_int_equal(script_up(&s, &provider_azure, answers, ENV, CONFIG), 0);
	script_read(&s);
	script_apply(&s, &change, 1);
	script_down(&s);
}

static void private_zones_have_an_api_of_their_own(void **state)
{
	static const struct script_change change = { NULL, "www.example.test A 192.0.2.1 ttl=60",
						     0 };
	struct script s;

	(void)state;
	assert_int_equal(
		script_up(&s, &provider_azure_private, private_rows,
			  FLAGS("AZURE_RESOURCE_MANAGER_ENDPOINT", "@", "AZURE_TENANT_ID", "t1",
				"AZURE_CLIENT_SECRET", "", "AZURE_SUBSCRIPTION_ID", "s1",
				"AZURE_RESOURCE_GROUP", "rg1", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
				"@"),
			  FLAGS("provider=azure-private", "azure-config-file=/nowhere/azure.json",
				"azure-user-assigned-identity-client-id=id-9")),
		0);
	script_read(&s);
	assert_non_null(strstr(s.asked.s[0], "&client_id=id-9"));
	assert_non_null(strstr(s.headers.s[0], "Metadata: true"));
	script_forget(&s);
	script_apply(&s, &change, 1);
	script_asked(&s, 0,
		     "PUT " PRIV "/A/www?api-version=2018-09-01 {\"properties\":{\"ttl\":60,"
		     "\"aRecords\":[{\"ipv4Address\":\"192.0.2.1\"}]}}");
	script_down(&s);
}

static void an_account_wants_a_subscription_and_a_group(void **state)
{
	struct script s;

	(void)state;
	assert_int_not_equal(script_up(&s, &provider_azure, public_rows,
				       FLAGS("AZURE_TENANT_ID", "t1", "AZURE_SUBSCRIPTION_ID", "s1",
					     "AZURE_RESOURCE_GROUP", ""),
				       CONFIG),
			     0);
	assert_non_null(strstr(s.err_text, "resourceGroup"));
	script_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_asked_for_and_the_sets_are_read),
		cmocka_unit_test(writes_compare_and_swap),
		cmocka_unit_test(somebody_elses_edit_is_not_overwritten),
		cmocka_unit_test(private_zones_have_an_api_of_their_own),
		cmocka_unit_test(an_account_wants_a_subscription_and_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* txt_name: the names that ExternalDNS gives its ownership records, and what they may mean. */
#include "sync/txt_name.h"

#include "lib/error.h"
#include "tests/sync/words.h"

static void names_are_external_dnss(void **state)
{
	static const struct {
		const char *prefix, *suffix, *wildcard, *type, *name;
		const char *legacy; /* NULL: not compared (never written) */
		const char *typed;
	} rows[] = {
		{ "", "", "", "A", "foo.example.com", "foo.example.com", "a-foo.example.com" },
		{ "", "", "", "AAAA", "foo.example.com", NULL, "aaaa-foo.example.com" },
		{ "", "", "", "CNAME", "foo.example.com", "foo.example.com",
		  "cname-foo.example.com" },
		{ "", "", "", "NS", "foo.example.com", "foo.example.com", "ns-foo.example.com" },
		{ "", "", "", "MX", "foo.example.com", "foo.example.com", "mx-foo.example.com" },
		{ "", "", "", "TXT", "foo.example.com", "foo.example.com", "txt-foo.example.com" },
		{ "", "", "", "SRV", "_sip._tcp.example.com", "_sip._tcp.example.com",
		  "srv-_sip._tcp.example.com" },
		{ "", "", "", "PTR", "2.49.168.192.in-addr.arpa", "2.49.168.192.in-addr.arpa",
		  "ptr-2.49.168.192.in-addr.arpa" },
		{ "", "", "", "A", "example.com", "example.com", "a-example.com" },
		{ "_externaldns.", "", "", "A", "api.example.com", "_externaldns.api.example.com",
		  "_externaldns.a-api.example.com" },
		{ "_externaldns.", "", "", "AAAA", "api.example.com", NULL,
		  "_externaldns.aaaa-api.example.com" },
		{ "_externaldns.", "", "", "CNAME", "api.example.com",
		  "_externaldns.api.example.com", "_externaldns.cname-api.example.com" },
		{ "_externaldns.", "", "", "NS", "gslb.example.com",
		  "_externaldns.gslb.example.com", "_externaldns.ns-gslb.example.com" },
		{ "_externaldns.", "", "", "A", "example.com", "_externaldns.example.com",
		  "_externaldns.a-example.com" },
		{ "_externaldns.", "", "", "A", "*.apps.example.com",
		  "_externaldns.*.apps.example.com", "_externaldns.a-*.apps.example.com" },
		{ "_externaldns.", "", "any", "CNAME", "*.apps.example.com",
		  "_externaldns.any.apps.example.com", "_externaldns.cname-any.apps.example.com" },
		{ "_externaldns.", "", "", "A", "a-api.example.com",
		  "_externaldns.a-api.example.com", "_externaldns.a-a-api.example.com" },
		{ "txt-", "", "wild", "A", "*.example.com", "txt-wild.example.com",
		  "txt-a-wild.example.com" },
		{ "txt-", "", "wild", "MX", "*.example.com", "txt-wild.example.com",
		  "txt-mx-wild.example.com" },
		{ "%{record_type}-", "", "", "A", "foo.example.com", "-foo.example.com",
		  "a-foo.example.com" },
		{ "%{record_type}.", "", "", "A", "example.com", NULL, "a.example.com" },
		{ "extdns-%{record_type}.", "", "", "CNAME", "bigd.no", NULL,
		  "extdns-cname.bigd.no" },
		{ "%{record_type}-abc-.", "", "", "CNAME", "ex.com", NULL, "cname-abc-.ex.com" },
		{ "reg-%{record_type}-", "", "", "A", "www.example.com", NULL,
		  "reg-a-www.example.com" },
		{ "reg-%{record_type}.", "", "", "AAAA", "example.com", NULL,
		  "reg-aaaa.example.com" },
		{ "", "-txt", "", "A", "foo.example.com", "foo-txt.example.com",
		  "a-foo-txt.example.com" },
		{ "", "-%{record_type}", "", "A", "foo.example.com", "foo-.example.com",
		  "foo-a.example.com" },
		{ "", "-.%{record_type}", "", "CNAME", "www.example.com", NULL,
		  "www-.cname.example.com" },
		{ "", ".extdns", "", "A", "www.example.com", "www.extdns.example.com",
		  "a-www.extdns.example.com" },
		{ "TxT.", "", "", "CNAME", "foo.test-zone.example.org",
		  "txt.foo.test-zone.example.org", "txt.cname-foo.test-zone.example.org" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct txt_name t = { 0 };
		struct strv readings = { 0 };
		char *why = NULL;

		assert_int_equal(
			txt_name_init(&t, rows[i].prefix, rows[i].suffix, rows[i].wildcard, &why),
			0);
		char *typed = txt_name_typed(&t, rows[i].name, rows[i].type);
		assert_string_equal(typed, rows[i].typed);
		char *legacy = txt_name_legacy(&t, rows[i].name);
		if (rows[i].legacy)
			assert_string_equal(legacy, rows[i].legacy);
		/* and back again */
		char *want = mem_printf("%s %s", rows[i].type, rows[i].name);
		txt_name_readings(&t, typed, &readings);
		if (!strv_has(&readings, want))
			fail_msg("%s is not read as %s", typed, want);
		strv_fini(&readings);
		free(want);
		want = mem_printf("- %s", rows[i].name);
		txt_name_readings(&t, legacy, &readings);
		if (!strv_has(&readings, want))
			fail_msg("%s is not read as %s", legacy, want);
		strv_fini(&readings);
		free(want);
		free(typed);
		free(legacy);
		txt_name_fini(&t);
	}
}

static void both_affixes_are_refused(void **state)
{
	struct txt_name t = { 0 };
	char *why = NULL;

	(void)state;
	assert_int_equal(txt_name_init(&t, "a", "b", "", &why), ERR_INVALID);
	assert_non_null(strstr(why, "--txt-prefix"));
	free(why);
}

static void a_fallback_lies_in_the_zone_and_means_no_host(void **state)
{
	static const struct {
		const char *prefix, *suffix, *name, *zone;
	} rows[] = {
		{ "_externaldns.", "", "example.com", "example.com" },
		{ "", "", "example.com", "example.com" },
		{ "%{record_type}-", "", "example.com", "example.com" },
		{ "", "-txt", "example.com", "example.com" },
		{ "_externaldns.", "",
		  "a23456789-123456789-123456789-123456789-123456789-123456789-12.example.com",
		  "example.com" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct txt_name t = { 0 };
		char *why = NULL;

		assert_int_equal(txt_name_init(&t, rows[i].prefix, rows[i].suffix, "", &why), 0);
		char *a = txt_name_fallback(&t, rows[i].name, "a", rows[i].zone);
		char *aaaa = txt_name_fallback(&t, rows[i].name, "aaaa", rows[i].zone);
		size_t len = strlen(a), zlen = strlen(rows[i].zone);

		assert_true(txt_name_fits(a));
		assert_string_equal(a + len - zlen, rows[i].zone);
		assert_int_equal(a[len - zlen - 1], '.');
		assert_string_not_equal(a, aaaa);
		assert_non_null(strstr(a, "gslbd-a-"));
		free(a);
		free(aaaa);
		txt_name_fini(&t);
	}
}

static void a_name_may_have_several_readings(void **state)
{
	struct txt_name t = { 0 };
	struct strv got = { 0 };
	char *why = NULL;

	(void)state;
	assert_int_equal(txt_name_init(&t, "x.", "", "any", &why), 0);
	txt_name_readings(&t, "x.a-any.example.com", &got);
	char *text = strv_join(&got, "; ");
	assert_string_equal(text, "A any.example.com; A *.example.com; - a-any.example.com");
	free(text);
	strv_fini(&got);
	txt_name_readings(&t, "y.a-any.example.com", &got);
	assert_int_equal(got.n, 0);
	txt_name_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_external_dnss),
		cmocka_unit_test(both_affixes_are_refused),
		cmocka_unit_test(a_fallback_lies_in_the_zone_and_means_no_host),
		cmocka_unit_test(a_name_may_have_several_readings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The decision as tables: k8gb's truth tables, weights, tiers, delays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gslb/decide.h"
#include "gslb/health.h"
#include "gslb/policy.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/strv.h"

/* Sites as text: "eu+ us- za?": healthy, not healthy, never heard.  The first is this cluster. */
struct scene {
	struct gslb_decl decl;
	struct decision d;
	struct decide_memory memory;
	struct policy *policy;
	uint64_t wake_ms;
};

static void add_site(struct scene *s, const char *word, size_t i)
{
	size_t len = strlen(word);
	bool known = word[len - 1] != '?', healthy = word[len - 1] == '+';
	struct netaddr a = { .family = 4, .bytes = { 10, 0, 0, (uint8_t)(i + 1) } };

	(void)decide_add_site(&s->d,
			      &(struct site){ .geo_tag = mem_strndup(word, len - 1),
					      .source = i ? SITE_PEER : SITE_LOCAL,
					      .is_known = known,
					      .health = healthy ? HEALTH_HEALTHY : HEALTH_UNHEALTHY,
					      .state = healthy ? NULL : "Unhealthy",
					      .weight = SITE_NO_WEIGHT });
	/* a peer that is not healthy offers nothing; we know our own targets always */
	if (known && (healthy || i == 0))
		decide_add_member(&s->d, &a);
	for (size_t m = 0; m < s->d.nmembers; m++) {
		if (s->d.members[m].site != i)
			continue;
		s->d.members[m].is_live = healthy;
		s->d.members[m].reason = healthy ? NULL : "Unhealthy";
	}
}

static void run(struct scene *s, const char *strategy, const char *sites, uint64_t now_ms)
{
	struct strv words = { 0 };

	decide_fini(&s->d);
	s->d.decl = &s->decl;
	s->d.policy = s->policy;
	strv_split(&words, sites, " ");
	for (size_t i = 0; i < words.n; i++)
		add_site(s, words.s[i], i);
	decide_run(&s->d, strategy_find(strategy), &s->memory, now_ms, &s->wake_ms);
	strv_fini(&words);
}

/* Tags of those that answer, sorted. */
static char *answered(const struct scene *s)
{
	struct strv v = { 0 };

	for (size_t i = 0; i < s->d.nmembers; i++)
		if (s->d.members[i].is_answered)
			(void)strv_add_unique(&v, s->d.sites[s->d.members[i].site].geo_tag);
	strv_sort(&v);
	char *text = strv_join(&v, " ");
	strv_fini(&v);
	return text;
}

static void expect(const struct scene *s, const char *want, const char *what)
{
	char *got = answered(s);

	if (strcmp(got, want) != 0)
		fail_msg("%s: got \"%s\", want \"%s\"", what, got, want);
	free(got);
}

static void end(struct scene *s)
{
	decide_fini(&s->d);
	policy_unref(s->policy);
	for (size_t i = 0; i < s->decl.nweights; i++)
		free(s->decl.weights[i].geo_tag);
	free(s->decl.weights);
}

/* --- k8gb's table ------------------------------------------------------------------------ */

static void k8gbs_truth_table_holds(void **state)
{
	static const struct {
		const char *strategy, *primary, *sites, *want, *reason;
	} rows[] = {
		/* roundRobin, geoip: the union of the healthy */
		{ "roundRobin", NULL, "eu+ us+ za+", "eu us za", "RoundRobin" },
		{ "roundRobin", NULL, "eu- us+ za+", "us za", "RoundRobin" },
		{ "roundRobin", NULL, "eu+ us- za?", "eu", "RoundRobin" },
		{ "roundRobin", NULL, "eu- us- za?", "", "AllDown" },
		{ "geoip", NULL, "eu+ us+ za-", "eu us", "GeoIP" },
		{ "geoip", NULL, "eu- us+ za+", "us za", "GeoIP" },
		{ "geoip", NULL, "eu- us- za-", "", "AllDown" },
		/* failover, this cluster is the primary */
		{ "failover", "eu", "eu+ us+ za+", "eu", "Primary" },
		{ "failover", "eu", "eu- us+ za+", "us za", "Failover" },
		{ "failover", "eu", "eu- us- za+", "za", "Failover" },
		{ "failover", "eu", "eu- us- za?", "", "AllDown" },
		/* failover, a secondary: whatever its own state, the primary's targets */
		{ "failover", "us", "eu+ us+ za+", "us", "Primary" },
		{ "failover", "us", "eu- us+ za+", "us", "Primary" },
		/* the primary's targets are not known */
		{ "failover", "us", "eu+ us- za+", "eu za", "Failover" },
		{ "failover", "us", "eu+ us? za-", "eu", "Failover" },
		{ "failover", "us", "eu- us- za+", "za", "Failover" },
		{ "failover", "us", "eu- us? za?", "", "AllDown" },
		/* nobody has the tag: everybody answers, and it is said */
		{ "failover", "typo", "eu+ us+ za+", "eu us za", "UnknownPrimary" },
		{ "failover", "typo", "eu- us+ za-", "us", "UnknownPrimary" },
		{ "failover", NULL, "eu+ us+", "eu us", "UnknownPrimary" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s = { 0 };
		char *what = mem_printf("%s primary %s, %s", rows[i].strategy,
					rows[i].primary ? rows[i].primary : "none", rows[i].sites);
		char *primary = mem_strdup(rows[i].primary);

		s.decl.primary_geo_tag = primary;
		run(&s, rows[i].strategy, rows[i].sites, 1000);
		expect(&s, rows[i].want, what);
		assert_string_equal(s.d.reason, rows[i].reason);
		if (strcmp(rows[i].reason, "UnknownPrimary") == 0)
			assert_non_null(strstr(s.d.message, "primaryGeoTag"));
		end(&s);
		free(primary);
		free(what);
	}
}

static void health_combines_as_k8gb_does(void **state)
{
	/* backends: h healthy, u not ready, m missing */
	static const struct {
		const char *backends, *any, *all;
	} rows[] = {
		{ "", "NotFound", "NotFound" },    { "h", "Healthy", "Healthy" },
		{ "u", "Unhealthy", "Unhealthy" }, { "m", "NotFound", "NotFound" },
		{ "hu", "Healthy", "Unhealthy" },  { "hm", "Healthy", "NotFound" },
		{ "um", "Unhealthy", "NotFound" }, { "hum", "Healthy", "NotFound" },
		{ "hh", "Healthy", "Healthy" },    { "mm", "NotFound", "NotFound" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gslb_backend b[4] = { 0 };
		struct gslb_host_decl h = { .backends = b, .nbackends = strlen(rows[i].backends) };

		for (size_t j = 0; j < h.nbackends; j++) {
			b[j].found = rows[i].backends[j] != 'm';
			b[j].ready = rows[i].backends[j] == 'h';
		}
		assert_string_equal(health_text(health_of(&h, GSLB_HEALTH_ANY, NULL)), rows[i].any);
		assert_string_equal(health_text(health_of(&h, GSLB_HEALTH_ALL, NULL)), rows[i].all);
	}
}

static void a_policy_may_ask_for_more_ready_endpoints(void **state)
{
	static const struct {
		struct health_need need;
		unsigned ready, serving, total;
		const char *want;
	} rows[] = {
		{ { 0, 0, false }, 1, 0, 9, "Healthy" },
		{ { 2, 0, false }, 1, 0, 9, "Unhealthy" },
		{ { 2, 0, false }, 2, 0, 9, "Healthy" },
		{ { 0, 50, false }, 4, 0, 9, "Unhealthy" },
		{ { 0, 50, false }, 5, 0, 9, "Healthy" },
		{ { 2, 0, false }, 1, 1, 9, "Unhealthy" },
		{ { 2, 0, true }, 1, 1, 9, "Healthy" },
		{ { 0, 0, true }, 0, 0, 0, "Unhealthy" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gslb_backend b = { .found = true,
					  .ready = rows[i].ready,
					  .serving = rows[i].serving,
					  .total = rows[i].total };
		struct gslb_host_decl h = { .backends = &b, .nbackends = 1 };

		assert_string_equal(health_text(health_of(&h, GSLB_HEALTH_ANY, &rows[i].need)),
				    rows[i].want);
	}
}

/* --- weights -------------------------------------------------------------------------------- */

static void weight(struct scene *s, const char *tag, unsigned w)
{
	s->decl.weights =
		mem_array(s->decl.weights, s->decl.nweights + 1, sizeof(*s->decl.weights));
	s->decl.weights[s->decl.nweights].geo_tag = mem_strdup(tag);
	s->decl.weights[s->decl.nweights++].weight = w;
}

static void weight_zero_and_no_weight_answer_only_if_nobody_else_can(void **state)
{
	static const struct {
		const char *sites, *want;
	} rows[] = {
		{ "us-east-1+ eu+ za+ ap+", "eu us-east-1" }, /* za has 0, ap is not named */
		{ "us-east-1- eu+ za+ ap+", "eu" },           { "us-east-1- eu- za+ ap+", "ap za" },
		{ "us-east-1- eu- za- ap+", "ap" },           { "us-east-1- eu- za- ap-", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s = { 0 };

		weight(&s, "US-East-1", 10);
		weight(&s, "eu", 5);
		weight(&s, "za", 0);
		run(&s, "roundRobin", rows[i].sites, 1000);
		expect(&s, rows[i].want, rows[i].sites);
		assert_true(s.d.by_weight);
		assert_non_null(strstr(s.d.is_all_down ? "ap" : s.d.message, "ap"));
		end(&s);
	}
}

/* --- policies ----------------------------------------------------------------------------------
 */

static void policy(struct scene *s, const char *spec)
{
	cJSON *json = cJSON_Parse(spec);
	char *why = NULL;

	assert_non_null(json);
	if (policy_parse("ns/p", json, false, &s->policy, &why))
		fail_msg("%s", why);
	cJSON_Delete(json);
}

static void tiers_answer_in_order(void **state)
{
	static const struct {
		const char *sites, *want;
	} rows[] = {
		{ "eu+ us+ za+ ap+ xx+", "eu" }, { "eu- us+ za+ ap+ xx+", "us za" },
		{ "eu- us- za+ ap+ xx+", "za" }, { "eu- us- za- ap+ xx+", "ap" },
		{ "eu- us- za- ap- xx+", "xx" }, { "eu- us- za- ap- xx-", "" },
	};
	char eu[] = "eu";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct scene s = { 0 };

		s.decl.primary_geo_tag = eu;
		policy(&s, "{\"hosts\":[\"*\"],\"tiers\":[{\"geoTags\":[\"eu\"]},"
			   "{\"geoTags\":[\"us\",\"za\"]},{\"geoTags\":[\"ap\"]}]}");
		run(&s, "failover", rows[i].sites, 1000);
		expect(&s, rows[i].want, rows[i].sites);
		end(&s);
	}
}

static void a_tier_below_its_least_live_share_steps_back(void **state)
{
	struct scene s = { 0 };

	(void)state;
	policy(&s, "{\"hosts\":[\"*\"],\"tiers\":[{\"geoTags\":[\"a\",\"b\",\"c\"],"
		   "\"minLivePercent\":60},{\"geoTags\":[\"d\"]}]}");
	run(&s, "failover", "a+ b+ c- d+", 1000);
	expect(&s, "a b", "two of three are 66 %");
	run(&s, "failover", "a+ b- c- d+", 2000);
	expect(&s, "d", "one of three is 33 %");
	run(&s, "failover", "a+ b- c- d-", 3000);
	expect(&s, "a", "better than nothing");
	end(&s);
}

static void failover_waits_for_its_delay(void **state)
{
	struct scene s = { 0 };

	(void)state;
	policy(&s, "{\"hosts\":[\"*\"],\"tiers\":[{\"geoTags\":[\"eu\"]}],"
		   "\"failover\":{\"delay\":\"10s\"}}");
	run(&s, "failover", "eu+ us+", 1000);
	expect(&s, "eu", "all well");
	run(&s, "failover", "eu- us+", 2000);
	expect(&s, "eu", "held");
	assert_int_equal(s.wake_ms, 12000);
	assert_string_equal(s.d.members[0].reason, "Held");
	run(&s, "failover", "eu- us+", 11999);
	expect(&s, "eu", "still held");
	run(&s, "failover", "eu+ us+", 11999);
	expect(&s, "eu", "it came back in time");
	run(&s, "failover", "eu- us+", 12500);
	run(&s, "failover", "eu- us+", 22500);
	expect(&s, "us", "the delay is over");
	end(&s);
}

static void failback_waits_for_its_delay(void **state)
{
	struct scene s = { 0 };

	(void)state;
	policy(&s, "{\"hosts\":[\"*\"],\"tiers\":[{\"geoTags\":[\"eu\"]}],"
		   "\"failback\":{\"mode\":\"Automatic\",\"delay\":\"1m\"}}");
	run(&s, "failover", "eu- us+", 1000);
	expect(&s, "us", "the first decision waits for nothing");
	run(&s, "failover", "eu+ us+", 2000);
	expect(&s, "us", "eu is fit again, but not for long");
	assert_int_equal(s.wake_ms, 62000);
	run(&s, "failover", "eu- us+", 30000);
	run(&s, "failover", "eu+ us+", 40000);
	expect(&s, "us", "the wait begins anew");
	run(&s, "failover", "eu+ us-", 50000);
	expect(&s, "eu", "nothing is left to wait with");
	end(&s);
}

static void manual_failback_waits_for_a_word(void **state)
{
	struct scene s = { 0 };

	(void)state;
	policy(&s, "{\"hosts\":[\"*\"],\"tiers\":[{\"geoTags\":[\"eu\"]}],"
		   "\"failback\":{\"mode\":\"Manual\"}}");
	run(&s, "failover", "eu- us+", 1000);
	run(&s, "failover", "eu+ us+", 90000000);
	expect(&s, "us", "nobody has said so");
	s.memory.release = true;
	run(&s, "failover", "eu+ us+", 90000001);
	expect(&s, "eu", "released");
	run(&s, "failover", "eu- us+", 90000002);
	run(&s, "failover", "eu+ us+", 90000003);
	expect(&s, "us", "a word counts once");
	end(&s);
}

static void all_down_may_answer_all(void **state)
{
	struct scene s = { 0 };

	(void)state;
	policy(&s, "{\"hosts\":[\"*\"],\"allDown\":{\"answer\":\"All\"}}");
	run(&s, "roundRobin", "eu- us-", 1000);
	expect(&s, "eu", "what is known of the unhealthy");
	assert_true(s.d.is_all_down);
	end(&s);
}

static void broken_policies_name_the_field(void **state)
{
	static const char *const rows[][2] = {
		{ "{\"tiers\":[{}]}", "spec.tiers[0]" },
		{ "{\"failover\":{\"delay\":\"soon\"}}", "spec.failover.delay" },
		{ "{\"quorum\":\"Some\"}", "spec.quorum" },
		{ "{\"geography\":{\"match\":\"Nearest\"}}", "spec.geography.sites" },
		{ "{\"geography\":{\"match\":\"Map\",\"sites\":[{\"geoTag\":\"a\",\"networks\":["
		  "\"x\"]}]}}",
		  "spec.geography.sites[0].networks" },
		{ "{\"count\":65}", "spec.count" },
		{ "{\"allDown\":{\"answer\":\"Fallback\"}}", "spec.allDown" },
		{ "{\"probes\":[{\"name\":\"x\",\"type\":\"SMTP\"}]}", "spec.probes[0]" },
		{ "{\"probes\":[{\"name\":\"x\",\"type\":\"Exec\",\"exec\":{\"command\":[\"/bin/"
		  "true\"]}}]}",
		  "only from --manifests" },
		{ "[]", "spec" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cJSON *json = cJSON_Parse(rows[i][0]);
		struct policy *p = NULL;
		char *why = NULL;

		assert_true(policy_parse("ns/p", json, false, &p, &why) < 0);
		assert_non_null(strstr(why, rows[i][1]));
		assert_null(p);
		free(why);
		cJSON_Delete(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(k8gbs_truth_table_holds),
		cmocka_unit_test(health_combines_as_k8gb_does),
		cmocka_unit_test(a_policy_may_ask_for_more_ready_endpoints),
		cmocka_unit_test(weight_zero_and_no_weight_answer_only_if_nobody_else_can),
		cmocka_unit_test(tiers_answer_in_order),
		cmocka_unit_test(a_tier_below_its_least_live_share_steps_back),
		cmocka_unit_test(failover_waits_for_its_delay),
		cmocka_unit_test(failback_waits_for_its_delay),
		cmocka_unit_test(manual_failback_waits_for_a_word),
		cmocka_unit_test(all_down_may_answer_all),
		cmocka_unit_test(broken_policies_name_the_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Selectors: shares, stickiness, geography; what a compiled decision gives to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gslb/choose.h"
#include "gslb/compile.h"
#include "gslb/decide.h"
#include "gslb/geo.h"
#include "gslb/policy.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "tests/gslb/mmdb.h"

static struct strv none;

static uint32_t random32(void)
{
	static uint64_t x = 0x2545f4914f6cdd1dULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32);
}

static struct selector_client client(const char *text)
{
	struct netaddr a;
	struct selector_client c = { 0 };

	assert_int_equal(netaddr_from_text(text, &a), 0);
	c.family = a.family;
	c.prefix_len = a.family == 4 ? 32 : 128;
	memcpy(c.bytes, a.bytes, sizeof(c.bytes));
	return c;
}

/* --- weights ------------------------------------------------------------------------------ */

static void shares_are_within_one_percent(void **state)
{
	static const struct {
		unsigned n;
		double weight[6];
	} rows[] = {
		{ 2, { 50, 50 } },     { 2, { 80, 20 } },           { 3, { 1, 10, 100 } },
		{ 3, { 1000, 1, 0 } }, { 6, { 1, 2, 3, 4, 5, 6 } }, { 1, { 7 } },
		{ 4, { 0, 0, 0, 3 } },
	};
	enum { N = 100000 };
	struct selector_client c = client("192.0.2.1");

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		struct choose_option o[6];
		struct choose_class k = { o, rows[r].n };
		struct choose_spec spec = { .classes = &k, .nclasses = 1 };
		unsigned seen[7] = { 0 };
		double sum = 0;

		for (unsigned i = 0; i < rows[r].n; i++) {
			o[i] = (struct choose_option){ i + 1, rows[r].weight[i], i };
			sum += rows[r].weight[i];
		}
		struct selector *s = choose_new(&spec);
		assert_non_null(s);
		assert_false(s->needs_client);
		for (unsigned i = 0; i < N; i++) {
			uint8_t scope;

			seen[s->select(s, &c, random32(), &scope)]++;
			assert_int_equal(scope, 0);
		}
		for (unsigned i = 0; i < rows[r].n; i++) {
			double got = seen[i + 1] / (double)N, want = rows[r].weight[i] / sum;

			assert_true(got - want < 0.01 && want - got < 0.01);
			if (rows[r].weight[i] == 0)
				assert_int_equal(seen[i + 1], 0);
		}
		s->free(s);
	}
}

static void nothing_to_choose_needs_no_selector(void **state)
{
	struct choose_option o = { 0, 1, 0 };
	struct choose_class k = { &o, 1 };
	struct choose_spec spec = { .classes = &k, .nclasses = 1 };

	(void)state;
	assert_null(choose_new(&spec));
}

/* --- stickiness ----------------------------------------------------------------------------- */

static struct selector *sticky(const char *const *members, const double *weights, unsigned n)
{
	struct choose_option o[8];
	struct choose_class k = { o, n };
	struct choose_spec spec = {
		.classes = &k, .nclasses = 1, .is_sticky = true, .v4_prefix = 24, .v6_prefix = 56
	};

	for (unsigned i = 0; i < n; i++)
		o[i] = (struct choose_option){ (unsigned)(members[i][0] - 'a'),
					       weights ? weights[i] : 1, choose_seed(members[i]) };
	return choose_new(&spec);
}

static unsigned pick(const struct selector *s, unsigned net, unsigned host, uint8_t *scope)
{
	struct selector_client c = { .family = 4, .prefix_len = 32 };

	c.bytes[0] = 10;
	c.bytes[1] = (uint8_t)(net >> 8);
	c.bytes[2] = (uint8_t)net;
	c.bytes[3] = (uint8_t)host;
	return s->select(s, &c, random32(), scope);
}

static void a_network_keeps_its_member(void **state)
{
	struct selector *all = sticky((const char *const[]){ "a", "b", "c", "d" }, NULL, 4);
	struct selector *less = sticky((const char *const[]){ "a", "b", "d" }, NULL, 3);
	unsigned moved = 0, seen[4] = { 0 };
	enum { NETS = 20000 };
	uint8_t scope;

	(void)state;
	assert_true(all->needs_client);
	for (unsigned n = 0; n < NETS; n++) {
		unsigned was = pick(all, n, 1, &scope), is = pick(less, n, 200, &scope);

		assert_int_equal(scope, 24);
		assert_int_equal(was, pick(all, n, 77, &scope));
		seen[was]++;
		if (was != 2 && was != is)
			moved++; /* only clients of the one that left may move */
	}
	assert_int_equal(moved, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_true(seen[i] > NETS / 4 - NETS / 50 && seen[i] < NETS / 4 + NETS / 50);
	all->free(all);
	less->free(less);
}

static void sticky_shares_follow_the_weights(void **state)
{
	struct selector *s = sticky((const char *const[]){ "a", "b" }, (const double[]){ 9, 1 }, 2);
	unsigned b = 0;
	enum { NETS = 50000 };
	uint8_t scope;

	(void)state;
	for (unsigned n = 0; n < NETS; n++)
		b += pick(s, n, 1, &scope) == 1;
	assert_true(b > NETS * 9 / 100 && b < NETS * 11 / 100);
	s->free(s);
}

/* --- compiled decisions --------------------------------------------------------------------------
 */

/* Sites "eu=10.0.0.1,10.0.0.2/5 us=…": tag, addresses, weight; all of them answered. */
static void build(struct decision *d, const char *text)
{
	struct strv words = { 0 };

	*d = (struct decision){ 0 };
	strv_split(&words, text, " ");
	for (size_t i = 0; i < words.n; i++) {
		char *eq = strchr(words.s[i], '='), *slash = strchr(words.s[i], '/');
		struct strv addrs = { 0 };

		*eq = '\0';
		if (slash) {
			*slash = '\0';
			d->by_weight = true;
		}
		(void)decide_add_site(d, &(struct site){ .geo_tag = mem_strdup(words.s[i]),
							 .weight = slash ? (unsigned)atoi(slash + 1)
									 : SITE_NO_WEIGHT });
		strv_split(&addrs, eq + 1, ",");
		for (size_t j = 0; j < addrs.n; j++) {
			struct netaddr a;

			assert_int_equal(netaddr_from_text(addrs.s[j], &a), 0);
			decide_add_member(d, &a);
		}
		strv_fini(&addrs);
	}
	for (size_t i = 0; i < d->nmembers; i++)
		d->members[i].is_live = d->members[i].is_answered = true;
	strv_fini(&words);
}

static char *variant_text(const struct decision *d, const struct compiled *c, unsigned v)
{
	struct strv out = { 0 };

	assert_true(v < c->nvariants);
	for (size_t i = 0; i < c->variants[v].n; i++) {
		char text[NETADDR_TEXT_MAX];

		strv_add(&out, netaddr_to_text(&d->members[c->variants[v].members[i]].addr, text));
	}
	char *text = strv_join(&out, " ");
	strv_fini(&out);
	return text;
}

static char *given(const struct decision *d, const struct compiled *c, const char *from,
		   uint8_t *ret_scope)
{
	struct selector_client k = client(from);

	*ret_scope = 0;
	return variant_text(
		d, c,
		c->selector ? c->selector->select(c->selector, &k, random32(), ret_scope) : 0);
}

static void a_weighted_answer_is_one_clusters(void **state)
{
	struct geo *geo = geo_open(&none, &none, &none);
	struct decision d;
	struct compiled c;
	unsigned eu = 0;
	uint8_t scope;

	(void)state;
	build(&d, "eu=10.0.0.2,10.0.0.1/3 us=10.0.1.1,2001:db8::1/1");
	compile_run(&d, 4, geo, &c);
	char *all = variant_text(&d, &c, 0);
	assert_string_equal(all, "10.0.0.1 10.0.0.2 10.0.1.1");
	free(all);
	for (int i = 0; i < 100000; i++) {
		char *got = given(&d, &c, "192.0.2.1", &scope);

		if (strcmp(got, "10.0.0.1 10.0.0.2") == 0)
			eu++;
		else
			assert_string_equal(got, "10.0.1.1");
		free(got);
	}
	assert_true(eu > 74000 && eu < 76000);
	compile_fini(&c);
	compile_run(&d, 6, geo, &c);
	all = given(&d, &c, "192.0.2.1", &scope);
	assert_string_equal(all, "2001:db8::1");
	free(all);
	compile_fini(&c);
	decide_fini(&d);
	geo_unref(geo);
}

static struct policy *policy(const char *spec)
{
	cJSON *json = cJSON_Parse(spec);
	struct policy *p = NULL;
	char *why = NULL;

	if (policy_parse("ns/p", json, false, &p, &why))
		fail_msg("%s", why);
	cJSON_Delete(json);
	return p;
}

static void count_limits_an_answer_and_all_get_their_turn(void **state)
{
	struct geo *geo = geo_open(&none, &none, &none);
	struct policy *p = policy("{\"count\":2}");
	struct decision d;
	struct compiled c;
	unsigned seen[5] = { 0 };
	uint8_t scope;

	(void)state;
	build(&d, "eu=10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4");
	d.policy = p;
	compile_run(&d, 4, geo, &c);
	for (int i = 0; i < 20000; i++) {
		char *got = given(&d, &c, "192.0.2.1", &scope);

		assert_int_equal(strlen(got), 17);
		seen[got[7] - '0']++;
		seen[got[16] - '0']++;
		free(got);
	}
	for (int i = 1; i <= 4; i++)
		assert_true(seen[i] > 9500 && seen[i] < 10500);
	compile_fini(&c);
	decide_fini(&d);
	policy_unref(p);
	geo_unref(geo);
}

/* --- geography
 * -------------------------------------------------------------------------------------- */

static char *database(const struct mmdb_row *rows, size_t n)
{
	char *path = mem_printf("%s/gslbd-test-%d.mmdb",
				getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());

	mmdb_write(path, rows, n);
	return path;
}

static struct geo *open_geo(const char *path, const char *fields)
{
	struct strv files = { 0 }, names = { 0 }, trouble = { 0 };

	strv_add(&files, path);
	strv_split(&names, fields, " ");
	struct geo *g = geo_open(&files, &names, &trouble);
	for (size_t i = 0; i < trouble.n; i++)
		fail_msg("%s", trouble.s[i]);
	strv_fini(&files);
	strv_fini(&names);
	return g;
}

static void geoip_answers_as_k8gbs_plugin(void **state)
{
	static const struct mmdb_row rows[] = { { "192.200.1.0/24", "datacenter=site1" },
						{ "192.200.2.0/24", "datacenter=site2" } };
	static const struct {
		const char *client, *want;
		unsigned scope;
	} asks[] = {
		{ "192.200.1.50", "192.200.1.5 192.200.1.10", 24 },
		{ "192.200.2.30", "192.200.2.5 192.200.2.10", 24 },
		{ "192.100.1.15", "192.200.1.5 192.200.1.10 192.200.2.5 192.200.2.10", 9 },
		{ "2001:db8::1", "192.200.1.5 192.200.1.10 192.200.2.5 192.200.2.10", 3 },
	};
	char *path = database(rows, ARRAY_SIZE(rows));
	struct geo *geo = open_geo(path, "");
	struct decision d;
	struct compiled c;

	(void)state;
	build(&d, "eu=192.200.1.5,192.200.1.10 us=192.200.2.5,192.200.2.10");
	d.by_field = true;
	compile_run(&d, 4, geo, &c);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		uint8_t scope;
		char *got = given(&d, &c, asks[i].client, &scope);

		assert_string_equal(got, asks[i].want);
		assert_int_equal(scope, asks[i].scope);
		free(got);
	}
	compile_fini(&c);
	decide_fini(&d);
	geo_unref(geo);
	(void)unlink(path);
	free(path);
}

static void the_first_field_with_a_match_decides(void **state)
{
	static const struct mmdb_row rows[] = {
		{ "10.0.0.0/24", "country.iso_code=DE continent.code=EU" },
		{ "10.0.1.0/24", "country.iso_code=US continent.code=NA" },
		{ "192.0.2.0/25", "country.iso_code=DE continent.code=EU" },
		{ "192.0.2.128/25", "country.iso_code=FR continent.code=EU" },
		{ "198.51.100.0/24", "country.iso_code=CA continent.code=NA" },
		{ "203.0.113.0/24", "country.iso_code=JP continent.code=AS" },
	};
	static const char *const asks[][2] = {
		{ "192.0.2.1", "10.0.0.1" },        { "192.0.2.200", "10.0.0.1" },
		{ "198.51.100.1", "10.0.1.1" },     { "203.0.113.1", "10.0.0.1 10.0.1.1" },
		{ "8.8.8.8", "10.0.0.1 10.0.1.1" },
	};
	char *path = database(rows, ARRAY_SIZE(rows));
	struct geo *geo = open_geo(path, "country.iso_code continent.code");
	struct decision d;
	struct compiled c;

	(void)state;
	build(&d, "eu=10.0.0.1 us=10.0.1.1");
	d.by_field = true;
	compile_run(&d, 4, geo, &c);
	for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
		uint8_t scope;
		char *got = given(&d, &c, asks[i][0], &scope);

		assert_string_equal(got, asks[i][1]);
		free(got);
	}
	compile_fini(&c);
	decide_fini(&d);
	geo_unref(geo);
	(void)unlink(path);
	free(path);
}

/* SPEC's geography for sites given by build(); DEAD: tag of a site that does not answer. */
static void expect_from(const char *spec, const char *fields, const char *dead,
			const char *const (*asks)[3], size_t n)
{
	static const struct mmdb_row rows[] = {
		{ "192.0.2.0/25", "country.iso_code=DE continent.code=EU "
				  "location.latitude=52.5 location.longitude=13.4 "
				  "autonomous_system_number=64500" },
		{ "192.0.2.128/25", "country.iso_code=FR continent.code=EU "
				    "location.latitude=48.8 location.longitude=2.3" },
		{ "198.51.100.0/24", "country.iso_code=US continent.code=NA "
				     "location.latitude=40.7 location.longitude=-74.0" },
		{ "203.0.113.0/24", "country.iso_code=JP continent.code=AS "
				    "location.latitude=35.6 location.longitude=139.6" },
		{ "10.0.0.1/32", "country.iso_code=DE" },
		{ "10.0.1.1/32", "country.iso_code=US" },
		{ "10.0.2.1/32", "country.iso_code=JP" },
	};
	char *path = database(rows, ARRAY_SIZE(rows));
	struct geo *geo = open_geo(path, fields);
	struct policy *p = policy(spec);
	struct decision d;
	struct compiled c;

	build(&d, "eu=10.0.0.1 us=10.0.1.1 ap=10.0.2.1");
	d.policy = p;
	for (size_t i = 0; dead && i < d.nmembers; i++)
		if (strcmp(d.sites[d.members[i].site].geo_tag, dead) == 0)
			d.members[i].is_live = d.members[i].is_answered = false;
	compile_run(&d, 4, geo, &c);
	for (size_t i = 0; i < n; i++) {
		uint8_t scope;
		char *got = given(&d, &c, asks[i][0], &scope);

		if (strcmp(got, asks[i][1]) != 0)
			fail_msg("client %s: got \"%s\", want \"%s\"", asks[i][0], got, asks[i][1]);
		if (asks[i][2])
			assert_int_equal(scope, atoi(asks[i][2]));
		free(got);
	}
	compile_fini(&c);
	decide_fini(&d);
	policy_unref(p);
	geo_unref(geo);
	(void)unlink(path);
	free(path);
}

#define MAP                                                                                \
	"{\"geography\":{\"match\":\"Map\",\"sites\":["                                    \
	"{\"geoTag\":\"eu\",\"continents\":[\"EU\"],\"networks\":[\"198.51.100.64/26\"]}," \
	"{\"geoTag\":\"us\",\"countries\":[\"US\"],\"networks\":[\"198.51.100.64/28\"]},"  \
	"{\"geoTag\":\"ap\",\"asns\":[64500],\"continents\":[\"AS\"]}]"

static void maps_go_from_the_particular_to_the_general(void **state)
{
	static const char *const all[][3] = {
		{ "192.0.2.1", "10.0.2.1", NULL },      /* its AS number, before its continent */
		{ "192.0.2.200", "10.0.0.1", NULL },    /* continent */
		{ "198.51.100.1", "10.0.1.1", "26" },   /* country; what is beside 64/26 */
		{ "198.51.100.65", "10.0.1.1", "28" },  /* the longer prefix */
		{ "198.51.100.100", "10.0.0.1", "27" }, /* the shorter one, beside 64/28 */
		{ "203.0.113.9", "10.0.2.1", NULL },
		{ "8.8.8.8", "10.0.0.1 10.0.1.1 10.0.2.1", NULL },
	};
	static const char *const no_ap[][3] = {
		{ "192.0.2.1", "10.0.0.1", NULL }, /* then its continent */
		{ "203.0.113.9", "10.0.0.1 10.0.1.1", NULL },
	};
	static const char *const fenced[][3] = {
		{ "192.0.2.1", "10.0.0.1", NULL },
		{ "203.0.113.9", "", NULL }, /* never leaves */
		{ "8.8.8.8", "10.0.0.1 10.0.1.1", NULL },
	};

	(void)state;
	expect_from(MAP "}}", "", NULL, all, ARRAY_SIZE(all));
	expect_from(MAP "}}", "", "ap", no_ap, ARRAY_SIZE(no_ap));
	expect_from(MAP ",\"fence\":true}}", "", "ap", fenced, ARRAY_SIZE(fenced));
}

#define NEAREST                                                      \
	"{\"geography\":{\"match\":\"Nearest\",\"sites\":["          \
	"{\"geoTag\":\"eu\",\"latitude\":50.1,\"longitude\":8.7},"   \
	"{\"geoTag\":\"us\",\"latitude\":39.0,\"longitude\":-77.5}," \
	"{\"geoTag\":\"ap\",\"latitude\":1.3,\"longitude\":103.8}]"

static void the_nearest_live_site_answers(void **state)
{
	static const char *const all[][3] = {
		{ "192.0.2.1", "10.0.0.1", "25" },
		{ "192.0.2.200", "10.0.0.1", "25" },
		{ "198.51.100.1", "10.0.1.1", "24" },
		{ "203.0.113.9", "10.0.2.1", "24" },
		{ "8.8.8.8", "10.0.0.1 10.0.1.1 10.0.2.1", NULL },
	};
	static const char *const no_eu[][3] = {
		{ "192.0.2.200", "10.0.1.1", NULL }, /* Paris: Virginia before Singapore */
		{ "203.0.113.9", "10.0.2.1", NULL },
	};
	static const char *const fenced[][3] = { { "192.0.2.200", "", NULL },
						 { "203.0.113.9", "10.0.2.1", NULL } };

	(void)state;
	expect_from(NEAREST "}}", "", NULL, all, ARRAY_SIZE(all));
	expect_from(NEAREST "}}", "", "eu", no_eu, ARRAY_SIZE(no_eu));
	expect_from(NEAREST ",\"fence\":true}}", "", "eu", fenced, ARRAY_SIZE(fenced));
}

static void a_fence_by_field_is_never_left(void **state)
{
	static const char *const open[][3] = { { "192.0.2.1", "10.0.1.1 10.0.2.1", NULL },
					       { "198.51.100.1", "10.0.1.1", NULL } };
	static const char *const fenced[][3] = { { "192.0.2.1", "", NULL },
						 { "198.51.100.1", "10.0.1.1", NULL },
						 { "8.8.8.8", "10.0.1.1 10.0.2.1", NULL } };

	(void)state;
	expect_from("{\"geography\":{\"match\":\"Field\",\"fields\":[\"country.iso_code\"]}}", "",
		    "eu", open, ARRAY_SIZE(open));
	expect_from("{\"geography\":{\"match\":\"Field\",\"fields\":[\"country.iso_code\"],"
		    "\"fence\":true}}",
		    "", "eu", fenced, ARRAY_SIZE(fenced));
}

static void missing_and_corrupt_databases_are_no_geography(void **state)
{
	struct strv files = { 0 }, trouble = { 0 };
	char *path = mem_printf("%s/gslbd-test-bad-%d.mmdb",
				getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
	FILE *f = fopen(path, "w");
	struct decision d;
	struct compiled c;
	uint8_t scope;

	(void)state;
	fputs("this is no database", f);
	fclose(f);
	strv_add(&files, "/nowhere/at/all.mmdb");
	strv_add(&files, path);
	struct geo *geo = geo_open(&files, &none, &trouble);
	assert_true(geo_is_empty(geo));
	assert_int_equal(trouble.n, 2);
	assert_non_null(strstr(trouble.s[0], "/nowhere/at/all.mmdb: "));
	assert_false(geo_is_stale(geo));
	build(&d, "eu=10.0.0.1 us=10.0.1.1");
	d.by_field = true;
	compile_run(&d, 4, geo, &c);
	char *got = given(&d, &c, "192.0.2.1", &scope);
	assert_string_equal(got, "10.0.0.1 10.0.1.1");
	free(got);
	f = fopen(path, "a");
	fputs("!", f);
	fclose(f);
	assert_true(geo_is_stale(geo));
	compile_fini(&c);
	decide_fini(&d);
	geo_unref(geo);
	strv_fini(&files);
	strv_fini(&trouble);
	(void)unlink(path);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_are_within_one_percent),
		cmocka_unit_test(nothing_to_choose_needs_no_selector),
		cmocka_unit_test(a_network_keeps_its_member),
		cmocka_unit_test(sticky_shares_follow_the_weights),
		cmocka_unit_test(a_weighted_answer_is_one_clusters),
		cmocka_unit_test(count_limits_an_answer_and_all_get_their_turn),
		cmocka_unit_test(geoip_answers_as_k8gbs_plugin),
		cmocka_unit_test(the_first_field_with_a_match_decides),
		cmocka_unit_test(maps_go_from_the_particular_to_the_general),
		cmocka_unit_test(the_nearest_live_site_answers),
		cmocka_unit_test(a_fence_by_field_is_never_left),
		cmocka_unit_test(missing_and_corrupt_databases_are_no_geography),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

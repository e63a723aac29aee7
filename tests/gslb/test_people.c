/* What people do and see: explain, drain, simulate, failback, static members; and restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/state.h"
#include "lib/status.h"
#include "tests/gslb/world.h"

#define ZONES "dns-zones=example.com:cloud.example.com:30"
#define A     "a.cloud.example.com"

static struct loop *loop;
static struct cluster *eu, *us;

static struct gslb_decl *failover(const char *ip, int ready)
{
	struct gslb_decl *d = decl_new("f", "f.cloud.example.com", "failover", ip, ready);

	d->primary_geo_tag = mem_strdup("eu");
	return d;
}

/* us opens first: commands go to the cluster that registered last, eu. */
static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	eu = cluster_listen(loop);
	us = cluster_listen(loop);
	char *us_peer = mem_printf("peer=us=%s", cluster_address(us));
	char *eu_peer = mem_printf("peer=eu=%s", cluster_address(eu));
	cluster_open(us, (const char *const[]){ "cluster-geo-tag=us", ZONES, eu_peer, NULL });
	status_clear();
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, us_peer, NULL });
	free(us_peer);
	free(eu_peer);
	gslb_put(eu->g, decl_new("a", A, "roundRobin", "192.0.2.1", 1));
	gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 1));
	gslb_put(eu->g, failover("192.0.2.2", 1));
	gslb_put(us->g, failover("198.51.100.2", 1));
	gslb_synced(eu->g, "gslb", true);
	gslb_synced(us->g, "gslb", true);
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
	answers(us, A, "A", "192.0.2.1 198.51.100.1");
	answers(us, "f.cloud.example.com", "A", "192.0.2.2");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	cluster_close(eu);
	cluster_close(us);
	eu = us = NULL;
	loop_free(loop);
	status_clear();
	return 0;
}

/* Run COMMAND with "key=value" words; the result, which the caller deletes. */
static cJSON *run(const char *command, const char *const *words, int want)
{
	cJSON *args = cJSON_CreateObject(), *out = cJSON_CreateObject();

	for (; *words; words++) {
		char *key = mem_strndup(*words, strcspn(*words, "="));

		cJSON_AddStringToObject(args, key, strchr(*words, '=') + 1);
		free(key);
	}
	int err = status_run(command, args, out, true);
	if (err != want)
		fail_msg("%s: %s: %s", command, error_text(err), json_text(out, "error"));
	cJSON_Delete(args);
	return out;
}

#define RUN(command, want, ...) run(command, (const char *const[]){ __VA_ARGS__, NULL }, want)

static const char *list_text(const cJSON *o, const char *path)
{
	static char text[1024];
	struct strv v = { 0 };

	json_strings(o, path, &v);
	char *joined = strv_join(&v, " ");
	snprintf(text, sizeof(text), "%s", joined);
	free(joined);
	strv_fini(&v);
	return text;
}

static const cJSON *member(const cJSON *o, const char *tag)
{
	const cJSON *m = NULL;

	cJSON_ArrayForEach(m, json_get(o, "members")) {
		if (strcmp(json_text(m, "geo_tag"), tag) == 0)
			return m;
	}
	fail_msg("no member %s", tag);
	return NULL;
}

/* --- explain ------------------------------------------------------------------------------- */

static void explain_says_what_the_wire_says(void **state)
{
	cJSON *o = RUN("explain", 0, "name=F.cloud.example.com.");

	(void)state;
	assert_string_equal(list_text(o, "answer"), "192.0.2.2");
	assert_string_equal(json_text(o, "strategy"), "failover");
	assert_string_equal(json_text(o, "reason"), "Primary");
	assert_string_equal(json_text(member(o, "eu"), "reason"), "Answered");
	assert_string_equal(json_text(member(o, "us"), "reason"), "Standby");
	assert_string_equal(json_text(member(o, "us"), "source"), "peer");
	assert_int_equal(json_number(o, "ttl", 0), 30);
	cJSON_Delete(o);
	o = RUN("explain", ERR_NOT_FOUND, "name=nobody.cloud.example.com");
	assert_non_null(strstr(json_text(o, "error"), "no object declares"));
	cJSON_Delete(o);
	o = RUN("explain", ERR_INVALID, "name=" A, "client=x");
	cJSON_Delete(o);
}

static void explain_of_weights_tells_the_shares(void **state)
{
	struct gslb_decl *d = decl_new("a", A, "roundRobin", "192.0.2.1", 1);

	(void)state;
	decl_weight(d, "eu", 1);
	decl_weight(d, "us", 3);
	gslb_put(eu->g, d);
	cJSON *o = RUN("explain", 0, "name=" A);
	assert_string_equal(list_text(o, "answer"), "192.0.2.1 198.51.100.1");
	const cJSON *shares = json_get(o, "shares");
	assert_int_equal(cJSON_GetArraySize(shares), 2);
	assert_true(json_get(cJSON_GetArrayItem(shares, 0), "share")->valuedouble > 0.249 &&
		    json_get(cJSON_GetArrayItem(shares, 0), "share")->valuedouble < 0.251);
	cJSON_Delete(o);
	unsigned eus = 0;
	for (int i = 0; i < 4000; i++)
		eus += strcmp(ask(eu, A, "A"), "192.0.2.1") == 0;
	assert_true(eus > 850 && eus < 1150);
}

static void sections_have_their_shape(void **state)
{
	cJSON *hosts = status_collect("hosts"), *peers = status_collect("peers"),
	      *history = status_collect("history");
	const cJSON *h = cJSON_GetObjectItem(hosts, A);

	(void)state;
	if (h == NULL)
		h = cJSON_GetObjectItem(json_get(hosts, "hosts"), A);
	assert_non_null(h);
	assert_string_equal(list_text(h, "answer"), "192.0.2.1 198.51.100.1");
	assert_string_equal(json_text(h, "zone"), "cloud.example.com");
	char *text = json_print(peers);
	assert_non_null(strstr(text, "\"state\":\"up\""));
	assert_non_null(strstr(text, "\"rtt_ms\""));
	free(text);
	text = json_print(history);
	assert_non_null(strstr(text, "\"host\":\"" A "\""));
	free(text);
	cJSON_Delete(hosts);
	cJSON_Delete(peers);
	cJSON_Delete(history);
}

/* --- drain -------------------------------------------------------------------------------------
 */

static void a_drained_cluster_leaves_everywhere_and_comes_back(void **state)
{
	(void)state;
	cJSON_Delete(RUN("drain", 0, "target=eu", "reason=upgrade", "author=ann"));
	assert_string_equal(ask(eu, A, "A"), "198.51.100.1");
	answers(us, A, "A", "198.51.100.1");
	answers(us, "f.cloud.example.com", "A", "198.51.100.2");
	assert_string_equal(ask(eu, "localtargets-" A, "A"), "NXDOMAIN");
	cJSON *o = RUN("explain", 0, "name=" A);
	assert_string_equal(json_text(member(o, "eu"), "reason"), "Drained");
	cJSON_Delete(o);
	o = RUN("drains", 0, "x=y");
	char *text = json_print(o);
	assert_non_null(strstr(text, "upgrade"));
	assert_non_null(strstr(text, "Active"));
	free(text);
	cJSON_Delete(o);
	cJSON_Delete(RUN("undrain", 0, "target=eu"));
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1");
	answers(us, A, "A", "192.0.2.1 198.51.100.1");
	cJSON_Delete(RUN("undrain", ERR_NOT_FOUND, "target=eu"));
}

static void a_drain_of_another_cluster_reaches_it(void **state)
{
	(void)state;
	cJSON_Delete(RUN("drain", 0, "target=us", "reason=test"));
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1");
	answers(us, A, "A", "192.0.2.1");
	cJSON_Delete(RUN("undrain", 0, "target=us"));
	answers(us, A, "A", "192.0.2.1 198.51.100.1");
}

static void the_last_live_member_is_not_drained_unless_forced(void **state)
{
	(void)state;
	gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 0));
	answers(eu, A, "A", "192.0.2.1");
	cJSON *o = RUN("drain", ERR_DENIED, "host=" A, "geo_tag=eu");
	assert_non_null(strstr(json_text(o, "error"), A));
	cJSON_Delete(o);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1");
	cJSON_Delete(RUN("drain", 0, "host=" A, "geo_tag=eu", "force=true", "name=x"));
	assert_string_equal(ask(eu, A, "A"), "NODATA");
	cJSON_Delete(RUN("undrain", 0, "target=x"));
	/* as an object it is followed where it can be */
	gslb_policy(eu->g, "Drain", "/d", "{\"what\":{\"geoTag\":\"eu\"},\"reason\":\"r\"}");
	answers(eu, "f.cloud.example.com", "A", "198.51.100.2");
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1");
	gslb_policy(eu->g, "Drain", "/d", NULL);
	answers(eu, "f.cloud.example.com", "A", "192.0.2.2");
}

static void drains_have_a_time(void **state)
{
	(void)state;
	gslb_policy(eu->g, "Drain", "/old",
		    "{\"what\":{\"geoTag\":\"eu\"},\"reason\":\"r\",\"until\":\"2020-01-01T00:00:"
		    "00Z\"}");
	gslb_policy(eu->g, "Drain", "/later",
		    "{\"what\":{\"geoTag\":\"eu\"},\"reason\":\"r\",\"from\":\"2120-01-01T00:00:"
		    "00Z\"}");
	settle(loop);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1");
	cJSON *o = RUN("drains", 0, "x=y");
	char *text = json_print(o);
	assert_non_null(strstr(text, "Over"));
	assert_non_null(strstr(text, "Pending"));
	free(text);
	cJSON_Delete(o);
	cJSON_Delete(RUN("drain", 0, "target=192.0.2.1", "for=1s"));
	assert_string_equal(ask(eu, A, "A"), "198.51.100.1");
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
}

static void a_member_may_be_forced_up(void **state)
{
	(void)state;
	gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 0));
	answers(eu, A, "A", "192.0.2.1");
	cJSON_Delete(RUN("force", 0, "target=us", "reason=false alarm", "author=ann"));
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
	answers(us, A, "A", "192.0.2.1 198.51.100.1");
	cJSON *o = RUN("explain", 0, "name=" A);
	assert_non_null(strstr(json_text(member(o, "us"), "detail"), "false alarm, by ann"));
	cJSON_Delete(o);
	cJSON_Delete(RUN("drain", 0, "target=us", "reason=after all"));
	answers(eu, A, "A", "192.0.2.1");
	cJSON_Delete(RUN("undrain", 0, "target=us"));
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
	cJSON_Delete(RUN("unforce", 0, "target=us"));
	answers(eu, A, "A", "192.0.2.1");
	answers(us, A, "A", "192.0.2.1");
	cJSON_Delete(RUN("unforce", ERR_NOT_FOUND, "target=us"));
	cJSON_Delete(RUN("drain", ERR_INVALID, "target=us", "action=Sideways"));
}

/* --- simulate, failback
 * --------------------------------------------------------------------------- */

static void simulate_tells_what_would_be(void **state)
{
	cJSON *o = RUN("simulate", 0, "name=f.cloud.example.com", "down=eu");

	(void)state;
	assert_string_equal(list_text(o, "now.answer"), "192.0.2.2");
	assert_string_equal(list_text(o, "then.answer"), "198.51.100.2");
	cJSON_Delete(o);
	o = RUN("simulate", 0, "name=" A, "weights=eu=90,us=10");
	const cJSON *shares = json_get(o, "then.shares");
	assert_int_equal(cJSON_GetArraySize(shares), 2);
	assert_true(json_get(cJSON_GetArrayItem(shares, 0), "share")->valuedouble > 0.89);
	cJSON_Delete(o);
	o = RUN("simulate", 0, "down=eu,us");
	assert_int_equal(cJSON_GetArraySize(json_get(o, "hosts")), 2);
	assert_int_equal(json_number(o, "hosts_without_answer", 0), 2);
	cJSON_Delete(o);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1");
}

static void simulate_tells_the_shares_of_groups_of_clients(void **state)
{
	(void)state;
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"" A "\"],\"geography\":{\"match\":\"Map\",\"sites\":["
		    "{\"geoTag\":\"eu\",\"networks\":[\"10.1.0.0/16\"]},"
		    "{\"geoTag\":\"us\",\"networks\":[\"10.2.0.0/16\"]}]}}");
	settle(loop);
	cJSON *o = RUN("simulate", 0, "name=" A, "down=eu", "clients=10.1.0.0/16,10.2.0.0/16");
	const cJSON *groups = json_get(o, "groups");
	assert_int_equal(cJSON_GetArraySize(groups), 2);
	const cJSON *one = cJSON_GetArrayItem(groups, 0), *two = cJSON_GetArrayItem(groups, 1);
	assert_string_equal(list_text(one, "now.answer"), "192.0.2.1");
	assert_string_equal(list_text(one, "then.answer"), "198.51.100.1");
	assert_string_equal(list_text(two, "now.answer"), "198.51.100.1");
	assert_string_equal(list_text(two, "then.answer"), "198.51.100.1");
	cJSON_Delete(o);
	cJSON_Delete(RUN("simulate", ERR_INVALID, "name=" A, "clients=here"));
}

static void manual_failback_waits_for_the_command(void **state)
{
	(void)state;
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"f.cloud.example.com\"],\"tiers\":[{\"geoTags\":[\"eu\"]}],"
		    "\"failback\":{\"mode\":\"Manual\"}}");
	gslb_put(eu->g, failover("192.0.2.2", 0));
	answers(eu, "f.cloud.example.com", "A", "198.51.100.2");
	gslb_put(eu->g, failover("192.0.2.2", 1));
	answers(eu, "localtargets-f.cloud.example.com", "A", "192.0.2.2");
	assert_string_equal(ask(eu, "f.cloud.example.com", "A"), "198.51.100.2");
	cJSON_Delete(RUN("failback", 0, "name=f.cloud.example.com"));
	assert_string_equal(ask(eu, "f.cloud.example.com", "A"), "192.0.2.2");
	cJSON_Delete(RUN("failback", ERR_INVALID, "name=f.cloud.example.com"));
}

/* --- policies and static members
 * ---------------------------------------------------------------------- */

/* Until one address is answered in place of several. */
static void answers_one(struct cluster *c, const char *name)
{
	while (strchr(ask(c, name, "A"), ' '))
		loop_once(loop, 10);
}

static void static_members_answer_with_clusters(void **state)
{
	(void)state;
	gslb_policy(eu->g, "StaticMember", "ns/m",
		    "{\"hosts\":[\"" A "\"],\"geoTag\":\"dc\",\"addresses\":[\"203.0.113.1\"]}");
	answers(eu, A, "A", "192.0.2.1 198.51.100.1 203.0.113.1");
	gslb_policy(eu->g, "StaticMember", "ns/m", "{\"hosts\":[\"" A "\"],\"geoTag\":\"dc\"}");
	settle(loop);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1 203.0.113.1");
	gslb_policy(eu->g, "StaticMember", "ns/m",
		    "{\"targetRef\":{\"kind\":\"Gslb\",\"name\":\"a\"},\"geoTag\":\"dc\","
		    "\"addresses\":[\"203.0.113.2\"],\"weight\":0}");
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
	gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 0));
	gslb_put(eu->g, decl_new("a", A, "roundRobin", "192.0.2.1", 0));
	answers(eu, A, "A", "203.0.113.2");
	gslb_policy(eu->g, "StaticMember", "ns/m", NULL);
	answers(eu, A, "A", "NODATA");
}

static void a_target_is_the_object_or_what_it_refers_to(void **state)
{
	struct gslb_decl *d = decl_new("a", A, "roundRobin", "192.0.2.1", 1);

	(void)state;
	d->ref_kind = mem_strdup("HTTPRoute");
	d->ref_name = mem_strdup("shop");
	gslb_remove(us->g, "k8gb.io/ns/a");
	gslb_put(eu->g, d);
	answers(eu, A, "A", "192.0.2.1");
	for (int i = 0; i < 2; i++) {
		const char *kind = (const char *[]){ "StaticMember", "GslbPolicy" }[i];
		const char *rest =
			(const char *[]){ "\"geoTag\":\"dc\",\"addresses\":[\"203.0.113.2\"]",
					  "\"count\":1" }[i];
		/* a route that is called as the Gslb, one in a group that has none: not meant */
		static const char *const targets[] = {
			"\"kind\":\"HTTPRoute\",\"name\":\"a\"",
			"\"kind\":\"Ingress\",\"name\":\"shop\"",
			"\"kind\":\"HTTPRoute\",\"name\":\"shop\",\"group\":\"apps\"",
			("\"kind\":\"HTTPRoute\",\"name\":\"shop\","
			 "\"group\":\"gateway.networking.k8s.io\""),
		};

		for (size_t t = 0; t < ARRAY_SIZE(targets); t++) {
			char *spec = mem_printf("{\"targetRef\":{%s},%s}", targets[t], rest);

			gslb_policy(eu->g, kind, "ns/m", spec);
			free(spec);
			if (t + 1 == ARRAY_SIZE(targets) && i == 0) {
				answers(eu, A, "A", "192.0.2.1 203.0.113.2");
			} else if (t + 1 == ARRAY_SIZE(targets)) {
				answers_one(eu, A);
			} else {
				settle(loop);
				assert_string_equal(ask(eu, A, "A"),
						    i ? "192.0.2.1 203.0.113.2" : "192.0.2.1");
			}
		}
		if (i == 0) { /* stays, for count to choose from */
			gslb_policy(eu->g, kind, "ns/m", NULL);
			answers(eu, A, "A", "192.0.2.1");
			gslb_policy(eu->g, kind, "ns/stays",
				    "{\"targetRef\":{\"kind\":\"Gslb\",\"name\":\"a\"},"
				    "\"geoTag\":\"dc\",\"addresses\":[\"203.0.113.2\"]}");
			answers(eu, A, "A", "192.0.2.1 203.0.113.2");
		}
	}
}

static void all_down_has_a_choice(void **state)
{
	static const char *const rows[][2] = {
		{ "\"NoData\"", "NODATA" },
		{ "\"All\"", "192.0.2.1 198.51.100.1" },
		{ "\"LastKnownGood\"", "192.0.2.1 198.51.100.1" },
		{ "\"Fallback\",\"addresses\":[\"203.0.113.7\"]", "203.0.113.7" },
		{ "\"Refused\"", "REFUSED" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *spec = mem_printf("{\"hosts\":[\"*.cloud.example.com\"],\"allDown\":"
					"{\"answer\":%s}}",
					rows[i][0]);

		gslb_policy(eu->g, "GslbPolicy", "ns/p", spec);
		gslb_put(eu->g, decl_new("a", A, "roundRobin", "192.0.2.1", 1));
		gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 1));
		answers(eu, A, "A", "192.0.2.1 198.51.100.1");
		gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 0));
		answers(eu, A, "A", "192.0.2.1");
		gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 1));
		answers(eu, A, "A", "192.0.2.1 198.51.100.1");
		/* both at once, so that the last good answer had both */
		us->is_deaf = true;
		gslb_put(us->g, decl_new("a", A, "roundRobin", "198.51.100.1", 0));
		settle(loop);
		us->is_deaf = false;
		gslb_put(eu->g, decl_new("a", A, "roundRobin", "192.0.2.1", 0));
		if (strstr(rows[i][0], "LastKnownGood"))
			answers(eu, A, "A", "198.51.100.1"); /* the last that was live */
		else
			answers(eu, A, "A", rows[i][1]);
		if (strstr(rows[i][0], "Refused"))
			answers(eu, A, "AAAA", "REFUSED");
		free(spec);
	}
}

/*
 * A policy that probes A's members at the port of eu's server: it is alive on 127.0.0.1, and
 * nothing listens beside it on 127.0.0.9.  The caller frees.
 */
static char *probe_of_eus_port(void)
{
	struct netaddr a;

	assert_int_equal(netaddr_from_text_port(cluster_address(eu), 0, &a), 0);
	return mem_printf("{\"hosts\":[\"" A "\"],\"probes\":[{\"name\":\"t\",\"type\":\"TCP\","
			  "\"port\":%u,\"interval\":\"100ms\",\"timeout\":\"100ms\",\"fall\":2,"
			  "\"rise\":1}]}",
			  a.port);
}

static void a_dead_address_is_taken_out_by_its_probe(void **state)
{
	(void)state;
	char *spec = probe_of_eus_port();
	gslb_put(eu->g, decl_new("a", A, "roundRobin", "127.0.0.1 127.0.0.9", 1));
	gslb_remove(us->g, "k8gb.io/ns/a");
	answers(eu, A, "A", "127.0.0.1 127.0.0.9");
	gslb_policy(eu->g, "GslbPolicy", "ns/p", spec);
	answers(eu, A, "A", "127.0.0.1");
	answers(eu, "localtargets-" A, "A", "127.0.0.1");
	cJSON *o = RUN("explain", 0, "name=" A);
	char *text = json_print(o);
	assert_non_null(strstr(text, "ProbeFailed"));
	free(text);
	cJSON_Delete(o);
	gslb_policy(eu->g, "GslbPolicy", "ns/p", NULL);
	answers(eu, A, "A", "127.0.0.1 127.0.0.9");
	free(spec);
}

/* za's edge DNS is eu's server, which has the name that za's member is an alias of. */
static void an_alias_lives_no_longer_than_its_name(void **state)
{
	struct cluster *za = cluster_listen(loop);
	struct gslb_decl *d = decl_new("z", "z.cloud.example.com", "roundRobin", "", 1);
	char *edge = mem_printf("edge-dns-servers=%s", cluster_address(eu));

	(void)state;
	d->dns_ttl_s = 300;
	cluster_open(za, (const char *const[]){ "cluster-geo-tag=za", ZONES, edge, NULL });
	gslb_policy(za->g, "StaticMember", "ns/m",
		    "{\"hosts\":[\"z.cloud.example.com\"],\"geoTag\":\"cdn\",\"hostname\":\"" A
		    "\"}");
	gslb_put(za->g, d);
	gslb_synced(za->g, "gslb", true);
	answers(za, "z.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	assert_int_equal(ask_ttl(za, "z.cloud.example.com", "A"), 30);
	cluster_close(za);
	free(edge);
}

static void one_of_two_probes_may_be_enough(void **state)
{
	struct netaddr a;

	(void)state;
	assert_int_equal(netaddr_from_text_port(cluster_address(eu), 0, &a), 0);
	for (unsigned required = 0; required <= 1; required++) {
		char *spec = mem_printf(
			"{\"hosts\":[\"" A "\"],\"probesRequired\":%u,\"probes\":["
			"{\"name\":\"t\",\"type\":\"TCP\",\"port\":%u,\"interval\":\"100ms\","
			"\"timeout\":\"100ms\"},{\"name\":\"dead\",\"type\":\"TCP\",\"port\":1,"
			"\"interval\":\"100ms\",\"timeout\":\"100ms\",\"fall\":1}]}",
			required, a.port);

		gslb_remove(us->g, "k8gb.io/ns/a");
		gslb_put(eu->g, decl_new("a", A, "roundRobin", "127.0.0.1", 1));
		gslb_policy(eu->g, "GslbPolicy", "ns/p", spec);
		answers(eu, A, "A", required ? "127.0.0.1" : "NODATA");
		free(spec);
	}
}

static void a_static_member_is_probed_at_another_address(void **state)
{
	static const char member[] = "{\"hosts\":[\"" A "\"],\"geoTag\":\"dc\",\"addresses\":"
				     "[\"203.0.113.1\"],\"probeAddress\":\"%s\"}";
	char *m;

	(void)state;
	char *spec = probe_of_eus_port();
	gslb_put(eu->g, decl_new("a", A, "roundRobin", "127.0.0.1", 1));
	gslb_remove(us->g, "k8gb.io/ns/a");
	gslb_policy(eu->g, "GslbPolicy", "ns/p", spec);
	m = mem_printf(member, "127.0.0.9"); /* nothing listens there */
	gslb_policy(eu->g, "StaticMember", "ns/m", m);
	free(m);
	answers(eu, A, "A", "127.0.0.1");
	m = mem_printf(member, "127.0.0.1");
	gslb_policy(eu->g, "StaticMember", "ns/m", m);
	free(m);
	answers(eu, A, "A", "127.0.0.1 203.0.113.1");
	/* what is no address changes nothing */
	m = mem_printf(member, "no-address");
	gslb_policy(eu->g, "StaticMember", "ns/m", m);
	free(m);
	settle(loop);
	assert_string_equal(ask(eu, A, "A"), "127.0.0.1 203.0.113.1");
	free(spec);
}

static void a_host_goes_with_those_it_depends_on(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("b", "b.cloud.example.com", "roundRobin", "192.0.2.9", 1));
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"" A "\"],\"dependsOn\":[\"b.cloud.example.com\"]}");
	answers(eu, "b.cloud.example.com", "A", "192.0.2.9");
	settle(loop);
	assert_string_equal(ask(eu, A, "A"), "192.0.2.1 198.51.100.1");
	gslb_put(eu->g, decl_new("b", "b.cloud.example.com", "roundRobin", "192.0.2.9", 0));
	answers(eu, A, "A", "198.51.100.1");
	gslb_policy(eu->g, "GslbPolicy", "ns/q",
		    "{\"hosts\":[\"b.cloud.example.com\"],\"dependsOn\":[\"" A "\"]}");
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"" A "\"],\"dependsOn\":[\"b.cloud.example.com\"],\"count\":9}");
	answers(eu, A, "A", "192.0.2.1 198.51.100.1"); /* a circle is not followed */
	gslb_policy(eu->g, "GslbPolicy", "ns/q", NULL);
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"" A "\"],\"dependsOn\":[\"b.cloud.example.com\"]}");
	answers(eu, A, "A", "198.51.100.1");
	gslb_put(eu->g, decl_new("b", "b.cloud.example.com", "roundRobin", "192.0.2.9", 1));
	answers(eu, A, "A", "192.0.2.1 198.51.100.1");
}

static void an_https_record_is_made_on_request(void **state)
{
	(void)state;
	assert_string_equal(ask(eu, A, "HTTPS"), "NODATA");
	gslb_policy(eu->g, "GslbPolicy", "ns/p",
		    "{\"hosts\":[\"" A "\"],\"https\":{\"alpn\":[\"h2\",\"h3\"],\"port\":8443}}");
	while (strcmp(ask(eu, A, "HTTPS"), "NODATA") == 0)
		loop_once(loop, 10);
	assert_non_null(strstr(ask(eu, A, "HTTPS"), "1 . alpn="));
	gslb_policy(eu->g, "GslbPolicy", "ns/p", NULL);
	answers(eu, A, "HTTPS", "NODATA");
}

/* --- restart
 * --------------------------------------------------------------------------------------------- */

static struct state *open_state(const char *dir)
{
	struct state *s = NULL;
	char *why = NULL;

	if (state_open(dir, loop, &s, &why))
		fail_msg("%s", why);
	return s;
}

static void a_restart_answers_at_once_what_was_true(void **state)
{
	char dir[] = "/tmp/gslbd-test-XXXXXX";
	const char *const options[] = { "cluster-geo-tag=za", ZONES, "peer=eu=127.0.0.1:1", NULL };
	struct cluster *za = cluster_listen(loop);

	(void)state;
	assert_non_null(mkdtemp(dir));
	za->state = open_state(dir);
	cluster_open(za, options);
	struct gslb_decl *d = decl_new("a", A, "roundRobin", "203.0.113.1", 1);
	decl_weight(d, "za", 0);
	gslb_put(za->g, decl_new("a", A, "roundRobin", "203.0.113.3", 1));
	gslb_put(za->g, decl_new("b", "b.cloud.example.com", "roundRobin", "203.0.113.2", 1));
	gslb_synced(za->g, "gslb", true);
	answers(za, "b.cloud.example.com", "A", "203.0.113.2");
	gslb_put(za->g, d);
	answers(za, A, "A", "203.0.113.1");
	state_close(za->state);
	za->state = NULL;
	cluster_close(za);

	za = cluster_listen(loop);
	za->state = open_state(dir);
	status_clear();
	cluster_open(za, options);
	answers(za, A, "A", "203.0.113.1"); /* no source has said a word */
	cJSON *o = RUN("history", 0, "name=" A);
	assert_string_equal(json_text(cJSON_GetArrayItem(json_get(o, "history"), 0), "cause"),
			    "object");
	cJSON_Delete(o);
	assert_string_equal(ask(za, "b.cloud.example.com", "A"), "203.0.113.2");
	assert_int_equal(za->nstatuses, 0);
	gslb_put(za->g, decl_new("a", A, "roundRobin", "203.0.113.9", 1));
	gslb_synced(za->g, "gslb", true);
	answers(za, A, "A", "203.0.113.9");
	answers(za, "b.cloud.example.com", "A", "NXDOMAIN");
	state_close(za->state);
	za->state = NULL;
	cluster_close(za);
	char *command = mem_printf("rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	free(command);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(explain_says_what_the_wire_says),
		TEST(explain_of_weights_tells_the_shares),
		TEST(sections_have_their_shape),
		TEST(a_drained_cluster_leaves_everywhere_and_comes_back),
		TEST(a_drain_of_another_cluster_reaches_it),
		TEST(the_last_live_member_is_not_drained_unless_forced),
		TEST(drains_have_a_time),
		TEST(a_member_may_be_forced_up),
		TEST(an_alias_lives_no_longer_than_its_name),
		TEST(one_of_two_probes_may_be_enough),
		TEST(simulate_tells_what_would_be),
		TEST(simulate_tells_the_shares_of_groups_of_clients),
		TEST(manual_failback_waits_for_the_command),
		TEST(static_members_answer_with_clusters),
		TEST(a_target_is_the_object_or_what_it_refers_to),
		TEST(all_down_has_a_choice),
		TEST(a_dead_address_is_taken_out_by_its_probe),
		TEST(a_static_member_is_probed_at_another_address),
		TEST(a_host_goes_with_those_it_depends_on),
		TEST(an_https_record_is_made_on_request),
		TEST(a_restart_answers_at_once_what_was_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gslb as a whole, one cluster and two: declarations in, answers out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/mem.h"
#include "lib/status.h"
#include "tests/gslb/mmdb.h"
#include "tests/gslb/world.h"

#define ZONES "dns-zones=example.com:cloud.example.com:30"

static struct loop *loop;
static struct cluster *eu, *us;

static int setup_loop(void **state)
{
	(void)state;
	loop = loop_new();
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

static int setup_one(void **state)
{
	(void)setup_loop(state);
	eu = cluster_listen(loop);
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, NULL });
	gslb_synced(eu->g, "gslb", true);
	return 0;
}

static void open_pair(const char *interval)
{
	eu = cluster_listen(loop);
	us = cluster_listen(loop);
	char *us_peer = mem_printf("peer=us=%s", cluster_address(us));
	char *eu_peer = mem_printf("peer=eu=%s", cluster_address(eu));
	cluster_open(eu,
		     (const char *const[]){ "cluster-geo-tag=eu", "ext-gslb-clusters-geo-tags=us",
					    ZONES, us_peer, interval, NULL });
	cluster_open(us,
		     (const char *const[]){ "cluster-geo-tag=us", "ext-gslb-clusters-geo-tags=eu",
					    ZONES, eu_peer, interval, NULL });
	free(us_peer);
	free(eu_peer);
}

static int setup_pair(void **state)
{
	(void)setup_loop(state);
	open_pair("peer-interval=200ms");
	return 0;
}

static void sync_pair(void)
{
	gslb_synced(eu->g, "gslb", true);
	gslb_synced(us->g, "gslb", true);
}

/* --- one cluster ------------------------------------------------------------------------ */

static void a_healthy_host_is_answered(void **state)
{
	(void)state;
	gslb_put(eu->g,
		 decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.2 192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 192.0.2.2");
	assert_string_equal(ask(eu, "localtargets-a.cloud.example.com", "A"),
			    "192.0.2.1 192.0.2.2");
	assert_string_equal(ask(eu, "a.cloud.example.com", "AAAA"), "NODATA");
	assert_string_equal(ask(eu, "b.cloud.example.com", "A"), "NXDOMAIN");
	assert_string_equal(ask(eu, "example.org", "A"), "REFUSED");
	assert_int_equal(ask_ttl(eu, "a.cloud.example.com", "A"), 30);
}

static void the_apex_has_soa_and_the_delegated_name_servers(void **state)
{
	(void)state;
	answers(eu, "cloud.example.com", "NS", "gslb-ns-eu-cloud.example.com.");
	assert_non_null(strstr(ask(eu, "cloud.example.com", "SOA"),
			       "gslb-ns-eu-cloud.example.com. hostmaster.cloud.example.com."));
	assert_int_equal(ask_ttl(eu, "x.cloud.example.com", "A"), 30);
}

static void an_unhealthy_host_exists_without_data(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 0));
	answers(eu, "a.cloud.example.com", "A", "NODATA");
	assert_string_equal(ask(eu, "localtargets-a.cloud.example.com", "A"), "NXDOMAIN");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", -1));
	answers(eu, "a.cloud.example.com", "A", "NODATA");
	assert_non_null(strstr(buf_str(&eu->statuses), "NotFound"));
}

static void a_removed_object_takes_its_hosts(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "a.b.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.b.cloud.example.com", "A", "192.0.2.1");
	assert_string_equal(ask(eu, "b.cloud.example.com", "A"), "NODATA");
	gslb_remove(eu->g, "k8gb.io/ns/a");
	answers(eu, "a.b.cloud.example.com", "A", "NXDOMAIN");
	assert_string_equal(ask(eu, "localtargets-a.b.cloud.example.com", "A"), "NXDOMAIN");
	assert_string_equal(ask(eu, "a.b.eu._gslbd.cloud.example.com", "TXT"), "NXDOMAIN");
}

static void invalid_and_foreign_hosts_hurt_only_themselves(void **state)
{
	(void)state;
	gslb_put(eu->g,
		 decl_new("a", "bad..name a.cloud.example.com www.example.org notcloud.example.com",
			  "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	assert_string_equal(ask(eu, "notcloud.example.com", "A"), "REFUSED");
	assert_non_null(strstr(buf_str(&eu->statuses), "| bad..name Healthy InvalidHost"));
	assert_non_null(strstr(buf_str(&eu->statuses), "| www.example.org Healthy OutsideZones"));
	assert_non_null(strstr(buf_str(&eu->statuses),
			       "| a.cloud.example.com Healthy RoundRobin 192.0.2.1"));
}

static void the_older_object_wins_a_host(void **state)
{
	struct gslb_decl *young =
		decl_new("young", "a.cloud.example.com", "roundRobin", "192.0.2.2", 1);
	struct gslb_decl *old =
		decl_new("old", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1);

	(void)state;
	young->created_s = 200;
	old->created_s = 100;
	gslb_put(eu->g, young);
	answers(eu, "a.cloud.example.com", "A", "192.0.2.2");
	gslb_put(eu->g, old);
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	assert_non_null(strstr(buf_str(&eu->statuses), "k8gb.io/ns/young refused HostConflict"));
	gslb_remove(eu->g, "k8gb.io/ns/old");
	answers(eu, "a.cloud.example.com", "A", "192.0.2.2");
}

static void a_bad_change_leaves_the_last_good_one_in_force(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundrobin", "192.0.2.9", 1));
	settle(loop);
	assert_string_equal(ask(eu, "a.cloud.example.com", "A"), "192.0.2.1");
	assert_non_null(strstr(buf_str(&eu->events),
			       "InvalidStrategy: spec.strategy.type: 'roundrobin' is none of"));
	assert_non_null(strstr(buf_str(&eu->statuses), "k8gb.io/ns/a refused InvalidStrategy"));
}

static void both_families_are_answered(void **state)
{
	(void)state;
	gslb_put(eu->g,
		 decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1 2001:db8::1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	assert_string_equal(ask(eu, "a.cloud.example.com", "AAAA"), "2001:db8::1");
	assert_string_equal(ask(eu, "localtargets-a.cloud.example.com", "AAAA"), "2001:db8::1");
}

static void a_long_label_is_answered_without_localtargets(void **state)
{
	static const char host[] =
		"a23456789b123456789c123456789d123456789e123456789f1.cloud.example.com";

	(void)state;
	gslb_put(eu->g, decl_new("a", host, "roundRobin", "192.0.2.1", 1));
	answers(eu, host, "A", "192.0.2.1");
	settle(loop);
	assert_non_null(strstr(buf_str(&eu->statuses), "accepted"));
}

static void a_wildcard_host_is_answered(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "*.w.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "x.w.cloud.example.com", "A", "192.0.2.1");
}

static void the_longest_zone_wins(void **state)
{
	struct zone_decl *z = MEM_NEW(struct zone_decl);

	(void)state;
	z->id = mem_strdup("ZoneDelegation inner");
	z->load_balanced_zone = mem_strdup("inner.cloud.example.com");
	z->parent_zone = mem_strdup("cloud.example.com");
	z->neg_ttl_s = 7;
	gslb_put(eu->g, decl_new("a", "a.inner.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.inner.cloud.example.com", "A", "192.0.2.1");
	gslb_zone_put(eu->g, z);
	answers(eu, "inner.cloud.example.com", "NS", "gslb-ns-eu-inner.cloud.example.com.");
	assert_string_equal(ask(eu, "a.inner.cloud.example.com", "A"), "192.0.2.1");
	assert_int_equal(ask_ttl(eu, "x.inner.cloud.example.com", "A"), 7);
	gslb_zone_remove(eu->g, "ZoneDelegation inner");
	answers(eu, "inner.cloud.example.com", "NS", "NODATA");
	assert_string_equal(ask(eu, "a.inner.cloud.example.com", "A"), "192.0.2.1");
}

static void the_serial_rises_with_the_data_only(void **state)
{
	char *before, *after;

	(void)state;
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
	before = mem_strdup(ask(eu, "cloud.example.com", "SOA"));
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	settle(loop);
	assert_string_equal(ask(eu, "cloud.example.com", "SOA"), before);
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.2", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.2");
	after = mem_strdup(ask(eu, "cloud.example.com", "SOA"));
	assert_true(strcmp(before, after) < 0);
	free(before);
	free(after);
}

static void nothing_is_served_before_the_objects_are_seen(void **state)
{
	(void)state;
	eu = cluster_listen(loop);
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, NULL });
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	settle(loop);
	assert_string_equal(ask(eu, "a.cloud.example.com", "A"), "SERVFAIL");
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
}

static void names_that_are_too_long_are_refused_at_start(void **state)
{
	char *why = NULL;

	(void)state;
	eu = cluster_listen(loop);
	assert_true(
		cluster_try(eu,
			    (const char *const[]){
				    "cluster-geo-tag=a-tag-of-many-letters-and-more-of-them-x",
				    "dns-zones=example.com:cloud.and.deeper.example.com:30", NULL },
			    &why) < 0);
	assert_non_null(strstr(why, "label"));
	free(why);
}

static void own_targets_follow_k8gbs_precedence(void **state)
{
	struct gslb_decl *d = decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1);

	(void)state;
	strv_add(&d->exposed_ips, "203.0.113.1");
	gslb_put(eu->g, d);
	answers(eu, "a.cloud.example.com", "A", "203.0.113.1");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1");
}

static void the_delegation_is_exported(void **state)
{
	(void)state;
	eu = cluster_listen(loop);
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES,
						"cluster-exposed-ips=192.0.2.53", NULL });
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "cloud.example.com", "NS", "gslb-ns-eu-cloud.example.com.");
	assert_non_null(strstr(buf_str(&eu->exports),
			       "cloud.example.com | cloud.example.com NS shared "
			       "gslb-ns-eu-cloud.example.com\n"
			       "cloud.example.com | gslb-ns-eu-cloud.example.com A 192.0.2.53\n"));
	assert_non_null(strstr(buf_str(&eu->exports), "zone config:cloud.example.com | "
						      "gslb-ns-eu-cloud.example.com 192.0.2.53\n"));
}

static void with_extdns_enabled_the_delegation_is_k8gbs_object(void **state)
{
	(void)state;
	eu = cluster_listen(loop);
	us = cluster_listen(loop);
	char *peer = mem_printf("peer=us=%s", cluster_address(us));
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, peer,
						"extdns-enabled=true",
						"cluster-exposed-ips=192.0.2.53", NULL });
	free(peer);
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "cloud.example.com", "NS",
		"gslb-ns-eu-cloud.example.com. gslb-ns-us-cloud.example.com.");
	assert_non_null(strstr(buf_str(&eu->exports),
			       "k8gb-ns-extdns-cloud-example-com | cloud.example.com NS "
			       "gslb-ns-eu-cloud.example.com gslb-ns-us-cloud.example.com\n"
			       "k8gb-ns-extdns-cloud-example-com | gslb-ns-eu-cloud.example.com A "
			       "192.0.2.53\n"));
}

static void a_changed_database_is_read_again(void **state)
{
	static const struct mmdb_row one[] = { { "192.0.2.0/24", "datacenter=x" },
					       { "203.0.113.0/25", "datacenter=x" },
					       { "203.0.113.128/25", "datacenter=y" } };
	static const struct mmdb_row two[] = { { "192.0.2.0/24", "datacenter=x" },
					       { "203.0.113.0/25", "datacenter=y" } };
	char *path = mem_printf("/tmp/gslbd-test-%d.mmdb", (int)getpid());
	char *option = mem_printf("geoip-db=%s", path);

	(void)state;
	eu = cluster_listen(loop);
	cluster_open(eu, (const char *const[]){ "cluster-geo-tag=eu", ZONES, option, NULL });
	gslb_put(eu->g,
		 decl_new("g", "g.cloud.example.com", "geoip", "203.0.113.1 203.0.113.200", 1));
	gslb_synced(eu->g, "gslb", true);
	/* no file: no geography */
	answers(eu, "g.cloud.example.com", "A", "203.0.113.1 203.0.113.200");
	assert_string_equal(ask_from(eu, "g.cloud.example.com", "A", "192.0.2.7"),
			    "203.0.113.1 203.0.113.200");
	mmdb_write(path, one, 3);
	while (strcmp(ask_from(eu, "g.cloud.example.com", "A", "192.0.2.7"), "203.0.113.1") != 0)
		loop_once(loop, 50);
	assert_string_equal(ask_from(eu, "g.cloud.example.com", "A", "198.51.100.1"),
			    "203.0.113.1 203.0.113.200");
	mmdb_write(path, two, 2);
	while (strcmp(ask_from(eu, "g.cloud.example.com", "A", "192.0.2.7"), "203.0.113.1") == 0)
		loop_once(loop, 50);
	assert_string_equal(ask_from(eu, "g.cloud.example.com", "A", "192.0.2.7"),
			    "203.0.113.1 203.0.113.200");
	(void)unlink(path);
	free(path);
	free(option);
}

/* --- two clusters --------------------------------------------------------------------------- */

static void two_clusters_answer_the_union(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	gslb_put(us->g, decl_new("a", "a.cloud.example.com", "roundRobin", "198.51.100.1", 1));
	sync_pair();
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	answers(us, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	answers(us, "cloud.example.com", "NS",
		"gslb-ns-eu-cloud.example.com. gslb-ns-us-cloud.example.com.");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 0));
	answers(us, "a.cloud.example.com", "A", "198.51.100.1");
	answers(eu, "a.cloud.example.com", "A", "198.51.100.1");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	answers(us, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	gslb_remove(eu->g, "k8gb.io/ns/a");
	answers(us, "a.cloud.example.com", "A", "198.51.100.1");
}

static struct gslb_decl *failover(const char *primary, const char *ip, int ready)
{
	struct gslb_decl *d = decl_new("f", "f.cloud.example.com", "failover", ip, ready);

	d->primary_geo_tag = mem_strdup(primary);
	return d;
}

static void failover_moves_to_the_secondary_and_back(void **state)
{
	(void)state;
	gslb_put(eu->g, failover("eu", "192.0.2.1", 1));
	gslb_put(us->g, failover("eu", "198.51.100.1", 1));
	sync_pair();
	answers(eu, "f.cloud.example.com", "A", "192.0.2.1");
	answers(us, "f.cloud.example.com", "A", "192.0.2.1");
	assert_string_equal(ask(us, "localtargets-f.cloud.example.com", "A"), "198.51.100.1");
	gslb_put(eu->g, failover("eu", "192.0.2.1", 0));
	answers(us, "f.cloud.example.com", "A", "198.51.100.1");
	answers(eu, "f.cloud.example.com", "A", "198.51.100.1");
	assert_non_null(strstr(buf_str(&us->events), "Failover: "));
	gslb_put(eu->g, failover("eu", "192.0.2.1", 1));
	answers(us, "f.cloud.example.com", "A", "192.0.2.1");
	assert_non_null(strstr(buf_str(&us->events), "Failback: "));
}

static void a_secondary_does_not_answer_before_it_has_heard_the_primary(void **state)
{
	(void)state;
	gslb_put(eu->g, failover("eu", "192.0.2.1", 1));
	gslb_synced(eu->g, "gslb", true);
	answers(eu, "f.cloud.example.com", "A", "192.0.2.1");
	gslb_put(us->g, failover("eu", "198.51.100.1", 1));
	gslb_synced(us->g, "gslb", true);
	while (strcmp(ask(us, "f.cloud.example.com", "A"), "SERVFAIL") == 0)
		loop_once(loop, 10);
	assert_string_equal(ask(us, "f.cloud.example.com", "A"), "192.0.2.1");
}

static void a_silent_peer_keeps_its_place_for_the_grace(void **state)
{
	(void)setup_loop(state);
	open_pair("peer-interval=20ms");
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	gslb_put(us->g, decl_new("a", "a.cloud.example.com", "roundRobin", "198.51.100.1", 1));
	sync_pair();
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	us->is_deaf = true;
	unsigned asked = us->queries;
	while (us->queries < asked + 4)
		loop_once(loop, 20);
	assert_string_equal(ask(eu, "a.cloud.example.com", "A"), "192.0.2.1 198.51.100.1");
	us->is_deaf = false;
	gslb_put(us->g, decl_new("a", "a.cloud.example.com", "roundRobin", "198.51.100.2", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.2");
}

static void a_change_is_seen_though_packets_are_lost(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("a", "a.cloud.example.com", "roundRobin", "192.0.2.1", 1));
	gslb_put(us->g, decl_new("a", "a.cloud.example.com", "roundRobin", "198.51.100.1", 1));
	sync_pair();
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.1");
	us->loss_percent = eu->loss_percent = 30;
	gslb_put(us->g, decl_new("a", "a.cloud.example.com", "roundRobin", "198.51.100.7", 1));
	answers(eu, "a.cloud.example.com", "A", "192.0.2.1 198.51.100.7");
}

static void more_hosts_than_the_root_names_are_all_heard(void **state)
{
	(void)state;
	sync_pair();
	answers(us, "cloud.example.com", "NS",
		"gslb-ns-eu-cloud.example.com. gslb-ns-us-cloud.example.com.");
	for (int round = 1; round <= 2; round++) {
		for (int i = 0; i < 200; i++) {
			char *name = mem_printf("h%d", i),
			     *host = mem_printf("h%d.cloud.example.com", i);
			char *ip = mem_printf("192.0.%d.%d", round, i);

			gslb_put(eu->g, decl_new(name, host, "roundRobin", ip, 1));
			if (round == 1)
				gslb_put(us->g,
					 decl_new(name, host, "roundRobin", "198.51.100.1", 0));
			free(name);
			free(host);
			free(ip);
		}
		for (int i = 0; i < 200; i++) {
			char *host = mem_printf("h%d.cloud.example.com", i);
			char *ip = mem_printf("192.0.%d.%d", round, i);

			answers(us, host, "A", ip);
			free(host);
			free(ip);
		}
	}
}

int main(void)
{
#define ONE(f)  cmocka_unit_test_setup_teardown(f, setup_one, teardown)
#define BARE(f) cmocka_unit_test_setup_teardown(f, setup_loop, teardown)
#define PAIR(f) cmocka_unit_test_setup_teardown(f, setup_pair, teardown)
	const struct CMUnitTest tests[] = {
		ONE(a_healthy_host_is_answered),
		ONE(the_apex_has_soa_and_the_delegated_name_servers),
		ONE(an_unhealthy_host_exists_without_data),
		ONE(a_removed_object_takes_its_hosts),
		ONE(invalid_and_foreign_hosts_hurt_only_themselves),
		ONE(the_older_object_wins_a_host),
		ONE(a_bad_change_leaves_the_last_good_one_in_force),
		ONE(both_families_are_answered),
		ONE(a_long_label_is_answered_without_localtargets),
		ONE(a_wildcard_host_is_answered),
		ONE(the_longest_zone_wins),
		ONE(the_serial_rises_with_the_data_only),
		ONE(own_targets_follow_k8gbs_precedence),
		BARE(nothing_is_served_before_the_objects_are_seen),
		BARE(names_that_are_too_long_are_refused_at_start),
		BARE(a_changed_database_is_read_again),
		BARE(the_delegation_is_exported),
		BARE(with_extdns_enabled_the_delegation_is_k8gbs_object),
		PAIR(two_clusters_answer_the_union),
		PAIR(failover_moves_to_the_secondary_and_back),
		PAIR(a_secondary_does_not_answer_before_it_has_heard_the_primary),
		cmocka_unit_test_teardown(a_silent_peer_keeps_its_place_for_the_grace, teardown),
		PAIR(a_change_is_seen_though_packets_are_lost),
		PAIR(more_hosts_than_the_root_names_are_all_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

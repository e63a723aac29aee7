/* host_metrics: what dashboards and alerts see of hosts and Gslbs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/metric.h"
#include "tests/gslb/world.h"

static struct loop *loop;
static struct cluster *eu;

static void assert_scrape(const char *line, bool wanted)
{
	struct buf out = { 0 };

	metric_print(&out);
	if (!strstr(buf_str(&out), line) == wanted)
		fail_msg("%s: %s in\n%s", line, wanted ? "missing" : "should not be there",
			 strstr(buf_str(&out), "# HELP gslbd_hosts ")
				 ? strstr(buf_str(&out), "# HELP gslbd_hosts ")
				 : buf_str(&out));
	buf_fini(&out);
}

static int open_eu(void **state)
{
	const char *const pairs[] = { "cluster-geo-tag=eu",
				      "dns-zones=example.com:cloud.example.com:30", NULL };
	(void)state;
	metric_reset();
	loop = loop_new();
	eu = cluster_listen(loop);
	cluster_open(eu, pairs);
	gslb_synced(eu->g, "gslb", true);
	return 0;
}

static int close_eu(void **state)
{
	(void)state;
	cluster_close(eu);
	loop_free(loop);
	metric_reset();
	return 0;
}

static void hosts_have_their_numbers(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("one", "a.cloud.example.com b.cloud.example.com", "roundRobin",
				 "10.0.0.1 10.0.0.2", 2));
	answers(eu, "a.cloud.example.com", "A", "10.0.0.1 10.0.0.2");
	assert_scrape("\ngslbd_hosts{strategy=\"roundRobin\"} 2\n", true);
	assert_scrape("\ngslbd_host_answer_addresses{host=\"a.cloud.example.com\"} 2\n", true);
	assert_scrape("\ngslbd_host_members{host=\"b.cloud.example.com\",health=\"Healthy\"} 2\n",
		      true);
	assert_scrape("\nk8gb_gslb_status_count_for_roundrobin{namespace=\"ns\",name=\"one\","
		      "status=\"Healthy\"} 4\n",
		      true);
	assert_scrape("\nk8gb_gslb_healthy_local_records{namespace=\"ns\",name=\"one\",geotag="
		      "\"eu\"} 4\n",
		      true);
	assert_scrape("\nk8gb_endpoint_status_num{namespace=\"ns\",name=\"one\","
		      "dns_name=\"a.cloud.example.com\"} 2\n",
		      true);
}

static void a_host_that_turns_unhealthy_shows_it(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("one", "a.cloud.example.com", "roundRobin", "10.0.0.1", 1));
	answers(eu, "a.cloud.example.com", "A", "10.0.0.1");
	gslb_put(eu->g, decl_new("one", "a.cloud.example.com", "roundRobin", "10.0.0.1", 0));
	answers(eu, "a.cloud.example.com", "A", "NODATA");
	assert_scrape("\ngslbd_host_answer_addresses{host=\"a.cloud.example.com\"} 0\n", true);
	assert_scrape("\ngslbd_host_members{host=\"a.cloud.example.com\",health=\"Unhealthy\"} 1\n",
		      true);
	assert_scrape("\nk8gb_gslb_status_count_for_roundrobin{namespace=\"ns\",name=\"one\","
		      "status=\"Unhealthy\"} 1\n",
		      true);
	assert_scrape("status=\"Healthy\"} 1\n", false);
}

static void what_is_gone_leaves_no_series(void **state)
{
	(void)state;
	gslb_put(eu->g, decl_new("one", "a.cloud.example.com b.cloud.example.com", "roundRobin",
				 "10.0.0.1", 1));
	answers(eu, "b.cloud.example.com", "A", "10.0.0.1");
	gslb_put(eu->g, decl_new("one", "a.cloud.example.com", "failover", "10.0.0.1", 1));
	answers(eu, "b.cloud.example.com", "A", "NXDOMAIN");
	assert_scrape("b.cloud.example.com", false);
	assert_scrape("k8gb_gslb_status_count_for_roundrobin{", false);
	assert_scrape("gslbd_hosts{strategy=\"failover\"} 1\n", true);
	assert_scrape("status=\"Healthy_secondary\"} 1\n", true);
	gslb_remove(eu->g, "k8gb.io/ns/one");
	answers(eu, "a.cloud.example.com", "A", "NXDOMAIN");
	assert_scrape("name=\"one\",status=", false);
	assert_scrape("a.cloud.example.com", false);
	assert_scrape("gslbd_hosts{", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hosts_have_their_numbers, open_eu, close_eu),
		cmocka_unit_test_setup_teardown(a_host_that_turns_unhealthy_shows_it, open_eu,
						close_eu),
		cmocka_unit_test_setup_teardown(what_is_gone_leaves_no_series, open_eu, close_eu),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

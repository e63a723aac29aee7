/* metric: series and the text format. */
#include "lib/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/mem.h"

static int clean(void **state)
{
	(void)state;
	metric_reset();
	return 0;
}

static void assert_line(const char *line, int wanted)
{
	struct buf out = { 0 };
	char *whole = mem_printf("\n%s\n", line);

	buf_putc(&out, '\n');
	metric_print(&out);
	if (!strstr(buf_str(&out), whole) == !!wanted)
		fail_msg("%s: %s in\n%s", wanted ? "missing" : "should not be there", line,
			 buf_str(&out));
	free(whole);
	buf_fini(&out);
}

static void counters_add_and_gauges_are_set(void **state)
{
	(void)state;
	metric_add(METRIC_QUERIES_TOTAL, 2, "udp");
	metric_add(METRIC_QUERIES_TOTAL, 1, "udp");
	metric_add(METRIC_QUERIES_TOTAL, 1, "tcp");
	metric_set(METRIC_READY, 1);
	assert_line("gslbd_queries_total{transport=\"udp\"} 3", 1);
	assert_line("gslbd_queries_total{transport=\"tcp\"} 1", 1);
	assert_line("# TYPE gslbd_queries_total counter", 1);
	assert_line("gslbd_ready 1", 1);
	assert_true(metric_get(METRIC_QUERIES_TOTAL, "udp") == 3);
	assert_true(metric_get(METRIC_QUERIES_TOTAL, "doq") == 0);
}

static void a_metric_without_labels_is_there_from_the_start(void **state)
{
	(void)state;
	assert_line("gslbd_truncated_responses_total 0", 1);
	assert_line("# TYPE gslbd_queries_total counter", 0);
	assert_line("gslbd_commit_duration_seconds_bucket{le=\"+Inf\"} 0", 1);
}

static void histograms_are_cumulative(void **state)
{
	(void)state;
	metric_observe(METRIC_PROBE_DURATION, 0.004, "http");
	metric_observe(METRIC_PROBE_DURATION, 0.005, "http");
	metric_observe(METRIC_PROBE_DURATION, 99, "http");
	assert_line("gslbd_probe_duration_seconds_bucket{kind=\"http\",le=\"0.0025\"} 0", 1);
	assert_line("gslbd_probe_duration_seconds_bucket{kind=\"http\",le=\"0.005\"} 2", 1);
	assert_line("gslbd_probe_duration_seconds_bucket{kind=\"http\",le=\"30\"} 2", 1);
	assert_line("gslbd_probe_duration_seconds_bucket{kind=\"http\",le=\"+Inf\"} 3", 1);
	assert_line("gslbd_probe_duration_seconds_sum{kind=\"http\"} 99.009", 1);
	assert_line("gslbd_probe_duration_seconds_count{kind=\"http\"} 3", 1);
}

static void label_values_are_escaped(void **state)
{
	(void)state;
	metric_set(METRIC_HOST_ANSWER, 1, "a\"b\\c\nd");
	assert_line("gslbd_host_answer_addresses{host=\"a\\\"b\\\\c\\nd\"} 1", 1);
}

static void empty_values_keep_their_place(void **state)
{
	(void)state;
	metric_set(METRIC_TRANSFERS_TOTAL, 1, "", "axfr", "");
	assert_line("gslbd_transfers_total{direction=\"\",kind=\"axfr\",result=\"\"} 1", 1);
}

static void dropped_series_are_gone(void **state)
{
	(void)state;
	metric_set(METRIC_HOST_ANSWER, 1, "a");
	metric_set(METRIC_HOST_ANSWER, 1, "b");
	metric_drop(METRIC_HOST_ANSWER, "a");
	metric_drop(METRIC_HOST_ANSWER, "never");
	assert_line("gslbd_host_answer_addresses{host=\"a\"} 1", 0);
	assert_line("gslbd_host_answer_addresses{host=\"b\"} 1", 1);
	metric_clear(METRIC_HOST_ANSWER);
	assert_line("gslbd_host_answer_addresses{host=\"b\"} 1", 0);
}

static void count_scrape(void *ctx)
{
	(void)ctx;
	metric_add(METRIC_COMMITS_TOTAL, 1);
}

static void collectors_run_before_each_scrape(void **state)
{
	(void)state;
	metric_collector(count_scrape, NULL);
	assert_line("gslbd_commits_total 1", 1);
	assert_line("gslbd_commits_total 2", 1);
}

static void large_and_broken_numbers_print(void **state)
{
	(void)state;
	metric_set(METRIC_PEER_LAST_SEEN, 1795556789.125, "eu");
	metric_set(METRIC_PEER_RTT, 0.000123, "eu");
	assert_line("gslbd_peer_last_seen_timestamp_seconds{geo_tag=\"eu\"} 1795556789.125", 1);
	assert_line("gslbd_peer_rtt_seconds{geo_tag=\"eu\"} 0.000123", 1);
}

/* promtool is part of the field's Prometheus; without it the case is skipped. */
static void promtool_accepts_every_metric(void **state)
{
	struct buf out = { 0 };
	FILE *p;

	(void)state;
	if (system("command -v promtool >/dev/null 2>&1") != 0)
		skip();
	for (size_t m = 0; m < METRIC_COUNT; m++) {
		static const char *const v = "x";

		/* one series each, whatever its labels: by the number that asserts */
		const char *labels[10] = { NULL };
		for (unsigned n = 0; n < metric_labels((enum metric)m); n++)
			labels[n] = v;
		metric_observe_((enum metric)m, 1, labels);
	}
	metric_process_start();
	metric_print(&out);
	p = popen("promtool check metrics", "w");
	assert_non_null(p);
	fwrite(out.data, 1, out.len, p);
	assert_int_equal(pclose(p), 0);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counters_add_and_gauges_are_set, clean),
		cmocka_unit_test_setup(a_metric_without_labels_is_there_from_the_start, clean),
		cmocka_unit_test_setup(histograms_are_cumulative, clean),
		cmocka_unit_test_setup(label_values_are_escaped, clean),
		cmocka_unit_test_setup(empty_values_keep_their_place, clean),
		cmocka_unit_test_setup(dropped_series_are_gone, clean),
		cmocka_unit_test_setup(collectors_run_before_each_scrape, clean),
		cmocka_unit_test_setup(large_and_broken_numbers_print, clean),
		cmocka_unit_test_setup_teardown(promtool_accepts_every_metric, clean, clean),
	};
	return cmocka_run_group_tests(tests, NULL, clean);
}

/* http_metric: labels that stay few and tell no secret. */
#include "lib/http_metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/metric.h"

static void urls_become_few_labels(void **state)
{
	static const struct {
		const char *url, *labels;
	} rows[] = {
		{ "https://api.cloudflare.com/client/v4/zones?page=1&secret=x",
		  "scheme=\"https\",host=\"api.cloudflare.com\",path=\"zones\"" },
		{ "https://api.cloudflare.com/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353",
		  "host=\"api.cloudflare.com\",path=\"id\"" },
		{ "http://127.0.0.1:8081/api/v1/servers/localhost/zones/",
		  "scheme=\"http\",host=\"127.0.0.1:8081\",path=\"zones\"" },
		{ "https://user:pass@dns.example/records",
		  "host=\"dns.example\",path=\"records\"" },
		{ "https://dns.example", "host=\"dns.example\",path=\"\"" },
		{ "https://dns.example/zones/example.com.", "path=\"id\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf out = { 0 };

		metric_reset();
		http_metric_observe("GET", rows[i].url, 200, 0.5);
		metric_print(&out);
		const char *line =
			strstr(buf_str(&out), "\nexternal_dns_http_request_duration_seconds_sum{");
		if (!line || !strstr(line, rows[i].labels))
			fail_msg("%s: %s not in %.200s", rows[i].url, rows[i].labels,
				 line ? line : "");
		assert_null(strstr(buf_str(&out), "user:pass"));
		assert_null(strstr(buf_str(&out), "secret"));
		buf_fini(&out);
	}
	metric_reset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_become_few_labels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* probe_https - probe_http over TLS. */
#include "gslb/probe_conn.h"
#include "gslb/probe_http.h"

extern const struct probe_ops probe_https;

static void start(struct probe_run *run)
{
	probe_http_start(run, true);
}

const struct probe_ops probe_https = {
	.name = "HTTPS",
	.port = 443,
	.needs_port = true,
	.start = start,
	.cancel = probe_conn_cancel,
	.check = probe_http_check,
};

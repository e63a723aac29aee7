/* probe_tls - the address ends a TLS handshake; with tls.verify also the certificate is right. */
#include "gslb/probe_conn.h"

extern const struct probe_ops probe_tls;

static void start(struct probe_run *run)
{
	static const struct probe_conn_plan plan = { .tls = true };

	probe_conn_start(run, &plan);
}

const struct probe_ops probe_tls = {
	.name = "TLS",
	.port = 443,
	.needs_port = true,
	.start = start,
	.cancel = probe_conn_cancel,
};

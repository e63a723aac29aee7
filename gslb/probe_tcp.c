/* probe_tcp - the address takes a TCP connection. */
#include "gslb/probe_conn.h"

extern const struct probe_ops probe_tcp;

static void start(struct probe_run *run)
{
	static const struct probe_conn_plan plan = { 0 };

	probe_conn_start(run, &plan);
}

const struct probe_ops probe_tcp = {
	.name = "TCP",
	.needs_port = true,
	.start = start,
	.cancel = probe_conn_cancel,
};

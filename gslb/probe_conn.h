/*
 * probe_conn - one TCP connection of a probe: connect, TLS if asked, send a request,
 * give what comes back to the kind.  Non-blocking, bounded.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "gslb/probe.h"
#include "lib/buf.h"

#define PROBE_CONN_READ_MAX 16384

struct probe_conn_plan {
	bool tls;
	const char *alpn; /* "http/1.1", "h2"; NULL = none */
	/* Sent once connected; borrowed for the call.  NULL: connected is good enough, the run is
	 * done. */
	const void *request;
	size_t request_len;
	/*
	 * Each time more came, and at the end (EOF).  True when it has called probe_run_done.  When
	 * it says false at the end, the run fails with "connection closed".
	 */
	bool (*on_data)(struct probe_run *run, const struct buf *in, bool eof);
};

/* Start; the connection hangs on the run's data. */
void probe_conn_start(struct probe_run *run, const struct probe_conn_plan *plan);
/* probe_ops.cancel for the kinds that only use a connection. */
void probe_conn_cancel(struct probe_run *run);

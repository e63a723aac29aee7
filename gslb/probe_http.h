/* probe_http - what the kinds HTTP and HTTPS share. */
#pragma once

#include <stdbool.h>

#include "gslb/probe.h"

/* Send the spec's request; the status must be one of the spec's, the body must hold its text. */
void probe_http_start(struct probe_run *run, bool tls);
/* probe_ops.check: the ranges of expectedStatuses. */
char *probe_http_check(const struct probe_spec *s);
/* Is STATUS in one of RANGES ("200-399", "404")?  Empty ranges mean 200-399. */
bool probe_http_status_fits(const struct strv *ranges, int status);

/*
 * http_metric - the duration of HTTP requests that we make, by ExternalDNS's name
 * (external_dns_http_request_duration_seconds).  Control thread.
 */
#pragma once

#include <stddef.h>

/*
 * A request to URL took SECONDS; STATUS 0 = no answer came.  The path's label is its last
 * part, or "id" if that may be one of very many.
 */
void http_metric_observe(const char *method, const char *url, int status, double seconds);
/* Host (and port) of URL into OUT, cut to SIZE. */
void http_metric_host(const char *url, char *out, size_t size);

/*
 * http_metric - the duration of HTTP requests that we make; see http_metric.h.
 */
#include "lib/http_metric.h"

#include <stdio.h>
#include <string.h>

#include "lib/metric.h"

#define LABEL_MAX 128

static const char *after_scheme(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? p + 3 : url;
}

void http_metric_host(const char *url, char *out, size_t size)
{
	const char *host = after_scheme(url), *at;
	size_t len = strcspn(host, "/?#");

	at = memchr(host, '@', len); /* never a password in a label */
	if (at) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	snprintf(out, size, "%.*s", (int)len, host);
}

/* "zones" of "/client/v4/zones?page=1"; "id" where the service's names or numbers stand. */
static void path_label(const char *url, char *out, size_t size)
{
	const char *path = after_scheme(url);
	size_t len;

	path += strcspn(path, "/?#");
	len = strcspn(path, "?#");
	while (len && path[len - 1] == '/')
		len--;
	for (size_t i = len; i-- > 0;) {
		if (path[i] == '/') {
			path += i + 1;
			len -= i + 1;
			break;
		}
	}
	if (strspn(path, "abcdefghijklmnopqrstuvwxyz_-") < len || len > 32)
		snprintf(out, size, "id");
	else
		snprintf(out, size, "%.*s", (int)len, path);
}

void http_metric_observe(const char *method, const char *url, int status, double seconds)
{
	char host[LABEL_MAX], path[LABEL_MAX], scheme[8], code[16];

	http_metric_host(url, host, sizeof(host));
	path_label(url, path, sizeof(path));
	snprintf(scheme, sizeof(scheme), "%s", strncmp(url, "https:", 6) == 0 ? "https" : "http");
	snprintf(code, sizeof(code), "%d", status);
	metric_observe(METRIC_EXTDNS_HTTP_REQUEST_DURATION, seconds, "instrumented_http", scheme,
		       host, path, method, code);
}

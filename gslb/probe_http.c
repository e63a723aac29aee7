/*
 * probe_http - an HTTP/1.1 request to the address: status in a range, and a text in
 * the first octets of the body.  Own few lines in place of a client library: thousands of
 * checks a second must cost little.
 */
#include "gslb/probe_http.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/probe_conn.h"
#include "lib/mem.h"

#define BODY_MAX 5120 /* octets in which expectedBody must stand */

extern const struct probe_ops probe_http;

static bool range_read(const char *text, int *from, int *to)
{
	char *end;
	long a = strtol(text, &end, 10), b = a;

	if (*end == '-')
		b = strtol(end + 1, &end, 10);
	if (*end || a < 100 || b > 599 || b < a)
		return false;
	*from = (int)a;
	*to = (int)b;
	return true;
}

bool probe_http_status_fits(const struct strv *ranges, int status)
{
	int from, to;

	if (ranges->n == 0)
		return status >= 200 && status <= 399;
	for (size_t i = 0; i < ranges->n; i++)
		if (range_read(ranges->s[i], &from, &to) && status >= from && status <= to)
			return true;
	return false;
}

char *probe_http_check(const struct probe_spec *s)
{
	int from, to;

	for (size_t i = 0; i < s->statuses.n; i++)
		if (!range_read(s->statuses.s[i], &from, &to))
			return mem_printf("http.expectedStatuses: \"%s\" is no status or range",
					  s->statuses.s[i]);
	return NULL;
}

/* "HTTP/1.1 200 OK" -> 200; -1 if it is no HTTP; 0 while the line is not there. */
static int status_of(const struct buf *in)
{
	if (in->len < 12)
		return memcmp("HTTP/1.", buf_str(in), in->len < 7 ? in->len : 7) == 0 ? 0 : -1;
	if (memcmp(in->data, "HTTP/1.", 7) != 0 || in->data[8] != ' ')
		return -1;
	int status = 0;
	for (int i = 9; i < 12; i++) {
		if (in->data[i] < '0' || in->data[i] > '9')
			return -1;
		status = status * 10 + in->data[i] - '0';
	}
	return status;
}

static bool on_data(struct probe_run *run, const struct buf *in, bool eof)
{
	const struct probe_spec *s = probe_run_spec(run);
	int status = status_of(in);

	if (status < 0) {
		probe_run_done(run, false, "the answer is no HTTP");
		return true;
	}
	if (status == 0)
		return false;
	if (!probe_http_status_fits(&s->statuses, status)) {
		char *want = s->statuses.n ? strv_join(&s->statuses, ", ") : mem_strdup("200-399");
		char *why = mem_printf("status %d, not in %s", status, want);

		probe_run_done(run, false, why);
		free(why);
		free(want);
		return true;
	}
	if (s->body == NULL) {
		probe_run_done(run, true, "");
		return true;
	}
	const char *head = strstr(in->data, "\r\n\r\n");
	if (head &&
	    memmem(head + 4, in->len - (size_t)(head + 4 - in->data), s->body, strlen(s->body))) {
		probe_run_done(run, true, "");
		return true;
	}
	size_t body = head ? in->len - (size_t)(head + 4 - in->data) : 0;
	if (!eof && body < BODY_MAX)
		return false;
	probe_run_done(run, false, "the body does not hold the expected text");
	return true;
}

void probe_http_start(struct probe_run *run, bool tls)
{
	const struct probe_spec *s = probe_run_spec(run);
	struct buf b = { 0 };

	buf_printf(&b,
		   "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: gslbd-probe\r\nConnection: close\r\n",
		   s->method, s->path, s->host);
	for (size_t i = 0; i < s->headers.n; i++)
		buf_printf(&b, "%s\r\n", s->headers.s[i]);
	buf_puts(&b, "\r\n");
	struct probe_conn_plan plan = { .tls = tls,
					.alpn = tls ? "http/1.1" : NULL,
					.request = b.data,
					.request_len = b.len,
					.on_data = on_data };
	probe_conn_start(run, &plan);
	buf_fini(&b);
}

static void start(struct probe_run *run)
{
	probe_http_start(run, false);
}

const struct probe_ops probe_http = {
	.name = "HTTP",
	.port = 80,
	.needs_port = true,
	.start = start,
	.cancel = probe_conn_cancel,
	.check = probe_http_check,
};

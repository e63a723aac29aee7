#include "lib/http_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"

#define MAX_BODY    (64UL << 20)
#define MAX_HEADERS 256

/*
 * curl must not be called from its own callbacks.  While DEPTH > 0 new calls wait in the list
 * and cancelled ones are only marked; settle() does both once curl has returned.
 */
struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct event *timer;
	struct http_request *requests;
	unsigned depth;
	bool unsettled;
};

struct http_request {
	struct http_client *client;
	struct http_request *prev, *next;
	CURL *easy;
	struct curl_slist *headers, *connect_to;
	char *body;
	struct http_response response;
	struct http_call call; /* only plain values and callbacks; its pointers are not ours */
	struct loop_timer *idle;
	uint64_t last_byte_ms;
	size_t received;
	int data_err;
	bool added, cancelled, has_headers, finishing;
	char error[CURL_ERROR_SIZE];
};

const char *http_response_header(const struct http_response *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->headers.n; i++) {
		const char *h = r->headers.s[i];

		if (strncmp(h, name, n) == 0 && h[n] == ':')
			return h + n + 1 + strspn(h + n + 1, " \t");
	}
	return NULL;
}

long http_response_retry_after_ms(const struct http_response *r)
{
	const char *v = http_response_header(r, "retry-after");
	char *end;

	if (v == NULL)
		return -1;
	long s = strtol(v, &end, 10);
	if (end != v && *end == '\0')
		return s < 0 ? -1 : s > 86400 ? 86400000L : s * 1000;
	time_t at = curl_getdate(v, NULL); /* RFC 9110 10.2.3: or an HTTP-date */
	if (at == (time_t)-1)
		return -1;
	/* by the clock of the one who says so: ours may be off */
	const char *date = http_response_header(r, "date");
	time_t theirs = date ? curl_getdate(date, NULL) : (time_t)-1;
	int64_t in = (int64_t)at - (theirs == (time_t)-1 ? clock_real_s() : (int64_t)theirs);
	return in <= 0 ? 0 : in > 86400 ? 86400000L : (long)in * 1000;
}

static void request_free(struct http_request *r)
{
	struct http_client *c = r->client;

	if (r->added)
		(void)curl_multi_remove_handle(c->multi, r->easy);
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	curl_slist_free_all(r->connect_to);
	loop_timer_free(r->idle);
	if (r->prev)
		r->prev->next = r->next;
	else
		c->requests = r->next;
	if (r->next)
		r->next->prev = r->prev;
	buf_fini(&r->response.body);
	strv_fini(&r->response.headers);
	free(r->body);
	free(r);
}

static void finish(struct http_request *r, int err)
{
	struct http_response *res = &r->response;

	if (r->added)
		(void)curl_multi_remove_handle(r->client->multi, r->easy);
	r->added = false;
	r->finishing = true;
	res->err = err;
	if (err)
		(void)snprintf(res->error, sizeof(res->error), "%s",
			       r->error[0] ? r->error : error_text(err));
	if (r->call.on_done && !r->cancelled)
		r->call.on_done(r->call.ctx, res);
	request_free(r);
}

static int error_of(CURLcode code)
{
	if (code == CURLE_OK)
		return 0;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_TIMEOUT;
	if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
		return ERR_INVALID;
	if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR ||
	    code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE ||
	    code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_CIPHER)
		return ERR_AUTH;
	return ERR_NETWORK;
}

/* Curl has returned: finish what is done, start what waited, drop what was cancelled. */
static void settle(struct http_client *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
		struct http_request *r = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &r);
		finish(r, r->data_err ? r->data_err : error_of(code));
	}
	if (!c->unsettled)
		return;
	c->unsettled = false;
	struct http_request *next;
	for (struct http_request *r = c->requests; r; r = next) {
		next = r->next;
		if (r->cancelled) {
			request_free(r);
		} else if (!r->added) {
			r->added = true;
			(void)curl_multi_add_handle(c->multi, r->easy);
		}
	}
}

static void drive(struct http_client *c, curl_socket_t fd, int mask)
{
	int running;

	c->depth++;
	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	c->depth--;
	settle(c);
}

static void socket_ready(evutil_socket_t fd, short what, void *ctx)
{
	int mask =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	drive(ctx, fd, mask);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket)
{
	struct http_client *c = ctx;
	struct event *ev = socket;

	(void)easy;
	if (ev)
		event_free(ev);
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	short events = EV_PERSIST;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	ev = event_new(loop_base(c->loop), fd, events, socket_ready, c);
	(void)event_add(ev, NULL);
	(void)curl_multi_assign(c->multi, fd, ev);
	return 0;
}

static void timer_fired(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drive(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long in_ms, void *ctx)
{
	struct http_client *c = ctx;
	struct timeval tv = { .tv_sec = in_ms / 1000, .tv_usec = (in_ms % 1000) * 1000 };

	(void)multi;
	if (in_ms < 0)
		(void)event_del(c->timer);
	else
		(void)event_add(c->timer, &tv);
	return 0;
}

/* Returning anything but LEN makes curl end the request with CURLE_WRITE_ERROR. */
static size_t on_body(char *data, size_t one, size_t len, void *ctx)
{
	struct http_request *r = ctx;
	struct http_response *res = &r->response;

	(void)one;
	if (r->cancelled)
		return 0;
	r->last_byte_ms = clock_mono_ms();
	r->received += len;
	size_t max = r->call.max_body ? r->call.max_body : r->call.on_data ? SIZE_MAX : MAX_BODY;
	if (r->received > max) {
		(void)snprintf(r->error, sizeof(r->error), "the body is longer than %zu bytes",
			       max);
		r->data_err = ERR_LIMIT;
		return 0;
	}
	if (r->call.on_data == NULL)
		buf_add(&res->body, data, len);
	else
		r->data_err = r->call.on_data(r->call.ctx, data, len);
	return r->data_err || r->cancelled ? 0 : len;
}

static void add_header(struct http_response *res, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);

	if (colon == NULL || res->headers.n >= MAX_HEADERS)
		return;
	char *h = mem_strndup(line, len);
	for (char *p = h; *p != ':'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	strv_take(&res->headers, h);
}

static size_t on_header(char *line, size_t one, size_t len, void *ctx)
{
	struct http_request *r = ctx;
	struct http_response *res = &r->response;
	size_t n = len;
	long status = 0;

	(void)one;
	if (r->cancelled)
		return 0;
	r->last_byte_ms = clock_mono_ms();
	while (n && (line[n - 1] == '\r' || line[n - 1] == '\n'))
		n--;
	if (n >= 5 && strncmp(line, "HTTP/", 5) == 0) {
		strv_fini(&res->headers); /* an interim answer (1xx) came before */
		return len;
	}
	if (n) {
		add_header(res, line, n);
		return len;
	}
	(void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || r->has_headers) /* interim, or trailers */
		return len;
	r->has_headers = true;
	res->status = (int)status;
	if (r->call.on_headers)
		r->call.on_headers(r->call.ctx, res);
	return r->cancelled ? 0 : len;
}

static void idle_check(void *ctx)
{
	struct http_request *r = ctx;
	uint64_t silent = clock_mono_ms() - r->last_byte_ms;

	if (silent < r->call.idle_timeout_ms) {
		loop_timer_set(r->idle, r->call.idle_timeout_ms - silent);
		return;
	}
	(void)snprintf(r->error, sizeof(r->error), "no byte for %u ms", r->call.idle_timeout_ms);
	finish(r, ERR_TIMEOUT);
}

static void refuse(void *ctx)
{
	struct http_request *r = ctx;

	(void)snprintf(r->error, sizeof(r->error), "the URL or a header holds a control character");
	finish(r, ERR_INVALID);
}

static bool is_clean(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return true;
}

static bool call_is_clean(const struct http_call *call)
{
	if (!is_clean(call->url) || !is_clean(call->method))
		return false;
	for (const char *const *h = call->headers; h && *h; h++)
		if (!is_clean(*h))
			return false;
	return true;
}

static void set_method(struct http_request *r, const struct http_call *call)
{
	const char *method = call->method ? call->method : "GET";
	bool has_body = call->body || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
			strcmp(method, "PATCH") == 0;

	if (has_body) {
		size_t len = call->body ? call->body_len : 0;

		r->body = len ? mem_dup(call->body, len) : mem_strdup("");
		(void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
		(void)curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body);
	} else if (strcmp(method, "HEAD") == 0) {
		(void)curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (strcmp(method, has_body ? "POST" : "GET") != 0)
		(void)curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_headers(struct http_request *r, const struct http_call *call)
{
	bool has_type = false;

	for (const char *const *h = call->headers; h && *h; h++) {
		r->headers = curl_slist_append(r->headers, *h);
		has_type = has_type || strncasecmp(*h, "content-type:", 13) == 0;
	}
	r->headers = curl_slist_append(r->headers, "Expect:"); /* no 100-continue dance */
	if (!has_type)
		r->headers = curl_slist_append(r->headers, "Content-Type:");
	(void)curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
}

static void set_blob(CURL *e, CURLoption option, const char *data)
{
	struct curl_blob blob = { .len = strlen(data), .flags = CURL_BLOB_COPY };

	memcpy(&blob.data, &data, sizeof(data)); /* curl copies it and does not write */
	(void)curl_easy_setopt(e, option, &blob);
}

static void set_tls(CURL *e, const struct http_call *call)
{
	const char *ca = call->ca_file ? call->ca_file : getenv("SSL_CERT_FILE"); // NOLINT

	if (call->ca_data)
		set_blob(e, CURLOPT_CAINFO_BLOB, call->ca_data);
	else if (ca && *ca)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, ca);
	if (call->client_cert_data)
		set_blob(e, CURLOPT_SSLCERT_BLOB, call->client_cert_data);
	else if (call->client_cert)
		(void)curl_easy_setopt(e, CURLOPT_SSLCERT, call->client_cert);
	if (call->client_key_data)
		set_blob(e, CURLOPT_SSLKEY_BLOB, call->client_key_data);
	else if (call->client_key)
		(void)curl_easy_setopt(e, CURLOPT_SSLKEY, call->client_key);
	if (call->insecure) {
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_options(struct http_request *r, const struct http_call *call)
{
	CURL *e = r->easy;
	long connect_ms = call->connect_timeout_ms ? (long)call->connect_timeout_ms : 10000;

	(void)curl_easy_setopt(e, CURLOPT_URL, call->url);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_PRIVATE, r);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
	(void)curl_easy_setopt(e, CURLOPT_USERAGENT, "gslbd/" PACKAGE_VERSION);
	(void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	(void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	(void)curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
	(void)curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L);
	(void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 262144L);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, r);
	(void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
	if (call->proxy)
		(void)curl_easy_setopt(e, CURLOPT_PROXY, call->proxy);
	if (call->connect_to) {
		char *to = mem_printf("::%s", call->connect_to);

		r->connect_to = curl_slist_append(NULL, to);
		(void)curl_easy_setopt(e, CURLOPT_CONNECT_TO, r->connect_to);
		free(to);
	}
	set_method(r, call);
	set_headers(r, call);
	set_tls(e, call);
}

struct http_request *http_client_call(struct http_client *c, const struct http_call *call)
{
	struct http_request *r = MEM_NEW(struct http_request);

	r->client = c;
	r->call = *call;
	r->easy = curl_easy_init();
	if (r->easy == NULL)
		abort(); /* out of memory */
	r->next = c->requests;
	if (r->next)
		r->next->prev = r;
	c->requests = r;
	if (!call_is_clean(call)) {
		r->idle = loop_timer_new(c->loop, refuse, r);
		loop_timer_set(r->idle, 0);
		return r;
	}
	set_options(r, call);
	r->last_byte_ms = clock_mono_ms();
	if (call->idle_timeout_ms) {
		r->idle = loop_timer_new(c->loop, idle_check, r);
		loop_timer_set(r->idle, call->idle_timeout_ms);
	}
	if (c->depth) {
		c->unsettled = true;
		return r;
	}
	r->added = true;
	(void)curl_multi_add_handle(c->multi, r->easy);
	return r;
}

void http_request_cancel(struct http_request *r)
{
	if (r == NULL || r->finishing)
		return;
	r->cancelled = true;
	if (r->client->depth)
		r->client->unsettled = true;
	else
		request_free(r);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

struct http_client *http_client_new(struct loop *loop)
{
	struct http_client *c = MEM_NEW(struct http_client);

	(void)pthread_once(&curl_once, curl_init);
	c->loop = loop;
	c->multi = curl_multi_init();
	if (c->multi == NULL)
		abort();
	c->timer = event_new(loop_base(loop), -1, 0, timer_fired, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	(void)curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 64L);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	while (c->requests)
		request_free(c->requests);
	(void)curl_multi_cleanup(c->multi);
	event_free(c->timer);
	free(c);
}

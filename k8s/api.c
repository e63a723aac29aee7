#include "k8s/api.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/credential.h"
#include "k8s/kubeconfig.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"

#define MAX_RETRIES        10
#define MAX_RETRY_MS       30000
#define MAX_BODY           (512UL << 20)
#define MAX_ERROR_BODY     65536U
#define CREDENTIAL_WAIT_MS 1000

struct api {
	struct loop *loop;
	struct http_client *http;
	struct kube_config *k;
	struct credential *credential;
	char *url;        /* what requests are sent to */
	char *host;       /* "Host: …" when tls-server-name replaces it in the URL; or NULL */
	char *connect_to; /* then the real place; or NULL */
	unsigned timeout_ms;
	double qps, burst, tokens;
	uint64_t filled_ms;
	struct api_call *first, *last; /* those that wait to be sent */
	struct api_call *running;
	struct loop_timer *timer;
};

struct api_call {
	struct api *api;
	struct api_call *prev, *next;
	struct http_request *http; /* NULL while it waits */
	struct api_request r;      /* its texts are ours */
	uint64_t not_before_ms, sent_ms;
	unsigned retries;
	int status;      /* once the headers are there */
	struct buf body; /* of an answer that is no 2xx to a stream */
};

/* --- queue ---------------------------------------------------------------------------- */

static void unlink_call(struct api_call *c)
{
	struct api *a = c->api;

	if (c->prev)
		c->prev->next = c->next;
	else if (a->first == c)
		a->first = c->next;
	else if (a->running == c)
		a->running = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else if (a->last == c)
		a->last = c->prev;
	c->prev = c->next = NULL;
}

static void enqueue(struct api_call *c)
{
	struct api *a = c->api;

	c->prev = a->last;
	c->next = NULL;
	if (a->last)
		a->last->next = c;
	else
		a->first = c;
	a->last = c;
}

static void run(struct api_call *c)
{
	struct api *a = c->api;

	c->prev = NULL;
	c->next = a->running;
	if (c->next)
		c->next->prev = c;
	a->running = c;
}

static void call_free(struct api_call *c)
{
	const struct api_request *r = &c->r;
	const char *const texts[] = { r->method,       r->path, r->accept,
				      r->content_type, r->body, r->etag };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free((void *)(uintptr_t)texts[i]);
	buf_fini(&c->body);
	free(c);
}

/* --- answers -------------------------------------------------------------------------- */

static void measure(const struct api_call *c, const struct http_response *r)
{
	const char *method = c->r.method ? c->r.method : "GET";
	double seconds = (double)(clock_mono_ms() - c->sent_ms) / 1000;
	char code[16];

	if (r->err)
		(void)snprintf(code, sizeof(code), "error");
	else
		(void)snprintf(code, sizeof(code), "%d", r->status);
	metric_add(METRIC_API_REQUESTS_TOTAL, 1, method, code);
	if (!c->r.stream)
		metric_observe(METRIC_API_REQUEST_DURATION, seconds, method);
}

/* 429 of priority and fairness, or of a CRD that is being set up: the server says when. */
static bool is_retried(struct api_call *c, const struct http_response *r)
{
	long after_ms = http_response_retry_after_ms(r);

	if (c->r.stream || r->err || (r->status != 429 && r->status != 503) || after_ms < 0 ||
	    c->retries >= MAX_RETRIES)
		return false;
	if (after_ms > MAX_RETRY_MS)
		after_ms = MAX_RETRY_MS;
	c->retries++;
	c->http = NULL;
	c->not_before_ms = clock_mono_ms() + (uint64_t)after_ms;
	unlink_call(c);
	enqueue(c);
	loop_timer_set(c->api->timer, 0); /* which finds out who may go first */
	return true;
}

static void done(void *ctx, const struct http_response *r)
{
	struct api_call *c = ctx;

	measure(c, r);
	if (r->err == 0 && r->status == 401)
		credential_refused(c->api->credential);
	if (is_retried(c, r))
		return;
	struct http_response with_body = *r; /* a stream's error came in pieces */
	if (c->r.on_data && c->body.len)
		with_body.body = c->body;
	c->http = NULL;
	unlink_call(c);
	c->r.on_done(c->r.ctx, &with_body);
	call_free(c);
}

char *api_message(const struct http_response *r)
{
	if (r->err)
		return mem_strdup(*r->error ? r->error : error_text(r->err));
	cJSON *body = cJSON_ParseWithLength(buf_str(&r->body), r->body.len);
	const char *message = json_text(body, "message");
	char *text = message && *message ? mem_printf("HTTP %d: %s", r->status, message)
					 : mem_printf("HTTP %d", r->status);
	cJSON_Delete(body);
	return text;
}

/* --- requests ------------------------------------------------------------------------- */

static int data(void *ctx, const char *text, size_t len)
{
	struct api_call *c = ctx;

	if (c->status / 100 == 2)
		return c->r.on_data(c->r.ctx, text, len);
	if (c->body.len + len <= MAX_ERROR_BODY)
		buf_add(&c->body, text, len);
	return 0;
}

static void headers(void *ctx, const struct http_response *r)
{
	struct api_call *c = ctx;

	c->status = r->status;
	if (c->r.on_headers)
		c->r.on_headers(c->r.ctx, r);
}

static void send_now(struct api_call *c, const char *authorization)
{
	struct api *a = c->api;
	const struct kube_config *k = a->k;
	const char *cert = credential_cert(a->credential), *key = credential_key(a->credential);
	char *accept = mem_printf("Accept: %s", c->r.accept ? c->r.accept : "application/json");
	char *type = mem_printf("Content-Type: %s",
				c->r.content_type ? c->r.content_type : "application/json");
	char *etag = c->r.etag ? mem_printf("If-None-Match: %s", c->r.etag) : NULL;
	char *url = mem_printf("%s%s", a->url, c->r.path);
	const char *list[8] = { accept };
	size_t n = 1;

	if (c->r.body)
		list[n++] = type;
	if (authorization)
		list[n++] = authorization;
	if (a->host)
		list[n++] = a->host;
	if (etag)
		list[n++] = etag;
	struct http_call call = {
		.method = c->r.method,
		.url = url,
		.headers = list,
		.body = c->r.body,
		.body_len = c->r.body ? strlen(c->r.body) : 0,
		.timeout_ms = c->r.stream       ? 0
			      : c->r.timeout_ms ? c->r.timeout_ms
						: a->timeout_ms,
		.idle_timeout_ms = c->r.idle_timeout_ms,
		.max_body = c->r.stream ? 0 : MAX_BODY,
		.ca_file = k->ca_file,
		.ca_data = k->ca_data,
		.client_cert = cert ? NULL : k->cert_file,
		.client_key = cert ? NULL : k->key_file,
		.client_cert_data = cert ? cert : k->cert_data,
		.client_key_data = cert ? key : k->key_data,
		.insecure = k->insecure,
		.proxy = k->proxy_url,
		.connect_to = a->connect_to,
		.on_data = c->r.on_data ? data : NULL,
		.on_headers = headers,
		.on_done = done,
		.ctx = c,
	};
	c->sent_ms = clock_mono_ms();
	c->status = 0;
	buf_reset(&c->body);
	c->http = http_client_call(a->http, &call);
	free(accept);
	free(type);
	free(etag);
	free(url);
}

static void fill(struct api *a)
{
	uint64_t now = clock_mono_ms();

	a->tokens += (double)(now - a->filled_ms) * a->qps / 1000;
	a->filled_ms = now;
	if (a->tokens > a->burst)
		a->tokens = a->burst;
}

static void fail(struct api_call *c, const char *why)
{
	struct http_response r = { .err = ERR_AUTH };

	(void)snprintf(r.error, sizeof(r.error), "%s", why);
	unlink_call(c);
	c->r.on_done(c->r.ctx, &r);
	call_free(c);
}

/* Those that wait now; what their callbacks send comes later. */
static void fail_all(struct api *a, const char *why)
{
	size_t n = 0;

	for (const struct api_call *c = a->first; c; c = c->next)
		n++;
	while (n-- && a->first)
		fail(a->first, why);
}

/* Ms to wait before C may go; 0 = now (then a token is spent). */
static uint64_t wait_of(struct api *a, struct api_call *c)
{
	uint64_t now = clock_mono_ms();

	if (c->not_before_ms > now)
		return c->not_before_ms - now;
	if (c->r.free || a->qps <= 0)
		return 0;
	if (a->tokens >= 1) {
		a->tokens -= 1;
		return 0;
	}
	return (uint64_t)((1 - a->tokens) * 1000 / a->qps) + 1;
}

static void pump(void *ctx)
{
	struct api *a = ctx;
	const char *authorization = NULL, *why = NULL;
	uint64_t least = UINT64_MAX;
	struct api_call *next;

	if (a->first == NULL)
		return;
	if (!credential_get(a->credential, &authorization, &why)) {
		loop_timer_set(a->timer, CREDENTIAL_WAIT_MS);
		if (why)
			fail_all(a, why);
		return;
	}
	fill(a);
	for (struct api_call *c = a->first; c; c = next) {
		uint64_t wait = wait_of(a, c);

		next = c->next;
		if (wait) {
			least = wait < least ? wait : least;
			continue;
		}
		unlink_call(c);
		run(c);
		send_now(c, authorization);
	}
	if (least != UINT64_MAX)
		loop_timer_set(a->timer, least);
}

static char *copy(const char *s)
{
	return mem_strdup(s);
}

struct api_call *api_send(struct api *a, const struct api_request *request)
{
	struct api_call *c = MEM_NEW(struct api_call);

	c->api = a;
	c->r = *request;
	c->r.method = copy(request->method);
	c->r.path = copy(request->path);
	c->r.accept = copy(request->accept);
	c->r.content_type = copy(request->content_type);
	c->r.body = copy(request->body);
	c->r.etag = copy(request->etag);
	enqueue(c);
	loop_timer_set(a->timer, 0);
	return c;
}

void api_cancel(struct api_call *c)
{
	if (c == NULL)
		return;
	http_request_cancel(c->http);
	unlink_call(c);
	call_free(c);
}

/* --- life ----------------------------------------------------------------------------- */

static void on_credential(void *ctx)
{
	struct api *a = ctx;

	loop_timer_set(a->timer, 0);
}

/*
 * TLS-SERVER-NAME is what the certificate must hold and SNI says, the server's host is where we
 * connect to: curl has it the other way round, an URL and another place to connect to.
 */
static void set_url(struct api *a)
{
	const struct kube_config *k = a->k;
	const char *host = strstr(k->server, "://");

	a->url = mem_strdup(k->server);
	if (k->tls_server_name == NULL || host == NULL)
		return;
	host += 3;
	size_t n = strcspn(host, "/");
	size_t name_len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	const char *port = name_len < n && host[name_len] == ':' ? host + name_len + 1 : "443";
	size_t port_len = port == host + name_len + 1 ? n - name_len - 1 : 3;
	free(a->url);
	a->url = mem_printf("%.*s%s:%.*s%s", (int)(host - k->server), k->server, k->tls_server_name,
			    (int)port_len, port, host + n);
	a->connect_to = mem_printf("%.*s:%.*s", (int)name_len, host, (int)port_len, port);
	a->host = mem_printf("Host: %.*s", (int)n, host);
}

struct api *api_new(struct loop *loop, const struct config *config, struct http_client *http,
		    struct kube_config *k)
{
	struct api *a = MEM_NEW(struct api);
	int64_t timeout = config_ms(
		config, config_is_set(config, OPT_REQUEST_TIMEOUT) &&
					!config_is_set(config, OPT_KUBE_API_REQUEST_TIMEOUT)
				? OPT_REQUEST_TIMEOUT
				: OPT_KUBE_API_REQUEST_TIMEOUT);

	a->loop = loop;
	a->http = http;
	a->k = k;
	a->credential = credential_new(loop, k, on_credential, a);
	a->timer = loop_timer_new(loop, pump, a);
	a->timeout_ms = timeout > UINT32_MAX ? UINT32_MAX : (unsigned)timeout;
	a->qps = (double)config_number(config, OPT_KUBE_API_QPS);
	a->burst = (double)config_number(config, OPT_KUBE_API_BURST);
	/* Those are ExternalDNS's; writing back wants more, as controllers have it. */
	if (!config_is_set(config, OPT_KUBE_API_QPS) &&
	    !config_is_set(config, OPT_KUBE_API_BURST)) {
		a->qps = 20;
		a->burst = 30;
	}
	if (a->burst < 1)
		a->burst = 1;
	a->tokens = a->burst;
	a->filled_ms = clock_mono_ms();
	set_url(a);
	return a;
}

void api_free(struct api *a)
{
	if (a == NULL)
		return;
	while (a->first)
		api_cancel(a->first);
	while (a->running)
		api_cancel(a->running);
	loop_timer_free(a->timer);
	credential_free(a->credential);
	kube_config_free(a->k);
	free(a->url);
	free(a->host);
	free(a->connect_to);
	free(a);
}

const char *api_server(const struct api *a)
{
	return a->k->server;
}

const char *api_from(const struct api *a)
{
	return a->k->from;
}

#include "sync/http_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <curl/curl.h>

#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_metric.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/metric.h"
#include "lib/secret_file.h"

struct http_api {
	struct http_api_config c;
	char *base_url, *user_agent, *ca_file, *client_cert, *client_key;
	double tokens;
	uint64_t filled_ms;
	uint64_t not_before_ms; /* Retry-After of the whole account */
	struct http_api_call *first, **last;
};

struct http_api_call {
	struct http_api *api;
	struct http_api_call *next;
	char *method, *url, *body;
	size_t body_len;
	struct strv fixed;   /* headers of the caller */
	struct strv headers; /* the same and what authorize added, rebuilt a try */
	http_api_cb cb;
	void *ctx;
	struct backoff backoff;
	bool renewed;
	uint64_t sent_ms; /* of this try */
	struct loop_timer *timer;
	struct http_request *running;
};

struct http_api *http_api_new(const struct http_api_config *config)
{
	struct http_api *api = MEM_NEW(struct http_api);

	api->c = *config;
	api->base_url = mem_strdup(config->base_url);
	api->user_agent = mem_strdup(config->user_agent ? config->user_agent : "gslbd");
	api->ca_file = mem_strdup(config->ca_file);
	api->client_cert = mem_strdup(config->client_cert);
	api->client_key = mem_strdup(config->client_key);
	if (api->c.max_tries == 0)
		api->c.max_tries = 4;
	if (api->c.timeout_ms == 0)
		api->c.timeout_ms = 30000;
	api->tokens = api->c.burst;
	api->filled_ms = clock_mono_ms();
	api->last = &api->first;
	return api;
}

static void call_free(struct http_api_call *call)
{
	if (call->running)
		http_request_cancel(call->running);
	loop_timer_free(call->timer);
	strv_fini(&call->fixed);
	strv_fini(&call->headers);
	free(call->method);
	free(call->url);
	free(call->body);
	free(call);
}

void http_api_free(struct http_api *api)
{
	if (api == NULL)
		return;
	while (api->first) {
		struct http_api_call *call = api->first;

		api->first = call->next;
		call_free(call);
	}
	free(api->base_url);
	free(api->user_agent);
	free(api->ca_file);
	free(api->client_cert);
	free(api->client_key);
	free(api);
}

static void unlink_call(struct http_api *api, struct http_api_call *call)
{
	struct http_api_call **at = &api->first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	if (api->last == &call->next)
		api->last = at;
}

/* The end of a call: R goes to the caller, who may send the next or free the API. */
static void finish(struct http_api_call *call, const struct http_api_result *r)
{
	unlink_call(call->api, call);
	call->running = NULL;
	call->cb(call->ctx, r);
	call_free(call);
}

static void finish_text(struct http_api_call *call, int err, const char *why)
{
	struct http_api_result r = { .err = err, .body = why, .len = strlen(why) };

	finish(call, &r);
}

/* Milliseconds until the account may send again; takes a token if that is now. */
static uint64_t bucket_wait_ms(struct http_api *api)
{
	uint64_t now = clock_mono_ms();

	if (now < api->not_before_ms)
		return api->not_before_ms - now;
	if (api->c.rate_per_s <= 0)
		return 0;
	api->tokens += (double)(now - api->filled_ms) * api->c.rate_per_s / 1000.0;
	if (api->tokens > api->c.burst)
		api->tokens = api->c.burst;
	api->filled_ms = now;
	if (api->tokens < 1)
		return (uint64_t)((1 - api->tokens) * 1000.0 / api->c.rate_per_s) + 1;
	api->tokens -= 1;
	return 0;
}

static int error_of_status(int status)
{
	if (status < 400)
		return 0;
	switch (status) {
	case 401:
	case 403:
		return ERR_AUTH;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
	case 412:
		return ERR_STALE;
	case 429:
		return ERR_LIMIT;
	default:
		return status >= 500 ? ERR_AGAIN : ERR_INVALID;
	}
}

static bool may_repeat(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "PUT") == 0 ||
	       strcmp(method, "DELETE") == 0;
}

static void on_timer(void *ctx);

static void wait_ms(struct http_api_call *call, uint64_t ms)
{
	if (call->timer == NULL)
		call->timer = loop_timer_new(call->api->c.loop, on_timer, call);
	loop_timer_set(call->timer, ms);
}

/* True if the call will be tried again. */
static bool try_again(struct http_api_call *call, const struct http_response *r, int err)
{
	struct http_api *api = call->api;
	bool throttled = err == ERR_LIMIT || r->status == 503;

	if (call->backoff.tries + 1 >= api->c.max_tries)
		return false;
	if (!throttled && !(may_repeat(call->method) &&
			    (err == ERR_AGAIN || err == ERR_NETWORK || err == ERR_TIMEOUT)))
		return false;
	uint64_t ms = backoff_next_ms(&call->backoff);
	long asked = http_response_retry_after_ms(r);
	if (throttled && asked >= 0) {
		if (asked > 300000)
			asked = 300000;
		ms = (uint64_t)asked > ms ? (uint64_t)asked : ms;
		api->not_before_ms = clock_mono_ms() + (uint64_t)asked;
	}
	wait_ms(call, ms);
	return true;
}

/* True if the call goes out again with other credentials. */
static bool renew(struct http_api_call *call, const struct http_response *r, int err)
{
	struct http_api *api = call->api;

	if (err != ERR_AUTH || call->renewed || r->err || api->c.renew == NULL ||
	    !api->c.renew(api->c.ctx, r))
		return false;
	call->renewed = true;
	wait_ms(call, 0);
	return true;
}

int64_t http_api_date_s(const struct http_response *r)
{
	const char *date = http_response_header(r, "date");

	return date ? (int64_t)curl_getdate(date, NULL) : -1;
}

static void measure(const struct http_api_call *call, const struct http_response *response, int err)
{
	const char *method = call->method ? call->method : "GET";
	double seconds = (double)(clock_mono_ms() - call->sent_ms) / 1000;
	char host[128], code[16];

	http_metric_host(call->url, host, sizeof(host));
	(void)snprintf(code, sizeof(code), "%d", response->status);
	metric_add(METRIC_PROVIDER_REQUESTS_TOTAL, 1, host, response->err ? "error" : code);
	metric_observe(METRIC_PROVIDER_REQUEST_DURATION, seconds, host);
	if (err == ERR_LIMIT)
		metric_add(METRIC_PROVIDER_THROTTLED_TOTAL, 1, host);
	http_metric_observe(method, call->url, response->status, seconds);
}

static void on_done(void *ctx, const struct http_response *response)
{
	struct http_api_call *call = ctx;
	struct http_api *api = call->api;
	struct http_api_result r = { .status = response->status,
				     .body = buf_str(&response->body),
				     .len = response->body.len,
				     .response = response };

	call->running = NULL;
	r.err = response->err ? response->err : error_of_status(response->status);
	if (response->err) {
		r.body = response->error;
		r.len = strlen(response->error);
	} else if ((r.err == ERR_INVALID || r.err == ERR_AUTH) && api->c.is_throttle &&
		   api->c.is_throttle(api->c.ctx, r.status, r.body)) {
		r.err = ERR_LIMIT;
	}
	measure(call, response, r.err);
	if (r.err && (renew(call, response, r.err) || try_again(call, response, r.err)))
		return;
	if (!response->err && r.len)
		r.json = cJSON_ParseWithLength(r.body, r.len);
	cJSON *json = r.json;
	finish(call, &r);
	cJSON_Delete(json);
}

void http_api_call_header(struct http_api_call *call, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strv_take(&call->headers, mem_vprintf(fmt, ap));
	va_end(ap);
}

const char *http_api_call_method(const struct http_api_call *call)
{
	return call->method;
}

const char *http_api_call_url(const struct http_api_call *call)
{
	return call->url;
}

const char *http_api_call_body(const struct http_api_call *call, size_t *ret_len)
{
	*ret_len = call->body_len;
	return call->body ? call->body : "";
}

void http_api_call_go(struct http_api_call *call, int err, const char *why)
{
	struct http_api *api = call->api;

	if (err) {
		finish_text(call, err, why ? why : error_text(err));
		return;
	}
	strv_take(&call->headers, NULL); /* the list ends with NULL for http_client_call */
	struct http_call h = {
		.method = call->method,
		.url = call->url,
		.headers = (const char *const *)call->headers.s,
		.body = call->body,
		.body_len = call->body_len,
		.timeout_ms = api->c.timeout_ms,
		.ca_file = api->ca_file,
		.client_cert = api->client_cert,
		.client_key = api->client_key,
		.insecure = api->c.insecure,
		.on_done = on_done,
		.ctx = call,
	};
	call->sent_ms = clock_mono_ms();
	call->running = http_client_call(api->c.http, &h);
}

static void start(struct http_api_call *call)
{
	struct http_api *api = call->api;
	uint64_t ms = bucket_wait_ms(api);

	if (ms) {
		wait_ms(call, ms);
		return;
	}
	strv_fini(&call->headers);
	strv_copy(&call->headers, &call->fixed);
	if (api->c.authorize)
		api->c.authorize(api->c.ctx, call);
	else
		http_api_call_go(call, 0, NULL);
}

static void on_timer(void *ctx)
{
	start(ctx);
}

void http_api_send(struct http_api *api, const char *method, const char *path, const char *body,
		   const char *content_type, const char *const *extra, http_api_cb cb, void *ctx)
{
	struct http_api_call *call = MEM_NEW(struct http_api_call);

	call->api = api;
	call->cb = cb;
	call->ctx = ctx;
	call->method = mem_strdup(method);
	call->url = path[0] == '/' ? mem_printf("%s%s", api->base_url, path) : mem_strdup(path);
	call->backoff = (struct backoff){ .min_ms = 500, .max_ms = 30000 };
	strv_take(&call->fixed, mem_printf("User-Agent: %s", api->user_agent));
	if (body) {
		call->body = mem_strdup(body);
		call->body_len = strlen(body);
		strv_take(&call->fixed,
			  mem_printf("Content-Type: %s",
				     content_type ? content_type : "application/json"));
	}
	for (; extra && *extra; extra++)
		strv_add(&call->fixed, *extra);
	*api->last = call;
	api->last = &call->next;
	/* never call back before we returned */
	wait_ms(call, 0);
}

void http_api_json(struct http_api *api, const char *method, const char *path,
		   const struct cJSON *body, http_api_cb cb, void *ctx)
{
	char *text = body ? json_print(body) : NULL;

	http_api_send(api, method, path, text, NULL, NULL, cb, ctx);
	free(text);
}

void http_api_escape(struct buf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-._~", c))
			buf_putc(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

int http_api_secret(const char *name, char **ret, char **ret_why)
{
	const char *value = getenv(name);

	*ret = NULL;
	if (value == NULL || *value == '\0')
		return 0;
	if (strncmp(value, "file:", 5) != 0) {
		*ret = mem_strdup(value);
		return 0;
	}
	*ret = secret_file_read(value + 5);
	if (*ret == NULL) {
		*ret_why = mem_printf("%s: cannot read %s", name, value + 5);
		return ERR_IO;
	}
	return 0;
}

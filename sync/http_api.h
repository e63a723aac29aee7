/*
 * http_api - one account at a provider's HTTP API: authorisation, a token
 * bucket, Retry-After, and retries with jittered back-off.  Used by the HTTP
 * providers.  Control thread.
 *
 * What is retried: 429 and 503 always (the service says it did nothing);
 * other 5xx and network errors only for methods that may be sent twice (GET, PUT,
 * DELETE).  A POST or PATCH whose answer is lost is reported as ERR_NETWORK: the
 * caller reads back before it decides.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/http_client.h"

struct loop;
struct http_api;
struct http_api_call;
struct cJSON;

struct http_api_result {
	int err;    /* 0: an answer below 400 came; else ERR_NETWORK, _TIMEOUT, _AUTH (401, 403),
		       _NOT_FOUND (404), _STALE (409, 412), _LIMIT (429 to the end), _INVALID (other
		       4xx),    _AGAIN (5xx to the end), _PROTOCOL (no JSON where JSON was asked) */
	int status; /* HTTP status, 0 if none */
	const char *body; /* NUL-ended */
	size_t len;
	struct cJSON *json; /* borrowed; NULL if the body is not JSON */
	const struct http_response *response;
};
typedef void (*http_api_cb)(void *ctx, const struct http_api_result *r);

struct http_api_config {
	struct loop *loop;
	struct http_client *http;
	const char *base_url;   /* without final slash; copied */
	const char *user_agent; /* NULL = "gslbd" */
	double rate_per_s;      /* token bucket; 0 = no limit */
	unsigned burst;
	unsigned max_tries;                             /* 0 = 4 */
	unsigned timeout_ms;                            /* 0 = 30,000 */
	const char *ca_file, *client_cert, *client_key; /* NULL = defaults; copied */
	bool insecure;
	/*
	 * Add what authorises CALL by http_api_call_header, now or later, then http_api_call_go.
	 * Called again for each try (signatures have a date).  NULL = nothing to add.
	 */
	void (*authorize)(void *ctx, struct http_api_call *call);
	/* A 400 or 403 that means "slow down" (Throttling, rateLimitExceeded).  May be NULL. */
	bool (*is_throttle)(void *ctx, int status, const char *body);
	/*
	 * The service does not accept who we say we are (401, 403): drop what is cached and return
	 * true if another try may go better.  Asked once a call.  May be NULL.
	 */
	bool (*renew)(void *ctx, const struct http_response *r);
	void *ctx;
};

struct http_api *http_api_new(const struct http_api_config *config);
void http_api_free(struct http_api *api); /* running calls end without their callback */
/*
 * PATH begins with "/" (appended to base_url) or is an absolute URL.  BODY may be NULL;
 * CONTENT_TYPE NULL = application/json.  EXTRA: NULL-ended "Name: value" or NULL.  All copied.  CB
 * is called once.
 */
void http_api_send(struct http_api *api, const char *method, const char *path, const char *body,
		   const char *content_type, const char *const *extra, http_api_cb cb, void *ctx);
/* Serialises BODY (borrowed, may be NULL) and sends it. */
void http_api_json(struct http_api *api, const char *method, const char *path,
		   const struct cJSON *body, http_api_cb cb, void *ctx);

/* For authorize: */
void http_api_call_header(struct http_api_call *call, const char *fmt, ...) MEM_PRINTF(2, 3);
const char *http_api_call_method(const struct http_api_call *call);
const char *http_api_call_url(const struct http_api_call *call);
const char *http_api_call_body(const struct http_api_call *call, size_t *ret_len);
/* Send it (ERR = 0), or end it with ERR and WHY (no secrets). */
void http_api_call_go(struct http_api_call *call, int err, const char *why);

/* The service's own clock by its Date header, in seconds of Unix time; -1 if it says none. */
int64_t http_api_date_s(const struct http_response *r);

/* Percent-encode all but unreserved characters (RFC 3986 2.3); appends to B. */
void http_api_escape(struct buf *b, const char *text);
/*
 * A secret from the environment variable NAME: its value, or with "file:PATH" the file's content,
 * blanks trimmed.  *ret = NULL if unset or empty.  0, or ERR_IO with *ret_why (caller frees).
 */
int http_api_secret(const char *name, char **ret, char **ret_why);

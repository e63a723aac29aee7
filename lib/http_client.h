/*
 * http_client - HTTP requests by libcurl's multi interface on the control loop;
 * whole bodies or streams (watches).  Connections are reused.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/strv.h"

struct loop;
struct http_client;
struct http_request;

struct http_response {
	/* 0: an HTTP answer came, see status; else ERR_NETWORK, _TIMEOUT, _AUTH (TLS), _LIMIT,
	 * _INVALID (call) */
	int err;
	int status;          /* HTTP status or 0 */
	struct buf body;     /* empty when on_data took it; whole otherwise */
	struct strv headers; /* "name: value", names in lower case */
	char error[256];     /* curl's words when err is set */
};
/* The value of the first header NAME (lower case), or NULL. */
const char *http_response_header(const struct http_response *r, const char *name);
/* Retry-After in ms (seconds or HTTP date), -1 if none. */
long http_response_retry_after_ms(const struct http_response *r);

struct http_call {
	const char *method; /* NULL = GET */
	const char *url;
	const char *const *headers; /* NULL-ended "Name: value"; may be NULL */
	const void *body;
	size_t body_len;
	unsigned timeout_ms;                  /* whole request; 0 = none (streams) */
	unsigned connect_timeout_ms;          /* 0 = 10,000 */
	unsigned idle_timeout_ms;             /* no byte for so long = ERR_TIMEOUT; 0 = none */
	size_t max_body;                      /* 0 = 64 MiB */
	const char *ca_file;                  /* NULL = SSL_CERT_FILE or the system's */
	const char *client_cert, *client_key; /* PEM files */
	/* PEM text in place of the files above (kubeconfig's *-data); may be NULL. */
	const char *ca_data, *client_cert_data, *client_key_data;
	bool insecure;          /* no certificate check */
	const char *proxy;      /* URL; NULL = the environment's (HTTPS_PROXY, NO_PROXY) */
	const char *connect_to; /* "HOST:PORT" to connect to in place of the URL's; NULL = none */
	/* Streamed body; a non-zero return ends the request with that error.  NULL = collect. */
	int (*on_data)(void *ctx, const char *data, size_t len);
	/* Once the status line and headers are there, before on_data.  May be NULL. */
	void (*on_headers)(void *ctx, const struct http_response *r);
	/* Always called once, unless cancelled.  R is borrowed. */
	void (*on_done)(void *ctx, const struct http_response *r);
	void *ctx;
};

struct http_client *http_client_new(struct loop *loop);
void http_client_free(struct http_client *c); /* cancels what runs */
/* Copies CALL.  The handle is valid until on_done returns or http_request_cancel. */
struct http_request *http_client_call(struct http_client *c, const struct http_call *call);
void http_request_cancel(struct http_request *r); /* on_done is not called */

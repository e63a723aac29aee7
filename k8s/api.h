/*
 * api - requests to the API server: who we are, how fast we may ask, what comes
 * back when the server is busy.  Control thread.
 *
 *	api_send ─► queue ─(credential, tokens)─► http_client ─► on_done
 *	              ▲                                │
 *	              └────── 429, Retry-After ────────┘
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct config;
struct http_client;
struct http_response;
struct kube_config;
struct loop;
struct api;
struct api_call;

struct api_request {
	const char *method;       /* NULL = GET */
	const char *path;         /* "/api/v1/services?limit=500" */
	const char *accept;       /* NULL = application/json */
	const char *content_type; /* of BODY; NULL = application/json */
	const char *body;         /* text, NULL = none */
	const char *etag;         /* If-None-Match; NULL = none */
	bool stream;              /* no limit of time; on_data gets the body of a 2xx */
	bool free; /* does not count against --kube-api-qps (watches, pages of a list) */
	unsigned idle_timeout_ms; /* of a stream */
	unsigned timeout_ms;      /* of the whole; 0 = --kube-api-request-timeout */
	int (*on_data)(void *ctx, const char *data, size_t len);
	void (*on_headers)(void *ctx, const struct http_response *r);
	/* Always called once, unless cancelled; not from inside api_send. */
	void (*on_done)(void *ctx, const struct http_response *r);
	void *ctx;
};

/* K is taken.  QPS and time limits from --kube-api-*. */
struct api *api_new(struct loop *loop, const struct config *config, struct http_client *http,
		    struct kube_config *k);
void api_free(struct api *a); /* cancels what runs */
/* Copies REQUEST.  Valid until on_done returns or api_cancel. */
struct api_call *api_send(struct api *a, const struct api_request *request);
void api_cancel(struct api_call *c);         /* NULL is fine */
const char *api_server(const struct api *a); /* for messages: the URL */
const char *api_from(const struct api *a);   /* where the configuration came from */
/* The words of a failed response: Status.message of its body, or what the network said.  Caller
 * frees. */
char *api_message(const struct http_response *r);

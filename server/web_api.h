/*
 * web_api - the JSON side of the admin address: status, commands, readiness,
 * metrics.  Route handlers.  Control thread.
 */
#pragma once

struct http_exchange;

struct web_api {
	char *token_file; /* NULL: nobody may change things over TCP */
	char *geo_tag;
	long started_s; /* Unix time */
};

/* ctx of all is the struct web_api. */
void web_api_status(void *ctx, struct http_exchange *x);  /* /api/v1/status and below */
void web_api_command(void *ctx, struct http_exchange *x); /* /api/v1/command and below */
void web_api_healthz(void *ctx, struct http_exchange *x);
void web_api_readyz(void *ctx, struct http_exchange *x);
void web_api_metrics(void *ctx, struct http_exchange *x);
/* The section "about"; a status_cb. */
struct cJSON;
void web_api_about(void *ctx, struct cJSON *out);

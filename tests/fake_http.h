/*
 * fake_http - a small HTTP/1.1 server on the loop, for tests: the test's
 * handler gets each request and writes raw bytes, so that it can also behave
 * badly (half bodies, resets, silence).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct fake_http;
struct fake_conn;

struct fake_request {
	char *method;
	char *target;  /* path and query */
	char *headers; /* raw lines */
	char *body;
	size_t body_len;
};

typedef void (*fake_http_cb)(void *ctx, struct fake_conn *c, const struct fake_request *r);

/* Listens on 127.0.0.1 at PORT, 0 = any. */
struct fake_http *fake_http_new(struct loop *loop, unsigned port, fake_http_cb cb, void *ctx);
/* Closes everything. */
void fake_http_free(struct fake_http *f);
unsigned fake_http_port(const struct fake_http *f);
/* "http://127.0.0.1:PORT", lives as long as F. */
const char *fake_http_url(const struct fake_http *f);
/* How many connections were accepted so far. */
unsigned fake_http_connections(const struct fake_http *f);

/* CB is called when the connection goes (not for those freed by fake_http_free). */
void fake_conn_on_close(struct fake_conn *c, void (*cb)(void *ctx), void *ctx);
void fake_conn_write(struct fake_conn *c, const char *data, size_t len);
void fake_conn_puts(struct fake_conn *c, const char *text);
/* A whole response with Content-Length; HEADERS ("A: b\r\n…") may be "". */
void fake_conn_reply(struct fake_conn *c, int status, const char *headers, const char *body);
/* Head of a chunked response, then chunks, then the end. */
void fake_conn_begin(struct fake_conn *c, int status);
void fake_conn_chunk(struct fake_conn *c, const char *text);
void fake_conn_end(struct fake_conn *c);
/* Close at once; HARD sends a reset.  C is gone. */
void fake_conn_close(struct fake_conn *c, bool hard);
/* Value of a header in R, copied into OUT; false if missing. */
bool fake_request_header(const struct fake_request *r, const char *name, char *out, size_t size);

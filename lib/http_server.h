/*
 * http_server - HTTP/1.1 on TCP and unix sockets, on the control loop (evhttp).
 * Routes, whole replies, JSON, and streams of server-sent events with bounded
 * buffers.  Bodies, headers, connections and silent time are capped.
 * Control thread.
 *
 *	struct http_server *s = http_server_new(loop);
 *	http_server_route(s, HTTP_GET, "/api/v1/zones/", on_zone, ctx);
 *	err = http_server_listen(s, "[::1]:8080", &why);
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

struct loop;
struct cJSON;
struct http_server;
struct http_exchange; /* one request and its reply; lives until the reply or the handler's return */
struct http_stream;   /* a reply that goes on; lives until its on_close returns */

enum http_method {
	HTTP_GET = 1, /* HEAD too: the body is left out */
	HTTP_POST = 2,
};

/* Must reply or open a stream before it returns, else the client gets 500. */
typedef void (*http_route_cb)(void *ctx, struct http_exchange *x);

/* SIGPIPE is ignored from here on, for the whole process. */
struct http_server *http_server_new(struct loop *loop);
void http_server_free(struct http_server *s); /* closes streams (on_close is called) and sockets */
/*
 * Listen on "ADDR:PORT", ":PORT" (all addresses), "HOST:PORT" with localhost, or
 * "unix:PATH".  A stale socket file is replaced, one that somebody answers on
 * is not (ERR_EXISTS); its mode is 0660.  ERR_SYNTAX, ERR_IO; *ret_why (caller
 * frees) says what.  May be called several times.
 */
int http_server_listen(struct http_server *s, const char *address, char **ret_why);
/* Port of the first TCP socket (tests listen on port 0); 0 if none. */
unsigned http_server_port(const struct http_server *s);
/*
 * Call CB for PATH exactly, or for all below it if PATH ends with "/" (but "/"
 * itself is exact).  The longest route wins.  METHODS are or'ed.
 */
void http_server_route(struct http_server *s, int methods, const char *path, http_route_cb cb,
		       void *ctx);
/* Limit of open connections; 256 from the start. */
void http_server_limit(struct http_server *s, unsigned connections);
/* Limit of a request's body; 1 MiB from the start.  Larger ones get 413. */
void http_server_limit_body(struct http_server *s, size_t bytes);

const char *http_exchange_path(const struct http_exchange *x); /* decoded, without query */
const char *http_exchange_rest(const struct http_exchange *x); /* path behind the route's */
/* Query parameter, decoded; NULL if not given. */
const char *http_exchange_query(const struct http_exchange *x, const char *name);
const char *http_exchange_header(const struct http_exchange *x, const char *name); /* or NULL */
const struct buf *http_exchange_body(const struct http_exchange *x);
enum http_method http_exchange_method(const struct http_exchange *x);
/* Came over a unix socket. */
bool http_exchange_is_local(const struct http_exchange *x);

/* A header of the reply; before the reply.  Copies. */
void http_exchange_set(struct http_exchange *x, const char *name, const char *value);
void http_exchange_reply(struct http_exchange *x, int status, const char *content_type,
			 const void *body, size_t len);
void http_exchange_text(struct http_exchange *x, int status, const char *text);
void http_exchange_json(struct http_exchange *x, int status, const struct cJSON *json);

/*
 * Reply later: X is gone when the handler returns, the handle stays until http_reply_send, or
 * until ON_GONE was called, once, because the client went away or the server stops.
 */
struct http_reply;
struct http_reply *http_exchange_hold(struct http_exchange *x, void (*on_gone)(void *ctx),
				      void *ctx);
/* Ends R.  A 204 goes without body. */
void http_reply_send(struct http_reply *r, int status, const char *content_type, const void *body,
		     size_t len);

/*
 * Begin a reply that goes on.  ON_CLOSE is called once, when the client went away,
 * was too slow (more than 1 MiB unsent) or the server stops; not for http_stream_end.
 */
struct http_stream *http_exchange_stream(struct http_exchange *x, const char *content_type,
					 void (*on_close)(void *ctx), void *ctx);
/* ERR_LIMIT: the client is too slow; the stream closes from the loop. */
int http_stream_send(struct http_stream *st, const void *data, size_t len);
/* Bytes that wait to be written: a sender may skip an update while it is not 0. */
size_t http_stream_pending(const struct http_stream *st);
void http_stream_end(struct http_stream *st);

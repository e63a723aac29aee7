/*
 * http_server - HTTP on the control loop; see http_server.h.
 *
 *	server ── door (tcp), door (unix): one evhttp each, so a request knows its door
 *	             └─ connections: counted, closed when silent for too long
 *
 * evhttp tells when a connection opens (it asks us for the bufferevent), but not
 * when it closes: we hold a reference and look each second, and before each new
 * connection, which ones it has let go.
 */
#include "lib/http_server.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/http_listen.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"

#define MAX_BODY    (1024 * 1024)
#define MAX_HEADERS (16 * 1024)
#define MAX_UNSENT  (1024 * 1024)
#define SILENT_S    60 /* between two requests of a connection, and for one to arrive */

struct door {
	struct http_server *server;
	struct evhttp *http;
	bool local; /* unix */
	unsigned connections;
};

struct connection {
	struct door *door;
	struct connection *prev, *next;
	struct bufferevent *bev; /* evhttp's; a reference of ours keeps the memory */
	struct event *deadline;
};

struct route {
	char *path;
	int methods;
	http_route_cb cb;
	void *ctx;
};

struct http_server {
	struct event_base *base;
	struct door tcp, local;
	struct connection *connections;
	struct event *sweep;
	struct route *routes;
	size_t nroutes;
	unsigned limit;
	unsigned port;
	bool stopping;
	struct strv paths; /* socket files, removed at the end */
};

struct http_exchange {
	struct evhttp_request *req;
	struct connection *connection;
	const struct route *route;
	bool local, replied;
	char *path;
	struct evkeyvalq query;
	struct buf body;
};

struct http_stream {
	struct evhttp_request *req;
	struct connection *connection;
	void (*on_close)(void *ctx);
	void *ctx;
	bool closing;
};

/* --- connections ------------------------------------------------------------------ */

static void connection_free(struct connection *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->door->server->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->door->connections--;
	metric_add(METRIC_HTTP_CONNECTIONS, -1);
	event_free(c->deadline);
	bufferevent_decref(c->bev); /* closes the socket */
	free(c);
}

/* evhttp takes its callbacks off a bufferevent that it frees. */
static bool connection_has_ended(const struct connection *c)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
	return !on_event;
}

/* Forget the connections that evhttp has freed. */
static void sweep(struct http_server *s)
{
	struct connection *next;

	for (struct connection *c = s->connections; c; c = next) {
		next = c->next;
		if (connection_has_ended(c))
			connection_free(c);
	}
}

static void on_sweep(int fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	sweep(ctx);
}

static void on_deadline(int fd, short what, void *ctx)
{
	struct connection *c = ctx;

	(void)fd;
	(void)what;
	/* evhttp sees the end of the stream and frees the connection by its own ways */
	if (!connection_has_ended(c) && bufferevent_getfd(c->bev) >= 0)
		shutdown(bufferevent_getfd(c->bev), SHUT_RDWR);
}

static void set_deadline(struct connection *c, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	evtimer_add(c->deadline, &tv);
}

/* evhttp accepted a connection and asks for its bufferevent; it sets the socket later. */
static struct bufferevent *new_connection(struct event_base *base, void *ctx)
{
	struct door *d = ctx;
	struct http_server *s = d->server;
	struct connection *c = MEM_NEW(struct connection);

	sweep(s);
	c->door = d;
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	c->deadline = evtimer_new(base, on_deadline, c);
	if (!c->bev || !c->deadline)
		abort(); /* out of memory */
	bufferevent_incref(c->bev);
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	s->connections = c;
	metric_add(METRIC_HTTP_CONNECTIONS, 1);
	if (d->connections++ >= s->limit) {
		metric_add(METRIC_HTTP_REFUSED_TOTAL, 1);
		set_deadline(c, 0); /* as soon as evhttp has set the socket */
	} else {
		set_deadline(c, SILENT_S);
	}
	return c->bev;
}

static struct connection *connection_of(struct http_server *s, struct evhttp_request *req)
{
	struct bufferevent *bev =
		evhttp_connection_get_bufferevent(evhttp_request_get_connection(req));

	for (struct connection *c = s->connections; c; c = c->next) {
		if (c->bev == bev)
			return c;
	}
	abort(); /* a connection that we did not make: cannot be */
}

/* --- requests --------------------------------------------------------------------- */

static const struct route *find_route(const struct http_server *s, const char *path)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route *r = &s->routes[i];
		size_t len = strlen(r->path);
		bool all_below = len > 1 && r->path[len - 1] == '/';

		if (all_below ? strncmp(path, r->path, len) != 0 : strcmp(path, r->path) != 0)
			continue;
		if (!best || len > strlen(best->path))
			best = r;
	}
	return best;
}

/* Path, query and body of a request.  ERR_SYNTAX if they are none. */
static int read_request(struct http_exchange *x)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(x->req);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	struct evbuffer *in = evhttp_request_get_input_buffer(x->req);
	size_t len = evbuffer_get_length(in), decoded;

	x->path = path && *path == '/' ? evhttp_uridecode(path, 0, &decoded) : NULL;
	if (!x->path || strlen(x->path) != decoded) /* no %00 */
		return ERR_SYNTAX;
	if (query && evhttp_parse_query_str(query, &x->query))
		return ERR_SYNTAX;
	if (len) {
		buf_reserve(&x->body, len);
		evbuffer_copyout(in, x->body.data, len);
		x->body.len = len;
		x->body.data[len] = '\0';
	}
	return 0;
}

static void exchange_run(struct http_exchange *x, struct http_server *s)
{
	if (read_request(x)) {
		http_exchange_text(x, 400, "bad request\n");
		return;
	}
	x->route = find_route(s, x->path);
	if (!x->route) {
		http_exchange_text(x, 404, "not found\n");
	} else if (!(x->route->methods & http_exchange_method(x))) {
		http_exchange_set(x, "Allow", x->route->methods & HTTP_POST ? "POST" : "GET, HEAD");
		http_exchange_text(x, 405, "method not allowed\n");
	} else {
		x->route->cb(x->route->ctx, x);
		if (!x->replied)
			http_exchange_text(x, 500, "no reply\n");
	}
}

static void on_request(struct evhttp_request *req, void *ctx)
{
	struct door *d = ctx;
	struct http_exchange x = { .req = req, .local = d->local };

	TAILQ_INIT(&x.query);
	x.connection = connection_of(d->server, req);
	set_deadline(x.connection, SILENT_S);
	exchange_run(&x, d->server);
	evhttp_clear_headers(&x.query);
	free(x.path);
	buf_fini(&x.body);
}

const char *http_exchange_path(const struct http_exchange *x)
{
	return x->path;
}

const char *http_exchange_rest(const struct http_exchange *x)
{
	return x->path + strlen(x->route->path);
}

const char *http_exchange_query(const struct http_exchange *x, const char *name)
{
	return evhttp_find_header(&x->query, name);
}

const char *http_exchange_header(const struct http_exchange *x, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(x->req), name);
}

const struct buf *http_exchange_body(const struct http_exchange *x)
{
	return &x->body;
}

enum http_method http_exchange_method(const struct http_exchange *x)
{
	return evhttp_request_get_command(x->req) == EVHTTP_REQ_POST ? HTTP_POST : HTTP_GET;
}

bool http_exchange_is_local(const struct http_exchange *x)
{
	return x->local;
}

/* --- replies ---------------------------------------------------------------------- */

void http_exchange_set(struct http_exchange *x, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(x->req), name, value);
}

static void count(int status)
{
	char code[16];

	snprintf(code, sizeof(code), "%d", status);
	metric_add(METRIC_HTTP_REQUESTS_TOTAL, 1, code);
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *words;
	} rows[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].status == status)
			return rows[i].words;
	}
	return status < 400 ? "OK" : "Error";
}

static void common_headers(struct http_exchange *x, const char *content_type)
{
	http_exchange_set(x, "Content-Type", content_type);
	http_exchange_set(x, "X-Content-Type-Options", "nosniff");
	http_exchange_set(x, "Cache-Control", "no-store");
}

void http_exchange_reply(struct http_exchange *x, int status, const char *content_type,
			 const void *body, size_t len)
{
	struct evbuffer *out = evbuffer_new();
	char length[32];

	assert(!x->replied && out);
	x->replied = true;
	count(status);
	common_headers(x, content_type);
	snprintf(length, sizeof(length), "%zu", len);
	http_exchange_set(x, "Content-Length", length);
	if (evhttp_request_get_command(x->req) != EVHTTP_REQ_HEAD)
		evbuffer_add(out, body, len);
	evhttp_send_reply(x->req, status, reason(status), out);
	evbuffer_free(out);
}

void http_exchange_text(struct http_exchange *x, int status, const char *text)
{
	http_exchange_reply(x, status, "text/plain; charset=utf-8", text, strlen(text));
}

void http_exchange_json(struct http_exchange *x, int status, const struct cJSON *json)
{
	char *text = json_print(json);

	http_exchange_reply(x, status, "application/json", text, strlen(text));
	free(text);
}

/* --- replies that come later ------------------------------------------------------- */

struct http_reply {
	struct evhttp_request *req;
	struct connection *connection;
	void (*on_gone)(void *ctx);
	void *ctx;
};

static void on_reply_gone(struct evhttp_connection *evcon, void *ctx)
{
	struct http_reply *r = ctx;

	(void)evcon;
	/* as for streams: an unfinished request is ours, unless evhttp itself goes */
	if (!r->connection->door->server->stopping && !evhttp_request_get_connection(r->req))
		evhttp_request_free(r->req);
	r->on_gone(r->ctx);
	free(r);
}

struct http_reply *http_exchange_hold(struct http_exchange *x, void (*on_gone)(void *ctx),
				      void *ctx)
{
	struct http_reply *r = MEM_NEW(struct http_reply);

	assert(!x->replied);
	x->replied = true;
	*r = (struct http_reply){ x->req, x->connection, on_gone, ctx };
	evtimer_del(x->connection->deadline);
	evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), on_reply_gone, r);
	return r;
}

void http_reply_send(struct http_reply *r, int status, const char *content_type, const void *body,
		     size_t len)
{
	struct http_exchange x = { .req = r->req, .connection = r->connection };

	evhttp_connection_set_closecb(evhttp_request_get_connection(r->req), NULL, NULL);
	set_deadline(r->connection, SILENT_S);
	free(r);
	if (status == 204) { /* RFC 9110 15.3.5: it has no content, nor its headers */
		count(status);
		evhttp_send_reply(x.req, 204, "No Content", NULL);
		return;
	}
	http_exchange_reply(&x, status, content_type, body, len);
}

/* --- streams ---------------------------------------------------------------------- */

static void on_stream_closed(struct evhttp_connection *evcon, void *ctx)
{
	struct http_stream *st = ctx;

	(void)evcon;
	/*
	 * When the connection broke, evhttp has let the unfinished request go and it
	 * is ours; when evhttp itself is freed, the request is gone already.
	 */
	if (!st->connection->door->server->stopping && !evhttp_request_get_connection(st->req))
		evhttp_request_free(st->req);
	st->on_close(st->ctx);
	free(st);
}

struct http_stream *http_exchange_stream(struct http_exchange *x, const char *content_type,
					 void (*on_close)(void *ctx), void *ctx)
{
	struct http_stream *st = MEM_NEW(struct http_stream);

	assert(!x->replied);
	x->replied = true;
	count(200);
	common_headers(x, content_type);
	*st = (struct http_stream){ x->req, x->connection, on_close, ctx, false };
	evtimer_del(x->connection->deadline);
	evhttp_connection_set_closecb(evhttp_request_get_connection(x->req), on_stream_closed, st);
	evhttp_send_reply_start(x->req, 200, "OK");
	bufferevent_set_timeouts(x->connection->bev, NULL, NULL); /* silence is normal now */
	return st;
}

size_t http_stream_pending(const struct http_stream *st)
{
	return evbuffer_get_length(bufferevent_get_output(st->connection->bev));
}

int http_stream_send(struct http_stream *st, const void *data, size_t len)
{
	struct evbuffer *out;

	if (st->closing)
		return ERR_LIMIT;
	if (http_stream_pending(st) + len > MAX_UNSENT) {
		st->closing = true;
		set_deadline(st->connection, 0);
		return ERR_LIMIT;
	}
	out = evbuffer_new();
	evbuffer_add(out, data, len);
	evhttp_send_reply_chunk(st->req, out);
	evbuffer_free(out);
	return 0;
}

void http_stream_end(struct http_stream *st)
{
	if (!st)
		return;
	evhttp_connection_set_closecb(evhttp_request_get_connection(st->req), NULL, NULL);
	set_deadline(st->connection, SILENT_S);
	evhttp_send_reply_end(st->req);
	free(st);
}

/* --- the server ------------------------------------------------------------------- */

static void door_init(struct door *d, struct http_server *s, bool local)
{
	*d = (struct door){ .server = s, .local = local, .http = evhttp_new(s->base) };
	if (!d->http)
		abort(); /* out of memory */
	evhttp_set_gencb(d->http, on_request, d);
	evhttp_set_bevcb(d->http, new_connection, d);
	evhttp_set_allowed_methods(d->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	evhttp_set_max_body_size(d->http, MAX_BODY);
	evhttp_set_max_headers_size(d->http, MAX_HEADERS);
	evhttp_set_timeout(d->http, SILENT_S);
}

struct http_server *http_server_new(struct loop *loop)
{
	struct http_server *s = MEM_NEW(struct http_server);

	signal(SIGPIPE, SIG_IGN); /* libevent writes by writev, a client may be gone */
	s->base = loop_base(loop);
	s->limit = 256;
	s->sweep = event_new(s->base, -1, EV_PERSIST, on_sweep, s);
	if (!s->sweep || event_add(s->sweep, &(struct timeval){ .tv_sec = 1 }))
		abort(); /* out of memory */
	door_init(&s->tcp, s, false);
	door_init(&s->local, s, true);
	return s;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	s->stopping = true;
	evhttp_free(s->tcp.http);
	evhttp_free(s->local.http);
	sweep(s);
	event_free(s->sweep);
	for (size_t i = 0; i < s->paths.n; i++)
		unlink(s->paths.s[i]);
	strv_fini(&s->paths);
	for (size_t i = 0; i < s->nroutes; i++)
		free(s->routes[i].path);
	free(s->routes);
	free(s);
}

int http_server_listen(struct http_server *s, const char *address, char **ret_why)
{
	char *path = NULL;
	int fd, err = http_listen_open(address, &fd, &path, ret_why);

	if (err)
		return err;
	if (!s->port)
		s->port = http_listen_port(fd);
	if (evhttp_accept_socket(path ? s->local.http : s->tcp.http, fd)) {
		*ret_why = mem_printf("%s: libevent refuses the socket", address);
		close(fd);
		err = ERR_IO;
	}
	if (path)
		strv_take(&s->paths, path);
	return err;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_route(struct http_server *s, int methods, const char *path, http_route_cb cb,
		       void *ctx)
{
	s->routes = mem_array(s->routes, s->nroutes + 1, sizeof(*s->routes));
	s->routes[s->nroutes++] = (struct route){ mem_strdup(path), methods, cb, ctx };
}

void http_server_limit_body(struct http_server *s, size_t bytes)
{
	evhttp_set_max_body_size(s->tcp.http, (ev_ssize_t)bytes);
	evhttp_set_max_body_size(s->local.http, (ev_ssize_t)bytes);
}

void http_server_limit(struct http_server *s, unsigned connections)
{
	s->limit = connections;
}

#include "tests/fake_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "lib/loop.h"
#include "lib/mem.h"

struct fake_http {
	struct loop *loop;
	struct evconnlistener *listener;
	fake_http_cb cb;
	void *ctx;
	struct fake_conn *conns;
	unsigned port, accepted;
	char url[64];
};

struct fake_conn {
	struct fake_http *server;
	struct fake_conn *prev, *next;
	struct bufferevent *bev;
	void (*on_close)(void *ctx);
	void *close_ctx;
	bool in_handler, dead;
};

static void conn_free(struct fake_conn *c, bool hard)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->server->conns = c->next;
	if (c->next)
		c->next->prev = c->prev;
	if (hard) {
		struct linger l = { .l_onoff = 1, .l_linger = 0 };

		(void)bufferevent_flush(c->bev, EV_WRITE, BEV_FLUSH);
		(void)setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	bufferevent_free(c->bev);
	free(c);
}

static bool take_request(struct fake_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);

	if (end.pos < 0)
		return false;
	size_t head_len = (size_t)end.pos + 4;
	char *head = mem_zalloc(head_len + 1);
	(void)evbuffer_copyout(in, head, head_len);
	struct fake_request r = { 0 };
	char length[32];
	char *eol = strstr(head, "\r\n");
	r.headers = eol + 2;
	if (fake_request_header(&r, "content-length", length, sizeof(length)))
		r.body_len = strtoul(length, NULL, 10);
	if (evbuffer_get_length(in) < head_len + r.body_len) {
		free(head);
		return false;
	}
	(void)evbuffer_drain(in, head_len);
	r.body = mem_zalloc(r.body_len + 1);
	(void)evbuffer_remove(in, r.body, r.body_len);
	*eol = '\0';
	char *save = NULL;
	r.method = strtok_r(head, " ", &save);
	r.target = strtok_r(NULL, " ", &save);
	c->in_handler = true;
	c->server->cb(c->server->ctx, c, &r);
	c->in_handler = false;
	free(head);
	free(r.body);
	return !c->dead;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct fake_conn *c = ctx;

	(void)bev;
	while (take_request(c))
		;
	if (c->dead)
		conn_free(c, false);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct fake_conn *c = ctx;

	(void)bev;
	(void)what;
	if (c->on_close)
		c->on_close(c->close_ctx);
	conn_free(c, false);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len,
		      void *ctx)
{
	struct fake_http *f = ctx;
	struct fake_conn *c = MEM_NEW(struct fake_conn);
	int one = 1;

	(void)l;
	(void)sa;
	(void)len;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->server = f;
	c->bev = bufferevent_socket_new(loop_base(f->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	(void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	c->next = f->conns;
	if (c->next)
		c->next->prev = c;
	f->conns = c;
	f->accepted++;
}

struct fake_http *fake_http_new(struct loop *loop, unsigned port, fake_http_cb cb, void *ctx)
{
	struct fake_http *f = MEM_NEW(struct fake_http);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	f->loop = loop;
	f->cb = cb;
	f->ctx = ctx;
	f->listener = evconnlistener_new_bind(loop_base(loop), on_accept, f,
					      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 64,
					      (struct sockaddr *)&sin, sizeof(sin));
	if (f->listener == NULL)
		abort();
	(void)getsockname(evconnlistener_get_fd(f->listener), (struct sockaddr *)&sin, &len);
	f->port = ntohs(sin.sin_port);
	(void)snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", f->port);
	return f;
}

void fake_http_free(struct fake_http *f)
{
	if (f == NULL)
		return;
	while (f->conns)
		conn_free(f->conns, true);
	evconnlistener_free(f->listener);
	free(f);
}

unsigned fake_http_port(const struct fake_http *f)
{
	return f->port;
}

const char *fake_http_url(const struct fake_http *f)
{
	return f->url;
}

unsigned fake_http_connections(const struct fake_http *f)
{
	return f->accepted;
}

void fake_conn_on_close(struct fake_conn *c, void (*cb)(void *ctx), void *ctx)
{
	c->on_close = cb;
	c->close_ctx = ctx;
}

void fake_conn_write(struct fake_conn *c, const char *data, size_t len)
{
	(void)bufferevent_write(c->bev, data, len);
}

void fake_conn_puts(struct fake_conn *c, const char *text)
{
	fake_conn_write(c, text, strlen(text));
}

void fake_conn_reply(struct fake_conn *c, int status, const char *headers, const char *body)
{
	char *head = mem_printf("HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n", status,
				strlen(body), headers);

	fake_conn_puts(c, head);
	fake_conn_puts(c, body);
	free(head);
}

void fake_conn_begin(struct fake_conn *c, int status)
{
	char *head = mem_printf("HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n", status);

	fake_conn_puts(c, head);
	free(head);
}

void fake_conn_chunk(struct fake_conn *c, const char *text)
{
	char size[32];

	(void)snprintf(size, sizeof(size), "%zx\r\n", strlen(text));
	fake_conn_puts(c, size);
	fake_conn_puts(c, text);
	fake_conn_puts(c, "\r\n");
}

void fake_conn_end(struct fake_conn *c)
{
	fake_conn_puts(c, "0\r\n\r\n");
}

void fake_conn_close(struct fake_conn *c, bool hard)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	/* what was written before must leave first */
	while (evbuffer_get_length(out) && evbuffer_write(out, bufferevent_getfd(c->bev)) > 0)
		;
	if (c->in_handler && !hard) {
		c->dead = true;
		return;
	}
	if (c->in_handler) {
		struct linger l = { .l_onoff = 1, .l_linger = 0 };

		(void)setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
		c->dead = true;
		return;
	}
	conn_free(c, hard);
}

bool fake_request_header(const struct fake_request *r, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	for (const char *p = r->headers; p && *p; p = strstr(p, "\r\n"), p = p ? p + 2 : NULL) {
		if (strncasecmp(p, name, n) != 0 || p[n] != ':')
			continue;
		p += n + 1;
		p += strspn(p, " ");
		(void)snprintf(out, size, "%.*s", (int)strcspn(p, "\r\n"), p);
		return true;
	}
	return false;
}

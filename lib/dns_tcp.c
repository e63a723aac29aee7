#include "lib/dns_tcp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "lib/buf.h"
#include "lib/dns_tls.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/wire.h"

struct dns_tcp {
	struct dns_tcp_handler handler;
	struct event *ev;
	struct timeval idle;
	int fd;
	SSL *ssl;   /* NULL: in the clear */
	short want; /* what the next step of SSL waits for; 0 = as the direction says */
	struct buf out, in;
	bool in_callback, closed; /* freed when the callback returns */
};

static void destroy(struct dns_tcp *t)
{
	if (t->ev)
		event_free(t->ev);
	if (t->ssl)
		(void)SSL_shutdown(t->ssl); /* says goodbye if it can at once */
	SSL_free(t->ssl);
	ERR_clear_error();
	if (t->fd >= 0)
		(void)close(t->fd); /* nothing to do about it */
	buf_fini(&t->out);
	buf_fini(&t->in);
	free(t);
}

void dns_tcp_close(struct dns_tcp *t)
{
	if (t == NULL)
		return;
	t->closed = true;
	if (!t->in_callback)
		destroy(t);
}

static void end(struct dns_tcp *t, int err)
{
	t->handler.on_end(t->handler.ctx, err);
}

/* What came of a step of SSL that gave N: octets, 0 to wait, or an error. */
static ssize_t ssl_outcome(struct dns_tcp *t, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(t->ssl, n)) {
	case SSL_ERROR_WANT_READ:
		t->want = EV_READ;
		return 0;
	case SSL_ERROR_WANT_WRITE:
		t->want = EV_WRITE;
		return 0;
	default:
		return SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
				       SSL_get_verify_result(t->ssl) != X509_V_OK
			       ? ERR_AUTH
			       : ERR_NETWORK;
	}
}

/* Octets, 0 to wait, or an error. */
static ssize_t put(struct dns_tcp *t)
{
	ERR_clear_error();
	t->want = 0;
	if (t->ssl)
		return ssl_outcome(t, SSL_write(t->ssl, t->out.data, (int)t->out.len));
	ssize_t n = send(t->fd, t->out.data, t->out.len, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_NETWORK;
	return n;
}

/* As put; the end is an error, for the server closed too early. */
static ssize_t get(struct dns_tcp *t, char *to, size_t room)
{
	ERR_clear_error();
	t->want = 0;
	if (t->ssl)
		return ssl_outcome(t, SSL_read(t->ssl, to, (int)room));
	ssize_t n = recv(t->fd, to, room, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : ERR_NETWORK;
	return n ? n : ERR_NETWORK;
}

static int send_some(struct dns_tcp *t)
{
	ssize_t n = put(t);

	if (n < 0)
		return (int)n;
	buf_drop(&t->out, (size_t)n);
	return 0;
}

static void deliver(struct dns_tcp *t)
{
	size_t at = 0;

	while (!t->closed && t->in.len - at >= 2) {
		uint8_t *p = (uint8_t *)t->in.data + at;
		size_t len = wire_get16(p);

		if (t->in.len - at - 2 < len)
			break;
		at += 2 + len;
		t->handler.on_message(t->handler.ctx, p + 2, len);
	}
	if (!t->closed)
		buf_drop(&t->in, at);
}

static int receive_some(struct dns_tcp *t)
{
	/* more than a TLS record, so that SSL keeps nothing back */
	buf_reserve(&t->in, 65536 + 2);
	ssize_t n = get(t, t->in.data + t->in.len, t->in.cap - t->in.len - 1);
	if (n <= 0)
		return (int)n;
	t->in.len += (size_t)n;
	deliver(t);
	return 0;
}

static void wait_for(struct dns_tcp *t, short what, event_callback_fn cb)
{
	(void)event_assign(t->ev, event_get_base(t->ev), t->fd, what, cb, t);
	(void)event_add(t->ev, &t->idle);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct dns_tcp *t = ctx;
	int err = 0;

	(void)fd;
	t->in_callback = true;
	if (what & EV_TIMEOUT)
		err = ERR_TIMEOUT;
	else if (t->out.len)
		err = send_some(t);
	else
		err = receive_some(t);
	if (err < 0 && !t->closed)
		end(t, err);
	t->in_callback = false;
	if (t->closed)
		destroy(t);
	else if (err >= 0)
		wait_for(t, t->want ? t->want : t->out.len ? EV_WRITE : EV_READ, on_event);
}

struct dns_tcp *dns_tcp_open(struct loop *loop, const struct netaddr *server, const uint8_t *msg,
			     size_t len, const struct dns_tls *tls, const char *tls_name,
			     unsigned idle_ms, const struct dns_tcp_handler *handler)
{
	struct dns_tcp *t = MEM_NEW(struct dns_tcp);
	struct sockaddr_storage ss;
	socklen_t sslen = netaddr_to_sockaddr(server, &ss);

	t->handler = *handler;
	t->idle = (struct timeval){ .tv_sec = idle_ms / 1000,
				    .tv_usec = (suseconds_t)(idle_ms % 1000) * 1000 };
	buf_u16(&t->out, (uint16_t)len);
	buf_add(&t->out, msg, len);
	t->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	t->ev = event_new(loop_base(loop), t->fd, EV_WRITE, on_event, t);
	bool failed = t->fd < 0 ||
		      (connect(t->fd, (struct sockaddr *)&ss, sslen) && errno != EINPROGRESS);
	if (tls && t->fd >= 0)
		t->ssl = dns_tls_session(tls, t->fd, tls_name);
	(void)event_add(t->ev, &t->idle);
	/* told by the loop, so that the caller has our pointer first: the send fails then */
	if (failed)
		event_active(t->ev, EV_WRITE, 0);
	return t;
}

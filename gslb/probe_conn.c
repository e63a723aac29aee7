#include "gslb/probe_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/loop.h"
#include "lib/mem.h"

struct probe_conn {
	struct probe_run *run;
	int fd;
	struct event *ev;
	SSL *ssl;
	bool connected, ready;
	struct buf out, in;
	bool (*on_data)(struct probe_run *run, const struct buf *in, bool eof);
	bool connect_only;
	char *end; /* how the run ends from the loop, because it failed in start */
};

static SSL_CTX *tls_contexts[2]; /* without and with verification; made once */

static SSL_CTX *tls_context(bool verify)
{
	SSL_CTX **ctx = &tls_contexts[verify];

	if (*ctx == NULL) {
		*ctx = SSL_CTX_new(TLS_client_method());
		if (*ctx == NULL)
			abort(); /* OpenSSL does not work */
		if (verify)
			(void)SSL_CTX_set_default_verify_paths(
				*ctx); /* no CA: all checks fail, as said */
		SSL_CTX_set_verify(*ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	}
	return *ctx;
}

static void conn_free(struct probe_conn *c)
{
	if (c->ev)
		event_free(c->ev);
	SSL_free(c->ssl);
	if (c->fd >= 0)
		(void)close(c->fd); /* nothing is lost */
	buf_fini(&c->out);
	buf_fini(&c->in);
	free(c->end);
	free(c);
}

static void finish(struct probe_conn *c, bool good, const char *why)
{
	struct probe_run *run = c->run;
	char *text = mem_strdup(why);

	conn_free(c);
	probe_run_done(run, good, text);
	free(text);
}

static void on_event(evutil_socket_t fd, short what, void *ctx);

static void wait_for(struct probe_conn *c, short what)
{
	struct event_base *base = loop_base(probe_run_loop(c->run));

	if (c->ev)
		event_free(c->ev);
	c->ev = event_new(base, c->fd, what, on_event, c);
	(void)event_add(c->ev, NULL);
}

static const char *tls_words(const struct probe_conn *c)
{
	long verify = SSL_get_verify_result(c->ssl);
	unsigned long e = ERR_peek_last_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;

	if (verify != X509_V_OK)
		return X509_verify_cert_error_string(verify);
	return reason ? reason : "TLS handshake failed";
}

/* Of a TLS call that returned RET: wait and go on (true), or the run ended (false). */
static bool tls_waits(struct probe_conn *c, int ret)
{
	switch (SSL_get_error(c->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		wait_for(c, EV_READ);
		return true;
	case SSL_ERROR_WANT_WRITE:
		wait_for(c, EV_WRITE);
		return true;
	default:
		return false;
	}
}

static ssize_t conn_write(struct probe_conn *c)
{
	if (c->ssl)
		return SSL_write(c->ssl, c->out.data, (int)c->out.len);
	return send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);
}

static void flush(struct probe_conn *c)
{
	while (c->out.len) {
		ssize_t n = conn_write(c);

		if (n > 0) {
			buf_drop(&c->out, (size_t)n);
			continue;
		}
		if (c->ssl ? tls_waits(c, (int)n) : errno == EAGAIN) {
			if (!c->ssl)
				wait_for(c, EV_WRITE);
			return;
		}
		finish(c, false, "connection closed while sending");
		return;
	}
	wait_for(c, EV_READ);
}

static void receive(struct probe_conn *c)
{
	char part[4096];
	struct probe_run *run = c->run;

	for (;;) {
		ssize_t n = c->ssl ? SSL_read(c->ssl, part, sizeof(part))
				   : recv(c->fd, part, sizeof(part), 0);

		if (n > 0) {
			buf_add(&c->in, part, (size_t)n);
			bool full = c->in.len >= PROBE_CONN_READ_MAX;
			/* done() may come inside: the connection must be ours to free before */
			probe_run_set_data(run, NULL);
			if (c->on_data(run, &c->in, full)) {
				conn_free(c);
				return;
			}
			probe_run_set_data(run, c);
			if (full) {
				finish(c, false, "the answer is too long");
				return;
			}
			continue;
		}
		if (n < 0 && !c->ssl && errno == EAGAIN)
			return;
		if (c->ssl && tls_waits(c, (int)n))
			return;
		break;
	}
	probe_run_set_data(run, NULL);
	if (c->on_data(run, &c->in, true)) {
		conn_free(c);
		return;
	}
	probe_run_set_data(run, c);
	finish(c, false, "connection closed");
}

static void handshake(struct probe_conn *c)
{
	ERR_clear_error();
	int ret = SSL_connect(c->ssl);

	if (ret == 1) {
		c->ready = true;
		if (c->connect_only)
			finish(c, true, "");
		else
			flush(c);
		return;
	}
	if (!tls_waits(c, ret))
		finish(c, false, tls_words(c));
}

static void connected(struct probe_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	if (err) {
		finish(c, false, strerror(err));
		return;
	}
	c->connected = true;
	if (c->ssl) {
		(void)SSL_set_fd(c->ssl, c->fd);
		handshake(c);
	} else if (c->connect_only) {
		finish(c, true, "");
	} else {
		c->ready = true;
		flush(c);
	}
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct probe_conn *c = ctx;

	(void)fd;
	(void)what;
	if (c->end)
		finish(c, false, c->end);
	else if (!c->connected)
		connected(c);
	else if (!c->ready)
		handshake(c);
	else if (c->out.len)
		flush(c);
	else
		receive(c);
}

static void setup_tls(struct probe_conn *c, const struct probe_conn_plan *plan)
{
	const struct probe_spec *s = probe_run_spec(c->run);
	uint8_t alpn[32];

	c->ssl = SSL_new(tls_context(s->verify));
	if (c->ssl == NULL)
		abort(); /* out of memory */
	(void)SSL_set_tlsext_host_name(c->ssl,
				       s->server_name); /* a name that does not fit goes without */
	if (s->verify)
		(void)SSL_set1_host(c->ssl,
				    s->server_name); /* fails closed: verification then fails */
	if (plan->alpn) {
		size_t n = strlen(plan->alpn);

		alpn[0] = (uint8_t)n;
		memcpy(alpn + 1, plan->alpn, n);
		(void)SSL_set_alpn_protos(c->ssl, alpn,
					  (unsigned)n + 1); /* servers may ignore it */
	}
}

void probe_conn_start(struct probe_run *run, const struct probe_conn_plan *plan)
{
	struct probe_conn *c = MEM_NEW(struct probe_conn);
	const struct netaddr *target = probe_run_target(run);
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(target, &ss);

	c->run = run;
	c->on_data = plan->on_data;
	c->connect_only = plan->request == NULL;
	buf_add(&c->out, plan->request, plan->request_len);
	probe_run_set_data(run, c);
	c->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (plan->tls)
		setup_tls(c, plan);
	if (c->fd < 0 ||
	    (connect(c->fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS)) {
		/* never done before start returned: the loop comes back at once */
		struct timeval now = { 0 };

		c->end = mem_strdup(strerror(errno));
		c->ev = event_new(loop_base(probe_run_loop(run)), -1, EV_TIMEOUT, on_event, c);
		(void)event_add(c->ev, &now);
		return;
	}
	wait_for(c, EV_WRITE);
}

void probe_conn_cancel(struct probe_run *run)
{
	struct probe_conn *c = probe_run_data(run);

	if (c)
		conn_free(c);
	probe_run_set_data(run, NULL);
}

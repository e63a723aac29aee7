#include "server/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/clock.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "server/handoff_worker.h"
#include "server/response.h"
#include "server/worker.h"
#include "zonedb/qname.h"
#include "zonedb/zonedb.h"

#define MESSAGE_MAX (2 + 65535)
#define RX_SIZE     (2 * MESSAGE_MAX)
#define TX_SIZE     (2 * MESSAGE_MAX)
#define ACCEPTS     64 /* a callback */

struct tcp_conn {
	struct tcp_conn *older, *newer; /* by last_ms */
	struct tcp *tcp;
	struct event event; /* EV_READ, or EV_WRITE while something is unsent */
	int fd;
	short waits_for;
	bool is_eof;      /* the client sends no more; answers may still go out */
	bool is_doomed;   /* close as soon as the answers are out */
	uint64_t last_ms; /* last message that was whole, or progress of sending */
	struct handoff
		*handoff; /* the control loop answers; no further message is read till then */
	uint8_t *in;      /* octets not yet answered */
	size_t in_len;
	uint8_t *out; /* octets not yet sent: out[out_at..out_len) */
	size_t out_at, out_len, out_cap;
	struct sockaddr_in6 addr; /* or sockaddr_in */
};

struct tcp {
	struct worker *worker;
	struct tcp_conn *oldest, *newest;
	struct event *listeners[64];
	int listen_fds[64];
	unsigned nlisteners;
	struct event *sweep;
	bool is_paused; /* no descriptors left: accept again at the next sweep */
	uint8_t *rx, *tx;
	size_t tx_len;
};

/* --- list of connections, longest idle first -------------------------------- */

static void list_remove(struct tcp_conn *c)
{
	struct tcp *t = c->tcp;

	*(c->older ? &c->older->newer : &t->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &t->newest) = c->older;
}

static void list_add(struct tcp_conn *c)
{
	struct tcp *t = c->tcp;

	c->newer = NULL;
	c->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = c;
	t->newest = c;
}

static void touch(struct tcp_conn *c)
{
	c->last_ms = c->tcp->worker->now_ms;
	if (c->newer) {
		list_remove(c);
		list_add(c);
	}
}

/* Where connections from an address are counted; strangers may share a slot. */
static atomic_uint *address_count(const struct tcp_conn *c)
{
	struct server *s = c->tcp->worker->server;
	struct netaddr a;

	if (s->tcp_by_address == NULL)
		return NULL;
	netaddr_from_sockaddr((const struct sockaddr *)&c->addr, &a);
	return &s->tcp_by_address[qname_hash_octets(a.bytes, sizeof(a.bytes)) % TCP_ADDRESSES];
}

static void conn_close(struct tcp_conn *c)
{
	struct worker *w = c->tcp->worker;
	atomic_uint *count = address_count(c);

	if (c->handoff) {
		struct handoff *h = c->handoff;

		c->handoff = NULL;
		handoff_left(h);
	}
	if (count)
		atomic_fetch_sub(count, 1);
	list_remove(c);
	if (c->waits_for)
		(void)event_del(&c->event);
	(void)close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
	atomic_fetch_sub(&w->server->tcp_open, 1);
	stats_add(&w->stats.tcp_open, (uint64_t)-1);
}

/* --- sending ---------------------------------------------------------------- */

static bool has_unsent(const struct tcp_conn *c)
{
	return c->out_at < c->out_len;
}

static void queue(struct tcp_conn *c, const uint8_t *data, size_t len)
{
	if (len == 0)
		return;
	if (!has_unsent(c))
		c->out_at = c->out_len = 0;
	if (c->out_len + len > c->out_cap && c->out_at) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	if (c->out_len + len > c->out_cap) {
		c->out_cap = c->out_len + len;
		c->out = mem_realloc(c->out, c->out_cap);
	}
	memcpy(c->out + c->out_len, data, len);
	c->out_len += len;
}

/* Octets that the socket took; false if the client is gone. */
static bool send_some(struct tcp_conn *c, const uint8_t *data, size_t len, size_t *ret_sent)
{
	ssize_t n;

	*ret_sent = 0;
	do
		n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	*ret_sent = (size_t)n;
	return true;
}

static bool flush_out(struct tcp_conn *c)
{
	size_t sent;

	if (!has_unsent(c))
		return true;
	if (!send_some(c, c->out + c->out_at, c->out_len - c->out_at, &sent))
		return false;
	c->out_at += sent;
	if (sent)
		touch(c);
	if (c->handoff && sent)
		handoff_sent(c->handoff, sent);
	if (!has_unsent(c)) {
		free(c->out);
		c->out = NULL;
		c->out_at = c->out_len = c->out_cap = 0;
	}
	return true;
}

/* The answers made in tx go out; what the socket does not take waits in the connection. */
static bool flush_tx(struct tcp_conn *c)
{
	struct tcp *t = c->tcp;
	size_t sent = 0;
	size_t len = t->tx_len;

	t->tx_len = 0;
	if (len == 0)
		return true;
	if (!has_unsent(c) && !send_some(c, t->tx, len, &sent))
		return false;
	queue(c, t->tx + sent, len - sent);
	return true;
}

/* --- answering -------------------------------------------------------------- */

/* One whole message; false if the connection has to end. */
static bool answer(struct tcp_conn *c, const struct zonedb_version *v, const uint8_t *msg,
		   size_t len)
{
	struct tcp *t = c->tcp;
	struct worker *w = t->worker;
	struct answer_client client = {
		.addr = (const struct sockaddr *)&c->addr,
		.is_tcp = true,
		.can_handoff = w->server->handler != NULL,
		.keepalive = (uint16_t)(w->server->settings.tcp_idle_ms / 100),
	};
	uint8_t *to = t->tx + t->tx_len + 2;
	size_t answered;

	memcpy(to, msg, len);
	stats_add(&w->stats.queries[STATS_TCP], 1);
	stats_add(&w->stats.received[STATS_TCP], len);
	enum answer_result result =
		answer_query(&w->answerer, v, &client, to, len, 65535, &answered);
	switch (result) {
	case ANSWER_SEND:
		stats_add(&w->stats.sent[STATS_TCP], answered);
		wire_put16(to - 2, (uint16_t)answered);
		t->tx_len += 2 + answered;
		return true;
	case ANSWER_DROP:
		return false;
	case ANSWER_NOTIFY:
	case ANSWER_UPDATE:
	case ANSWER_XFR:
	case ANSWER_TSIG:
		c->handoff = handoff_from_tcp(w, result, c, client.addr, to, len);
		return true;
	}
	__builtin_unreachable();
}

/* No further query now: the client has to take answers first, or the control loop to give them. */
static bool is_blocked(const struct tcp_conn *c)
{
	return c->handoff || has_unsent(c);
}

/*
 * Answer the whole messages among LEN octets at DATA (in rx); *ret_used of them are done with.
 * False if the connection has to end at once.
 */
static bool answer_all(struct tcp_conn *c, const uint8_t *data, size_t len, size_t *ret_used)
{
	struct tcp *t = c->tcp;
	const struct zonedb_version *v = zonedb_current(t->worker->server->db);
	size_t at = 0;

	while (!is_blocked(c) && len - at >= 2) {
		size_t message = wire_get16(data + at);

		if (message == 0) {
			c->is_doomed = true; /* RFC 1035 4.2.2: no message; nothing sane follows */
			break;
		}
		if (len - at - 2 < message)
			break;
		touch(c);
		if (!answer(c, v, data + at + 2, message)) {
			c->is_doomed = true;
			break;
		}
		at += 2 + message;
		if ((c->handoff || t->tx_len > TX_SIZE - MESSAGE_MAX) && !flush_tx(c))
			return false;
	}
	if (c->handoff) /* what is ahead of its own octets counts, so that sums come out even */
		atomic_fetch_add(&c->handoff->queued, c->out_len - c->out_at);
	*ret_used = at;
	return flush_tx(c);
}

static void keep_rest(struct tcp_conn *c, const uint8_t *data, size_t len)
{
	c->in = len ? mem_dup(data, len) : NULL;
	c->in_len = len;
}

static void on_event(evutil_socket_t fd, short what, void *ctx);

static void wait_for(struct tcp_conn *c, short what)
{
	if (c->waits_for == what)
		return;
	if (c->waits_for)
		(void)event_del(&c->event);
	c->waits_for = what;
	if (what == 0)
		return;
	(void)event_assign(&c->event, c->tcp->worker->base, c->fd, (short)(what | EV_PERSIST),
			   on_event, c);
	(void)event_add(&c->event, NULL);
}

/* After everything that could be done now: wait for the right thing, or close. */
static void settle(struct tcp_conn *c)
{
	if (has_unsent(c)) {
		wait_for(c, EV_WRITE);
		return;
	}
	if (c->handoff) {
		wait_for(c, 0); /* its mail goes on */
		return;
	}
	if (c->is_doomed || c->is_eof)
		conn_close(c);
	else
		wait_for(c, EV_READ);
}

/* Work through what there is: MORE octets were received behind the rest that was kept. */
static void pump(struct tcp_conn *c, size_t more)
{
	struct tcp *t = c->tcp;
	size_t len = c->in_len + more;
	size_t used;

	free(c->in);
	c->in = NULL;
	c->in_len = 0;
	if (!answer_all(c, t->rx, len, &used)) {
		conn_close(c);
		return;
	}
	if (!c->is_doomed)
		keep_rest(c, t->rx + used, len - used);
	settle(c);
}

/* The kept octets go to the front of rx. */
static size_t load_rest(struct tcp_conn *c)
{
	if (c->in_len)
		memcpy(c->tcp->rx, c->in, c->in_len);
	return c->in_len;
}

static void on_readable(struct tcp_conn *c)
{
	size_t have = load_rest(c);
	ssize_t n = recv(c->fd, c->tcp->rx + have, RX_SIZE - have, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		conn_close(c);
		return;
	}
	if (n == 0)
		c->is_eof = true; /* half-closed: what was asked is still answered */
	pump(c, (size_t)n);
}

static void on_writable(struct tcp_conn *c)
{
	if (!flush_out(c)) {
		conn_close(c);
		return;
	}
	if (is_blocked(c)) {
		settle(c);
		return;
	}
	(void)load_rest(c);
	pump(c, 0);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp_conn *c = ctx;
	struct worker *w = c->tcp->worker;

	(void)fd;
	worker_enter(w);
	if (what & EV_WRITE)
		on_writable(c);
	else
		on_readable(c);
	worker_leave();
}

void tcp_mail(struct tcp *t, const struct mail *m)
{
	struct tcp_conn *c = m->h->conn;

	(void)t;
	if (c == NULL)
		return; /* closed */
	if (m->is_done) {
		handoff_unref(c->handoff);
		c->handoff = NULL;
		if (has_unsent(c))
			return;
		(void)load_rest(c);
		pump(c, 0);
		return;
	}
	queue(c, m->data, m->len);
	if (flush_out(c))
		settle(c);
	else
		conn_close(c);
}

/* --- limits ----------------------------------------------------------------- */

/* Close the connection that was idle longest; false if there is none. */
static bool shed(struct tcp *t)
{
	if (t->oldest == NULL)
		return false;
	conn_close(t->oldest);
	return true;
}

static uint64_t idle_limit_ms(const struct tcp *t)
{
	const struct server_settings *set = &t->worker->server->settings;
	unsigned open = atomic_load(&t->worker->server->tcp_open);

	/* RFC 7766 6.2.3: shorter under load */
	return open > set->tcp_clients / 4 * 3 ? set->tcp_idle_ms / 4 : set->tcp_idle_ms;
}

static void set_accepting(struct tcp *t, bool on)
{
	for (unsigned i = 0; i < t->nlisteners; i++) {
		if (on)
			(void)event_add(t->listeners[i], NULL);
		else
			(void)event_del(t->listeners[i]);
	}
	t->is_paused = !on;
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp *t = ctx;

	(void)fd;
	(void)what;
	worker_enter(t->worker);
	uint64_t limit = idle_limit_ms(t);
	while (t->oldest && t->worker->now_ms - t->oldest->last_ms >= limit) {
		if (t->oldest->handoff && !has_unsent(t->oldest))
			touch(t->oldest); /* it is we who are slow */
		else
			conn_close(t->oldest);
	}
	worker_leave();
	if (t->is_paused)
		set_accepting(t, true);
}

/* --- accepting -------------------------------------------------------------- */

/* One connection too many from C's address: the one that was idle longest goes, or C itself. */
static void keep_to_share(struct tcp_conn *c)
{
	atomic_uint *count = address_count(c);
	struct tcp_conn *old = c->tcp->oldest;

	if (atomic_load(count) <= c->tcp->worker->server->settings.tcp_clients_per_address)
		return;
	while (address_count(old) != count)
		old = old->newer;
	stats_add(&c->tcp->worker->stats.tcp_refused, 1);
	conn_close(old);
}

static void conn_new(struct tcp *t, int fd, const struct sockaddr_in6 *addr)
{
	struct worker *w = t->worker;
	struct tcp_conn *c = MEM_NEW(struct tcp_conn);

	c->tcp = t;
	c->fd = fd;
	c->addr = *addr;
	c->last_ms = w->now_ms;
	list_add(c);
	stats_add(&w->stats.tcp_open, 1);
	stats_add(&w->stats.tcp_accepted, 1);
	wait_for(c, EV_READ);
	if (w->server->tcp_by_address) {
		atomic_fetch_add(address_count(c), 1);
		keep_to_share(c);
	}
}

/* Room for one more of them all? */
static bool admit(struct tcp *t)
{
	struct server *s = t->worker->server;

	if (atomic_fetch_add(&s->tcp_open, 1) < s->settings.tcp_clients)
		return true;
	if (shed(t))
		return true;
	atomic_fetch_sub(&s->tcp_open, 1);
	stats_add(&t->worker->stats.tcp_refused, 1);
	return false;
}

static void on_accept(evutil_socket_t listen_fd, short what, void *ctx)
{
	struct tcp *t = ctx;

	(void)what;
	worker_enter(t->worker);
	for (unsigned i = 0; i < ACCEPTS; i++) {
		struct sockaddr_in6 addr;
		socklen_t len = sizeof(addr);
		int fd = accept4((int)listen_fd, (struct sockaddr *)&addr, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM) {
				if (shed(t))
					continue;
				set_accepting(t, false);
			} else if (errno == ECONNABORTED || errno == EINTR) {
				continue;
			}
			break;
		}
		if (admit(t))
			conn_new(t, fd, &addr);
		else
			(void)close(fd);
	}
	worker_leave();
}

void tcp_listen(struct tcp *t, int fd)
{
	struct event *ev = event_new(t->worker->base, fd, EV_READ | EV_PERSIST, on_accept, t);

	if (ev == NULL || t->nlisteners == ARRAY_SIZE(t->listeners) || event_add(ev, NULL))
		abort(); /* out of memory; listen addresses are counted before */
	t->listen_fds[t->nlisteners] = fd;
	t->listeners[t->nlisteners++] = ev;
}

struct tcp *tcp_new(struct worker *w)
{
	struct tcp *t = MEM_NEW(struct tcp);
	const struct timeval second = { 0, 250000 };

	t->worker = w;
	t->rx = mem_alloc(RX_SIZE + QUERY_SLACK);
	t->tx = mem_alloc(TX_SIZE + RESPONSE_SLACK);
	t->sweep = event_new(w->base, -1, EV_PERSIST, on_sweep, t);
	if (t->sweep == NULL || event_add(t->sweep, &second))
		abort(); /* out of memory */
	return t;
}

void tcp_free(struct tcp *t)
{
	if (t == NULL)
		return;
	while (shed(t))
		;
	for (unsigned i = 0; i < t->nlisteners; i++) {
		event_free(t->listeners[i]);
		(void)close(t->listen_fds[i]);
	}
	event_free(t->sweep);
	free(t->rx);
	free(t->tx);
	free(t);
}

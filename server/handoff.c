#include "server/handoff.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/wire.h"
#include "server/handoff_worker.h"
#include "server/response.h"
#include "server/server_inside.h"
#include "server/worker.h"
#include "zonedb/zonedb.h"

#define QUEUE_HIGH   (256u << 10) /* octets unsent: handoff_send says "again" */
#define QUEUE_LOW    (64u << 10)  /* there is room again */
#define UDP_HANDOFFS 256u         /* a worker: beyond that NOTIFY and UPDATE are dropped */

/* --- worker's thread ------------------------------------------------------ */

static struct handoff *handoff_new(struct worker *w, const uint8_t *msg, size_t len)
{
	struct handoff *h = mem_zalloc(sizeof(*h) + len + QUERY_SLACK);

	h->server = w->server;
	h->worker = w;
	atomic_fetch_add(&w->server->refs, 1);
	h->len = len;
	memcpy(h->msg, msg, len);
	return h;
}

void handoff_unref(struct handoff *h)
{
	if (atomic_fetch_sub(&h->refs, 1) != 1)
		return;
	server_unref(h->server);
	free(h);
}

static void deliver(void *ctx)
{
	struct handoff *h = ctx;
	struct server *s = h->server;

	h->next = s->handoffs;
	if (h->next)
		h->next->prev = h;
	s->handoffs = h;
	if (s->nworkers == 0)
		atomic_store(&h->gone, true); /* stopped in the meantime */
	if (s->handler)
		s->handler(s->handler_ctx, h);
	else
		handoff_done(h);
}

void handoff_from_udp(struct worker *w, enum answer_result what, const struct udp_client *c,
		      const uint8_t *msg, size_t len)
{
	struct sockaddr_in6 addr;

	(void)what;
	if (atomic_fetch_add(&w->udp_handoffs, 1) >= UDP_HANDOFFS) {
		atomic_fetch_sub(&w->udp_handoffs, 1);
		stats_add(&w->stats.drops[STATS_DROP_LIMIT], 1);
		return;
	}
	struct handoff *h = handoff_new(w, msg, len);
	h->udp = *c;
	memcpy(&addr, c->addr, sizeof(addr));
	netaddr_from_sockaddr((struct sockaddr *)&addr, &h->client);
	atomic_store(&h->refs, 1);
	loop_post(w->server->loop, deliver, h);
}

struct handoff *handoff_from_tcp(struct worker *w, enum answer_result what, struct tcp_conn *conn,
				 const struct sockaddr *client, const uint8_t *msg, size_t len)
{
	struct handoff *h = handoff_new(w, msg, len);

	(void)what;
	h->is_tcp = true;
	h->conn = conn;
	netaddr_from_sockaddr(client, &h->client);
	atomic_store(&h->refs, 2);
	loop_post(w->server->loop, deliver, h);
	return h;
}

static void room(void *ctx)
{
	struct handoff *h = ctx;

	if (!h->is_done && h->on_room)
		h->on_room(h->on_room_ctx);
	handoff_unref(h);
}

static void tell_room(struct handoff *h)
{
	if (!atomic_exchange(&h->wants_room, false))
		return;
	atomic_fetch_add(&h->refs, 1);
	loop_post(h->server->loop, room, h);
}

void handoff_sent(struct handoff *h, size_t len)
{
	if (atomic_fetch_sub(&h->queued, len) - len <= QUEUE_LOW)
		tell_room(h);
}

void handoff_left(struct handoff *h)
{
	atomic_store(&h->gone, true);
	h->conn = NULL;
	tell_room(h);
	handoff_unref(h);
}

struct mail *handoff_mail(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	struct mail *m = w->mail;
	w->mail = NULL;
	w->mail_end = &w->mail;
	pthread_mutex_unlock(&w->lock);
	return m;
}

void handoff_mail_free(struct mail *m)
{
	handoff_unref(m->h);
	free(m);
}

/* --- control thread ------------------------------------------------------- */

static void post_mail(struct handoff *h, struct mail *m)
{
	struct worker *w = h->worker;

	m->h = h;
	atomic_fetch_add(&h->refs, 1);
	pthread_mutex_lock(&w->lock);
	*w->mail_end = m;
	w->mail_end = &m->next;
	pthread_mutex_unlock(&w->lock);
	worker_wake(w);
}

void handoff_handler(struct server *s, handoff_cb cb, void *ctx)
{
	s->handler = cb;
	s->handler_ctx = ctx;
}

uint8_t *handoff_msg(struct handoff *h, size_t *ret_len)
{
	*ret_len = h->len;
	return h->msg;
}

const struct netaddr *handoff_client(const struct handoff *h)
{
	return &h->client;
}

bool handoff_is_tcp(const struct handoff *h)
{
	return h->is_tcp;
}

size_t handoff_max(const struct handoff *h)
{
	return h->is_tcp ? 65535 : 512;
}

int handoff_send(struct handoff *h, const uint8_t *msg, size_t len)
{
	if (atomic_load(&h->gone))
		return ERR_GONE;
	if (!h->is_tcp) {
		udp_send(&h->udp, msg, len);
		return 0;
	}
	if (len > 65535)
		return ERR_TOO_LONG;
	if (atomic_load(&h->queued) > QUEUE_HIGH) {
		atomic_store(&h->wants_room, true);
		/* it may have drained, or the client left, before the flag was seen */
		if (atomic_load(&h->queued) <= QUEUE_LOW || atomic_load(&h->gone))
			tell_room(h);
		return ERR_AGAIN;
	}
	struct mail *m = mem_zalloc(sizeof(*m) + 2 + len);
	m->len = 2 + len;
	wire_put16(m->data, (uint16_t)len);
	memcpy(m->data + 2, msg, len);
	atomic_fetch_add(&h->queued, m->len);
	post_mail(h, m);
	return 0;
}

void handoff_on_room(struct handoff *h, void (*cb)(void *ctx), void *ctx)
{
	h->on_room = cb;
	h->on_room_ctx = ctx;
}

bool handoff_is_gone(const struct handoff *h)
{
	return atomic_load(&((struct handoff *)(uintptr_t)h)->gone);
}

void handoff_done(struct handoff *h)
{
	h->is_done = true;
	if (h->prev)
		h->prev->next = h->next;
	else
		h->server->handoffs = h->next;
	if (h->next)
		h->next->prev = h->prev;
	if (!atomic_load(&h->gone)) {
		if (h->is_tcp) {
			struct mail *m = MEM_NEW(struct mail);

			m->is_done = true;
			post_mail(h, m);
		} else {
			atomic_fetch_sub(&h->worker->udp_handoffs, 1);
		}
	}
	handoff_unref(h);
}

void handoff_stop_all(struct server *s)
{
	for (struct handoff *h = s->handoffs; h; h = h->next)
		atomic_store(&h->gone, true);
}

size_t handoff_answer(struct handoff *h, const uint8_t *msg, size_t len, uint8_t *out, size_t max)
{
	struct server *s = h->server;
	struct sockaddr_storage ss;
	const struct answer_client client = {
		.addr = (struct sockaddr *)&ss,
		.is_tcp = h->is_tcp,
		.keepalive = (uint16_t)(s->settings.tcp_idle_ms / 100),
	};
	uint8_t *room_for = mem_alloc(65535 + RESPONSE_SLACK);
	size_t answered = 0;

	(void)netaddr_to_sockaddr(&h->client, &ss);
	if (len <= 65535 && max >= 512) {
		memcpy(room_for, msg, len);
		memset(room_for + len, 0, QUERY_SLACK);
		if (answer_query(s->answerer, zonedb_current(s->db), &client, room_for, len, max,
				 &answered) != ANSWER_SEND)
			answered = 0;
		memcpy(out, room_for, answered);
	}
	free(room_for);
	return answered;
}

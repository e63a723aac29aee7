#include "server/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <event2/event.h>

#include "lib/mem.h"
#include "server/handoff_worker.h"
#include "server/listen.h"
#include "server/response.h"
#include "server/rrl.h"
#include "server/worker.h"
#include "zonedb/version.h"
#include "zonedb/zonedb.h"

#define BATCH   64
#define BATCHES 16   /* a callback, so that timers and TCP get their turn under flood */
#define BUSY    4    /* so many queries at once: more are there already, ask before waiting */
#define MSG_MAX 4096 /* a longer query is malformed for all that we serve */

/* One datagram in, and the answer over it. */
struct slot {
	struct sockaddr_in6 addr; /* or sockaddr_in, which is smaller */
	_Alignas(struct cmsghdr) uint8_t control[64];
	_Alignas(16) uint8_t msg[MSG_MAX + RESPONSE_SLACK + QUERY_SLACK];
};

struct udp {
	struct worker *worker;
	struct event *event;
	int fd;
	bool has_pktinfo;
	struct mmsghdr batch[BATCH]; /* queries in, then answers out */
	struct iovec iov[BATCH];
	struct slot slots[BATCH];
};

/* Ready to receive again. */
static inline void arm(struct udp *u, unsigned i)
{
	struct msghdr *h = &u->batch[i].msg_hdr;

	u->iov[i].iov_len = MSG_MAX;
	h->msg_namelen = sizeof(u->slots[i].addr);
	h->msg_controllen = u->has_pktinfo ? sizeof(u->slots[i].control) : 0;
}

/* 0.0.0.0 and :: answer from the address that was asked, by whatever way the route says. */
static void keep_source(struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(c);

			info->ipi_spec_dst = info->ipi_addr;
			info->ipi_ifindex = 0;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(c);

			if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
				info->ipi6_ifindex = 0;
		}
	}
}

static void hand_over(struct udp *u, unsigned i, enum answer_result what, size_t len)
{
	struct slot *slot = &u->slots[i];
	const struct msghdr *h = &u->batch[i].msg_hdr;
	struct udp_client c = { .fd = u->fd, .addr_len = h->msg_namelen };

	memcpy(c.addr, &slot->addr, h->msg_namelen);
	c.control_len = (unsigned)h->msg_controllen;
	memcpy(c.control, slot->control, c.control_len);
	handoff_from_udp(u->worker, what, &c, slot->msg, len);
}

static bool is_exempt(const struct server_settings *set, const struct sockaddr *client)
{
	struct netaddr a;

	netaddr_from_sockaddr(client, &a);
	for (size_t i = 0; i < set->nrate_limit_exempt; i++)
		if (netprefix_contains(&set->rate_limit_exempt[i], &a))
			return true;
	return false;
}

/* An answer beyond the rate: let it pass after all (false), cut it to TC (*len), or drop it (true).
 */
static bool limit(struct udp *u, struct answer_client *client, enum rrl_verdict verdict,
		  uint8_t *msg, size_t *len)
{
	struct worker *w = u->worker;
	const struct server_settings *set = &w->server->settings;

	if (is_exempt(set, client->addr))
		return false;
	stats_add(verdict == RRL_SLIP ? &w->stats.slipped : &w->stats.limited, 1);
	if (set->rate_limit_dry_run)
		return false;
	if (verdict == RRL_SLIP)
		*len = answer_truncate(&w->answerer, client, msg);
	return verdict == RRL_DROP;
}

static inline bool is_limited(struct udp *u, struct answer_client *client, uint8_t *msg,
			      size_t *len)
{
	struct worker *w = u->worker;
	enum rrl_verdict verdict =
		rrl_check(w->server->rrl, client->addr, w->answerer.account.key, w->now_ms);

	return __builtin_expect(verdict != RRL_PASS, 0) && limit(u, client, verdict, msg, len);
}

/* Answer slot I over its query.  Octets to send, 0 = none. */
static inline size_t answer(struct udp *u, unsigned i, const struct zonedb_version *v,
			    struct answer_client *client)
{
	struct worker *w = u->worker;
	struct slot *slot = &u->slots[i];
	size_t len = u->batch[i].msg_len;

	/* sin_port and sin6_port are at the same place; a forged port 0 cannot be answered */
	if (__builtin_expect(slot->addr.sin6_port == 0, 0)) {
		stats_add(&w->stats.drops[STATS_DROP_PORT_ZERO], 1);
		return 0;
	}
	if (u->has_pktinfo)
		keep_source(&u->batch[i].msg_hdr);
	client->addr = (const struct sockaddr *)&slot->addr;
	enum answer_result result =
		answer_query(&w->answerer, v, client, slot->msg, len, MSG_MAX, &len);
	if (__builtin_expect(result != ANSWER_SEND, 0)) {
		if (result != ANSWER_DROP)
			hand_over(u, i, result, len);
		return 0;
	}
	if (w->server->rrl && !w->answerer.account.exempt && is_limited(u, client, slot->msg, &len))
		return 0;
	return len;
}

/* Write the answers over the first N slots: iov_len tells how long each is, 0 = none. */
static void answer_batch(struct udp *u, unsigned n)
{
	struct worker *w = u->worker;
	const struct zonedb_version *v = zonedb_current(w->server->db);
	struct answer_client client = { .can_handoff = w->server->handler != NULL };
	size_t received = 0;
	size_t sent = 0;

	for (unsigned i = 0; i < n; i++) {
		received += u->batch[i].msg_len;
		u->iov[i].iov_len = answer(u, i, v, &client);
		sent += u->iov[i].iov_len;
	}
	stats_add(&w->stats.queries[STATS_UDP], n);
	stats_add(&w->stats.received[STATS_UDP], received);
	stats_add(&w->stats.sent[STATS_UDP], sent);
}

/* Send N answers in a row. */
static void send_run(struct udp *u, struct mmsghdr *m, unsigned n)
{
	while (n) {
		int sent = sendmmsg(u->fd, m, n, MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			/* the first one cannot be sent: to a bad address, or the buffer is full */
			bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;

			stats_add(&u->worker->stats.drops[STATS_DROP_SEND], full ? n : 1);
			if (full)
				return;
			sent = 1;
		}
		m += sent;
		n -= (unsigned)sent;
	}
}

/* Send the answers among the first N slots and make the slots ready again. */
static void send_batch(struct udp *u, unsigned n)
{
	unsigned begin = 0;

	for (unsigned i = 0; i < n; i++) {
		if (u->iov[i].iov_len)
			continue;
		send_run(u, &u->batch[begin], i - begin);
		begin = i + 1;
	}
	send_run(u, &u->batch[begin], n - begin);
	for (unsigned i = 0; i < n; i++)
		arm(u, i);
}

static void on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct udp *u = ctx;

	(void)what;
	worker_enter(u->worker);
	for (unsigned batch = 0; batch < BATCHES; batch++) {
		int n = recvmmsg((int)fd, u->batch, BATCH, MSG_DONTWAIT, NULL);

		if (n <= 0)
			break; /* EAGAIN, or an ICMP error of an earlier answer */
		answer_batch(u, (unsigned)n);
		send_batch(u, (unsigned)n);
		if (n < BUSY)
			break;
		VERSION_READER_DONE();
		rcu_quiescent_state();
	}
	worker_leave();
}

struct udp *udp_new(struct worker *w, int fd, const struct netaddr *addr)
{
	struct udp *u = aligned_alloc(64, (sizeof(*u) + 63) & ~(size_t)63);

	if (u == NULL)
		abort();
	memset(u, 0, sizeof(*u));
	u->worker = w;
	u->fd = fd;
	u->has_pktinfo = listen_is_any(addr);
	for (unsigned i = 0; i < BATCH; i++) {
		u->iov[i].iov_base = u->slots[i].msg;
		u->batch[i].msg_hdr = (struct msghdr){
			.msg_name = &u->slots[i].addr,
			.msg_iov = &u->iov[i],
			.msg_iovlen = 1,
			.msg_control = u->has_pktinfo ? u->slots[i].control : NULL,
		};
		arm(u, i);
	}
	u->event = event_new(w->base, fd, EV_READ | EV_PERSIST, on_read, u);
	if (u->event == NULL || event_add(u->event, NULL))
		abort(); /* out of memory */
	return u;
}

void udp_free(struct udp *u)
{
	if (u == NULL)
		return;
	event_free(u->event);
	(void)close(u->fd);
	free(u);
}

void udp_send(const struct udp_client *c, const uint8_t *msg, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)msg, len };
	_Alignas(struct cmsghdr) uint8_t control[sizeof(c->control)];
	struct sockaddr_in6 addr;

	memcpy(control, c->control, sizeof(control));
	memcpy(&addr, c->addr, sizeof(addr));
	const struct msghdr h = {
		.msg_name = &addr,
		.msg_namelen = c->addr_len,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = c->control_len ? control : NULL,
		.msg_controllen = c->control_len,
	};
	(void)sendmsg(c->fd, &h, MSG_DONTWAIT); /* as any answer, it may be lost */
}

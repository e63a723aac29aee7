/*
 * handoff_worker - the workers' half of handoff.h, and the mail that brings
 * replies from the control thread to a TCP connection's worker.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/netaddr.h"
#include "server/answer.h"
#include "server/udp.h"

struct server;
struct tcp_conn;
struct worker;

struct handoff {
	struct handoff *prev, *next; /* server->handoffs; control thread */
	struct server *server;
	struct worker *worker;
	struct netaddr client;
	bool is_tcp;
	struct udp_client udp;
	struct tcp_conn *conn; /* worker's thread */
	atomic_uint refs;      /* the control thread's, the connection's, posts under way */
	atomic_bool gone;      /* the client left, or the server stopped */
	atomic_bool wants_room;
	atomic_size_t queued;       /* octets not yet taken by the socket */
	void (*on_room)(void *ctx); /* control thread */
	void *on_room_ctx;
	bool is_done;
	bool may_answer; /* control thread: between the handler's call and handoff_done */
	size_t len;
	uint8_t msg[]; /* and slack */
};

/* What the control thread sends to a worker: octets for a connection, or "done". */
struct mail {
	struct mail *next;
	struct handoff *h; /* a reference */
	bool is_done;
	size_t len; /* with TCP's length in front */
	uint8_t data[];
};

/* Bring a message to the control loop.  UDP: dropped when too many are there already. */
void handoff_from_udp(struct worker *w, enum answer_result what, const struct udp_client *c,
		      const uint8_t *msg, size_t len);
/* TCP: the connection keeps the reference that is returned; never NULL. */
struct handoff *handoff_from_tcp(struct worker *w, enum answer_result what, struct tcp_conn *conn,
				 const struct sockaddr *client, const uint8_t *msg, size_t len);
/* LEN queued octets went out. */
void handoff_sent(struct handoff *h, size_t len);
/* The connection closed; its reference goes. */
void handoff_left(struct handoff *h);
/* The connection goes on after "done"; its reference goes. */
void handoff_unref(struct handoff *h);
/* The letters for a worker, in order; the caller frees them by handoff_mail_free. */
struct mail *handoff_mail(struct worker *w);
void handoff_mail_free(struct mail *m);
/* Server stopped: no way back any more. */
void handoff_stop_all(struct server *s);

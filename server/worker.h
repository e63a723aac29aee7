/*
 * worker - one thread that answers queries: an event base of its own, one UDP
 * and one TCP socket for each listen address, one struct answerer.  The inside
 * of server/: udp.c and tcp.c run on a worker.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "server/answer.h"
#include "server/cookie.h"
#include "server/handoff.h"
#include "server/settings.h"
#include "server/stats.h"

struct event;
struct event_base;
struct loop;
struct loop_timer;
struct mail;
struct rrl;
struct tcp;
struct udp;
struct worker;
struct zonedb;

struct server {
	struct server_settings settings;
	struct loop *loop;
	struct zonedb *db;
	struct worker *workers;
	unsigned nworkers;     /* 0 while stopped */
	struct netaddr *bound; /* one for each listen address */
	/*
	 * Secrets of cookies: workers use the slot that is named, the control thread fills the
	 * other one once no worker can be in it.
	 */
	struct cookie_keys cookies[2];
	atomic_uint cookie_slot;
	bool is_secret_bad;              /* said so already */
	struct loop_timer *cookie_timer; /* looks at the file of secrets; NULL = none */
	struct rrl *rrl;                 /* NULL = off */
	atomic_uint tcp_open;            /* connections of all workers */
	atomic_uint *tcp_by_address;     /* by hash of address; NULL = no limit */
	handoff_cb handler;              /* set before start */
	void *handler_ctx;
	struct handoff *handoffs;  /* control thread: those given to the handler and not done */
	struct answerer *answerer; /* control thread: for handoff_answer */
	struct server_stats *control_stats;
	atomic_uint refs; /* the owner and each handoff */
};

struct worker {
	_Alignas(64) struct server_stats stats;
	struct server *server;
	unsigned index;
	pthread_t thread;
	bool is_started;
	struct event_base *base;
	struct udp **udp; /* one for each listen address */
	struct tcp *tcp;
	struct answerer answerer;
	uint64_t now_ms; /* monotonic; of the present callback */
	/* mail from the control thread */
	pthread_mutex_t lock; /* guards mail alone */
	struct mail *mail, **mail_end;
	int wake_fd;
	struct event *wake;
	atomic_bool stop;
	atomic_uint udp_handoffs; /* given to the control loop and not done */
};

void answerer_init(struct answerer *a, const struct server *s, struct server_stats *stats);

/* Open sockets and prepare; 0 or an error with *ret_why. */
int worker_init(struct worker *w, struct server *s, unsigned index, char **ret_why);
int worker_start(struct worker *w);
/* Ask the thread to end and wait for it. */
void worker_stop(struct worker *w);
void worker_fini(struct worker *w);

/* Around each callback that looks at zones: the thread is a reader of them in between. */
void worker_enter(struct worker *w);
void worker_leave(void);
/* Control thread: have the worker's thread look at its mail. */
void worker_wake(struct worker *w);

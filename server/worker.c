#include "server/worker.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include <event2/event.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "server/handoff_worker.h"
#include "server/listen.h"
#include "server/server_inside.h"
#include "server/tcp.h"
#include "server/udp.h"
#include "zonedb/version.h"

void answerer_init(struct answerer *a, const struct server *s, struct server_stats *stats)
{
	memset(a, 0, sizeof(*a));
	a->settings = &s->settings;
	a->cookies = server_cookies(s);
	a->stats = stats;
	a->now_s = (uint32_t)clock_real_s();
	if (getrandom(&a->random, sizeof(a->random), 0) != (ssize_t)sizeof(a->random))
		abort(); /* only a signal could do that, and there is none */
	a->random |= 1;
}

void worker_enter(struct worker *w)
{
	rcu_thread_online();
	w->now_ms = clock_mono_ms();
	w->answerer.now_s = (uint32_t)clock_real_s();
	w->answerer.cookies = server_cookies(w->server);
}

void worker_leave(void)
{
	VERSION_READER_DONE();
	rcu_thread_offline(); /* versions may go while we wait */
}

void worker_wake(struct worker *w)
{
	const uint64_t one = 1;
	ssize_t n = write(w->wake_fd, &one, sizeof(one));

	(void)n; /* a full counter wakes as well */
}

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
	struct worker *w = ctx;
	uint64_t n;

	(void)what;
	ssize_t got = read((int)fd, &n, sizeof(n));
	(void)got;
	if (atomic_load(&w->stop)) {
		(void)event_base_loopbreak(w->base);
		return;
	}
	worker_enter(w);
	for (struct mail *m = handoff_mail(w); m;) {
		struct mail *next = m->next;

		tcp_mail(w->tcp, m);
		handoff_mail_free(m);
		m = next;
	}
	worker_leave();
}

static struct event_base *base_new(void)
{
	struct event_config *config = event_config_new();

	if (config == NULL)
		abort(); /* out of memory */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	struct event_base *base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL)
		abort();
	return base;
}

/* The wildcard of IPv6 takes IPv4 along, unless IPv4's own is listened to on that port. */
static bool is_v6_only(const struct server *s, unsigned i)
{
	const struct netaddr *a = &s->bound[i];

	if (a->family != 6 || !listen_is_any(a))
		return true;
	for (size_t k = 0; k < s->settings.nlisten; k++)
		if (s->bound[k].family == 4 && listen_is_any(&s->bound[k]) &&
		    s->bound[k].port == a->port)
			return true;
	return false;
}

/* UDP and TCP at one address; a port 0 becomes one that is free for both. */
static int open_pair(struct listen_spec *spec, int *ret_udp, int *ret_tcp, char **ret_why)
{
	bool any_port = spec->addr.port == 0;
	int err = listen_udp(spec, ret_udp, ret_why);

	if (err)
		return err;
	if (any_port)
		listen_address(*ret_udp, &spec->addr);
	err = listen_tcp(spec, ret_tcp, ret_why);
	if (err) {
		(void)close(*ret_udp);
		spec->addr.port = any_port ? 0 : spec->addr.port;
	}
	return err;
}

static int open_sockets(struct worker *w, unsigned i, char **ret_why)
{
	struct server *s = w->server;
	struct listen_spec spec = { s->bound[i], is_v6_only(s, i) };
	int udp = -1;
	int tcp = -1;
	int err = open_pair(&spec, &udp, &tcp, ret_why);

	for (unsigned tries = 16; err == ERR_EXISTS && spec.addr.port == 0 && tries; tries--) {
		free(*ret_why);
		err = open_pair(&spec, &udp, &tcp, ret_why);
	}
	if (err)
		return err;
	s->bound[i].port = spec.addr.port;
	w->udp[i] = udp_new(w, udp, &spec.addr);
	tcp_listen(w->tcp, tcp);
	return 0;
}

int worker_init(struct worker *w, struct server *s, unsigned index, char **ret_why)
{
	w->server = s;
	w->index = index;
	w->base = base_new();
	w->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->wake = event_new(w->base, w->wake_fd, EV_READ | EV_PERSIST, on_wake, w);
	if (w->wake_fd < 0 || w->wake == NULL || event_add(w->wake, NULL))
		abort(); /* out of memory or descriptors at start */
	(void)pthread_mutex_init(&w->lock, NULL);
	w->mail_end = &w->mail;
	answerer_init(&w->answerer, s, &w->stats);
	w->now_ms = clock_mono_ms();
	w->tcp = tcp_new(w);
	w->udp = mem_calloc(s->settings.nlisten, sizeof(w->udp[0]));
	for (unsigned i = 0; i < s->settings.nlisten; i++) {
		int err = open_sockets(w, i, ret_why);

		if (err)
			return err;
	}
	return 0;
}

static void *run(void *ctx)
{
	struct worker *w = ctx;

	rcu_register_thread();
	rcu_thread_offline();
	(void)event_base_dispatch(w->base);
	rcu_unregister_thread();
	return NULL;
}

int worker_start(struct worker *w)
{
	char name[16] = "dns-worker";

	if (pthread_create(&w->thread, NULL, run, w))
		return ERR_IO;
	w->is_started = true;
	(void)pthread_setname_np(w->thread, name);
	return 0;
}

void worker_stop(struct worker *w)
{
	if (!w->is_started)
		return;
	atomic_store(&w->stop, true);
	worker_wake(w);
	(void)pthread_join(w->thread, NULL);
	w->is_started = false;
}

void worker_fini(struct worker *w)
{
	if (w->base == NULL)
		return;
	for (unsigned i = 0; i < w->server->settings.nlisten && w->udp; i++)
		udp_free(w->udp[i]);
	free(w->udp);
	tcp_free(w->tcp);
	for (struct mail *m = handoff_mail(w); m;) {
		struct mail *next = m->next;

		handoff_mail_free(m);
		m = next;
	}
	event_free(w->wake);
	(void)close(w->wake_fd);
	event_base_free(w->base);
	(void)pthread_mutex_destroy(&w->lock);
}

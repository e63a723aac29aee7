#include "server/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>
#include <urcu-qsbr.h>

#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "server/handoff_worker.h"
#include "server/listen.h"
#include "server/metrics.h"
#include "server/rrl.h"
#include "server/server_inside.h"
#include "server/tcp.h"
#include "server/worker.h"

#define SECRETS_EVERY_MS 5000

static void copy_settings(struct server_settings *to, const struct server_settings *from)
{
	*to = *from;
	to->listen = mem_dup(from->listen, from->nlisten * sizeof(from->listen[0]));
	to->ecs_trust = mem_dup(from->ecs_trust, from->necs_trust * sizeof(from->ecs_trust[0]));
	to->rate_limit_exempt =
		mem_dup(from->rate_limit_exempt,
			from->nrate_limit_exempt * sizeof(from->rate_limit_exempt[0]));
	to->nsid = mem_strdup(from->nsid);
	to->id_server = mem_strdup(from->id_server);
	to->version = mem_strdup(from->version);
	to->cookie_secret_file = mem_strdup(from->cookie_secret_file);
}

struct server *server_new(const struct server_settings *settings, struct loop *loop,
			  struct zonedb *db)
{
	struct server *s = MEM_NEW(struct server);

	copy_settings(&s->settings, settings);
	s->loop = loop;
	s->db = db;
	atomic_store(&s->refs, 1);
	s->cookies[0] = settings->cookies;
	if (s->cookies[0].n == 0) {
		s->cookies[0].n = 1;
		if (getrandom(s->cookies[0].secret[0], 16, 0) != 16)
			abort(); /* a known secret would make cookies worthless */
	}
	if (settings->rate_limit)
		s->rrl = rrl_new(settings->rate_limit, settings->rate_limit_slip);
	if (settings->tcp_clients_per_address)
		s->tcp_by_address = mem_calloc(TCP_ADDRESSES, sizeof(s->tcp_by_address[0]));
	s->control_stats = MEM_NEW(struct server_stats);
	s->answerer = MEM_NEW(struct answerer);
	answerer_init(s->answerer, s, s->control_stats);
	return s;
}

const struct cookie_keys *server_cookies(const struct server *s)
{
	struct server *any = (struct server *)(uintptr_t)s;

	return &s->cookies[atomic_load_explicit(&any->cookie_slot, memory_order_acquire) & 1];
}

static void take_secrets(struct server *s, const struct cookie_keys *k)
{
	unsigned slot = atomic_load(&s->cookie_slot);

	if (memcmp(&s->cookies[slot & 1], k, sizeof(*k)) == 0)
		return;
	synchronize_rcu(); /* nobody uses the other slot from before the last change */
	s->cookies[~slot & 1] = *k;
	atomic_store_explicit(&s->cookie_slot, slot + 1, memory_order_release);
	log_info("DNS cookies have new secrets");
}

/* A Secret that is mounted is replaced under its name; a bad file leaves what was good. */
static void look_at_secrets(void *ctx)
{
	struct server *s = ctx;
	struct cookie_keys k;
	char *why = NULL;

	if (server_settings_secrets(s->settings.cookie_secret_file, &k, &why) == 0)
		take_secrets(s, &k);
	else if (!s->is_secret_bad)
		log_warning("secrets of DNS cookies: %s; the last good ones stay", why);
	s->is_secret_bad = why != NULL;
	free(why);
	mem_wipe(&k, sizeof(k));
	loop_timer_set(s->cookie_timer, SECRETS_EVERY_MS);
}

void server_reload(struct server *s)
{
	if (s->cookie_timer)
		look_at_secrets(s);
}

/* Connections need descriptors; the soft limit is often 1,024. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* fewer connections then */
	}
}

static unsigned worker_count(const struct server_settings *set)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (set->workers)
		return set->workers;
	return cpus > 1 ? (unsigned)cpus : 1;
}

/* Where the kernel has no IPv6, "[::]" means every IPv4 address. */
static void without_ipv6(struct server *s)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		(void)close(fd);
		return;
	}
	for (size_t i = 0; i < s->settings.nlisten; i++)
		if (s->bound[i].family == 6 && listen_is_any(&s->bound[i]))
			s->bound[i].family = 4;
}

static int open_and_start(struct server *s, char **ret_why)
{
	without_ipv6(s);
	for (unsigned i = 0; i < s->nworkers; i++) {
		int err = worker_init(&s->workers[i], s, i, ret_why);

		if (err)
			return err;
	}
	for (unsigned i = 0; i < s->nworkers; i++) {
		if (worker_start(&s->workers[i])) {
			*ret_why = mem_strdup("cannot start a worker thread");
			return ERR_IO;
		}
	}
	return 0;
}

int server_start(struct server *s, char **ret_why)
{
	sigset_t all;
	sigset_t old;
	char *why = NULL;

	raise_limit();
	s->nworkers = worker_count(&s->settings);
	s->workers = aligned_alloc(64, s->nworkers * sizeof(s->workers[0]));
	if (s->workers == NULL)
		abort();
	memset(s->workers, 0, s->nworkers * sizeof(s->workers[0]));
	s->bound = mem_dup(s->settings.listen, s->settings.nlisten * sizeof(s->bound[0]));
	/* signals are the control thread's; new threads inherit the mask */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = open_and_start(s, &why);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		server_stop(s);
		*ret_why = why;
		return err;
	}
	metrics_start(s);
	if (s->settings.cookie_secret_file && s->cookie_timer == NULL) {
		s->cookie_timer = loop_timer_new(s->loop, look_at_secrets, s);
		loop_timer_set(s->cookie_timer, SECRETS_EVERY_MS);
	}
	return 0;
}

void server_stop(struct server *s)
{
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_stop(&s->workers[i]);
	handoff_stop_all(s);
	metrics_stop(s);
	loop_timer_free(s->cookie_timer);
	s->cookie_timer = NULL;
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_fini(&s->workers[i]);
	free(s->workers);
	s->workers = NULL;
	s->nworkers = 0;
	free(s->bound);
	s->bound = NULL;
}

void server_unref(struct server *s)
{
	if (atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	rrl_free(s->rrl);
	free(s->tcp_by_address);
	server_settings_fini(&s->settings);
	mem_wipe(s->cookies, sizeof(s->cookies));
	free(s->control_stats);
	free(s->answerer);
	free(s);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	server_stop(s);
	s->handler = NULL; /* what is still on its way to it ends by itself */
	server_unref(s);
}

bool server_address(const struct server *s, unsigned i, struct netaddr *ret)
{
	if (s->bound == NULL || i >= s->settings.nlisten)
		return false;
	*ret = s->bound[i];
	return true;
}

#include "server/server.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "server/handoff_worker.h"
#include "server/metrics.h"
#include "server/rrl.h"
#include "server/server_inside.h"
#include "server/tcp.h"
#include "server/worker.h"

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
}

struct server *server_new(const struct server_settings *settings, struct loop *loop,
			  struct zonedb *db)
{
	struct server *s = MEM_NEW(struct server);

	copy_settings(&s->settings, settings);
	s->loop = loop;
	s->db = db;
	atomic_store(&s->refs, 1);
	s->cookies.n = settings->ncookie_secrets;
	memcpy(s->cookies.secret, settings->cookie_secret, sizeof(s->cookies.secret));
	if (s->cookies.n == 0) {
		s->cookies.n = 1;
		if (getrandom(s->cookies.secret[0], 16, 0) != 16)
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

static int open_and_start(struct server *s, char **ret_why)
{
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
	return 0;
}

void server_stop(struct server *s)
{
	for (unsigned i = 0; i < s->nworkers; i++)
		worker_stop(&s->workers[i]);
	handoff_stop_all(s);
	metrics_stop(s);
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
	mem_wipe(&s->cookies, sizeof(s->cookies));
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

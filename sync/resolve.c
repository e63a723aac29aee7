#include "sync/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/loop.h"
#include "lib/mem.h"

/* Held by the asker and by the thread or the post: the last one frees. */
struct resolve {
	atomic_int holders;
	struct loop *loop;
	char *host;
	uint16_t port;
	void (*cb)(void *ctx, const struct netaddr *a, size_t n, const char *why);
	void *ctx;
	bool cancelled; /* control thread */
	struct netaddr *a;
	size_t n;
	int gai;
};

static void drop(struct resolve *r)
{
	if (atomic_fetch_sub(&r->holders, 1) != 1)
		return;
	free(r->host);
	free(r->a);
	free(r);
}

static void tell(void *ctx)
{
	struct resolve *r = ctx;

	if (!r->cancelled)
		r->cb(r->ctx, r->a, r->n, r->n ? NULL : gai_strerror(r->gai));
	drop(r);
}

static void *ask(void *ctx)
{
	struct resolve *r = ctx;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;

	r->gai = getaddrinfo(r->host, NULL, &hints, &list);
	for (struct addrinfo *i = list; i && r->gai == 0; i = i->ai_next) {
		r->a = mem_array(r->a, r->n + 1, sizeof(*r->a));
		netaddr_from_sockaddr(i->ai_addr, &r->a[r->n]);
		r->a[r->n++].port = r->port;
	}
	if (list)
		freeaddrinfo(list);
	loop_post(r->loop, tell, r);
	return NULL;
}

struct resolve *resolve_host(struct loop *loop, const char *host, uint16_t port,
			     void (*cb)(void *ctx, const struct netaddr *a, size_t n,
					const char *why),
			     void *ctx)
{
	struct resolve *r = MEM_NEW(struct resolve);
	struct netaddr a;
	pthread_attr_t attr;
	pthread_t thread;

	atomic_init(&r->holders, 2);
	r->loop = loop;
	r->host = mem_strdup(host);
	r->port = port;
	r->cb = cb;
	r->ctx = ctx;
	if (netaddr_from_text(host, &a) == 0) {
		a.port = port;
		r->a = mem_dup(&a, sizeof(a));
		r->n = 1;
		loop_post(loop, tell, r);
		return r;
	}
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, ask, r) != 0) {
		r->gai = EAI_AGAIN;
		loop_post(loop, tell, r);
	}
	(void)pthread_attr_destroy(&attr);
	return r;
}

void resolve_free(struct resolve *r)
{
	if (r == NULL)
		return;
	r->cancelled = true;
	drop(r);
}

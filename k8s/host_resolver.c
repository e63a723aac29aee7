#include "k8s/host_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/strv.h"

struct entry {
	struct strv addresses;
};

/* A question on its way to the thread and back. */
struct question {
	struct host_resolver *resolver;
	struct question *next;
	char *name;
	struct strv addresses;
	bool answered;
};

struct host_resolver {
	struct loop *loop;
	struct map names; /* -> struct entry */
	uint64_t refresh_ms;
	struct loop_timer *refresh;
	void (*cb)(void *ctx, const char *name);
	void *ctx;
	unsigned under_way; /* questions that will come back by loop_post */
	bool closing;       /* freed by the last of them */

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	struct question *first, **last;
	bool stop;
};

static void question_free(struct question *q)
{
	strv_fini(&q->addresses);
	free(q->name);
	free(q);
}

static void ask_family(struct question *q, int family)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	struct strv found = { 0 };
	char text[INET6_ADDRSTRLEN];

	if (getaddrinfo(q->name, NULL, &hints, &list) != 0)
		return;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		const void *addr =
			&((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr;

		if (family == AF_INET6)
			addr = &((const struct sockaddr_in6 *)(const void *)a->ai_addr)->sin6_addr;
		if (inet_ntop(family, addr, text, sizeof(text)))
			(void)strv_add_unique(&found, text);
	}
	freeaddrinfo(list);
	strv_sort(&found);
	for (size_t i = 0; i < found.n; i++)
		strv_add(&q->addresses, found.s[i]);
	q->answered = true;
	strv_fini(&found);
}

static void resolver_destroy(struct host_resolver *r)
{
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->more);
	free(r);
}

/* Back on the control thread. */
static void answered(void *ctx)
{
	struct question *q = ctx;
	struct host_resolver *r = q->resolver;
	struct entry *e = map_get(&r->names, q->name);

	r->under_way--;
	if (e && q->answered && !strv_equal(&e->addresses, &q->addresses)) {
		strv_fini(&e->addresses);
		strv_copy(&e->addresses, &q->addresses);
		r->cb(r->ctx, q->name);
	}
	question_free(q);
	if (r->closing && r->under_way == 0)
		resolver_destroy(r);
}

static void *work(void *arg)
{
	struct host_resolver *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		struct question *q = r->first;

		if (q == NULL) {
			(void)pthread_cond_wait(&r->more, &r->lock);
			continue;
		}
		r->first = q->next;
		if (r->first == NULL)
			r->last = &r->first;
		(void)pthread_mutex_unlock(&r->lock);
		ask_family(q, AF_INET);
		ask_family(q, AF_INET6);
		loop_post(r->loop, answered, q);
		(void)pthread_mutex_lock(&r->lock);
	}
	(void)pthread_mutex_unlock(&r->lock);
	return NULL;
}

static void ask(struct host_resolver *r, const char *name)
{
	struct question *q = MEM_NEW(struct question);

	q->resolver = r;
	q->name = mem_strdup(name);
	r->under_way++;
	(void)pthread_mutex_lock(&r->lock);
	*r->last = q;
	r->last = &q->next;
	(void)pthread_cond_signal(&r->more);
	(void)pthread_mutex_unlock(&r->lock);
	if (!r->has_thread)
		r->has_thread = pthread_create(&r->thread, NULL, work, r) == 0;
}

static void refresh(void *ctx)
{
	struct host_resolver *r = ctx;

	for (struct map_item *it = map_first(&r->names); it; it = map_next(&r->names, it))
		ask(r, it->key);
	loop_timer_set(r->refresh, r->refresh_ms);
}

void host_resolver_get(struct host_resolver *r, const char *name, struct strv *v)
{
	struct entry *e = map_get(&r->names, name);

	if (e == NULL) {
		e = MEM_NEW(struct entry);
		(void)map_put(&r->names, name, e);
		ask(r, name);
		if (!loop_timer_is_set(r->refresh))
			loop_timer_set(r->refresh, r->refresh_ms);
	}
	for (size_t i = 0; i < e->addresses.n; i++)
		strv_add(v, e->addresses.s[i]);
}

struct host_resolver *host_resolver_new(struct loop *loop, uint64_t refresh_ms,
					void (*cb)(void *ctx, const char *name), void *ctx)
{
	struct host_resolver *r = MEM_NEW(struct host_resolver);

	r->loop = loop;
	r->refresh_ms = refresh_ms < 1000 ? 1000 : refresh_ms;
	r->cb = cb;
	r->ctx = ctx;
	r->refresh = loop_timer_new(loop, refresh, r);
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->more, NULL);
	r->last = &r->first;
	return r;
}

static void entry_free(void *p)
{
	struct entry *e = p;

	strv_fini(&e->addresses);
	free(e);
}

void host_resolver_free(struct host_resolver *r)
{
	if (r == NULL)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->stop = true;
	(void)pthread_cond_signal(&r->more);
	(void)pthread_mutex_unlock(&r->lock);
	if (r->has_thread)
		(void)pthread_join(r->thread, NULL);
	while (r->first) {
		struct question *q = r->first;

		r->first = q->next;
		question_free(q);
		r->under_way--;
	}
	map_fini(&r->names, entry_free);
	loop_timer_free(r->refresh);
	/* answers that were posted and not run yet still point here */
	r->closing = true;
	if (r->under_way == 0)
		resolver_destroy(r);
}

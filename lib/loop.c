#include "lib/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/mem.h"

struct post {
	struct post *next;
	loop_cb cb;
	void *ctx;
};

struct signal_watch {
	struct signal_watch *next;
	struct event *ev;
	loop_cb cb;
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct event *wake;
	int wake_fd;
	pthread_mutex_t lock; /* guards posts alone */
	struct post *posts, **posts_end;
	struct signal_watch *signals;
};

struct loop_timer {
	struct event *ev;
	loop_cb cb;
	void *ctx;
};

struct loop_fd {
	struct event *ev;
	loop_cb cb;
	void *ctx;
};

static void run_posts(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	uint64_t n;

	(void)what;
	ssize_t got = read((int)fd, &n, sizeof(n));
	(void)got; /* EAGAIN: somebody woke us twice */
	(void)pthread_mutex_lock(&l->lock);
	struct post *p = l->posts;
	l->posts = NULL;
	l->posts_end = &l->posts;
	(void)pthread_mutex_unlock(&l->lock);
	while (p) {
		struct post *next = p->next;

		p->cb(p->ctx);
		free(p);
		p = next;
	}
}

struct loop *loop_new(void)
{
	struct loop *l = MEM_NEW(struct loop);

	l->base = event_base_new();
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->base == NULL || l->wake_fd < 0)
		abort(); /* no loop, no program */
	(void)pthread_mutex_init(&l->lock, NULL);
	l->posts_end = &l->posts;
	l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, run_posts, l);
	(void)event_add(l->wake, NULL);
	return l;
}

void loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	while (l->posts) {
		struct post *p = l->posts;

		l->posts = p->next;
		free(p);
	}
	while (l->signals) {
		struct signal_watch *s = l->signals;

		l->signals = s->next;
		event_free(s->ev);
		free(s);
	}
	event_free(l->wake);
	event_base_free(l->base);
	(void)close(l->wake_fd);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

void loop_run(struct loop *l)
{
	(void)event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
	(void)event_base_loopbreak(l->base);
}

static void nothing(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
}

void loop_once(struct loop *l, unsigned max_ms)
{
	struct timeval tv = { .tv_sec = max_ms / 1000, .tv_usec = (max_ms % 1000) * 1000 };
	struct event *limit = event_new(l->base, -1, 0, nothing, NULL);

	(void)event_add(limit, &tv);
	(void)event_base_loop(l->base, EVLOOP_ONCE);
	event_free(limit);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

static void timer_fired(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_timer *t = ctx;

	(void)fd;
	(void)what;
	t->cb(t->ctx);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_cb cb, void *ctx)
{
	struct loop_timer *t = MEM_NEW(struct loop_timer);

	t->cb = cb;
	t->ctx = ctx;
	t->ev = event_new(l->base, -1, 0, timer_fired, t);
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t in_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(in_ms / 1000),
			      .tv_usec = (suseconds_t)(in_ms % 1000) * 1000 };

	(void)event_add(t->ev, &tv);
}

void loop_timer_cancel(struct loop_timer *t)
{
	(void)event_del(t->ev);
}

bool loop_timer_is_set(const struct loop_timer *t)
{
	return event_pending(t->ev, EV_TIMEOUT, NULL) != 0;
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->ev);
	free(t);
}

void loop_post(struct loop *l, loop_cb cb, void *ctx)
{
	struct post *p = MEM_NEW(struct post);
	uint64_t one = 1;

	p->cb = cb;
	p->ctx = ctx;
	(void)pthread_mutex_lock(&l->lock);
	*l->posts_end = p;
	l->posts_end = &p->next;
	(void)pthread_mutex_unlock(&l->lock);
	ssize_t done = write(l->wake_fd, &one, sizeof(one));
	(void)done; /* EAGAIN: it is awake already */
}

static void fd_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_fd *f = ctx;

	(void)fd;
	(void)what;
	f->cb(f->ctx);
}

struct loop_fd *loop_fd_new(struct loop *l, int fd, loop_cb on_read, void *ctx)
{
	struct loop_fd *f = MEM_NEW(struct loop_fd);

	f->cb = on_read;
	f->ctx = ctx;
	f->ev = event_new(l->base, fd, EV_READ | EV_PERSIST, fd_ready, f);
	(void)event_add(f->ev, NULL);
	return f;
}

void loop_fd_free(struct loop_fd *f)
{
	if (f == NULL)
		return;
	event_free(f->ev);
	free(f);
}

static void signal_fired(evutil_socket_t fd, short what, void *ctx)
{
	struct signal_watch *s = ctx;

	(void)fd;
	(void)what;
	s->cb(s->ctx);
}

void loop_signal(struct loop *l, int signum, loop_cb cb, void *ctx)
{
	struct signal_watch *s = MEM_NEW(struct signal_watch);

	s->cb = cb;
	s->ctx = ctx;
	s->ev = evsignal_new(l->base, signum, signal_fired, s);
	(void)event_add(s->ev, NULL);
	s->next = l->signals;
	l->signals = s;
}

/*
 * web_events - server-sent events; see web_events.h.
 *
 * The status has only a number that moves; while somebody listens we look at it
 * ten times a second.  A listener whose bytes still wait is skipped, it gets the
 * next one: an event says that something changed, not what.
 */
#include "server/web_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/http_server.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/status.h"

#define LOOK_MS       100
#define PING_MS       15000 /* so that proxies and we find dead connections */
#define LISTENERS_MAX 64

struct listener {
	struct web_events *events;
	struct listener *prev, *next;
	struct http_stream *stream;
	unsigned long seen; /* generation */
	uint64_t sent_ms;
};

struct web_events {
	struct loop_timer *timer;
	struct listener *listeners;
	unsigned n;
};

static void on_close(void *ctx)
{
	struct listener *l = ctx;

	if (l->prev)
		l->prev->next = l->next;
	else
		l->events->listeners = l->next;
	if (l->next)
		l->next->prev = l->prev;
	l->events->n--;
	free(l);
}

static void send_status(struct listener *l, unsigned long now)
{
	char text[128];

	snprintf(text, sizeof(text), "event: status\ndata: {\"generation\":%lu,\"ready\":%s}\n\n",
		 now, status_is_ready(NULL) ? "true" : "false");
	l->seen = now;
	l->sent_ms = clock_mono_ms();
	(void)http_stream_send(l->stream, text, strlen(text)); /* too slow: it closes */
}

static void look(void *ctx)
{
	struct web_events *e = ctx;
	unsigned long now = status_generation();
	struct listener *next;

	for (struct listener *l = e->listeners; l; l = next) {
		next = l->next;
		if (http_stream_pending(l->stream))
			continue;
		if (l->seen != now) {
			send_status(l, now);
		} else if (clock_mono_ms() - l->sent_ms >= PING_MS) {
			l->sent_ms = clock_mono_ms();
			(void)http_stream_send(l->stream, ": ping\n\n", 8);
		}
	}
	if (e->listeners)
		loop_timer_set(e->timer, LOOK_MS);
}

struct web_events *web_events_new(struct loop *loop)
{
	struct web_events *e = MEM_NEW(struct web_events);

	e->timer = loop_timer_new(loop, look, e);
	return e;
}

void web_events_free(struct web_events *e)
{
	if (!e)
		return;
	loop_timer_free(e->timer);
	free(e);
}

void web_events_reply(void *ctx, struct http_exchange *x)
{
	struct web_events *e = ctx;
	struct listener *l;

	if (e->n >= LISTENERS_MAX) {
		http_exchange_text(x, 503, "too many listeners\n");
		return;
	}
	l = MEM_NEW(struct listener);
	l->events = e;
	l->next = e->listeners;
	if (l->next)
		l->next->prev = l;
	e->listeners = l;
	e->n++;
	http_exchange_set(x, "X-Accel-Buffering", "no");
	l->stream = http_exchange_stream(x, "text/event-stream", on_close, l);
	send_status(l, status_generation());
	if (!loop_timer_is_set(e->timer))
		loop_timer_set(e->timer, LOOK_MS);
}

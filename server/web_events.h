/*
 * web_events - server-sent events: tells every open page that the status has
 * changed (status_generation moved), at most ten times a second.  Control thread.
 */
#pragma once

struct http_exchange;
struct loop;
struct web_events;

struct web_events *web_events_new(struct loop *loop);
/* After the HTTP server was freed (that ends the streams). */
void web_events_free(struct web_events *e);
/* Route handler of "/api/v1/events"; ctx is the struct web_events. */
void web_events_reply(void *ctx, struct http_exchange *x);

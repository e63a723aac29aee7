/*
 * loop - the control loop: a libevent base, timers in milliseconds, posts from
 * other threads, and work that runs once at the end of the present pass.
 * One thread runs a loop; only loop_post may be called from others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
typedef void (*loop_cb)(void *ctx);

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* own thread */
/* Run pending events once; wait at most MAX_MS (tests). */
void loop_once(struct loop *l, unsigned max_ms);
struct event_base *loop_base(struct loop *l);

/* A timer that is not running; CB is called once a setting. */
struct loop_timer *loop_timer_new(struct loop *l, loop_cb cb, void *ctx);
void loop_timer_set(struct loop_timer *t, uint64_t in_ms);
void loop_timer_cancel(struct loop_timer *t);
bool loop_timer_is_set(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Call CB on the loop's thread soon.  Any thread. */
void loop_post(struct loop *l, loop_cb cb, void *ctx);

/* CB when FD is readable, until freed. */
struct loop_fd;
struct loop_fd *loop_fd_new(struct loop *l, int fd, loop_cb on_read, void *ctx);
void loop_fd_free(struct loop_fd *f); /* does not close FD */

/* Unix signals on this loop. */
void loop_signal(struct loop *l, int signum, loop_cb cb, void *ctx);

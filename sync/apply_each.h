/*
 * apply_each - how changes go to a service that knows no batches: one call a
 * record set, in an order in which a break at any point loses nothing:
 *
 *	delete records, delete their registry TXT, write TXT, write records
 *
 * within each unit (a record and its TXT); a unit whose TXT is refused leaves the
 * record alone, and a new TXT whose record is refused is taken back.
 * Used by the HTTP providers.  Control thread.
 */
#pragma once

#include "sync/provider.h"

struct apply_each;

/* Send C, then call apply_each_result once, now or later. */
typedef void (*apply_each_send)(struct provider *p, struct apply_each *a, const struct change *c);

/* CHANGES are borrowed until DONE, which is never called before this returned.  NAME begins error
 * texts. */
void apply_each(struct provider *p, const char *name, struct loop *loop, struct change *changes,
		size_t n, apply_each_send send,
		void (*done)(void *ctx, int err, const char *err_text), void *ctx);
/* ERR_AUTH, _NETWORK, _TIMEOUT, _LIMIT, _AGAIN give up the rest for this time.  TEXT is borrowed.
 */
void apply_each_result(struct apply_each *a, int err, const char *text);

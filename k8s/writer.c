#include "k8s/writer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/api.h"
#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/http_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"

#define MAX_RUNNING 8
/* One object is written at most so often. */
#define GAP_MS 300

struct wish {
	struct writer *writer;
	struct wish *due_prev, *due_next;
	char *key, *path, *body;
	enum write_kind kind;
	void (*done)(void *ctx, const char *key, int status, const char *message);
	void *ctx;
	bool once;
	bool due;      /* differs from what was written last */
	bool dropped;  /* while it was on its way */
	char *written; /* path and body as written last; NULL = never */
	struct api_call *call;
	uint64_t not_before_ms;
	struct backoff backoff;
	char *trouble;
};

struct writer {
	struct loop *loop;
	struct api *api;
	struct map wishes;
	struct wish *due_first, *due_last; /* to be written, oldest first */
	struct loop_timer *timer;
	bool leader;
	unsigned running;
	unsigned long count;
	struct write shown; /* what writer_get lends */
};

static void set_due(struct wish *x, bool due)
{
	struct writer *w = x->writer;

	if (x->due == due)
		return;
	x->due = due;
	if (due) {
		x->due_prev = w->due_last;
		x->due_next = NULL;
		if (w->due_last)
			w->due_last->due_next = x;
		else
			w->due_first = x;
		w->due_last = x;
		return;
	}
	if (x->due_prev)
		x->due_prev->due_next = x->due_next;
	else
		w->due_first = x->due_next;
	if (x->due_next)
		x->due_next->due_prev = x->due_prev;
	else
		w->due_last = x->due_prev;
}

static void wish_free(void *p)
{
	struct wish *x = p;

	set_due(x, false);
	api_cancel(x->call);
	free(x->key);
	free(x->path);
	free(x->body);
	free(x->written);
	free(x->trouble);
	free(x);
}

static char *text_of(const struct wish *x)
{
	return mem_printf("%d %s %s", (int)x->kind, x->path, x->body ? x->body : "");
}

static void set_trouble(struct wish *x, const char *why)
{
	if (why && (x->trouble == NULL || strcmp(x->trouble, why) != 0))
		log_warning("%s: not written: %s", x->key, why);
	mem_strset(&x->trouble, why);
}

/* --- answers -------------------------------------------------------------------------- */

static bool is_success(const struct wish *x, int status)
{
	return status / 100 == 2 || (x->kind == WRITE_CREATE && status == 409) ||
	       (x->kind == WRITE_DELETE && status == 404);
}

/* Nothing that a second try could mend; a 404 means that the object is gone. */
static bool is_final(int status)
{
	return status == 404 || status == 400 || status == 405 || status == 415 || status == 422;
}

static void finish(struct wish *x, int status, const char *message)
{
	struct writer *w = x->writer;
	void (*done)(void *, const char *, int, const char *) = x->done;
	void *ctx = x->ctx;
	char *key = mem_strdup(x->key);

	if (x->once || x->dropped || status == 404)
		wish_free(map_remove(&w->wishes, x->key));
	if (done)
		done(ctx, key, status, message);
	free(key);
}

static void on_done(void *ctx, const struct http_response *r)
{
	struct wish *x = ctx;
	struct writer *w = x->writer;
	char *why = r->err || r->status / 100 != 2 ? api_message(r) : NULL;
	int status = r->err ? 0 : r->status;

	x->call = NULL;
	w->running--;
	x->not_before_ms = clock_mono_ms() + GAP_MS;
	if (is_success(x, status)) {
		w->count++;
		backoff_reset(&x->backoff);
		set_trouble(x, NULL);
		finish(x, status, "");
	} else if (x->dropped) {
		finish(x, status, why ? why : "");
	} else if (is_final(status)) {
		if (status != 404)
			set_trouble(x, why);
		finish(x, status, why ? why : "");
	} else {
		set_due(x, true);
		x->not_before_ms = clock_mono_ms() + backoff_next_ms(&x->backoff);
		set_trouble(x, why);
	}
	free(why);
	loop_timer_set(w->timer, 0);
}

/* --- sending -------------------------------------------------------------------------- */

static void send_wish(struct wish *x)
{
	static const struct {
		const char *method, *type, *query;
	} how[] = {
		[WRITE_APPLY] = { "PATCH", "application/apply-patch+yaml",
				  "?fieldManager=gslbd&force=true" },
		[WRITE_MERGE] = { "PATCH", "application/merge-patch+json", "?fieldManager=gslbd" },
		[WRITE_CREATE] = { "POST", "application/json", "?fieldManager=gslbd" },
		[WRITE_DELETE] = { "DELETE", NULL, "" },
	};
	char *path = mem_printf("%s%s", x->path, how[x->kind].query);

	set_due(x, false);
	free(x->written);
	x->written = text_of(x);
	x->writer->running++;
	x->call = api_send(x->writer->api, &(struct api_request){ .method = how[x->kind].method,
								  .path = path,
								  .body = x->body,
								  .content_type = how[x->kind].type,
								  .on_done = on_done,
								  .ctx = x });
	free(path);
}

static void pump(void *ctx)
{
	struct writer *w = ctx;
	uint64_t now = clock_mono_ms(), least = UINT64_MAX;

	if (!w->leader)
		return;
	struct wish *next;
	for (struct wish *x = w->due_first; x; x = next) {
		next = x->due_next;
		if (x->call)
			continue;
		if (x->not_before_ms > now) {
			uint64_t wait = x->not_before_ms - now;

			least = wait < least ? wait : least;
		} else if (w->running < MAX_RUNNING) {
			send_wish(x);
		} else {
			return; /* the next answer goes on */
		}
	}
	if (least != UINT64_MAX)
		loop_timer_set(w->timer, least);
}

void writer_put(struct writer *w, const char *key, const struct write *x)
{
	struct wish *have = map_get(&w->wishes, key);

	if (have == NULL) {
		have = MEM_NEW(struct wish);
		have->writer = w;
		have->key = mem_strdup(key);
		have->backoff = (struct backoff){ .min_ms = 500, .max_ms = 60000 };
		(void)map_put(&w->wishes, key, have);
	}
	have->kind = x->kind;
	have->done = x->done;
	have->ctx = x->ctx;
	have->once = x->once;
	have->dropped = false;
	mem_strset(&have->path, x->path);
	mem_strset(&have->body, x->body);
	char *text = text_of(have);
	bool same = have->written && strcmp(have->written, text) == 0;
	free(text);
	if (same && !have->due)
		return;
	set_due(have, !same || have->trouble);
	if (!loop_timer_is_set(w->timer))
		loop_timer_set(w->timer, 0);
}

const struct write *writer_get(struct writer *w, const char *key)
{
	const struct wish *x = map_get(&w->wishes, key);

	if (x == NULL)
		return NULL;
	w->shown = (struct write){ .kind = x->kind,
				   .path = x->path,
				   .body = x->body,
				   .done = x->done,
				   .ctx = x->ctx,
				   .once = x->once };
	return &w->shown;
}

void writer_drop(struct writer *w, const char *key)
{
	struct wish *x = map_get(&w->wishes, key);

	if (x == NULL)
		return;
	set_due(x, false);
	if (x->call)
		x->dropped = true;
	else
		wish_free(map_remove(&w->wishes, key));
}

void writer_set_leader(struct writer *w, bool leader)
{
	if (w->leader == leader)
		return;
	w->leader = leader;
	for (struct map_item *it = map_first(&w->wishes); !leader && it;
	     it = map_next(&w->wishes, it)) {
		struct wish *x = it->value;

		/* another may write now: what we wrote is no longer what is there */
		if (x->call)
			w->running--;
		api_cancel(x->call);
		x->call = NULL;
		set_due(x, true);
	}
	loop_timer_set(w->timer, 0);
}

bool writer_is_leader(const struct writer *w)
{
	return w->leader;
}

struct writer *writer_new(struct loop *loop, struct api *api)
{
	struct writer *w = MEM_NEW(struct writer);

	w->loop = loop;
	w->api = api;
	w->timer = loop_timer_new(loop, pump, w);
	return w;
}

void writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	map_fini(&w->wishes, wish_free);
	loop_timer_free(w->timer);
	free(w);
}

unsigned long writer_count(const struct writer *w)
{
	return w->count;
}

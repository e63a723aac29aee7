/*
 * writer - what we want objects to be, written when we lead: one wish a key, the
 * latest counts, equal ones are not written twice, failures are tried again.
 * Control thread.
 *
 *	writer_put(key, wish) ─► changed? ─► leader? ─► api ─┬─► done
 *	                            ▲                        └─► failed: after a while
 *	                            └────────────────────────────────┘
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

struct api;
struct loop;
struct writer;

enum write_kind {
	WRITE_APPLY,  /* server-side apply, forced */
	WRITE_MERGE,  /* JSON merge patch */
	WRITE_CREATE, /* POST; that it exists already is success */
	WRITE_DELETE, /* that it is gone is success */
};

struct write {
	enum write_kind kind;
	const char *path; /* without parameters */
	const char *body; /* JSON; NULL with WRITE_DELETE */
	/*
	 * Once it was written (STATUS 2xx) or is refused for good (4xx); MESSAGE as the server
	 * says. NULL = nobody asks.  May call writer_put.
	 */
	void (*done)(void *ctx, const char *key, int status, const char *message);
	void *ctx;
	bool once; /* forgotten when it is done: the same may be wished again */
};

struct writer *writer_new(struct loop *loop, struct api *api);
void writer_free(struct writer *w);
/* Nothing is sent while we do not lead; what is on its way is called back. */
void writer_set_leader(struct writer *w, bool leader);
bool writer_is_leader(const struct writer *w);
/* Copies X. */
void writer_put(struct writer *w, const char *key, const struct write *x);
/* The wish of KEY as it is now, borrowed until the next call; NULL if there is none. */
const struct write *writer_get(struct writer *w, const char *key);
/* Wish no more (the object is gone). */
void writer_drop(struct writer *w, const char *key);
/* Writes done so far, for tests and status. */
unsigned long writer_count(const struct writer *w);

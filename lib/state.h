/*
 * state - what survives a restart (--state-dir): tables of keys and values in
 * LMDB.  Reading is direct; writing is queued and done by a thread, many writes
 * with one fsync, so that the control loop never waits for a disk.
 *
 *	state_put ─► queue ─► writer thread: one LMDB transaction ─► state_sync's callback
 *
 * Control thread.  Every function takes NULL for "no state dir": writes vanish, reads find
 * nothing, a sync is done at once with ERR_UNSUPPORTED.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"

struct loop;
struct state;

/*
 * Open, or create with mode 0700.  dir "" or NULL: *ret = NULL and 0.
 * ERR_IO with *ret_why (caller frees).
 */
int state_open(const char *dir, struct loop *loop, struct state **ret, char **ret_why);
/* Writes what is queued, and waits for it. */
void state_close(struct state *s);
/* TABLE: one of at most 32 names.  Key: 1..511 octets; longer is a mistake (assert). */
void state_put(struct state *s, const char *table, const void *key, size_t key_len,
	       const void *value, size_t len);
void state_delete(struct state *s, const char *table, const void *key, size_t key_len);
/* Append the value of KEY to OUT, as the last finished sync left it.  ERR_NOT_FOUND. */
int state_get(struct state *s, const char *table, const void *key, size_t key_len, struct buf *out);
/*
 * Each key that begins with PREFIX, in the order of its octets; stops when CB returns false.
 * Borrowed during the call; CB must not read the state itself.
 */
void state_each(struct state *s, const char *table, const void *prefix, size_t prefix_len,
		bool (*cb)(void *ctx, const void *key, size_t key_len, const void *value,
			   size_t len),
		void *ctx);
/* CB on the control loop when everything put before is on the disk: ERR 0, or ERR_IO (it is lost).
 */
void state_sync(struct state *s, void (*cb)(void *ctx, int err), void *ctx);
/* The folder, for files beside the tables; NULL without one. */
const char *state_dir(const struct state *s);
/* Writes that failed since the start. */
unsigned long state_errors(const struct state *s);

#include "lib/state.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lmdb.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"

enum { TABLES_MAX = 32, KEY_MAX = 511 };
#define MAP_SIZE ((size_t)1 << 36) /* address space, not disk */

enum op_kind { OP_PUT, OP_DELETE, OP_SYNC };

struct op {
	struct op *next;
	enum op_kind kind;
	MDB_dbi dbi;
	size_t key_len, len;
	void (*cb)(void *ctx, int err);
	void *ctx;
	int err;
	uint8_t bytes[]; /* key, value */
};

struct table {
	char *name;
	MDB_dbi dbi;
};

struct state {
	char *dir;
	struct loop *loop;
	MDB_env *env;
	pthread_t thread;
	struct table tables[TABLES_MAX];
	unsigned ntables;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	struct op *queue, **queue_end;
	bool stop;
	unsigned long errors;
};

/* --- tables -------------------------------------------------------------------------- */

/*
 * The table NAME, made at its first use.  LMDB wants that only one thread opens tables: this one
 * (control) does, which may wait for a running write once a table.
 */
static const struct table *table_of(struct state *s, const char *name)
{
	MDB_txn *txn;

	for (unsigned i = 0; i < s->ntables; i++)
		if (strcmp(s->tables[i].name, name) == 0)
			return &s->tables[i];
	assert(s->ntables < TABLES_MAX);
	struct table *t = &s->tables[s->ntables];
	if (mdb_txn_begin(s->env, NULL, 0, &txn))
		return NULL;
	if (mdb_dbi_open(txn, name, MDB_CREATE, &t->dbi)) {
		mdb_txn_abort(txn);
		return NULL;
	}
	if (mdb_txn_commit(txn))
		return NULL;
	t->name = mem_strdup(name);
	s->ntables++;
	return t;
}

/* --- the writer ------------------------------------------------------------------------ */

static int apply(MDB_txn *txn, const struct op *op)
{
	MDB_val key = { op->key_len, (void *)(uintptr_t)op->bytes };
	MDB_val value = { op->len, (void *)(uintptr_t)(op->bytes + op->key_len) };

	if (op->kind == OP_SYNC)
		return 0;
	if (op->kind == OP_PUT)
		return mdb_put(txn, op->dbi, &key, &value, 0);
	int rc = mdb_del(txn, op->dbi, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static int write_all(struct state *s, const struct op *ops)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc)
		return ERR_IO;
	for (; ops && rc == 0; ops = ops->next)
		rc = apply(txn, ops);
	if (rc) {
		mdb_txn_abort(txn);
		return ERR_IO;
	}
	return mdb_txn_commit(txn) ? ERR_IO : 0;
}

static void tell(void *ctx)
{
	struct op *op = ctx;

	op->cb(op->ctx, op->err);
	free(op);
}

/* One batch is on the disk, or lost: free it, tell those who wait. */
static void finish(struct state *s, struct op *ops, int err)
{
	while (ops) {
		struct op *op = ops;

		ops = op->next;
		op->err = err;
		if (op->kind == OP_SYNC)
			loop_post(s->loop, tell, op);
		else
			free(op);
	}
}

static void *writer(void *arg)
{
	struct state *s = arg;

	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->queue == NULL && !s->stop)
			(void)pthread_cond_wait(&s->wake, &s->lock);
		struct op *ops = s->queue;
		if (ops == NULL)
			break;
		s->queue = NULL;
		s->queue_end = &s->queue;
		(void)pthread_mutex_unlock(&s->lock);
		int err = write_all(s, ops);
		finish(s, ops, err);
		(void)pthread_mutex_lock(&s->lock);
		s->errors += err != 0;
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- life -------------------------------------------------------------------------------- */

static int open_env(struct state *s)
{
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, TABLES_MAX);
	if (rc == 0)
		rc = mdb_env_open(s->env, s->dir, MDB_NOTLS, 0600);
	return rc;
}

int state_open(const char *dir, struct loop *loop, struct state **ret, char **ret_why)
{
	if (dir == NULL || *dir == '\0') {
		*ret = NULL;
		return 0;
	}
	struct state *s = MEM_NEW(struct state);
	s->dir = mem_strdup(dir);
	s->loop = loop;
	s->queue_end = &s->queue;
	int rc = mkdir(dir, 0700) && errno != EEXIST ? errno : open_env(s);
	if (rc == 0) {
		(void)pthread_mutex_init(&s->lock, NULL);
		(void)pthread_cond_init(&s->wake, NULL);
		rc = pthread_create(&s->thread, NULL, writer, s);
	}
	if (rc) {
		*ret_why = mem_printf("cannot open the state folder %s: %s", dir, mdb_strerror(rc));
		if (s->env)
			mdb_env_close(s->env);
		free(s->dir);
		free(s);
		return ERR_IO;
	}
	*ret = s;
	return 0;
}

void state_close(struct state *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	mdb_env_close(s->env);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->wake);
	for (unsigned i = 0; i < s->ntables; i++)
		free(s->tables[i].name);
	free(s->dir);
	free(s);
}

const char *state_dir(const struct state *s)
{
	return s ? s->dir : NULL;
}

unsigned long state_errors(const struct state *s)
{
	struct state *m = (struct state *)(uintptr_t)s;
	unsigned long n;

	if (s == NULL)
		return 0;
	(void)pthread_mutex_lock(&m->lock);
	n = m->errors;
	(void)pthread_mutex_unlock(&m->lock);
	return n;
}

/* --- writing -------------------------------------------------------------------------------- */

static void enqueue(struct state *s, struct op *op)
{
	(void)pthread_mutex_lock(&s->lock);
	*s->queue_end = op;
	s->queue_end = &op->next;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

static void change(struct state *s, enum op_kind kind, const char *table, const void *key,
		   size_t key_len, const void *value, size_t len)
{
	assert(key_len && key_len <= KEY_MAX);
	const struct table *t = table_of(s, table);
	if (t == NULL) {
		(void)pthread_mutex_lock(&s->lock);
		s->errors++;
		(void)pthread_mutex_unlock(&s->lock);
		return;
	}
	struct op *op = mem_zalloc(sizeof(*op) + key_len + len);
	op->kind = kind;
	op->dbi = t->dbi;
	op->key_len = key_len;
	op->len = len;
	memcpy(op->bytes, key, key_len);
	if (len)
		memcpy(op->bytes + key_len, value, len);
	enqueue(s, op);
}

void state_put(struct state *s, const char *table, const void *key, size_t key_len,
	       const void *value, size_t len)
{
	if (s)
		change(s, OP_PUT, table, key, key_len, value, len);
}

void state_delete(struct state *s, const char *table, const void *key, size_t key_len)
{
	if (s)
		change(s, OP_DELETE, table, key, key_len, NULL, 0);
}

void state_sync(struct state *s, void (*cb)(void *ctx, int err), void *ctx)
{
	if (s == NULL) {
		cb(ctx, ERR_UNSUPPORTED);
		return;
	}
	struct op *op = MEM_NEW(struct op);
	op->kind = OP_SYNC;
	op->cb = cb;
	op->ctx = ctx;
	enqueue(s, op);
}

/* --- reading -------------------------------------------------------------------------------- */

int state_get(struct state *s, const char *table, const void *key, size_t key_len, struct buf *out)
{
	MDB_val k = { key_len, (void *)(uintptr_t)key }, v;
	const struct table *t = s ? table_of(s, table) : NULL;
	MDB_txn *txn;

	if (t == NULL || mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn))
		return ERR_NOT_FOUND;
	int rc = mdb_get(txn, t->dbi, &k, &v);
	if (rc == 0)
		buf_add(out, v.mv_data, v.mv_size);
	mdb_txn_abort(txn);
	return rc ? ERR_NOT_FOUND : 0;
}

static bool has_prefix(const MDB_val *k, const void *prefix, size_t len)
{
	return k->mv_size >= len && (len == 0 || memcmp(k->mv_data, prefix, len) == 0);
}

void state_each(struct state *s, const char *table, const void *prefix, size_t prefix_len,
		bool (*cb)(void *ctx, const void *key, size_t key_len, const void *value,
			   size_t len),
		void *ctx)
{
	MDB_val k = { prefix_len, (void *)(uintptr_t)prefix }, v;
	const struct table *t = s ? table_of(s, table) : NULL;
	MDB_cursor *cursor = NULL;
	MDB_txn *txn;

	if (t == NULL || mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn))
		return;
	int rc = mdb_cursor_open(txn, t->dbi, &cursor);
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &k, &v, prefix_len ? MDB_SET_RANGE : MDB_FIRST);
	while (rc == 0 && has_prefix(&k, prefix, prefix_len) &&
	       cb(ctx, k.mv_data, k.mv_size, v.mv_data, v.mv_size))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	if (cursor)
		mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
}

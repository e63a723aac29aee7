#include "server/zone_reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/dname.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "zonedb/zonedb.h"
#include "zonedb/zonefile_changes.h"

struct zone_reader {
	struct zonedb *db;
	zone_reader_cb cb;
	void *ctx;
	int done_fd; /* eventfd: the thread is at its end */
	struct loop_fd *done;
	/* the reading under way; the thread's until it has written to done_fd */
	bool is_busy;
	pthread_t thread;
	void *item;
	char *path;
	uint8_t origin[DNAME_MAX];
	const struct zonedb_version *version; /* kept for live */
	const struct zone *live;
	const struct zonefile_sums *old;
	struct zone_reading result;
};

static void *read_file(void *arg)
{
	struct zone_reader *r = arg;
	struct zone_reading *to = &r->result;
	const uint64_t one = 1;

	to->err = zonefile_changes_read(r->path, r->origin, r->live, r->old, &to->changes,
					&to->files, &to->why);
	(void)!write(r->done_fd, &one, sizeof(one)); /* an eventfd takes it */
	return NULL;
}

/* The thread is done or will be soon: take what it found. */
static struct zone_reading end(struct zone_reader *r)
{
	(void)pthread_join(r->thread, NULL); /* it is ours and was not joined */
	zonedb_unref(r->version);
	free(r->path);
	r->path = NULL;
	r->version = NULL;
	r->is_busy = false;
	struct zone_reading result = r->result;
	memset(&r->result, 0, sizeof(r->result));
	return result;
}

static void on_done(void *ctx)
{
	struct zone_reader *r = ctx;
	uint64_t count;

	if (read(r->done_fd, &count, sizeof(count)) != (ssize_t)sizeof(count) || !r->is_busy)
		return;
	void *item = r->item;
	struct zone_reading result = end(r);
	r->cb(r->ctx, item, &result);
}

struct zone_reader *zone_reader_new(struct loop *l, struct zonedb *db, zone_reader_cb cb, void *ctx)
{
	struct zone_reader *r = MEM_NEW(struct zone_reader);

	r->db = db;
	r->cb = cb;
	r->ctx = ctx;
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd >= 0)
		r->done = loop_fd_new(l, r->done_fd, on_done, r);
	return r;
}

void zone_reader_free(struct zone_reader *r)
{
	if (r == NULL)
		return;
	if (r->is_busy) {
		struct zone_reading result = end(r);

		zonefile_changes_free(result.changes);
		strv_fini(&result.files);
		free(result.why);
	}
	if (r->done_fd >= 0) {
		loop_fd_free(r->done);
		(void)close(r->done_fd); /* nothing is in it */
	}
	free(r);
}

bool zone_reader_is_busy(const struct zone_reader *r)
{
	return r->is_busy;
}

int zone_reader_start(struct zone_reader *r, void *item, const char *path, const uint8_t *origin,
		      const struct zonefile_sums *old)
{
	if (r->is_busy)
		return ERR_AGAIN;
	if (r->done_fd < 0)
		return ERR_IO;
	r->version = zonedb_ref(r->db);
	r->live = zonedb_zone(r->version, origin);
	if (r->live == NULL) {
		zonedb_unref(r->version);
		return ERR_NOT_FOUND;
	}
	r->item = item;
	r->path = mem_strdup(path);
	memcpy(r->origin, origin, dname_len(origin));
	r->old = old;
	r->is_busy = true;
	if (pthread_create(&r->thread, NULL, read_file, r) == 0)
		return 0;
	r->is_busy = false;
	free(r->path);
	zonedb_unref(r->version);
	return ERR_IO;
}

#include "lib/file_watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/strv.h"

struct folder {
	int wd;
	char *path;
	struct map files; /* name to char *path as it was given */
};

struct file_watch {
	int fd;
	struct loop_fd *event;
	struct map folders; /* path to struct folder */
	struct folder **by_wd;
	size_t nwd;
	file_watch_cb cb;
	void *ctx;
};

static void folder_free(void *p)
{
	struct folder *f = p;

	map_fini(&f->files, free);
	free(f->path);
	free(f);
}

/* Copies the paths first: the callback may add files. */
static void tell(struct file_watch *w, const struct strv *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		w->cb(w->ctx, paths->s[i]);
}

static void on_change(struct file_watch *w, const struct inotify_event *e, struct strv *paths)
{
	if (e->mask & IN_Q_OVERFLOW) { /* something was lost: everything may have changed */
		for (struct map_item *d = map_first(&w->folders); d; d = map_next(&w->folders, d)) {
			struct folder *f = d->value;

			for (struct map_item *i = map_first(&f->files); i;
			     i = map_next(&f->files, i))
				(void)strv_add_unique(paths, i->value); /* twice is once */
		}
		return;
	}
	if (e->wd < 0 || (size_t)e->wd >= w->nwd || w->by_wd[e->wd] == NULL || e->len == 0)
		return;
	struct folder *f = w->by_wd[e->wd];
	const char *path = map_get(&f->files, e->name);
	if (path)
		(void)strv_add_unique(paths, path);
	if (strcmp(e->name, "..data") != 0)
		return;
	for (struct map_item *i = map_first(&f->files); i; i = map_next(&f->files, i))
		(void)strv_add_unique(paths, i->value);
}

static void on_readable(void *ctx)
{
	struct file_watch *w = ctx;
	_Alignas(struct inotify_event) char bytes[16384];
	struct strv paths = { 0 };
	ssize_t n;

	while ((n = read(w->fd, bytes, sizeof(bytes))) > 0) {
		for (char *p = bytes; p < bytes + n;) {
			const struct inotify_event *e = (const struct inotify_event *)(void *)p;

			on_change(w, e, &paths);
			p += sizeof(*e) + e->len;
		}
	}
	tell(w, &paths);
	strv_fini(&paths);
}

struct file_watch *file_watch_new(struct loop *loop, file_watch_cb cb, void *ctx)
{
	struct file_watch *w = MEM_NEW(struct file_watch);

	w->cb = cb;
	w->ctx = ctx;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd >= 0)
		w->event = loop_fd_new(loop, w->fd, on_readable, w);
	return w;
}

void file_watch_free(struct file_watch *w)
{
	if (w == NULL)
		return;
	loop_fd_free(w->event);
	if (w->fd >= 0)
		(void)close(w->fd); /* the watches go with it */
	map_fini(&w->folders, folder_free);
	free(w->by_wd);
	free(w);
}

static struct folder *folder_of(struct file_watch *w, const char *path)
{
	struct folder *f = map_get(&w->folders, path);

	if (f)
		return f;
	int wd = w->fd < 0 ? -1
			   : inotify_add_watch(w->fd, path,
					       IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE |
						       IN_MOVED_FROM | IN_ONLYDIR);
	if (wd < 0)
		return NULL;
	if ((size_t)wd >= w->nwd) {
		w->by_wd = mem_array(w->by_wd, (size_t)wd + 1, sizeof(struct folder *));
		memset(w->by_wd + w->nwd, 0, ((size_t)wd + 1 - w->nwd) * sizeof(struct folder *));
		w->nwd = (size_t)wd + 1;
	}
	if (w->by_wd[wd]) /* another spelling of the same folder */
		return w->by_wd[wd];
	f = MEM_NEW(struct folder);
	f->wd = wd;
	f->path = mem_strdup(path);
	w->by_wd[wd] = f;
	map_put(&w->folders, path, f);
	return f;
}

int file_watch_add(struct file_watch *w, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL   ? mem_strdup(".")
		    : slash == path ? mem_strdup("/")
				    : mem_strndup(path, (size_t)(slash - path));
	struct folder *f = folder_of(w, dir);
	const char *name = slash ? slash + 1 : path;

	free(dir);
	if (f == NULL)
		return ERR_IO;
	if (map_get(&f->files, name) == NULL)
		map_put(&f->files, name, mem_strdup(path));
	return 0;
}

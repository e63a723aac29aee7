#include "k8s/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "k8s/manifest_file.h"
#include "k8s/store.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "lib/yaml.h"

#define MAX_FILE  (256L << 20)
#define MAX_DEPTH 8
/* A name that went may come back at once (an editor's backup by rename). */
#define REMOVE_AFTER_MS 5
/* What inotify does not tell (network file systems, targets of links) is seen by looking. */
#define RESCAN_MS 10000
/* A file younger than this may still be written when the rescan finds it. */
#define SETTLED_S 2

#define EVENTS                                                                                   \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
	 IN_MOVE_SELF | IN_ONLYDIR)

/* Which content of a path was read. */
struct signature {
	dev_t dev;
	ino_t ino;
	off_t size;
	int64_t mtime_ns;
};

struct file {
	char *path;
	struct signature signature;
	uint64_t hash;             /* of the text that was last parsed */
	struct manifest_object *o; /* its last good content */
	size_t n;
	struct strv errors;
	bool seen, doomed;
};

/* One file that holds an object. */
struct claim {
	struct file *file;
	struct object *object; /* borrowed of the file */
	unsigned long round;   /* in which it was made or renewed */
};

/* All files that hold an object of one identity, by path; the first counts. */
struct claims {
	struct claim *c;
	size_t n;
	struct object *stored; /* a reference, to see what the store has of us */
};

struct manifest {
	struct loop *loop;
	struct store *store;
	char *dir;
	manifest_wants_cb wants;
	void *ctx;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *rescan, *reap;
	struct map dirs;   /* path -> watch descriptor as text */
	struct map by_wd;  /* watch descriptor as text -> path */
	struct map files;  /* path -> struct file */
	struct map claims; /* key -> struct claims */
	unsigned long round;
	size_t broken;
	char *trouble; /* why the folder cannot be read now */
	bool started;
};

/* --- objects: from claims to the store ------------------------------------------------ */

/* The store gets the object of the first file, or loses it. */
static void settle(struct manifest *m, const char *key)
{
	struct claims *c = map_get(&m->claims, key);

	if (c == NULL)
		return;
	if (c->n && c->c[0].object != c->stored) {
		object_unref(c->stored);
		c->stored = object_ref(c->c[0].object);
		store_put(m->store, object_ref(c->stored));
	}
	if (c->n)
		return;
	if (c->stored)
		store_remove(m->store, c->stored->kind, c->stored->namespace, c->stored->name);
	object_unref(c->stored);
	free(c->c);
	free(map_remove(&m->claims, key));
}

static void warn_of_others(const struct claims *c, const struct file *f, const char *key)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->c[i].file != f && !c->c[i].file->doomed) {
			log_warning("%s and %s both hold %s; that of %s counts", f->path,
				    c->c[i].file->path, key + strcspn(key, "/") + 1,
				    c->c[0].file->path);
			return;
		}
}

static void make_claim(struct manifest *m, struct file *f, const struct manifest_object *o)
{
	struct claims *c = map_get(&m->claims, o->key);
	struct claim mine = { f, o->object, m->round };
	size_t i = 0;

	if (c == NULL) {
		c = MEM_NEW(struct claims);
		(void)map_put(&m->claims, o->key, c);
	}
	while (i < c->n && strcmp(c->c[i].file->path, f->path) < 0)
		i++;
	if (i < c->n && c->c[i].file == f) {
		c->c[i] = mine;
		return;
	}
	c->c = mem_array(c->c, c->n + 1, sizeof(*c->c));
	memmove(c->c + i + 1, c->c + i, (c->n - i) * sizeof(*c->c));
	c->c[i] = mine;
	c->n++;
	warn_of_others(c, f, o->key);
}

/* Drop F's claim on KEY unless it was renewed in this round. */
static void end_claim(struct manifest *m, const struct file *f, const char *key)
{
	struct claims *c = map_get(&m->claims, key);

	for (size_t i = 0; c && i < c->n; i++) {
		if (c->c[i].file != f || c->c[i].round == m->round)
			continue;
		memmove(c->c + i, c->c + i + 1, (c->n - i - 1) * sizeof(*c->c));
		c->n--;
		break;
	}
}

/* --- files ---------------------------------------------------------------------------- */

static void show_counts(const struct manifest *m)
{
	metric_set(METRIC_MANIFEST_FILES, (double)m->files.n);
	metric_set(METRIC_MANIFEST_ERRORS, (double)m->broken);
	status_touch();
}

static void objects_free(struct manifest_object *o, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		object_unref(o[i].object);
		free(o[i].key);
	}
	free(o);
}

static void file_free(void *p)
{
	struct file *f = p;

	objects_free(f->o, f->n);
	strv_fini(&f->errors);
	free(f->path);
	free(f);
}

/* Say what is new among the errors. */
static void tell_errors(struct manifest *m, struct file *f, struct manifest_content *c)
{
	for (size_t i = 0; i < c->warnings.n; i++)
		log_warning("%s", c->warnings.s[i]);
	for (size_t i = 0; i < c->errors.n; i++)
		if (!strv_has(&f->errors, c->errors.s[i]))
			log_error("%s%s", c->errors.s[i],
				  f->n ? "; what was there before stays" : "");
	if (c->errors.n)
		metric_add(METRIC_MANIFEST_ERRORS_TOTAL, 1);
	m->broken += (size_t)(c->errors.n > 0) - (size_t)(f->errors.n > 0);
	strv_fini(&f->errors);
	f->errors = c->errors;
	c->errors = (struct strv){ 0 };
}

/* An object that is wrong now keeps the form in which it was last good. */
static void keep_bad_ones(struct file *f, struct manifest_content *c)
{
	struct map now = { 0 };

	if (c->bad_keys.n == 0 && !c->has_nameless)
		return;
	for (size_t i = 0; i < c->n; i++)
		(void)map_put(&now, c->o[i].key, f);
	for (size_t i = 0; i < f->n; i++) {
		const struct manifest_object *old = &f->o[i];

		if (map_get(&now, old->key) ||
		    (!c->has_nameless && !strv_has(&c->bad_keys, old->key)))
			continue;
		c->o = mem_array(c->o, c->n + 1, sizeof(*c->o));
		c->o[c->n++] = (struct manifest_object){ mem_strdup(old->key),
							 object_ref(old->object), old->line };
	}
	map_fini(&now, NULL);
}

static void drop_unwanted(struct manifest *m, struct manifest_content *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		if (m->wants == NULL || m->wants(m->ctx, c->o[i].object)) {
			c->o[n++] = c->o[i];
			continue;
		}
		object_unref(c->o[i].object);
		free(c->o[i].key);
	}
	c->n = n;
}

/* C's objects in place of those that F had. */
static void replace(struct manifest *m, struct file *f, struct manifest_content *c)
{
	struct manifest_object *old = f->o;
	size_t nold = f->n;

	m->round++;
	f->o = c->o;
	f->n = c->n;
	c->o = NULL;
	c->n = 0;
	for (size_t i = 0; i < f->n; i++)
		make_claim(m, f, &f->o[i]);
	for (size_t i = 0; i < nold; i++) {
		end_claim(m, f, old[i].key);
		settle(m, old[i].key);
	}
	for (size_t i = 0; i < f->n; i++)
		settle(m, f->o[i].key);
	objects_free(old, nold);
}

static void take_content(struct manifest *m, struct file *f, const char *text, size_t len)
{
	struct manifest_content c = { 0 };

	if (manifest_file_parse(f->path, text, len, &c) == 0) {
		keep_bad_ones(f, &c);
		drop_unwanted(m, &c);
		tell_errors(m, f, &c);
		replace(m, f, &c);
	} else {
		tell_errors(m, f, &c);
	}
	manifest_content_fini(&c);
}

static int read_all(int fd, size_t size, struct buf *b)
{
	char chunk[65536];
	ssize_t got;

	buf_reserve(b, size);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0) {
		if (b->len + (size_t)got > (size_t)MAX_FILE)
			return ERR_LIMIT;
		buf_add(b, chunk, (size_t)got);
	}
	return got < 0 ? ERR_IO : 0;
}

static struct signature signature_of(const struct stat *st)
{
	return (struct signature){ st->st_dev, st->st_ino, st->st_size,
				   (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec };
}

static bool is_same(const struct signature *a, const struct signature *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns;
}

static void file_failed(struct manifest *m, struct file *f, const char *why)
{
	struct manifest_content c = { 0 };

	f->signature = (struct signature){ 0 };
	f->hash = 0;
	strv_take(&c.errors, mem_printf("%s: %s", f->path, why));
	tell_errors(m, f, &c);
	manifest_content_fini(&c);
}

static struct file *file_for(struct manifest *m, const char *path)
{
	struct file *f = map_get(&m->files, path);

	if (f == NULL) {
		f = MEM_NEW(struct file);
		f->path = mem_strdup(path);
		(void)map_put(&m->files, path, f);
	}
	f->doomed = false;
	return f;
}

/* The text of an open file, and what it was read from. */
static int read_file(int fd, struct buf *text, struct signature *ret, bool *ret_regular)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_IO;
	*ret_regular = S_ISREG(st.st_mode);
	*ret = signature_of(&st);
	if (!*ret_regular)
		return 0;
	return st.st_size > MAX_FILE ? ERR_LIMIT : read_all(fd, (size_t)st.st_size, text);
}

/*
 * Read PATH and take what is new.  The text decides: two writes within a tick of the file
 * system's clock have the same signature.
 */
static void load(struct manifest *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf text = { 0 };
	struct signature sign;
	bool is_regular = true;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return;
	struct file *f = file_for(m, path);
	int err = fd < 0 ? ERR_IO : read_file(fd, &text, &sign, &is_regular);
	if (err) {
		file_failed(m, f, fd < 0 ? strerror(errno) : error_text(err));
	} else if (is_regular) {
		uint64_t hash = map_hash(buf_str(&text), text.len) | 1;

		f->signature = sign;
		if (f->hash != hash) {
			f->hash = hash;
			metric_add(METRIC_MANIFEST_RELOADS_TOTAL, 1);
			take_content(m, f, buf_str(&text), text.len);
		}
	}
	buf_fini(&text);
	if (fd >= 0)
		(void)close(fd);
}

static void unload(struct manifest *m, struct file *f)
{
	struct manifest_content none = { 0 };

	log_debug("%s is gone", f->path);
	replace(m, f, &none);
	m->broken -= f->errors.n > 0;
	file_free(map_remove(&m->files, f->path));
}

/* --- folders -------------------------------------------------------------------------- */

static bool is_manifest(const char *name)
{
	static const char *const ends[] = { ".yaml", ".yml", ".json" };
	size_t n = strlen(name);

	if (name[0] == '.' || name[0] == '#')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		size_t e = strlen(ends[i]);

		if (n > e && strcmp(name + n - e, ends[i]) == 0)
			return true;
	}
	return false;
}

static void watch_dir(struct manifest *m, const char *path)
{
	char number[24];
	int wd = inotify_add_watch(m->fd, path, EVENTS);

	if (wd < 0) {
		log_warning("%s cannot be watched (%s); changes are seen every %d s", path,
			    strerror(errno), RESCAN_MS / 1000);
		return;
	}
	(void)snprintf(number, sizeof(number), "%d", wd);
	free(map_put(&m->dirs, path, mem_strdup(number)));
	free(map_put(&m->by_wd, number, mem_strdup(path)));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Young files are left to inotify's close event: somebody may still be writing. */
static bool may_load(const struct manifest *m, const struct file *f, const struct stat *st,
		     bool patient)
{
	struct signature s = signature_of(st);

	(void)m;
	if (f && is_same(&s, &f->signature))
		return false;
	return !patient || st->st_mtim.tv_sec + SETTLED_S <= clock_real_s();
}

static void scan(struct manifest *m, const char *dir, unsigned depth, bool patient);

static void scan_entry(struct manifest *m, const char *dir, const char *name, unsigned depth,
		       bool patient)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct file *f = map_get(&m->files, path);
	struct stat st;

	if (name[0] == '.' || stat(path, &st) != 0)
		goto out;
	if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH)
		scan(m, path, depth + 1, patient);
	if (!S_ISREG(st.st_mode) || !is_manifest(name))
		goto out;
	if (may_load(m, f, &st, patient))
		load(m, path);
	f = map_get(&m->files, path);
	if (f) {
		f->seen = true;
		f->doomed = false;
	}
out:
	free(path);
}

static void scan(struct manifest *m, const char *dir, unsigned depth, bool patient)
{
	struct dirent **list = NULL;

	if (!patient || map_get(&m->dirs, dir) == NULL)
		watch_dir(m, dir);
	int n = scandir(dir, &list, NULL, by_name);
	if (n < 0) {
		if (depth == 0) {
			if (m->trouble == NULL)
				log_error("%s: %s; its last content stays", dir, strerror(errno));
			mem_strset(&m->trouble, strerror(errno));
		}
		return;
	}
	if (depth == 0)
		mem_strset(&m->trouble, NULL);
	for (int i = 0; i < n; i++) {
		scan_entry(m, dir, list[i]->d_name, depth, patient);
		free(list[i]);
	}
	free(list);
}

static void reap(void *ctx)
{
	struct manifest *m = ctx;
	struct map_item *next;

	for (struct map_item *it = map_first(&m->files); it; it = next) {
		struct file *f = it->value;
		struct stat st;

		next = map_next(&m->files, it);
		if (!f->doomed)
			continue;
		f->doomed = false;
		if (stat(f->path, &st) != 0)
			unload(m, f);
	}
	show_counts(m);
}

static void doom(struct manifest *m, struct file *f)
{
	f->doomed = true;
	if (!loop_timer_is_set(m->reap))
		loop_timer_set(m->reap, REMOVE_AFTER_MS);
}

static void look(struct manifest *m, bool patient)
{
	for (struct map_item *it = map_first(&m->files); it; it = map_next(&m->files, it))
		((struct file *)it->value)->seen = false;
	scan(m, m->dir, 0, patient);
	if (m->trouble == NULL)
		for (struct map_item *it = map_first(&m->files); it; it = map_next(&m->files, it))
			if (!((struct file *)it->value)->seen)
				doom(m, it->value);
	show_counts(m);
}

static void on_rescan(void *ctx)
{
	struct manifest *m = ctx;

	look(m, true);
	loop_timer_set(m->rescan, RESCAN_MS);
}

void manifest_rescan(struct manifest *m)
{
	if (m->started)
		look(m, false);
}

/* --- inotify -------------------------------------------------------------------------- */

static void doom_below(struct manifest *m, const char *dir)
{
	size_t n = strlen(dir);

	for (struct map_item *it = map_first(&m->files); it; it = map_next(&m->files, it))
		if (strncmp(it->key, dir, n) == 0 && it->key[n] == '/')
			doom(m, it->value);
}

static void forget_dir(struct manifest *m, const char *number)
{
	char *path = map_remove(&m->by_wd, number);

	if (path && map_get(&m->dirs, path) && strcmp(map_get(&m->dirs, path), number) == 0)
		free(map_remove(&m->dirs, path));
	free(path);
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && (S_ISLNK(st.st_mode) || st.st_nlink > 1);
}

/* NAME in folder DIR.  True if the whole folder must be looked at. */
static bool on_name(struct manifest *m, const char *dir, const char *name, uint32_t mask)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct file *f = map_get(&m->files, path);
	bool again = strcmp(name, "..data") == 0; /* a mounted ConfigMap was replaced */

	if (mask & IN_ISDIR) {
		if (mask & (IN_MOVED_FROM | IN_DELETE))
			doom_below(m, path);
		again = again || (name[0] != '.' && (mask & (IN_CREATE | IN_MOVED_TO)));
	} else if (again || !is_manifest(name)) {
		/* an editor's file */
	} else if (mask & (IN_MOVED_FROM | IN_DELETE)) {
		if (f)
			doom(m, f);
	} else if (!(mask & IN_CREATE) || is_link(path)) {
		load(m, path);
	}
	free(path);
	return again;
}

static bool on_event(struct manifest *m, const struct inotify_event *e)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%d", e->wd);
	if (e->mask & IN_Q_OVERFLOW)
		return true;
	const char *dir = map_get(&m->by_wd, number);
	if (dir == NULL)
		return false;
	if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
		bool is_root = strcmp(dir, m->dir) == 0;

		if (e->mask & IN_MOVE_SELF)
			(void)inotify_rm_watch(m->fd, e->wd);
		forget_dir(m, number);
		return is_root;
	}
	return e->len ? on_name(m, dir, e->name, e->mask) : false;
}

static void on_readable(void *ctx)
{
	struct manifest *m = ctx;
	char chunk[65536] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool again = false;
	ssize_t got;

	while ((got = read(m->fd, chunk, sizeof(chunk))) > 0)
		for (char *p = chunk; p < chunk + got;) {
			const struct inotify_event *e = (const void *)p;

			again = on_event(m, e) || again;
			p += sizeof(*e) + e->len;
		}
	if (again)
		look(m, false);
	else
		show_counts(m);
}

/* --- life ----------------------------------------------------------------------------- */

static void describe(void *ctx, cJSON *out)
{
	struct manifest *m = ctx;
	cJSON *errors;

	(void)cJSON_AddStringToObject(out, "folder", m->dir);
	(void)cJSON_AddNumberToObject(out, "files", (double)m->files.n);
	(void)cJSON_AddNumberToObject(out, "objects", (double)m->claims.n);
	if (m->trouble)
		(void)cJSON_AddStringToObject(out, "trouble", m->trouble);
	errors = cJSON_AddArrayToObject(out, "errors");
	for (struct map_item *it = map_first(&m->files); it; it = map_next(&m->files, it)) {
		const struct file *f = it->value;

		for (size_t i = 0; i < f->errors.n && cJSON_GetArraySize(errors) < 100; i++)
			(void)cJSON_AddItemToArray(errors, cJSON_CreateString(f->errors.s[i]));
	}
}

int manifest_new(struct loop *loop, struct store *store, const char *dir, manifest_wants_cb wants,
		 void *ctx, struct manifest **ret, char **ret_why)
{
	DIR *d = opendir(dir);

	if (d == NULL) {
		*ret_why = mem_printf("--manifests=%s: %s", dir, strerror(errno));
		return ERR_INVALID;
	}
	(void)closedir(d);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0) {
		*ret_why = mem_printf("--manifests=%s: inotify: %s", dir, strerror(errno));
		return ERR_IO;
	}
	struct manifest *m = MEM_NEW(struct manifest);
	m->loop = loop;
	m->store = store;
	m->dir = mem_strdup(dir);
	for (size_t n = strlen(m->dir); n > 1 && m->dir[n - 1] == '/'; n--)
		m->dir[n - 1] = '\0';
	m->wants = wants;
	m->ctx = ctx;
	m->fd = fd;
	m->watch = loop_fd_new(loop, fd, on_readable, m);
	m->rescan = loop_timer_new(loop, on_rescan, m);
	m->reap = loop_timer_new(loop, reap, m);
	status_section("manifests", describe, m);
	*ret = m;
	return 0;
}

static void claims_free(void *p)
{
	struct claims *c = p;

	object_unref(c->stored);
	free(c->c);
	free(c);
}

void manifest_free(struct manifest *m)
{
	if (m == NULL)
		return;
	map_fini(&m->claims, claims_free);
	map_fini(&m->files, file_free);
	map_fini(&m->dirs, free);
	map_fini(&m->by_wd, free);
	loop_fd_free(m->watch);
	loop_timer_free(m->rescan);
	loop_timer_free(m->reap);
	(void)close(m->fd);
	free(m->trouble);
	free(m->dir);
	free(m);
}

void manifest_start(struct manifest *m)
{
	m->started = true;
	look(m, false);
	log_info("%s: %zu files, %zu objects, %zu files with errors", m->dir, m->files.n,
		 m->claims.n, m->broken);
	for (int i = 0; i < KIND_COUNT; i++)
		store_set_synced(m->store, (enum kind_id)i, true);
	loop_timer_set(m->rescan, RESCAN_MS);
}

size_t manifest_files(const struct manifest *m)
{
	return m->files.n;
}

size_t manifest_broken(const struct manifest *m)
{
	return m->broken;
}

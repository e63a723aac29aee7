/*
 * file_watch - tell when files are replaced or written, by inotify on their
 * folders: rename, close after write, removal, and the "..data" switch by which
 * Kubernetes replaces mounted ConfigMaps and Secrets.  Control thread.
 */
#pragma once

struct file_watch;
struct loop;

/* PATH is as it was given to file_watch_add.  May come without a real change. */
typedef void (*file_watch_cb)(void *ctx, const char *path);

struct file_watch *file_watch_new(struct loop *loop, file_watch_cb cb, void *ctx);
void file_watch_free(struct file_watch *w); /* NULL is fine */
/*
 * Watch PATH from now on; twice is fine.  The file need not be there, its folder
 * must: ERR_IO otherwise (or when the kernel's limit of watches is reached).
 */
int file_watch_add(struct file_watch *w, const char *path);

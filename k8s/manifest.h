/*
 * manifest - objects from a folder of YAML or JSON files, watched by inotify: the
 * input of a gslbd without an API server.
 *
 *	DIR/eu.yaml ─► documents, Lists ─► objects ─► claims on (kind, namespace, name) ─► store
 *
 * *.yaml, *.yml and *.json in DIR and the folders below, hidden names left out.  A file that
 * cannot be read keeps its last good content, an object that is wrong its last good form.  Of
 * several files that hold one object the first by name counts.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "k8s/object.h"

struct loop;
struct store;
struct manifest;

/* Whether the store wants an object (its kind, its namespace). */
typedef bool (*manifest_wants_cb)(void *ctx, const struct object *o);

/*
 * 0, or with *ret_why (caller frees): ERR_INVALID, DIR is no folder that can be read; ERR_IO, no
 * inotify.
 * Reads nothing before manifest_start.
 */
int manifest_new(struct loop *loop, struct store *store, const char *dir, manifest_wants_cb wants,
		 void *ctx, struct manifest **ret, char **ret_why);
void manifest_free(struct manifest *m);
/* Read all, declare every kind synced, and follow changes from then on. */
void manifest_start(struct manifest *m);
/* Look at every file again (SIGHUP). */
void manifest_rescan(struct manifest *m);
/* Files read, and those among them that are broken. */
size_t manifest_files(const struct manifest *m);
size_t manifest_broken(const struct manifest *m);

/*
 * dependency - what a collection looked at: one object ("o…"), a kind in a namespace or in all
 * ("k…"), the slices of a Service ("s…"), a host's addresses ("h…").  A dep and its subjects point
 * at each other; POS makes unlinking O(1).  Private to the driver of the sources; control thread.
 */
#pragma once

#include "k8s/object.h"

struct source_set;
struct subject;

/* Keys; the caller frees them, or gives them away. */
char *dependency_object(enum kind_id kind, const char *namespace, const char *name);
/* Namespace "" = cluster-scoped, "*" = all. */
char *dependency_kind(enum kind_id kind, const char *namespace);
char *dependency_slice(const char *namespace, const char *service);
char *dependency_host(const char *name);

/* S looks at KEY (takes it). */
void dependency_add(struct subject *s, char *key);
/* S looks at nothing any more. */
void dependency_unlink(struct subject *s);
/* What KEY (taken; may be NULL) stands for changed: all that look at it become dirty. */
void dependency_mark(struct source_set *set, char *key);
/* For map_fini of the set's deps. */
void dependency_free(void *dep);

/*
 * subject - one primary object in one source: made when the object is first seen, dirty when it or
 * what its collection looked at changed, collected at the end of the loop pass, freed when the
 * object is gone.  Private to the driver of the sources; control thread.
 */
#pragma once

#include <stddef.h>

#include "k8s/object.h"

struct fault;
struct source;
struct subject;

/* That of O; made if there is none. */
struct subject *subject_for(struct source *src, const struct object *o);
/* Collect it at the end of the pass; not before its source has started. */
void subject_mark(struct subject *s);
/* Not that. */
void subject_unmark(struct subject *s);
/* Collect it now; frees it if its object is gone. */
void subject_collect(struct subject *s);
/* For map_fini of a source's subjects. */
void subject_free(void *subject);
/* "kind/namespace/name" in lower case; caller frees. */
char *subject_resource(const struct subject *s);
void subject_faults_free(struct fault *f, size_t n);

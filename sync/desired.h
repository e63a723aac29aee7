/*
 * desired - what all objects want, by object and by name.  Endpoints are kept
 * in normal form (names as on the wire, no doubles).  Control thread.
 */
#pragma once

#include <stddef.h>

#include "lib/endpoint.h"
#include "lib/map.h"
#include "lib/strv.h"

struct desired {
	struct map objects; /* "source object" -> what it gives */
	struct map names;   /* name -> who wants it */
	size_t n;           /* endpoints */
	struct strv order;  /* sources in the order in which they are asked */
};

/* ORDER: names of sources; copied; others come behind. */
void desired_init(struct desired *d, const struct strv *order);
void desired_fini(struct desired *d);
/*
 * OBJECT of SOURCE now gives these (copied); n = 0: nothing.  Names whose candidates may have
 * changed are added to CHANGED, once each.
 */
void desired_set(struct desired *d, const char *source, const char *object,
		 struct endpoint *const *endpoints, size_t n, struct strv *changed);
/*
 * The candidates for NAME: endpoints of one source with the same type, set identifier and TTL are
 * united (but for CNAME), equal ones are there once; in the order of sources, then of resource
 * labels. Appended to OUT, which owns them.
 */
void desired_candidates(const struct desired *d, const char *name, struct endpoint_list *out);
/* All names, in no particular order.  Borrowed until the next set. */
void desired_each_name(const struct desired *d, void (*cb)(void *ctx, const char *name), void *ctx);
/* The first object that wants (NAME, TYPE, SET), for reports; NULL if none. */
const char *desired_object(const struct desired *d, const struct endpoint *e);

/*
 * view - what one provider has, by name: the last full read, kept up to date
 * with what landed since.  Control thread.
 */
#pragma once

#include <stddef.h>

#include "lib/endpoint.h"
#include "lib/map.h"

/* All records at one name, of every type and set identifier. */
struct view_row {
	struct endpoint **e;
	size_t n;
};

struct view {
	struct map rows; /* name -> struct view_row */
	size_t n;        /* records */
	/*
	 * Claims on shared sets: "name type" -> struct view_row that borrows the TXT records in
	 * which clusters say which targets they put in (sync/txt_registry.c).
	 */
	struct map claims;
};

void view_fini(struct view *v);
/* Add E, or replace the record with the same name, type and set identifier.  Takes E. */
void view_put(struct view *v, struct endpoint *e);
/* Remove the record with this key and free it; nothing if there is none. */
void view_remove(struct view *v, const char *name, const char *type, const char *set_identifier);
/* NULL if there is none. */
const struct view_row *view_row(const struct view *v, const char *name);
struct endpoint *view_find(const struct view *v, const char *name, const char *type,
			   const char *set_identifier);
/* Copies of all records are appended to OUT. */
void view_copy(const struct view *v, struct endpoint_list *out);
/* The claims on the shared set (NAME, TYPE); NULL if there are none. */
const struct view_row *view_claims(const struct view *v, const char *name, const char *type);
/*
 * Make E, which is in the view, one of the claims on (NAME, TYPE).  The registry calls it for each
 * claim that it reads; removal is by itself.
 */
void view_claim(struct view *v, const char *name, const char *type, struct endpoint *e);

/*
 * change_list - the changes for one call of a provider, in order, with what
 * the engine has to know about each.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/endpoint.h"
#include "sync/provider.h"

struct change_list {
	struct change *c; /* n of them: what provider_ops.apply takes */
	const struct endpoint *
		*record; /* for each: the record that it is about; for TXT the owned one */
	bool *is_txt;    /* for each: written by the registry */
	size_t n, cap;
	struct endpoint_list made; /* endpoints that only the list holds */
};

/* What C is about: AFTER, or BEFORE of a delete.  Never NULL. */
const struct endpoint *change_endpoint(const struct change *c);
/* Append; BEFORE and AFTER are borrowed.  RECORD: see above. */
void change_list_add(struct change_list *l, enum change_kind kind, const struct endpoint *before,
		     const struct endpoint *after, const struct endpoint *record, bool is_txt);
/* Keep E as long as the list; returns it. */
struct endpoint *change_list_keep(struct change_list *l, struct endpoint *e);
void change_list_fini(struct change_list *l);

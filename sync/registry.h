/*
 * registry - who owns which record at a provider, and how that is written
 * down beside it: "txt" or "noop".  Control thread.
 *
 *	full read ─► registry_note (each TXT) ─► view
 *	view ─► registry_lookup (each record) ─► plan ─► registry_expand ─► provider
 */
#pragma once

#include <stdbool.h>

#include "sync/change_list.h"
#include "sync/plan.h"
#include "sync/view.h"

struct config;
struct registry;

struct registry_ops {
	const char *name; /* "txt" */
	/* Look at a TXT record that goes into V: its labels are read; claims are indexed. */
	void (*note)(struct registry *r, struct view *v, struct endpoint *e);
	/* Who owns E?  Fills RET, whose pointers live as long as V is unchanged. */
	void (*lookup)(struct registry *r, const struct view *v, const struct endpoint *e,
		       struct plan_record *ret);
	/* See registry_expand. */
	void (*expand)(struct registry *r, const struct view *v, struct plan *p,
		       struct change_list *out);
	void (*free)(struct registry *r);
};

struct registry { /* each implementation's own struct begins with this */
	const struct registry_ops *ops;
	const char *owner; /* for plan_rules; NULL = no ownership */
	/* Deletes would take what was never ours, and nothing bounds them: hold them, and why. */
	const char *hold_deletes;
	bool no_inner_asterisk; /* provider_ops.no_inner_asterisk */
	struct map zones;       /* origins of the hosted zones, as keys; empty if not known */
};

/* 0, or ERR_INVALID with *ret_why (caller frees): unknown registry, both affixes, bad key, empty
 * owner. */
int registry_new(const struct config *c, struct registry **ret, char **ret_why);
int txt_registry_new(const struct config *c, struct registry **ret, char **ret_why);
int registry_noop_new(const struct config *c, struct registry **ret, char **ret_why);
void registry_free(struct registry *r);

/* The hosted zones that the provider has now; copies.  NULL: not known. */
void registry_set_zones(struct registry *r, const struct strv *zones);
/* The longest of them that NAME is in (a pointer into NAME), or NULL. */
const char *registry_zone_of(const struct registry *r, const char *name);

/* Does E belong to the registry (not to the plan)?  Known after note. */
bool registry_is_ours(const struct endpoint *e);
/*
 * Put E (taken) into V, with note if it is TXT.
 */
void registry_put(struct registry *r, struct view *v, struct endpoint *e);
/*
 * Turn a sorted plan into changes for the provider, with those of the registry's own records.
 * Creates that would walk over a foreign claim are moved to P's skips.  OUT borrows from V and P.
 * In each name the record that says who owns is written before what it owns and goes after it:
 * a crash between leaves a claim without record, never a record without claim.
 */
void registry_expand(struct registry *r, const struct view *v, struct plan *p,
		     struct change_list *out);

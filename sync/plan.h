/*
 * plan - which changes turn what a provider has into what is desired.
 * Pure: no I/O, no clock, no order of arrival in the result.
 *
 * The unit is a name: all its records, and all endpoints that want it.  A full
 * pass is plan_name over all names, a changed object is plan_name over a few.
 *
 *	current (with owners, from the registry) ─┐
 *	                                          ├─► plan_name … ─► plan_sort ─► registry
 *	desired (candidates of all sources) ──────┘
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/endpoint.h"
#include "lib/strv.h"

struct domain_filter;

enum plan_policy {
	PLAN_SYNC,        /* create, update, delete */
	PLAN_UPSERT_ONLY, /* no deletes */
	PLAN_CREATE_ONLY, /* no deletes, no updates */
};
/* "sync", "upsert-only", "create-only".  0 or ERR_INVALID. */
int plan_policy_from_text(const char *text, enum plan_policy *ret);

struct plan_rules {
	enum plan_policy policy;
	bool hold_deletes;                      /* not now: some source is not synced */
	const char *owner;                      /* our id; NULL = no ownership (noop registry) */
	const struct strv *managed;             /* record types; NULL = all */
	const struct strv *excluded;            /* record types; NULL = none */
	const struct domain_filter *filters[2]; /* the user's and the provider's; NULL = all */
};

/* A record at the provider and what the registry knows of it.  All borrowed. */
struct plan_record {
	const struct endpoint *e;
	const char *owner;    /* NULL = nobody's: made by hand */
	const char *resource; /* the object that wanted it; NULL = unknown */
	/*
	 * Ownership was seen only in the form of old versions, which leave such TXT behind when
	 * they delete: good enough to take over a record that is wanted, not to delete one that is
	 * not.
	 */
	bool weak;
	/* The registry's record that says so, if it is in the present form and place; the
	 * registry's. */
	struct endpoint *proof;
	bool is_registry; /* a foreign registry TXT: never changed, but a CNAME cannot stand beside
			     it */
	bool is_shared;   /* somebody's claim on a part of the set stands */
	const struct strv *claim; /* the targets that we put into a shared set; NULL = none */
};

enum plan_kind { PLAN_KEEP, PLAN_DELETE, PLAN_UPDATE, PLAN_CREATE };

struct plan_change {
	enum plan_kind kind;
	struct plan_record before;     /* before.e NULL for PLAN_CREATE */
	const struct endpoint *after;  /* NULL for PLAN_DELETE */
	const struct endpoint *wanted; /* the candidate that won (borrowed); for shared sets AFTER
					  is the merged set */
	bool is_shared;
};

enum plan_skip_reason {
	PLAN_SKIP_FOREIGN,   /* a record there is not ours */
	PLAN_SKIP_CNAME,     /* CNAME and other data cannot stand together (RFC 1034 3.6.2) */
	PLAN_SKIP_DISCARDED, /* a CNAME candidate beside others */
	PLAN_SKIP_WEAK,      /* would be deleted, but ownership is seen only in an old form */
	PLAN_SKIP_EMPTY,     /* no targets */
	PLAN_SKIP_NO_ZONE,   /* no hosted zone takes the name */
	PLAN_SKIP_TYPE,      /* the provider cannot hold this type */
};
struct plan_skipped {
	enum plan_skip_reason reason;
	const struct endpoint *e;       /* the candidate, or for _WEAK the record */
	const struct endpoint *because; /* the record in the way; may be NULL */
	const char *foreign_owner;      /* for _FOREIGN; NULL = nobody's */
};

struct plan {
	struct plan_change *changes; /* KEEPs too, only those of records that we own */
	size_t n, cap;
	size_t nchanges; /* after plan_sort: the first ones, in order, all others are KEEPs */
	size_t creates, updates, deletes;
	struct plan_skipped *skips;
	size_t nskips, cap_skips;
	struct endpoint_list made; /* owns the AFTERs that differ from the candidate */
};

/*
 * The property of a shared candidate that names targets of others to be taken out of the set,
 * separated by commas: a cluster that all see dead.
 */
#define PLAN_WITHDRAW "gslbd/withdraw"

/*
 * Append to PLAN (zero-initialised at first) what is to be done at one name.
 *
 * current: all records at the name, of any type and set identifier; of registry TXT only
 * those of others (is_registry).
 * desired: all candidates for the name, in order of preference where targets tie; borrowed
 * until plan_fini.  Both may be empty.  The lists' names are equal in normal form.
 */
void plan_name(const struct plan_rules *rules, const struct plan_record *current, size_t ncurrent,
	       const struct endpoint *const *desired, size_t ndesired, struct plan *plan);
/*
 * The order in which a provider should apply: by name, then deletes, updates, creates; then
 * record type, set identifier.  KEEPs come behind, in no order.
 */
void plan_sort(struct plan *plan);
void plan_sort_range(struct plan_change *changes, size_t n); /* the order alone */
/* plan_name over whole lists in any order (O(n log n)), then plan_sort.  For tests and dumps. */
void plan_calculate(const struct plan_rules *rules, const struct plan_record *current,
		    size_t ncurrent, const struct endpoint *const *desired, size_t ndesired,
		    struct plan *ret);
void plan_fini(struct plan *plan);
/* Note that E will not be done.  BECAUSE, FOREIGN_OWNER: may be NULL; borrowed. */
void plan_skip(struct plan *p, enum plan_skip_reason reason, const struct endpoint *e,
	       const struct endpoint *because, const char *foreign_owner);
bool plan_type_is_managed(const struct plan_rules *rules, const char *record_type);
const char *plan_skip_text(enum plan_skip_reason reason);

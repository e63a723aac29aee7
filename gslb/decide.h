/*
 * decide - the stages between what is known of a host's members and who answers.
 * Pure: no I/O, no clock of its own.  Control thread.
 */
#pragma once

#include <stdint.h>

#include "gslb/strategy.h"

/* What a host remembers from one decision to the next.  Zero-initialise. */
struct decide_memory {
	bool has_tier;
	unsigned tier;      /* that answers */
	uint64_t unfit_ms;  /* since when it is not fit; 0 = it is */
	unsigned better;    /* the better tier that is fit again … */
	uint64_t better_ms; /* … since when; 0 = none */
	bool release;       /* manual failback: somebody said so */
};

/*
 * Decide: members with is_live set become answered or not, with their reasons.
 * mem: read and written.  *ret_wake_ms: when to decide again though nothing changes; 0 = never.
 */
void decide_run(struct decision *d, const struct strategy_ops *ops, struct decide_memory *mem,
		uint64_t now_ms, uint64_t *ret_wake_ms);
/* Frees what the decision owns; D itself can be used anew. */
void decide_fini(struct decision *d);
/* Append a site (it is zero but for what SITE says; strings are taken); its members follow. */
struct site *decide_add_site(struct decision *d, const struct site *site);
/* Append a member to the last site; not twice the same address. */
void decide_add_member(struct decision *d, const struct netaddr *addr);

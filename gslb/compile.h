/*
 * compile - a decision as an RRset: the answers that clients may get (variants)
 * and the selector that chooses among them.  Pure, control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gslb/strategy.h"

struct choose_class;
struct choose_option;
struct geo;
struct selector;

struct compiled_variant {
	size_t *members; /* of the decision, in order of address */
	size_t n;        /* 0: nothing for these clients */
};

struct compiled {
	uint8_t family; /* 4 or 6 */
	/* 0 is all that answers (what transfers show), whether or not a client gets it. */
	struct compiled_variant *variants;
	size_t nvariants; /* 0: no address of the family answers */
	/* Which clients get what: by class, options with their shares. */
	struct choose_class *classes;
	struct choose_option **options; /* owned, what the classes point to */
	size_t nclasses;
	struct selector *selector; /* NULL: variant 0 for everybody; owned until taken */
};

/* geo: may be empty. */
void compile_run(const struct decision *d, uint8_t family, const struct geo *geo,
		 struct compiled *ret);
void compile_fini(struct compiled *c);

/*
 * choose - the selectors that publish puts into RRsets.
 *
 *	client ──classifier──► class ──► one variant          (nothing to choose)
 *	                             ├─► by weight, at random  (alias table)
 *	                             └─► by the client's network (rendezvous hash)
 *
 * Built on the control thread, immutable, run by workers and by explain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "zonedb/selector.h"

/* Which class of clients asks.  Immutable; shared by selectors through references. */
struct classifier {
	/* 0 .. n-1; *ret_scope: raised to the bits of the address that it took to decide. */
	unsigned (*classify)(const struct classifier *c, const struct netaddr *client,
			     uint8_t *ret_scope);
	bool (*equal)(const struct classifier *a, const struct classifier *b);
	void (*free)(struct classifier *c);
};

/* One thing to choose in a class. */
struct choose_option {
	unsigned variant;
	double weight; /* >= 0, the sum of a class is > 0 */
	uint64_t seed; /* the same on all servers: of the member's identity (choose_seed) */
};

struct choose_class {
	const struct choose_option *options;
	size_t n; /* >= 1 */
};

struct choose_spec {
	struct classifier *classifier; /* taken; NULL = one class */
	const struct choose_class *classes;
	size_t nclasses;
	/* The client's network decides, not chance: prefix lengths. */
	bool is_sticky;
	uint8_t v4_prefix, v6_prefix;
};

/* NULL if there is nothing to choose: one class with one option of variant 0. */
struct selector *choose_new(const struct choose_spec *spec);
/* A hash of text that is the same in every process. */
uint64_t choose_seed(const char *text);

/* For explain and simulate: the class of CLIENT, and how its answers are shared. */
unsigned choose_class_of(const struct selector *s, const struct netaddr *client,
			 uint8_t *ret_scope);
bool choose_is_sticky(const struct selector *s);

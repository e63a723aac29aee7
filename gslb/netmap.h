/*
 * netmap - from a client's address to the sites that a policy lists for it: by
 * network (longest prefix), AS number, country, continent.  Made once a policy,
 * immutable, counted; look-ups by any thread that holds a reference.
 *
 * Sites are told as sets: bit I of a mask is site I of the policy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct geo;
struct netmap;
struct policy_site;

#define NETMAP_LEVELS 4

/* At most 64 sites. */
struct netmap *netmap_new(const struct policy_site *sites, size_t n);
struct netmap *netmap_ref(const struct netmap *m);
void netmap_unref(struct netmap *m); /* NULL is fine */
/* Distinct masks that a look-up can give, and one of them. */
size_t netmap_masks(const struct netmap *m);
uint64_t netmap_mask(const struct netmap *m, size_t i);
/*
 * Numbers of masks for CLIENT, the most particular level first; how many.  *ret_scope is raised to
 * the bits of the address that it took.
 */
size_t netmap_find(const struct netmap *m, const struct geo *geo, const struct netaddr *client,
		   uint16_t *ret_masks, uint8_t *ret_scope);

/*
 * endpoint_chain - what is done to each endpoint of every source, in ExternalDNS's order: default
 * targets, checks, NAT64, target filter; and last TTL, properties and aliases.  The flags are
 * parsed once; control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/endpoint.h"

struct config;
struct endpoint_chain;

/* 0, or ERR_INVALID with *ret_why naming the flag (caller frees): a prefix that is none. */
int endpoint_chain_new(const struct config *config, struct endpoint_chain **ret, char **ret_why);
void endpoint_chain_free(struct endpoint_chain *c);
/* --create-ptr and PTR among the managed types: see endpoint_chain_wants_ptr. */
bool endpoint_chain_makes_ptr(const struct endpoint_chain *c);
bool endpoint_chain_wants_ptr(const struct endpoint_chain *c, const struct endpoint *e);
/*
 * Takes E; adds what becomes of it to OUT: nothing, itself, or more.  *ret_why is the sentence of
 * endpoint_check when E cannot be a record, else NULL.
 */
void endpoint_chain_apply(const struct endpoint_chain *c, struct endpoint *e,
			  struct endpoint_list *out, const char **ret_why);
/* The last step, after PTR records were made of it: TTL, properties, alias. */
void endpoint_chain_finish(const struct endpoint_chain *c, struct endpoint *e);

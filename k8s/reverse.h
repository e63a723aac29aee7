/*
 * reverse - PTR records of all address records that ask for one: one for each address, with all
 * its names and their least TTL.  Control thread.
 */
#pragma once

#include <stddef.h>

struct endpoint;
struct endpoint_chain;
struct endpoint_list;
struct reverse;

struct reverse *reverse_new(const struct endpoint_chain *chain); /* borrows */
void reverse_free(struct reverse *r);
/* The endpoints that OBJECT now has, in place of those before. */
void reverse_put(struct reverse *r, const char *object, struct endpoint *const *endpoints,
		 size_t n);
/* CB for each changed PTR record: OBJECT is "ptr/NAME", the lists hold it (or nothing) before and
 * now. */
void reverse_flush(struct reverse *r,
		   void (*cb)(void *ctx, const char *object, const struct endpoint_list *before,
			      const struct endpoint_list *now),
		   void *ctx);

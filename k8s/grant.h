/*
 * grant - ReferenceGrant of the Gateway API: may an object of one namespace name
 * one of another?  Control thread.
 */
#pragma once

#include <stdbool.h>

struct source_run;

struct grant_ref {
	const char *group, *kind, *namespace;
};

/* A ReferenceGrant in TO's namespace lets FROM name TO's object NAME; depends on those grants. */
bool grant_exists(struct source_run *run, const struct grant_ref *from, const struct grant_ref *to,
		  const char *name);

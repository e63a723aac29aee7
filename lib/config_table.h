/*
 * config_table - the rows of options.def as data, and the spelling of their names.
 * For the files of config and for the documents made from the table.  Any thread.
 */
#pragma once

#include <stddef.h>

#include "lib/config.h"

enum option_group {
	GROUP_GENERAL,
	GROUP_DNS,
	GROUP_GSLB,
	GROUP_ADMIN,
	GROUP_KUBERNETES,
	GROUP_SOURCE,
	GROUP_PLAN,
	GROUP_LOOP,
	GROUP_REGISTRY,
	GROUP_OBSERVE,
	GROUP_PROVIDER,
	GROUP_AWS,
	GROUP_GOOGLE,
	GROUP_AZURE,
	GROUP_CLOUDFLARE,
	GROUP_RFC2136,
	GROUP_PDNS,
	GROUP_WEBHOOK,
	GROUP_OTHER,
	GROUP_COUNT,
};

enum option_state {
	STATE_ACTIVE,
	STATE_SECRET,     /* never printed */
	STATE_DEPRECATED, /* works, and warns */
	STATE_IGNORED,    /* accepted, warns that it has no meaning here */
};

struct option_row {
	const char *id;   /* "TXT_OWNER_ID" */
	const char *name; /* "txt-owner-id" */
	enum option_type type;
	const char *def;
	const char *env; /* NULL: only the names made from the id */
	const char *arg; /* "" for booleans */
	enum option_group group;
	enum option_state state;
	const char *help; /* "" for options without a meaning */
};

extern const struct option_row option_rows[OPT_COUNT];

const char *option_group_title(enum option_group g);
/* Is it one of the list types? */
bool option_is_list(enum option_type t);
/* The option with this name (LEN octets, without "--"), or OPT_COUNT. */
enum option option_find(const char *name, size_t len);
/* The nearest spelling of a name that is none; NULL if nothing is near. */
const char *option_nearest(const char *name, size_t len);

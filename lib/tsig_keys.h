/*
 * tsig_keys - the TSIG keys that the configuration names (--tsig-key,
 * --tsig-key-file), found by name.  Made at start, read-only afterwards.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/tsig.h"

struct config;

struct tsig_keys {
	struct tsig_key **keys; /* owned */
	size_t n;
};

void tsig_keys_fini(struct tsig_keys *k); /* wipes */
/* Takes KEY.  ERR_EXISTS if one of that name and algorithm is there (KEY is freed then). */
int tsig_keys_add(struct tsig_keys *k, struct tsig_key *key);
/*
 * Keys of a file's text: one a line as tsig_key_from_text takes them, or BIND's
 * key "name" { algorithm hmac-sha256; secret "base64"; }; with its comments.
 * ERR_SYNTAX, ERR_UNSUPPORTED, ERR_EXISTS with the line in *ret_why (caller frees; never
 * a secret).
 */
int tsig_keys_parse(struct tsig_keys *k, const char *text, char **ret_why);
/* From both options.  Errors as above, and ERR_IO; *ret_why names the option or file. */
int tsig_keys_load(const struct config *c, struct tsig_keys *k, char **ret_why);
/* The first key of this NAME (text, any case), or NULL. */
const struct tsig_key *tsig_keys_find(const struct tsig_keys *k, const char *name);

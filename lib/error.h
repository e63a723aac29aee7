/*
 * error - the one list of error codes, 0 or negative.
 *
 * Functions return 0 (ERR_OK) or a negative enum err.  The rows are in
 * errors.def; one row adds a code and its words.  Any thread.
 */
#pragma once

enum err {
	ERR_OK = 0,
	ERR_FIRST = -1000,
#define ERROR(name, words) ERR_##name,
#include "lib/errors.def"
#undef ERROR
	ERR_LAST,
};

/* Words for an error code, static; "unknown error" for a code that is none. */
const char *error_text(int err);

/*
 * secret_file - a small file that holds a secret (a token, a key, credentials),
 * read anew each time it is needed, because such files rotate.  Used by the
 * providers' credential sources.  Any thread.
 */
#pragma once

/*
 * The whole file at PATH (at most 1 MiB), blanks at its ends cut off.  Caller wipes it by
 * secret_file_free.  NULL if PATH is NULL or "" or cannot be read.
 */
char *secret_file_read(const char *path);
/* Wipe and free TEXT; NULL is none. */
void secret_file_free(char *text);

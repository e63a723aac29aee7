/*
 * privilege - become an unprivileged user for good, once the sockets are open.
 */
#pragma once

/* Is there a user NAME?  0, or ERR_NOT_FOUND with *ret_why (caller frees). */
int privilege_check(const char *name, char **ret_why);
/*
 * All threads of the process become NAME with NAME's groups, without a way back, and
 * programs that they start gain nothing by set-user-ID.  "" does nothing.
 * ERR_NOT_FOUND, ERR_DENIED (we are neither root nor NAME) with *ret_why (caller frees).
 * Control thread.
 */
int privilege_drop(const char *name, char **ret_why);

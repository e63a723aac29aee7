/*
 * credential - the Authorization header and client certificate of the moment:
 * token files read again as they rotate, exec plugins run when what they gave
 * expires.  Control thread; a plugin runs in its own process and is waited for
 * on the loop.
 */
#pragma once

#include <stdbool.h>

struct kube_config;
struct loop;
struct credential;

/* K is borrowed.  CB is called when a plugin has ended, well or not. */
struct credential *credential_new(struct loop *loop, const struct kube_config *k,
				  void (*cb)(void *ctx), void *ctx);
void credential_free(struct credential *c);
/*
 * True if a request may go now.  *ret_header is "Authorization: …" or NULL if there is none
 * (client certificate), borrowed until the next call.  False: a plugin runs, wait for CB; or it
 * failed, then *ret_why says why (borrowed, NULL while it runs).
 */
bool credential_get(struct credential *c, const char **ret_header, const char **ret_why);
/* PEM text of a plugin's client certificate, or NULL. */
const char *credential_cert(const struct credential *c);
const char *credential_key(const struct credential *c);
/* The server said 401: read or ask again before the next request. */
void credential_refused(struct credential *c);

/*
 * dns_tls - what DNS over TLS needs to know of both sides (RFC 7858, RFC 9103):
 * whom to trust, how to show who we are.  TLS 1.3 only.  For lib/dns_client.c.
 * Control thread.
 */
#pragma once

#include <stdbool.h>

struct dns_tls;
struct ssl_st;

/*
 * CA: file of certificates, NULL or "" = SSL_CERT_FILE, else the system's.  CERT and KEY: files of
 * ours, or neither.  The files are read now.
 * ERR_IO, ERR_INVALID with *ret_why (owned by the caller) naming the file.
 */
int dns_tls_new(const char *ca, const char *cert, const char *key, bool skip_verify,
		struct dns_tls **ret, char **ret_why);
void dns_tls_free(struct dns_tls *t); /* NULL is fine; sessions live on */
/*
 * A session as client on the connected socket FD.  NAME: a host name or an address, that the
 * certificate must be for.  Owned by the caller (SSL_free).
 */
struct ssl_st *dns_tls_session(const struct dns_tls *t, int fd, const char *name);

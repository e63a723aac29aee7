/*
 * dns_tcp - one DNS connection over TCP as a client: connect, send one message,
 * read messages until closed (RFC 7766 framing),
 * in the clear or over TLS.  For lib/dns_client.c.
 * Control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct dns_tcp;
struct dns_tls;
struct loop;

struct dns_tcp_handler {
	/* MSG may be changed in place.  dns_tcp_close may be called in it. */
	void (*on_message)(void *ctx, uint8_t *msg, size_t len);
	/* ERR_NETWORK (refused, closed), ERR_TIMEOUT, ERR_AUTH (TLS: not the one it must be).  The
	 * connection is dead: close it. */
	void (*on_end)(void *ctx, int err);
	void *ctx;
};

/*
 * Never calls the handler itself.  msg: copied.  tls: NULL = in the clear; tls_name: who the server
 * must be.  idle_ms: longest wait for the next octets.
 */
struct dns_tcp *dns_tcp_open(struct loop *loop, const struct netaddr *server, const uint8_t *msg,
			     size_t len, const struct dns_tls *tls, const char *tls_name,
			     unsigned idle_ms, const struct dns_tcp_handler *handler);
void dns_tcp_close(struct dns_tcp *t); /* NULL is fine */

/* listen - sockets for DNS.  Control thread. */
#pragma once

#include "lib/netaddr.h"

/* IPv6 sockets for "::" take IPv4 too, unless V6_ONLY. */
struct listen_spec {
	struct netaddr addr;
	bool v6_only;
};

/*
 * A bound, non-blocking UDP socket with SO_REUSEPORT.  ERR_IO, ERR_EXISTS (in use),
 * ERR_UNSUPPORTED (no such family here), with *ret_why (caller frees).
 */
int listen_udp(const struct listen_spec *spec, int *ret_fd, char **ret_why);
/* The same for TCP, listening. */
int listen_tcp(const struct listen_spec *spec, int *ret_fd, char **ret_why);
/* The address FD is bound to. */
void listen_address(int fd, struct netaddr *ret);
/* Is it 0.0.0.0 or ::, so that the answer's source must be told? */
bool listen_is_any(const struct netaddr *a);

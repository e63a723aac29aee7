/*
 * udp - queries by datagram: a batch in by recvmmsg, answers written over the
 * queries, a batch out by sendmmsg; what does not fit into the socket's buffer is
 * dropped.  Worker threads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct handoff_udp;
struct netaddr;
struct udp;
struct worker;

/* Takes FD, which is bound to ADDR. */
struct udp *udp_new(struct worker *w, int fd, const struct netaddr *addr);
void udp_free(struct udp *u);

/* The way back to a client, for answers that come later. */
struct udp_client {
	int fd;
	unsigned char addr[28]; /* struct sockaddr_in6 or smaller */
	unsigned addr_len;
	unsigned char control[64];
	unsigned control_len;
};
/* Send now or drop.  Any thread while the server runs. */
void udp_send(const struct udp_client *c, const uint8_t *msg, size_t len);

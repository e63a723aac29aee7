/*
 * netaddr - an IPv4 or IPv6 address with an optional port, and prefixes.
 * Strict text: "1.2.3.4", "2001:db8::1", "1.2.3.4:53", "[2001:db8::1]:53".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NETADDR_TEXT_MAX 64

struct netaddr {
	uint8_t family;    /* 4, 6, or 0 = none */
	uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
	uint16_t port;     /* host order; 0 = none */
};

/* An address without a port.  0 or ERR_SYNTAX. */
int netaddr_from_text(const char *text, struct netaddr *ret);
/* ADDR[:PORT]; a missing port becomes DEFAULT_PORT.  0 or ERR_SYNTAX, ERR_RANGE. */
int netaddr_from_text_port(const char *text, uint16_t default_port, struct netaddr *ret);
/* Without port; OUT holds NETADDR_TEXT_MAX.  Returns OUT. */
char *netaddr_to_text(const struct netaddr *a, char *out);
char *netaddr_to_text_port(const struct netaddr *a, char *out);
/* IPv4-mapped IPv6 becomes IPv4. */
void netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *ret);
socklen_t netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *ss);
bool netaddr_equal(const struct netaddr *a, const struct netaddr *b); /* port too */
/* Order by family, bytes, port. */
int netaddr_compare(const struct netaddr *a, const struct netaddr *b);

struct netprefix {
	struct netaddr addr; /* host bits zero */
	uint8_t len;
};
/* "10.0.0.0/8" or a plain address (full length).  0 or ERR_SYNTAX, ERR_RANGE; host bits are
 * cleared. */
int netprefix_from_text(const char *text, struct netprefix *ret);
bool netprefix_contains(const struct netprefix *p, const struct netaddr *a);

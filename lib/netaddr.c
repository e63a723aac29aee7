#include "lib/netaddr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"

int netaddr_from_text(const char *text, struct netaddr *ret)
{
	struct netaddr a = { 0 };

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = 6;
	else
		return ERR_SYNTAX;
	*ret = a;
	return 0;
}

static int port_from_text(const char *text, uint16_t *ret)
{
	unsigned long v = 0;

	if (*text == '\0' || strlen(text) > 5)
		return ERR_SYNTAX;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return ERR_SYNTAX;
		v = v * 10 + (unsigned long)(*text - '0');
	}
	if (v > 65535)
		return ERR_RANGE;
	*ret = (uint16_t)v;
	return 0;
}

int netaddr_from_text_port(const char *text, uint16_t default_port, struct netaddr *ret)
{
	char host[NETADDR_TEXT_MAX];
	uint16_t port = default_port;
	size_t len = strlen(text);
	const char *colon = strrchr(text, ':');
	int err;

	if (len == 0 || len >= sizeof(host))
		return ERR_SYNTAX;
	if (text[0] == '[') {
		const char *close = strchr(text, ']');
		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return ERR_SYNTAX;
		if (close[1] == ':' && (err = port_from_text(close + 2, &port)) < 0)
			return err;
		len = (size_t)(close - text) - 1;
		memcpy(host, text + 1, len);
	} else {
		if (colon && strchr(text, ':') == colon) { /* one colon: IPv4 and a port */
			if ((err = port_from_text(colon + 1, &port)) < 0)
				return err;
			len = (size_t)(colon - text);
		}
		memcpy(host, text, len);
	}
	host[len] = '\0';
	struct netaddr a;
	if ((err = netaddr_from_text(host, &a)) < 0)
		return err;
	a.port = port;
	*ret = a;
	return 0;
}

char *netaddr_to_text(const struct netaddr *a, char *out)
{
	out[0] = '\0';
	(void)inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->bytes, out, NETADDR_TEXT_MAX);
	return out;
}

char *netaddr_to_text_port(const struct netaddr *a, char *out)
{
	char host[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->bytes, host, sizeof(host));
	(void)snprintf(out, NETADDR_TEXT_MAX, a->family == 6 ? "[%s]:%u" : "%s:%u", host, a->port);
	return out;
}

void netaddr_from_sockaddr(const struct sockaddr *sa, struct netaddr *ret)
{
	*ret = (struct netaddr){ 0 };
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		ret->family = 4;
		memcpy(ret->bytes, &in.sin_addr, 4);
		ret->port = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		ret->port = ntohs(in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			ret->family = 4;
			memcpy(ret->bytes, in6.sin6_addr.s6_addr + 12, 4);
		} else {
			ret->family = 6;
			memcpy(ret->bytes, &in6.sin6_addr, 16);
		}
	}
}

socklen_t netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (a->family == 6) {
		struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

		memcpy(&in6.sin6_addr, a->bytes, 16);
		memcpy(ss, &in6, sizeof(in6));
		return sizeof(in6);
	}
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(a->port) };

	memcpy(&in.sin_addr, a->bytes, 4);
	memcpy(ss, &in, sizeof(in));
	return sizeof(in);
}

int netaddr_compare(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return a->family - b->family;
	int d = memcmp(a->bytes, b->bytes, sizeof(a->bytes));
	return d ? d : (int)a->port - (int)b->port;
}

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	return netaddr_compare(a, b) == 0;
}

static void clear_host_bits(struct netprefix *p)
{
	unsigned n = p->addr.family == 6 ? 16 : 4;

	for (unsigned i = 0; i < n; i++) {
		int bits = (int)p->len - (int)i * 8;
		unsigned mask = bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff00u >> bits) & 0xff;

		p->addr.bytes[i] = (uint8_t)(p->addr.bytes[i] & mask);
	}
}

int netprefix_from_text(const char *text, struct netprefix *ret)
{
	char host[NETADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct netprefix p = { 0 };
	uint16_t plen;
	int err;

	if (len >= sizeof(host))
		return ERR_SYNTAX;
	memcpy(host, text, len);
	host[len] = '\0';
	if ((err = netaddr_from_text(host, &p.addr)) < 0)
		return err;
	unsigned max = p.addr.family == 6 ? 128 : 32;
	p.len = (uint8_t)max;
	if (slash) {
		if ((err = port_from_text(slash + 1, &plen)) < 0)
			return err;
		if (plen > max)
			return ERR_RANGE;
		p.len = (uint8_t)plen;
	}
	clear_host_bits(&p);
	*ret = p;
	return 0;
}

bool netprefix_contains(const struct netprefix *p, const struct netaddr *a)
{
	if (p->addr.family != a->family)
		return false;
	struct netprefix q = { .addr = *a, .len = p->len };
	q.addr.port = 0;
	clear_host_bits(&q);
	return memcmp(q.addr.bytes, p->addr.bytes, sizeof(q.addr.bytes)) == 0;
}

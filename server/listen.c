#include "server/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/mem.h"

#define BACKLOG     1024
#define BUFFER_SIZE (1 << 20)

bool listen_is_any(const struct netaddr *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static int fail(const struct netaddr *a, const char *transport, int error, char **ret_why)
{
	char text[NETADDR_TEXT_MAX];

	*ret_why = mem_printf("cannot listen on %s (%s): %s", netaddr_to_text_port(a, text),
			      transport, strerror(error));
	switch (error) {
	case EADDRINUSE:
		return ERR_EXISTS;
	case EAFNOSUPPORT:
		return ERR_UNSUPPORTED;
	default:
		return ERR_IO;
	}
}

static void set(int fd, int level, int name, int value)
{
	/* what the kernel does not know it does not do: none of these is needed to answer */
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

static void set_udp(int fd, const struct netaddr *a)
{
	bool any = listen_is_any(a);

	set(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
	set(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_SIZE);
	/* RFC 9715 3.1: no fragments made on the way by forged "packet too big" messages */
	set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	if (a->family == 6) {
		set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
		set(fd, IPPROTO_IPV6, IPV6_MTU, 1280);
		if (any)
			set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	} else if (any) {
		set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	}
}

static void set_tcp(int fd)
{
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_FASTOPEN, 256);
}

static int open_socket(const struct listen_spec *spec, int type, int *ret_fd)
{
	const struct netaddr *a = &spec->addr;
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(a, &ss);
	int one = 1;
	int fd =
		socket(a->family == 6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a->family == 6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, spec->v6_only);
	if (type == SOCK_DGRAM)
		set_udp(fd, a);
	else
		set_tcp(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&ss, len) || (type == SOCK_STREAM && listen(fd, BACKLOG))) {
		int error = errno;

		(void)close(fd);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

int listen_udp(const struct listen_spec *spec, int *ret_fd, char **ret_why)
{
	int error = open_socket(spec, SOCK_DGRAM, ret_fd);

	return error ? fail(&spec->addr, "udp", error, ret_why) : 0;
}

int listen_tcp(const struct listen_spec *spec, int *ret_fd, char **ret_why)
{
	int error = open_socket(spec, SOCK_STREAM, ret_fd);

	return error ? fail(&spec->addr, "tcp", error, ret_why) : 0;
}

void listen_address(int fd, struct netaddr *ret)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		netaddr_from_sockaddr((struct sockaddr *)&ss, ret);
}

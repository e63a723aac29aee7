/*
 * http_listen - the listening sockets of the HTTP server; see http_listen.h.
 */
#include "lib/http_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/netaddr.h"

#define BACKLOG 128

static int fail(int fd, const char *address, const char *what, char **ret_why)
{
	*ret_why = mem_printf("%s: %s: %s", address, what,
			      strerror(errno)); // NOLINT(concurrency-mt-unsafe): control thread
	if (fd >= 0)
		close(fd);
	return ERR_IO;
}

/* Is there somebody who answers at the socket file? */
static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && !connect(fd, (const struct sockaddr *)sun, sizeof(*sun));

	if (fd >= 0)
		close(fd);
	return alive;
}

static int open_unix(const char *address, int *ret_fd, char **ret_path, char **ret_why)
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, err;

	if (!*path || strlen(path) >= sizeof(sun.sun_path)) {
		*ret_why = mem_printf("%s: the path must have 1 to %zu characters", address,
				      sizeof(sun.sun_path) - 1);
		return ERR_SYNTAX;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (!lstat(path, &st) && S_ISSOCK(st.st_mode)) {
		if (is_alive(&sun)) {
			*ret_why = mem_printf("%s: somebody serves it already", address);
			return ERR_EXISTS;
		}
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, address, "socket", ret_why);
	mask = umask(0117); /* 0660, from the first moment */
	err = bind(fd, (const struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (err)
		return fail(fd, address, "bind", ret_why);
	if (listen(fd, BACKLOG))
		return fail(fd, address, "listen", ret_why);
	*ret_path = mem_strdup(path);
	*ret_fd = fd;
	return 0;
}

/* ":PORT" and "localhost:PORT" besides what netaddr reads. */
static int parse(const char *address, struct netaddr *ret)
{
	static const struct {
		const char *begin, *stands_for;
	} names[] = { { ":", "[::]:" }, { "localhost:", "127.0.0.1:" } };
	char *text = NULL;
	int err;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strncmp(address, names[i].begin, strlen(names[i].begin)))
			text = mem_printf("%s%s", names[i].stands_for,
					  address + strlen(names[i].begin));
	}
	err = netaddr_from_text_port(text ? text : address, 0, ret);
	free(text);
	return err;
}

static int open_tcp(const char *address, int *ret_fd, char **ret_why)
{
	struct netaddr a;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, one = 1, zero = 0;

	if (parse(address, &a)) {
		*ret_why = mem_printf("'%s' is no ADDR:PORT, :PORT or unix:PATH", address);
		return ERR_SYNTAX;
	}
	fd = socket(a.family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0 && errno == EAFNOSUPPORT && address[0] == ':') { /* a host without IPv6 */
		a.family = 4;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd < 0)
		return fail(fd, address, "socket", ret_why);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* a nicety */
	if (a.family == 6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	len = netaddr_to_sockaddr(&a, &ss);
	if (bind(fd, (const struct sockaddr *)&ss, len))
		return fail(fd, address, "bind", ret_why);
	if (listen(fd, BACKLOG))
		return fail(fd, address, "listen", ret_why);
	*ret_fd = fd;
	return 0;
}

int http_listen_open(const char *address, int *ret_fd, char **ret_path, char **ret_why)
{
	*ret_path = NULL;
	if (!strncmp(address, "unix:", strlen("unix:")))
		return open_unix(address, ret_fd, ret_path, ret_why);
	return open_tcp(address, ret_fd, ret_why);
}

unsigned http_listen_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct netaddr a;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) ||
	    (ss.ss_family != AF_INET && ss.ss_family != AF_INET6))
		return 0;
	netaddr_from_sockaddr((const struct sockaddr *)&ss, &a);
	return a.port;
}

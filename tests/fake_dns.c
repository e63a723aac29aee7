#include "tests/fake_dns.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/wire.h"

struct client {
	struct client *next;
	struct fake_dns *f;
	int fd;
	struct loop_fd *watch;
	struct buf in;
	bool dead;
};

struct fake_dns {
	struct loop *loop;
	fake_dns_cb cb;
	void *ctx;
	struct netaddr address;
	int udp, tcp;
	struct loop_fd *watch_udp, *watch_tcp;
	struct client *clients;
	/* the message being answered */
	struct client *client;
	struct sockaddr_storage from;
	socklen_t from_len;
};

void fake_dns_reply(struct fake_dns *f, const uint8_t *msg, size_t len)
{
	uint8_t prefix[2];

	if (f->client == NULL) {
		(void)sendto(f->udp, msg, len, 0, (struct sockaddr *)&f->from, f->from_len);
		return;
	}
	wire_put16(prefix, (uint16_t)len);
	/* two writes on purpose: the reader must join them */
	(void)send(f->client->fd, prefix, 1, MSG_NOSIGNAL);
	(void)send(f->client->fd, prefix + 1, 1, MSG_NOSIGNAL);
	(void)send(f->client->fd, msg, len, MSG_NOSIGNAL);
}

void fake_dns_hang_up(struct fake_dns *f)
{
	f->client->dead = true;
}

static void on_udp(void *ctx)
{
	struct fake_dns *f = ctx;
	uint8_t msg[65535];

	f->client = NULL;
	f->from_len = sizeof(f->from);
	ssize_t n = recvfrom(f->udp, msg, sizeof(msg), MSG_DONTWAIT, (struct sockaddr *)&f->from,
			     &f->from_len);
	if (n > 0)
		f->cb(f->ctx, f, msg, (size_t)n, false);
}

static void on_client(void *ctx)
{
	struct client *c = ctx;
	uint8_t bytes[65536];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0)
		buf_add(&c->in, bytes, (size_t)n);
	while (c->in.len >= 2 && !c->dead) {
		size_t len = wire_get16(c->in.data);

		if (c->in.len - 2 < len)
			break;
		uint8_t *msg = mem_dup(c->in.data + 2, len);
		buf_drop(&c->in, 2 + len);
		c->f->client = c;
		c->f->cb(c->f->ctx, c->f, msg, len, true);
		free(msg);
	}
	if (n == 0 || c->dead) {
		loop_fd_free(c->watch);
		c->watch = NULL;
		(void)close(c->fd);
		c->fd = -1;
	}
}

static void on_accept(void *ctx)
{
	struct fake_dns *f = ctx;
	int fd = accept4(f->tcp, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	struct client *c = MEM_NEW(struct client);
	c->f = f;
	c->fd = fd;
	c->next = f->clients;
	f->clients = c;
	c->watch = loop_fd_new(f->loop, fd, on_client, c);
}

struct fake_dns *fake_dns_new(struct loop *loop, fake_dns_cb cb, void *ctx)
{
	struct fake_dns *f = MEM_NEW(struct fake_dns);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	f->loop = loop;
	f->cb = cb;
	f->ctx = ctx;
	(void)netaddr_from_text("127.0.0.1", &f->address);
	/* a free port for both: UDP chooses, TCP must get the same; else again */
	for (int i = 0; i < 100; i++) {
		f->address.port = 0;
		len = netaddr_to_sockaddr(&f->address, &ss);
		f->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		f->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert(f->udp >= 0 && f->tcp >= 0);
		(void)bind(f->udp, (struct sockaddr *)&ss, len);
		len = sizeof(ss);
		(void)getsockname(f->udp, (struct sockaddr *)&ss, &len);
		if (bind(f->tcp, (struct sockaddr *)&ss, len) == 0)
			break;
		(void)close(f->udp);
		(void)close(f->tcp);
	}
	(void)listen(f->tcp, 16);
	netaddr_from_sockaddr((struct sockaddr *)&ss, &f->address);
	f->watch_udp = loop_fd_new(loop, f->udp, on_udp, f);
	f->watch_tcp = loop_fd_new(loop, f->tcp, on_accept, f);
	return f;
}

void fake_dns_free(struct fake_dns *f)
{
	if (f == NULL)
		return;
	while (f->clients) {
		struct client *c = f->clients;

		f->clients = c->next;
		loop_fd_free(c->watch);
		if (c->fd >= 0)
			(void)close(c->fd);
		buf_fini(&c->in);
		free(c);
	}
	loop_fd_free(f->watch_udp);
	loop_fd_free(f->watch_tcp);
	(void)close(f->udp);
	(void)close(f->tcp);
	free(f);
}

const struct netaddr *fake_dns_address(const struct fake_dns *f)
{
	return &f->address;
}

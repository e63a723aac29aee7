/*
 * probe_icmp - an ICMP echo, by the kernel's ping sockets (net.ipv4.ping_group_range), or a raw
 * socket where we may.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gslb/probe.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/wire.h"

extern const struct probe_ops probe_icmp;

struct pinging {
	struct probe_run *run;
	int fd;
	struct loop_fd *readable;
	struct loop_timer *fails; /* no socket: done from the loop */
};

static void pinging_free(struct pinging *p)
{
	loop_fd_free(p->readable);
	loop_timer_free(p->fails);
	if (p->fd >= 0)
		(void)close(p->fd); /* nothing is lost */
	free(p);
}

static void on_readable(void *ctx)
{
	struct pinging *p = ctx;
	struct probe_run *run = p->run;
	uint8_t in[256];
	ssize_t n = recv(p->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	bool v6 = probe_run_target(run)->family == 6;
	bool good = n >= 8 && in[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	char *why = mem_strdup(n < 0 ? strerror(errno) : "no echo reply");
	pinging_free(p);
	probe_run_done(run, good, why);
	free(why);
}

static void on_fail(void *ctx)
{
	struct pinging *p = ctx;
	struct probe_run *run = p->run;

	pinging_free(p);
	probe_run_done(run, false,
		       "no ping socket: net.ipv4.ping_group_range does not allow our group");
}

static void start(struct probe_run *run)
{
	struct pinging *p = MEM_NEW(struct pinging);
	struct sockaddr_storage ss;
	struct netaddr target = *probe_run_target(run);
	bool v6 = target.family == 6;
	uint8_t msg[16] = { v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO };

	target.port = 0;
	socklen_t len = netaddr_to_sockaddr(&target, &ss);
	p->run = run;
	probe_run_set_data(run, p);
	p->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (p->fd < 0) {
		p->fails = loop_timer_new(probe_run_loop(run), on_fail, p);
		loop_timer_set(p->fails, 0);
		return;
	}
	wire_put16(msg + 6, 1); /* sequence; the kernel fills identifier and checksum */
	if (connect(p->fd, (struct sockaddr *)&ss, len) == 0)
		(void)send(p->fd, msg, sizeof(msg), 0); /* silence is told by the time-out */
	p->readable = loop_fd_new(probe_run_loop(run), p->fd, on_readable, p);
}

static void cancel(struct probe_run *run)
{
	if (probe_run_data(run))
		pinging_free(probe_run_data(run));
	probe_run_set_data(run, NULL);
}

const struct probe_ops probe_icmp = {
	.name = "ICMP",
	.start = start,
	.cancel = cancel,
};

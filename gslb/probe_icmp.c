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
	bool is_raw; /* we fill in identifier and checksum, and sort out what is ours */
	uint16_t id;
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

/*
 * The ICMP message in IN of *LEN octets that came: a raw IPv4 socket gives the IP header too
 * (RFC 791 3.1).  NULL if there is none.
 */
static const uint8_t *icmp_of(const struct pinging *p, bool v6, const uint8_t *in, size_t *len)
{
	size_t header = p->is_raw && !v6 ? (size_t)(in[0] & 15) * 4 : 0;

	if (*len < header + 8)
		return NULL;
	*len -= header;
	return in + header;
}

static void on_readable(void *ctx)
{
	struct pinging *p = ctx;
	struct probe_run *run = p->run;
	bool v6 = probe_run_target(run)->family == 6;
	uint8_t in[256] = { 0 };
	ssize_t n = recv(p->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	size_t len = n < 0 ? 0 : (size_t)n;
	const uint8_t *icmp = icmp_of(p, v6, in, &len);
	bool good = icmp && icmp[0] == (v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY);
	/* a raw socket sees everybody's: wait on for ours */
	if (n >= 0 && p->is_raw && (!good || wire_get16(icmp + 4) != p->id))
		return;
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
		       "no ping socket: net.ipv4.ping_group_range does not allow our group, "
		       "and there is no CAP_NET_RAW");
}

/* RFC 1071, over an even number of octets. */
static uint16_t checksum(const uint8_t *msg, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += wire_get16(msg + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* A ping socket, else a raw one; less than 0 if neither is allowed. */
static void open_socket(struct pinging *p, int family)
{
	int protocol = family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;

	p->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (p->fd >= 0)
		return;
	p->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	p->is_raw = p->fd >= 0;
}

static void start(struct probe_run *run)
{
	static uint16_t last_id;
	struct pinging *p = MEM_NEW(struct pinging);
	struct sockaddr_storage ss;
	struct netaddr target = *probe_run_target(run);
	bool v6 = target.family == 6;
	uint8_t msg[16] = { v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO };

	target.port = 0;
	socklen_t len = netaddr_to_sockaddr(&target, &ss);
	p->run = run;
	probe_run_set_data(run, p);
	open_socket(p, ss.ss_family);
	if (p->fd < 0) {
		p->fails = loop_timer_new(probe_run_loop(run), on_fail, p);
		loop_timer_set(p->fails, 0);
		return;
	}
	wire_put16(msg + 6, 1); /* sequence */
	if (p->is_raw) {        /* else the kernel fills in identifier and checksum */
		p->id = (uint16_t)((unsigned)getpid() + ++last_id);
		wire_put16(msg + 4, p->id);
		if (!v6)
			wire_put16(msg + 2, checksum(msg, sizeof(msg)));
	}
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

/* probe_dns - a question over UDP to the address: the answer's RCODE must be the expected one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gslb/probe.h"
#include "lib/dname.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

extern const struct probe_ops probe_dns;

struct asking {
	struct probe_run *run;
	int fd;
	struct loop_fd *readable;
	uint8_t msg[12 + DNAME_MAX + 4];
	size_t len;
};

static void asking_free(struct asking *a)
{
	loop_fd_free(a->readable);
	if (a->fd >= 0)
		(void)close(a->fd); /* nothing is lost */
	free(a);
}

static void on_readable(void *ctx)
{
	struct asking *a = ctx;
	struct probe_run *run = a->run;
	uint8_t in[512];
	char words[16];
	ssize_t n = recv(a->fd, in, sizeof(in), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0) {
		char *why = mem_strdup(strerror(errno));

		asking_free(a);
		probe_run_done(run, false, why);
		free(why);
		return;
	}
	/* another id or question: not our answer, wait on */
	if (n < (ssize_t)a->len || memcmp(in, a->msg, 2) != 0 || (in[2] & 0x80) == 0 ||
	    memcmp(in + 12, a->msg + 12, a->len - 12) != 0)
		return;
	unsigned rcode = in[3] & 15;
	char *why = mem_printf("answer %s", rcode_to_text(rcode, words));
	bool good = rcode == probe_run_spec(run)->dns_rcode;
	asking_free(a);
	probe_run_done(run, good, why);
	free(why);
}

static void start(struct probe_run *run)
{
	struct asking *a = MEM_NEW(struct asking);
	const struct probe_spec *s = probe_run_spec(run);
	struct sockaddr_storage ss;
	socklen_t len = netaddr_to_sockaddr(probe_run_target(run), &ss);

	a->run = run;
	probe_run_set_data(run, a);
	if (getrandom(a->msg, 2, 0) != 2 || dname_from_text(s->dns_name, a->msg + 12) < 0)
		a->msg[12] = 0; /* check() refused such names */
	wire_put16(a->msg + 4, 1);
	a->len = 12 + dname_len(a->msg + 12);
	wire_put16(a->msg + a->len, s->dns_type);
	wire_put16(a->msg + a->len + 2, DNS_CLASS_IN);
	a->len += 4;
	a->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* a send that fails is seen as silence: the time-out tells */
	if (a->fd >= 0 && connect(a->fd, (struct sockaddr *)&ss, len) == 0)
		(void)send(a->fd, a->msg, a->len, 0);
	if (a->fd >= 0)
		a->readable = loop_fd_new(probe_run_loop(run), a->fd, on_readable, a);
}

static void cancel(struct probe_run *run)
{
	if (probe_run_data(run))
		asking_free(probe_run_data(run));
	probe_run_set_data(run, NULL);
}

static char *check(const struct probe_spec *s)
{
	uint8_t name[DNAME_MAX];

	if (dname_from_text(s->dns_name, name) < 0)
		return mem_printf("dns.name: \"%s\" is no domain name", s->dns_name);
	return NULL;
}

const struct probe_ops probe_dns = {
	.name = "DNS",
	.port = 53,
	.needs_port = true,
	.start = start,
	.cancel = cancel,
	.check = check,
};

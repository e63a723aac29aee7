#include "lib/dns_client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/dns_msg.h"
#include "lib/dns_tcp.h"
#include "lib/error.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/tsig.h"
#include "lib/wire.h"

enum {
	EDNS_SIZE = 1232,
	TRY_MS = 1000,
	TRIES = 2,
	TRANSFER_MS = 600000,
	TRANSFER_IDLE_MS = 10000,
};

struct dns_client {
	struct loop *loop;
	struct dns_request *requests;
};

struct dns_request {
	struct dns_client *client;
	struct dns_request *next, **prev;
	struct netaddr *servers;
	char **names;   /* of the servers, if TLS */
	bool *answered; /* a server: it gave an answer, though a bad one */
	size_t nservers;
	unsigned attempt, attempts; /* attempt i goes to server i % nservers */
	unsigned timeout_ms;
	bool tcp_only, mix_case, no_edns, is_ready_message, is_transfer;
	uint8_t name[DNAME_MAX]; /* of the question */
	uint16_t type;
	uint16_t flags;
	struct buf message; /* ready message (dns_client_send) or the transfer's question */
	const struct tsig_key *key;
	const struct dns_tls *tls;
	void (*on_done)(void *ctx, const struct dns_reply *reply);
	void *ctx;

	/* the present attempt */
	uint16_t id;
	uint8_t sent_name[DNAME_MAX]; /* with mixed case */
	struct buf wire;              /* what was sent */
	struct tsig_session tsig;
	int fd;
	struct loop_fd *udp;
	struct dns_tcp *tcp;
	struct loop_timer *timer;
	uint64_t sent_ms;
	int err; /* of the last attempt that failed */

	/* the answer kept in case no other server has a better one */
	struct buf fallback;
	struct netaddr fallback_server;
	unsigned fallback_rtt_ms;

	struct transfer transfer;
	bool transfer_told; /* on_record was called */
	struct loop_timer *limit;
	unsigned rcode;
	int (*on_record)(void *ctx, enum transfer_op op, const struct dns_record *r);
	void (*on_transfer)(void *ctx, int err, unsigned rcode, const struct transfer *t);
};

static void start_attempt(struct dns_request *r);

/* --- life --------------------------------------------------------------------------- */

struct dns_client *dns_client_new(struct loop *loop)
{
	struct dns_client *c = MEM_NEW(struct dns_client);

	c->loop = loop;
	return c;
}

void dns_client_free(struct dns_client *c)
{
	if (c == NULL)
		return;
	while (c->requests)
		dns_request_cancel(c->requests);
	free(c);
}

static void stop_attempt(struct dns_request *r)
{
	loop_fd_free(r->udp);
	r->udp = NULL;
	if (r->fd >= 0)
		(void)close(r->fd); /* nothing to do about it */
	r->fd = -1;
	dns_tcp_close(r->tcp);
	r->tcp = NULL;
	loop_timer_cancel(r->timer);
	tsig_session_fini(&r->tsig);
}

static void unlink_request(struct dns_request *r)
{
	if (r->prev == NULL)
		return;
	*r->prev = r->next;
	if (r->next)
		r->next->prev = r->prev;
	r->prev = NULL;
}

static void request_free(struct dns_request *r)
{
	unlink_request(r);
	stop_attempt(r);
	loop_timer_free(r->timer);
	loop_timer_free(r->limit);
	buf_fini(&r->message);
	buf_fini(&r->wire);
	buf_fini(&r->fallback);
	for (size_t i = 0; r->names && i < r->nservers; i++)
		free(r->names[i]);
	free(r->names);
	free(r->servers);
	free(r->answered);
	free(r);
}

void dns_request_cancel(struct dns_request *r)
{
	if (r)
		request_free(r);
}

static uint16_t random16(void)
{
	uint16_t v = 0;

	while (getrandom(&v, sizeof(v), 0) != sizeof(v))
		;
	return v;
}

static struct netaddr *server_of(struct dns_request *r)
{
	return &r->servers[r->attempt % r->nservers];
}

/* --- the end ------------------------------------------------------------------------- */

static void finish(struct dns_request *r, const struct dns_reply *reply)
{
	stop_attempt(r);
	unlink_request(r); /* the callback may ask anew or free the client */
	r->on_done(r->ctx, reply);
	request_free(r);
}

static void finish_transfer(struct dns_request *r, int err)
{
	stop_attempt(r);
	unlink_request(r);
	r->on_transfer(r->ctx, err, r->rcode, &r->transfer);
	request_free(r);
}

static void finish_message(struct dns_request *r, const struct netaddr *server, unsigned rtt_ms,
			   const struct dns_msg *m)
{
	struct dns_reply reply = { .server = *server,
				   .rcode = m->flags & 15,
				   .aa = m->flags & DNS_FLAG_AA,
				   .records = m->records,
				   .nrecords = m->nrecords,
				   .rtt_ms = rtt_ms };

	finish(r, &reply);
}

static void finish_failed(struct dns_request *r)
{
	struct dns_reply reply = { .err = r->err ? r->err : ERR_TIMEOUT };
	struct dns_msg m;

	if (r->is_transfer) {
		finish_transfer(r, reply.err);
		return;
	}
	if (r->fallback.len &&
	    dns_msg_parse((const uint8_t *)r->fallback.data, r->fallback.len, &m) == 0) {
		finish_message(r, &r->fallback_server, r->fallback_rtt_ms, &m);
		dns_msg_fini(&m);
		return;
	}
	reply.server = r->servers[0];
	finish(r, &reply);
}

/* This attempt came to nothing for the reason ERR: the next server, or the end. */
static void attempt_failed(struct dns_request *r, int err)
{
	stop_attempt(r);
	r->err = err;
	do
		r->attempt++;
	while (r->attempt < r->attempts && r->answered[r->attempt % r->nservers]);
	if (r->attempt >= r->attempts || (r->is_transfer && r->transfer_told))
		finish_failed(r);
	else
		start_attempt(r);
}

static void on_timeout(void *ctx)
{
	struct dns_request *r = ctx;

	/* a negative err was left by a send that failed at once, or by a forged answer */
	attempt_failed(r, r->err ? r->err : ERR_TIMEOUT);
}

/* --- answers -------------------------------------------------------------------------- */

/* Does the question come back as it was asked?  Error answers may leave it out. */
static bool question_fits(const struct dns_request *r, const struct dns_msg *m)
{
	if (m->qdcount == 0)
		return (m->flags & 15) != 0 || r->is_transfer;
	if (m->qtype != r->type || m->qclass != DNS_CLASS_IN)
		return false;
	if (r->mix_case)
		return memcmp(m->qname, r->sent_name, dname_len(r->sent_name)) == 0;
	return dname_equal(m->qname, r->sent_name);
}

static bool is_ours(const struct dns_request *r, const uint8_t *msg, size_t len)
{
	uint16_t flags;

	if (len < DNS_HEADER_LEN || wire_get16(msg) != r->id)
		return false;
	flags = wire_get16(msg + 2);
	return (flags & DNS_FLAG_QR) && dns_msg_opcode(flags) == dns_msg_opcode(r->flags);
}

/* 0, with *len without TSIG. */
static int check_tsig(struct dns_request *r, uint8_t *msg, size_t *len)
{
	if (r->key == NULL)
		return 0;
	int err = tsig_verify(&r->tsig, NULL, 0, msg, *len, len);
	return err == ERR_NOT_FOUND ? ERR_AUTH : err;
}

/* An answer that another server may better: keep it, go on. */
static void keep_and_go_on(struct dns_request *r, const uint8_t *msg, size_t len)
{
	buf_reset(&r->fallback);
	buf_add(&r->fallback, msg, len);
	r->fallback_server = *server_of(r);
	r->fallback_rtt_ms = (unsigned)(clock_mono_ms() - r->sent_ms);
	r->answered[r->attempt % r->nservers] = true;
	attempt_failed(r, ERR_NETWORK);
}

static void on_answer(struct dns_request *r, const struct dns_msg *m, const uint8_t *msg,
		      size_t len)
{
	unsigned rcode = m->flags & 15;

	if ((rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP) && !m->has_opt &&
	    !r->no_edns && !r->is_ready_message) {
		/* RFC 6891 7: a server from before EDNS; ask it once more without */
		r->no_edns = true;
		stop_attempt(r);
		start_attempt(r);
		return;
	}
	if (r->is_ready_message || rcode == DNS_RCODE_NOERROR || rcode == DNS_RCODE_NXDOMAIN)
		finish_message(r, server_of(r), (unsigned)(clock_mono_ms() - r->sent_ms), m);
	else
		keep_and_go_on(r, msg, len);
}

/* --- TCP ------------------------------------------------------------------------------ */

static int feed_transfer(struct dns_request *r, const struct dns_msg *m, bool *ret_done)
{
	r->rcode = m->flags & 15;
	if (r->rcode)
		return ERR_DENIED;
	if (m->nrecords == 0)
		return ERR_PROTOCOL; /* no end to a stream of nothing */
	for (size_t i = 0; i < m->nrecords; i++) {
		if (m->records[i].section != DNS_ANSWER)
			continue;
		int err = transfer_feed(&r->transfer, &m->records[i]);
		if (err)
			return err;
	}
	*ret_done = transfer_is_done(&r->transfer);
	/* the last message must be signed (RFC 8945 5.3.1) */
	if (*ret_done && r->key && r->tsig.unsigned_count)
		return ERR_AUTH;
	return 0;
}

static void on_transfer_message(struct dns_request *r, const struct dns_msg *m)
{
	bool done = false;
	int err = feed_transfer(r, m, &done);

	if (err && (r->transfer_told || err == ERR_LIMIT)) {
		finish_transfer(r, err);
	} else if (err) {
		attempt_failed(r, err);
	} else if (done) {
		finish_transfer(r, 0);
	}
}

static void on_tcp_message(void *ctx, uint8_t *msg, size_t len)
{
	struct dns_request *r = ctx;
	struct dns_msg m;

	if (!is_ours(r, msg, len)) {
		attempt_failed(r, ERR_PROTOCOL);
		return;
	}
	int err = check_tsig(r, msg, &len);
	if (err == 0)
		err = dns_msg_parse(msg, len, &m) ? ERR_PROTOCOL : 0;
	if (err) {
		attempt_failed(r, err == ERR_AUTH ? ERR_AUTH : ERR_PROTOCOL);
		return;
	}
	if (!question_fits(r, &m))
		attempt_failed(r, ERR_PROTOCOL);
	else if (r->is_transfer)
		on_transfer_message(r, &m);
	else
		on_answer(r, &m, msg, len);
	dns_msg_fini(&m);
}

static void on_tcp_end(void *ctx, int err)
{
	attempt_failed(ctx, err);
}

static void start_tcp(struct dns_request *r, unsigned idle_ms)
{
	const struct dns_tcp_handler h = { on_tcp_message, on_tcp_end, r };

	loop_timer_cancel(r->timer);
	r->tcp = dns_tcp_open(r->client->loop, server_of(r), (const uint8_t *)r->wire.data,
			      r->wire.len, r->tls,
			      r->names ? r->names[r->attempt % r->nservers] : NULL, idle_ms, &h);
}

/* --- UDP ------------------------------------------------------------------------------ */

/* One datagram.  What is not a good answer is dropped: it may be forged (RFC 5452 9). */
static void on_datagram(struct dns_request *r, uint8_t *msg, size_t len)
{
	struct dns_msg m;

	if (!is_ours(r, msg, len))
		return;
	if (wire_get16(msg + 2) & DNS_FLAG_TC) {
		loop_fd_free(r->udp);
		r->udp = NULL;
		start_tcp(r, r->timeout_ms);
		return;
	}
	struct tsig_session before = r->tsig;
	int err = check_tsig(r, msg, &len);
	if (err) {
		r->tsig = before;
		r->err = ERR_AUTH;
		return;
	}
	if (dns_msg_parse(msg, len, &m))
		return;
	if (question_fits(r, &m))
		on_answer(r, &m, msg, len);
	dns_msg_fini(&m);
}

static void on_readable(void *ctx)
{
	struct dns_request *r = ctx;
	uint8_t msg[65535];
	ssize_t n = recv(r->fd, msg, sizeof(msg), MSG_DONTWAIT);

	if (n >= 0)
		on_datagram(r, msg, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		attempt_failed(r, ERR_NETWORK); /* port unreachable */
}

static int start_udp(struct dns_request *r)
{
	struct sockaddr_storage ss;
	socklen_t sslen = netaddr_to_sockaddr(server_of(r), &ss);

	/* connected: the kernel takes a random port and drops what comes from elsewhere */
	r->fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || connect(r->fd, (struct sockaddr *)&ss, sslen))
		return ERR_NETWORK;
	if (send(r->fd, r->wire.data, r->wire.len, MSG_NOSIGNAL) < 0)
		return ERR_NETWORK;
	r->udp = loop_fd_new(r->client->loop, r->fd, on_readable, r);
	return 0;
}

/* --- attempts -------------------------------------------------------------------------- */

static void random_case(uint8_t *name)
{
	for (; *name; name += *name + 1) {
		uint64_t bits = (uint64_t)random16() << 48 | (uint64_t)random16() << 32 |
				(uint64_t)random16() << 16 | random16();

		for (unsigned i = 1; i <= *name; i++, bits >>= 1)
			if ((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z' && bits & 1)
				name[i] ^= 0x20;
	}
}

static void build(struct dns_request *r)
{
	struct dns_writer w;

	buf_reset(&r->wire);
	r->id = random16();
	memcpy(r->sent_name, r->name, sizeof(r->name));
	if (r->message.len) {
		buf_add(&r->wire, r->message.data, r->message.len);
		wire_put16(r->wire.data, r->id);
		return;
	}
	if (r->mix_case)
		random_case(r->sent_name);
	dns_writer_init(&w, UINT16_MAX, r->id, r->flags);
	(void)dns_writer_question(&w, r->sent_name, r->type, DNS_CLASS_IN); /* they fit */
	if (!r->no_edns)
		(void)dns_writer_opt(&w, EDNS_SIZE, 0, false);
	buf_add(&r->wire, w.out.data, w.out.len);
	dns_writer_fini(&w);
}

static int on_transfer_record(void *ctx, enum transfer_op op, const struct dns_record *rec)
{
	struct dns_request *r = ctx;

	r->transfer_told = true;
	return r->on_record ? r->on_record(r->ctx, op, rec) : 0;
}

static void begin_transfer(struct dns_request *r)
{
	struct transfer *t = &r->transfer;
	size_t max_records = t->max_records, max_bytes = t->max_bytes;

	transfer_init(t, r->name, t->incremental, t->serial);
	t->max_records = max_records;
	t->max_bytes = max_bytes;
	t->on_record = on_transfer_record;
	t->ctx = r;
}

static void start_attempt(struct dns_request *r)
{
	int err = 0;

	build(r);
	tsig_session_init(&r->tsig, r->key);
	if (r->key)
		err = tsig_sign(&r->tsig, &r->wire);
	r->sent_ms = clock_mono_ms();
	r->err = 0;
	if (err == 0 && r->is_transfer) {
		begin_transfer(r);
		start_tcp(r, r->timeout_ms);
		return;
	}
	if (err == 0 && (r->tcp_only || r->wire.len > EDNS_SIZE)) {
		start_tcp(r, r->timeout_ms);
		return;
	}
	if (err == 0)
		err = start_udp(r);
	/* a failure is told by the timer, never from within dns_client_ask */
	r->err = err;
	loop_timer_set(r->timer, err ? 0 : r->timeout_ms);
}

/* --- requests -------------------------------------------------------------------------- */

static struct dns_request *request_new(struct dns_client *c, const struct netaddr *servers,
				       size_t nservers, const uint8_t *name, uint16_t type)
{
	struct dns_request *r = MEM_NEW(struct dns_request);

	assert(nservers);
	r->client = c;
	r->fd = -1;
	r->servers = mem_dup(servers, nservers * sizeof(*servers));
	r->answered = mem_calloc(nservers, sizeof(bool));
	r->nservers = nservers;
	memcpy(r->name, name, dname_len(name));
	r->type = type;
	r->timer = loop_timer_new(c->loop, on_timeout, r);
	r->next = c->requests;
	r->prev = &c->requests;
	if (r->next)
		r->next->prev = &r->next;
	c->requests = r;
	return r;
}

static void use_tls(struct dns_request *r, const struct dns_tls *tls, const char *const *names)
{
	r->tls = tls;
	if (tls == NULL)
		return;
	r->names = mem_calloc(r->nservers, sizeof(*r->names));
	for (size_t i = 0; i < r->nservers; i++)
		r->names[i] = mem_strdup(names[i]);
}

static struct dns_request *ask(struct dns_client *c, const struct dns_question *q,
			       const uint8_t *name, uint16_t type)
{
	struct dns_request *r = request_new(c, q->servers, q->nservers, name, type);

	r->attempts = (q->tries ? q->tries : TRIES) * (unsigned)q->nservers;
	r->timeout_ms = q->timeout_ms ? q->timeout_ms : TRY_MS;
	r->tcp_only = q->tcp_only || q->tls;
	use_tls(r, q->tls, q->names);
	r->key = q->key;
	r->on_done = q->on_done;
	r->ctx = q->ctx;
	return r;
}

struct dns_request *dns_client_ask(struct dns_client *c, const struct dns_question *q)
{
	struct dns_request *r = ask(c, q, q->name, q->type);

	r->mix_case = q->mix_case;
	r->flags = q->recursion_desired ? DNS_FLAG_RD : 0;
	start_attempt(r);
	return r;
}

struct dns_request *dns_client_send(struct dns_client *c, const struct dns_question *q,
				    const uint8_t *msg, size_t len)
{
	uint8_t name[DNAME_MAX] = { 0 };
	size_t pos = DNS_HEADER_LEN;

	/* our own message: it has a question */
	int err = dname_unpack(msg, len, &pos, name);
	assert(err == 0 && len - pos >= 4);
	struct dns_request *r = ask(c, q, name, wire_get16(msg + pos));
	(void)err;
	r->is_ready_message = true;
	r->flags = wire_get16(msg + 2);
	buf_add(&r->message, msg, len);
	start_attempt(r);
	return r;
}

static void on_limit(void *ctx)
{
	finish_transfer(ctx, ERR_TIMEOUT);
}

static void build_transfer(struct dns_request *r, const struct dns_transfer_question *q)
{
	struct dns_writer w;

	dns_writer_init(&w, UINT16_MAX, 0, 0);
	(void)dns_writer_question(&w, q->zone, r->type, DNS_CLASS_IN); /* they fit */
	if (q->incremental)
		(void)dns_writer_record(&w, DNS_AUTHORITY, q->zone, RRTYPE_SOA, DNS_CLASS_IN, 0,
					q->soa, q->soa_len);
	buf_add(&r->message, w.out.data, w.out.len);
	dns_writer_fini(&w);
}

struct dns_request *dns_client_transfer(struct dns_client *c, const struct dns_transfer_question *q)
{
	struct dns_request *r = request_new(c, q->servers, q->nservers, q->zone,
					    q->incremental ? RRTYPE_IXFR : RRTYPE_AXFR);

	r->is_transfer = r->is_ready_message = true;
	use_tls(r, q->tls, q->names);
	r->attempts = (unsigned)q->nservers;
	r->timeout_ms = q->idle_ms ? q->idle_ms : TRANSFER_IDLE_MS;
	r->key = q->key;
	r->on_record = q->on_record;
	r->on_transfer = q->on_done;
	r->ctx = q->ctx;
	r->transfer.incremental = q->incremental;
	r->transfer.serial = q->incremental ? transfer_soa_serial(q->soa, q->soa_len) : 0;
	build_transfer(r, q);
	r->transfer.max_records = q->max_records;
	r->transfer.max_bytes = q->max_bytes;
	r->limit = loop_timer_new(c->loop, on_limit, r);
	loop_timer_set(r->limit, q->timeout_ms ? q->timeout_ms : TRANSFER_MS);
	start_attempt(r);
	return r;
}

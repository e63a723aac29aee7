#include "server/request.h"

#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/rrtype.h"
#include "lib/tsig_keys.h"
#include "lib/wire.h"
#include "server/handoff.h"

enum { UDP_MAX = 1232 };

static void count_tsig_error(uint16_t error)
{
	metric_add(METRIC_TSIG_ERRORS_TOTAL, 1,
		   error == DNS_RCODE_BADKEY     ? "badkey"
		   : error == DNS_RCODE_BADTIME  ? "badtime"
		   : error == DNS_RCODE_BADTRUNC ? "badtrunc"
						 : "badsig");
}

static void fill(struct request *r, const uint8_t *msg, size_t len)
{
	size_t pos = DNS_HEADER_LEN;

	/* what an error answer needs, even if the rest is malformed */
	r->m.id = wire_get16(msg);
	r->m.flags = wire_get16(msg + 2);
	if (wire_get16(msg + 4) == 1 && dname_unpack(msg, len, &pos, r->m.qname) == 0 &&
	    len - pos >= 4) {
		r->m.qdcount = 1;
		r->m.qtype = wire_get16(msg + pos);
		r->m.qclass = wire_get16(msg + pos + 2);
	}
}

/* 0, or the RCODE to refuse it with. */
static unsigned open_message(struct request *r, const struct tsig_keys *keys)
{
	struct dns_msg m;
	int err = tsig_verify(&r->tsig, (const struct tsig_key *const *)keys->keys, keys->n, r->msg,
			      r->len, &r->len);

	if (err == ERR_AUTH) {
		count_tsig_error(r->tsig.error);
		return DNS_RCODE_NOTAUTH;
	}
	if (err && err != ERR_NOT_FOUND)
		return DNS_RCODE_FORMERR;
	if (err == 0)
		r->key = r->tsig.key;
	if (dns_msg_parse(r->msg, r->len, &m) || m.qdcount != 1) {
		return DNS_RCODE_FORMERR;
	}
	r->m = m;
	return 0;
}

struct request *request_new(struct handoff *h, const struct tsig_keys *keys)
{
	struct request *r = MEM_NEW(struct request);

	r->h = h;
	r->msg = handoff_msg(h, &r->len);
	tsig_session_init(&r->tsig, NULL);
	fill(r, r->msg, r->len);
	unsigned rcode = open_message(r, keys);
	if (rcode == 0)
		return r;
	request_refuse(r, rcode);
	return NULL;
}

void request_done(struct request *r)
{
	if (r == NULL)
		return;
	handoff_done(r->h);
	dns_msg_fini(&r->m);
	tsig_session_fini(&r->tsig);
	free(r);
}

static bool is_signed(const struct request *r)
{
	return r->key || r->tsig.error;
}

size_t request_max(const struct request *r)
{
	size_t max = 65535;

	if (!handoff_is_tcp(r->h))
		max = r->m.udp_size > UDP_MAX ? UDP_MAX : r->m.udp_size > 512 ? r->m.udp_size : 512;
	return is_signed(r) ? max - tsig_size(&r->tsig) : max;
}

void request_begin(const struct request *r, struct dns_writer *w, size_t max, uint16_t flags,
		   bool question)
{
	uint16_t keep = r->m.flags & (0x7800 | DNS_FLAG_RD); /* opcode and RD */

	dns_writer_init(w, max, r->m.id, (uint16_t)(DNS_FLAG_QR | keep | flags));
	if (question && r->m.qdcount)
		(void)dns_writer_question(w, r->m.qname, r->m.qtype, r->m.qclass); /* it fits */
}

int request_send(struct request *r, struct dns_writer *w)
{
	if (is_signed(r)) {
		int err = tsig_sign(&r->tsig, &w->out);

		if (err)
			return err;
	}
	return handoff_send(r->h, (const uint8_t *)w->out.data, w->out.len);
}

/* OPT, with the reason of a refusal (RFC 8914) if there is one. */
static void put_opt(const struct request *r, struct dns_writer *w, unsigned rcode)
{
	static const uint8_t root[1] = { 0 };
	uint8_t ede[6] = { 0, 15, 0, 2, 0, rcode == DNS_RCODE_REFUSED ? 18 : 20 };
	bool has_ede = rcode == DNS_RCODE_REFUSED || (rcode == DNS_RCODE_NOTAUTH && !r->tsig.error);

	(void)dns_writer_record(w, DNS_ADDITIONAL, root, RRTYPE_OPT, UDP_MAX,
				r->m.dnssec_ok ? 0x8000 : 0, ede,
				has_ede ? sizeof(ede) : 0); /* it fits */
}

static void answer(struct request *r, unsigned rcode, uint16_t flags)
{
	struct dns_writer w;

	request_begin(r, &w, request_max(r), flags, true);
	dns_writer_rcode(&w, rcode);
	if (r->m.has_opt)
		put_opt(r, &w, rcode);
	(void)request_send(r, &w); /* the client may have left */
	dns_writer_fini(&w);
	request_done(r);
}

void request_refuse(struct request *r, unsigned rcode)
{
	answer(r, rcode, 0);
}

void request_confirm(struct request *r, unsigned rcode)
{
	answer(r, rcode, DNS_FLAG_AA);
}

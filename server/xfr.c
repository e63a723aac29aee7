#include "server/xfr.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/rrtype.h"
#include "lib/transfer.h"
#include "server/acl.h"
#include "server/handoff.h"
#include "server/request.h"
#include "zonedb/journal.h"
#include "zonedb/rrset.h"
#include "zonedb/zonedb.h"

enum {
	RUNNING_MAX = 100,   /* each holds a version and a list of its RRsets */
	MESSAGE_MAX = 16384, /* pointers reach no farther, so larger ones compress worse */
	OPT_LEN = 11,
	OPT_SIZE = 1232,
};

struct xfr {
	struct zonedb *db;
	struct journal *journal;
	const struct acl *allow;
	struct job *jobs;
	size_t running;
};

/* An RRset and where in it we are. */
struct piece {
	const uint8_t *owner;
	const struct rrset *rrset;
};

enum stage { STAGE_FIRST_SOA, STAGE_BODY, STAGE_LAST_SOA, STAGE_END };

/* One transfer that runs. */
struct job {
	struct job *next, **prev;
	struct xfr *x;
	struct request *r;
	const struct zonedb_version *version;
	const struct zone *zone;
	const struct rrset *soa;
	enum stage stage;
	bool incremental;
	/* AXFR */
	struct piece *pieces;
	size_t npieces, cap, at;
	size_t pos; /* in the RRset at hand */
	/* IXFR */
	struct journal_diff **steps;
	size_t nsteps;
	struct dns_writer w; /* the message at hand */
	bool has_message;    /* W was begun */
	bool is_ready;       /* W is signed, only to be sent */
	bool first;
	size_t records;
};

/* --- records one after another ---------------------------------------------------------- */

struct record {
	const uint8_t *owner, *rdata;
	uint16_t type, len;
	uint32_t ttl;
};

static void soa_record(const struct job *j, struct record *ret)
{
	size_t pos = 0;

	*ret = (struct record){ .owner = zone_origin(j->zone),
				.type = RRTYPE_SOA,
				.ttl = j->soa->variants[0].ttl };
	(void)rrset_next(j->soa, &pos, &ret->rdata, &ret->len); /* it has one */
}

/* The next record of the body; false at its end.  Nothing moves: see step_body. */
static bool body_record(struct job *j, struct record *ret, size_t *ret_pos)
{
	*ret_pos = j->pos;
	if (j->incremental) {
		struct journal_record r;

		if (j->at == j->nsteps)
			return false;
		journal_next(j->steps[j->at]->bytes, ret_pos, &r);
		*ret = (struct record){ r.owner, r.rdata, r.type, r.rdlen, r.ttl };
		return true;
	}
	for (; j->at < j->npieces; j->at++, j->pos = *ret_pos = 0) {
		const struct piece *p = &j->pieces[j->at];

		if (!rrset_next(p->rrset, ret_pos, &ret->rdata, &ret->len))
			continue;
		ret->owner = p->owner;
		ret->type = p->rrset->type;
		ret->ttl = p->rrset->variants[0].ttl;
		return true;
	}
	return false;
}

static bool next_record(struct job *j, struct record *ret, size_t *ret_pos)
{
	*ret_pos = 0;
	if (j->stage == STAGE_BODY && !body_record(j, ret, ret_pos))
		j->stage = STAGE_LAST_SOA;
	if (j->stage == STAGE_FIRST_SOA || j->stage == STAGE_LAST_SOA)
		soa_record(j, ret);
	return j->stage != STAGE_END;
}

/* The record that next_record gave was written. */
static void advance(struct job *j, size_t pos)
{
	j->records++;
	if (j->stage == STAGE_FIRST_SOA) {
		j->stage = STAGE_BODY;
	} else if (j->stage == STAGE_LAST_SOA) {
		j->stage = STAGE_END;
	} else {
		j->pos = pos;
		if (j->incremental && pos == j->steps[j->at]->len) {
			j->at++;
			j->pos = 0;
		}
	}
}

static int write_record(struct job *j, const struct record *rec)
{
	return dns_writer_record(&j->w, DNS_ANSWER, rec->owner, rec->type, DNS_CLASS_IN, rec->ttl,
				 rec->rdata, rec->len);
}

/* Fill one message.  False: there was nothing left for it. */
static bool fill_message(struct job *j, size_t max)
{
	struct record rec;
	size_t pos, begin = j->records;

	bool with_opt = j->first && j->r->m.has_opt;

	if (j->stage == STAGE_END)
		return false;
	request_begin(j->r, &j->w, with_opt ? max - OPT_LEN : max, DNS_FLAG_AA, j->first);
	j->first = false;
	j->has_message = true;
	while (next_record(j, &rec, &pos)) {
		if (write_record(j, &rec)) {
			if (j->records > begin)
				break;
			/* a record larger than a usual message */
			j->w.max = request_max(j->r) - (with_opt ? OPT_LEN : 0);
			if (write_record(j, &rec))
				break; /* rrset_new sees to it that it fits */
		}
		advance(j, pos);
	}
	if (with_opt) { /* RFC 6891 6.1.1: an OPT for an OPT; the first message's is enough */
		j->w.max += OPT_LEN;
		(void)dns_writer_opt(&j->w, OPT_SIZE, 0, j->r->m.dnssec_ok); /* room was kept */
	}
	return j->records > begin;
}

/* --- running ------------------------------------------------------------------------------ */

static void job_free(struct job *j)
{
	*j->prev = j->next;
	if (j->next)
		j->next->prev = j->prev;
	j->x->running--;
	for (size_t i = 0; i < j->nsteps; i++)
		journal_diff_unref(j->steps[i]);
	free(j->steps);
	free(j->pieces);
	if (j->has_message)
		dns_writer_fini(&j->w);
	zonedb_unref(j->version);
	request_done(j->r);
	free(j);
}

static void log_end(const struct job *j, int err)
{
	char who[NETADDR_TEXT_MAX], *name = dname_text(zone_origin(j->zone));

	metric_add(METRIC_TRANSFERS_TOTAL, 1, "out", j->incremental ? "ixfr" : "axfr",
		   err ? "failed" : "done");
	log_info("%s of %s serial %" PRIu32 " to %s: %zu records%s%s",
		 j->incremental ? "IXFR" : "AXFR", name, zone_serial(j->zone),
		 netaddr_to_text_port(handoff_client(j->r->h), who), j->records,
		 err ? ", broken off: " : "", err ? error_text(err) : "");
	free(name);
}

/* Send what there is room for. */
static void run(void *ctx)
{
	struct job *j = ctx;
	int err = 0;

	while (err == 0) {
		if (!j->has_message && !fill_message(j, MESSAGE_MAX))
			break;
		if (j->is_ready)
			err = handoff_send(j->r->h, (const uint8_t *)j->w.out.data, j->w.out.len);
		else
			err = request_send(j->r, &j->w);
		j->is_ready = true;
		if (err)
			break;
		dns_writer_fini(&j->w);
		j->has_message = j->is_ready = false;
	}
	if (err == ERR_AGAIN)
		return; /* on_room comes */
	log_end(j, err);
	job_free(j);
}

static bool collect(void *ctx, const uint8_t *owner, const struct rrset *r)
{
	struct job *j = ctx;

	if (r == j->soa)
		return true; /* first and last */
	if (j->npieces == j->cap) {
		j->cap = j->cap ? j->cap * 2 : 64;
		j->pieces = mem_array(j->pieces, j->cap, sizeof(*j->pieces));
	}
	j->pieces[j->npieces++] = (struct piece){ owner, r };
	return true;
}

/* The answer to R over UDP: one message, or the SOA alone (RFC 1995 2). */
static void answer_udp(struct job *j)
{
	size_t max = request_max(j->r);

	if (!fill_message(j, max) || j->stage != STAGE_END) {
		if (j->has_message)
			dns_writer_fini(&j->w);
		request_begin(j->r, &j->w, max, DNS_FLAG_AA, true);
		j->has_message = true;
		struct record rec;
		soa_record(j, &rec);
		(void)write_record(j, &rec); /* it fits */
		j->records = 1;
	}
	int err = request_send(j->r, &j->w);
	log_end(j, err);
	job_free(j);
}

static struct job *job_new(struct xfr *x, struct request *r, const struct zonedb_version *v,
			   const struct zone *z)
{
	struct job *j = MEM_NEW(struct job);

	j->x = x;
	j->r = r;
	j->version = v;
	j->zone = z;
	j->first = true;
	j->soa = zone_rrset(z, zone_origin(z), RRTYPE_SOA);
	assert(j->soa); /* a published zone has one */
	j->next = x->jobs;
	j->prev = &x->jobs;
	if (j->next)
		j->next->prev = &j->next;
	x->jobs = j;
	x->running++;
	return j;
}

/* The client's serial: the SOA in the authority section of its IXFR.  ERR_SYNTAX. */
static int client_serial(const struct request *r, uint32_t *ret)
{
	for (size_t i = 0; i < r->m.nrecords; i++) {
		const struct dns_record *rec = &r->m.records[i];

		if (rec->section != DNS_AUTHORITY || rec->type != RRTYPE_SOA)
			continue;
		if (!dname_equal(rec->owner, r->m.qname))
			return ERR_SYNTAX;
		*ret = transfer_soa_serial(rec->rdata, rec->rdlen);
		return 0;
	}
	return ERR_SYNTAX;
}

/* Are the differences worth it?  Roughly: an RRset is some 50 octets on the wire. */
static bool is_longer_than_zone(const struct job *j)
{
	size_t total = 0;

	for (size_t i = 0; i < j->nsteps; i++)
		total += j->steps[i]->len;
	return total > 4096 + 50 * zone_count(j->zone);
}

static void drop_steps(struct job *j)
{
	for (size_t i = 0; i < j->nsteps; i++)
		journal_diff_unref(j->steps[i]);
	free(j->steps);
	j->steps = NULL;
	j->nsteps = 0;
}

/* The form of an answer to an IXFR. */
static void prepare_ixfr(struct job *j, uint32_t serial)
{
	uint32_t now = zone_serial(j->zone);

	j->incremental = true;
	if (transfer_serial_compare(serial, now) >= 0) {
		j->stage = STAGE_LAST_SOA; /* current, or newer than we: one SOA */
		return;
	}
	if (journal_steps(j->x->journal, zone_origin(j->zone), serial, now, &j->steps,
			  &j->nsteps) == 0 &&
	    !is_longer_than_zone(j))
		return;
	drop_steps(j);
	j->incremental = false;
}

void xfr_serve(struct xfr *x, struct request *r)
{
	const struct zonedb_version *v = zonedb_ref(x->db);
	const struct zone *z = zonedb_zone(v, r->m.qname);
	bool is_ixfr = r->m.qtype == RRTYPE_IXFR, is_tcp = handoff_is_tcp(r->h);
	unsigned rcode = DNS_RCODE_NOERROR;
	uint32_t serial = 0;

	if (r->m.qclass != DNS_CLASS_IN)
		rcode = DNS_RCODE_REFUSED;
	else if (!is_ixfr && !is_tcp)
		rcode = DNS_RCODE_NOTIMP; /* RFC 5936 4.2: AXFR over UDP is not defined */
	else if (z == NULL)
		rcode = DNS_RCODE_NOTAUTH;
	else if (!acl_allows(x->allow, r->m.qname, handoff_client(r->h), r->key) ||
		 x->running == RUNNING_MAX)
		rcode = DNS_RCODE_REFUSED;
	else if (is_ixfr && client_serial(r, &serial))
		rcode = DNS_RCODE_FORMERR;
	if (rcode) {
		metric_add(METRIC_TRANSFERS_TOTAL, 1, "out", is_ixfr ? "ixfr" : "axfr", "refused");
		zonedb_unref(v);
		request_refuse(r, rcode);
		return;
	}
	struct job *j = job_new(x, r, v, z);
	if (is_ixfr)
		prepare_ixfr(j, serial);
	if (!j->incremental && is_tcp)
		zone_each_unordered(z, collect, j);
	if (!is_tcp) {
		if (!j->incremental)
			j->stage = STAGE_LAST_SOA; /* no differences: the SOA alone */
		answer_udp(j);
		return;
	}
	handoff_on_room(r->h, run, j);
	run(j);
}

struct xfr *xfr_new(struct zonedb *db, struct journal *journal, const struct acl *allow)
{
	struct xfr *x = MEM_NEW(struct xfr);

	x->db = db;
	x->journal = journal;
	x->allow = allow;
	return x;
}

void xfr_free(struct xfr *x)
{
	if (x == NULL)
		return;
	while (x->jobs)
		job_free(x->jobs);
	free(x);
}

size_t xfr_running(const struct xfr *x)
{
	return x->running;
}

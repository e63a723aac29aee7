#include "server/answer.h"

#include <string.h>

#include "lib/rrtype.h"
#include "lib/wire.h"
#include "server/chaos.h"
#include "server/cookie.h"
#include "server/edns.h"
#include "server/resolve.h"
#include "server/settings.h"

#define FLAG_QR 0x80
#define FLAG_AA 0x04
#define FLAG_TC 0x02
#define FLAG_RD 0x01

/* Header: id, opcode and RD as they came; QR; RA, Z, AD and CD are 0 (RFC 4035 3.1.6, 3.1.4). */
static void put_header(const struct response *r, const struct query *q)
{
	uint8_t *m = r->msg;

	m[2] = (uint8_t)(FLAG_QR | (m[2] & (0x78 | FLAG_RD)) | (r->aa ? FLAG_AA : 0) |
			 (r->tc ? FLAG_TC : 0));
	m[3] = r->rcode & 15;
	wire_put16(m + 4, q->has_question);
	wire_put16(m + 6, r->count[SECTION_ANSWER]);
	wire_put16(m + 8, r->count[SECTION_AUTHORITY]);
	wire_put16(m + 10, r->count[SECTION_ADDITIONAL]);
}

/* Judge the cookie and bake the one to send; the account learns whether it was good. */
static void take_cookie(struct answerer *a, const struct answer_client *client,
			struct edns_reply *reply)
{
	const struct edns *e = &a->query.edns;
	enum cookie_state state =
		cookie_check(a->cookies, e->cookie, e->cookie_len, client->addr, a->now_s);

	reply->flags |= EDNS_PUT_COOKIE;
	if (state == COOKIE_FRESH)
		memcpy(reply->cookie, e->cookie, COOKIE_LEN);
	else
		cookie_make(a->cookies, e->cookie, client->addr, a->now_s, reply->cookie);
	if (state != COOKIE_BAD)
		a->account.exempt = true;
	stats_add(&a->stats->cookies[state != COOKIE_BAD  ? STATS_COOKIE_VALID
				     : e->cookie_len == 8 ? STATS_COOKIE_CLIENT
							  : STATS_COOKIE_INVALID],
		  1);
}

/* What can be said in OPT before the answer is known; the rest is counted as if it were sent. */
static void begin_reply(struct answerer *a, const struct answer_client *client,
			struct edns_reply *reply)
{
	const struct server_settings *set = a->settings;
	const struct edns *e = &a->query.edns;

	reply->flags = 0;
	reply->size = set->udp_size;
	reply->scope = 0;
	reply->ede = EDE_NONE;
	if (e->flags & EDNS_HAS_COOKIE)
		take_cookie(a, client, reply);
	if (e->flags & EDNS_WANTS_NSID && set->nsid) {
		reply->flags |= EDNS_PUT_NSID;
		reply->nsid = set->nsid;
	}
	if (e->flags & EDNS_HAS_SUBNET) {
		reply->flags |= EDNS_PUT_SUBNET;
		stats_add(&a->stats->ecs, 1);
	}
	if (client->is_tcp && e->flags & EDNS_HAS_KEEPALIVE) {
		reply->flags |= EDNS_PUT_KEEPALIVE;
		reply->keepalive = client->keepalive;
	}
	if (e->flags & EDNS_WANTS_EXPIRE)
		reply->flags |= EDNS_PUT_EXPIRE;
	if (e->flags & EDNS_WANTS_ZONEVERSION)
		reply->flags |= EDNS_PUT_ZONEVERSION;
	if (set->report_agent[0]) {
		reply->flags |= EDNS_PUT_AGENT;
		reply->agent = set->report_agent;
	}
}

/* Names below the agent are not told about it: a report about a report would loop (RFC 9567 6.2).
 */
static bool may_name_agent(const struct resolution *s)
{
	return !dname_is_subdomain(s->r.msg + DNS_HEADER, s->a->settings->report_agent);
}

/* Now that the answer is known: which of the announced options are really due. */
static void settle_reply(const struct resolution *s, struct edns_reply *reply)
{
	const struct zone *z = s->r.aa ? s->zone : NULL;

	reply->scope = s->scope;
	if (reply->flags & EDNS_PUT_EXPIRE) {
		/* RFC 7314 3.1: to queries for the SOA of a zone; as primary, its EXPIRE field */
		const struct rrset *soa = z ? node_rrset(z->apex, RRTYPE_SOA) : NULL;

		if (soa && s->a->query.qtype == RRTYPE_SOA && s->kind == STATS_ANSWER)
			reply->expire_s = wire_get32(rrset_rrs(soa, 0) + soa->variants[0].len - 8);
		else
			reply->flags &= ~(unsigned)EDNS_PUT_EXPIRE;
	}
	if (reply->flags & EDNS_PUT_ZONEVERSION) {
		if (z && s->hops == 0) { /* RFC 9660 3: the zone that QNAME is in */
			reply->zone_labels = z->labels;
			reply->zone_serial = z->serial;
		} else {
			reply->flags &= ~(unsigned)EDNS_PUT_ZONEVERSION;
		}
	}
	if (reply->flags & EDNS_PUT_AGENT && !may_name_agent(s))
		reply->flags &= ~(unsigned)EDNS_PUT_AGENT;
	if (s->ede != EDE_NONE) {
		reply->flags |= EDNS_PUT_EDE;
		reply->ede = s->ede;
	}
}

static size_t finish(struct resolution *s, struct edns_reply *reply)
{
	struct answerer *a = s->a;
	struct query *q = &a->query;
	struct response *r = &s->r;
	bool tcp = s->client->is_tcp;

	if (q->edns.flags & EDNS_HAS_OPT) {
		if (reply->flags || s->ede != EDE_NONE)
			settle_reply(s, reply);
		r->len += edns_put(reply, &q->edns, r->rcode, r->msg + r->len);
		r->count[SECTION_ADDITIONAL]++;
		stats_add(&a->stats->edns, 1);
	}
	put_header(r, q);
	a->account.key = s->key;
	stats_add(&a->stats->rcodes[tcp][r->rcode < 24 ? r->rcode : 23], 1);
	stats_add(&a->stats->kinds[s->kind], 1);
	if (r->tc)
		stats_add(&a->stats->truncated, 1);
	return r->len;
}

static void begin(struct resolution *s, struct answerer *a, const struct zonedb_version *v,
		  const struct answer_client *client, uint8_t *msg, size_t size)
{
	const struct query *q = &a->query;

	s->a = a;
	s->version = v;
	s->client = client;
	s->r = (struct response){ .msg = msg, .len = q->question_end, .max = size };
	s->zone = NULL;
	s->hops = 0;
	s->nhosts = 0;
	s->ede = EDE_NONE;
	s->scope = 0;
	s->key = 0;
	s->kind = STATS_ERROR;
	if (client->is_tcp)
		return;
	size_t limit = 512; /* RFC 1035 4.2.1 */
	if (q->edns.flags & EDNS_HAS_OPT) {
		limit = q->edns.size;
		if (limit > a->settings->udp_size)
			limit = a->settings->udp_size; /* RFC 9715: never more than we say */
	}
	if (limit < size)
		s->r.max = limit;
}

/* An answer that is a code and no data. */
static size_t answer_error(struct resolution *s, struct edns_reply *reply, unsigned rcode,
			   uint16_t ede)
{
	s->r.rcode = (uint16_t)rcode;
	s->ede = ede;
	s->kind = rcode == DNS_RCODE_REFUSED ? STATS_REFUSED : STATS_ERROR;
	s->key = 4 + rcode;
	if (s->r.len + edns_len(reply, &s->a->query.edns) + 6 > s->r.max)
		reply->flags = 0; /* a question of full length and a client that takes 512 */
	return finish(s, reply);
}

/* Data of class IN, or CH's four names; everything else is not ours. */
static void answer_class(struct resolution *s)
{
	const struct query *q = &s->a->query;

	switch (q->qclass) {
	case DNS_CLASS_IN:
		resolve_query(s);
		return;
	case DNS_CLASS_ANY:
		resolve_query(s);
		s->r.aa = false; /* RFC 1035 6.2: other classes might have data, too */
		return;
	case DNS_CLASS_CH:
		if (chaos_put(&s->r, s->a->settings, &q->qname, q->qtype)) {
			s->r.aa = true;
			s->kind = STATS_ANSWER;
			s->key = 5;
			return;
		}
		break;
	default:
		break;
	}
	s->r.rcode = DNS_RCODE_REFUSED;
	s->kind = STATS_REFUSED;
	s->ede = EDE_NOT_AUTHORITATIVE;
	s->key = 3;
}

static size_t answer_data(struct resolution *s, struct edns_reply *reply)
{
	const struct edns *e = &s->a->query.edns;

	if (e->flags & EDNS_HAS_OPT)
		s->r.max -= edns_len(reply, e);
	answer_class(s);
	if (s->ede != EDE_NONE && !s->client->is_tcp)
		s->r.max += 0; /* an EDE comes with REFUSED, which has no data: there is room */
	return finish(s, reply);
}

/* What would be for the control loop when nobody there wants it. */
static size_t answer_refusal(struct resolution *s, struct edns_reply *reply,
			     enum query_verdict verdict)
{
	switch (verdict) {
	case QUERY_UPDATE:
		return answer_error(s, reply, DNS_RCODE_NOTIMP, EDE_NONE);
	case QUERY_TSIG:
		return answer_error(s, reply, DNS_RCODE_NOTAUTH, EDE_NONE);
	case QUERY_NOTIFY:
	case QUERY_XFR:
	case QUERY_ANSWER:
	case QUERY_DROP:
	case QUERY_ERROR:
	case QUERY_COOKIE:
		break;
	}
	return answer_error(s, reply, DNS_RCODE_REFUSED, EDE_PROHIBITED);
}

static enum answer_result handoff(enum query_verdict verdict)
{
	switch (verdict) {
	case QUERY_NOTIFY:
		return ANSWER_NOTIFY;
	case QUERY_UPDATE:
		return ANSWER_UPDATE;
	case QUERY_XFR:
		return ANSWER_XFR;
	case QUERY_TSIG:
		return ANSWER_TSIG;
	case QUERY_ANSWER:
	case QUERY_DROP:
	case QUERY_ERROR:
	case QUERY_COOKIE:
		break;
	}
	return ANSWER_SEND;
}

static void count_query(struct answerer *a, const struct answer_client *client, size_t len)
{
	const struct query *q = &a->query;

	stats_add(&a->stats->queries[client->is_tcp], 1);
	stats_add(&a->stats->received[client->is_tcp], len);
	if (q->has_question)
		stats_add(&a->stats->types[q->qtype < 66 ? q->qtype : 0], 1);
}

enum answer_result answer_query(struct answerer *a, const struct zonedb_version *v,
				const struct answer_client *client, uint8_t *msg, size_t len,
				size_t size, size_t *ret_len)
{
	enum query_verdict verdict = query_parse(&a->query, msg, len);
	struct resolution s;
	struct edns_reply reply;

	if (verdict == QUERY_DROP) {
		stats_add(&a->stats->drops[STATS_DROP_MALFORMED], 1);
		return ANSWER_DROP;
	}
	count_query(a, client, len);
	if (client->can_handoff && handoff(verdict) != ANSWER_SEND)
		return handoff(verdict);
	a->account.exempt = client->is_tcp;
	begin(&s, a, v, client, msg, size);
	begin_reply(a, client, &reply);
	switch (verdict) {
	case QUERY_ANSWER:
		*ret_len = answer_data(&s, &reply);
		break;
	case QUERY_COOKIE: /* RFC 7873 5.4: no question, NOERROR */
		*ret_len = answer_error(&s, &reply, DNS_RCODE_NOERROR, EDE_NONE);
		break;
	case QUERY_ERROR:
		*ret_len = answer_error(&s, &reply, a->query.rcode,
					a->query.has_question && a->query.qtype == RRTYPE_NXNAME
						? EDE_INVALID_QUERY_TYPE
						: EDE_NONE);
		break;
	case QUERY_NOTIFY:
	case QUERY_UPDATE:
	case QUERY_XFR:
	case QUERY_TSIG:
		*ret_len = answer_refusal(&s, &reply, verdict);
		break;
	case QUERY_DROP:
		__builtin_unreachable();
	}
	stats_add(&a->stats->sent[client->is_tcp], *ret_len);
	return ANSWER_SEND;
}

size_t answer_truncate(struct answerer *a, const struct answer_client *client, uint8_t *msg)
{
	struct edns_reply reply;
	struct resolution s;

	begin(&s, a, NULL, client, msg, 512);
	begin_reply(a, client, &reply);
	s.r.tc = true;
	s.kind = STATS_ANSWER;
	return answer_error(&s, &reply, DNS_RCODE_NOERROR, EDE_NONE);
}

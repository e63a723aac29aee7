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

#define EDE_LEN 6 /* octets of an extended error without text */

/* What the rate limit counts together besides names: answers with the same code. */
#define KEY_CODE  4
#define KEY_CHAOS 3

/* Header: id, opcode and RD as they came; QR; RA, Z, AD and CD are 0 (RFC 4035 3.1.6, 3.1.4). */
static void put_header(const struct response *r)
{
	uint8_t *m = r->msg;

	m[2] = (uint8_t)(FLAG_QR | (m[2] & (0x78 | FLAG_RD)) | (r->aa ? FLAG_AA : 0) |
			 (r->tc ? FLAG_TC : 0));
	m[3] = r->rcode & 15;
	wire_put64(m + 4, r->counts);
}

/* Judge the cookie and bake the one to send; the account learns whether it was good. */
static void take_cookie(struct answerer *a, const struct answer_client *client)
{
	struct edns_reply *reply = &a->reply;
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

/* The options of an OPT that asks for some, or that all answers have. */
static void begin_options(struct answerer *a, const struct answer_client *client)
{
	const struct server_settings *set = a->settings;
	const struct edns *e = &a->query.edns;
	struct edns_reply *reply = &a->reply;

	if (e->flags & EDNS_HAS_COOKIE)
		take_cookie(a, client);
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

/* What can be said in OPT before the answer is known; the rest is counted as if it were sent. */
static inline void begin_reply(struct answerer *a, const struct answer_client *client)
{
	a->reply.flags = 0;
	a->reply.size = a->settings->udp_size;
	if (__builtin_expect(a->query.edns.flags & ~(EDNS_HAS_OPT | EDNS_DO | EDNS_CO), 0) ||
	    a->settings->report_agent[0])
		begin_options(a, client);
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

static inline size_t finish(struct resolution *s)
{
	struct answerer *a = s->a;
	struct response *r = &s->r;
	const struct edns *e = &a->query.edns;

	if (e->flags & EDNS_HAS_OPT) {
		if (__builtin_expect(a->reply.flags != 0 || s->ede != EDE_NONE, 0))
			settle_reply(s, &a->reply);
		r->len += edns_put(&a->reply, e, r->rcode, r->msg + r->len);
		response_count(r, SECTION_ADDITIONAL, 1);
	}
	put_header(r);
	return r->len;
}

static inline __attribute__((always_inline)) void begin(struct resolution *s, struct answerer *a,
							const struct zonedb_version *v,
							const struct answer_client *client,
							uint8_t *msg, size_t size)
{
	const struct query *q = &a->query;

	s->a = a;
	s->version = v;
	s->client = client;
	s->r.msg = msg;
	s->r.len = q->question_end;
	s->r.max = size;
	s->r.counts = (uint64_t)q->has_question << 48;
	s->r.rcode = 0;
	s->r.aa = false;
	s->r.tc = false;
	s->zone = NULL;
	s->hops = 0;
	s->nhosts = 0;
	s->ede = EDE_NONE;
	s->scope = 0;
	s->kind = STATS_ANSWER;
	a->account.exempt = client->is_tcp;
	if (!client->is_tcp) {
		size_t limit = 512; /* RFC 1035 4.2.1 */

		if (q->edns.flags & EDNS_HAS_OPT) {
			limit = q->edns.size;
			if (limit > a->settings->udp_size)
				limit = a->settings
						->udp_size; /* RFC 9715: never more than we say */
		}
		if (limit < size)
			s->r.max = limit;
	}
	if (q->edns.flags & EDNS_HAS_OPT) {
		begin_reply(a, client);
		if (__builtin_expect(a->reply.flags != 0, 0) &&
		    s->r.len + edns_len(&a->reply, &q->edns) + EDE_LEN > s->r.max)
			a->reply.flags = 0; /* a long question, long options, a small client */
	}
}

/* An answer that is a code and no data. */
static void answer_error(struct resolution *s, unsigned rcode, uint16_t ede)
{
	s->r.rcode = (uint16_t)rcode;
	s->ede = ede;
	s->kind = rcode == DNS_RCODE_REFUSED ? STATS_REFUSED : STATS_ERROR;
	s->key = KEY_CODE + rcode;
}

/* What the classes beside IN have: CH four names, ANY the data of IN, the others nothing. */
static void answer_other_class(struct resolution *s)
{
	const struct query *q = &s->a->query;

	if (q->qclass == DNS_CLASS_ANY) {
		resolve_query(s);
		s->r.aa = false; /* RFC 1035 6.2: other classes might have data, too */
		return;
	}
	if (q->qclass == DNS_CLASS_CH && chaos_put(&s->r, s->a->settings, &q->qname, q->qtype)) {
		s->r.aa = true;
		s->key = KEY_CHAOS;
		return;
	}
	s->r.rcode = DNS_RCODE_REFUSED;
	s->kind = STATS_REFUSED;
	s->ede = EDE_NOT_AUTHORITATIVE;
	s->key = KEY_CODE + DNS_RCODE_REFUSED;
}

static inline void answer_data(struct resolution *s)
{
	const struct edns *e = &s->a->query.edns;

	if (e->flags & EDNS_HAS_OPT)
		s->r.max -= edns_len(&s->a->reply, e);
	if (__builtin_expect(s->a->query.qclass == DNS_CLASS_IN, 1))
		resolve_query(s);
	else
		answer_other_class(s);
}

/* Verdicts that do not lead to data. */
static void answer_verdict(struct resolution *s, enum query_verdict verdict)
{
	static const struct {
		uint16_t rcode, ede;
	} plain[] = {
		[QUERY_COOKIE] = { DNS_RCODE_NOERROR, EDE_NONE }, /* RFC 7873 5.4 */
		/* what would be for the control loop when nobody there wants it */
		[QUERY_NOTIFY] = { DNS_RCODE_REFUSED, EDE_PROHIBITED },
		[QUERY_UPDATE] = { DNS_RCODE_NOTIMP, EDE_NONE },
		[QUERY_XFR] = { DNS_RCODE_REFUSED, EDE_PROHIBITED },
		[QUERY_TSIG] = { DNS_RCODE_NOTAUTH, EDE_NONE },
	};
	const struct query *q = &s->a->query;

	if (verdict != QUERY_ERROR)
		answer_error(s, plain[verdict].rcode, plain[verdict].ede);
	else if (q->has_question && q->qtype == RRTYPE_NXNAME)
		answer_error(s, q->rcode, EDE_INVALID_QUERY_TYPE); /* RFC 9824 3.5 */
	else
		answer_error(s, q->rcode, EDE_NONE);
}

/*
 * --require-cookies: BADCOOKIE with a good cookie for who knows cookies (RFC 7873 5.2.3); who does
 * not is sent to TCP.
 */
static void answer_cookieless(struct resolution *s)
{
	bool knows = s->a->query.edns.flags & EDNS_HAS_COOKIE;

	answer_error(s, knows ? DNS_RCODE_BADCOOKIE : DNS_RCODE_NOERROR, EDE_NONE);
	s->r.tc = !knows;
}

/* What the control loop may answer; ANSWER_SEND for the rest. */
static enum answer_result handoff(enum query_verdict verdict)
{
	static const enum answer_result results[] = {
		[QUERY_ANSWER] = ANSWER_SEND,   [QUERY_DROP] = ANSWER_SEND,
		[QUERY_ERROR] = ANSWER_SEND,    [QUERY_COOKIE] = ANSWER_SEND,
		[QUERY_NOTIFY] = ANSWER_NOTIFY, [QUERY_UPDATE] = ANSWER_UPDATE,
		[QUERY_XFR] = ANSWER_XFR,       [QUERY_TSIG] = ANSWER_TSIG,
	};

	return results[verdict];
}

static void count(const struct resolution *s)
{
	struct server_stats *stats = s->a->stats;
	const struct query *q = &s->a->query;
	unsigned type = q->qtype < STATS_TYPES ? q->qtype : 0;

	stats_add(&stats->types[q->has_question ? type : 0], 1);
	stats_add(&stats->rcodes[s->client->is_tcp][s->r.rcode], 1);
	stats_add(&stats->kinds[s->kind], 1);
	if (q->edns.flags & EDNS_HAS_OPT)
		stats_add(&stats->edns, 1);
	if (s->r.tc)
		stats_add(&stats->truncated, 1);
}

enum answer_result answer_query(struct answerer *a, const struct zonedb_version *v,
				const struct answer_client *client, uint8_t *msg, size_t len,
				size_t size, size_t *ret_len)
{
	enum query_verdict verdict = query_parse(&a->query, msg, len);
	struct resolution s;

	if (__builtin_expect(verdict != QUERY_ANSWER, 0)) {
		if (verdict == QUERY_DROP) {
			stats_add(&a->stats->drops[STATS_DROP_MALFORMED], 1);
			return ANSWER_DROP;
		}
		if (client->can_handoff && handoff(verdict) != ANSWER_SEND)
			return handoff(verdict);
	}
	begin(&s, a, v, client, msg, size);
	if (__builtin_expect(a->settings->cookie_required && !a->account.exempt, 0))
		answer_cookieless(&s);
	else if (__builtin_expect(verdict == QUERY_ANSWER, 1))
		answer_data(&s);
	else
		answer_verdict(&s, verdict);
	*ret_len = finish(&s);
	a->account.key = s.key;
	count(&s);
	return ANSWER_SEND;
}

size_t answer_truncate(struct answerer *a, const struct answer_client *client, uint8_t *msg)
{
	struct resolution s;

	begin(&s, a, NULL, client, msg, 512);
	s.r.tc = true;
	answer_error(&s, DNS_RCODE_NOERROR, EDE_NONE);
	return finish(&s);
}

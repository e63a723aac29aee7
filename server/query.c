#include "server/query.h"

#include "lib/error.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

static enum query_verdict error(struct query *q, uint16_t rcode)
{
	q->rcode = rcode;
	return QUERY_ERROR;
}

/*
 * Skip the owner of a record at *pos: labels, ended by the root or by a pointer, which must point
 * backwards (RFC 1035 4.1.4 "prior occurrence").  Where it leads is of no interest here.
 */
static bool skip_name(const uint8_t *msg, size_t len, size_t *pos)
{
	size_t start = *pos;

	for (size_t at = start; at < len; at += msg[at] + 1u) {
		uint8_t n = msg[at];

		if (n == 0) {
			*pos = at + 1;
			return at + 1 - start <= DNAME_MAX;
		}
		if (n < 64)
			continue;
		*pos = at + 2;
		return n >= 0xc0 && at + 2 <= len && at + 2 - start <= DNAME_MAX &&
		       (size_t)(wire_get16(msg + at) & 0x3fff) < start;
	}
	return false;
}

/* One OPT at most, at the root, in the additional section (RFC 6891 6.1.1). */
static enum query_verdict take_opt(struct query *q, const uint8_t *rr, bool at_root, uint16_t rdlen,
				   bool in_additional)
{
	if (!at_root || !in_additional || q->edns.flags & EDNS_HAS_OPT)
		return error(q, DNS_RCODE_FORMERR);
	switch (edns_parse(&q->edns, rr, rdlen)) {
	case 0:
		return QUERY_ANSWER;
	case ERR_UNSUPPORTED:
		/* found for now: the rest of the message may still be malformed */
		q->rcode = DNS_RCODE_BADVERS;
		return QUERY_ANSWER;
	default:
		return error(q, DNS_RCODE_FORMERR);
	}
}

/*
 * Walk the records behind the question.  COUNT: of all sections; those from ADDITIONAL on are the
 * additional section.  QUERY_TSIG if the last one is a TSIG (RFC 8945 5.1; FORMERR elsewhere).
 */
static enum query_verdict walk_records(struct query *q, const uint8_t *msg, size_t len, size_t pos,
				       unsigned count, unsigned additional)
{
	enum query_verdict verdict = QUERY_ANSWER;

	for (unsigned i = 0; i < count; i++) {
		size_t owner = pos;

		if (!skip_name(msg, len, &pos) || len - pos < 10)
			return error(q, DNS_RCODE_FORMERR);
		uint16_t type = wire_get16(msg + pos);
		uint16_t rdlen = wire_get16(msg + pos + 8);
		if (len - pos - 10 < rdlen)
			return error(q, DNS_RCODE_FORMERR);
		if (type == RRTYPE_OPT) {
			verdict = take_opt(q, msg + pos, msg[owner] == 0, rdlen, i >= additional);
			if (verdict != QUERY_ANSWER)
				return verdict;
		} else if (type == RRTYPE_TSIG) {
			if (i + 1 != count || i < additional)
				return error(q, DNS_RCODE_FORMERR);
			verdict = QUERY_TSIG;
		}
		pos += 10u + rdlen;
	}
	if (pos != len)
		return error(q, DNS_RCODE_FORMERR); /* octets behind the message */
	if (q->rcode)
		return QUERY_ERROR; /* BADVERS */
	return verdict;
}

/* Is what is left from POS on one OPT record at the root? */
static inline bool is_lone_opt(const uint8_t *msg, size_t len, size_t pos)
{
	return len - pos >= 11 && msg[pos] == 0 && wire_get16(msg + pos + 1) == RRTYPE_OPT &&
	       wire_get16(msg + pos + 9) == len - pos - 11;
}

/* The usual ends of a query: nothing, or one OPT.  As walk_records would have it, sooner. */
static inline enum query_verdict parse_opt(struct query *q, const uint8_t *msg, size_t len)
{
	const uint8_t *opt = msg + q->question_end + 1;
	uint16_t rdlen = (uint16_t)(len - q->question_end - 11);

	if (__builtin_expect(edns_parse_plain(&q->edns, opt, rdlen), 1))
		return QUERY_ANSWER;
	enum query_verdict verdict = take_opt(q, opt, true, rdlen, true);
	return verdict == QUERY_ANSWER && q->rcode ? QUERY_ERROR : verdict;
}

static inline enum query_verdict parse_records(struct query *q, const uint8_t *msg, size_t len)
{
	size_t pos = q->question_end;
	uint64_t counts = wire_get64(msg + 4) & 0xffffffffffff; /* without QDCOUNT */

	if (counts == 0 && pos == len)
		return QUERY_ANSWER;
	if (counts == 1 && is_lone_opt(msg, len, pos))
		return parse_opt(q, msg, len);
	unsigned additional = (unsigned)(counts >> 32) + (unsigned)(counts >> 16 & 0xffff);
	return walk_records(q, msg, len, pos, additional + (unsigned)(counts & 0xffff), additional);
}

/* QTYPEs that no answer exists for. */
static enum query_verdict check_type(struct query *q)
{
	switch (q->qtype) {
	case RRTYPE_OPT:
	case RRTYPE_NXNAME: /* RFC 9824 3.5 */
	case RRTYPE_TKEY:
	case RRTYPE_TSIG:
		return error(q, DNS_RCODE_FORMERR);
	case RRTYPE_MAILA: /* RFC 1035 3.2.3, obsolete */
	case RRTYPE_MAILB:
		return error(q, DNS_RCODE_NOTIMP);
	case RRTYPE_IXFR:
	case RRTYPE_AXFR:
		return QUERY_XFR;
	default:
		return QUERY_ANSWER;
	}
}

/* RFC 9619: a query has exactly one question; none is fine to fetch a cookie (RFC 7873 5.4). */
static enum query_verdict no_question(struct query *q, const uint8_t *msg, size_t len,
				      unsigned opcode)
{
	if (wire_get16(msg + 4) != 0 || opcode != DNS_OPCODE_QUERY)
		return error(q, DNS_RCODE_FORMERR);
	enum query_verdict verdict = parse_records(q, msg, len);
	if (verdict == QUERY_ERROR)
		return verdict;
	return q->edns.flags & EDNS_HAS_COOKIE ? QUERY_COOKIE : error(q, DNS_RCODE_FORMERR);
}

enum query_verdict query_parse(struct query *q, const uint8_t *msg, size_t len)
{
	if (len < DNS_HEADER || msg[2] & 0x80)
		return QUERY_DROP;
	unsigned opcode = msg[2] >> 3;
	q->edns.flags = 0;
	q->rcode = 0;
	q->has_question = false;
	q->question_end = DNS_HEADER;
	if (opcode != DNS_OPCODE_QUERY && opcode != DNS_OPCODE_NOTIFY &&
	    opcode != DNS_OPCODE_UPDATE)
		return error(q, DNS_RCODE_NOTIMP);
	if (wire_get16(msg + 4) != 1)
		return no_question(q, msg, len, opcode);
	if (qname_parse(&q->qname, msg + DNS_HEADER, len - DNS_HEADER))
		return error(q, DNS_RCODE_FORMERR);
	size_t end = DNS_HEADER + (size_t)q->qname.len + 4;
	if (end > len)
		return error(q, DNS_RCODE_FORMERR);
	q->qtype = wire_get16(msg + end - 4);
	q->qclass = wire_get16(msg + end - 2);
	q->question_end = (uint16_t)end;
	q->has_question = true;
	if (__builtin_expect(opcode != DNS_OPCODE_QUERY, 0))
		return opcode == DNS_OPCODE_NOTIFY ? QUERY_NOTIFY : QUERY_UPDATE;
	enum query_verdict verdict = parse_records(q, msg, len);
	return verdict == QUERY_ANSWER ? check_type(q) : verdict;
}

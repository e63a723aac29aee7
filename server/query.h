/*
 * query - a query message taken apart, strictly: header, question, the OPT
 * record with its options, and nothing that is not needed to answer.
 *
 * One cursor, no allocation, no step that is more than linear in the message.
 * Any thread.  The message must have QUERY_SLACK readable octets behind it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/edns.h"
#include "zonedb/qname.h"

#define DNS_HEADER  12
#define QUERY_SLACK 16

enum query_verdict {
	QUERY_ANSWER, /* a query to answer */
	QUERY_DROP,   /* not to be answered: shorter than a header, or itself a response */
	QUERY_ERROR,  /* answer with rcode alone; has_question says whether the question is good */
	QUERY_COOKIE, /* no question but a cookie: wants a server cookie (RFC 7873 5.4) */
	QUERY_NOTIFY, /* opcode NOTIFY with a good question */
	QUERY_UPDATE, /* opcode UPDATE with a good zone section */
	QUERY_XFR,    /* QTYPE AXFR or IXFR */
	QUERY_TSIG,   /* the last record is a TSIG */
};

struct query {
	uint16_t qtype, qclass;
	uint16_t question_end; /* octets of header and question; DNS_HEADER without question */
	uint16_t rcode;        /* of QUERY_ERROR, may be extended */
	bool has_question;
	struct edns edns;
	struct qname qname;
};

/* Take MSG of LEN octets apart; Q's fields are valid as far as the verdict says. */
enum query_verdict query_parse(struct query *q, const uint8_t *msg, size_t len);

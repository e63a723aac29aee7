/*
 * answer - from a query to its answer, in place: what a worker does between
 * receiving and sending.
 *
 *	query_parse ─► zone ─► lookup_name ─► RRsets ─► OPT
 *	               └ CNAME, DNAME: again, at most ANSWER_HOPS times
 *
 * Worker threads, each with its own struct answerer; no allocation, lock or system call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "server/query.h"
#include "server/stats.h"

struct server_settings;
struct zonedb_version;
struct cookie_keys;

#define ANSWER_HOPS 16

enum answer_result {
	ANSWER_SEND,   /* the buffer holds an answer */
	ANSWER_DROP,   /* say nothing */
	ANSWER_NOTIFY, /* for the control loop (server/handoff.h): the buffer is as it was */
	ANSWER_UPDATE,
	ANSWER_XFR,
	ANSWER_TSIG,
};

/* Who asks. */
struct answer_client {
	const struct sockaddr *addr; /* AF_INET or AF_INET6 */
	bool is_tcp;
	bool can_handoff;   /* false: refuse what would be handed over */
	uint16_t keepalive; /* TCP idle time-out in units of 100 ms (RFC 7828) */
};

/* What rate limiting counts alike; ANSWER_* of rrl.h.  Filled by answer_query. */
struct answer_account {
	uint64_t key; /* hash of what the answer is about */
	bool exempt;  /* good server cookie, or TCP */
};

struct answerer {
	const struct server_settings *settings;
	const struct cookie_keys *cookies;
	struct server_stats *stats;
	uint64_t random; /* state; not for secrets */
	uint32_t now_s;  /* real time, for cookies */
	struct answer_account account;
	struct edns_reply reply;
	struct query query;
	/* scratch */
	struct qname chain;                            /* a CNAME's target */
	struct qname extra;                            /* a name of the additional section */
	uint8_t synth[2][DNAME_MAX + QNAME_SLACK + 1]; /* targets made by DNAME, in turn */
};

/*
 * Answer the query of LEN octets at MSG, a buffer of SIZE octets and RESPONSE_SLACK more.
 * *ret_len: octets of the answer.
 */
enum answer_result answer_query(struct answerer *a, const struct zonedb_version *v,
				const struct answer_client *client, uint8_t *msg, size_t len,
				size_t size, size_t *ret_len);
/* Cut the answer that answer_query just made down to header, question and OPT, with TC set. */
size_t answer_truncate(struct answerer *a, const struct answer_client *client, uint8_t *msg);

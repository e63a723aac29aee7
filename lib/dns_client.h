/*
 * dns_client - asynchronous DNS questions on the control loop: UDP with retries
 * over all servers, TCP on TC, TSIG by request, strict parsing by our own
 * parser.  Used for peers, the edge DNS, and RFC 2136.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"

struct loop;
struct dns_client;
struct dns_request;
struct tsig_key;

enum dns_section { DNS_ANSWER = 1, DNS_AUTHORITY = 2, DNS_ADDITIONAL = 3 };

struct dns_record {
	enum dns_section section;
	uint8_t *owner; /* wire, uncompressed */
	uint16_t type, rclass;
	uint32_t ttl;
	uint16_t rdlen;
	uint8_t *rdata; /* uncompressed */
};

struct dns_reply {
	int err; /* 0: an answer came; ERR_TIMEOUT, ERR_NETWORK, ERR_PROTOCOL, ERR_AUTH (TSIG) */
	struct netaddr server; /* who answered */
	uint8_t rcode; /* 0..15 */
	bool aa;
	struct dns_record *records;
	size_t nrecords;
	unsigned rtt_ms;
};

struct dns_question {
	const struct netaddr *servers; /* with ports; tried in this order, all of them, `tries` times */
	size_t nservers;
	const uint8_t *name; /* wire */
	uint16_t type;
	bool recursion_desired;
	bool tcp_only;
	unsigned timeout_ms; /* a try; 0 = 1,000 */
	unsigned tries;      /* rounds over all servers; 0 = 2 */
	const struct tsig_key *key; /* NULL = none; borrowed until on_done */
	/* REPLY is borrowed.  Called once unless cancelled. */
	void (*on_done)(void *ctx, const struct dns_reply *reply);
	void *ctx;
};

struct dns_client *dns_client_new(struct loop *loop);
void dns_client_free(struct dns_client *c); /* cancels what runs */
struct dns_request *dns_client_ask(struct dns_client *c, const struct dns_question *q); /* copies q */
/* Send a ready message (UPDATE, NOTIFY) instead of a question; id is patched in; TSIG added if q->key. */
struct dns_request *dns_client_send(struct dns_client *c, const struct dns_question *q,
				    const uint8_t *msg, size_t len);
void dns_request_cancel(struct dns_request *r);

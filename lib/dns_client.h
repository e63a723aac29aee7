/*
 * dns_client - asynchronous DNS questions on the control loop: UDP with retries
 * over all servers, TCP on TC, TLS and TSIG by request, strict parsing by our own
 * parser.  Used for peers, the edge DNS, and RFC 2136.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/netaddr.h"
#include "lib/transfer.h"

struct loop;
struct dns_client;
struct dns_request;
struct dns_tls;
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
	int err; /* 0: an answer came (any rcode; SERVFAIL and REFUSED only if no server had a
		    better one); ERR_TIMEOUT, ERR_NETWORK, ERR_PROTOCOL, ERR_AUTH (TSIG, TLS) */
	struct netaddr server; /* who answered */
	uint8_t rcode;         /* 0..15 */
	bool aa;
	struct dns_record *records;
	size_t nrecords;
	unsigned rtt_ms;
};

struct dns_question {
	const struct netaddr
		*servers; /* with ports; tried in this order, all of them, `tries` times */
	size_t nservers;
	const uint8_t *name; /* wire */
	uint16_t type;
	bool recursion_desired;
	bool tcp_only;
	unsigned timeout_ms; /* a try; 0 = 1,000 */
	unsigned tries;      /* rounds over all servers; 0 = 2 */
	bool mix_case;       /* random case in the name, which the answer must repeat (0x20) */
	const struct tsig_key *key; /* NULL = none; borrowed until on_done */
	const struct dns_tls *tls;  /* NULL = in the clear, else all over TLS; borrowed alike */
	const char *const *names;   /* of the servers, for TLS; copied */
	/* REPLY is borrowed.  Called once unless cancelled, never from within dns_client_ask. */
	void (*on_done)(void *ctx, const struct dns_reply *reply);
	void *ctx;
};

/*
 * A zone transfer over TCP.  The servers are tried in order, each once; after a
 * server has given a part that on_record was told about, no other is tried.
 */
struct dns_transfer_question {
	const struct netaddr *servers;
	size_t nservers;
	const uint8_t *zone; /* wire */
	bool incremental;    /* IXFR from the SOA below; AXFR otherwise */
	const uint8_t *soa;  /* our SOA's RDATA, if incremental */
	size_t soa_len;
	unsigned timeout_ms;           /* of the whole; 0 = 10 minutes */
	unsigned idle_ms;              /* between two pieces; 0 = 10 s */
	size_t max_records, max_bytes; /* of the stream; 0 = no limit */
	const struct tsig_key *key;
	const struct dns_tls *tls; /* as in a question */
	const char *const *names;
	/* Each record with what it means; borrowed.  Not 0 stops with that error. */
	int (*on_record)(void *ctx, enum transfer_op op, const struct dns_record *r);
	/*
	 * ERR: 0, or ERR_TIMEOUT, ERR_NETWORK, ERR_PROTOCOL, ERR_AUTH, ERR_LIMIT, ERR_DENIED (the
	 * server's RCODE is then not 0), or on_record's.  On 0, T tells the form
	 * (t->is_full, t->is_current) and the new serial.  Not called when cancelled.
	 */
	void (*on_done)(void *ctx, int err, unsigned rcode, const struct transfer *t);
	void *ctx;
};

struct dns_client *dns_client_new(struct loop *loop);
void dns_client_free(struct dns_client *c); /* cancels what runs */
struct dns_request *dns_client_ask(struct dns_client *c,
				   const struct dns_question *q); /* copies q */
/*
 * Send a ready message (UPDATE, NOTIFY; with one question) instead of q->name and q->type; the id
 * is patched in; TSIG added if q->key.  Any rcode is an answer: the next server is not asked.
 */
struct dns_request *dns_client_send(struct dns_client *c, const struct dns_question *q,
				    const uint8_t *msg, size_t len);
struct dns_request *dns_client_transfer(struct dns_client *c,
					const struct dns_transfer_question *q);
/* Cancel; on_done is not called.  NULL is fine. */
void dns_request_cancel(struct dns_request *r);

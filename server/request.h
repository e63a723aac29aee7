/*
 * request - a message that a worker handed over, parsed and with its TSIG
 * verified, and the answers to it.  For maint.c and what it calls.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dns_msg.h"
#include "lib/tsig.h"

struct handoff;
struct tsig_keys;

struct request {
	struct handoff *h;
	uint8_t *msg; /* as it came, without the TSIG record */
	size_t len;
	struct dns_msg m;
	struct tsig_session tsig;
	const struct tsig_key *key; /* that it was signed with, verified; NULL = none */
};

/*
 * Take H.  NULL: it was malformed or its TSIG did not verify, and was answered so
 * (FORMERR; NOTAUTH with the TSIG error, RFC 8945 5.2).
 */
struct request *request_new(struct handoff *h, const struct tsig_keys *keys);
/* The answer is whole. */
void request_done(struct request *r);
/* Octets that an answer may have before it is signed. */
size_t request_max(const struct request *r);
/* Begin an answer: header with QR, the opcode and FLAGS; the question if QUESTION. */
void request_begin(const struct request *r, struct dns_writer *w, size_t max, uint16_t flags,
		   bool question);
/* Sign if the request was, and send; as handoff_send.  An ERR_AGAIN message is signed: resend it.
 */
int request_send(struct request *r, struct dns_writer *w);
/* Header, question and RCODE (OPT if there was one), then done. */
void request_refuse(struct request *r, unsigned rcode);
/* The same with AA. */
void request_confirm(struct request *r, unsigned rcode);

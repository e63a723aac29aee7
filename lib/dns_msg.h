/*
 * dns_msg - whole DNS messages on the control side: a strict parser into a list
 * of records, and a writer with name compression.  The query path of the
 * workers has its own.  Pure, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/dname.h"
#include "lib/dns_client.h" /* struct dns_record, enum dns_section */

enum {
	DNS_HEADER_LEN = 12,
	DNS_FLAG_QR = 0x8000,
	DNS_FLAG_AA = 0x0400,
	DNS_FLAG_TC = 0x0200,
	DNS_FLAG_RD = 0x0100,
	DNS_FLAG_RA = 0x0080,
};

static inline unsigned dns_msg_opcode(uint16_t flags)
{
	return flags >> 11 & 15;
}

struct dns_msg {
	uint16_t id, flags;
	uint16_t qdcount;         /* 0 or 1 */
	uint8_t qname[DNAME_MAX]; /* as it came; root if qdcount is 0 */
	uint16_t qtype, qclass;
	struct dns_record *records; /* of all sections, in order, without OPT */
	size_t nrecords;
	bool has_opt;
	uint16_t udp_size; /* of the OPT, at least 512; 512 without one */
	uint8_t ext_rcode, edns_version;
	bool dnssec_ok;
	struct buf memory; /* what the records point to */
};

/*
 * Parse LEN octets of a message: every record's owner and RDATA are decompressed
 * and checked (rdata_check), nothing may follow the last.  In an UPDATE, RDATA of class
 * ANY may be missing (RFC 2136 2.4, 2.5).
 * ERR_TRUNCATED, ERR_SYNTAX, ERR_TOO_LONG; ERR_RANGE for more than one question.
 * *ret is untouched then; else dns_msg_fini it.
 */
int dns_msg_parse(const uint8_t *msg, size_t len, struct dns_msg *ret);
void dns_msg_fini(struct dns_msg *m);

/*
 * Writer.  Names are compressed against those written before (owners, and the
 * names in RDATA of RFC 1035's types).  max: octets; what does not fit is left
 * out whole, so a message is always well-formed.
 */
struct dns_writer {
	struct buf out;
	size_t max;
	enum dns_section section; /* of the last record; 0 = question */
	uint16_t offsets[256];    /* of names in OUT, by hash; 0 = free */
};

void dns_writer_init(struct dns_writer *w, size_t max, uint16_t id, uint16_t flags);
void dns_writer_fini(struct dns_writer *w);
/* ERR_LIMIT: it does not fit. */
int dns_writer_question(struct dns_writer *w, const uint8_t *name, uint16_t type, uint16_t rclass);
/* Sections in order only.  ERR_LIMIT: it does not fit. */
int dns_writer_record(struct dns_writer *w, enum dns_section section, const uint8_t *owner,
		      uint16_t type, uint16_t rclass, uint32_t ttl, const uint8_t *rdata,
		      size_t rdlen);
/* An OPT without options.  ERR_LIMIT. */
int dns_writer_opt(struct dns_writer *w, uint16_t udp_size, uint8_t ext_rcode, bool dnssec_ok);
/* Set the low four bits. */
void dns_writer_rcode(struct dns_writer *w, unsigned rcode);

/* Octets of the header and question of MSG, or 0 if there is not exactly one good question. */
size_t dns_msg_question_end(const uint8_t *msg, size_t len);

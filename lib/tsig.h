/*
 * tsig - transaction signatures (RFC 8945) over whole wire messages, with
 * hmac-sha1/224/256/384/512.  Own code on OpenSSL's HMAC, since ldns lacks
 * sha384 and the error forms.  Pure but for the clock; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

struct tsig_key {
	uint8_t name[255];   /* wire, lower case */
	const char *algorithm; /* "hmac-sha256", static */
	uint8_t *secret;
	size_t secret_len;
};

/* NAME and base64 SECRET as in BIND's key statement.  ERR_SYNTAX, ERR_UNSUPPORTED. */
int tsig_key_new(const char *name, const char *algorithm, const char *base64, struct tsig_key **ret);
/* "NAME:ALG:BASE64" or "ALG:NAME:BASE64" (dig -y's form) as one text. */
int tsig_key_from_text(const char *text, struct tsig_key **ret);
void tsig_key_free(struct tsig_key *k); /* wipes */

/* State over the messages of one transaction (a transfer has many). */
struct tsig_session {
	const struct tsig_key *key;
	uint8_t mac[64]; /* MAC of the previous message */
	size_t mac_len;
	unsigned unsigned_count; /* messages since the last signed one, <= 99 */
	bool first;
	uint64_t signed_time; /* of the query */
	uint16_t error;       /* TSIG error to put in the answer: 0, BADSIG 16, BADKEY 17, BADTIME 18, BADTRUNC 22 */
};

/*
 * Sign a whole message (header counts as without TSIG) and append the TSIG RR.
 * For a request: session zeroed but .key and .first = true, no request MAC.
 * For a response: session as tsig_verify left it.
 */
int tsig_sign(struct tsig_session *s, struct buf *msg);
/*
 * Verify MSG, whose last additional record is a TSIG RR, against KEYS; on
 * success *ret_len is the length without the TSIG RR and ARCOUNT is patched.
 * ERR_AUTH with s->error set (BADKEY, BADSIG, BADTIME, BADTRUNC), ERR_SYNTAX
 * (FORMERR: TSIG not last, more than one, wrong class or TTL), ERR_NOT_FOUND
 * (no TSIG).  The server then answers NOTAUTH with tsig_sign or unsigned as 5.2 says.
 */
int tsig_verify(struct tsig_session *s, const struct tsig_key *const *keys, size_t nkeys,
		uint8_t *msg, size_t len, size_t *ret_len);

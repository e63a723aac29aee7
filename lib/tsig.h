/*
 * tsig - transaction signatures (RFC 8945) over whole wire messages, with
 * hmac-sha1/224/256/384/512.  Own code on OpenSSL's HMAC, since ldns lacks
 * sha384 and the error forms.  Pure but for the clock; any thread.
 *
 *	client: sign(request) ─► verify(answer 1) ─► verify(answer 2 …)
 *	server: verify(request) ─► sign(answer 1) ─► sign(answer 2 …)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"

#define TSIG_MAC_MAX 64
#define TSIG_FUDGE_S 300

struct tsig_key {
	uint8_t name[255];     /* wire, lower case */
	const char *algorithm; /* "hmac-sha256", static */
	uint8_t *secret;
	size_t secret_len;
	size_t mac_len; /* octets of MAC that we send; shorter ones in requests are BADTRUNC */
};

/*
 * NAME and base64 SECRET as in BIND's key statement.  ALGORITHM may end in "-N"
 * for a MAC truncated to N bits ("hmac-sha256-128").  ERR_SYNTAX (name, base64,
 * empty secret), ERR_UNSUPPORTED (algorithm), ERR_RANGE (N).
 */
int tsig_key_new(const char *name, const char *algorithm, const char *base64,
		 struct tsig_key **ret);
/* "NAME:ALG:BASE64", "ALG:NAME:BASE64" (dig -y's form), or "NAME:BASE64" with hmac-sha256. */
int tsig_key_from_text(const char *text, struct tsig_key **ret);
void tsig_key_free(struct tsig_key *k); /* wipes */

/* State over the messages of one transaction (a transfer has many).  Begin with tsig_session_init.
 */
struct tsig_session {
	const struct tsig_key *key; /* borrowed; NULL after BADKEY */
	uint8_t mac[TSIG_MAC_MAX];  /* MAC of the previous message */
	size_t mac_len;
	unsigned unsigned_count; /* messages since the last signed one, <= 99 */
	bool first;
	uint64_t signed_time; /* of the query */
	uint16_t error;       /* TSIG error: 0, BADSIG 16, BADKEY 17, BADTIME 18, BADTRUNC 22 */
	/* of the TSIG that was verified last, for an error answer */
	uint8_t key_name[255], algorithm[255];
	void *running; /* HMAC over unsigned messages */
};

/* KEY: of a client's request; NULL for a server. */
void tsig_session_init(struct tsig_session *s, const struct tsig_key *key);
void tsig_session_fini(struct tsig_session *s);

/*
 * Sign a whole message (header counts as without TSIG) and append the TSIG RR.
 * For a request: a session just initialised.  For an answer: the session as
 * tsig_verify left it, also after ERR_AUTH: the form of the error then is that of
 * RFC 8945 5.2 (BADKEY and BADSIG unsigned, BADTIME and BADTRUNC signed).
 * ERR_TOO_LONG (65,535 octets), ERR_INVALID (no key and no error to tell).
 */
int tsig_sign(struct tsig_session *s, struct buf *msg);
/* Octets that tsig_sign will add at most. */
size_t tsig_size(const struct tsig_session *s);
/*
 * Verify MSG, whose last additional record is a TSIG RR, against KEYS; on
 * success *ret_len is the length without the TSIG RR and ARCOUNT is patched.
 * A client's session (made with a key) takes its own key and ignores KEYS.
 * ERR_AUTH with s->error set (BADKEY, BADSIG, BADTIME, BADTRUNC; MSG is patched as
 * well then), ERR_SYNTAX (FORMERR: TSIG not last, more than one, wrong class or TTL, MAC
 * shorter than 10 octets or half the hash), ERR_NOT_FOUND (no TSIG).
 * Behind the first answer, up to 99 messages may come without TSIG: 0 and *ret_len == len
 * then; they count only when a later one verifies, so the transaction is good only if
 * s->unsigned_count is 0 after its last message.
 */
int tsig_verify(struct tsig_session *s, const struct tsig_key *const *keys, size_t nkeys,
		uint8_t *msg, size_t len, size_t *ret_len);
/* The key name of a message's TSIG RR in OUT (255 bytes); ERR_NOT_FOUND, ERR_SYNTAX. */
int tsig_key_name(const uint8_t *msg, size_t len, uint8_t *out);

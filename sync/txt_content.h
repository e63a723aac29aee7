/*
 * txt_content - the text of ownership TXT records:
 *
 *	"heritage=external-dns,external-dns/owner=me,external-dns/resource=ingress/ns/name"
 *
 * plain, or gzip'ed and sealed with AES-256-GCM in base64, as ExternalDNS does.
 * Our own claims on shared sets have the heritage "gslbd", which stock
 * ExternalDNS takes for an ordinary TXT record and leaves alone.  Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/endpoint.h"

#define TXT_HERITAGE        "external-dns"
#define TXT_HERITAGE_SHARED "gslbd"

struct txt_key {
	uint8_t key[32];
	bool is_set;
};

/* TEXT: "" (none), 32 bytes, or base64 (standard or URL alphabet) of 32 bytes.  0 or ERR_INVALID.
 */
int txt_key_init(struct txt_key *k, const char *text);
void txt_key_fini(struct txt_key *k); /* wipes */

/*
 * Read one target of a TXT record ("\"…\"", several strings are joined) into labels of E without
 * their "external-dns/"; labels that were there stay.  KEY may be NULL or unset. 0 with
 * *ret_heritage (static text) and *ret_sealed; ERR_NOT_FOUND if it is no ownership text.
 */
int txt_content_read(const char *target, const struct txt_key *key, struct endpoint *e,
		     const char **ret_heritage, bool *ret_sealed);
/*
 * The target for the labels of E, with quotes.  Labels that begin with a blank, "ownedRecord" and
 * empty ones are left out; OWNER replaces the label.  KEY set: sealed with a fresh nonce.  Caller
 * frees.
 */
char *txt_content_write(const struct endpoint *e, const char *heritage, const char *owner,
			const struct txt_key *key);
/* The strings of a TXT target in presentation form, joined, without quotes and escapes.  Caller
 * frees. */
char *txt_content_unquote(const char *target);

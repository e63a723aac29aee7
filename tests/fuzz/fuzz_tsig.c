/*
 * fuzz_tsig - any message to a server that knows a key: it verifies only what carries a good MAC,
 * which no fuzzer finds; after an error an answer can be signed as RFC 8945 5.2 says and is
 * itself a message whose TSIG is found.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/dns_msg.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/tsig.h"
#include "lib/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tsig_key *key;

static void answer(struct tsig_session *s)
{
	struct dns_writer w;
	uint8_t name[DNAME_MAX];

	dns_writer_init(&w, 512, 1, DNS_FLAG_QR);
	int err = tsig_sign(s, &w.out);
	assert(err == 0 || err == ERR_INVALID);
	if (err == 0)
		assert(tsig_key_name((const uint8_t *)w.out.data, w.out.len, name) == 0);
	dns_writer_fini(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tsig_session s;
	uint8_t *msg, name[DNAME_MAX];
	size_t len = 0;

	if (key == NULL) {
		clock_fake(1700000000);
		if (tsig_key_from_text("hmac-sha256:key.example:AAECAwQFBgcICQoLDA0ODw==", &key))
			abort();
	}
	if (size < 1 || size > 65535)
		return 0;
	msg = mem_dup(data, size);
	(void)tsig_key_name(msg, size, name); /* any verdict */
	tsig_session_init(&s, NULL);
	const struct tsig_key *keys[1] = { key };
	int err = tsig_verify(&s, keys, 1, msg, size, &len);
	assert(err == ERR_AUTH || err == ERR_SYNTAX || err == ERR_NOT_FOUND || err == 0);
	if (err == 0 || err == ERR_AUTH) {
		assert(len >= 12 && len < size);
		answer(&s);
	}
	tsig_session_fini(&s);
	/* as a client that waits for an answer, then for more of a stream */
	tsig_session_init(&s, key);
	for (int i = 0; i < 2; i++) {
		memcpy(msg, data, size);
		(void)tsig_verify(&s, NULL, 0, msg, size, &len); /* any verdict */
		s.first = false;
	}
	tsig_session_fini(&s);
	free(msg);
	return 0;
}

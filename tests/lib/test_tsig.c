/* tsig: both sides against messages that another implementation signed, and each error. */
#include "lib/tsig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rrtype.h"
#include "lib/tsig_keys.h"
#include "lib/wire.h"

#define SECRET "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NOW    1700000000

/* www.example.com. A, signed at NOW by dnspython with key.example., and the answer's header. */
static const struct {
	const char *algorithm, *query, *answer;
} vectors[] = {
	{ "hmac-sha1",
	  "12340000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000002f09686d61632d736861310000006553f100012c00141d208df4c395d788a134f3"
	  "2b504fdedacad71985123400000000",
	  "12348000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000002f09686d61632d736861310000006553f100012c0014b12ee71d6de0968b554d7b"
	  "67c45e0689ff3f077c123400000000" },
	{ "hmac-sha224",
	  "12340000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff0000000000390b686d61632d7368613232340000006553f100012c001c88530a9e5a6c6205b5"
	  "f0e9598cf1506a3f13f81aadecf1a93e6bd730123400000000",
	  "12348000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff0000000000390b686d61632d7368613232340000006553f100012c001c766621bcb15057759b"
	  "051a2827586e296cf42a6d71eb5e9078037c86123400000000" },
	{ "hmac-sha256",
	  "12340000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c0020cc806f4e7190df29f9"
	  "92edd44fe429e341127a18c697c4f2e97a6d6e60760b63123400000000",
	  "12348000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c00205993fcf15fd80185e3"
	  "629622e3b8726b8e18044730e898e726ea5a87d503043d123400000000" },
	{ "hmac-sha384",
	  "12340000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c00307f05332588cbceb3de"
	  "f42827b165ee9eded3ea01016871f65c232458015cddd9d7b1c6b85bf57da8238eaf20b05f78501234000000"
	  "00",
	  "12348000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c00301d28a3209e0c9f2c63"
	  "076a360d5f6be9e8ede8443b7cd827a2096841c7a97d5a7f4209da1ab79b568a0b415072691bde1234000000"
	  "00" },
	{ "hmac-sha512",
	  "12340000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040824633c55f1abe6c9d"
	  "ee67bf3eb3c8c6ee4ef3e6eb051b0520b1c4e290aab6b142ad9c1476cb4952fe909f256a3f57772a2ad95d1e"
	  "b6e2395363b96fc5b701c8123400000000",
	  "12348000000100000000000103777777076578616d706c6503636f6d0000010001036b6579076578616d706c"
	  "650000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c0040c6a437c88eec979f20"
	  "d0e75f03d94d62ba220e3c22f7383e9c95299a8b2dadb601f3da709ef819a9f4f7888d43fc48dae039691769"
	  "d62cb68f848645732aa548123400000000" },
};

static const uint8_t plain[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";
#define PLAIN_LEN (sizeof(plain) - 1)

static int setup(void **state)
{
	(void)state;
	clock_fake(NOW);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clock_fake(0);
	return 0;
}

static struct tsig_key *key_of(const char *algorithm)
{
	struct tsig_key *k;

	assert_int_equal(tsig_key_new("Key.example", algorithm, SECRET, &k), 0);
	return k;
}

static void signatures_are_those_of_another_implementation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct tsig_key *k = key_of(vectors[i].algorithm);
		struct buf msg = { 0 }, hex = { 0 };
		struct tsig_session s;

		tsig_session_init(&s, k);
		buf_add(&msg, plain, PLAIN_LEN);
		assert_true(tsig_size(&s) >= 30);
		assert_int_equal(tsig_sign(&s, &msg), 0);
		encode_hex((uint8_t *)msg.data, msg.len, &hex);
		/* its fudge is the same 300 */
		assert_string_equal(buf_str(&hex), vectors[i].query);
		/* and the answer to it verifies */
		struct buf answer = { 0 };
		size_t len = 0;
		assert_int_equal(decode_hex(vectors[i].answer, strlen(vectors[i].answer), &answer),
				 0);
		assert_int_equal(tsig_verify(&s, NULL, 0, (uint8_t *)answer.data, answer.len, &len),
				 0);
		assert_int_equal(len, PLAIN_LEN);
		assert_int_equal(wire_get16(answer.data + 10), 0);
		buf_fini(&answer);
		buf_fini(&msg);
		buf_fini(&hex);
		tsig_session_fini(&s);
		tsig_key_free(k);
	}
}

/* A request of K, signed by a client's session. */
static void request(struct tsig_session *s, const struct tsig_key *k, struct buf *msg)
{
	tsig_session_init(s, k);
	buf_reset(msg);
	buf_add(msg, plain, PLAIN_LEN);
	assert_int_equal(tsig_sign(s, msg), 0);
}

static int verify(struct tsig_session *s, const struct tsig_key *k, struct buf *msg)
{
	const struct tsig_key *keys[1] = { k };
	size_t len = 0;

	tsig_session_init(s, NULL);
	int err = tsig_verify(s, keys, k ? 1 : 0, (uint8_t *)msg->data, msg->len, &len);
	if (err == 0 || err == ERR_AUTH)
		msg->len = len;
	return err;
}

static void a_server_verifies_and_its_answers_verify_over_a_whole_stream(void **state)
{
	struct tsig_key *k = key_of("hmac-sha256");
	struct tsig_session client, server;
	struct buf msg = { 0 };

	(void)state;
	request(&client, k, &msg);
	assert_int_equal(verify(&server, k, &msg), 0);
	assert_ptr_equal(server.key, k);
	assert_int_equal(msg.len, PLAIN_LEN);
	assert_memory_equal(msg.data, plain, PLAIN_LEN);
	for (int i = 0; i < 5; i++) {
		size_t len = 0;

		buf_reset(&msg);
		buf_add(&msg, plain, PLAIN_LEN);
		msg.data[2] = (char)0x80;
		assert_int_equal(tsig_sign(&server, &msg), 0);
		assert_int_equal(tsig_verify(&client, NULL, 0, (uint8_t *)msg.data, msg.len, &len),
				 0);
		assert_int_equal(len, PLAIN_LEN);
	}
	tsig_session_fini(&client);
	tsig_session_fini(&server);
	tsig_key_free(k);
	buf_fini(&msg);
}

/* RFC 8945 5.3.1: up to 99 messages between may be unsigned, and they are covered. */
static void unsigned_messages_of_a_stream_are_covered_by_the_next_signature(void **state)
{
	static const struct {
		int n;
		bool forge;
		int err;
	} rows[] = { { 99, false, 0 }, { 1, true, ERR_AUTH }, { 100, false, ERR_AUTH } };
	struct tsig_key *k = key_of("hmac-sha512");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tsig_session client, server;
		struct buf msg = { 0 };
		size_t len = 0;
		int err = 0;

		request(&client, k, &msg);
		assert_int_equal(verify(&server, k, &msg), 0);
		msg.data[2] = (char)0x80;
		assert_int_equal(tsig_sign(&server, &msg), 0);
		assert_int_equal(tsig_verify(&client, NULL, 0, (uint8_t *)msg.data, msg.len, &len),
				 0);
		for (int n = 0; n < rows[i].n && err == 0; n++) {
			uint8_t bare[PLAIN_LEN];

			memcpy(bare, plain, PLAIN_LEN);
			bare[2] = 0x80;
			/* the server takes it into its digest as a client does */
			assert_true(tsig_verify(&server, NULL, 0, bare, PLAIN_LEN, &len) == 0 ||
				    n == 99);
			if (rows[i].forge)
				bare[13] ^= 1;
			err = tsig_verify(&client, NULL, 0, bare, PLAIN_LEN, &len);
		}
		if (err == 0) {
			assert_int_equal(client.unsigned_count, rows[i].n);
			msg.len = PLAIN_LEN;
			wire_put16(msg.data + 10, 0);
			assert_int_equal(tsig_sign(&server, &msg), 0);
			err = tsig_verify(&client, NULL, 0, (uint8_t *)msg.data, msg.len, &len);
		}
		assert_int_equal(err, rows[i].err);
		tsig_session_fini(&client);
		tsig_session_fini(&server);
		buf_fini(&msg);
	}
	tsig_key_free(k);
}

/* The server's error answer to the client; returns what the client makes of it. */
static int error_answer(struct tsig_session *client, struct tsig_session *server, struct buf *msg)
{
	size_t len = 0;

	buf_reset(msg);
	buf_add(msg, plain, PLAIN_LEN);
	msg->data[2] = (char)0x80;
	msg->data[3] = DNS_RCODE_NOTAUTH;
	assert_int_equal(tsig_sign(server, msg), 0);
	return tsig_verify(client, NULL, 0, (uint8_t *)msg->data, msg->len, &len);
}

static void an_unknown_key_is_badkey_and_the_answer_unsigned(void **state)
{
	struct tsig_key *k = key_of("hmac-sha256"), *other = key_of("hmac-sha512");
	const struct tsig_key *have[] = { NULL,
					  other }; /* none; the same name, another algorithm */
	struct tsig_session client, server;
	struct buf msg = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(have); i++) {
		request(&client, k, &msg);
		assert_int_equal(verify(&server, have[i], &msg), ERR_AUTH);
		assert_int_equal(server.error, DNS_RCODE_BADKEY);
		assert_null(server.key);
		assert_int_equal(error_answer(&client, &server, &msg), ERR_AUTH);
		assert_int_equal(client.error, DNS_RCODE_BADKEY);
		tsig_session_fini(&client);
		tsig_session_fini(&server);
	}
	tsig_key_free(k);
	tsig_key_free(other);
	buf_fini(&msg);
}

static void a_changed_message_is_badsig_and_the_answer_unsigned(void **state)
{
	struct tsig_key *k = key_of("hmac-sha256");

	(void)state;
	for (size_t at = 2; at < PLAIN_LEN; at += 3) {
		struct tsig_session client, server;
		struct buf msg = { 0 };

		if (at >= 4 && at < 12)
			continue; /* counts: another shape of message */
		request(&client, k, &msg);
		/* lengths of labels must stay */
		if (at == 12 || at == 16 || at == 24 || at == 28)
			continue;
		msg.data[at] ^= 1;
		assert_int_equal(verify(&server, k, &msg), ERR_AUTH);
		assert_int_equal(server.error, 16);
		assert_int_equal(error_answer(&client, &server, &msg), ERR_AUTH);
		assert_int_equal(client.error, 16);
		tsig_session_fini(&client);
		tsig_session_fini(&server);
		buf_fini(&msg);
	}
	tsig_key_free(k);
}

static void a_wrong_clock_is_badtime_with_our_time_in_a_signed_answer(void **state)
{
	struct tsig_key *k = key_of("hmac-sha256");
	struct tsig_session client, server;
	struct buf msg = { 0 };

	(void)state;
	request(&client, k, &msg);
	clock_advance(300 * 1000);
	assert_int_equal(verify(&server, k, &msg), 0); /* within the fudge */
	request(&client, k, &msg);
	clock_advance(301 * 1000);
	assert_int_equal(verify(&server, k, &msg), ERR_AUTH);
	assert_int_equal(server.error, DNS_RCODE_BADTIME);
	assert_int_equal(error_answer(&client, &server, &msg), ERR_AUTH);
	assert_int_equal(client.error, DNS_RCODE_BADTIME);
	/* other data: six octets of our time at the very end */
	const uint8_t *end = (const uint8_t *)msg.data + msg.len;
	assert_int_equal(wire_get16(end - 8), 6);
	assert_int_equal(wire_get32(end - 4), NOW + 601);
	tsig_session_fini(&client);
	tsig_session_fini(&server);
	tsig_key_free(k);
	buf_fini(&msg);
}

static void truncated_macs_go_down_to_half_but_not_below_the_keys_own(void **state)
{
	struct tsig_key *full = key_of("hmac-sha256"), *half = key_of("hmac-sha256-128"),
			*more = key_of("hmac-sha256-192");
	struct tsig_session client, server;
	struct buf msg = { 0 };
	struct tsig_key *k;

	(void)state;
	assert_int_equal(half->mac_len, 16);
	request(&client, half, &msg);
	assert_int_equal(verify(&server, full, &msg), 0);
	request(&client, half, &msg);
	assert_int_equal(verify(&server, half, &msg), 0);
	request(&client, half, &msg);
	assert_int_equal(verify(&server, more, &msg), ERR_AUTH);
	assert_int_equal(server.error, DNS_RCODE_BADTRUNC);
	assert_int_equal(error_answer(&client, &server, &msg), ERR_AUTH);
	assert_int_equal(client.error, DNS_RCODE_BADTRUNC);
	assert_int_equal(tsig_key_new("k", "hmac-sha256-120", SECRET, &k), ERR_RANGE);
	assert_int_equal(tsig_key_new("k", "hmac-sha1-80", SECRET, &k), 0);
	tsig_key_free(k);
	/* a MAC below half the hash is FORMERR, not BADSIG */
	half->mac_len = 15;
	request(&client, half, &msg);
	assert_int_equal(verify(&server, full, &msg), ERR_SYNTAX);
	tsig_key_free(full);
	tsig_key_free(half);
	tsig_key_free(more);
	buf_fini(&msg);
}

static void a_misplaced_or_misshapen_tsig_is_formerr(void **state)
{
	struct tsig_key *k = key_of("hmac-sha256");
	struct tsig_session client, server;
	struct buf msg = { 0 };
	size_t rr;

	(void)state;
	request(&client, k, &msg);
	rr = PLAIN_LEN + 13; /* behind key.example. */
	msg.data[rr + 3] = DNS_CLASS_IN;
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	request(&client, k, &msg);
	msg.data[rr + 7] = 1; /* TTL */
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	request(&client, k, &msg);
	buf_add(&msg, "\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4", 15); /* an A behind it */
	msg.data[11] = 2;
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	request(&client, k, &msg);
	buf_putc(&msg, 'x'); /* surplus */
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	request(&client, k, &msg);
	assert_int_equal(tsig_sign(&client, &msg), 0); /* two of them */
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	request(&client, k, &msg);
	msg.data[7] = 1; /* ANCOUNT in place of ARCOUNT */
	msg.data[11] = 0;
	assert_int_equal(verify(&server, k, &msg), ERR_SYNTAX);
	buf_reset(&msg);
	buf_add(&msg, plain, PLAIN_LEN);
	assert_int_equal(verify(&server, k, &msg), ERR_NOT_FOUND);
	/* cut anywhere: an error, and nothing is read behind the end (ASan) */
	request(&client, k, &msg);
	for (size_t len = 0; len < msg.len; len++) {
		uint8_t *exact = mem_dup(msg.data, len ? len : 1);
		const struct tsig_key *keys[1] = { k };
		size_t n;

		tsig_session_init(&server, NULL);
		assert_int_equal(tsig_verify(&server, keys, 1, exact, len, &n), ERR_SYNTAX);
		free(exact);
	}
	tsig_key_free(k);
	buf_fini(&msg);
}

static void keys_come_as_one_text_or_as_binds_statements(void **state)
{
	static const char *const one[] = { "hmac-sha384:k:" SECRET, "k:hmac-sha384:" SECRET };
	static const char *const bad[] = { "k",
					   "k:x:y:z",
					   "hmac-md5:k:" SECRET,
					   "k:hmac-sha256:!!!!",
					   "k:hmac-sha256:",
					   "hmac-sha256:a..b:" SECRET };
	struct tsig_keys keys = { 0 };
	struct tsig_key *k;
	char *why = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(one); i++) {
		assert_int_equal(tsig_key_from_text(one[i], &k), 0);
		assert_string_equal(k->algorithm, "hmac-sha384");
		assert_int_equal(k->secret_len, 32);
		tsig_key_free(k);
	}
	assert_int_equal(tsig_key_from_text("k.:" SECRET, &k), 0);
	assert_string_equal(k->algorithm, "hmac-sha256");
	tsig_key_free(k);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_true(tsig_key_from_text(bad[i], &k) < 0);
	assert_int_equal(
		tsig_keys_parse(&keys,
				"// made by tsig-keygen\n"
				"key \"first\" {\n\talgorithm hmac-sha512;\n\tsecret \"" SECRET
				"\"; /* x */\n};\n# one more\nkey second { secret " SECRET "; };\n"
				"hmac-sha224:third:" SECRET "\n",
				&why),
		0);
	assert_int_equal(keys.n, 3);
	assert_string_equal(tsig_keys_find(&keys, "FIRST.")->algorithm, "hmac-sha512");
	assert_string_equal(tsig_keys_find(&keys, "second")->algorithm, "hmac-sha256");
	assert_string_equal(tsig_keys_find(&keys, "third")->algorithm, "hmac-sha224");
	assert_null(tsig_keys_find(&keys, "fourth"));
	assert_int_equal(tsig_keys_parse(&keys, "\n\nkey x { secret \"?\"; };", &why), ERR_SYNTAX);
	assert_non_null(strstr(why, "line 3"));
	free(why);
	assert_int_equal(tsig_keys_parse(&keys, "key second { secret " SECRET "; };", &why),
			 ERR_EXISTS);
	free(why);
	tsig_keys_fini(&keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_another_implementation),
		cmocka_unit_test(a_server_verifies_and_its_answers_verify_over_a_whole_stream),
		cmocka_unit_test(unsigned_messages_of_a_stream_are_covered_by_the_next_signature),
		cmocka_unit_test(an_unknown_key_is_badkey_and_the_answer_unsigned),
		cmocka_unit_test(a_changed_message_is_badsig_and_the_answer_unsigned),
		cmocka_unit_test(a_wrong_clock_is_badtime_with_our_time_in_a_signed_answer),
		cmocka_unit_test(truncated_macs_go_down_to_half_but_not_below_the_keys_own),
		cmocka_unit_test(a_misplaced_or_misshapen_tsig_is_formerr),
		cmocka_unit_test(keys_come_as_one_text_or_as_binds_statements),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

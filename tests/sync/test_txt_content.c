/* txt_content: labels as text, plain and sealed. */
#include "sync/txt_content.h"

#include "lib/error.h"
#include "tests/sync/words.h"

static struct endpoint *read_ok(const char *target, const char *key_text, bool want_sealed)
{
	struct endpoint *e = endpoint_new("x", "TXT", 0);
	struct txt_key key;
	const char *heritage = NULL;
	bool sealed = false;

	assert_int_equal(txt_key_init(&key, key_text), 0);
	assert_int_equal(txt_content_read(target, &key, e, &heritage, &sealed), 0);
	assert_string_equal(heritage, "external-dns");
	assert_int_equal(sealed, want_sealed);
	return e;
}

static void labels_are_read(void **state)
{
	static const struct {
		const char *target, *owner, *resource;
	} rows[] = {
		{ "\"heritage=external-dns,external-dns/owner=me,external-dns/resource=a/b/c\"",
		  "me", "a/b/c" },
		{ "heritage=external-dns,external-dns/owner=me", "me", NULL },
		{ "\"external-dns/owner=me,heritage=external-dns\"", "me", NULL },
		{ "\"heritage=external-dns,external-dns/owner=a=b\"", "a=b", NULL },
		{ "\"heritage=external-dns,\" \"external-dns/owner=me\"", "me", NULL },
		{ "\"heritage=external-dns, external-dns/owner=me\"", NULL, NULL },
		{ "\"heritage=external-dns,external-dns/owner\"", NULL, NULL },
		{ "\"\\\"heritage=external-dns,external-dns/owner=me\\\"\"", "me", NULL },
		{ "\"heritage=external-dns,foreign/owner=me\"", NULL, NULL },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint *e = read_ok(rows[i].target, "", false);
		const char *owner = endpoint_label(e, "owner");
		const char *resource = endpoint_label(e, "resource");

		if (rows[i].owner == NULL || owner == NULL)
			assert_ptr_equal(owner, rows[i].owner);
		else
			assert_string_equal(owner, rows[i].owner);
		if (rows[i].resource == NULL || resource == NULL)
			assert_ptr_equal(resource, rows[i].resource);
		else
			assert_string_equal(resource, rows[i].resource);
		endpoint_free(e);
	}
}

static void other_text_is_not_ours(void **state)
{
	static const char *const bad[] = { "",
					   "\"\"",
					   "\"v=spf1 -all\"",
					   "heritage=mate",
					   "external-dns/owner=me",
					   "heritage=external-dnsx",
					   "\"heritage=\"",
					   "heritage" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct endpoint *e = endpoint_new("x", "TXT", 0);
		const char *heritage = NULL;
		bool sealed = false;

		assert_int_equal(txt_content_read(bad[i], NULL, e, &heritage, &sealed),
				 ERR_NOT_FOUND);
		assert_int_equal(e->nlabels, 0);
		endpoint_free(e);
	}
}

static void labels_are_written_in_order(void **state)
{
	static const char *const rows[][2] = {
		{ "x A 1.1.1.1 resource=httproute/shop/api",
		  "\"heritage=external-dns,external-dns/owner=openova,"
		  "external-dns/resource=httproute/shop/api\"" },
		{ "x A 1.1.1.1 resource=crd/ns/name label:foo=bar",
		  "\"heritage=external-dns,external-dns/foo=bar,external-dns/owner=openova,"
		  "external-dns/resource=crd/ns/name\"" },
		{ "x A 1.1.1.1", "\"heritage=external-dns,external-dns/owner=openova\"" },
		{ "x A 1.1.1.1 owner=other label:txt-encryption-nonce=n label:ownedRecord=x",
		  "\"heritage=external-dns,external-dns/owner=openova\"" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct endpoint *e = words_endpoint(rows[i][0]);
		char *text = txt_content_write(e, TXT_HERITAGE, "openova", NULL);

		assert_string_equal(text, rows[i][1]);
		free(text);
		endpoint_free(e);
	}
}

#define PLAIN_KEY  "12345678901234567890123456789012"
#define BASE64_KEY "ZPitL0NGVQBZbTD6DwXJzD8RiStSazzYXQsdUowLURY="
/* made by ExternalDNS with PLAIN_KEY: owner "owner" */
#define SEALED                                                                                   \
	"\"h8UQ6jelUFUsEIn7SbFktc2MYXPx/q8lySqI4VwfVtVaIbb2nkHWV/88KKbuLtu7fJNzMir8ELVeVnRSY01K" \
	"diIuj7ledqZe5ailEjQaU5Z6uEKd5pgs6sH8\""

static void sealed_text_of_external_dns_is_read(void **state)
{
	struct endpoint *e = read_ok(SEALED, PLAIN_KEY, true);

	(void)state;
	assert_string_equal(endpoint_label(e, "owner"), "owner");
	endpoint_free(e);
}

static void plain_text_is_read_though_a_key_is_set(void **state)
{
	struct endpoint *e =
		read_ok("\"heritage=external-dns,external-dns/owner=me\"", PLAIN_KEY, false);

	(void)state;
	assert_string_equal(endpoint_label(e, "owner"), "me");
	endpoint_free(e);
}

static void sealing_goes_both_ways_and_hides(void **state)
{
	static const char *const keys[] = { PLAIN_KEY, BASE64_KEY,
					    "passphrasewhichneedstobe32bytes!" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct endpoint *in = words_endpoint("x A 1.1.1.1 resource=ingress/a/b");
		struct txt_key key;

		assert_int_equal(txt_key_init(&key, keys[i]), 0);
		char *one = txt_content_write(in, TXT_HERITAGE, "me", &key);
		char *two = txt_content_write(in, TXT_HERITAGE, "me", &key);
		assert_string_not_equal(one, two); /* a nonce is used once */
		assert_null(strstr(one, "heritage"));
		struct endpoint *out = read_ok(one, keys[i], true);
		assert_string_equal(endpoint_label(out, "owner"), "me");
		assert_string_equal(endpoint_label(out, "resource"), "ingress/a/b");
		endpoint_free(out);
		endpoint_free(in);
		free(one);
		free(two);
	}
}

static void a_wrong_key_reads_nothing(void **state)
{
	struct endpoint *e = endpoint_new("x", "TXT", 0);
	struct txt_key key;
	const char *heritage = NULL;
	bool sealed = false;

	(void)state;
	assert_int_equal(txt_key_init(&key, BASE64_KEY), 0);
	assert_int_equal(txt_content_read(SEALED, &key, e, &heritage, &sealed), ERR_NOT_FOUND);
	endpoint_free(e);
}

static void keys_of_another_length_are_refused(void **state)
{
	static const char *const bad[] = { "short", "c2hvcnQ=", "1234567890123456789012345678901",
					   "ZPitL0NGVQBZbTD6DwXJzD8RiStSazzYXQsdUowLURYx" };
	struct txt_key key;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(txt_key_init(&key, bad[i]), ERR_INVALID);
	assert_int_equal(txt_key_init(&key, ""), 0);
	assert_false(key.is_set);
	/* the URL alphabet too */
	assert_int_equal(txt_key_init(&key, "__________________________________________8="), 0);
	assert_true(key.is_set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_are_read),
		cmocka_unit_test(other_text_is_not_ours),
		cmocka_unit_test(labels_are_written_in_order),
		cmocka_unit_test(sealed_text_of_external_dns_is_read),
		cmocka_unit_test(plain_text_is_read_though_a_key_is_set),
		cmocka_unit_test(sealing_goes_both_ways_and_hides),
		cmocka_unit_test(a_wrong_key_reads_nothing),
		cmocka_unit_test(keys_of_another_length_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

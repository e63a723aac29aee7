/* dns_tls: whom we trust is decided by the file and the name, over a real handshake on a socket
 * pair. */
#include "lib/dns_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/mem.h"

static char cert_path[] = "/tmp/gslbd-cert-XXXXXX", key_path[] = "/tmp/gslbd-key-XXXXXX";
static EVP_PKEY *key;
static X509 *cert;

/* A self-signed certificate for dns.example.test and 192.0.2.1, in two files. */
static int make_certificate(void **state)
{
	int cert_fd = mkstemp(cert_path), key_fd = mkstemp(key_path);
	FILE *c = fdopen(cert_fd, "w"), *k = fdopen(key_fd, "w");

	(void)state;
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	if (!c || !k || !key || !cert)
		return -1;
	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test",
					 -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
						    "DNS:dns.example.test,IP:192.0.2.1");
	(void)X509_add_ext(cert, names, -1);
	X509_EXTENSION_free(names);
	(void)X509_sign(cert, key, EVP_sha256());
	(void)PEM_write_X509(c, cert);
	(void)PEM_write_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL);
	return fclose(c) | fclose(k);
}

static int remove_certificate(void **state)
{
	(void)state;
	X509_free(cert);
	EVP_PKEY_free(key);
	return unlink(cert_path) | unlink(key_path);
}

/* Does a session of T come up with a server that shows the certificate?  SNI that it saw in
 * *ret_sni. */
static bool shakes_hands(const struct dns_tls *t, const char *name, int max_version, char **ret_sni)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int fds[2], mine = 0, theirs = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	(void)SSL_CTX_use_certificate(ctx, cert);
	(void)SSL_CTX_use_PrivateKey(ctx, key);
	(void)SSL_CTX_set_max_proto_version(ctx, max_version);
	SSL *server = SSL_new(ctx), *client = dns_tls_session(t, fds[0], name);
	(void)SSL_set_fd(server, fds[1]);
	SSL_set_accept_state(server);
	for (int i = 0; i < 20 && (mine != 1 || theirs != 1); i++) {
		mine = SSL_do_handshake(client);
		theirs = SSL_do_handshake(server);
	}
	const char *sni = SSL_get_servername(server, TLSEXT_NAMETYPE_host_name);
	*ret_sni = mem_strdup(sni ? sni : "none");
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return mine == 1;
}

static void the_name_must_be_the_certificates(void **state)
{
	static const struct {
		const char *name;
		bool trusts, skips;
		int version;
		bool good;
		const char *sni;
	} rows[] = {
		{ "dns.example.test", true, false, TLS1_3_VERSION, true, "dns.example.test" },
		{ "192.0.2.1", true, false, TLS1_3_VERSION, true, "none" },
		{ "other.example.test", true, false, TLS1_3_VERSION, false, NULL },
		{ "192.0.2.2", true, false, TLS1_3_VERSION, false, NULL },
		{ "dns.example.test", false, false, TLS1_3_VERSION, false, NULL }, /* not known */
		{ "other.example.test", false, true, TLS1_3_VERSION, true, "other.example.test" },
		{ "dns.example.test", true, false, TLS1_2_VERSION, false, NULL }, /* too old */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_tls *t = NULL;
		char *why = NULL, *sni = NULL;

		if (dns_tls_new(rows[i].trusts ? cert_path : NULL, NULL, NULL, rows[i].skips, &t,
				&why))
			fail_msg("row %zu: %s", i, why);
		bool good = shakes_hands(t, rows[i].name, rows[i].version, &sni);
		if (good != rows[i].good)
			fail_msg("row %zu: %s", i, good ? "came up" : "did not come up");
		if (rows[i].sni)
			assert_string_equal(sni, rows[i].sni);
		free(sni);
		dns_tls_free(t);
	}
}

static void a_file_that_cannot_be_used_is_named(void **state)
{
	static const char nowhere[] = "/nowhere/file.pem";
	const struct {
		const char *ca, *cert, *key, *named;
	} rows[] = {
		{ nowhere, NULL, NULL, nowhere },
		{ NULL, nowhere, key_path, nowhere },
		{ NULL, cert_path, nowhere, nowhere },
		{ NULL, cert_path, cert_path, cert_path }, /* no key in it */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dns_tls *t = NULL;
		char *why = NULL;

		assert_true(dns_tls_new(rows[i].ca, rows[i].cert, rows[i].key, false, &t, &why) <
			    0);
		assert_null(t);
		assert_non_null(strstr(why, rows[i].named));
		free(why);
	}
	dns_tls_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_must_be_the_certificates),
		cmocka_unit_test(a_file_that_cannot_be_used_is_named),
	};

	return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}

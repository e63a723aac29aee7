#include "lib/dns_tls.h"

#include <signal.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/error.h"
#include "lib/mem.h"
#include "lib/netaddr.h"

struct dns_tls {
	SSL_CTX *ctx;
};

static bool is_text(const char *s)
{
	return s && *s;
}

static char *open_trust(SSL_CTX *ctx, const char *ca)
{
	if (!is_text(ca))
		ca = getenv("SSL_CERT_FILE"); // NOLINT(concurrency-mt-unsafe): nobody sets it
	if (!is_text(ca)) {
		(void)SSL_CTX_set_default_verify_paths(ctx); /* none: then nobody is trusted */
		return NULL;
	}
	if (SSL_CTX_load_verify_file(ctx, ca) != 1)
		return mem_printf("%s: no file of CA certificates (PEM)", ca);
	return NULL;
}

static char *open_own(SSL_CTX *ctx, const char *cert, const char *key)
{
	if (!is_text(cert) && !is_text(key))
		return NULL;
	if (!is_text(cert) || !is_text(key))
		return mem_strdup("a client certificate needs both, certificate and key");
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return mem_printf("%s: no file of a certificate (PEM)", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return mem_printf("%s: no private key (PEM) of the certificate %s", key, cert);
	return NULL;
}

int dns_tls_new(const char *ca, const char *cert, const char *key, bool skip_verify,
		struct dns_tls **ret, char **ret_why)
{
	static const unsigned char alpn[] = "\3dot"; /* RFC 9103 8.1 */
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char *why;

	if (ctx == NULL)
		abort();                /* out of memory */
	(void)signal(SIGPIPE, SIG_IGN); /* SSL writes by write, a server may be gone */
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	(void)SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					    SSL_MODE_RELEASE_BUFFERS);
	/* a close without close_notify is an end like any other: messages have their length */
	(void)SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_verify(ctx, skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	why = skip_verify && !is_text(ca) ? NULL : open_trust(ctx, ca);
	if (why == NULL)
		why = open_own(ctx, cert, key);
	ERR_clear_error();
	if (why) {
		SSL_CTX_free(ctx);
		*ret_why = why;
		return ERR_INVALID;
	}
	*ret = MEM_NEW(struct dns_tls);
	(*ret)->ctx = ctx;
	return 0;
}

void dns_tls_free(struct dns_tls *t)
{
	if (t)
		SSL_CTX_free(t->ctx);
	free(t);
}

struct ssl_st *dns_tls_session(const struct dns_tls *t, int fd, const char *name)
{
	SSL *ssl = SSL_new(t->ctx);
	struct netaddr address;
	char sni[256]; /* OpenSSL's macro wants it writable; it copies it */

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		abort(); /* out of memory */
	if (netaddr_from_text(name, &address) == 0) {
		(void)X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	} else {
		(void)SSL_set1_host(ssl, name);
		if (strlen(name) < sizeof(sni)) {
			memcpy(sni, name, strlen(name) + 1);
			(void)SSL_set_tlsext_host_name(ssl, sni);
		}
	}
	SSL_set_connect_state(ssl);
	return ssl;
}

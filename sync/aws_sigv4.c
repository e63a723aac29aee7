#include "sync/aws_sigv4.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lib/buf.h"
#include "lib/mem.h"
#include "lib/strv.h"

#define SHA256_LEN 32

void aws_credentials_fini(struct aws_credentials *c)
{
	mem_wipe(c->secret_key, c->secret_key ? strlen(c->secret_key) : 0);
	mem_wipe(c->session_token, c->session_token ? strlen(c->session_token) : 0);
	free(c->access_key);
	free(c->secret_key);
	free(c->session_token);
	*c = (struct aws_credentials){ 0 };
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

static void sha256_hex(const void *data, size_t len, char *out)
{
	uint8_t digest[SHA256_LEN];
	unsigned n = sizeof(digest);

	if (EVP_Digest(data, len, digest, &n, EVP_sha256(), NULL) != 1)
		abort(); /* OpenSSL without SHA-256 */
	hex(digest, sizeof(digest), out);
}

static void hmac(const void *key, size_t key_len, const char *text, uint8_t *out)
{
	unsigned n = SHA256_LEN;

	if (HMAC(EVP_sha256(), key, (int)key_len, (const uint8_t *)text, strlen(text), out, &n) ==
	    NULL)
		abort();
}

/* Host, path and query of an absolute URL. */
static void split_url(const char *url, char **host, char **path, const char **query)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	size_t host_len = strcspn(p, "/?");
	*host = mem_strndup(p, host_len);
	p += host_len;
	size_t path_len = strcspn(p, "?");
	*path = path_len ? mem_strndup(p, path_len) : mem_strdup("/");
	*query = p[path_len] == '?' ? p + path_len + 1 : "";
}

/* Parameters sorted by name; each with "=". */
static char *canonical_query(const char *query)
{
	struct strv v = { 0 };

	while (*query) {
		size_t n = strcspn(query, "&");
		char *pair = mem_strndup(query, n);

		strv_take(&v, strchr(pair, '=') ? mem_strdup(pair) : mem_printf("%s=", pair));
		free(pair);
		query += n + (query[n] == '&');
	}
	strv_sort(&v);
	char *text = strv_join(&v, "&");
	strv_fini(&v);
	return text;
}

/*
 * AWS wants the path normalised and encoded once more for all services but S3; our paths hold
 * nothing that needs either.
 */
static char *canonical_request(const struct aws_request *r, const char *date,
			       const struct aws_credentials *c, const char **ret_signed)
{
	struct buf b = { 0 };
	char *host, *path, payload[2 * SHA256_LEN + 1];
	const char *query;

	split_url(r->url, &host, &path, &query);
	char *params = canonical_query(query);
	sha256_hex(r->body ? r->body : "", r->body_len, payload);
	buf_printf(&b, "%s\n%s\n%s\nhost:%s\nx-amz-date:%s\n", r->method, path, params, host, date);
	if (c->session_token)
		buf_printf(&b, "x-amz-security-token:%s\n", c->session_token);
	*ret_signed = c->session_token ? "host;x-amz-date;x-amz-security-token" : "host;x-amz-date";
	buf_printf(&b, "\n%s\n%s", *ret_signed, payload);
	free(params);
	free(host);
	free(path);
	return buf_take(&b);
}

static void signing_key(const struct aws_request *r, const struct aws_credentials *c,
			const char *day, uint8_t *key)
{
	char *first = mem_printf("AWS4%s", c->secret_key);

	hmac(first, strlen(first), day, key);
	hmac(key, SHA256_LEN, r->region, key);
	hmac(key, SHA256_LEN, r->service, key);
	hmac(key, SHA256_LEN, "aws4_request", key);
	mem_wipe(first, strlen(first));
	free(first);
}

void aws_sigv4_sign(const struct aws_request *r, const struct aws_credentials *c, char **ret_date,
		    char **ret_token, char **ret_authorization)
{
	char date[24], day[9], digest[2 * SHA256_LEN + 1], signature[2 * SHA256_LEN + 1];
	uint8_t key[SHA256_LEN];
	const char *signed_headers;
	time_t t = (time_t)r->now_s;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &tm);
	memcpy(day, date, 8);
	day[8] = '\0';
	char *canonical = canonical_request(r, date, c, &signed_headers);
	sha256_hex(canonical, strlen(canonical), digest);
	char *scope = mem_printf("%s/%s/%s/aws4_request", day, r->region, r->service);
	char *to_sign = mem_printf("AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, digest);
	signing_key(r, c, day, key);
	hmac(key, sizeof(key), to_sign, key);
	hex(key, sizeof(key), signature);
	*ret_date = mem_printf("X-Amz-Date: %s", date);
	*ret_token =
		c->session_token ? mem_printf("X-Amz-Security-Token: %s", c->session_token) : NULL;
	*ret_authorization =
		mem_printf("Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
			   "Signature=%s",
			   c->access_key, scope, signed_headers, signature);
	free(canonical);
	free(scope);
	free(to_sign);
	mem_wipe(key, sizeof(key));
}

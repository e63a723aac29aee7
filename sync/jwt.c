#include "sync/jwt.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "lib/buf.h"
#include "lib/json.h"

/* Base64url without padding (RFC 7515 2). */
static void add_base64url(struct buf *b, const void *data, size_t len)
{
	unsigned char *text = mem_alloc((len + 2) / 3 * 4 + 1);
	int n = EVP_EncodeBlock(text, data, (int)len);

	while (n && text[n - 1] == '=')
		n--;
	for (int i = 0; i < n; i++) {
		char c = (char)text[i];

		buf_putc(b, c == '+' ? '-' : c == '/' ? '_' : c);
	}
	free(text);
}

static EVP_PKEY *read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return key;
}

char *jwt_sign_rs256(const cJSON *claims, const char *pem_key, const char *kid)
{
	struct buf b = { 0 };
	EVP_PKEY *key = read_key(pem_key);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	char *text = NULL;

	char *header = kid ? mem_printf("{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", kid)
			   : mem_strdup("{\"alg\":\"RS256\",\"typ\":\"JWT\"}");
	char *body = json_print(claims);
	add_base64url(&b, header, strlen(header));
	buf_putc(&b, '.');
	add_base64url(&b, body, strlen(body));
	if (key && md && EVP_PKEY_get_size(key) <= (int)sizeof(signature) &&
	    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(md, signature, &len, (const unsigned char *)b.data, b.len) == 1) {
		buf_putc(&b, '.');
		add_base64url(&b, signature, len);
		text = buf_take(&b);
	}
	buf_fini(&b);
	free(header);
	free(body);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return text;
}

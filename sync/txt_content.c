#include "sync/txt_content.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <zlib.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/mem.h"

#define NONCE_LEN 12
#define TAG_LEN   16
#define PLAIN_MAX 8192 /* what a TXT record could hold after unpacking; guards against bombs */

static const char *const heritages[] = { TXT_HERITAGE, TXT_HERITAGE_SHARED };

/* --- text forms --------------------------------------------------------------- */

/* Bytes of base64 TEXT (either alphabet); caller frees.  -1 if it is none. */
static int decode_base64(const char *text, uint8_t **ret)
{
	size_t len = strlen(text);
	char *s = mem_strdup(text);
	uint8_t *out = mem_alloc(len + 4);

	for (size_t i = 0; i < len; i++)
		s[i] = s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
	int n = len % 4 || len == 0 ? -1 : EVP_DecodeBlock(out, (const uint8_t *)s, (int)len);
	if (n > 0)
		n -= (s[len - 1] == '=') + (s[len - 2] == '=');
	free(s);
	if (n < 0) {
		free(out);
		return -1;
	}
	*ret = out;
	return n;
}

char *txt_content_unquote(const char *target)
{
	struct buf out = { 0 };
	const char *p = target;

	while (isspace((unsigned char)*p))
		p++;
	if (*p != '"')
		return mem_strdup(target);
	while (*p == '"') {
		for (p++; *p && *p != '"'; p++) {
			if (*p == '\\' && isdigit((unsigned char)p[1]) &&
			    isdigit((unsigned char)p[2]) && isdigit((unsigned char)p[3])) {
				buf_putc(&out, (char)((p[1] - '0') * 100 + (p[2] - '0') * 10 +
						      (p[3] - '0')));
				p += 3;
				continue;
			}
			if (*p == '\\' && p[1])
				p++;
			buf_putc(&out, *p);
		}
		if (*p == '"')
			p++;
		while (isspace((unsigned char)*p))
			p++;
	}
	/* the quotes themselves as characters: somebody quoted twice */
	while (out.len && out.data[out.len - 1] == '"')
		out.data[--out.len] = '\0';
	while (out.len && out.data[0] == '"')
		buf_drop(&out, 1);
	return buf_take(&out);
}

/* --- sealing ------------------------------------------------------------------- */

int txt_key_init(struct txt_key *k, const char *text)
{
	uint8_t *raw = NULL;
	int n;

	*k = (struct txt_key){ 0 };
	if (*text == '\0')
		return 0;
	if (strlen(text) == sizeof(k->key)) {
		memcpy(k->key, text, sizeof(k->key));
		k->is_set = true;
		return 0;
	}
	n = decode_base64(text, &raw);
	if (n == (int)sizeof(k->key)) {
		memcpy(k->key, raw, sizeof(k->key));
		k->is_set = true;
	}
	if (n > 0)
		mem_wipe(raw, (size_t)n);
	free(raw);
	return k->is_set ? 0 : ERR_INVALID;
}

void txt_key_fini(struct txt_key *k)
{
	mem_wipe(k, sizeof(*k));
}

static int unzip(const uint8_t *data, size_t len, char *out, size_t size, size_t *ret_len)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)data, /* zlib does not write there */
		       .avail_in = (unsigned)len,
		       .next_out = (uint8_t *)out,
		       .avail_out = (unsigned)size };

	if (inflateInit2(&z, 15 + 16) != Z_OK) /* gzip */
		return ERR_SYNTAX;
	int done = inflate(&z, Z_FINISH);
	*ret_len = size - z.avail_out;
	(void)inflateEnd(&z); /* frees only */
	return done == Z_STREAM_END ? 0 : ERR_SYNTAX;
}

/* The plain text in the sealed TEXT, caller frees; NULL if it is not sealed with this key. */
static char *unseal(const char *text, const struct txt_key *key)
{
	uint8_t *raw = NULL, *zipped = NULL;
	char *plain = NULL;
	int n = decode_base64(text, &raw), part = 0, rest = 0;
	size_t len = 0;
	EVP_CIPHER_CTX *c = NULL;

	if (n <= NONCE_LEN + TAG_LEN)
		goto out;
	int body = n - NONCE_LEN - TAG_LEN;
	zipped = mem_alloc((size_t)body + 16);
	c = EVP_CIPHER_CTX_new();
	if (c == NULL || !EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->key, raw) ||
	    !EVP_DecryptUpdate(c, zipped, &part, raw + NONCE_LEN, body) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, raw + NONCE_LEN + body) ||
	    EVP_DecryptFinal_ex(c, zipped + part, &rest) <= 0)
		goto out;
	plain = mem_zalloc(PLAIN_MAX + 1);
	if (unzip(zipped, (size_t)(part + rest), plain, PLAIN_MAX, &len) < 0) {
		free(plain);
		plain = NULL;
		goto out;
	}
	plain[len] = '\0';
out:
	EVP_CIPHER_CTX_free(c);
	free(zipped);
	free(raw);
	return plain;
}

static size_t zip(const char *text, uint8_t *out, size_t size)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)text,
		       .avail_in = (unsigned)strlen(text),
		       .next_out = out,
		       .avail_out = (unsigned)size };

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		abort();             /* only for want of memory */
	(void)deflate(&z, Z_FINISH); /* OUT is large enough */
	(void)deflateEnd(&z);
	return size - z.avail_out;
}

static char *seal(const char *text, const struct txt_key *key)
{
	size_t size = strlen(text) + 256;
	uint8_t *zipped = mem_alloc(size);
	uint8_t *raw = mem_alloc(NONCE_LEN + size + TAG_LEN);
	int len = (int)zip(text, zipped, size), part = 0, rest = 0;
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c == NULL || RAND_bytes(raw, NONCE_LEN) != 1 ||
	    !EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->key, raw) ||
	    !EVP_EncryptUpdate(c, raw + NONCE_LEN, &part, zipped, len) ||
	    !EVP_EncryptFinal_ex(c, raw + NONCE_LEN + part, &rest) ||
	    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, raw + NONCE_LEN + part + rest))
		abort(); /* no randomness or no memory: better no record than an open one */
	int all = NONCE_LEN + part + rest + TAG_LEN;
	char *out = mem_alloc((size_t)all * 4 / 3 + 8);
	(void)EVP_EncodeBlock((uint8_t *)out, raw, all);
	EVP_CIPHER_CTX_free(c);
	free(zipped);
	free(raw);
	return out;
}

/* --- labels --------------------------------------------------------------------- */

/* "heritage=X,X/k=v,…": the labels go into E.  A blank beside a comma is part of the key, which
 * then is nobody's. */
static int read_plain(const char *text, struct endpoint *e, const char **ret_heritage)
{
	const char *heritage = NULL;
	struct endpoint *got = endpoint_new("", "", 0);
	size_t plen = 0;

	/* the heritage says which prefix counts, and need not come first */
	for (const char *p = text; *p && heritage == NULL;) {
		size_t n = strcspn(p, ",");

		for (size_t i = 0; n > 9 && i < ARRAY_SIZE(heritages); i++)
			if (strncmp(p, "heritage=", 9) == 0 && strlen(heritages[i]) == n - 9 &&
			    strncmp(p + 9, heritages[i], n - 9) == 0)
				heritage = heritages[i];
		p += n + (p[n] == ',');
	}
	plen = heritage ? strlen(heritage) : 0;
	for (const char *p = text; heritage && *p;) {
		size_t n = strcspn(p, ",");
		const char *eq = memchr(p, '=', n);

		if (eq && n > plen + 1 && strncmp(p, heritage, plen) == 0 && p[plen] == '/') {
			char *key = mem_strndup(p + plen + 1, (size_t)(eq - p) - plen - 1);
			char *value = mem_strndup(eq + 1, (size_t)(p + n - eq - 1));

			endpoint_set_label(got, key, value);
			free(key);
			free(value);
		}
		p += n + (p[n] == ',');
	}
	for (size_t i = 0; i < got->nlabels; i++)
		endpoint_set_label(e, got->labels[i].name, got->labels[i].value);
	endpoint_free(got);
	if (heritage == NULL)
		return ERR_NOT_FOUND;
	*ret_heritage = heritage;
	return 0;
}

int txt_content_read(const char *target, const struct txt_key *key, struct endpoint *e,
		     const char **ret_heritage, bool *ret_sealed)
{
	char *text = txt_content_unquote(target);
	char *plain = key && key->is_set ? unseal(text, key) : NULL;
	int err = read_plain(plain ? plain : text, e, ret_heritage);

	if (err == 0)
		*ret_sealed = plain != NULL;
	free(plain);
	free(text);
	return err;
}

char *txt_content_write(const struct endpoint *e, const char *heritage, const char *owner,
			const struct txt_key *key)
{
	struct buf text = { 0 };
	bool owner_done = false;

	buf_printf(&text, "heritage=%s", heritage);
	for (size_t i = 0; i <= e->nlabels; i++) {
		const struct endpoint_prop *l = i < e->nlabels ? &e->labels[i] : NULL;

		/* labels are sorted: the owner's place may be anywhere, or after the last */
		if (!owner_done && (l == NULL || strcmp(l->name, "owner") >= 0)) {
			buf_printf(&text, ",%s/owner=%s", heritage, owner);
			owner_done = true;
		}
		if (l == NULL || l->name[0] == ' ' || *l->value == '\0' ||
		    strcmp(l->name, "owner") == 0 || strcmp(l->name, "ownedRecord") == 0 ||
		    strcmp(l->name, "txt-encryption-nonce") == 0)
			continue;
		buf_printf(&text, ",%s/%s=%s", heritage, l->name, l->value);
	}
	char *sealed = key && key->is_set ? seal(buf_str(&text), key) : NULL;
	char *out = mem_printf("\"%s\"", sealed ? sealed : buf_str(&text));
	free(sealed);
	buf_fini(&text);
	return out;
}

#include "lib/tsig.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/rrtype.h"
#include "lib/wire.h"

enum { HEADER_LEN = 12, UNSIGNED_MAX = 99 };

static const struct algorithm {
	const char *name, *digest;
	uint8_t mac_len;
} algorithms[] = {
	{ "hmac-sha1", "SHA1", 20 },     { "hmac-sha224", "SHA224", 28 },
	{ "hmac-sha256", "SHA256", 32 }, { "hmac-sha384", "SHA384", 48 },
	{ "hmac-sha512", "SHA512", 64 },
};

/* By the first LEN characters of NAME. */
static const struct algorithm *algorithm_find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (strlen(algorithms[i].name) == len &&
		    strncasecmp(algorithms[i].name, name, len) == 0)
			return &algorithms[i];
	return NULL;
}

static const struct algorithm *algorithm_of(const struct tsig_key *k)
{
	const struct algorithm *a = algorithm_find(k->algorithm, strlen(k->algorithm));

	assert(a);
	return a;
}

/* RFC 8945 5.2.2.1: the least MAC that is no FORMERR. */
static size_t least_mac(const struct algorithm *a)
{
	return a->mac_len / 2u > 10 ? a->mac_len / 2u : 10;
}

/* "hmac-sha256", "hmac-sha256-128", a final dot is fine. */
static int algorithm_parse(const char *text, const struct algorithm **ret, size_t *ret_mac_len)
{
	size_t len = strlen(text);

	if (len && text[len - 1] == '.')
		len--;
	*ret = algorithm_find(text, len);
	if (*ret) {
		*ret_mac_len = (*ret)->mac_len;
		return 0;
	}
	const char *dash = memrchr(text, '-', len);
	if (dash)
		*ret = algorithm_find(text, (size_t)(dash - text));
	if (*ret == NULL)
		return ERR_UNSUPPORTED;
	char *end;
	unsigned long bits = strtoul(dash + 1, &end, 10);
	if (end != text + len || bits % 8 || bits / 8 > (*ret)->mac_len ||
	    bits / 8 < least_mac(*ret))
		return ERR_RANGE;
	*ret_mac_len = bits / 8;
	return 0;
}

int tsig_key_new(const char *name, const char *algorithm, const char *base64, struct tsig_key **ret)
{
	const struct algorithm *a;
	struct buf secret = { 0 };
	struct tsig_key k = { 0 };
	int err = algorithm_parse(algorithm, &a, &k.mac_len);

	if (err)
		return err;
	err = dname_from_text(name, k.name);
	if (err)
		return err;
	err = decode_base64(base64, strlen(base64), &secret);
	if (err || secret.len == 0) {
		mem_wipe(secret.data, secret.len);
		buf_fini(&secret);
		return ERR_SYNTAX;
	}
	(void)dname_lower(k.name, k.name); /* its length is not needed */
	k.algorithm = a->name;
	k.secret_len = secret.len;
	k.secret = (uint8_t *)buf_take(&secret);
	*ret = mem_dup(&k, sizeof(k));
	return 0;
}

int tsig_key_from_text(const char *text, struct tsig_key **ret)
{
	const char *one = strchr(text, ':');
	const char *two = one ? strchr(one + 1, ':') : NULL;
	const struct algorithm *a;
	size_t mac_len;

	if (one == NULL)
		return ERR_SYNTAX;
	char *first = mem_strndup(text, (size_t)(one - text));
	char *second = two ? mem_strndup(one + 1, (size_t)(two - one - 1)) : NULL;
	int err;
	if (two == NULL)
		err = tsig_key_new(first, "hmac-sha256", one + 1, ret);
	else if (algorithm_parse(first, &a, &mac_len) != ERR_UNSUPPORTED)
		err = tsig_key_new(second, first, two + 1, ret);
	else
		err = tsig_key_new(first, second, two + 1, ret);
	free(first);
	free(second);
	return err;
}

void tsig_key_free(struct tsig_key *k)
{
	if (k == NULL)
		return;
	mem_wipe(k->secret, k->secret_len);
	free(k->secret);
	free(k);
}

void tsig_session_init(struct tsig_session *s, const struct tsig_key *key)
{
	memset(s, 0, sizeof(*s));
	s->key = key;
	s->first = true;
}

void tsig_session_fini(struct tsig_session *s)
{
	EVP_MAC_CTX_free(s->running);
	s->running = NULL;
}

/* --- the digest ------------------------------------------------------------------ */

static EVP_MAC_CTX *hmac_new(const struct tsig_key *k)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
	char digest[16];

	strcpy(digest, algorithm_of(k)->digest);
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_construct_end() };
	if (ctx == NULL || EVP_MAC_init(ctx, k->secret, k->secret_len, params) != 1)
		abort(); /* a crypto library without HMAC */
	EVP_MAC_free(mac);
	return ctx;
}

static void feed(EVP_MAC_CTX *ctx, const void *data, size_t len)
{
	if (EVP_MAC_update(ctx, data, len) != 1)
		abort();
}

static void feed16(EVP_MAC_CTX *ctx, uint16_t v)
{
	uint8_t w[2];

	wire_put16(w, v);
	feed(ctx, w, sizeof(w));
}

/* What a TSIG RR says. */
struct record {
	uint8_t name[DNAME_MAX], algorithm[DNAME_MAX]; /* lower case */
	uint64_t time;
	uint16_t fudge, id, error;
	const uint8_t *mac, *other;
	uint16_t mac_len, other_len;
};

static void put48(uint8_t *p, uint64_t v)
{
	wire_put16(p, (uint16_t)(v >> 32));
	wire_put32(p + 2, (uint32_t)v);
}

static void feed_timers(EVP_MAC_CTX *ctx, const struct record *r)
{
	uint8_t w[8];

	put48(w, r->time);
	wire_put16(w + 6, r->fudge);
	feed(ctx, w, sizeof(w));
}

/* RFC 8945 4.3.3. */
static void feed_variables(EVP_MAC_CTX *ctx, const struct record *r)
{
	static const uint8_t class_ttl[6] = { 0, DNS_CLASS_ANY, 0, 0, 0, 0 };

	feed(ctx, r->name, dname_len(r->name));
	feed(ctx, class_ttl, sizeof(class_ttl));
	feed(ctx, r->algorithm, dname_len(r->algorithm));
	feed_timers(ctx, r);
	feed16(ctx, r->error);
	feed16(ctx, r->other_len);
	feed(ctx, r->other, r->other_len);
}

/* The digest of a stream goes on: begin with the MAC before. */
static EVP_MAC_CTX *digest_begin(struct tsig_session *s)
{
	EVP_MAC_CTX *ctx = s->running;

	s->running = NULL;
	if (ctx)
		return ctx;
	ctx = hmac_new(s->key);
	if (s->mac_len) {
		feed16(ctx, (uint16_t)s->mac_len);
		feed(ctx, s->mac, s->mac_len);
	}
	return ctx;
}

/* Full MAC of MSG (LEN octets without TSIG) into OUT; its length. */
static size_t digest(struct tsig_session *s, const uint8_t *msg, size_t len, const struct record *r,
		     uint8_t *out)
{
	EVP_MAC_CTX *ctx = digest_begin(s);
	size_t mac_len = 0;

	feed16(ctx, r->id); /* the original id */
	feed(ctx, msg + 2, len - 2);
	/* RFC 8945 5.3.1: behind the first message of a stream the timers alone */
	if (s->first)
		feed_variables(ctx, r);
	else
		feed_timers(ctx, r);
	if (EVP_MAC_final(ctx, out, &mac_len, TSIG_MAC_MAX) != 1)
		abort();
	EVP_MAC_CTX_free(ctx);
	return mac_len;
}

/* --- signing --------------------------------------------------------------------- */

size_t tsig_size(const struct tsig_session *s)
{
	size_t names = s->key ? dname_len(s->key->name) + strlen(s->key->algorithm) + 2
			      : dname_len(s->key_name) + dname_len(s->algorithm);

	return names + 10 + 16 + 6 + TSIG_MAC_MAX;
}

static void append(struct buf *msg, const struct record *r)
{
	buf_add(msg, r->name, dname_len(r->name));
	buf_u16(msg, RRTYPE_TSIG);
	buf_u16(msg, DNS_CLASS_ANY);
	buf_u32(msg, 0);
	buf_u16(msg, (uint16_t)(dname_len(r->algorithm) + 16 + r->mac_len + r->other_len));
	buf_add(msg, r->algorithm, dname_len(r->algorithm));
	buf_u16(msg, (uint16_t)(r->time >> 32));
	buf_u32(msg, (uint32_t)r->time);
	buf_u16(msg, r->fudge);
	buf_u16(msg, r->mac_len);
	buf_add(msg, r->mac, r->mac_len);
	buf_u16(msg, r->id);
	buf_u16(msg, r->error);
	buf_u16(msg, r->other_len);
	buf_add(msg, r->other, r->other_len);
	wire_put16(msg->data + 10, (uint16_t)(wire_get16(msg->data + 10) + 1));
}

int tsig_sign(struct tsig_session *s, struct buf *msg)
{
	bool unsigned_error = s->error == DNS_RCODE_BADKEY || s->error == DNS_RCODE_BADVERS;
	uint8_t mac[TSIG_MAC_MAX], other[6];
	struct record r = { .fudge = TSIG_FUDGE_S, .error = s->error, .mac = mac, .other = other };

	assert(msg->len >= HEADER_LEN);
	if (s->key == NULL && !unsigned_error)
		return ERR_INVALID;
	if (msg->len + tsig_size(s) > UINT16_MAX)
		return ERR_TOO_LONG;
	if (s->key) {
		memcpy(r.name, s->key->name, sizeof(s->key->name));
		(void)dname_from_text(s->key->algorithm, r.algorithm); /* from our table */
	} else {
		memcpy(r.name, s->key_name, sizeof(s->key_name));
		memcpy(r.algorithm, s->algorithm, sizeof(s->algorithm));
	}
	r.id = wire_get16(msg->data);
	r.time = (uint64_t)clock_real_s();
	if (s->error == DNS_RCODE_BADTIME) {
		/* RFC 8945 5.2.3: the client's time, so that it can verify; ours in other data */
		put48(other, r.time);
		r.other_len = sizeof(other);
		r.time = s->signed_time;
	}
	if (!unsigned_error) {
		size_t full = digest(s, (const uint8_t *)msg->data, msg->len, &r, mac);

		r.mac_len = (uint16_t)(s->key->mac_len < full ? s->key->mac_len : full);
		/* an answer goes on from our MAC, the verification of one from our request's */
		s->first = s->mac_len == 0;
		memcpy(s->mac, mac, r.mac_len);
		s->mac_len = r.mac_len;
	}
	append(msg, &r);
	return 0;
}

/* --- verification ------------------------------------------------------------------ */

static int skip_name(const uint8_t *msg, size_t len, size_t *pos)
{
	uint8_t name[DNAME_MAX];

	return dname_unpack(msg, len, pos, name);
}

/*
 * Where the TSIG RR begins: the last RR of the additional section, and the end of MSG.
 * ERR_NOT_FOUND; ERR_SYNTAX, ERR_TRUNCATED and the like for what is no message.
 */
static int find(const uint8_t *msg, size_t len, size_t *ret_pos)
{
	size_t pos = HEADER_LEN, at = 0;
	bool seen = false;

	if (len < HEADER_LEN)
		return ERR_TRUNCATED;
	for (unsigned n = wire_get16(msg + 4); n; n--) {
		int err = skip_name(msg, len, &pos);
		if (err)
			return err;
		if (len - pos < 4)
			return ERR_TRUNCATED;
		pos += 4;
	}
	unsigned total = (unsigned)wire_get16(msg + 6) + wire_get16(msg + 8) + wire_get16(msg + 10);
	unsigned additional = wire_get16(msg + 10);
	for (unsigned i = 0; i < total; i++) {
		at = pos;
		int err = skip_name(msg, len, &pos);
		if (err)
			return err;
		if (len - pos < 10 || len - pos - 10 < wire_get16(msg + pos + 8))
			return ERR_TRUNCATED;
		uint16_t type = wire_get16(msg + pos);
		pos += 10u + wire_get16(msg + pos + 8);
		if (type != RRTYPE_TSIG)
			continue;
		/* RFC 8945 5.1: the last record of the additional section, and only one */
		if (i + 1 != total || additional == 0)
			return ERR_SYNTAX;
		seen = true;
	}
	if (pos != len)
		return ERR_SYNTAX;
	if (!seen)
		return ERR_NOT_FOUND;
	*ret_pos = at;
	return 0;
}

static int parse(const uint8_t *msg, size_t len, size_t pos, struct record *r)
{
	uint8_t name[DNAME_MAX];
	size_t n;
	int err = dname_unpack(msg, len, &pos, name);

	if (err)
		return err;
	(void)dname_lower(name, r->name); /* its length is not needed */
	if (wire_get16(msg + pos + 2) != DNS_CLASS_ANY || wire_get32(msg + pos + 4) != 0)
		return ERR_SYNTAX;
	pos += 10;
	err = dname_parse(msg + pos, len - pos, &n);
	if (err)
		return err;
	(void)dname_lower(msg + pos, r->algorithm);
	pos += n;
	if (len - pos < 16)
		return ERR_TRUNCATED;
	r->time = (uint64_t)wire_get16(msg + pos) << 32 | wire_get32(msg + pos + 2);
	r->fudge = wire_get16(msg + pos + 6);
	r->mac_len = wire_get16(msg + pos + 8);
	r->mac = msg + pos + 10;
	pos += 10;
	if (len - pos < (size_t)r->mac_len + 6)
		return ERR_TRUNCATED;
	pos += r->mac_len;
	r->id = wire_get16(msg + pos);
	r->error = wire_get16(msg + pos + 2);
	r->other_len = wire_get16(msg + pos + 4);
	r->other = msg + pos + 6;
	return len - pos - 6 == r->other_len ? 0 : ERR_SYNTAX;
}

int tsig_key_name(const uint8_t *msg, size_t len, uint8_t *out)
{
	struct record r;
	size_t pos = 0;
	int err = find(msg, len, &pos);

	if (err == 0)
		err = parse(msg, len, pos, &r);
	if (err == 0)
		memcpy(out, r.name, dname_len(r.name));
	return err;
}

static bool key_fits(const struct tsig_key *k, const struct record *r)
{
	uint8_t algorithm[DNAME_MAX];

	return dname_equal(k->name, r->name) && dname_from_text(k->algorithm, algorithm) == 0 &&
	       dname_equal(algorithm, r->algorithm);
}

static int auth_error(struct tsig_session *s, uint16_t error)
{
	s->error = error;
	return ERR_AUTH;
}

/* A message of a stream without TSIG: keep it in the digest. */
static int absorb(struct tsig_session *s, const uint8_t *msg, size_t len)
{
	if (s->unsigned_count == UNSIGNED_MAX)
		return auth_error(s, DNS_RCODE_BADVERS);
	s->running = digest_begin(s);
	feed(s->running, msg, len);
	s->unsigned_count++;
	return 0;
}

static int check_mac(struct tsig_session *s, const uint8_t *msg, size_t len, const struct record *r)
{
	const struct algorithm *a = algorithm_of(s->key);
	uint8_t mac[TSIG_MAC_MAX];

	/* RFC 8945 5.2.2.1 */
	if (r->mac_len > a->mac_len || r->mac_len < least_mac(a))
		return ERR_SYNTAX;
	(void)digest(s, msg, len, r, mac); /* full length: at least MAC_LEN */
	if (CRYPTO_memcmp(mac, r->mac, r->mac_len) != 0)
		return auth_error(s, DNS_RCODE_BADVERS); /* 16 is BADSIG in a TSIG */
	memcpy(s->mac, r->mac, r->mac_len);
	s->mac_len = r->mac_len;
	return 0;
}

static int check_rest(struct tsig_session *s, const struct record *r)
{
	uint64_t now = (uint64_t)clock_real_s();
	uint64_t away = now > r->time ? now - r->time : r->time - now;

	if (away > r->fudge)
		return auth_error(s, DNS_RCODE_BADTIME);
	/* the local policy is the length that the key was made with, if it was cut on purpose */
	if (s->key->mac_len < algorithm_of(s->key)->mac_len && r->mac_len < s->key->mac_len)
		return auth_error(s, DNS_RCODE_BADTRUNC);
	return 0;
}

static int find_key(struct tsig_session *s, const struct tsig_key *const *keys, size_t nkeys,
		    const struct record *r)
{
	if (s->key) /* an answer to us, or a later message */
		return key_fits(s->key, r) ? 0 : auth_error(s, DNS_RCODE_BADKEY);
	for (size_t i = 0; i < nkeys && s->key == NULL; i++)
		if (key_fits(keys[i], r))
			s->key = keys[i];
	return s->key ? 0 : auth_error(s, DNS_RCODE_BADKEY);
}

int tsig_verify(struct tsig_session *s, const struct tsig_key *const *keys, size_t nkeys,
		uint8_t *msg, size_t len, size_t *ret_len)
{
	struct record r;
	size_t pos = 0;
	int err = find(msg, len, &pos);

	if (err == ERR_NOT_FOUND && !s->first) {
		err = absorb(s, msg, len);
		if (err == 0)
			*ret_len = len;
		return err;
	}
	if (err == 0)
		err = parse(msg, len, pos, &r);
	if (err)
		return err == ERR_NOT_FOUND ? err : ERR_SYNTAX;
	bool request = s->key == NULL;
	wire_put16(msg + 10, (uint16_t)(wire_get16(msg + 10) - 1));
	s->signed_time = r.time;
	memcpy(s->key_name, r.name, sizeof(s->key_name));
	memcpy(s->algorithm, r.algorithm, sizeof(s->algorithm));
	err = find_key(s, keys, nkeys, &r);
	if (err == 0 && !request && r.mac_len == 0 && r.error)
		err = auth_error(s, r.error); /* RFC 8945 5.3.2: the server could not sign */
	if (err == 0)
		err = check_mac(s, msg, pos, &r);
	if (err == 0 && !request && r.error)
		err = auth_error(s, r.error);
	if (err == 0)
		err = check_rest(s, &r);
	*ret_len = pos;
	if (err == 0 && !request)
		s->first = false;
	if (err == 0)
		s->unsigned_count = 0;
	return err;
}

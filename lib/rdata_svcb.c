/*
 * SvcParams of SVCB and HTTPS (RFC 9460): wire check, text in, text out.  A table
 * names the keys and the form of their values; others are opaque ("key123").
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/encode.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/rdata_type.h"
#include "lib/wire.h"

enum form {
	FORM_OPAQUE,
	FORM_MANDATORY, /* u16 list, ascending */
	FORM_ALPN,      /* counted strings */
	FORM_EMPTY,
	FORM_PORT,
	FORM_IPV4,
	FORM_IPV6,
	FORM_BASE64,
	FORM_TEXT,   /* dohpath */
	FORM_GROUPS, /* u16 list, in order of preference */
};

enum { KEY_MANDATORY = 0, KEY_ALPN = 1, KEY_NO_DEFAULT_ALPN = 2 };

static const struct {
	const char *name;
	enum form form;
} keys[] = {
	{ "mandatory", FORM_MANDATORY }, /* RFC 9460 14.3.2 */
	{ "alpn", FORM_ALPN },
	{ "no-default-alpn", FORM_EMPTY },
	{ "port", FORM_PORT },
	{ "ipv4hint", FORM_IPV4 },
	{ "ech", FORM_BASE64 },
	{ "ipv6hint", FORM_IPV6 },
	{ "dohpath", FORM_TEXT },                /* RFC 9461 */
	{ "ohttp", FORM_EMPTY },                 /* RFC 9540 */
	{ "tls-supported-groups", FORM_GROUPS }, /* draft-ietf-tls-key-share-prediction */
};

static enum form key_form(uint16_t key)
{
	return key < ARRAY_SIZE(keys) ? keys[key].form : FORM_OPAQUE;
}

static int list16_check(const uint8_t *v, size_t len, bool ascending)
{
	if (len == 0 || len % 2)
		return ERR_SYNTAX;
	for (size_t i = 2; ascending && i < len; i += 2)
		if (wire_get16(v + i) <= wire_get16(v + i - 2))
			return ERR_SYNTAX;
	return 0;
}

static int alpn_check(const uint8_t *v, size_t len)
{
	if (len == 0)
		return ERR_SYNTAX;
	for (size_t at = 0; at < len; at += (size_t)v[at] + 1)
		if (v[at] == 0 || len - at < (size_t)v[at] + 1)
			return ERR_SYNTAX;
	return 0;
}

static int value_check(enum form form, const uint8_t *v, size_t len)
{
	switch (form) {
	case FORM_OPAQUE:
		return 0;
	case FORM_MANDATORY:
		return list16_check(v, len, true);
	case FORM_GROUPS:
		return list16_check(v, len, false);
	case FORM_ALPN:
		return alpn_check(v, len);
	case FORM_EMPTY:
		return len ? ERR_SYNTAX : 0;
	case FORM_PORT:
		return len == 2 ? 0 : ERR_SYNTAX;
	case FORM_IPV4:
		return len && len % 4 == 0 ? 0 : ERR_SYNTAX;
	case FORM_IPV6:
		return len && len % 16 == 0 ? 0 : ERR_SYNTAX;
	case FORM_BASE64:
	case FORM_TEXT:
		return len ? 0 : ERR_SYNTAX;
	}
	return ERR_SYNTAX;
}

/* Is KEY among the params P?  They are well-formed. */
static bool has_key(const uint8_t *p, size_t len, uint16_t key)
{
	for (size_t at = 0; at < len; at += 4u + wire_get16(p + at + 2))
		if (wire_get16(p + at) == key)
			return true;
	return false;
}

/* RFC 9460 8: every mandatory key is there and none is "mandatory" itself. */
static int mandatory_check(const uint8_t *p, size_t len)
{
	size_t n = wire_get16(p + 2) / 2u;
	size_t at = 4u + wire_get16(p + 2);

	/* both lists ascend: one walk over both */
	for (size_t i = 0; i < n; i++) {
		uint16_t want = wire_get16(p + 4 + 2 * i);

		while (at < len && wire_get16(p + at) < want)
			at += 4u + wire_get16(p + at + 2);
		if (at >= len || wire_get16(p + at) != want)
			return ERR_SYNTAX;
	}
	return 0;
}

int rdata_svcb_check(const uint8_t *p, size_t len)
{
	int last = -1;

	for (size_t at = 0; at < len;) {
		if (len - at < 4)
			return ERR_TRUNCATED;
		uint16_t key = wire_get16(p + at), n = wire_get16(p + at + 2);

		/* "SvcParamKeys SHALL appear in increasing numeric order", each once */
		if (key <= last || key == UINT16_MAX)
			return ERR_SYNTAX;
		if (len - at - 4 < n)
			return ERR_TRUNCATED;
		int err = value_check(key_form(key), p + at + 4, n);
		if (err)
			return err;
		last = key;
		at += 4u + n;
	}
	if (len && wire_get16(p) == KEY_MANDATORY && mandatory_check(p, len))
		return ERR_SYNTAX;
	/* RFC 9460 7.1.1: no-default-alpn without alpn is malformed */
	if (has_key(p, len, KEY_NO_DEFAULT_ALPN) && !has_key(p, len, KEY_ALPN))
		return ERR_SYNTAX;
	return 0;
}

/* --- text out ---------------------------------------------------------------- */

static void key_to_text(uint16_t key, struct buf *out)
{
	if (key < ARRAY_SIZE(keys))
		buf_puts(out, keys[key].name);
	else
		buf_printf(out, "key%u", key);
}

/* Escape for a value-list in quotes: comma and backslash once for the list, once for the string. */
static void alpn_to_text(const uint8_t *v, size_t len, struct buf *out)
{
	struct buf list = { 0 };

	for (size_t at = 0; at < len; at += (size_t)v[at] + 1) {
		if (at)
			buf_putc(&list, ',');
		for (size_t i = 1; i <= v[at]; i++) {
			if (v[at + i] == ',' || v[at + i] == '\\')
				buf_putc(&list, '\\');
			buf_u8(&list, v[at + i]);
		}
	}
	rdata_quote((const uint8_t *)buf_str(&list), list.len, out);
	buf_fini(&list);
}

static void addresses_to_text(int family, const uint8_t *v, size_t len, struct buf *out)
{
	size_t size = family == AF_INET ? 4 : 16;
	char text[INET6_ADDRSTRLEN];

	for (size_t at = 0; at < len; at += size) {
		if (at)
			buf_putc(out, ',');
		buf_puts(out, inet_ntop(family, v + at, text, sizeof(text)));
	}
}

static void list16_to_text(enum form form, const uint8_t *v, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += 2) {
		if (at)
			buf_putc(out, ',');
		if (form == FORM_MANDATORY)
			key_to_text(wire_get16(v + at), out);
		else
			buf_printf(out, "%u", wire_get16(v + at));
	}
}

static void value_to_text(enum form form, const uint8_t *v, size_t len, struct buf *out)
{
	switch (form) {
	case FORM_EMPTY:
		return;
	case FORM_OPAQUE:
	case FORM_TEXT:
		rdata_quote(v, len, out);
		return;
	case FORM_MANDATORY:
	case FORM_GROUPS:
		list16_to_text(form, v, len, out);
		return;
	case FORM_ALPN:
		alpn_to_text(v, len, out);
		return;
	case FORM_PORT:
		buf_printf(out, "%u", wire_get16(v));
		return;
	case FORM_IPV4:
		addresses_to_text(AF_INET, v, len, out);
		return;
	case FORM_IPV6:
		addresses_to_text(AF_INET6, v, len, out);
		return;
	case FORM_BASE64:
		encode_base64(v, len, out);
		return;
	}
}

void rdata_svcb_to_text(const uint8_t *p, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += 4u + wire_get16(p + at + 2)) {
		uint16_t key = wire_get16(p + at), n = wire_get16(p + at + 2);

		buf_putc(out, ' ');
		key_to_text(key, out);
		if (n == 0)
			continue;
		buf_putc(out, '=');
		value_to_text(key_form(key), p + at + 4, n, out);
	}
}

/* --- text in ------------------------------------------------------------------ */

static int key_from_text(const char *s, size_t len, uint16_t *ret)
{
	uint32_t number;

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
		if (strlen(keys[k].name) == len && memcmp(keys[k].name, s, len) == 0) {
			*ret = (uint16_t)k;
			return 0;
		}
	/* "keyNNNNN" without leading zeros; 65535 is reserved as invalid */
	if (len < 4 || memcmp(s, "key", 3) != 0 || (s[3] == '0' && len > 4))
		return ERR_SYNTAX;
	int err = rdata_token_number(s + 3, len - 3, UINT16_MAX - 1, &number);
	if (err)
		return err;
	*ret = (uint16_t)number;
	return 0;
}

/* The next part of a comma list: V[*at..], a backslash keeps a comma.  False at the end. */
static bool list_next(const struct buf *v, size_t *at, struct buf *part)
{
	if (*at > v->len)
		return false;
	buf_reset(part);
	while (*at < v->len && v->data[*at] != ',') {
		if (v->data[*at] == '\\' && *at + 1 < v->len)
			++*at;
		buf_putc(part, v->data[(*at)++]);
	}
	++*at; /* the comma, or one past the end */
	return true;
}

static int address_part(int family, const struct buf *part, struct buf *out)
{
	uint8_t address[16];

	if (strlen(buf_str(part)) != part->len || inet_pton(family, buf_str(part), address) != 1)
		return ERR_SYNTAX;
	buf_add(out, address, family == AF_INET ? 4 : 16);
	return 0;
}

static int part_from_text(enum form form, const struct buf *part, struct buf *out)
{
	uint32_t number;
	uint16_t key;
	int err;

	if (part->len == 0)
		return ERR_SYNTAX; /* an empty item */
	if (form == FORM_ALPN) {
		if (part->len > 255)
			return ERR_TOO_LONG;
		buf_u8(out, (uint8_t)part->len);
		buf_add(out, part->data, part->len);
		return 0;
	}
	if (form == FORM_IPV4 || form == FORM_IPV6)
		return address_part(form == FORM_IPV4 ? AF_INET : AF_INET6, part, out);
	if (form == FORM_MANDATORY) {
		err = key_from_text(part->data, part->len, &key);
		number = key;
	} else {
		err = rdata_token_number(part->data, part->len, UINT16_MAX, &number);
	}
	if (err == 0)
		buf_u16(out, (uint16_t)number);
	return err;
}

static int compare16(const void *a, const void *b)
{
	return memcmp(a, b, 2); /* network order */
}

static int list_from_text(enum form form, const struct buf *v, struct buf *out)
{
	struct buf part = { 0 };
	size_t at = 0, start = out->len;
	int err = 0;

	while (err == 0 && list_next(v, &at, &part))
		err = part_from_text(form, &part, out);
	if (err == 0 && form == FORM_MANDATORY) /* any order in text, ascending on the wire */
		qsort(out->data + start, (out->len - start) / 2, 2, compare16);
	buf_fini(&part);
	return err;
}

static int value_from_text(enum form form, const struct buf *v, struct buf *out)
{
	uint32_t number;
	int err;

	switch (form) {
	case FORM_EMPTY:
		return v->len ? ERR_SYNTAX : 0;
	case FORM_OPAQUE:
	case FORM_TEXT:
		buf_add(out, v->data, v->len);
		return 0;
	case FORM_BASE64:
		return decode_base64(buf_str(v), v->len, out);
	case FORM_PORT:
		err = rdata_token_number(buf_str(v), v->len, UINT16_MAX, &number);
		if (err == 0)
			buf_u16(out, (uint16_t)number);
		return err;
	case FORM_MANDATORY:
	case FORM_ALPN:
	case FORM_IPV4:
	case FORM_IPV6:
	case FORM_GROUPS:
		return list_from_text(form, v, out);
	}
	return ERR_SYNTAX;
}

struct param {
	uint16_t key;
	struct buf value;
};

/* "key", "key=value" or "key=\"value\"". */
static int param_from_token(const struct rdata_token *t, struct param *p)
{
	const char *eq = memchr(t->s, '=', t->len);
	size_t key_len = eq ? (size_t)(eq - t->s) : t->len;
	struct buf v = { 0 };
	int err;

	if (t->quoted)
		return ERR_SYNTAX;
	err = key_from_text(t->s, key_len, &p->key);
	if (err == 0 && eq) {
		struct rdata_token value = { eq + 1, t->len - key_len - 1, false, false };

		if (value.len >= 2 && value.s[0] == '"' && value.s[value.len - 1] == '"')
			value = (struct rdata_token){ value.s + 1, value.len - 2, true, false };
		else if (t->has_quotes)
			return ERR_SYNTAX;
		err = rdata_token_bytes(&value, &v);
	}
	if (err == 0)
		err = value_from_text(key_form(p->key), &v, &p->value);
	if (err == 0 && p->value.len > UINT16_MAX)
		err = ERR_TOO_LONG;
	buf_fini(&v);
	return err;
}

static int compare_params(const void *a, const void *b)
{
	return ((const struct param *)a)->key - ((const struct param *)b)->key;
}

int rdata_svcb_from_tokens(const struct rdata_token *tokens, size_t n, struct buf *out,
			   const char **why)
{
	struct param *params = mem_calloc(n ? n : 1, sizeof(*params));
	size_t start = out->len;
	int err = 0;

	for (size_t i = 0; i < n && err == 0; i++)
		err = param_from_token(&tokens[i], &params[i]);
	if (err) {
		*why = "wrong SvcParam";
		goto out;
	}
	qsort(params, n, sizeof(*params), compare_params);
	for (size_t i = 0; i < n; i++) {
		buf_u16(out, params[i].key);
		buf_u16(out, (uint16_t)params[i].value.len);
		buf_add(out, params[i].value.data, params[i].value.len);
	}
	err = rdata_svcb_check((const uint8_t *)buf_str(out) + start, out->len - start);
	if (err)
		*why = "SvcParams: a key is there twice, or a mandatory one is missing";
out:
	for (size_t i = 0; i < n; i++)
		buf_fini(&params[i].value);
	free(params);
	return err;
}

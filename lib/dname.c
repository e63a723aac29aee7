#include "lib/dname.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/error.h"
#include "lib/mem.h"

/* ASCII only: RFC 4343 3. */
static inline uint8_t lower(uint8_t c)
{
	return (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

size_t dname_len(const uint8_t *name)
{
	const uint8_t *p = name;

	while (*p)
		p += *p + 1;
	return (size_t)(p - name) + 1;
}

unsigned dname_labels(const uint8_t *name)
{
	unsigned n = 0;

	for (; *name; name += *name + 1)
		n++;
	return n;
}

/* \X or \DDD at P, behind the backslash; *p moves behind it.  -1 on a bad escape. */
static int text_escape(const char **p, const char *end)
{
	const char *s = *p;

	if (s == end)
		return -1;
	if (*s < '0' || *s > '9') {
		*p = s + 1;
		return (uint8_t)*s;
	}
	if (end - s < 3 || s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9')
		return -1;
	int v = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	*p = s + 3;
	return v > 255 ? -1 : v;
}

/*
 * The labels of TEXT..END into WIRE (DNAME_MAX bytes), without the root's zero;
 * *ret_len octets.  *ret_absolute: it ended with a dot.
 */
static int text_labels(const char *text, const char *end, uint8_t *wire, size_t *ret_len,
		       bool *ret_absolute)
{
	size_t len = 1, at = 0; /* next octet, the present label's length octet */

	*ret_absolute = false;
	while (text < end) {
		char c = *text++;
		int v = (uint8_t)c;

		if (c == '.') {
			if (len - at == 1)
				return ERR_SYNTAX; /* empty label */
			wire[at] = (uint8_t)(len - at - 1);
			at = len++;
			*ret_absolute = text == end;
			continue;
		}
		if (c == '\\') {
			v = text_escape(&text, end);
			if (v < 0)
				return ERR_SYNTAX;
		}
		if (len - at > 63 || len >= DNAME_MAX)
			return ERR_TOO_LONG;
		wire[len++] = (uint8_t)v;
	}
	if (*ret_absolute) {
		*ret_len = at;
		return 0;
	}
	wire[at] = (uint8_t)(len - at - 1);
	*ret_len = len;
	return 0;
}

int dname_from_chars(const char *text, size_t len, const uint8_t *origin, uint8_t *out)
{
	static const uint8_t root[1] = { 0 };
	uint8_t wire[DNAME_MAX + 1];
	size_t n;
	bool absolute;

	if (len == 0)
		return ERR_SYNTAX;
	if (len == 1 && *text == '.') {
		out[0] = 0;
		return 0;
	}
	if (len == 1 && *text == '@') {
		if (origin == NULL)
			return ERR_SYNTAX;
		memmove(out, origin, dname_len(origin));
		return 0;
	}
	int err = text_labels(text, text + len, wire, &n, &absolute);
	if (err)
		return err;
	const uint8_t *suffix = absolute || origin == NULL ? root : origin;
	size_t slen = dname_len(suffix);
	if (n + slen > DNAME_MAX)
		return ERR_TOO_LONG;
	memcpy(wire + n, suffix, slen);
	memcpy(out, wire, n + slen);
	return 0;
}

int dname_from_text_origin(const char *text, const uint8_t *origin, uint8_t *out)
{
	/* "@" is a plain label here */
	if (strcmp(text, "@") == 0)
		return dname_from_chars("\\@", 2, origin, out);
	return dname_from_chars(text, strlen(text), origin, out);
}

int dname_from_text(const char *text, uint8_t *out)
{
	return dname_from_text_origin(text, NULL, out);
}

char *dname_to_text(const uint8_t *name, char *out)
{
	char *o = out;

	if (*name == 0)
		*o++ = '.';
	while (*name) {
		for (unsigned n = *name++; n; n--, name++) {
			if (*name == '.' || *name == '\\' || *name == '"' || *name == ';' ||
			    *name == '(' || *name == ')' || *name == '@' || *name == '$') {
				*o++ = '\\';
				*o++ = (char)*name;
			} else if (*name > 0x20 && *name < 0x7f) {
				*o++ = (char)*name;
			} else {
				*o++ = '\\';
				*o++ = (char)('0' + *name / 100);
				*o++ = (char)('0' + *name / 10 % 10);
				*o++ = (char)('0' + *name % 10);
			}
		}
		*o++ = '.';
	}
	*o = '\0';
	return out;
}

char *dname_text(const uint8_t *name)
{
	char text[DNAME_TEXT_MAX];

	dname_to_text(name, text);
	size_t len = strlen(text);
	if (len > 1)
		text[len - 1] = '\0';
	return mem_strdup(text);
}

int dname_parse(const uint8_t *wire, size_t len, size_t *ret_len)
{
	size_t pos = 0;

	for (;;) {
		if (pos >= len)
			return ERR_TRUNCATED;
		uint8_t n = wire[pos];
		if (n > 63)
			return ERR_SYNTAX;
		pos += (size_t)n + 1;
		if (pos > DNAME_MAX)
			return ERR_TOO_LONG;
		if (n == 0)
			break;
	}
	*ret_len = pos;
	return 0;
}

int dname_unpack(const uint8_t *msg, size_t msg_len, size_t *pos, uint8_t *out)
{
	size_t at = *pos;
	size_t end = 0;    /* behind the name, known at the first pointer */
	size_t limit = at; /* a pointer must point before this */
	size_t len = 0;
	uint8_t name[DNAME_MAX];

	for (;;) {
		if (at >= msg_len)
			return ERR_TRUNCATED;
		uint8_t n = msg[at];

		if ((n & 0xc0) == 0xc0) {
			if (at + 1 >= msg_len)
				return ERR_TRUNCATED;
			size_t to = (size_t)(n & 0x3f) << 8 | msg[at + 1];
			if (end == 0)
				end = at + 2;
			/* strictly backwards, so hops are bounded by the message as well */
			if (to >= limit)
				return ERR_SYNTAX;
			limit = to;
			at = to;
			continue;
		}
		if (n > 63)
			return ERR_SYNTAX;
		if (at + n + 1 > msg_len)
			return ERR_TRUNCATED;
		if (len + n + 1 > DNAME_MAX)
			return ERR_TOO_LONG;
		memcpy(name + len, msg + at, (size_t)n + 1);
		len += (size_t)n + 1;
		at += (size_t)n + 1;
		if (n == 0)
			break;
	}
	*pos = end ? end : at;
	memcpy(out, name, len);
	return 0;
}

/* LEN octets of two names.  Length octets are < 'A', so folding cannot make two shapes equal. */
static bool octets_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	if (memcmp(a, b, len) == 0) /* nearly always when it is true */
		return true;
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool dname_equal(const uint8_t *a, const uint8_t *b)
{
	size_t len = dname_len(a);

	return len == dname_len(b) && octets_equal(a, b, len);
}

static unsigned label_starts(const uint8_t *name, const uint8_t **labels)
{
	unsigned n = 0;

	for (; *name; name += *name + 1)
		labels[n++] = name;
	return n;
}

static int label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned n = a[0] < b[0] ? a[0] : b[0];

	for (unsigned i = 1; i <= n; i++) {
		int d = lower(a[i]) - lower(b[i]);
		if (d)
			return d;
	}
	return a[0] - b[0];
}

int dname_compare(const uint8_t *a, const uint8_t *b)
{
	const uint8_t *la[DNAME_LABELS_MAX + 1], *lb[DNAME_LABELS_MAX + 1];
	unsigned na = label_starts(a, la), nb = label_starts(b, lb);

	while (na && nb) {
		int d = label_compare(la[--na], lb[--nb]);
		if (d)
			return d;
	}
	return (int)na - (int)nb;
}

const uint8_t *dname_parent(const uint8_t *name, unsigned n)
{
	for (; n; n--) {
		if (*name == 0)
			return NULL;
		name += *name + 1;
	}
	return name;
}

bool dname_is_subdomain(const uint8_t *name, const uint8_t *parent)
{
	size_t left = dname_len(name), len = dname_len(parent);

	while (left > len) {
		left -= *name + 1u;
		name += *name + 1;
	}
	return left == len && octets_equal(name, parent, len);
}

size_t dname_lower(const uint8_t *name, uint8_t *out)
{
	size_t len = dname_len(name);

	for (size_t i = 0; i < len; i++)
		out[i] = lower(name[i]);
	return len;
}

bool dname_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

int dname_join(const uint8_t *prefix, const uint8_t *suffix, uint8_t *out)
{
	size_t plen = dname_len(prefix) - 1, slen = dname_len(suffix);

	if (plen + slen > DNAME_MAX)
		return ERR_TOO_LONG;
	uint8_t name[DNAME_MAX];
	memcpy(name, prefix, plen);
	memcpy(name + plen, suffix, slen);
	memcpy(out, name, plen + slen);
	return 0;
}

char *dname_text_normal(const char *text)
{
	char *s = mem_strdup(text);
	size_t len = strlen(s);

	if (len > 1 && s[len - 1] == '.')
		s[len - 1] = '\0';
	for (char *p = s; *p; p++)
		*p = (char)lower((uint8_t)*p);
	return s;
}

bool dname_text_is_below(const char *host, const char *zone)
{
	size_t h = strlen(host), z = strlen(zone);

	if (h && host[h - 1] == '.')
		h--;
	if (z && zone[z - 1] == '.')
		z--;
	if (z == 0)
		return true;
	if (h < z || strncasecmp(host + h - z, zone, z) != 0)
		return false;
	return h == z || host[h - z - 1] == '.';
}

bool dname_text_is_host(const char *text, bool allow_wildcard)
{
	size_t len = strlen(text), label = 0;

	if (len && text[len - 1] == '.')
		len--;
	if (len == 0 || len > 253)
		return false;
	size_t i = 0;
	if (allow_wildcard && len > 2 && text[0] == '*' && text[1] == '.')
		i = 2;
	for (; i < len; i++) {
		char c = text[i];

		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)c) && c != '-' && c != '_')
			return false;
		if ((c == '-' && label == 0) || ++label > 63)
			return false;
	}
	return label > 0 && text[len - 1] != '-';
}

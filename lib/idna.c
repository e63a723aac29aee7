#include "lib/idna.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/mem.h"

#define LABEL_MAX 63

bool idna_is_normal(const char *text)
{
	size_t len = strlen(text);

	if (len == 0 || text[len - 1] == '.' || isspace((unsigned char)text[0]) ||
	    isspace((unsigned char)text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((text[i] >= 'A' && text[i] <= 'Z') || (text[i] & 0x80))
			return false;
	return true;
}

/* One code point; *s moves behind it.  -1 if it is not UTF-8 (RFC 3629). */
static int32_t utf8_next(const char **s, const char *end)
{
	const uint8_t *p = (const uint8_t *)*s;
	size_t left = (size_t)(end - *s);
	static const struct {
		uint8_t mask, lead;
		unsigned more;
		int32_t least;
	} forms[] = { { 0x80, 0, 0, 0 },
		      { 0xe0, 0xc0, 1, 0x80 },
		      { 0xf0, 0xe0, 2, 0x800 },
		      { 0xf8, 0xf0, 3, 0x10000 } };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if ((p[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (left <= forms[i].more)
			return -1;
		int32_t c = p[0] & (uint8_t)~forms[i].mask;

		for (unsigned k = 1; k <= forms[i].more; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return -1;
			c = c << 6 | (p[k] & 0x3f);
		}
		if (c < forms[i].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return -1;
		*s += forms[i].more + 1;
		return c;
	}
	return -1;
}

/* The scripts in which host names have capitals: Latin, Greek, Cyrillic, Armenian. */
static int32_t lower(int32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
	    (c >= 0x410 && c <= 0x42f))
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c >= 0x531 && c <= 0x556)
		return c + 48;
	if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177) ||
	    (c >= 0x460 && c <= 0x481) || (c >= 0x1e00 && c <= 0x1e95))
		return c | 1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c & 1 ? c + 1 : c;
	return c;
}

/* RFC 3492 6.1 */
static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / 700 : delta / 2;
	delta += delta / points;
	for (; delta > 455; k += 36)
		delta /= 35;
	return k + 36 * delta / (delta + 38);
}

static char digit(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + (d - 26));
}

/* RFC 3492 6.3: one delta as a variable-length integer. */
static void put_delta(struct buf *out, uint32_t delta, uint32_t bias)
{
	uint32_t q = delta;

	for (uint32_t k = 36;; k += 36) {
		uint32_t t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;

		if (q < t)
			break;
		buf_putc(out, digit(t + (q - t) % (36 - t)));
		q = (q - t) / (36 - t);
	}
	buf_putc(out, digit(q));
}

static void punycode(const int32_t *cp, size_t n, struct buf *out)
{
	uint32_t done = 0, at = 128, delta = 0, bias = 72;

	buf_puts(out, "xn--");
	for (size_t i = 0; i < n; i++) {
		if (cp[i] < 0x80) {
			buf_putc(out, (char)cp[i]);
			done++;
		}
	}
	uint32_t basic = done;
	if (basic)
		buf_putc(out, '-');
	while (done < n) {
		uint32_t next = UINT32_MAX;

		for (size_t i = 0; i < n; i++)
			if ((uint32_t)cp[i] >= at && (uint32_t)cp[i] < next)
				next = (uint32_t)cp[i];
		/* at most 63 labels' worth of points below 0x110000: cannot overflow */
		delta += (next - at) * (done + 1);
		at = next;
		for (size_t i = 0; i < n; i++) {
			if ((uint32_t)cp[i] < at)
				delta++;
			if ((uint32_t)cp[i] != at)
				continue;
			put_delta(out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		at++;
	}
}

/* Append the label S..END; false if it cannot be one. */
static bool put_label(struct buf *out, const char *s, const char *end)
{
	int32_t cp[LABEL_MAX * 4];
	size_t n = 0, before = out->len;
	bool ascii = true;

	while (s < end) {
		int32_t c = utf8_next(&s, end);

		if (c < 0 || n == ARRAY_SIZE(cp))
			return false;
		cp[n++] = lower(c);
		ascii = ascii && c < 0x80;
	}
	if (ascii) {
		for (size_t i = 0; i < n; i++)
			buf_putc(out, (char)cp[i]);
		return true;
	}
	if (n > LABEL_MAX)
		return false;
	punycode(cp, n, out);
	return out->len - before <= LABEL_MAX;
}

char *idna_normal(const char *text)
{
	struct buf out = { 0 };

	while (isspace((unsigned char)*text))
		text++;
	const char *end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	if (end > text + 1 && end[-1] == '.')
		end--;
	for (const char *s = text; s <= end;) {
		const char *dot = memchr(s, '.', (size_t)(end - s));

		if (dot == NULL)
			dot = end;
		if (!put_label(&out, s, dot)) {
			buf_reset(&out);
			for (s = text; s < end; s++)
				buf_putc(&out, (char)(*s >= 'A' && *s <= 'Z' ? *s + 32 : *s));
			break;
		}
		if (dot == end)
			break;
		buf_putc(&out, '.');
		s = dot + 1;
	}
	return buf_take(&out);
}

#include "zonedb/zonefile_generate.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "lib/error.h"

enum { WIDTH_MAX = 255 };

/* Digits at *p..END; false if there are none or they pass 2^31-1. */
static bool number(const char **p, const char *end, int64_t *ret)
{
	const char *s = *p;
	int64_t v = 0;

	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (*s - '0');
		if (v > INT32_MAX)
			return false;
	}
	if (s == *p)
		return false;
	*p = s;
	*ret = v;
	return true;
}

static bool range(struct piece t, int64_t *ret_start, int64_t *ret_stop, int64_t *ret_step)
{
	const char *p = t.s, *end = t.s + t.len;

	*ret_step = 1;
	if (!number(&p, end, ret_start) || p == end || *p++ != '-' || !number(&p, end, ret_stop))
		return false;
	if (p < end && (*p++ != '/' || !number(&p, end, ret_step)))
		return false;
	return p == end && *ret_step > 0 && *ret_start <= *ret_stop;
}

/*
 * Reversed nibbles of V, as BIND's "n" and "N": 0x1a2 becomes 2.a.1.  Width counts the
 * dots; an even one ends with a dot.
 */
static void nibbles(struct buf *out, int64_t v, int64_t width, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		buf_putc(out, digits[v & 15]);
		v >>= 4;
		width--;
		if (v > 0 || width > 0) {
			buf_putc(out, '.');
			width--;
		}
	} while (v > 0 || width > 0);
}

/* Behind "${": offset[,width[,base]]}. */
static bool modifier(const char **p, const char *end, int64_t v, struct buf *out)
{
	int64_t offset, width = 0;
	char base = 'd';
	bool minus = *p < end && **p == '-';

	*p += minus;
	if (!number(p, end, &offset))
		return false;
	if (*p < end && **p == ',') {
		++*p;
		if (!number(p, end, &width) || width > WIDTH_MAX)
			return false;
		if (*p < end && **p == ',') {
			++*p;
			if (*p == end || strchr("doxXnN", **p) == NULL)
				return false;
			base = *(*p)++;
		}
	}
	if (*p == end || *(*p)++ != '}')
		return false;
	v += minus ? -offset : offset;
	if (v < 0)
		return false;
	switch (base) {
	case 'o':
		buf_printf(out, "%0*" PRIo64, (int)width, v);
		break;
	case 'x':
		buf_printf(out, "%0*" PRIx64, (int)width, v);
		break;
	case 'X':
		buf_printf(out, "%0*" PRIX64, (int)width, v);
		break;
	case 'n':
	case 'N':
		nibbles(out, v, width, base == 'N');
		break;
	default:
		buf_printf(out, "%0*" PRId64, (int)width, v);
		break;
	}
	return true;
}

/* TEMPLATE with V in place of each $; "$$" and "\$" are one $. */
static bool expand(struct piece template, int64_t v, struct buf *out)
{
	const char *p = template.s, *end = template.s + template.len;

	while (p < end) {
		char c = *p++;

		if (c == '\\' && p < end) {
			if (*p != '$')
				buf_putc(out, c);
			buf_putc(out, *p++);
		} else if (c != '$') {
			buf_putc(out, c);
		} else if (p < end && *p == '$') {
			buf_putc(out, *p++);
		} else if (p < end && *p == '{') {
			p++;
			if (!modifier(&p, end, v, out))
				return false;
		} else {
			buf_printf(out, "%" PRId64, v);
		}
	}
	return true;
}

int zonefile_generate(struct piece rest, int (*cb)(void *ctx, struct piece lhs, struct piece rest),
		      void *ctx, const char **ret_why)
{
	struct buf owner = { 0 }, right = { 0 };
	int64_t v, stop, step;
	int err = 0;

	if (!range(scan_token(&rest), &v, &stop, &step)) {
		*ret_why = "$GENERATE needs START-STOP[/STEP]";
		return ERR_SYNTAX;
	}
	struct piece lhs = scan_token(&rest);
	if (lhs.len == 0) {
		*ret_why = "$GENERATE needs an owner";
		return ERR_SYNTAX;
	}
	for (; v <= stop && err == 0; v += step) {
		buf_reset(&owner);
		buf_reset(&right);
		if (!expand(lhs, v, &owner) || !expand(rest, v, &right)) {
			*ret_why = "wrong ${offset,width,base} in $GENERATE";
			err = ERR_SYNTAX;
			break;
		}
		err = cb(ctx, (struct piece){ owner.data, owner.len },
			 (struct piece){ buf_str(&right), right.len });
	}
	buf_fini(&owner);
	buf_fini(&right);
	return err;
}

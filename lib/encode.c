#include "lib/encode.h"

#include <stdbool.h>

#include "lib/error.h"

static void hex(const uint8_t *data, size_t len, const char *digits, struct buf *out)
{
	buf_reserve(out, len * 2);
	for (size_t i = 0; i < len; i++) {
		buf_putc(out, digits[data[i] >> 4]);
		buf_putc(out, digits[data[i] & 15]);
	}
}

void encode_hex(const uint8_t *data, size_t len, struct buf *out)
{
	hex(data, len, "0123456789abcdef", out);
}

void encode_hex_upper(const uint8_t *data, size_t len, struct buf *out)
{
	hex(data, len, "0123456789ABCDEF", out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int decode_hex(const char *text, size_t len, struct buf *out)
{
	if (len % 2)
		return ERR_SYNTAX;
	buf_reserve(out, len / 2);
	for (size_t i = 0; i < len; i += 2) {
		int a = hex_digit(text[i]), b = hex_digit(text[i + 1]);

		if (a < 0 || b < 0)
			return ERR_SYNTAX;
		buf_u8(out, (uint8_t)(a << 4 | b));
	}
	return 0;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void encode_base64(const uint8_t *data, size_t len, struct buf *out)
{
	buf_reserve(out, (len + 2) / 3 * 4);
	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)data[i] << 16;

		if (n > 1)
			v |= (uint32_t)data[i + 1] << 8;
		if (n > 2)
			v |= data[i + 2];
		buf_putc(out, digits64[v >> 18]);
		buf_putc(out, digits64[v >> 12 & 63]);
		buf_putc(out, n > 1 ? digits64[v >> 6 & 63] : '=');
		buf_putc(out, n > 2 ? digits64[v & 63] : '=');
	}
}

static int digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

int decode_base64(const char *text, size_t len, struct buf *out)
{
	if (len % 4)
		return ERR_SYNTAX;
	buf_reserve(out, len / 4 * 3);
	for (size_t i = 0; i < len; i += 4) {
		bool last = i + 4 == len;
		unsigned pad = 0;
		uint32_t v = 0;

		if (last && text[i + 3] == '=')
			pad = text[i + 2] == '=' ? 2 : 1;
		for (size_t k = 0; k < 4 - pad; k++) {
			int d = digit64(text[i + k]);

			if (d < 0)
				return ERR_SYNTAX;
			v |= (uint32_t)d << (18 - 6 * k);
		}
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)))
			return ERR_SYNTAX;
		uint8_t b[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
		buf_add(out, b, 3 - pad);
	}
	return 0;
}

void encode_base32hex(const uint8_t *data, size_t len, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		v = v << 8 | data[i];
		for (bits += 8; bits >= 5; bits -= 5)
			buf_putc(out, digits[v >> (bits - 5) & 31]);
	}
	if (bits)
		buf_putc(out, digits[v << (5 - bits) & 31]);
}

static int digit32(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'v')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'V')
		return c - 'A' + 10;
	return -1;
}

int decode_base32hex(const char *text, size_t len, struct buf *out)
{
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		int d = digit32(text[i]);

		if (d < 0)
			return ERR_SYNTAX;
		v = v << 5 | (uint32_t)d;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			buf_u8(out, (uint8_t)(v >> bits));
		}
	}
	/* 1, 3 or 6 characters over cannot come from whole octets */
	if (bits >= 5 || (v & ((1u << bits) - 1)))
		return ERR_SYNTAX;
	return 0;
}

/*
 * buf - a byte buffer that grows; always followed by a NUL that len does not
 * count, so data is a C string when it holds text.  Zero-initialise to begin.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/mem.h"

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len;
	size_t cap;
};

void buf_fini(struct buf *b);
void buf_reset(struct buf *b);                /* len = 0, keeps memory */
void buf_reserve(struct buf *b, size_t more); /* room for MORE bytes and a NUL */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v); /* network order */
void buf_u32(struct buf *b, uint32_t v); /* network order */
void buf_printf(struct buf *b, const char *fmt, ...) MEM_PRINTF(2, 3);
void buf_drop(struct buf *b, size_t n); /* remove the first N bytes */
/* The text, never NULL. */
const char *buf_str(const struct buf *b);
/* Hand out the memory (never NULL, NUL-ended) and empty the buffer. */
char *buf_take(struct buf *b);

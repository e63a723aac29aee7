/*
 * mem - allocation that cannot fail: out of memory aborts (a pod restarts;
 * half an answer is worse).  Any thread.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#define MEM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

void *mem_alloc(size_t size);            /* uninitialised */
void *mem_zalloc(size_t size);           /* zeroed */
void *mem_calloc(size_t n, size_t size); /* zeroed, overflow checked */
void *mem_realloc(void *p, size_t size);
void *mem_array(void *p, size_t n, size_t size); /* realloc to n elements, overflow checked */
void *mem_dup(const void *p, size_t len);
char *mem_strdup(const char *s); /* NULL gives NULL */
char *mem_strndup(const char *s, size_t n);
char *mem_printf(const char *fmt, ...) MEM_PRINTF(1, 2);
char *mem_vprintf(const char *fmt, va_list ap) MEM_PRINTF(1, 0);
/* Free *p and take a copy of S instead (S may be NULL). */
void mem_strset(char **p, const char *s);
/* Overwrite secret bytes before they are freed; P may be NULL. */
void mem_wipe(void *p, size_t len);

#define MEM_NEW(type) ((type *)mem_zalloc(sizeof(type)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

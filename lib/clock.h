/* clock - time that tests can set.  Any thread (the fake only from one). */
#pragma once

#include <stdint.h>

uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);
int64_t clock_real_s(void);
int64_t clock_real_ms(void);
/* Fake: both clocks start at REAL_S and stand still until advanced.  0 turns it off. */
void clock_fake(int64_t real_s);
void clock_advance(uint64_t ms);
/* "2026-11-25T01:02:03Z"; OUT holds 32 bytes.  Returns OUT. */
char *clock_rfc3339(int64_t real_s, char *out);
/* Parse RFC 3339 (with fractions and offsets).  0 or ERR_SYNTAX. */
int clock_from_rfc3339(const char *text, int64_t *ret_s);
/* Go's durations "1m30s", "500ms", "2h"; a bare "0" too.  0 or ERR_SYNTAX. */
int clock_duration_ms(const char *text, int64_t *ret_ms);

/*
 * log - one event a line on standard error, text or JSON.  The place (room/file)
 * comes from __FILE__.  Never per query, never secrets.  Any thread.
 */
#pragma once

#include "lib/mem.h"

enum log_level {
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
};

void log_setup(enum log_level least, int json);
/* "debug", "info", "warning"/"warn", "error", also "trace", "panic", "fatal".  0 or ERR_INVALID. */
int log_level_from_text(const char *text, enum log_level *ret);
void log_msg(enum log_level level, const char *file, const char *fmt, ...) MEM_PRINTF(3, 4);

#define log_debug(...)   log_msg(LOG_LEVEL_DEBUG, __FILE__, __VA_ARGS__)
#define log_info(...)    log_msg(LOG_LEVEL_INFO, __FILE__, __VA_ARGS__)
#define log_warning(...) log_msg(LOG_LEVEL_WARNING, __FILE__, __VA_ARGS__)
#define log_error(...)   log_msg(LOG_LEVEL_ERROR, __FILE__, __VA_ARGS__)

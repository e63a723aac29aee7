#include "lib/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/error.h"

static atomic_int least_level = LOG_LEVEL_INFO;
static atomic_int as_json;

void log_setup(enum log_level least, int json)
{
	atomic_store(&least_level, (int)least);
	atomic_store(&as_json, json);
}

int log_level_from_text(const char *text, enum log_level *ret)
{
	static const struct {
		const char *text;
		enum log_level level;
	} rows[] = {
		{ "trace", LOG_LEVEL_DEBUG },  { "debug", LOG_LEVEL_DEBUG },
		{ "info", LOG_LEVEL_INFO },    { "warning", LOG_LEVEL_WARNING },
		{ "warn", LOG_LEVEL_WARNING }, { "error", LOG_LEVEL_ERROR },
		{ "fatal", LOG_LEVEL_ERROR },  { "panic", LOG_LEVEL_ERROR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcasecmp(rows[i].text, text) == 0) {
			*ret = rows[i].level;
			return 0;
		}
	}
	return ERR_INVALID;
}

/* "../k8s/watch.c" -> "k8s/watch" */
static void place(const char *file, char *out, size_t size)
{
	const char *slash = strrchr(file, '/');

	while (slash && slash > file && slash[-1] != '/')
		slash--;
	(void)snprintf(out, size, "%s", slash ? slash : file);
	char *dot = strrchr(out, '.');
	if (dot)
		*dot = '\0';
}

static void add_json_text(struct buf *b, const char *s)
{
	buf_putc(b, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_putc(b, '\\');
		if (c < 0x20)
			buf_printf(b, "\\u%04x", c);
		else
			buf_putc(b, (char)c);
	}
	buf_putc(b, '"');
}

void log_msg(enum log_level level, const char *file, const char *fmt, ...)
{
	static const char *const words[] = { "debug", "info", "warning", "error" };

	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	va_list ap;
	va_start(ap, fmt);
	char *text = mem_vprintf(fmt, ap);
	va_end(ap);

	char time[32], where[64];
	struct buf line = { 0 };
	int64_t ms = clock_real_ms();
	clock_rfc3339(ms / 1000, time);
	time[strlen(time) - 1] = '\0';
	place(file, where, sizeof(where));
	if (atomic_load_explicit(&as_json, memory_order_relaxed)) {
		buf_printf(&line,
			   "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"at\":\"%s\",\"msg\":", time,
			   (int)(ms % 1000), words[level], where);
		add_json_text(&line, text);
		buf_puts(&line, "}\n");
	} else {
		for (char *p = text; *p; p++) /* one event a line, whatever the bytes are */
			if ((unsigned char)*p < 0x20)
				*p = ' ';
		buf_printf(&line, "%s.%03dZ %-7s %s: %s\n", time, (int)(ms % 1000), words[level],
			   where, text);
	}
	ssize_t done = write(STDERR_FILENO, line.data, line.len);
	(void)done; /* nowhere to say so */
	buf_fini(&line);
	free(text);
}

/*
 * probe_file - a file that something else keeps: its first word is "up" or "down" (or 1, 0, true,
 * false), or a number that must be at most feed.max.  A file that is not there is down.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "gslb/probe.h"
#include "lib/loop.h"
#include "lib/mem.h"

extern const struct probe_ops probe_file;

static bool judge(const struct probe_spec *s, char *text, char **why)
{
	static const char *const good[] = { "up", "true", "ok", "healthy" };
	char *end;

	text[strcspn(text, " \t\r\n")] = '\0';
	*why = mem_printf("the file says \"%.40s\"", text);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (strcasecmp(text, good[i]) == 0)
			return true;
	double v = strtod(text, &end);
	if (end == text || *end)
		return false;
	return s->max > 0 ? v <= s->max : v != 0;
}

static void look(void *ctx)
{
	struct probe_run *run = ctx;
	const struct probe_spec *s = probe_run_spec(run);
	char text[256], *why = NULL;
	int fd = open(s->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	bool good = false;

	if (fd >= 0)
		(void)close(fd); /* read only */
	loop_timer_free(probe_run_data(run));
	probe_run_set_data(run, NULL);
	if (n < 0) {
		why = mem_printf("cannot read %s", s->file);
	} else {
		text[n] = '\0';
		good = judge(s, text, &why);
	}
	probe_run_done(run, good, why);
	free(why);
}

static void start(struct probe_run *run)
{
	struct loop_timer *t = loop_timer_new(probe_run_loop(run), look, run);

	probe_run_set_data(run, t);
	loop_timer_set(t, 0);
}

static void cancel(struct probe_run *run)
{
	loop_timer_free(probe_run_data(run));
	probe_run_set_data(run, NULL);
}

static char *check(const struct probe_spec *s)
{
	return s->file && s->file[0] == '/' ? NULL
					    : mem_strdup("file.path: must be an absolute path");
}

const struct probe_ops probe_file = {
	.name = "File",
	.start = start,
	.cancel = cancel,
	.check = check,
};

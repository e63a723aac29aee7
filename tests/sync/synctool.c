/*
 * synctool - the sync room alone, for scripts: ExternalDNS's flags on the command
 * line, what is wanted from the file $DESIRED (lines of tests/sync/words.h, one
 * object each; read again when it changes).  Ends with --once, or on SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "sync/sync.h"
#include "tests/sync/words.h"

extern char **environ;

static struct loop *loop;
static struct sync *room;
static struct loop_timer *timer;
static struct timespec seen;
static struct map lines; /* object -> the room */
static int exit_status;

static void take_line(struct map *now, char *line)
{
	struct endpoint *e;

	line[strcspn(line, "\n")] = '\0';
	if (*line == '\0' || *line == '#')
		return;
	(void)map_put(now, line, room); /* a set */
	if (map_get(&lines, line))
		return;
	e = words_endpoint(line);
	sync_set_desired(room, "test", line, &e, 1);
	endpoint_free(e);
}

static void read_desired(void)
{
	FILE *f = fopen(getenv("DESIRED"), "r");
	struct map now = { 0 };
	char *line = NULL;
	size_t size = 0;

	while (f && getline(&line, &size, f) >= 0)
		take_line(&now, line);
	for (struct map_item *it = map_first(&lines); it; it = map_next(&lines, it))
		if (map_get(&now, it->key) == NULL)
			sync_set_desired(room, "test", it->key, NULL, 0);
	map_fini(&lines, NULL);
	lines = now;
	free(line);
	if (f)
		(void)fclose(f); /* was only read */
}

static void look(void *ctx)
{
	struct stat st;

	(void)ctx;
	if (stat(getenv("DESIRED"), &st) == 0 &&
	    (st.st_mtim.tv_sec != seen.tv_sec || st.st_mtim.tv_nsec != seen.tv_nsec)) {
		seen = st.st_mtim;
		read_desired();
	}
	loop_timer_set(timer, 5);
}

static void leave(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void stop(void *ctx)
{
	(void)ctx;
	sync_stop(room, leave, NULL);
}

static void once(void *ctx, int err)
{
	const struct config *c = ctx;

	puts(err ? "FAILED" : "SYNCED");
	(void)fflush(stdout); /* a reader that is gone asks no more */
	if (config_bool(c, OPT_ONCE)) {
		exit_status = err ? 1 : 0;
		loop_stop(loop);
	}
}

int main(int argc, char **argv)
{
	enum log_level level = LOG_LEVEL_INFO;
	int status = 0;
	char *why = NULL;
	struct config *c = config_load(argc, argv, environ, &status);

	if (c == NULL)
		return status;
	(void)log_level_from_text(config_text(c, OPT_LOG_LEVEL), &level); /* was checked */
	log_setup(level, 0);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	loop = loop_new();
	if (sync_new(loop, c, NULL, &room, &why) || room == NULL) {
		fprintf(stderr, "%s\n", why ? why : "no --provider");
		return 2;
	}
	sync_on_once(room, once, c);
	loop_signal(loop, SIGTERM, stop, NULL);
	timer = loop_timer_new(loop, look, NULL);
	sync_set_synced(room, "test", false);
	look(NULL);
	sync_set_synced(room, "test", true);
	sync_start(room);
	loop_run(loop);
	sync_free(room);
	map_fini(&lines, NULL);
	loop_timer_free(timer);
	config_free(c);
	loop_free(loop);
	free(why);
	return exit_status;
}

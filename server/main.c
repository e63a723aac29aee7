/*
 * main - plugs the rooms together; the one file that includes every room.
 *
 *	k8s ──endpoint_sink──► gslb ──► zonedb ◄── server
 *	 └───────────────► sync ◄──on_export──┘
 *
 * Exit status: 0; 1 runtime failure; 2 wrong usage or configuration, before anything is opened.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "lib/config.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/state.h"
#include "lib/status.h"
#include "server/maint.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/static_zones.h"
#include "server/web.h"
#include "zonedb/zonedb.h"

extern char **environ;

struct house {
	struct config *config;
	struct loop *loop;
	struct zonedb *zonedb;
	struct http_client *http;
	struct dns_client *dns;
	struct server_settings settings;
	struct server *server;
	struct state *state;
	struct maint *maint;
	struct static_zones *static_zones;
	struct web *web;
	int exit_status;
};

/* --- life ------------------------------------------------------------------------------ */

static void stop(void *ctx)
{
	struct house *h = ctx;

	log_info("stopping");
	loop_stop(h->loop);
}

static void reload(void *ctx)
{
	struct house *h = ctx;

	log_info("reloading");
	static_zones_reload(h->static_zones);
}

/* Print WHY and free it; ERR_INVALID and friends are the user's (2), the rest is trouble (1). */
static int failed(int err, char *why)
{
	fprintf(stderr, "gslbd: %s\n", why ? why : error_text(err));
	free(why);
	return err == ERR_IO || err == ERR_EXISTS || err == ERR_NETWORK ? 1 : 2;
}

static int open_rooms(struct house *h)
{
	const struct config *c = h->config;
	char *why = NULL;
	int err;

	if ((err = server_settings_load(c, &h->settings, &why)) < 0)
		return failed(err, why);
	h->loop = loop_new();
	if ((err = state_open(config_text(c, OPT_STATE_DIR), h->loop, &h->state, &why)) < 0)
		return failed(err, why);
	h->zonedb = zonedb_new();
	h->http = http_client_new(h->loop);
	h->dns = dns_client_new(h->loop);
	h->server = server_new(&h->settings, h->loop, h->zonedb);
	/* before the zones come: it keeps their history */
	if ((err = maint_new(h->loop, h->zonedb, h->dns, h->server, h->state, c, &h->maint, &why)) <
	    0)
		return failed(err, why);
	if ((err = static_zones_new(h->loop, h->zonedb, c, &h->static_zones, &why)) < 0)
		return failed(err, why);

	return 0;
}

static int start_rooms(struct house *h)
{
	char *why = NULL;
	int err;

	if ((err = web_new(h->loop, h->config, &h->web, &why)) < 0)
		return failed(err, why);
	if ((err = server_start(h->server, &why)) < 0)
		return failed(err, why);
	loop_signal(h->loop, SIGHUP, reload, h);
	loop_signal(h->loop, SIGTERM, stop, h);
	loop_signal(h->loop, SIGINT, stop, h);
	log_info("gslbd " PACKAGE_VERSION " runs");
	return 0;
}

static void close_rooms(struct house *h)
{
	if (h->server)
		server_stop(h->server);
	static_zones_free(h->static_zones);
	maint_free(h->maint);
	server_free(h->server);
	web_free(h->web);
	http_client_free(h->http);
	dns_client_free(h->dns);
	state_close(h->state);
	zonedb_free(h->zonedb);
	status_clear();
	loop_free(h->loop);
	server_settings_fini(&h->settings);
	config_free(h->config);
}

static void setup_log(const struct config *c)
{
	enum log_level level = LOG_LEVEL_INFO;

	(void)log_level_from_text(config_text(c, OPT_LOG_LEVEL), &level); /* config checked it */
	log_setup(level, strcmp(config_text(c, OPT_LOG_FORMAT), "json") == 0);
}

int main(int argc, char **argv)
{
	struct house h = { 0 };
	int status = 0;

	h.config = config_load(argc, argv, environ, &status);
	if (h.config == NULL)
		return status;
	setup_log(h.config);
	(void)signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	status = open_rooms(&h);
	if (status == 0)
		status = start_rooms(&h);
	if (status == 0) {
		loop_run(h.loop);
		status = h.exit_status;
	}
	close_rooms(&h);
	curl_global_cleanup();
	return status;
}

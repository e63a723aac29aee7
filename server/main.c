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

#include "gslb/gslb.h"
#include "k8s/k8s.h"
#include "lib/config.h"
#include "lib/dns_client.h"
#include "lib/endpoint.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/privilege.h"
#include "lib/state.h"
#include "lib/status.h"
#include "server/maint.h"
#include "server/server.h"
#include "server/settings.h"
#include "server/static_zones.h"
#include "server/web.h"
#include "server/zone_metrics.h"
#include "sync/sync.h"
#include "zonedb/zonedb.h"

extern char **environ;

struct house {
	struct config *config;
	struct loop *loop;
	struct zonedb *zonedb;
	struct http_client *http;
	struct dns_client *dns;
	struct gslb *gslb; /* NULL: no geo tag */
	struct sync *sync; /* NULL: no provider */
	struct endpoint_sink sink;
	struct k8s *k8s;
	struct server_settings settings;
	struct server *server;
	struct state *state;
	struct maint *maint;
	struct static_zones *static_zones;
	struct web *web;
	int exit_status;
};

/* --- k8s -> gslb, sync ---------------------------------------------------------------- */

static void sink_gslb_put(void *ctx, struct gslb_decl *d)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_put(h->gslb, d);
	else
		gslb_decl_free(d);
}

static void sink_gslb_remove(void *ctx, const char *id)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_remove(h->gslb, id);
}

static void sink_zone_put(void *ctx, struct zone_decl *z)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_zone_put(h->gslb, z);
	else
		zone_decl_free(z);
}

static void sink_zone_remove(void *ctx, const char *id)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_zone_remove(h->gslb, id);
}

static void sink_endpoints(void *ctx, const char *source, const char *object,
			   struct endpoint *const *endpoints, size_t n)
{
	struct house *h = ctx;

	if (h->sync)
		sync_set_desired(h->sync, source, object, endpoints, n);
}

static void sink_synced(void *ctx, const char *source, bool synced)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_synced(h->gslb, source, synced);
	if (h->sync)
		sync_set_synced(h->sync, source, synced);
}

static void sink_policy(void *ctx, const char *kind, const char *id, const char *spec_json)
{
	struct house *h = ctx;

	if (h->gslb)
		gslb_policy(h->gslb, kind, id, spec_json);
}

/* --- gslb -> sync, k8s ---------------------------------------------------------------- */

/*
 * Two ways to the parent: a provider of our own, or (k8gb's way) a DNSEndpoint
 * object that an ExternalDNS beside us carries there.
 */
static void on_export(void *ctx, const char *object, struct endpoint *const *endpoints, size_t n)
{
	struct house *h = ctx;

	if (h->sync)
		sync_set_desired(h->sync, "gslb", object, endpoints, n);
	else if (h->k8s && config_bool(h->config, OPT_EXTDNS_ENABLED))
		k8s_write_dns_endpoint(h->k8s, config_text(h->config, OPT_POD_NAMESPACE), object,
				       endpoints, (unsigned)n);
}

/* From now on a delegation that nobody wants is one to delete. */
static void on_exported(void *ctx)
{
	struct house *h = ctx;

	if (h->sync)
		sync_set_synced(h->sync, "delegation", true);
}

static void on_resolved(void *ctx, const char *decl_id, const struct gslb_status *status)
{
	struct house *h = ctx;

	if (h->k8s)
		k8s_gslb_status(h->k8s, decl_id, status);
}

static void on_event(void *ctx, const char *decl_id, bool warning, const char *reason,
		     const char *message)
{
	struct house *h = ctx;

	if (h->k8s)
		k8s_event(h->k8s, decl_id, warning, reason, message);
}

/* What became of a record, as an event of the object that wants it. */
static void on_record(void *ctx, const struct sync_result *r)
{
	struct house *h = ctx;
	const char *reason = r->err ? "RecordError" : r->deleted ? "RecordDeleted" : "RecordReady";
	const struct endpoint *e = r->record;

	if (h->k8s == NULL ||
	    (r->err == 0 && !strv_has(config_list(h->config, OPT_EVENTS_EMIT), reason)))
		return;
	char *targets = strv_join(&e->targets, ",");
	char *message =
		mem_printf("record:%s,type:%s,ttl:%lld,targets:%s%s%s", e->dns_name, e->record_type,
			   (long long)e->record_ttl, targets, r->err ? ": " : "",
			   r->err_text ? r->err_text
			   : r->err    ? error_text(r->err)
				       : "");
	k8s_event(h->k8s, r->object, r->err != 0, reason, message);
	free(message);
	free(targets);
}

static void on_zone_status(void *ctx, const char *zone_id, const struct strv *dns_servers,
			   bool finalized)
{
	struct house *h = ctx;

	if (h->k8s)
		k8s_zone_status(h->k8s, zone_id, dns_servers, finalized);
}

static bool on_notify(void *ctx, const uint8_t *zone)
{
	struct house *h = ctx;

	return gslb_notified(h->gslb, zone);
}

static void on_leader(void *ctx, bool leader)
{
	struct house *h = ctx;

	if (h->sync)
		sync_set_leader(h->sync, leader);
}

/* --- life ------------------------------------------------------------------------------ */

static void on_stopped(void *ctx)
{
	struct house *h = ctx;

	loop_stop(h->loop);
}

static void stop(void *ctx)
{
	struct house *h = ctx;

	log_info("stopping");
	if (h->sync)
		sync_stop(h->sync, on_stopped, h);
	else
		loop_stop(h->loop);
}

static void on_once(void *ctx, int err)
{
	struct house *h = ctx;

	if (err)
		h->exit_status = 1;
	stop(h);
}

static void reload(void *ctx)
{
	struct house *h = ctx;

	log_info("reloading");
	metric_add(METRIC_CONFIG_RELOADS_TOTAL, 1);
	static_zones_reload(h->static_zones);
	maint_refresh(h->maint);
	server_reload(h->server);
	k8s_reload(h->k8s);
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
	zone_metrics_start(h->zonedb);
	h->http = http_client_new(h->loop);
	h->dns = dns_client_new(h->loop);
	h->server = server_new(&h->settings, h->loop, h->zonedb);
	/* before the zones come: it keeps their history */
	if ((err = maint_new(h->loop, h->zonedb, h->dns, h->server, h->state, c, &h->maint, &why)) <
	    0)
		return failed(err, why);
	if ((err = static_zones_new(h->loop, h->zonedb, c, &h->static_zones, &why)) < 0)
		return failed(err, why);

	if (*config_text(c, OPT_CLUSTER_GEO_TAG)) {
		struct gslb_env env = { .loop = h->loop,
					.config = c,
					.zonedb = h->zonedb,
					.dns = h->dns,
					.http = h->http,
					.state = h->state,
					.ctx = h,
					.on_export = on_export,
					.on_exported = on_exported,
					.on_resolved = on_resolved,
					.on_event = on_event,
					.on_zone_status = on_zone_status };

		if ((err = gslb_new(&env, &h->gslb, &why)) < 0)
			return failed(err, why);
		maint_on_notify(h->maint, on_notify, h);
	}
	if ((err = sync_new(h->loop, c, h->zonedb, &h->sync, &why)) < 0)
		return failed(err, why);
	if (h->sync && h->gslb)
		sync_set_synced(h->sync, "delegation", false);
	h->sink = (struct endpoint_sink){ .ctx = h,
					  .gslb_put = sink_gslb_put,
					  .gslb_remove = sink_gslb_remove,
					  .zone_put = sink_zone_put,
					  .zone_remove = sink_zone_remove,
					  .endpoints = sink_endpoints,
					  .synced = sink_synced,
					  .policy = sink_policy };
	if ((err = k8s_new(h->loop, c, h->http, &h->sink, &h->k8s, &why)) < 0)
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
	if (h->gslb)
		gslb_start(h->gslb);
	k8s_on_leader(h->k8s, on_leader, h);
	k8s_start(h->k8s);
	if (h->sync) {
		if (config_bool(h->config, OPT_ONCE))
			sync_on_once(h->sync, on_once, h);
		sync_on_result(h->sync, on_record, h);
		sync_start(h->sync);
	}
	if ((err = privilege_drop(config_text(h->config, OPT_USER), &why)) < 0)
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
	k8s_free(h->k8s);
	sync_free(h->sync);
	gslb_free(h->gslb);
	static_zones_free(h->static_zones);
	maint_free(h->maint);
	server_free(h->server);
	web_free(h->web);
	http_client_free(h->http);
	dns_client_free(h->dns);
	state_close(h->state);
	zone_metrics_stop();
	zonedb_free(h->zonedb);
	status_clear();
	loop_free(h->loop);
	server_settings_fini(&h->settings);
	config_free(h->config);
}

static void setup_log(const struct config *c)
{
	const struct strv *warnings = config_warnings(c);
	enum log_level level = LOG_LEVEL_INFO;

	(void)log_level_from_text(config_text(c, OPT_LOG_LEVEL), &level); /* config checked it */
	log_setup(level, strcmp(config_text(c, OPT_LOG_FORMAT), "json") == 0);
	for (size_t i = 0; i < warnings->n; i++)
		log_warning("%s", warnings->s[i]);
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

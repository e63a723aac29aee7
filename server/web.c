/*
 * web - the admin address; see web.h.  This file opens the sockets and says
 * which path goes where.
 */
#include "server/web.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/http_server.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "server/web_api.h"
#include "server/web_events.h"
#include "server/web_page.h"

struct web {
	struct http_server *admin;
	struct http_server *metrics; /* NULL unless --metrics-address was given */
	struct web_events *events;
	struct web_page *page;
	struct web_api api;
};

/* Open the control socket where gslbctl looks first; somebody else's is left alone. */
static void listen_default(struct http_server *s)
{
	char *address = web_default_socket(), *why = NULL,
	     *dir = mem_strdup(address + strlen("unix:"));

	*strrchr(dir, '/') = '\0';
	if (mkdir(dir, 0750) && errno != EEXIST)
		why = mem_printf("%s: %s", dir, strerror(errno)); // NOLINT(concurrency-mt-unsafe)
	else if (!http_server_listen(s, address, &why))
		log_info("admin: %s", address);
	if (why)
		log_warning("no control socket (use --admin to place it elsewhere): %s", why);
	free(dir);
	free(address);
	free(why);
}

static void set_routes(struct web *w)
{
	struct http_server *s = w->admin;

	http_server_route(s, HTTP_GET, "/", web_page_reply, w->page);
	http_server_route(s, HTTP_GET, "/healthz", web_api_healthz, &w->api);
	http_server_route(s, HTTP_GET, "/readyz", web_api_readyz, &w->api);
	http_server_route(s, HTTP_GET, "/metrics", web_api_metrics, &w->api);
	http_server_route(s, HTTP_GET, "/api/v1/status", web_api_status, &w->api);
	http_server_route(s, HTTP_GET, "/api/v1/status/", web_api_status, &w->api);
	http_server_route(s, HTTP_GET, "/api/v1/command", web_api_command, &w->api);
	http_server_route(s, HTTP_POST, "/api/v1/command/", web_api_command, &w->api);
	http_server_route(s, HTTP_GET, "/api/v1/events", web_events_reply, w->events);
}

static void name_option(const char *option, char **why)
{
	char *text = mem_printf("--%s: %s", option, *why);

	free(*why);
	*why = text;
}

static int listen_all(struct web *w, struct loop *loop, const struct config *config, char **ret_why)
{
	const struct strv *admin = config_list(config, OPT_ADMIN);
	int err = 0;

	for (size_t i = 0; i < admin->n && !err; i++) {
		err = http_server_listen(w->admin, admin->s[i], ret_why);
		if (!err)
			log_info("admin: %s", admin->s[i]);
		else
			name_option("admin", ret_why);
	}
	if (!err && !admin->n)
		listen_default(w->admin);
	if (err || !config_is_set(config, OPT_METRICS_ADDRESS) ||
	    !*config_text(config, OPT_METRICS_ADDRESS))
		return err;
	w->metrics = http_server_new(loop);
	http_server_route(w->metrics, HTTP_GET, "/metrics", web_api_metrics, &w->api);
	http_server_route(w->metrics, HTTP_GET, "/healthz", web_api_healthz, &w->api);
	http_server_route(w->metrics, HTTP_GET, "/readyz", web_api_readyz, &w->api);
	err = http_server_listen(w->metrics, config_text(config, OPT_METRICS_ADDRESS), ret_why);
	if (err)
		name_option("metrics-address", ret_why);
	return err;
}

/* What is running, in the words of the three. */
static void set_build_info(const struct config *config)
{
	struct utsname u = { .machine = "" };

	(void)uname(&u);
	metric_set(METRIC_BUILD_INFO, 1, PACKAGE_VERSION, __VERSION__);
	metric_set(METRIC_EXTDNS_BUILD_INFO, 1, u.machine, "", "linux", "", PACKAGE_VERSION);
	metric_set(METRIC_K8GB_RUNTIME_INFO, 1, config_text(config, OPT_POD_NAMESPACE),
		   PACKAGE_VERSION, "", u.machine, "linux", "");
}

static void collect_ready(void *ctx)
{
	(void)ctx;
	metric_set(METRIC_READY, status_is_ready(NULL));
}

int web_new(struct loop *loop, const struct config *config, struct web **ret, char **ret_why)
{
	struct web *w = MEM_NEW(struct web);
	int err;

	w->admin = http_server_new(loop);
	w->events = web_events_new(loop);
	w->page = web_page_new();
	w->api.geo_tag = mem_strdup(config_text(config, OPT_CLUSTER_GEO_TAG));
	w->api.started_s = (long)clock_real_s();
	if (*config_text(config, OPT_ADMIN_TOKEN_FILE))
		w->api.token_file = mem_strdup(config_text(config, OPT_ADMIN_TOKEN_FILE));
	set_routes(w);
	err = listen_all(w, loop, config, ret_why);
	if (err) {
		web_free(w);
		return err;
	}
	set_build_info(config);
	metric_process_start();
	metric_collector(collect_ready, NULL);
	status_section("about", web_api_about, &w->api);
	*ret = w;
	return 0;
}

void web_free(struct web *w)
{
	if (!w)
		return;
	http_server_free(w->admin);
	http_server_free(w->metrics);
	web_events_free(w->events);
	web_page_free(w->page);
	status_section_remove("about");
	free(w->api.geo_tag);
	free(w->api.token_file);
	free(w);
}

unsigned web_port(const struct web *w)
{
	return http_server_port(w->admin);
}

unsigned web_metrics_port(const struct web *w)
{
	return w->metrics ? http_server_port(w->metrics) : 0;
}

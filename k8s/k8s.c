#include "k8s/k8s.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/cluster.h"
#include "k8s/kubeconfig.h"
#include "k8s/manifest.h"
#include "k8s/slim.h"
#include "k8s/source.h"
#include "k8s/store.h"
#include "k8s/zone_config.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/metric.h"
#include "lib/status.h"

struct k8s {
	struct loop *loop;
	const struct config *config;
	struct http_client *http;
	const struct endpoint_sink *sink;
	struct store *store;
	struct source_set *sources;
	struct zone_config *zones;
	struct manifest *manifest; /* NULL: not from a folder */
	struct cluster *cluster;   /* NULL: not from an API server */
	struct loop_timer *soon;   /* tells the first leadership from the loop */
	void (*on_leader)(void *ctx, bool leader);
	void *on_leader_ctx;
};

/* k8gb's part is on as soon as it is configured; ExternalDNS's sources only by name. */
static void choose_sources(const struct config *c, struct strv *names)
{
	const struct strv *given = config_list(c, OPT_SOURCE);
	bool is_gslb = *config_text(c, OPT_CLUSTER_GEO_TAG) || config_list(c, OPT_DNS_ZONES)->n;

	for (size_t i = 0; i < given->n; i++)
		(void)strv_add_unique(names, given->s[i]);
	if (is_gslb) {
		(void)strv_add_unique(names, "gslb");
		(void)strv_add_unique(names, "zonedelegation");
	}
	if (strv_has(names, "gslb"))
		(void)strv_add_unique(names, "policy");
}

static bool wants(void *ctx, const struct object *o)
{
	const struct k8s *k = ctx;
	struct strv namespaces = { 0 };
	bool is_in;

	if (!source_set_needs(k->sources, o->kind))
		return false;
	source_set_namespaces(k->sources, o->kind, &namespaces);
	is_in = *o->namespace == '\0' || namespaces.n == 0 || strv_has(&namespaces, o->namespace);
	strv_fini(&namespaces);
	return is_in;
}

static void on_error(void *ctx, const struct object *obj, const char *reason, const char *message)
{
	(void)ctx;
	(void)obj;
	(void)reason;
	(void)message;
}

static void show_objects(void *ctx)
{
	const struct k8s *k = ctx;

	for (int i = 0; i < KIND_COUNT; i++)
		if (source_set_needs(k->sources, (enum kind_id)i))
			metric_set(METRIC_OBJECTS, (double)store_count(k->store, (enum kind_id)i),
				   kinds[i].name);
}

static void lead(void *ctx)
{
	struct k8s *k = ctx;

	metric_set(METRIC_LEADER, 1);
	if (k->on_leader)
		k->on_leader(k->on_leader_ctx, true);
}

/* A template may read any field; a count of endpoints needs few. */
static void choose_slimness(const struct k8s *k)
{
	static const char *const names_pods[] = { "service", "pod" };
	bool templates = config_list(k->config, OPT_FQDN_TEMPLATE)->n ||
			 source_set_has(k->sources, "unstructured");
	enum slim_degree degree = SLIM_ALL;

	for (size_t i = 0; i < ARRAY_SIZE(names_pods); i++)
		if (source_set_has(k->sources, names_pods[i]))
			degree = SLIM_SOME;
	slim_set(templates ? SLIM_LITTLE : degree);
}

/* No API server anywhere: an error only for those who asked for its objects. */
static int nowhere(const struct k8s *k, char **ret_why)
{
	if (config_list(k->config, OPT_SOURCE)->n) {
		*ret_why = mem_strdup("--source: no API server: give --kubeconfig, --server or "
				      "--manifests, or run in a pod");
		return ERR_INVALID;
	}
	log_warning("there is neither an API server nor --manifests: no objects are read");
	return 0;
}

static int open_cluster(struct k8s *k, char **ret_why)
{
	struct kube_config *kube = NULL;
	struct strv namespaces[KIND_COUNT] = { 0 };
	bool wanted[KIND_COUNT];
	int err = kube_config_load(k->config, &kube, ret_why);

	if (err == ERR_NOT_FOUND)
		return nowhere(k, ret_why);
	if (err)
		return err;
	for (int i = 0; i < KIND_COUNT; i++) {
		wanted[i] = source_set_needs(k->sources, (enum kind_id)i);
		source_set_namespaces(k->sources, (enum kind_id)i, &namespaces[i]);
	}
	choose_slimness(k);
	k->cluster = cluster_new(k->loop, k->config, k->http, k->store, kube, wanted, namespaces);
	for (int i = 0; i < KIND_COUNT; i++)
		strv_fini(&namespaces[i]);
	return 0;
}

int k8s_new(struct loop *loop, const struct config *config, struct http_client *http,
	    const struct endpoint_sink *sink, struct k8s **ret, char **ret_why)
{
	const char *dir = config_text(config, OPT_MANIFESTS);
	struct k8s *k = MEM_NEW(struct k8s);
	struct strv names = { 0 };
	int err;

	k->loop = loop;
	k->config = config;
	k->http = http;
	k->sink = sink;
	k->store = store_new();
	k->soon = loop_timer_new(loop, lead, k);
	choose_sources(config, &names);
	err = zone_config_new(loop, config, k->store, sink, &k->zones, ret_why);
	if (err == 0)
		err = source_set_new(loop, config, k->store, sink, &names, NULL, &k->sources,
				     ret_why);
	if (err == 0 && *dir)
		err = manifest_new(loop, k->store, dir, wants, k, &k->manifest, ret_why);
	else if (err == 0 && names.n)
		err = open_cluster(k, ret_why);
	strv_fini(&names);
	if (err) {
		k8s_free(k);
		return err;
	}
	source_set_on_error(k->sources, on_error, k);
	metric_collector(show_objects, k);
	if (k->manifest)
		status_ready_declare("manifests");
	*ret = k;
	return 0;
}

void k8s_free(struct k8s *k)
{
	if (k == NULL)
		return;
	manifest_free(k->manifest);
	cluster_free(k->cluster);
	source_set_free(k->sources);
	zone_config_free(k->zones);
	store_free(k->store);
	loop_timer_free(k->soon);
	free(k);
}

void k8s_start(struct k8s *k)
{
	zone_config_start(k->zones);
	if (k->manifest) {
		manifest_start(k->manifest);
		source_set_flush(k->sources);
		status_ready_set("manifests", true, NULL);
	} else if (k->cluster) {
		cluster_start(k->cluster);
	} else {
		for (int i = 0; i < KIND_COUNT; i++)
			store_set_synced(k->store, (enum kind_id)i, true);
		source_set_flush(k->sources);
	}
	loop_timer_set(k->soon, 0);
}

void k8s_reload(struct k8s *k)
{
	if (k->manifest)
		manifest_rescan(k->manifest);
}

void k8s_on_leader(struct k8s *k, void (*cb)(void *ctx, bool leader), void *ctx)
{
	k->on_leader = cb;
	k->on_leader_ctx = ctx;
}

void k8s_gslb_status(struct k8s *k, const char *decl_id, const struct gslb_status *status)
{
	(void)k;
	(void)decl_id;
	(void)status;
}

void k8s_event(struct k8s *k, const char *decl_id, bool warning, const char *reason,
	       const char *message)
{
	(void)k;
	(void)decl_id;
	(void)warning;
	(void)reason;
	(void)message;
}

void k8s_zone_status(struct k8s *k, const char *zone_id, const struct strv *dns_servers,
		     bool finalized)
{
	(void)k;
	(void)zone_id;
	(void)dns_servers;
	(void)finalized;
}

void k8s_write_dns_endpoint(struct k8s *k, const char *namespace, const char *name,
			    struct endpoint *const *endpoints, unsigned n)
{
	(void)k;
	(void)namespace;
	(void)name;
	(void)endpoints;
	(void)n;
}

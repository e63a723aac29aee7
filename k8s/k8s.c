#include "k8s/k8s.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/cluster.h"
#include "k8s/companion.h"
#include "k8s/dns_endpoint_writer.h"
#include "k8s/event.h"
#include "k8s/kubeconfig.h"
#include "k8s/lease.h"
#include "k8s/manifest.h"
#include "k8s/object_status.h"
#include "k8s/slim.h"
#include "k8s/source.h"
#include "k8s/store.h"
#include "k8s/writer.h"
#include "k8s/zone_config.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/endpoint.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/metric.h"
#include "lib/status.h"

/* How long the end of the program waits for the lease to be given away. */
#define RELEASE_MS 1000

struct k8s {
	struct loop *loop;
	const struct config *config;
	struct http_client *http;
	const struct endpoint_sink *sink;
	struct endpoint_sink own_sink; /* notes what statuses need, then passes on */
	struct map servers;            /* decl id -> cJSON for its status */
	struct store *store;
	struct source_set *sources;
	struct zone_config *zones;
	struct manifest *manifest; /* NULL: not from a folder */
	struct cluster *cluster;   /* NULL: not from an API server; then these are NULL too */
	struct writer *writer;
	struct event_recorder *events;
	struct lease *lease;
	struct companion *companion;
	bool no_conditions[KIND_COUNT]; /* the CRD is not ours and has none */
	struct loop_timer *soon;        /* tells the first leadership from the loop */
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
	if (strv_has(names, "gslb")) {
		(void)strv_add_unique(names, "policy");
		(void)strv_add_unique(names, "nameserver");
	}
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

/* --- objects by the names that others know them by ------------------------------------ */

/* "GROUP/NAMESPACE/NAME" of a declaration. */
static const struct object *object_of(const struct k8s *k, const char *decl_id)
{
	static const enum kind_id declaring[] = { KIND_GSLB, KIND_GSLB_LEGACY, KIND_INGRESS };
	const char *ns = strchr(decl_id, '/'), *name = ns ? strchr(ns + 1, '/') : NULL;
	const struct object *o = NULL;

	if (name == NULL)
		return NULL;
	char *namespace = mem_strndup(ns + 1, (size_t)(name - ns - 1));
	for (size_t i = 0; i < ARRAY_SIZE(declaring) && o == NULL; i++) {
		const char *group = kinds[declaring[i]].group;

		if (strlen(group) == (size_t)(ns - decl_id) &&
		    strncmp(group, decl_id, strlen(group)) == 0)
			o = store_get(k->store, declaring[i], namespace, name + 1);
	}
	/* or a kind in small letters, as sources name their objects */
	for (int i = 0; i < KIND_COUNT && o == NULL; i++)
		if (strlen(kinds[i].name) == (size_t)(ns - decl_id) &&
		    strncasecmp(kinds[i].name, decl_id, (size_t)(ns - decl_id)) == 0)
			o = store_get(k->store, (enum kind_id)i, namespace, name + 1);
	free(namespace);
	return o;
}

struct find_zone {
	const char *zone;
	const struct object *found;
};

static void match_zone(void *ctx, const struct object *o)
{
	struct find_zone *f = ctx;
	struct zone_decl *z = zone_config_read(o);

	if (strcmp(z->load_balanced_zone, f->zone) == 0)
		f->found = o;
	zone_decl_free(z);
}

/* "ZoneDelegation NAME", or "config:ZONE", for which an object may stand meanwhile. */
static const struct object *zone_object(const struct k8s *k, const char *zone_id)
{
	static const char prefix[] = "ZoneDelegation ", configured[] = "config:";
	struct find_zone f = { 0 };

	if (strncmp(zone_id, prefix, strlen(prefix)) == 0)
		return store_get(k->store, KIND_ZONE_DELEGATION, "", zone_id + strlen(prefix));
	if (strncmp(zone_id, configured, strlen(configured)) != 0)
		return NULL;
	f.zone = zone_id + strlen(configured);
	store_each(k->store, KIND_ZONE_DELEGATION, NULL, match_zone, &f);
	return f.found;
}

static void record(struct k8s *k, const struct object *about, bool warning, const char *reason,
		   const char *message)
{
	char *version = about ? cluster_api_version(k->cluster, about->kind) : NULL;

	if (version)
		event_record(k->events, about, version, warning, reason, message);
	free(version);
}

static void on_collected(void *ctx, const char *source, const struct object *obj, size_t n,
			 const char *error);

static void on_error(void *ctx, const struct object *obj, const char *reason, const char *message)
{
	struct k8s *k = ctx;

	if (k->events)
		record(k, obj, true, reason, message);
}

/* --- what a status repeats of its declaration ----------------------------------------- */

static void delete_json(void *json)
{
	cJSON_Delete(json);
}

static void note_put(void *ctx, struct gslb_decl *d)
{
	struct k8s *k = ctx;

	if (k->cluster)
		cJSON_Delete(map_put(&k->servers, d->id, object_status_servers(d)));
	if (k->sink->gslb_put)
		k->sink->gslb_put(k->sink->ctx, d);
	else
		gslb_decl_free(d);
}

static void note_remove(void *ctx, const char *id)
{
	struct k8s *k = ctx;

	cJSON_Delete(map_remove(&k->servers, id));
	if (k->sink->gslb_remove)
		k->sink->gslb_remove(k->sink->ctx, id);
}

static void pass_zone_put(void *ctx, struct zone_decl *z)
{
	const struct k8s *k = ctx;

	if (k->sink->zone_put)
		k->sink->zone_put(k->sink->ctx, z);
	else
		zone_decl_free(z);
}

static void pass_zone_remove(void *ctx, const char *id)
{
	const struct k8s *k = ctx;

	if (k->sink->zone_remove)
		k->sink->zone_remove(k->sink->ctx, id);
}

static void pass_endpoints(void *ctx, const char *source, const char *object,
			   struct endpoint *const *endpoints, size_t n)
{
	const struct k8s *k = ctx;

	if (k->sink->endpoints)
		k->sink->endpoints(k->sink->ctx, source, object, endpoints, n);
}

static void pass_synced(void *ctx, const char *source, bool synced)
{
	const struct k8s *k = ctx;

	if (k->sink->synced)
		k->sink->synced(k->sink->ctx, source, synced);
}

static void pass_policy(void *ctx, const char *kind, const char *id, const char *spec_json)
{
	const struct k8s *k = ctx;

	if (k->sink->policy)
		k->sink->policy(k->sink->ctx, kind, id, spec_json);
}

static const struct endpoint_sink passing = {
	.gslb_put = note_put,
	.gslb_remove = note_remove,
	.zone_put = pass_zone_put,
	.zone_remove = pass_zone_remove,
	.endpoints = pass_endpoints,
	.synced = pass_synced,
	.policy = pass_policy,
};

static void show_objects(void *ctx)
{
	const struct k8s *k = ctx;

	for (int i = 0; i < KIND_COUNT; i++)
		if (source_set_needs(k->sources, (enum kind_id)i))
			metric_set(METRIC_OBJECTS, (double)store_count(k->store, (enum kind_id)i),
				   kinds[i].name);
}

static void on_lease(void *ctx, bool leader)
{
	struct k8s *k = ctx;

	metric_set(METRIC_LEADER, leader);
	if (k->writer)
		writer_set_leader(k->writer, leader);
	if (k->on_leader)
		k->on_leader(k->on_leader_ctx, leader);
}

static void lead(void *ctx)
{
	on_lease(ctx, true);
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
	k->writer = writer_new(k->loop, cluster_api(k->cluster));
	k->events = event_recorder_new(k->loop, k->writer);
	k->lease = lease_new(k->loop, cluster_api(k->cluster),
			     config_text(k->config, OPT_POD_NAMESPACE), "gslbd", on_lease, k);
	if (source_set_has(k->sources, "gslb"))
		k->companion = companion_new(&(struct companion_env){ .loop = k->loop,
								      .store = k->store,
								      .cluster = k->cluster,
								      .writer = k->writer,
								      .events = k->events,
								      .zones = k->zones });
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
	k->own_sink = passing;
	k->own_sink.ctx = k;
	k->store = store_new();
	k->soon = loop_timer_new(loop, lead, k);
	choose_sources(config, &names);
	err = zone_config_new(loop, config, k->store, &k->own_sink, &k->zones, ret_why);
	if (err == 0)
		err = source_set_new(loop, config, k->store, &k->own_sink, &names, NULL,
				     &k->sources, ret_why);
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
	source_set_on_collected(k->sources, on_collected, k);
	metric_collector(show_objects, k);
	if (k->manifest)
		status_ready_declare("manifests");
	*ret = k;
	return 0;
}

static void on_released(void *ctx)
{
	*(bool *)ctx = true;
}

/* The lease is given away, so that another replica need not wait; for that the loop runs on. */
static void release(struct k8s *k)
{
	uint64_t end = clock_mono_ms() + RELEASE_MS;
	bool done = false;

	if (k->lease == NULL)
		return;
	writer_set_leader(k->writer, false);
	lease_release(k->lease, on_released, &done);
	while (!done && clock_mono_ms() < end)
		loop_once(k->loop, 20);
}

void k8s_free(struct k8s *k)
{
	if (k == NULL)
		return;
	release(k);
	lease_free(k->lease);
	companion_free(k->companion);
	event_recorder_free(k->events);
	writer_free(k->writer);
	manifest_free(k->manifest);
	cluster_free(k->cluster);
	source_set_free(k->sources);
	zone_config_free(k->zones);
	store_free(k->store);
	map_fini(&k->servers, delete_json);
	loop_timer_free(k->soon);
	free(k);
}

void k8s_start(struct k8s *k)
{
	source_set_announce(k->sources);
	zone_config_start(k->zones);
	if (k->manifest) {
		manifest_start(k->manifest);
		source_set_flush(k->sources);
		status_ready_set("manifests", true, NULL);
	} else if (k->cluster) {
		cluster_start(k->cluster);
		lease_start(k->lease);
	} else {
		for (int i = 0; i < KIND_COUNT; i++)
			store_set_synced(k->store, (enum kind_id)i, true);
		source_set_flush(k->sources);
	}
	if (k->lease == NULL)
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

/* --- writing back --------------------------------------------------------------------- */

/*
 * k8gb's own CRDs do not know conditions, and server-side apply refuses what a schema has not:
 * then k8gb's fields alone are written.
 */
static void on_status(void *ctx, const char *key, int status, const char *message)
{
	struct k8s *k = ctx;
	const struct write *failed = writer_get(k->writer, key);
	cJSON *doc = NULL;

	if (status / 100 == 2 || failed == NULL ||
	    strstr(message, "field not declared in schema") == NULL)
		return;
	doc = cJSON_Parse(failed->body);
	enum kind_id kind = kind_find(json_text(doc, "apiVersion"), json_text(doc, "kind"));
	if (kind != KIND_COUNT && !k->no_conditions[kind]) {
		log_warning("%s.%s: the CRD knows no conditions, they are left out; "
			    "apply k8s/crds to have them",
			    kinds[kind].plural, kinds[kind].group);
		k->no_conditions[kind] = true;
	}
	cJSON *s = json_get(doc, "status");
	cJSON_DeleteItemFromObjectCaseSensitive(s, "conditions");
	if (kind != KIND_DNS_ENDPOINT) /* that has it also with ExternalDNS */
		cJSON_DeleteItemFromObjectCaseSensitive(s, "observedGeneration");
	char *body = json_print(doc);
	struct write again = *failed;
	again.body = body;
	again.done = NULL;
	writer_put(k->writer, key, &again);
	free(body);
	cJSON_Delete(doc);
}

/* Takes STATUS. */
static void wish_status(struct k8s *k, const struct object *o, cJSON *status)
{
	char *key = mem_printf("status %s.%s %s/%s", kinds[o->kind].plural, kinds[o->kind].group,
			       o->namespace, o->name);
	char *path = cluster_path(k->cluster, o->kind, o->namespace, o->name, "status");
	char *version = cluster_api_version(k->cluster, o->kind);

	if (path == NULL || version == NULL || object_status_is_there(o, status)) {
		writer_drop(k->writer, key);
		cJSON_Delete(status);
	} else {
		char *body = object_status_body(o, version, status);

		writer_put(k->writer, key,
			   &(struct write){ .kind = WRITE_APPLY,
					    .path = path,
					    .body = body,
					    .done = on_status,
					    .ctx = k });
		free(body);
	}
	free(version);
	free(path);
	free(key);
}

/* ExternalDNS tells that it has read a DNSEndpoint. */
static void on_collected(void *ctx, const char *source, const struct object *obj, size_t n,
			 const char *error)
{
	struct k8s *k = ctx;

	if (k->cluster && strcmp(source, "crd") == 0 && obj->kind == KIND_DNS_ENDPOINT &&
	    (n || error) && !object_is_deleting(obj))
		wish_status(k, obj,
			    object_status_dns_endpoint(obj, error, !k->no_conditions[obj->kind],
						       clock_real_s()));
}

void k8s_gslb_status(struct k8s *k, const char *decl_id, const struct gslb_status *status)
{
	const struct object *o = k->cluster ? object_of(k, decl_id) : NULL;

	if (o == NULL || o->kind == KIND_INGRESS || object_is_deleting(o))
		return;
	wish_status(k, o,
		    object_status_gslb(o, status, map_get(&k->servers, decl_id),
				       !k->no_conditions[o->kind], clock_real_s()));
}

void k8s_event(struct k8s *k, const char *decl_id, bool warning, const char *reason,
	       const char *message)
{
	if (k->events)
		record(k, object_of(k, decl_id), warning, reason, message);
}

void k8s_zone_status(struct k8s *k, const char *zone_id, const struct strv *dns_servers,
		     bool finalized)
{
	const struct object *o = k->cluster ? zone_object(k, zone_id) : NULL;
	struct zone_decl *z;

	if (o == NULL)
		return;
	if (finalized && k->companion)
		companion_zone_finalized(k->companion, o);
	if (object_is_deleting(o))
		return;
	z = zone_config_read(o);
	wish_status(k, o,
		    object_status_zone(o, dns_servers, z->error, !k->no_conditions[o->kind],
				       clock_real_s()));
	zone_decl_free(z);
}

void k8s_write_dns_endpoint(struct k8s *k, const char *namespace, const char *name,
			    struct endpoint *const *endpoints, unsigned n)
{
	struct find_zone f = { 0 };

	if (k->writer == NULL)
		return;
	for (unsigned i = 0; i < n && f.zone == NULL; i++)
		if (strcmp(endpoints[i]->record_type, "NS") == 0)
			f.zone = endpoints[i]->dns_name;
	if (f.zone)
		store_each(k->store, KIND_ZONE_DELEGATION, NULL, match_zone, &f);
	dns_endpoint_write(k->writer, k->cluster, namespace, name, endpoints, n, f.found);
}

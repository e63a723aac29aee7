#include "gslb/gslb.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/delegation.h"
#include "gslb/drain.h"
#include "gslb/edge.h"
#include "gslb/explain.h"
#include "gslb/geo.h"
#include "gslb/history.h"
#include "gslb/host_metrics.h"
#include "gslb/inside.h"
#include "gslb/names.h"
#include "gslb/parent.h"
#include "gslb/peers.h"
#include "gslb/persist.h"
#include "gslb/policies.h"
#include "gslb/probe.h"
#include "lib/config.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/status.h"

#define GEO_CHECK_MS 1000

/* --- doors ------------------------------------------------------------------------------------ */

void gslb_put(struct gslb *g, struct gslb_decl *d)
{
	object_put(g, d);
}

void gslb_remove(struct gslb *g, const char *id)
{
	object_remove(g, id);
}

void gslb_synced(struct gslb *g, const char *source, bool synced)
{
	static char yes, no;
	bool all = true;

	/* a source that lost its server stays seen: what it said last stands */
	if (map_get(&g->sources, source) != &yes)
		(void)map_put(&g->sources, source, synced ? &yes : &no);
	for (struct map_item *i = map_first(&g->sources); i; i = map_next(&g->sources, i))
		all = all && i->value == &yes;
	if (all && !g->is_synced) {
		g->is_synced = true;
		persist_synced(g);
		for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i))
			((struct lbzone *)i->value)->root_dirty = true;
		gslb_soon(g);
	}
}

void gslb_policy(struct gslb *g, const char *kind, const char *id, const char *spec_json)
{
	if (strcmp(kind, "NameServer") == 0)
		delegation_name_server(g->delegation, id, spec_json);
	else
		policies_put(g->policies, kind, id, spec_json);
}

bool gslb_notified(struct gslb *g, const uint8_t *zone)
{
	return peers_notified(g->peers, zone);
}

/* --- life ---------------------------------------------------- */

static void on_name(void *ctx, const char *name)
{
	struct gslb *g = ctx;

	peers_name_changed(g->peers, name);
	policies_name_changed(g->policies, name);
	for (struct map_item *i = map_first(&g->objects); i; i = map_next(&g->objects, i)) {
		struct object *o = i->value;

		if (!o->good || (!strv_has(&o->good->exposed_hostnames, name) &&
				 !strv_has(&o->good->status_hostnames, name)))
			continue;
		for (size_t j = 0; j < o->good->nhosts; j++)
			if (o->hosts[j])
				host_touch(o->hosts[j], "name", name);
	}
	g->export_dirty = true;
	gslb_soon(g);
}

static int read_zones(struct gslb *g, char **ret_why)
{
	const struct strv *zones = config_list(g->env.config, OPT_DNS_ZONES);
	int err = 0;

	for (size_t i = 0; i < zones->n && !err; i++) {
		struct zone_decl *d = NULL;

		err = lbzone_parse(zones->s[i], &d, ret_why);
		if (!err)
			err = lbzone_check(d, g->ns_prefix, g->own_tag, ret_why);
		for (size_t p = 0; p < g->peer_tags.n && !err; p++)
			err = lbzone_check(d, g->ns_prefix, g->peer_tags.s[p], ret_why);
		if (!err) {
			gslb_zone_put(g, d);
			continue;
		}
		zone_decl_free(d);
		char *why = *ret_why;
		*ret_why = mem_printf(
			"--dns-zones, --gluea-prefix or a geo tag (DNS_ZONES, GLUEA_PREFIX, "
			"CLUSTER_GEO_TAG, EXT_GSLB_CLUSTERS_GEO_TAGS): %s",
			why);
		free(why);
	}
	return err;
}

static void read_tags(struct gslb *g)
{
	const struct strv *tags = config_list(g->env.config, OPT_EXT_GSLB_CLUSTERS_GEO_TAGS);

	for (size_t i = 0; i < tags->n; i++)
		if (strcasecmp(tags->s[i], g->own_tag) != 0)
			(void)strv_add_unique(&g->peer_tags, tags->s[i]);
}

static void open_geo(struct gslb *g)
{
	struct strv trouble = { 0 };

	g->geo = geo_open(config_list(g->env.config, OPT_GEOIP_DB),
			  config_list(g->env.config, OPT_GEOIP_FIELD), &trouble);
	for (size_t i = 0; i < trouble.n; i++)
		log_warning("--geoip-db: %s; geoip answers as if it were not given", trouble.s[i]);
	strv_fini(&trouble);
}

/* The files changed: hosts that look at geography are compiled anew. */
static void on_geo(void *ctx)
{
	struct gslb *g = ctx;

	loop_timer_set(g->geo_timer, GEO_CHECK_MS);
	if (!geo_is_stale(g->geo))
		return;
	geo_unref(g->geo);
	open_geo(g);
	log_info("--geoip-db: read again");
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		struct host *h = i->value;

		if (h->d.by_field || h->d.policy)
			host_touch(h, "geoip", NULL);
	}
}

int gslb_new(const struct gslb_env *env, struct gslb **ret, char **ret_why)
{
	struct gslb *g = MEM_NEW(struct gslb);
	int err;

	g->env = *env;
	g->dirty_end = &g->dirty;
	g->own_tag = mem_strdup(config_text(env->config, OPT_CLUSTER_GEO_TAG));
	g->ns_prefix = mem_strdup(config_text(env->config, OPT_GLUEA_PREFIX));
	g->ns_ttl_s = (uint32_t)config_number(env->config, OPT_NS_RECORD_TTL);
	g->is_trusting = *config_text(env->config, OPT_MANIFESTS) != '\0';
	strv_copy(&g->exposed, config_list(env->config, OPT_CLUSTER_EXPOSED_IPS));
	g->pass = loop_timer_new(env->loop, pass_on_timer, g);
	g->wake = loop_timer_new(env->loop, pass_on_wake, g);
	g->geo_timer = loop_timer_new(env->loop, on_geo, g);
	read_tags(g);
	edge_read(g);
	open_geo(g);
	g->history = history_new(env->state);
	g->policies = policies_new(g);
	g->drains = drains_new(g);
	g->probes = probes_new(env->loop, env->http);
	g->names = names_new(env->loop, env->dns, g->edge, g->nedge, on_name, g);
	g->delegation = delegation_new(g);
	g->parent = parent_new(g);
	err = peers_new(g, &g->peers, ret_why);
	if (!err)
		err = read_zones(g, ret_why);
	if (!err)
		persist_load(g);
	if (err) {
		gslb_free(g);
		return err;
	}
	*ret = g;
	return 0;
}

void gslb_start(struct gslb *g)
{
	g->is_started = true;
	explain_register(g);
	host_metrics_start(g);
	status_ready_declare("gslb");
	peers_start(g->peers);
	if (config_list(g->env.config, OPT_GEOIP_DB)->n)
		loop_timer_set(g->geo_timer, GEO_CHECK_MS);
	gslb_soon(g);
}

static void free_zone(void *z)
{
	lbzone_free(z);
}

static void free_zone_decl(void *z)
{
	zone_decl_free(z);
}

static void free_host(void *h)
{
	host_free(h);
}

static void free_object(void *o)
{
	object_free(o);
}

void gslb_free(struct gslb *g)
{
	if (g == NULL)
		return;
	host_metrics_stop(g);
	peers_free(g->peers);
	names_free(g->names);
	delegation_free(g->delegation);
	parent_free(g->parent);
	map_fini(&g->hosts, free_host);
	map_fini(&g->objects, free_object);
	map_fini(&g->zones, free_zone);
	map_fini(&g->zone_decls, free_zone_decl);
	map_fini(&g->sources, NULL);
	policies_free(g->policies);
	drains_free(g->drains);
	probes_free(g->probes);
	history_free(g->history);
	geo_unref(g->geo);
	loop_timer_free(g->pass);
	loop_timer_free(g->wake);
	loop_timer_free(g->geo_timer);
	strv_fini(&g->peer_tags);
	strv_fini(&g->exposed);
	strv_fini(&g->stale_zones);
	free(g->edge);
	free(g->own_tag);
	free(g->ns_prefix);
	free(g);
}

#include "gslb/gslb.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/delegation.h"
#include "gslb/drain.h"
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
#include "gslb/publish.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"

#define OPEN_HOLD_MS 1000 /* at start: how long to wait for the peers' first words */
#define HOST_HOLD_MS 1000 /* the same for a new host */
#define HOST_LOOK_MS 50
#define GEO_CHECK_MS 1000

/* --- zones ----------------------------------------------------------------------------- */

struct lbzone *gslb_zone_of(const struct gslb *g, const char *host)
{
	struct lbzone *best = NULL;

	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i)) {
		struct lbzone *z = i->value;

		if (dname_text_is_below(host, z->name) &&
		    (best == NULL || strlen(z->name) > strlen(best->name)))
			best = z;
	}
	return best;
}

/* Of several declarations of one zone an object wins over the configuration, then the lesser id. */
static const struct zone_decl *winner(const struct gslb *g, const char *name)
{
	const struct zone_decl *best = NULL;

	for (struct map_item *i = map_first(&g->zone_decls); i; i = map_next(&g->zone_decls, i)) {
		const struct zone_decl *d = i->value;
		bool config = strncmp(d->id, "config:", 7) == 0;

		if (d->error || strcasecmp(d->load_balanced_zone, name) != 0)
			continue;
		bool best_config = best && strncmp(best->id, "config:", 7) == 0;
		if (best == NULL || (best_config && !config) ||
		    (best_config == config && strcmp(d->id, best->id) < 0))
			best = d;
	}
	return best;
}

static bool zone_is_as(const struct lbzone *z, const struct zone_decl *d)
{
	return strcasecmp(z->parent, d->parent_zone) == 0;
}

static void update_zone(struct lbzone *z, const struct zone_decl *d)
{
	if (z->neg_ttl_s != d->neg_ttl_s)
		z->apex_dirty = true;
	z->neg_ttl_s = d->neg_ttl_s;
	z->do_finalize = d->do_finalize;
	z->deleting = d->deleting;
	mem_strset(&z->id, d->id);
}

struct dropped {
	struct lbzone **z;
	size_t n;
};

static void drop_zones(struct gslb *g, struct dropped *dropped)
{
	for (struct map_item *i = map_first(&g->zones), *next; i; i = next) {
		struct lbzone *z = i->value;
		const struct zone_decl *d = winner(g, z->name);

		next = map_next(&g->zones, i);
		if (d && zone_is_as(z, d))
			continue;
		dropped->z = mem_array(dropped->z, dropped->n + 1, sizeof(*dropped->z));
		dropped->z[dropped->n++] = z;
		(void)map_remove(&g->zones, z->name);
	}
}

static void add_zones(struct gslb *g)
{
	for (struct map_item *i = map_first(&g->zone_decls); i; i = map_next(&g->zone_decls, i)) {
		const struct zone_decl *d = i->value;

		if (d->error || winner(g, d->load_balanced_zone) != d)
			continue;
		struct lbzone *z = map_get(&g->zones, d->load_balanced_zone);
		if (z) {
			update_zone(z, d);
		} else {
			z = lbzone_new(d, g->ns_prefix, g->own_tag);
			(void)map_put(&g->zones, z->name, z); /* was not there */
		}
	}
}

/* Hosts look for their zone again. */
static void rezone_hosts(struct gslb *g)
{
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		struct host *h = i->value;
		struct lbzone *z = gslb_zone_of(g, h->name);

		if (z == h->zone)
			continue;
		for (size_t j = 0; j < h->noffers; j++)
			h->offers[j].is_known = false;
		h->zone = z;
		host_touch(h, "zone", z ? z->name : NULL);
		if (z)
			peers_watch(g->peers, h);
	}
}

static void apply_zones(struct gslb *g, struct dropped *dropped)
{
	if (!g->zones_dirty)
		return;
	g->zones_dirty = false;
	drop_zones(g, dropped);
	add_zones(g);
	peers_zones_changed(g->peers);
	rezone_hosts(g);
	g->export_dirty = true;
}

void gslb_add_peer(struct gslb *g, const char *tag)
{
	if (!peers_add(g->peers, tag))
		return;
	log_info("the parent zone names a cluster %s: it is a peer now", tag);
	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i))
		((struct lbzone *)i->value)->apex_dirty = true;
	peers_zones_changed(g->peers);
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i))
		host_touch(i->value, "peer", tag);
	g->export_dirty = true;
	gslb_soon(g);
}

/* --- the pass ------------------------------------------------------------------------------ */

/*
 * Too early to answer: objects or peers are still being heard for the first time.  Names that are
 * not there yet would be denied, and a secondary would take the primary's place.
 */
static bool may_open(struct gslb *g, uint64_t now_ms)
{
	g->is_opening = !g->is_open;
	if (g->is_open)
		return true;
	if (g->nstale) { /* what was true before the restart, at once */
		g->is_open = true;
		g->opened_ms = now_ms;
		return true;
	}
	if (!g->is_synced)
		return false;
	if (g->open_ms == 0) {
		g->open_ms = now_ms + OPEN_HOLD_MS;
		peers_hear_again(g->peers);
	}
	if (peers_are_unsettled(g->peers) && now_ms < g->open_ms) {
		loop_timer_set(g->wake, g->open_ms - now_ms < 20 ? g->open_ms - now_ms : 20);
		return false;
	}
	g->is_open = true;
	g->opened_ms = now_ms;
	return true;
}

static bool is_held(struct gslb *g, struct host *h, uint64_t now_ms)
{
	if (h->is_published || h->nclaims == 0 || !peers_awaits(g->peers, h))
		return false;
	if (h->hold_ms == 0)
		h->hold_ms = now_ms + HOST_HOLD_MS;
	if (now_ms >= h->hold_ms || g->opened_ms == now_ms) /* opening has waited for all of them */
		return false;
	h->wake_ms = now_ms + HOST_LOOK_MS < h->hold_ms ? now_ms + HOST_LOOK_MS : h->hold_ms;
	return true;
}

static void note_wake(struct gslb *g, const struct host *h)
{
	if (h->wake_ms && (g->wake_ms == 0 || h->wake_ms < g->wake_ms))
		g->wake_ms = h->wake_ms;
}

static void set_wake(struct gslb *g, uint64_t now_ms)
{
	if (g->wake_ms)
		loop_timer_set(g->wake, g->wake_ms > now_ms ? g->wake_ms - now_ms : 0);
}

/* The hosts that clients or peers see otherwise now; those that nobody claims are last seen here.
 */
static struct host **resolve_dirty(struct gslb *g, uint64_t now_ms, size_t *ret_n)
{
	struct host **list = NULL;
	size_t n = 0, cap = 0;

	while (g->dirty) {
		struct host *h = g->dirty;

		g->dirty = h->next_dirty;
		if (g->dirty == NULL)
			g->dirty_end = &g->dirty;
		h->is_dirty = false;
		host_resolve(h, now_ms);
		bool held = is_held(g, h, now_ms);
		note_wake(g, h);
		if (held)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 16;
			list = mem_array(list, cap, sizeof(*list));
		}
		list[n++] = h;
	}
	*ret_n = n;
	return list;
}

static void free_unclaimed(struct gslb *g, struct host **hosts, size_t n)
{
	uint64_t now_ns = clock_mono_ns();

	for (size_t i = 0; i < n; i++) {
		struct host *h = hosts[i];

		if (h->cause_ns)
			metric_observe(METRIC_CHANGE_TO_WIRE, (double)(now_ns - h->cause_ns) * 1e-9,
				       h->cause);
		h->cause_ns = 0;
		if (h->nclaims || h->is_dirty)
			continue;
		(void)map_remove(&g->hosts, h->name);
		host_free(h);
	}
}

static bool any_apex_dirty(const struct gslb *g)
{
	for (struct map_item *i = map_first(&g->zones); i; i = map_next(&g->zones, i)) {
		const struct lbzone *z = i->value;

		if (z->apex_dirty || z->root_dirty)
			return true;
	}
	return false;
}

static void tell_objects(struct gslb *g)
{
	while (g->dirty_objects) {
		struct object *o = g->dirty_objects;

		g->dirty_objects = o->next_dirty;
		o->is_dirty = false;
		object_tell(g, o);
	}
}

static void free_dropped(struct dropped *d)
{
	for (size_t i = 0; i < d->n; i++)
		lbzone_free(d->z[i]);
	free(d->z);
}

void gslb_pass(struct gslb *g)
{
	struct dropped dropped = { 0 };
	uint64_t now_ms = clock_mono_ms();
	size_t n;

	loop_timer_cancel(g->pass);
	if (!g->is_started)
		return;
	apply_zones(g, &dropped);
	if (!may_open(g, now_ms)) {
		free_dropped(&dropped);
		return;
	}
	if (g->is_synced && !g->told_ready) {
		g->told_ready = true;
		status_ready_set("gslb", true, NULL);
	}
	struct host **hosts = resolve_dirty(g, now_ms, &n);
	if (n || dropped.n || any_apex_dirty(g))
		publish_pass(g, hosts, n, dropped.z, dropped.n);
	tell_objects(g);
	peers_nudge(g->peers);
	free_unclaimed(g, hosts, n);
	free(hosts);
	if (g->export_dirty)
		delegation_export(g->delegation);
	g->export_dirty = false;
	if (g->is_synced && !g->told_exported) {
		g->told_exported = true;
		if (g->env.on_exported)
			g->env.on_exported(g->env.ctx);
	}
	free_dropped(&dropped);
	set_wake(g, now_ms);
	status_touch();
}

static void on_pass(void *ctx)
{
	gslb_pass(ctx);
}

void gslb_soon(struct gslb *g)
{
	if (g->is_started && !loop_timer_is_set(g->pass))
		loop_timer_set(g->pass, 0);
}

/* A host asked to be decided again, or it is time to open. */
static void on_wake(void *ctx)
{
	struct gslb *g = ctx;
	uint64_t now_ms = clock_mono_ms();

	g->wake_ms = 0;
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		struct host *h = i->value;

		if (h->wake_ms && h->wake_ms <= now_ms) {
			h->wake_ms = 0;
			host_touch(h, "timer", NULL);
		}
		note_wake(g, h);
	}
	gslb_soon(g);
	set_wake(g, now_ms);
}

/* --- doors ------------------------------------------------------------------------------------ */

void gslb_apply_zones(struct gslb *g)
{
	struct dropped dropped = { 0 };

	apply_zones(g, &dropped);
	free_dropped(&dropped); /* nothing was published yet */
}

void gslb_put(struct gslb *g, struct gslb_decl *d)
{
	object_put(g, d);
}

void gslb_remove(struct gslb *g, const char *id)
{
	object_remove(g, id);
}

static void not_stale(struct gslb *g, const char *id)
{
	for (size_t i = 0; i < g->stale_zones.n; i++) {
		if (strcmp(g->stale_zones.s[i], id) == 0) {
			strv_remove(&g->stale_zones, i);
			return;
		}
	}
}

void gslb_zone_put(struct gslb *g, struct zone_decl *z)
{
	char *why = NULL;

	if (!z->error && lbzone_check(z, g->ns_prefix, g->own_tag, &why)) {
		z->error = why;
		log_error("%s: %s", z->id, why);
	}
	if (!g->is_loading)
		not_stale(g, z->id);
	if (!z->error)
		persist_zone(g, z);
	zone_decl_free(map_put(&g->zone_decls, z->id, z));
	g->zones_dirty = true;
	gslb_soon(g);
}

void gslb_zone_remove(struct gslb *g, const char *id)
{
	not_stale(g, id);
	persist_zone_gone(g, id);
	zone_decl_free(map_remove(&g->zone_decls, id));
	g->zones_dirty = true;
	gslb_soon(g);
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
	policies_put(g->policies, kind, id, spec_json);
}

bool gslb_notified(struct gslb *g, const uint8_t *zone)
{
	return peers_notified(g->peers, zone);
}

/* --- life ---------------------------------------------------------------------------------------
 */

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

static void add_edge(struct gslb *g, const struct netaddr *a)
{
	g->edge = mem_array(g->edge, g->nedge + 1, sizeof(*a));
	g->edge[g->nedge++] = *a;
}

/* A server by name: the system's resolver is asked once, at start, before anything is served. */
static void add_edge_name(struct gslb *g, const char *text)
{
	const char *colon = strrchr(text, ':');
	char *host = mem_strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 53;
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
	int err = getaddrinfo(host, NULL, &hints, &found);

	if (err)
		log_warning("EDGE_DNS_SERVERS: %s: %s", host, gai_strerror(err));
	for (struct addrinfo *i = found; i; i = i->ai_next) {
		struct netaddr a;

		netaddr_from_sockaddr(i->ai_addr, &a);
		a.port = (uint16_t)port;
		add_edge(g, &a);
	}
	if (found)
		freeaddrinfo(found);
	free(host);
}

static void read_edge(struct gslb *g)
{
	const struct strv *list = config_list(g->env.config, OPT_EDGE_DNS_SERVERS);
	const char *one = config_text(g->env.config, OPT_EDGE_DNS_SERVER);
	struct netaddr a;

	for (size_t i = 0; i < list->n; i++) {
		if (netaddr_from_text_port(list->s[i], 53, &a) == 0)
			add_edge(g, &a);
		else
			add_edge_name(g, list->s[i]);
	}
	if (list->n == 0 && *one) {
		char *text = mem_printf(
			"%s:%lld", one,
			(long long)config_number(g->env.config, OPT_EDGE_DNS_SERVER_PORT));

		if (netaddr_from_text_port(text, 53, &a) == 0)
			add_edge(g, &a);
		else
			add_edge_name(g, text);
		free(text);
	}
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
	strv_copy(&g->exposed, config_list(env->config, OPT_CLUSTER_EXPOSED_IPS));
	g->pass = loop_timer_new(env->loop, on_pass, g);
	g->wake = loop_timer_new(env->loop, on_wake, g);
	g->geo_timer = loop_timer_new(env->loop, on_geo, g);
	read_tags(g);
	read_edge(g);
	open_geo(g);
	g->history = history_new(env->state);
	g->policies = policies_new(g);
	g->drains = drains_new(g);
	g->probes = probes_new(env->loop);
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

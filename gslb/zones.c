/*
 * zones - which load-balanced zones are in force: of several declarations of one
 * zone an object wins over the configuration; hosts look for their zone again when
 * zones come or go.  Control thread.
 */
#include "gslb/zones.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/peers.h"
#include "gslb/persist.h"
#include "lib/dname.h"
#include "lib/log.h"
#include "lib/mem.h"

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

static void drop_zones(struct gslb *g, struct zones_dropped *dropped)
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

void zones_apply(struct gslb *g, struct zones_dropped *dropped)
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

void zones_dropped_fini(struct zones_dropped *d)
{
	for (size_t i = 0; i < d->n; i++)
		lbzone_free(d->z[i]);
	free(d->z);
}

void gslb_apply_zones(struct gslb *g)
{
	struct zones_dropped dropped = { 0 };

	zones_apply(g, &dropped);
	zones_dropped_fini(&dropped); /* nothing was published yet */
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

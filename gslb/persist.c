#include "gslb/persist.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/decl_json.h"
#include "gslb/drain.h"
#include "gslb/inside.h"
#include "gslb/peers.h"
#include "gslb/statezone.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/state.h"

#define DECLS  "gslb-decls"
#define ZONES  "gslb-zones"
#define OFFERS "gslb-offers"
#define DRAINS "gslb-drains"

#define KEY_MAX 511

/* An id that does not fit is not kept: it is heard again soon enough. */
static bool fits(const char *key)
{
	return *key && strlen(key) <= KEY_MAX;
}

static void put_json(struct gslb *g, const char *table, const char *key, cJSON *json)
{
	char *text = json_print(json);

	if (fits(key))
		state_put(g->env.state, table, key, strlen(key), text, strlen(text));
	free(text);
	cJSON_Delete(json);
}

static void gone(struct gslb *g, const char *table, const char *key)
{
	if (fits(key))
		state_delete(g->env.state, table, key, strlen(key));
}

void persist_decl(struct gslb *g, const struct gslb_decl *d)
{
	if (g->env.state && !g->is_loading)
		put_json(g, DECLS, d->id, decl_to_json(d));
}

void persist_decl_gone(struct gslb *g, const char *id)
{
	gone(g, DECLS, id);
}

void persist_zone(struct gslb *g, const struct zone_decl *z)
{
	if (g->env.state && !g->is_loading && strncmp(z->id, "config:", 7) != 0)
		put_json(g, ZONES, z->id, zone_decl_to_json(z));
}

void persist_zone_gone(struct gslb *g, const char *id)
{
	gone(g, ZONES, id);
}

void persist_offer(struct gslb *g, const struct host *h, unsigned long peer)
{
	const struct offer *o = host_offer(h, peer);
	char *key = mem_printf("%s %s", h->name, g->peer_tags.s[peer]);

	if (g->env.state && fits(key)) {
		char *text = statezone_offer_text(o);

		if (o->is_known)
			state_put(g->env.state, OFFERS, key, strlen(key), text, strlen(text));
		else
			state_delete(g->env.state, OFFERS, key, strlen(key));
		free(text);
	}
	free(key);
}

void persist_drain(struct gslb *g, const char *id, const char *json)
{
	if (!fits(id) || g->is_loading)
		return;
	if (json)
		state_put(g->env.state, DRAINS, id, strlen(id), json, strlen(json));
	else
		state_delete(g->env.state, DRAINS, id, strlen(id));
}

/* --- back from the disk ---------------------------------------------------------------- */

/* The callbacks of state_each must not read the state: what they find is done afterwards. */
struct found {
	struct strv keys, values;
};

static bool collect(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
	struct found *f = ctx;

	strv_take(&f->keys, mem_strndup(key, key_len));
	strv_take(&f->values, mem_strndup(value, len));
	return true;
}

static void each(struct gslb *g, const char *table,
		 void (*cb)(struct gslb *g, const char *key, const char *value))
{
	struct found f = { 0 };

	state_each(g->env.state, table, "", 0, collect, &f);
	for (size_t i = 0; i < f.keys.n; i++)
		cb(g, f.keys.s[i], f.values.s[i]);
	strv_fini(&f.keys);
	strv_fini(&f.values);
}

static void load_zone(struct gslb *g, const char *key, const char *value)
{
	cJSON *json = cJSON_Parse(value);
	struct zone_decl *z = zone_decl_from_json(json);

	(void)key;
	if (z) {
		(void)strv_add_unique(&g->stale_zones, z->id);
		gslb_zone_put(g, z);
	}
	cJSON_Delete(json);
}

static void load_decl(struct gslb *g, const char *key, const char *value)
{
	cJSON *json = cJSON_Parse(value);
	struct gslb_decl *d = decl_from_json(json);

	if (d) {
		object_put(g, d);
		((struct object *)map_get(&g->objects, key))->is_stale = true;
		g->nstale++;
	}
	cJSON_Delete(json);
}

static void load_offer(struct gslb *g, const char *key, const char *value)
{
	const char *blank = strrchr(key, ' ');
	char *host = mem_strndup(key, blank ? (size_t)(blank - key) : 0);
	struct host *h = map_get(&g->hosts, host);

	for (size_t i = 0; h && blank && i < g->peer_tags.n; i++) {
		if (strcmp(g->peer_tags.s[i], blank + 1) != 0)
			continue;
		if (statezone_offer_parse(value, host_offer_slot(h, i)) == 0 && h->zone)
			peers_remembered(g->peers, i, h->zone);
	}
	free(host);
}

static void load_drain(struct gslb *g, const char *key, const char *value)
{
	cJSON *json = cJSON_Parse(value);
	char *why = NULL;

	if (json && drains_put(g->drains, key, json, &why))
		log_warning("drain %s from the state folder: %s", key, why);
	free(why);
	cJSON_Delete(json);
}

void persist_load(struct gslb *g)
{
	if (g->env.state == NULL)
		return;
	g->is_loading = true;
	each(g, ZONES, load_zone);
	gslb_apply_zones(g);
	each(g, DECLS, load_decl);
	each(g, OFFERS, load_offer);
	each(g, DRAINS, load_drain);
	g->is_loading = false;
	if (g->nstale)
		log_info("%zu objects from the state folder are answered until the sources are "
			 "synced",
			 g->nstale);
}

void persist_synced(struct gslb *g)
{
	for (struct map_item *i = map_first(&g->objects), *next; i; i = next) {
		const struct object *o = i->value;

		next = map_next(&g->objects, i);
		if (!o->is_stale)
			continue;
		char *id = mem_strdup(i->key);
		object_remove(g, id);
		free(id);
	}
	g->nstale = 0;
	while (g->stale_zones.n) {
		char *id = mem_strdup(g->stale_zones.s[0]);

		gslb_zone_remove(g, id);
		free(id);
	}
}

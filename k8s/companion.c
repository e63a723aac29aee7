#include "k8s/companion.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/cluster.h"
#include "k8s/companion_body.h"
#include "k8s/event.h"
#include "k8s/store.h"
#include "k8s/writer.h"
#include "k8s/zone_config.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"

struct companion {
	struct companion_env env;
	struct map dirty; /* "namespace/name" of Gslbs and Ingresses */
	bool zones_dirty;
	struct loop_timer *timer;
};

/* --- wishes --------------------------------------------------------------------------- */

static void wish(struct companion *c, const char *what, const struct object *o, const char *sub,
		 const struct write *x)
{
	char *key = mem_printf("%s %s/%s", what, o->namespace, o->name);
	char *path = cluster_path(c->env.cluster, o->kind, o->namespace, o->name, sub);

	if (path) {
		struct write full = *x;

		full.path = path;
		writer_put(c->env.writer, key, &full);
	}
	free(path);
	free(key);
}

/* Takes PATCH, which may be NULL: nothing to do. */
static bool wish_patch(struct companion *c, const char *what, const struct object *o, char *patch)
{
	bool some = patch != NULL;

	if (some)
		wish(c, what, o, NULL, &(struct write){ .kind = WRITE_MERGE, .body = patch });
	free(patch);
	return some;
}

/* Takes DOC: an object of KIND beside ABOUT that is not there yet. */
static void wish_created(struct companion *c, enum kind_id kind, const char *namespace, cJSON *doc,
			 void (*done)(void *ctx, const char *key, int status, const char *message))
{
	char *path = cluster_path(c->env.cluster, kind, namespace, NULL, NULL);
	char *key = mem_printf("new %s %s/%s", kinds[kind].plural, namespace ? namespace : "",
			       json_text(doc, "metadata.name"));
	char *body = json_print(doc);

	if (path)
		writer_put(c->env.writer, key,
			   &(struct write){ .kind = WRITE_CREATE,
					    .path = path,
					    .body = body,
					    .done = done,
					    .ctx = c,
					    .once = true });
	free(body);
	free(key);
	free(path);
	cJSON_Delete(doc);
}

/* --- the Ingress of a Gslb ------------------------------------------------------------ */

static void keep_ingress(struct companion *c, const struct object *gslb,
			 const struct object *ingress)
{
	char *version = cluster_api_version(c->env.cluster, gslb->kind);
	char *key = mem_printf("ingress %s/%s", gslb->namespace, gslb->name);

	if (version == NULL || !companion_is_embedded(gslb) || object_is_deleting(gslb)) {
		writer_drop(c->env.writer, key);
		goto out;
	}
	if (ingress && companion_is_foreign(ingress, gslb->uid)) {
		log_warning("Gslb %s/%s: Ingress %s is controlled by another object and left alone",
			    gslb->namespace, gslb->name, ingress->name);
		goto out;
	}
	cJSON *want = companion_ingress(gslb, version);
	if (ingress == NULL || !companion_contains(ingress->json, want)) {
		char *path = cluster_path(c->env.cluster, KIND_INGRESS, gslb->namespace, gslb->name,
					  NULL);
		char *body = json_print(want);

		writer_drop(c->env.writer, key); /* what was written before is not there any more */
		if (path)
			writer_put(
				c->env.writer, key,
				&(struct write){ .kind = WRITE_APPLY, .path = path, .body = body });
		free(body);
		free(path);
	}
	cJSON_Delete(want);
out:
	free(key);
	free(version);
}

/* --- the Gslb of an Ingress ----------------------------------------------------------- */

static void keep_gslb(struct companion *c, const struct object *ingress)
{
	const char *strategy = object_annotation(ingress, COMPANION_STRATEGY);
	char *version = cluster_api_version(c->env.cluster, KIND_GSLB);

	if (version && strategy && *strategy && !object_is_deleting(ingress) &&
	    store_state(c->env.store, KIND_GSLB) == STORE_SYNCED)
		wish_created(c, KIND_GSLB, ingress->namespace, companion_gslb(ingress, version),
			     NULL);
	free(version);
}

/* --- from the legacy group to k8gb.io ------------------------------------------------- */

static bool is_true(const struct object *o, const char *label)
{
	const char *v = object_label(o, label);

	return v && strcmp(v, "true") == 0;
}

static void record(struct companion *c, const struct object *about, bool warning,
		   const char *reason, const char *message)
{
	char *version = cluster_api_version(c->env.cluster, about->kind);

	if (version && c->env.events)
		event_record(c->env.events, about, version, warning, reason, message);
	free(version);
}

/* KEY is "new gslbs NAMESPACE/NAME". */
static void on_twin(void *ctx, const char *key, int status, const char *message)
{
	struct companion *c = ctx;
	const char *ns = strrchr(key, ' ') + 1, *name = strchr(ns, '/') + 1;
	char *namespace = mem_strndup(ns, (size_t)(name - ns - 1));
	const struct object *legacy = store_get(c->env.store, KIND_GSLB_LEGACY, namespace, name);
	char *text = mem_printf("Legacy Gslb migrated to k8gb.io Gslb %s. Edit the k8gb.io object "
				"going forward.",
				ns);

	if (legacy && status / 100 == 2)
		record(c, legacy, false, "LegacyMigrated", text);
	else if (legacy && status != 409)
		record(c, legacy, true, "MigrationFailed", message);
	free(text);
	free(namespace);
}

static void make_twin(struct companion *c, const struct object *legacy)
{
	char *version = cluster_api_version(c->env.cluster, KIND_GSLB);

	if (version)
		wish_created(c, KIND_GSLB, legacy->namespace, companion_twin(legacy, version),
			     on_twin);
	free(version);
}

/* One step: guard, twin, owner of the Ingress, mark.  The change that it makes calls the next. */
static void migrate(struct companion *c, const struct object *legacy, const struct object *twin,
		    const struct object *ingress)
{
	bool requested = is_true(legacy, COMPANION_MIGRATE_LABEL);
	bool migrated = is_true(legacy, COMPANION_MIGRATED_LABEL);

	if (object_is_deleting(legacy) || (!requested && !migrated)) {
		bool held = ingress && object_is_deleting(legacy) && twin &&
			    wish_patch(c, "owner of ingress", ingress,
				       companion_drop_owner(ingress, legacy->uid));
		if (!held)
			(void)wish_patch(
				c, "guard of legacy", legacy,
				companion_set_finalizer(legacy, COMPANION_MIGRATION_GUARD, false));
		return;
	}
	if (wish_patch(c, "guard of legacy", legacy,
		       companion_set_finalizer(legacy, COMPANION_MIGRATION_GUARD, true)))
		return;
	if (twin == NULL && !migrated) {
		if (!companion_is_embedded(legacy) || ingress)
			make_twin(c, legacy);
		return;
	}
	if (ingress && companion_is_embedded(legacy) &&
	    wish_patch(c, "owner of ingress", ingress, companion_drop_owner(ingress, legacy->uid)))
		return;
	(void)wish_patch(c, "mark of legacy", legacy,
			 companion_set_label(legacy, COMPANION_MIGRATED_LABEL, "true"));
}

static void look_at_name(struct companion *c, const char *namespace, const char *name)
{
	const struct object *twin = store_get(c->env.store, KIND_GSLB, namespace, name);
	const struct object *legacy = store_get(c->env.store, KIND_GSLB_LEGACY, namespace, name);
	const struct object *ingress = store_get(c->env.store, KIND_INGRESS, namespace, name);

	if (twin)
		keep_ingress(c, twin, ingress);
	else if (legacy && (ingress == NULL || !is_true(legacy, COMPANION_MIGRATE_LABEL)))
		keep_ingress(c, legacy, ingress);
	if (legacy)
		migrate(c, legacy, twin, ingress);
	if (ingress && twin == NULL && legacy == NULL)
		keep_gslb(c, ingress);
}

/* --- zones ---------------------------------------------------------------------------- */

struct find_zone {
	const char *zone;
	bool found;
};

static void match_zone(void *ctx, const struct object *o)
{
	struct find_zone *f = ctx;
	struct zone_decl *z = zone_config_read(o);

	if (strcmp(z->load_balanced_zone, f->zone) == 0)
		f->found = true;
	zone_decl_free(z);
}

static void guard_zone(void *ctx, const struct object *o)
{
	struct companion *c = ctx;

	if (!object_is_deleting(o))
		(void)wish_patch(c, "finalizer of zone", o,
				 companion_set_finalizer(o, COMPANION_FINALIZER, true));
}

static void look_at_zones(struct companion *c)
{
	char *version = cluster_api_version(c->env.cluster, KIND_ZONE_DELEGATION);

	if (version == NULL || store_state(c->env.store, KIND_ZONE_DELEGATION) != STORE_SYNCED)
		goto out;
	for (size_t i = 0; i < zone_config_count(c->env.zones); i++) {
		const struct zone_decl *z = zone_config_get(c->env.zones, i);
		struct find_zone f = { .zone = z->load_balanced_zone };

		store_each(c->env.store, KIND_ZONE_DELEGATION, NULL, match_zone, &f);
		if (!f.found)
			wish_created(c, KIND_ZONE_DELEGATION, NULL, companion_zone(z, version),
				     NULL);
	}
	store_each(c->env.store, KIND_ZONE_DELEGATION, NULL, guard_zone, c);
out:
	free(version);
}

void companion_zone_finalized(struct companion *c, const struct object *zone)
{
	if (object_is_deleting(zone))
		(void)wish_patch(c, "finalizer of zone", zone,
				 companion_set_finalizer(zone, COMPANION_FINALIZER, false));
}

/* --- what to look at ------------------------------------------------------------------ */

static void work(void *ctx)
{
	struct companion *c = ctx;
	struct map names = c->dirty;

	c->dirty = (struct map){ 0 };
	if (c->zones_dirty)
		look_at_zones(c);
	c->zones_dirty = false;
	for (struct map_item *it = map_first(&names); it; it = map_next(&names, it)) {
		const char *slash = strchr(it->key, '/');
		char *ns = mem_strndup(it->key, (size_t)(slash - it->key));

		look_at_name(c, ns, slash + 1);
		free(ns);
	}
	map_fini(&names, NULL);
}

static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	struct companion *c = ctx;
	const struct object *o = after ? after : before;

	if (o->kind == KIND_ZONE_DELEGATION) {
		c->zones_dirty = true;
	} else if (o->kind == KIND_GSLB || o->kind == KIND_GSLB_LEGACY || o->kind == KIND_INGRESS) {
		char *key = object_key(o);

		(void)map_put(&c->dirty, key, c);
		free(key);
	} else {
		return;
	}
	if (!loop_timer_is_set(c->timer))
		loop_timer_set(c->timer, 0);
}

static void on_state(void *ctx, enum kind_id kind)
{
	struct companion *c = ctx;

	if (kind != KIND_ZONE_DELEGATION)
		return;
	c->zones_dirty = true;
	loop_timer_set(c->timer, 0);
}

struct companion *companion_new(const struct companion_env *env)
{
	struct companion *c = MEM_NEW(struct companion);

	c->env = *env;
	c->timer = loop_timer_new(env->loop, work, c);
	store_on_change(env->store, on_change, c);
	store_on_synced(env->store, on_state, c);
	return c;
}

void companion_free(struct companion *c)
{
	if (c == NULL)
		return;
	map_fini(&c->dirty, NULL);
	loop_timer_free(c->timer);
	free(c);
}

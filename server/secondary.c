#include "server/secondary.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/netaddr.h"
#include "lib/status.h"
#include "lib/transfer.h"
#include "server/catalog_members.h"
#include "server/received.h"
#include "server/remote.h"
#include "server/secondary_inside.h"
#include "zonedb/zonedb.h"

enum {
	FIRST_RETRY_MS = 1000, /* while there are no data at all */
	FIRST_RETRY_MAX_MS = 60000,
};

/* --- the set of zones --- */

static void secondary_free(void *p)
{
	struct secondary *z = p;

	secondary_data_save(z);
	dns_request_cancel(z->request);
	loop_timer_free(z->timer);
	loop_timer_free(z->expiry);
	loop_timer_free(z->saving);
	received_fini(&z->received);
	free(z->remotes);
	free(z->name);
	free(z->unique);
	free(z->error);
	free(z);
}

static struct secondary *secondary_new(struct secondaries *s, const uint8_t *origin)
{
	struct secondary *z = MEM_NEW(struct secondary);

	z->s = s;
	(void)dname_lower(origin, z->origin); /* its length is not needed */
	z->name = dname_text(z->origin);
	z->timer = loop_timer_new(s->loop, secondary_round_due, z);
	z->expiry = loop_timer_new(s->loop, secondary_data_expired, z);
	z->saving = loop_timer_new(s->loop, secondary_data_save, z);
	z->first = (struct backoff){ .min_ms = FIRST_RETRY_MS, .max_ms = FIRST_RETRY_MAX_MS };
	map_put(&s->zones, z->name, z);
	return z;
}

static void add_remote(struct secondary *z, const struct remote *r)
{
	z->remotes = mem_array(z->remotes, z->nremotes + 1, sizeof(*z->remotes));
	z->remotes[z->nremotes++] = *r;
}

static struct secondary *find(const struct secondaries *s, const uint8_t *origin)
{
	uint8_t lower[DNAME_MAX];

	(void)dname_lower(origin, lower); /* its length is not needed */
	char *name = dname_text(lower);
	struct secondary *z = map_get(&s->zones, name);
	free(name);
	return z;
}

static int add_all(struct secondaries *s, const struct remotes *list, bool is_catalog,
		   char **ret_why)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct remote *r = &list->list[i];
		struct secondary *z = find(s, r->zone);

		if (s->is_taken(s->ctx, r->zone) || (z && z->is_catalog != is_catalog)) {
			char *name = dname_text(r->zone);

			*ret_why = mem_printf(
				"zone %s cannot come from a primary and from elsewhere too", name);
			free(name);
			return ERR_EXISTS;
		}
		if (z == NULL)
			z = secondary_new(s, r->zone);
		z->is_catalog = is_catalog;
		add_remote(z, r);
	}
	return 0;
}

static void start(struct secondary *z)
{
	secondary_data_restore(z);
	if (!secondary_data(z))
		secondary_data_hold(z);
	else if (z->is_catalog)
		secondary_update_members(z);
	secondary_round_begin(z);
}

/* --- members of a catalog --- */

static void remove_waiting(struct secondaries *s, const struct secondary *z)
{
	struct secondary **p = &s->waiting;

	while (*p && *p != z)
		p = &(*p)->next_waiting;
	if (*p == NULL)
		return;
	*p = z->next_waiting;
	if (*p == NULL)
		s->waiting_end = p;
}

static void remove_member(struct secondary *z)
{
	struct secondaries *s = z->s;

	log_info("zone %s left its catalog", z->name);
	if (z->doing == DOING_WAIT)
		remove_waiting(s, z);
	else if (z->doing != DOING_NOTHING)
		s->running--;
	secondary_data_forget(z);
	secondary_data_drop(z);
	metric_drop(METRIC_SECONDARY_EXPIRED, z->name);
	metric_drop(METRIC_SECONDARY_REFRESHED, z->name);
	map_remove(&s->zones, z->name);
	secondary_free(z);
}

static void add_member(struct secondary *catalog, const uint8_t *origin, const char *unique)
{
	struct secondaries *s = catalog->s;
	struct secondary *z = find(s, origin);
	char *name = dname_text(origin);

	if (z && z->catalog == catalog && strcmp(z->unique, unique) != 0) {
		remove_member(z); /* RFC 9432 5.4: another label means a fresh start */
		z = NULL;
	}
	if (z == NULL && s->is_taken(s->ctx, origin)) {
		log_warning("catalog %s: zone %s is served from elsewhere", catalog->name, name);
	} else if (z && z->catalog != catalog) {
		log_warning("catalog %s: zone %s is transferred by another option or catalog",
			    catalog->name, name);
	} else if (z == NULL) {
		log_info("zone %s joined by catalog %s", name, catalog->name);
		z = secondary_new(s, origin);
		z->catalog = catalog;
		z->unique = mem_strdup(unique);
		for (size_t i = 0; i < catalog->nremotes; i++)
			add_remote(z, &catalog->remotes[i]);
		start(z);
	}
	free(name);
}

/* Make the members those of the catalog. */
void secondary_update_members(struct secondary *catalog)
{
	struct catalog_members members = { 0 };
	struct secondaries *s = catalog->s;
	struct map_item *next;
	char *why = NULL;

	if (catalog_members_read(secondary_data(catalog), &members, &why)) {
		log_error("catalog %s: %s; its zones stay as they are", catalog->name, why);
		free(why);
		return;
	}
	for (struct map_item *i = map_first(&s->zones); i; i = next) {
		struct secondary *z = i->value;

		next = map_next(&s->zones, i);
		if (z->catalog == catalog && catalog_members_unique(&members, z->origin) == NULL)
			remove_member(z);
	}
	for (size_t i = 0; i < members.n; i++)
		add_member(catalog, members.list[i].zone, members.list[i].unique);
	catalog_members_fini(&members);
}

/* --- the door --- */

int secondaries_new(const struct secondaries_env *env, struct secondaries **ret, char **ret_why)
{
	struct secondaries *s = MEM_NEW(struct secondaries);

	s->loop = env->loop;
	s->db = env->db;
	s->dns = env->dns;
	s->state = env->state;
	s->max_bytes = env->max_bytes;
	s->is_taken = env->is_taken;
	s->ctx = env->ctx;
	s->waiting_end = &s->waiting;
	int err = add_all(s, env->primaries, false, ret_why);
	if (err == 0)
		err = add_all(s, env->catalogs, true, ret_why);
	if (err) {
		secondaries_free(s);
		return err;
	}
	*ret = s;
	if (s->zones.n == 0)
		return 0;
	status_ready_declare("secondaries");
	secondary_data_set_ready(s);
	/* members that a catalog adds come behind and are started by themselves */
	size_t n = s->zones.n;
	for (struct map_item *i = map_first(&s->zones); i && n; i = map_next(&s->zones, i), n--)
		start(i->value);
	secondary_data_set_ready(s);
	return 0;
}

void secondaries_free(struct secondaries *s)
{
	if (s == NULL)
		return;
	map_fini(&s->zones, secondary_free);
	free(s);
}

bool secondaries_has(const struct secondaries *s, const uint8_t *origin)
{
	return find(s, origin) != NULL;
}

static bool same_host(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool secondaries_is_primary(const struct secondaries *s, const uint8_t *origin,
			    const struct netaddr *client, const struct tsig_key *key)
{
	const struct secondary *z = find(s, origin);

	for (size_t i = 0; z && i < z->nremotes; i++)
		if (same_host(&z->remotes[i].addr, client) &&
		    (z->remotes[i].key == NULL || z->remotes[i].key == key))
			return true;
	return false;
}

void secondaries_notified(struct secondaries *s, const uint8_t *origin, bool has_serial,
			  uint32_t serial)
{
	struct secondary *z = find(s, origin);
	const struct zone *zone = z ? secondary_data(z) : NULL;

	if (z == NULL ||
	    (zone && has_serial && transfer_serial_compare(serial, zone_serial(zone)) <= 0))
		return;
	secondary_round_begin(z);
}

void secondaries_refresh(struct secondaries *s)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i))
		secondary_round_begin(i->value);
}

void secondaries_status(const struct secondaries *s, cJSON *out)
{
	for (struct map_item *i = map_first(&s->zones); i; i = map_next(&s->zones, i)) {
		const struct secondary *z = i->value;
		cJSON *o = cJSON_AddObjectToObject(out, z->name);
		char text[NETADDR_TEXT_MAX];

		cJSON_AddStringToObject(o, "primary",
					netaddr_to_text_port(&z->remotes[z->server].addr, text));
		if (secondary_data(z))
			cJSON_AddNumberToObject(o, "serial", zone_serial(secondary_data(z)));
		if (z->confirmed_s)
			cJSON_AddStringToObject(o, "confirmed",
						clock_rfc3339(z->confirmed_s, text));
		if (z->is_catalog)
			cJSON_AddBoolToObject(o, "catalog", true);
		if (z->is_expired)
			cJSON_AddBoolToObject(o, "expired", true);
		if (z->error)
			cJSON_AddStringToObject(o, "error", z->error);
	}
}

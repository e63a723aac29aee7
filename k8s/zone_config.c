#include "k8s/zone_config.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/store.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"

struct entry {
	struct zone_decl *zone;
	bool told;
};

struct zone_config {
	struct entry *entries;
	size_t n;
	struct store *store;
	const struct endpoint_sink *sink;
	struct loop_timer *timer;
	bool started;
};

/* Lower case, without final dot; caller frees. */
static char *clean_name(const char *s, size_t len)
{
	while (len && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	if (len > 1 && s[len - 1] == '.')
		len--;
	char *name = mem_strndup(s, len);
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static bool is_zone_name(const char *s)
{
	uint8_t wire[DNAME_MAX];

	for (const char *p = s; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_' && *p != '.')
			return false;
	return *s && dname_from_text(s, wire) == 0;
}

/* The rules of the CRD.  What is wrong, or NULL; caller frees. */
static char *check(const struct zone_decl *z, const char *zone_field, const char *parent_field)
{
	const char *zone = z->load_balanced_zone, *parent = z->parent_zone;
	size_t n = strlen(zone), m = strlen(parent);

	if (!is_zone_name(zone))
		return mem_printf("%s: \"%s\" is not a domain name", zone_field, zone);
	if (!is_zone_name(parent) && strcmp(parent, ".") != 0)
		return mem_printf("%s: \"%s\" is not a domain name", parent_field, parent);
	if (strcmp(zone, parent) == 0)
		return mem_printf("%s: must differ from %s (%s)", zone_field, parent_field, parent);
	if (strcmp(parent, ".") != 0 &&
	    (n <= m || strcmp(zone + n - m, parent) != 0 || zone[n - m - 1] != '.'))
		return mem_printf("%s: %s does not lie below %s (%s)", zone_field, zone,
				  parent_field, parent);
	return NULL;
}

struct zone_decl *zone_config_read(const struct object *o)
{
	const cJSON *spec = object_spec(o), *ttl = json_get(spec, "dnsZoneNegTTL");
	const char *zone = json_text(spec, "loadBalancedZone");
	const char *parent = json_text(spec, "parentZone");
	struct zone_decl *z = MEM_NEW(struct zone_decl);

	z->id = mem_printf("ZoneDelegation %s", o->name);
	z->load_balanced_zone = clean_name(zone ? zone : "", zone ? strlen(zone) : 0);
	z->parent_zone = clean_name(parent ? parent : "", parent ? strlen(parent) : 0);
	z->do_finalize = json_bool(spec, "doFinalize", false);
	z->deleting = object_is_deleting(o);
	z->error = check(z, "spec.loadBalancedZone", "spec.parentZone");
	if (cJSON_IsNumber(ttl) && ttl->valuedouble >= 0 && ttl->valuedouble <= INT32_MAX)
		z->neg_ttl_s = (unsigned)ttl->valuedouble;
	else if (z->error == NULL)
		z->error = mem_printf("spec.dnsZoneNegTTL: must be an integer from 0 to %d",
				      INT32_MAX);
	return z;
}

/* "parent:zone:negttl" */
static int parse_entry(const char *text, struct zone_decl **ret, char **ret_why)
{
	const char *first = strchr(text, ':');
	const char *second = first ? strchr(first + 1, ':') : NULL;

	if (second == NULL || strchr(second + 1, ':')) {
		*ret_why = mem_printf("DNS_ZONES: \"%s\": must be parent:zone:negttl", text);
		return ERR_SYNTAX;
	}
	struct zone_decl *z = MEM_NEW(struct zone_decl);
	char *ttl = clean_name(second + 1, strlen(second + 1)), *end;
	long seconds = strtol(ttl, &end, 10);
	z->parent_zone = clean_name(text, (size_t)(first - text));
	z->load_balanced_zone = clean_name(first + 1, (size_t)(second - first - 1));
	z->id = mem_printf("config:%s", z->load_balanced_zone);
	z->neg_ttl_s = (unsigned)seconds;
	char *why = check(z, "zone", "parent");
	if (why == NULL && (*ttl == '\0' || *end || seconds < 0 || seconds > INT32_MAX))
		why = mem_printf("\"%s\" is not a number of seconds", ttl);
	free(ttl);
	if (why) {
		*ret_why = mem_printf("DNS_ZONES: \"%s\": %s", text, why);
		free(why);
		zone_decl_free(z);
		return ERR_INVALID;
	}
	*ret = z;
	return 0;
}

static int add(struct zone_config *z, const char *text, char **ret_why)
{
	struct zone_decl *zone = NULL;
	int err = parse_entry(text, &zone, ret_why);

	if (err)
		return err;
	for (size_t i = 0; i < z->n; i++)
		if (strcmp(z->entries[i].zone->load_balanced_zone, zone->load_balanced_zone) == 0) {
			*ret_why = mem_printf("DNS_ZONES: zone %s is there twice",
					      zone->load_balanced_zone);
			zone_decl_free(zone);
			return ERR_INVALID;
		}
	z->entries = mem_array(z->entries, z->n + 1, sizeof(*z->entries));
	z->entries[z->n++] = (struct entry){ .zone = zone };
	return 0;
}

static struct zone_decl *copy(const struct zone_decl *z)
{
	struct zone_decl *c = MEM_NEW(struct zone_decl);

	*c = *z;
	c->id = mem_strdup(z->id);
	c->load_balanced_zone = mem_strdup(z->load_balanced_zone);
	c->parent_zone = mem_strdup(z->parent_zone);
	c->error = NULL;
	return c;
}

static void note_zone(void *ctx, const struct object *o)
{
	struct strv *zones = ctx;
	struct zone_decl *z = zone_config_read(o);

	if (z->error == NULL)
		(void)strv_add_unique(zones, z->load_balanced_zone);
	zone_decl_free(z);
}

static void update(void *ctx)
{
	struct zone_config *z = ctx;
	struct strv objects = { 0 };

	store_each(z->store, KIND_ZONE_DELEGATION, NULL, note_zone, &objects);
	for (size_t i = 0; i < z->n; i++) {
		struct entry *e = &z->entries[i];
		bool wanted = !strv_has(&objects, e->zone->load_balanced_zone);

		if (wanted && !e->told && z->sink->zone_put)
			z->sink->zone_put(z->sink->ctx, copy(e->zone));
		else if (!wanted && e->told && z->sink->zone_remove)
			z->sink->zone_remove(z->sink->ctx, e->zone->id);
		e->told = wanted;
	}
	strv_fini(&objects);
}

/* The driver's flush was set for this pass before ours is: the object's zone is put first. */
static void on_change(void *ctx, const struct object *before, const struct object *after)
{
	struct zone_config *z = ctx;

	if ((after ? after : before)->kind == KIND_ZONE_DELEGATION && z->started && z->n)
		loop_timer_set(z->timer, 0);
}

int zone_config_new(struct loop *loop, const struct config *config, struct store *store,
		    const struct endpoint_sink *sink, struct zone_config **ret, char **ret_why)
{
	const struct strv *list = config_list(config, OPT_DNS_ZONES);
	struct zone_config *z = MEM_NEW(struct zone_config);

	z->store = store;
	z->sink = sink;
	z->timer = loop_timer_new(loop, update, z);
	for (size_t i = 0; i < list->n; i++) {
		if (list->s[i][strspn(list->s[i], " \t")] == '\0')
			continue; /* a ";" too many */
		int err = add(z, list->s[i], ret_why);
		if (err) {
			zone_config_free(z);
			return err;
		}
	}
	store_on_change(store, on_change, z);
	*ret = z;
	return 0;
}

void zone_config_free(struct zone_config *z)
{
	if (z == NULL)
		return;
	for (size_t i = 0; i < z->n; i++)
		zone_decl_free(z->entries[i].zone);
	loop_timer_free(z->timer);
	free(z->entries);
	free(z);
}

void zone_config_start(struct zone_config *z)
{
	z->started = true;
	update(z);
}

size_t zone_config_count(const struct zone_config *z)
{
	return z->n;
}

const struct zone_decl *zone_config_get(const struct zone_config *z, size_t i)
{
	return z->entries[i].zone;
}

#include "gslb/drain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/choose.h"
#include "gslb/inside.h"
#include "gslb/persist.h"
#include "gslb/policy.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/metric.h"

struct drains {
	struct gslb *g;
	struct map all; /* id → struct drain, whose JSON is kept beside */
	struct map json;
	struct loop_timer *timer; /* the next beginning or end */
};

static void drain_free(void *ptr)
{
	struct drain *x = ptr;

	if (x == NULL)
		return;
	free(x->id);
	free(x->geo_tag);
	free(x->member);
	free(x->reason);
	free(x->author);
	strv_fini(&x->hosts);
	strv_fini(&x->addresses);
	free(x);
}

/* --- reading -------------------------------------------------------------------------- */

static int read_time(const cJSON *spec, const char *field, int64_t *ret_s, char **ret_why)
{
	const char *text = json_text(spec, field);

	if (text == NULL || clock_from_rfc3339(text, ret_s) == 0)
		return 0;
	*ret_why = mem_printf("spec.%s: '%s' is no time like 2026-01-31T12:00:00Z", field, text);
	return ERR_INVALID;
}

static int read_what(const cJSON *spec, struct drain *x, char **ret_why)
{
	struct strv hosts = { 0 };

	x->geo_tag = mem_strdup(json_text(spec, "what.geoTag"));
	x->member = mem_strdup(json_text(spec, "what.member"));
	json_strings(spec, "what.hosts", &hosts);
	json_strings(spec, "what.addresses", &x->addresses);
	for (size_t i = 0; i < hosts.n; i++)
		strv_take(&x->hosts, dname_text_normal(hosts.s[i]));
	strv_fini(&hosts);
	if (!x->geo_tag && !x->member && !x->hosts.n && !x->addresses.n) {
		*ret_why = mem_strdup("spec.what: say what to drain by geoTag, hosts, member or "
				      "addresses");
		return ERR_INVALID;
	}
	for (size_t i = 0; i < x->addresses.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(x->addresses.s[i], &a)) {
			*ret_why = mem_printf("spec.what.addresses: '%s' is no address",
					      x->addresses.s[i]);
			return ERR_INVALID;
		}
	}
	return 0;
}

static int drain_read(const char *id, const cJSON *spec, struct drain **ret, char **ret_why)
{
	struct drain *x = MEM_NEW(struct drain);
	int err = read_what(spec, x, ret_why);

	if (!err)
		err = read_time(spec, "from", &x->from_s, ret_why);
	if (!err)
		err = read_time(spec, "until", &x->until_s, ret_why);
	const char *action = json_text(spec, "action");
	if (!err && action && strcmp(action, "Drain") != 0 && strcmp(action, "ForceUp") != 0) {
		*ret_why = mem_printf("spec.action: '%s' is neither Drain nor ForceUp", action);
		err = ERR_INVALID;
	}
	if (!err && x->from_s && x->until_s && x->from_s >= x->until_s) {
		*ret_why = mem_strdup("spec.until: not later than from");
		err = ERR_INVALID;
	}
	if (err) {
		drain_free(x);
		return err;
	}
	x->id = mem_strdup(id);
	x->reason = mem_strdup(json_text(spec, "reason"));
	x->author = mem_strdup(json_text(spec, "author"));
	x->force = json_bool(spec, "force", false);
	x->is_up = json_text(spec, "action") && strcmp(json_text(spec, "action"), "ForceUp") == 0;
	*ret = x;
	return 0;
}

/* --- what it is about -------------------------------------------------------------------- */

static bool is_active(const struct drain *x, int64_t now_s)
{
	return x->from_s <= now_s && (x->until_s == 0 || now_s < x->until_s);
}

static bool is_about(const struct drain *x, const struct host *h, const struct site *s,
		     const struct member *m)
{
	if (x->geo_tag && strcasecmp(x->geo_tag, s->geo_tag) != 0)
		return false;
	if (x->hosts.n && !policy_list_has_host(&x->hosts, h->name))
		return false;
	if (x->member && (s->name == NULL || strcmp(x->member, s->name) != 0))
		return false;
	for (size_t i = 0; i < x->addresses.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(x->addresses.s[i], &a) == 0 && netaddr_equal(&a, &m->addr))
			return true;
	}
	return x->addresses.n == 0;
}

static const struct drain *find(const struct drains *d, const struct host *h, const struct site *s,
				const struct member *m, bool up)
{
	int64_t now_s = clock_real_s();
	const struct drain *found = NULL;

	for (struct map_item *i = map_first(&d->all); i; i = map_next(&d->all, i)) {
		const struct drain *x = i->value;

		if (x->is_up != up || !is_active(x, now_s) || !is_about(x, h, s, m))
			continue;
		if (found == NULL || (x->force && !found->force))
			found = x;
	}
	return found;
}

const struct drain *drains_find(const struct drains *d, const struct host *h, const struct site *s,
				const struct member *m)
{
	return find(d, h, s, m, false);
}

static char *why(const struct drain *x)
{
	bool by = x->author && *x->author, so = x->reason && *x->reason;

	return mem_printf("%s %s%s%s%s%s", x->is_up ? "forced up by" : "drain", x->id,
			  so ? ": " : "", so ? x->reason : "", by ? ", by " : "",
			  by ? x->author : "");
}

void drains_force_up(const struct drains *d, struct host *h)
{
	for (size_t i = 0; d->all.n && i < h->d.nmembers; i++) {
		struct member *m = &h->d.members[i];
		const struct drain *x = find(d, h, &h->d.sites[m->site], m, true);

		if (x == NULL || m->reason == NULL)
			continue;
		m->reason = NULL;
		free(m->detail);
		m->detail = why(x);
	}
}

void drains_apply(const struct drains *d, struct host *h, size_t *ret_refused)
{
	size_t live = 0, soft = 0;

	*ret_refused = 0;
	if (d->all.n == 0)
		return;
	for (size_t i = 0; i < h->d.nmembers; i++) {
		struct member *m = &h->d.members[i];
		const struct drain *x = drains_find(d, h, &h->d.sites[m->site], m);

		m->is_drained = x != NULL;
		soft += x && !x->force;
		live += !x && m->reason == NULL;
	}
	/* nobody live would be left: those that need not go stay */
	bool refused = live == 0 && soft;
	for (size_t i = 0; i < h->d.nmembers; i++) {
		struct member *m = &h->d.members[i];
		const struct drain *x = drains_find(d, h, &h->d.sites[m->site], m);

		if (x && !x->force && refused) {
			m->is_drained = false;
			++*ret_refused;
		} else if (x) {
			free(m->detail);
			m->detail = why(x);
		}
	}
}

/* --- changes -------------------------------------------------------------------------------- */

static void touch_hosts(struct drains *d, const struct drain *x)
{
	for (struct map_item *i = map_first(&d->g->hosts); i; i = map_next(&d->g->hosts, i)) {
		struct host *h = i->value;

		if (x->hosts.n == 0 || policy_list_has_host(&x->hosts, h->name))
			host_touch(h, "drain", x->id);
	}
}

static void set_timer(struct drains *d)
{
	int64_t now_s = clock_real_s(), next = 0;

	for (struct map_item *i = map_first(&d->all); i; i = map_next(&d->all, i)) {
		const struct drain *x = i->value;

		if (x->from_s > now_s && (next == 0 || x->from_s < next))
			next = x->from_s;
		if (x->until_s > now_s && (next == 0 || x->until_s < next))
			next = x->until_s;
	}
	if (next)
		loop_timer_set(d->timer, (uint64_t)(next - now_s) * 1000 + 1);
	metric_set(METRIC_DRAINS, (double)drains_active(d));
}

static void on_timer(void *ctx)
{
	struct drains *d = ctx;

	for (struct map_item *i = map_first(&d->all); i; i = map_next(&d->all, i))
		touch_hosts(d, i->value);
	set_timer(d);
}

static void told_peers(struct drains *d, const char *id)
{
	if (strncmp(id, "gslbd.io/", 9) != 0 && strncmp(id, "ctl/", 4) != 0)
		return; /* a peer's own */
	for (struct map_item *i = map_first(&d->g->zones); i; i = map_next(&d->g->zones, i)) {
		struct lbzone *z = i->value;

		z->drains_dirty = z->root_dirty = z->changed = true;
	}
	gslb_soon(d->g);
}

int drains_put(struct drains *d, const char *id, const cJSON *spec, char **ret_why)
{
	struct drain *x = NULL;
	int err = spec ? drain_read(id, spec, &x, ret_why) : 0;

	if (err)
		return err;
	struct drain *old = x ? map_put(&d->all, id, x) : map_remove(&d->all, id);
	free(x ? map_put(&d->json, id, json_print(spec)) : map_remove(&d->json, id));
	if (old)
		touch_hosts(d, old);
	if (x)
		touch_hosts(d, x);
	drain_free(old);
	set_timer(d);
	if (strncmp(id, "ctl/", 4) == 0)
		persist_drain(d->g, id, map_get(&d->json, id));
	told_peers(d, id);
	return 0;
}

bool drains_has(const struct drains *d, const char *id)
{
	return map_get(&d->all, id) != NULL;
}

/* Would a host lose its last live member? */
static bool takes_last(const struct drain *x, const struct host *h)
{
	size_t before = 0, after = 0;

	if (x->is_up)
		return false;
	for (size_t i = 0; i < h->d.nmembers; i++) {
		const struct member *m = &h->d.members[i];

		before += m->is_live;
		after += m->is_live && !is_about(x, h, &h->d.sites[m->site], m);
	}
	return before && !after;
}

int drains_check(struct drains *d, const cJSON *spec, struct strv *ret_hosts, char **ret_why)
{
	struct drain *x = NULL;
	int err = drain_read("check", spec, &x, ret_why);

	if (err)
		return err;
	for (struct map_item *i = map_first(&d->g->hosts); i; i = map_next(&d->g->hosts, i)) {
		const struct host *h = i->value;

		if (h->nclaims && takes_last(x, h))
			strv_add(ret_hosts, h->name);
	}
	drain_free(x);
	return 0;
}

/* --- showing ---------------------------------------------------------------------------------- */

size_t drains_active(const struct drains *d)
{
	int64_t now_s = clock_real_s();
	size_t n = 0;

	for (struct map_item *i = map_first(&d->all); i; i = map_next(&d->all, i))
		n += is_active(i->value, now_s);
	return n;
}

void drains_explain(const struct drains *d, cJSON *out)
{
	int64_t now_s = clock_real_s();

	for (struct map_item *i = map_first(&d->all); i; i = map_next(&d->all, i)) {
		const struct drain *x = i->value;
		cJSON *o = cJSON_Parse(map_get(&d->json, i->key));

		cJSON_AddStringToObject(o, "state",
					is_active(x, now_s) ? "Active"
					: x->from_s > now_s ? "Pending"
							    : "Over");
		cJSON_AddItemToObject(out, i->key, o);
	}
}

uint32_t drains_version(const struct drains *d)
{
	struct strv texts = { 0 };
	uint32_t v = 0;

	drains_own(d, &texts);
	for (size_t i = 0; i < texts.n; i++)
		v = v * 31 + ((uint32_t)choose_seed(texts.s[i]) | 1);
	strv_fini(&texts);
	return v;
}

void drains_own(const struct drains *d, struct strv *ret)
{
	int64_t now_s = clock_real_s();

	for (struct map_item *i = map_first(&d->json); i; i = map_next(&d->json, i)) {
		const struct drain *x = map_get(&d->all, i->key);

		if (strncmp(i->key, "gslbd.io/", 9) != 0 && strncmp(i->key, "ctl/", 4) != 0)
			continue;
		if (x->until_s && x->until_s <= now_s)
			continue;
		strv_take(ret, mem_printf("%s %s", i->key, (const char *)i->value));
	}
}

void drains_from_peer(struct drains *d, const char *tag, const struct strv *texts)
{
	char *prefix = mem_printf("%s/", tag);
	struct map keep = { 0 };

	for (size_t i = 0; i < texts->n; i++) {
		const char *blank = strchr(texts->s[i], ' ');
		cJSON *spec = blank ? cJSON_Parse(blank + 1) : NULL;
		char *id = mem_printf("%s%.*s", prefix, blank ? (int)(blank - texts->s[i]) : 0,
				      texts->s[i]);
		const char *was = map_get(&d->json, id);
		char *why = NULL;

		if (spec && (was == NULL || strcmp(was, blank + 1) != 0))
			(void)drains_put(d, id, spec, &why); /* a peer's mistake is told there */
		(void)map_put(&keep, id, d);
		free(why);
		free(id);
		cJSON_Delete(spec);
	}
	for (struct map_item *i = map_first(&d->all), *next; i; i = next) {
		next = map_next(&d->all, i);
		if (strncmp(i->key, prefix, strlen(prefix)) == 0 && !map_get(&keep, i->key)) {
			char *id = mem_strdup(i->key);

			(void)drains_put(d, id, NULL, NULL); /* a removal cannot fail */
			free(id);
		}
	}
	map_fini(&keep, NULL);
	free(prefix);
}

/* --- life ---------------------------------------------------------------------------------------
 */

struct drains *drains_new(struct gslb *g)
{
	struct drains *d = MEM_NEW(struct drains);

	d->g = g;
	d->timer = loop_timer_new(g->env.loop, on_timer, d);
	return d;
}

void drains_free(struct drains *d)
{
	if (d == NULL)
		return;
	map_fini(&d->all, drain_free);
	map_fini(&d->json, free);
	loop_timer_free(d->timer);
	free(d);
}

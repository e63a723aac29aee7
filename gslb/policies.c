#include "gslb/policies.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/drain.h"
#include "gslb/inside.h"
#include "gslb/names.h"
#include "gslb/policy.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"

struct static_member {
	char *id, *namespace;
	char *geo_tag;
	struct strv hosts;
	char *target_kind, *target_name;
	struct strv addresses;
	char *hostname;
	struct netaddr probe; /* probed in place of the addresses; family 0 = none */
	unsigned weight, tier;
};

struct policies {
	struct gslb *g;
	struct map policies;  /* id → struct policy */
	struct map by_host;   /* host → struct policy (borrowed); of several the first by id */
	struct map by_target; /* "ns/Kind/name" → the same */
	size_t nwildcards;
	bool is_indexed;
	struct map members; /* id → struct static_member */
	struct map errors;  /* "kind id" → text */
};

/* --- finding -------------------------------------------------------------------------- */

static void put_first(struct map *m, const char *key, struct policy *x)
{
	const struct policy *was = map_get(m, key);

	if (was == NULL || strcmp(x->id, was->id) < 0)
		(void)map_put(m, key, x);
}

static char *target_key(const char *ns, const char *kind, const char *name)
{
	return mem_printf("%s/%s/%s", ns ? ns : "", kind ? kind : "Gslb", name ? name : "");
}

static void make_indexes(struct policies *p)
{
	map_fini(&p->by_host, NULL);
	map_fini(&p->by_target, NULL);
	p->nwildcards = 0;
	p->is_indexed = true;
	for (struct map_item *i = map_first(&p->policies); i; i = map_next(&p->policies, i)) {
		struct policy *x = i->value;

		for (size_t h = 0; h < x->hosts.n; h++) {
			if (x->hosts.s[h][0] == '*')
				p->nwildcards++;
			else
				put_first(&p->by_host, x->hosts.s[h], x);
		}
		if (x->target_name) {
			char *target = target_key(x->namespace, x->target_kind, x->target_name);

			put_first(&p->by_target, target, x);
			free(target);
		}
	}
}

static const struct policy *by_wildcard(const struct policies *p, const char *host)
{
	const struct policy *best = NULL;

	for (struct map_item *i = map_first(&p->policies); i; i = map_next(&p->policies, i)) {
		const struct policy *x = i->value;

		if (x->hosts.n && policy_list_has_host(&x->hosts, host) &&
		    (best == NULL || strcmp(x->id, best->id) < 0))
			best = x;
	}
	return best;
}

static struct policy *by_target(struct policies *p, const struct gslb_decl *d, const char *kind,
				const char *name)
{
	char *target = target_key(d->namespace, kind, name);
	struct policy *found = map_get(&p->by_target, target);

	free(target);
	return found;
}

struct policy *policies_for(struct policies *p, const char *host, const struct gslb_decl *decl)
{
	if (!p->is_indexed)
		make_indexes(p);
	struct policy *found = map_get(&p->by_host, host);

	if (found || p->policies.n == 0)
		return found;
	bool is_ingress = decl->api_group && strcmp(decl->api_group, "networking.k8s.io") == 0;

	found = by_target(p, decl, is_ingress ? "Ingress" : "Gslb", decl->name);
	if (found == NULL && decl->ref_kind)
		found = by_target(p, decl, decl->ref_kind, decl->ref_name);
	if (found == NULL && p->nwildcards)
		found = (struct policy *)(uintptr_t)by_wildcard(p, host);
	return found;
}

/* --- hosts that a change concerns ----------------------------------------------------- */

static void touch_target(struct gslb *g, const char *ns, const char *kind, const char *name,
			 const char *why)
{
	for (struct map_item *it = map_first(&g->objects); it; it = map_next(&g->objects, it)) {
		struct object *o = it->value;

		if (o->good == NULL || !gslb_decl_is_target(o->good, ns, kind, name))
			continue;
		for (size_t i = 0; i < o->good->nhosts; i++)
			if (o->hosts[i])
				host_touch(o->hosts[i], "policy", why);
	}
}

/* By name or by the object NAME of KIND in NS (NULL = none). */
static void touch(struct gslb *g, const struct strv *hosts, const char *ns, const char *kind,
		  const char *name, const char *why)
{
	bool wild = false;

	for (size_t i = 0; i < hosts->n; i++) {
		struct host *h = map_get(&g->hosts, hosts->s[i]);

		wild = wild || hosts->s[i][0] == '*';
		if (h)
			host_touch(h, "policy", why);
	}
	if (name)
		touch_target(g, ns, kind, name, why);
	for (struct map_item *i = map_first(&g->hosts); wild && i; i = map_next(&g->hosts, i))
		if (policy_list_has_host(hosts, i->key))
			host_touch(i->value, "policy", why);
}

/* --- GslbPolicy ------------------------------------------------------------------------- */

static int put_policy(struct policies *p, const char *id, const cJSON *spec, char **ret_why)
{
	struct policy *new = NULL, *old;
	int err = spec ? policy_parse(id, spec, p->g->is_trusting, &new, ret_why) : 0;

	if (err)
		return err;
	old = new ? map_put(&p->policies, id, new) : map_remove(&p->policies, id);
	p->is_indexed = false;
	if (old)
		touch(p->g, &old->hosts, old->namespace, old->target_kind, old->target_name, id);
	if (new)
		touch(p->g, &new->hosts, new->namespace, new->target_kind, new->target_name, id);
	/* decisions that stand hold a reference of their own */
	policy_unref(old);
	return 0;
}

/* --- StaticMember -------------------------------------------------------------------------- */

static void member_free(void *ptr)
{
	struct static_member *m = ptr;

	if (m == NULL)
		return;
	free(m->id);
	free(m->namespace);
	free(m->geo_tag);
	free(m->target_kind);
	free(m->target_name);
	free(m->hostname);
	strv_fini(&m->hosts);
	strv_fini(&m->addresses);
	free(m);
}

static int check_member(const struct static_member *m, char **ret_why)
{
	if (m->geo_tag == NULL || !*m->geo_tag)
		*ret_why = mem_strdup("spec.geoTag: missing");
	else if ((m->target_name != NULL) == (m->hosts.n > 0))
		*ret_why = mem_strdup("spec: exactly one of targetRef and hosts");
	else if ((m->hostname != NULL) == (m->addresses.n > 0))
		*ret_why = mem_strdup("spec: exactly one of addresses and hostname");
	else if (m->weight > 1000)
		*ret_why = mem_strdup("spec.weight: not between 0 and 1000");
	else if (m->tier > 15)
		*ret_why = mem_strdup("spec.tier: not between 0 and 15");
	for (size_t i = 0; *ret_why == NULL && i < m->addresses.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(m->addresses.s[i], &a))
			*ret_why =
				mem_printf("spec.addresses: '%s' is no address", m->addresses.s[i]);
	}
	return *ret_why ? ERR_INVALID : 0;
}

static int member_read(const char *id, const cJSON *spec, struct static_member **ret,
		       char **ret_why)
{
	struct static_member *m = MEM_NEW(struct static_member);
	const char *slash = strchr(id, '/');
	const char *probe = json_text(spec, "probeAddress");
	struct strv hosts = { 0 };

	m->id = mem_strdup(id);
	m->namespace = mem_strndup(id, slash ? (size_t)(slash - id) : 0);
	m->geo_tag = mem_strdup(json_text(spec, "geoTag"));
	m->target_kind = mem_strdup(json_text(spec, "targetRef.kind"));
	m->target_name = mem_strdup(json_text(spec, "targetRef.name"));
	m->hostname = mem_strdup(json_text(spec, "hostname"));
	m->weight = (unsigned)json_number(spec, "weight", 1);
	m->tier = (unsigned)json_number(spec, "tier", 0);
	json_strings(spec, "hosts", &hosts);
	json_strings(spec, "addresses", &m->addresses);
	for (size_t i = 0; i < hosts.n; i++)
		strv_take(&m->hosts, dname_text_normal(hosts.s[i]));
	strv_fini(&hosts);
	*ret_why = policy_check_target(spec);
	if (*ret_why == NULL && probe && netaddr_from_text(probe, &m->probe))
		*ret_why = mem_printf("spec.probeAddress: '%s' is no address", probe);
	if (*ret_why || check_member(m, ret_why)) {
		member_free(m);
		return ERR_INVALID;
	}
	*ret = m;
	return 0;
}

static int put_member(struct policies *p, const char *id, const cJSON *spec, char **ret_why)
{
	struct static_member *new = NULL, *old;
	int err = spec ? member_read(id, spec, &new, ret_why) : 0;

	if (err)
		return err;
	old = new ? map_put(&p->members, id, new) : map_remove(&p->members, id);
	if (old)
		touch(p->g, &old->hosts, old->namespace, old->target_kind, old->target_name, id);
	if (new)
		touch(p->g, &new->hosts, new->namespace, new->target_kind, new->target_name, id);
	member_free(old);
	return 0;
}

static bool is_for(const struct static_member *m, const struct host *h)
{
	const struct gslb_decl *d = h->d.decl;

	if (m->hosts.n)
		return policy_list_has_host(&m->hosts, h->name);
	return gslb_decl_is_target(d, m->namespace, m->target_kind, m->target_name);
}

static void add_site(struct host *h, const struct static_member *m)
{
	struct decision *d = &h->d;
	const struct strv *addresses = &m->addresses;
	struct site *s = decide_add_site(d, &(struct site){ .geo_tag = mem_strdup(m->geo_tag),
							    .name = mem_strdup(m->id),
							    .source = SITE_STATIC,
							    .is_known = true,
							    .health = HEALTH_HEALTHY,
							    .weight = m->weight,
							    .tier = m->tier });

	if (m->hostname)
		addresses = names_get(h->g->names, m->hostname);
	if (m->hostname)
		s->ttl_s = names_ttl(h->g->names, m->hostname);
	for (size_t i = 0; addresses && i < addresses->n; i++) {
		struct netaddr a;

		if (netaddr_from_text(addresses->s[i], &a) == 0)
			decide_add_member(d, &a);
	}
	/* its members are the last of the decision */
	for (size_t i = d->nmembers - s->n; i < d->nmembers; i++)
		d->members[i].probe = m->probe;
	if (s->n == 0)
		s->state = "UnresolvedHostname";
}

void policies_add_static(const struct policies *p, struct host *h)
{
	for (struct map_item *i = map_first(&p->members); i; i = map_next(&p->members, i))
		if (is_for(i->value, h))
			add_site(h, i->value);
}

void policies_name_changed(struct policies *p, const char *name)
{
	for (struct map_item *i = map_first(&p->members); i; i = map_next(&p->members, i)) {
		const struct static_member *m = i->value;

		if (m->hostname && strcmp(m->hostname, name) == 0)
			touch(p->g, &m->hosts, m->namespace, m->target_kind, m->target_name, name);
	}
	for (struct map_item *i = map_first(&p->policies); i; i = map_next(&p->policies, i)) {
		const struct policy *x = i->value;

		if (x->fallback_hostname && strcmp(x->fallback_hostname, name) == 0)
			touch(p->g, &x->hosts, x->namespace, x->target_kind, x->target_name, name);
	}
}

/* --- the door ----------------------------------------------------------------------------------
 */

static int put_drain(struct policies *p, const char *id, const cJSON *spec, char **ret_why)
{
	const char *slash = strrchr(id, '/'); /* cluster-wide: the namespace is empty */
	char *own = mem_printf("gslbd.io/%s", slash ? slash + 1 : id);
	int err = drains_put(p->g->drains, own, spec, ret_why);

	free(own);
	return err;
}

void policies_put(struct policies *p, const char *kind, const char *id, const char *spec_json)
{
	static const struct {
		const char *kind;
		int (*put)(struct policies *, const char *, const cJSON *, char **);
	} kinds[] = { { "GslbPolicy", put_policy },
		      { "StaticMember", put_member },
		      { "Drain", put_drain } };
	cJSON *spec = spec_json ? cJSON_Parse(spec_json) : NULL;
	char *key = mem_printf("%s %s", kind, id), *why = NULL;

	if (spec_json && spec == NULL)
		why = mem_strdup("spec is no JSON");
	for (size_t i = 0; why == NULL && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			(void)kinds[i].put(p, id, spec, &why); /* WHY tells */
	free(map_remove(&p->errors, key));
	if (why) {
		log_error("%s %s: %s", kind, id, why);
		metric_add(METRIC_OBJECT_ERRORS_TOTAL, 1, kind);
		(void)map_put(&p->errors, key, why);
	}
	free(key);
	cJSON_Delete(spec);
}

void policies_explain(const struct policies *p, cJSON *out)
{
	for (struct map_item *i = map_first(&p->errors); i; i = map_next(&p->errors, i))
		cJSON_AddStringToObject(out, i->key, i->value);
}

/* --- life ---------------------------------------------------------------------------------------
 */

struct policies *policies_new(struct gslb *g)
{
	struct policies *p = MEM_NEW(struct policies);

	p->g = g;
	return p;
}

static void unref(void *p)
{
	policy_unref(p);
}

void policies_free(struct policies *p)
{
	if (p == NULL)
		return;
	map_fini(&p->by_host, NULL);
	map_fini(&p->by_target, NULL);
	map_fini(&p->policies, unref);
	map_fini(&p->members, member_free);
	map_fini(&p->errors, free);
	free(p);
}

#include "k8s/endpoint_chain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/endpoint_check.h"
#include "lib/config.h"
#include "lib/error.h"
#include "lib/mem.h"
#include "lib/netaddr.h"

struct prefixes {
	struct netprefix *p;
	size_t n;
};

struct endpoint_chain {
	struct strv default_targets;
	bool force_default_targets;
	struct prefixes nat64, only_nets, not_nets;
	bool ptr_managed, create_ptr;
	int64_t min_ttl_s;
	bool prefer_alias;
	struct strv providers;
};

static int parse_prefixes(const struct strv *texts, const char *flag, unsigned want_len,
			  struct prefixes *to, char **ret_why)
{
	struct strv parts = { 0 };
	int err = 0;

	for (size_t i = 0; i < texts->n; i++)
		strv_split(&parts, texts->s[i], ",");
	for (size_t i = 0; i < parts.n && err == 0; i++) {
		struct netprefix p;

		err = netprefix_from_text(parts.s[i], &p);
		if (err == 0 && want_len && (p.len != want_len || p.addr.family != 6))
			err = ERR_RANGE;
		if (err < 0) {
			*ret_why = mem_printf("--%s=%s: %s", flag, parts.s[i],
					      want_len ? "not an IPv6 prefix of length 96"
						       : "not a network prefix");
			err = ERR_INVALID;
			break;
		}
		to->p = mem_array(to->p, to->n + 1, sizeof(*to->p));
		to->p[to->n++] = p;
	}
	strv_fini(&parts);
	return err;
}

static bool prefixes_contain(const struct prefixes *p, const struct netaddr *a)
{
	for (size_t i = 0; i < p->n; i++)
		if (netprefix_contains(&p->p[i], a))
			return true;
	return false;
}

static void split_all(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_split(to, from->s[i], ",");
}

int endpoint_chain_new(const struct config *config, struct endpoint_chain **ret, char **ret_why)
{
	struct endpoint_chain *c = MEM_NEW(struct endpoint_chain);
	int err;

	split_all(&c->default_targets, config_list(config, OPT_DEFAULT_TARGETS));
	strv_copy(&c->providers, config_list(config, OPT_PROVIDER));
	c->force_default_targets = config_bool(config, OPT_FORCE_DEFAULT_TARGETS);
	c->ptr_managed = strv_has(config_list(config, OPT_MANAGED_RECORD_TYPES), "PTR") &&
			 !strv_has(config_list(config, OPT_EXCLUDE_RECORD_TYPES), "PTR");
	c->create_ptr = config_bool(config, OPT_CREATE_PTR);
	c->min_ttl_s = config_ms(config, OPT_MIN_TTL) / 1000;
	c->prefer_alias = config_bool(config, OPT_PREFER_ALIAS);
	if ((err = parse_prefixes(config_list(config, OPT_NAT64_NETWORKS), "nat64-networks", 96,
				  &c->nat64, ret_why)) < 0 ||
	    (err = parse_prefixes(config_list(config, OPT_TARGET_NET_FILTER), "target-net-filter",
				  0, &c->only_nets, ret_why)) < 0 ||
	    (err = parse_prefixes(config_list(config, OPT_EXCLUDE_TARGET_NET), "exclude-target-net",
				  0, &c->not_nets, ret_why)) < 0) {
		endpoint_chain_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void endpoint_chain_free(struct endpoint_chain *c)
{
	if (c == NULL)
		return;
	strv_fini(&c->default_targets);
	strv_fini(&c->providers);
	free(c->nat64.p);
	free(c->only_nets.p);
	free(c->not_nets.p);
	free(c);
}

bool endpoint_chain_makes_ptr(const struct endpoint_chain *c)
{
	return c->ptr_managed;
}

/* The record-type property decides for its endpoint, else --create-ptr. */
bool endpoint_chain_wants_ptr(const struct endpoint_chain *c, const struct endpoint *e)
{
	const char *type = endpoint_prop(e, "record-type");

	if (!c->ptr_managed || strncmp(e->dns_name, "*.", 2) == 0 ||
	    (strcmp(e->record_type, "A") != 0 && strcmp(e->record_type, "AAAA") != 0))
		return false;
	return type ? strcasecmp(type, "ptr") == 0 : c->create_ptr;
}

/* Takes E: endpoints like it with the default targets, one of each type that these have. */
static void default_targets(const struct endpoint_chain *c, struct endpoint *e,
			    struct endpoint_list *out)
{
	static const char *const types[] = { "A", "AAAA", "CNAME" };

	strv_fini(&e->targets);
	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		struct endpoint *of_type = NULL;

		for (size_t i = 0; i < c->default_targets.n; i++) {
			const char *target = c->default_targets.s[i];

			if (strcmp(endpoint_suitable_type(target), types[t]) != 0)
				continue;
			if (of_type == NULL) {
				of_type = endpoint_copy(e);
				mem_strset(&of_type->record_type, types[t]);
			}
			size_t n = strlen(target);
			strv_take(&of_type->targets,
				  mem_strndup(target, n - (n && target[n - 1] == '.')));
		}
		if (of_type)
			endpoint_list_take(out, of_type);
	}
	endpoint_free(e);
}

/* An A record beside E for the targets that a NAT64 translates; NULL if there are none. */
static struct endpoint *nat64_twin(const struct endpoint_chain *c, const struct endpoint *e)
{
	struct endpoint *twin = NULL;

	if (c->nat64.n == 0 || strcmp(e->record_type, "AAAA") != 0)
		return NULL;
	for (size_t i = 0; i < e->targets.n; i++) {
		struct netaddr a, v4 = { .family = 4 };
		char text[NETADDR_TEXT_MAX];

		if (netaddr_from_text(e->targets.s[i], &a) < 0 || !prefixes_contain(&c->nat64, &a))
			continue;
		memcpy(v4.bytes, a.bytes + 12, 4);
		if (twin == NULL) {
			twin = endpoint_copy(e);
			mem_strset(&twin->record_type, "A");
			strv_fini(&twin->targets);
		}
		strv_add(&twin->targets, netaddr_to_text(&v4, text));
	}
	return twin;
}

/* A host name never is inside a network, so --target-net-filter leaves none. */
static bool target_passes(const struct endpoint_chain *c, const char *target)
{
	struct netaddr a;

	if (netaddr_from_text(target, &a) < 0)
		return c->only_nets.n == 0;
	return (c->only_nets.n == 0 || prefixes_contain(&c->only_nets, &a)) &&
	       !prefixes_contain(&c->not_nets, &a);
}

/* Takes E; adds it with the targets that pass, or nothing. */
static void add_filtered(const struct endpoint_chain *c, struct endpoint *e,
			 struct endpoint_list *out)
{
	for (size_t i = 0; i < e->targets.n;) {
		if (target_passes(c, e->targets.s[i]))
			i++;
		else
			strv_remove(&e->targets, i);
	}
	if (e->targets.n)
		endpoint_list_take(out, e);
	else
		endpoint_free(e);
}

static void apply_one(const struct endpoint_chain *c, struct endpoint *e, struct endpoint_list *out,
		      const char **ret_why)
{
	const char *why = endpoint_check(e);
	struct endpoint *twin;

	if (why || e->targets.n == 0) {
		*ret_why = why ? why : *ret_why;
		endpoint_free(e);
		return;
	}
	strv_uniq(&e->targets);
	twin = nat64_twin(c, e);
	add_filtered(c, e, out);
	if (twin)
		add_filtered(c, twin, out);
}

void endpoint_chain_apply(const struct endpoint_chain *c, struct endpoint *e,
			  struct endpoint_list *out, const char **ret_why)
{
	struct endpoint_list defaults = { 0 };

	*ret_why = NULL;
	if (c->default_targets.n == 0 || (e->targets.n && !c->force_default_targets)) {
		apply_one(c, e, out, ret_why);
		return;
	}
	default_targets(c, e, &defaults);
	for (size_t i = 0; i < defaults.n; i++)
		apply_one(c, defaults.e[i], out, ret_why);
	free(defaults.e);
}

/*
 * "aws/weight" belongs to aws; a name without a slash to all.  Cloudflare's names are whole keys;
 * Hetzner's are those of the webhook that was its provider; both kinds of Azure share theirs.
 */
static bool is_for_providers(const struct endpoint_chain *c, const char *name)
{
	const char *slash = strchr(name, '/');

	if (slash == NULL || c->providers.n == 0)
		return true;
	for (size_t i = 0; i < c->providers.n; i++) {
		const char *p = c->providers.s[i];

		if (strcmp(p, "cloudflare") == 0 ||
		    (strcmp(p, "hetzner") == 0 && strncmp(name, "webhook/", 8) == 0) ||
		    (strncmp(p, "azure-", 6) == 0 && strncmp(name, "azure/", 6) == 0) ||
		    (strlen(p) == (size_t)(slash - name) && strncmp(name, p, strlen(p)) == 0))
			return true;
	}
	return false;
}

static int compare_props(const void *a, const void *b)
{
	const struct endpoint_prop *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void endpoint_chain_finish(const struct endpoint_chain *c, struct endpoint *e)
{
	const char *resource = endpoint_label(e, "resource");

	if (e->record_ttl == 0)
		e->record_ttl = c->min_ttl_s;
	endpoint_set_prop(e, "record-type", NULL); /* has done its work */
	for (size_t i = 0; i < e->nprovider_specific;) {
		const char *name = e->provider_specific[i].name;

		if (is_for_providers(c, name))
			i++;
		else
			endpoint_set_prop(e, name, NULL);
	}
	if (c->prefer_alias && strcmp(e->record_type, "CNAME") == 0 &&
	    endpoint_prop(e, "alias") == NULL)
		endpoint_set_prop(e, "alias", "true");
	if (e->nprovider_specific > 1)
		qsort(e->provider_specific, e->nprovider_specific, sizeof(*e->provider_specific),
		      compare_props);
	if (resource && *resource == '\0') /* of a pod: it has none */
		endpoint_set_label(e, "resource", NULL);
}

/*
 * source_gslb - Gslb objects of both API groups, and Ingresses with k8gb's
 * annotations, as declarations for gslb.
 *
 *	k8gb.io Gslb  >  k8gb.absa.oss Gslb  >  annotated Ingress, of one namespace and name
 *
 * (k8gb makes the lower ones into the higher ones; while both are there only one counts.)
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/gslb_ref.h"
#include "k8s/source.h"
#include "k8s/zone_allow.h"
#include "lib/buf.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/netaddr.h"

#define EXPOSED_HOSTNAMES "k8gb.io/exposed-hostnames"
#define EXPOSED_IPS       "k8gb.io/exposed-ip-addresses"
#define STRATEGY          "k8gb.io/strategy"
#define PRIMARY_GEO_TAG   "k8gb.io/primary-geotag"
#define DNS_TTL           "k8gb.io/dns-ttl-seconds"

#define DEFAULT_TTL_S 30
#define MAX_WEIGHT    1000

static const enum kind_id primary[] = { KIND_GSLB, KIND_GSLB_LEGACY, KIND_INGRESS, KIND_COUNT };
static const enum kind_id also[] = {
	KIND_SERVICE,         KIND_ENDPOINT_SLICE, KIND_HTTP_ROUTE,      KIND_GRPC_ROUTE,
	KIND_TLS_ROUTE,       KIND_TCP_ROUTE,      KIND_UDP_ROUTE,       KIND_GATEWAY,
	KIND_REFERENCE_GRANT, KIND_LISTENER_SET,   KIND_VIRTUAL_SERVICE, KIND_ISTIO_GATEWAY,
	KIND_GSLB_POLICY,     KIND_COUNT,
};

static const enum kind_id must[] = { KIND_GSLB, KIND_COUNT };

static MEM_PRINTF(3, 4) void refuse(struct gslb_decl *d, const char *reason, const char *fmt, ...)
{
	va_list ap;

	if (d->error)
		return;
	va_start(ap, fmt);
	d->error = mem_vprintf(fmt, ap);
	va_end(ap);
	d->error_reason = mem_strdup(reason);
}

static struct gslb_decl *decl_new(const struct object *o)
{
	struct gslb_decl *d = MEM_NEW(struct gslb_decl);

	d->id = mem_printf("%s/%s/%s", kinds[o->kind].group, o->namespace, o->name);
	d->api_group = mem_strdup(kinds[o->kind].group);
	d->namespace = mem_strdup(o->namespace);
	d->name = mem_strdup(o->name);
	d->uid = mem_strdup(o->uid);
	d->created_s = o->created_s;
	d->generation = o->generation;
	d->deleting = object_is_deleting(o);
	d->dns_ttl_s = DEFAULT_TTL_S;
	return d;
}

/* --- strategy ------------------------------------------------------------------------- */

static bool is_geo_tag(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static void check_strategy(struct gslb_decl *d, const char *where)
{
	static const char *const known[] = { "roundRobin", "failover", "geoip" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(d->strategy, known[i]) == 0)
			return;
	refuse(d, "InvalidStrategy", "%s: \"%s\" is none of roundRobin, failover, geoip", where,
	       d->strategy);
}

static void add_weight(struct gslb_decl *d, const char *tag, const cJSON *value)
{
	double w = cJSON_IsNumber(value) ? value->valuedouble : -1;

	if (!is_geo_tag(tag)) {
		refuse(d, "InvalidWeight",
		       "spec.strategy.weight: \"%s\" is not a geo tag (letters, digits, hyphens)",
		       tag);
		return;
	}
	if (w < 0 || w > MAX_WEIGHT || w != (double)(unsigned)w) {
		refuse(d, "InvalidWeight",
		       "spec.strategy.weight.%s: must be an integer from 0 to %d", tag, MAX_WEIGHT);
		return;
	}
	d->weights = mem_array(d->weights, d->nweights + 1, sizeof(*d->weights));
	d->weights[d->nweights++] = (struct gslb_weight){ mem_strdup(tag), (unsigned)w };
}

static void read_weights(struct gslb_decl *d, const cJSON *weights)
{
	const cJSON *it = NULL;

	if (cJSON_GetArraySize(weights) == 0)
		return;
	if (d->strategy && strcmp(d->strategy, "roundRobin") != 0)
		refuse(d, "InvalidWeight",
		       "spec.strategy.weight: goes with type roundRobin only, not %s", d->strategy);
	cJSON_ArrayForEach(it, weights)
		add_weight(d, it->string, it);
}

static void read_ttl(struct gslb_decl *d, const cJSON *ttl)
{
	if (ttl == NULL || cJSON_IsNull(ttl))
		return;
	double v = cJSON_IsNumber(ttl) ? ttl->valuedouble : -1;
	if (v < 0 || v > INT32_MAX || v != (double)(int64_t)v)
		refuse(d, "InvalidTTL",
		       "spec.strategy.dnsTtlSeconds: must be an integer from 0 to %d", INT32_MAX);
	else if (v > 0)
		d->dns_ttl_s = (unsigned)v;
}

static void read_spec(struct gslb_decl *d, const cJSON *spec)
{
	const cJSON *strategy = json_get(spec, "strategy");
	const char *type = json_text(strategy, "type");
	const char *primary_tag = json_text(strategy, "primaryGeoTag");
	const char *health = json_text(spec, "serviceHealthPolicy");

	d->strategy = mem_strdup(type ? type : "");
	if (type == NULL || *type == '\0')
		refuse(d, "InvalidStrategy", "spec.strategy.type: missing");
	else
		check_strategy(d, "spec.strategy.type");
	if (primary_tag && *primary_tag)
		d->primary_geo_tag = mem_strdup(primary_tag);
	read_weights(d, json_get(strategy, "weight"));
	read_ttl(d, json_get(strategy, "dnsTtlSeconds"));
	if (health && strcmp(health, "All") == 0)
		d->health_policy = GSLB_HEALTH_ALL;
	else if (health && *health && strcmp(health, "Any") != 0)
		refuse(d, "InvalidHealthPolicy",
		       "spec.serviceHealthPolicy: \"%s\" is neither Any nor All", health);
}

/* The strategy of an annotated Ingress; k8gb is stricter here than with its own object. */
static void read_annotations(struct gslb_decl *d, const struct object *ingress)
{
	const char *tag = object_annotation(ingress, PRIMARY_GEO_TAG);
	const char *ttl = object_annotation(ingress, DNS_TTL);

	d->strategy = mem_strdup(object_annotation(ingress, STRATEGY));
	check_strategy(d, "metadata.annotations[" STRATEGY "]");
	if (tag && *tag)
		d->primary_geo_tag = mem_strdup(tag);
	else if (strcmp(d->strategy, "failover") == 0)
		refuse(d, "NoPrimaryGeoTag",
		       "metadata.annotations[" PRIMARY_GEO_TAG
		       "]: missing, strategy failover needs it");
	if (ttl) {
		char *end;
		long v = strtol(ttl, &end, 10);

		if (*ttl == '\0' || *end || v < 0 || v > INT32_MAX)
			refuse(d, "InvalidTTL",
			       "metadata.annotations[" DNS_TTL
			       "]: \"%s\" is not a number of seconds",
			       ttl);
		else if (v > 0)
			d->dns_ttl_s = (unsigned)v;
	}
}

/* --- exposed addresses ---------------------------------------------------------------- */

static void read_exposed_ips(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	const char *text = object_annotation(o, EXPOSED_IPS);
	struct strv parts = { 0 };
	struct netaddr a;
	char clean[NETADDR_TEXT_MAX];

	if (text == NULL)
		return;
	strv_split(&parts, text, ",");
	for (size_t i = 0; i < parts.n; i++) {
		if (netaddr_from_text(parts.s[i], &a) == 0)
			(void)strv_add_unique(&d->exposed_ips, netaddr_to_text(&a, clean));
		else
			source_error(run, o, "InvalidAddress",
				     "metadata.annotations[" EXPOSED_IPS
				     "]: \"%s\" is not an address",
				     parts.s[i]);
	}
	if (d->exposed_ips.n == 0)
		refuse(d, "InvalidAddress",
		       "metadata.annotations[" EXPOSED_IPS "]: no address in \"%s\"", text);
	strv_fini(&parts);
}

static void read_exposed(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	const char *names = object_annotation(o, EXPOSED_HOSTNAMES);

	if (names) {
		strv_split(&d->exposed_hostnames, names, ", ");
		if (d->exposed_hostnames.n == 0)
			refuse(d, "InvalidHostname",
			       "metadata.annotations[" EXPOSED_HOSTNAMES "]: no host name in it");
	}
	read_exposed_ips(run, o, d);
}

/* --- policy --------------------------------------------------------------------------- */

struct policy_pick {
	const struct object *gslb;
	const struct object *found;
};

static bool is_target(const cJSON *ref, const char *kind, const char *name)
{
	const char *k = json_text(ref, "kind"), *n = json_text(ref, "name");

	return k && n && kind && name && strcmp(k, kind) == 0 && strcmp(n, name) == 0;
}

static void pick_policy(void *ctx, const struct object *policy)
{
	struct policy_pick *p = ctx;
	const cJSON *ref = json_get(object_spec(policy), "targetRef");
	bool is_ingress = p->gslb->kind == KIND_INGRESS;

	if (!is_target(ref, is_ingress ? "Ingress" : "Gslb", p->gslb->name) &&
	    (is_ingress || !is_target(ref, gslb_ref_kind(p->gslb), gslb_ref_name(p->gslb))))
		return;
	/* the oldest counts, then the first by name */
	if (p->found &&
	    (p->found->created_s < policy->created_s || (p->found->created_s == policy->created_s &&
							 strcmp(p->found->name, policy->name) < 0)))
		return;
	p->found = policy;
}

static void attach_policy(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	struct policy_pick p = { .gslb = o };

	source_each(run, KIND_GSLB_POLICY, o->namespace, pick_policy, &p);
	if (p.found && object_spec(p.found))
		d->policy_json = json_print(object_spec(p.found));
}

/* --- passing on ----------------------------------------------------------------------- */

static void print_list(struct buf *b, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_printf(b, "%s,", v->s[i]);
	buf_putc(b, ';');
}

static const char *text(const char *s)
{
	return s ? s : "-";
}

/* Everything in D: two declarations are the same if these are. */
static char *signature(const struct gslb_decl *d)
{
	struct buf b = { 0 };

	buf_printf(&b, "%s %lld %lld %d %s %s %u %d;", d->uid, (long long)d->created_s,
		   (long long)d->generation, d->deleting, d->strategy, text(d->primary_geo_tag),
		   d->dns_ttl_s, (int)d->health_policy);
	for (size_t i = 0; i < d->nweights; i++)
		buf_printf(&b, "%s=%u,", d->weights[i].geo_tag, d->weights[i].weight);
	buf_printf(&b, "%s %s;", text(d->ref_kind), text(d->ref_name));
	print_list(&b, &d->exposed_hostnames);
	print_list(&b, &d->exposed_ips);
	print_list(&b, &d->status_ips);
	print_list(&b, &d->status_hostnames);
	for (size_t i = 0; i < d->nhosts; i++) {
		buf_printf(&b, "%s:", d->hosts[i].host);
		for (size_t j = 0; j < d->hosts[i].nbackends; j++) {
			const struct gslb_backend *s = &d->hosts[i].backends[j];

			buf_printf(&b, "%s/%s %d %u %u %u,", s->namespace, s->name, s->found,
				   s->ready, s->serving, s->total);
		}
	}
	buf_printf(&b, "%s %s %s", text(d->policy_json), text(d->error), text(d->error_reason));
	return buf_take(&b);
}

static void put(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	const struct endpoint_sink *sink = source_sink(run);
	char *sign = signature(d);

	if (d->error)
		source_error(run, o, d->error_reason, "%s", d->error);
	if (source_is_new(run, "", sign) && sink->gslb_put)
		sink->gslb_put(sink->ctx, d);
	else
		gslb_decl_free(d);
	free(sign);
}

static void withdraw(struct source_run *run, const struct object *o)
{
	const struct endpoint_sink *sink = source_sink(run);

	if (!source_unsay(run, "") || sink->gslb_remove == NULL)
		return;
	char *id = mem_printf("%s/%s/%s", kinds[o->kind].group, o->namespace, o->name);
	sink->gslb_remove(sink->ctx, id);
	free(id);
}

/* Another object of this name says the same with more right. */
static bool is_superseded(struct source_run *run, const struct object *o)
{
	switch ((int)o->kind) {
	case KIND_GSLB_LEGACY:
		if (source_get(run, KIND_GSLB, o->namespace, o->name) == NULL)
			return false;
		source_warning(run, o, "LegacyIgnored",
			       "Legacy Gslb ignored. Edit k8gb.io Gslb %s/%s instead.",
			       o->namespace, o->name);
		return true;
	case KIND_INGRESS:
		return source_get(run, KIND_GSLB, o->namespace, o->name) ||
		       source_get(run, KIND_GSLB_LEGACY, o->namespace, o->name);
	default:
		return false;
	}
}

/* Hosts that the namespace may not claim are left out; the others stand. */
static void drop_foreign_hosts(struct source_run *run, const struct object *o, struct gslb_decl *d)
{
	for (size_t i = 0; i < d->nhosts;) {
		if (zone_allow_host(source_config(run), o->namespace, d->hosts[i].host)) {
			i++;
			continue;
		}
		source_error(run, o, "HostNotAllowed",
			     "%s: namespace %s may not claim it (--zone-allow)", d->hosts[i].host,
			     o->namespace);
		gslb_decl_drop_host(d, i);
	}
}

static void collect(struct source_run *run, const struct object *o)
{
	bool is_ingress = o->kind == KIND_INGRESS;

	if ((is_ingress && object_annotation(o, STRATEGY) == NULL) || is_superseded(run, o)) {
		withdraw(run, o);
		return;
	}
	struct gslb_decl *d = decl_new(o);
	if (is_ingress)
		read_annotations(d, o);
	else
		read_spec(d, object_spec(o));
	read_exposed(run, o, d);
	if (is_ingress)
		gslb_ref_ingress(run, o, d);
	else
		gslb_ref_resolve(run, o, d);
	drop_foreign_hosts(run, o, d);
	if (d->nhosts == 0)
		refuse(d, "NoHosts", "no rule names a host");
	attach_policy(run, o, d);
	if (o->kind != KIND_INGRESS && gslb_ref_name(o)) {
		d->ref_kind = mem_strdup(gslb_ref_kind(o));
		d->ref_name = mem_strdup(gslb_ref_name(o));
	}
	if (o->kind == KIND_GSLB_LEGACY)
		source_warning(
			run, o, "LegacyDeprecated",
			"Legacy Gslb %s/%s uses deprecated API group k8gb.absa.oss. Set label "
			"k8gb.io/migration-requested=true to migrate to k8gb.io.",
			o->namespace, o->name);
	put(run, o, d);
}

const struct source_ops source_gslb = {
	.name = "gslb",
	.primary = primary,
	.also = also,
	.collect = collect,
	.removed = withdraw,
	.must = must,
};

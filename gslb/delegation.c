#include "gslb/delegation.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/inside.h"
#include "gslb/parent.h"
#include "gslb/peers.h"
#include "lib/buf.h"
#include "lib/config.h"
#include "lib/dname.h"
#include "lib/dns_client.h"
#include "lib/endpoint.h"
#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/rrtype.h"

#define WITHDRAW      "gslbd/withdraw" /* sync's property: names of others to be taken out */
#define EXTDNS_OBJECT "k8gb-ns-extdns-"
#define CHECK_MS      1000
#define CHECKS_MAX    300 /* then a zone that is being deleted is let go */

/* What was given out last for one zone. */
struct given {
	struct delegation *d;
	char *zone; /* name */
	char *id;   /* of the declaration */
	char *text, *object;
	char *status;
	struct loop_timer *timer; /* a deleted zone: is our name gone from the parent? */
	struct dns_request *request;
	char *own_ns;
	unsigned checks;
	bool finalized;
};

struct delegation {
	struct gslb *g;
	struct map given; /* zone name → struct given */
	struct map own;   /* object → addresses that it has for our name server, a strv */
	bool is_extdns;   /* an ExternalDNS beside us carries the records */
};

static void given_free(void *ptr)
{
	struct given *v = ptr;

	dns_request_cancel(v->request);
	loop_timer_free(v->timer);
	free(v->text);
	free(v->object);
	free(v->status);
	free(v->zone);
	free(v->id);
	free(v->own_ns);
	free(v);
}

struct delegation *delegation_new(struct gslb *g)
{
	struct delegation *d = MEM_NEW(struct delegation);

	d->g = g;
	d->is_extdns = config_bool(g->env.config, OPT_EXTDNS_ENABLED) &&
		       config_list(g->env.config, OPT_PROVIDER)->n == 0;
	return d;
}

static void strv_free(void *ptr)
{
	if (ptr)
		strv_fini(ptr);
	free(ptr);
}

void delegation_free(struct delegation *d)
{
	if (d == NULL)
		return;
	map_fini(&d->given, given_free);
	map_fini(&d->own, strv_free);
	free(d);
}

void delegation_name_server(struct delegation *d, const char *id, const char *spec_json)
{
	cJSON *spec = spec_json ? cJSON_Parse(spec_json) : NULL;

	strv_free(map_remove(&d->own, id));
	if (spec) {
		struct strv *own = MEM_NEW(struct strv);

		json_strings(spec, "addresses", own);
		(void)map_put(&d->own, id, own);
	}
	cJSON_Delete(spec);
	d->g->export_dirty = true;
	gslb_soon(d->g);
}

/* --- addresses ------------------------------------------------------------------------- */

static bool is_of_use(const struct netaddr *a)
{
	static const uint8_t zero[16];
	bool v4 = a->family == 4;

	return memcmp(a->bytes, zero, v4 ? 4 : 16) != 0 && !(v4 && a->bytes[0] == 127) &&
	       !(!v4 && memcmp(a->bytes, zero, 15) == 0 && a->bytes[15] == 1);
}

/* CLUSTER_EXPOSED_IPS; what the Service says; the addresses that we listen on. */
static void own_addresses(const struct delegation *d, struct strv *ret)
{
	const struct gslb *g = d->g;
	const struct strv *listen = config_list(g->env.config, OPT_LISTEN);

	if (g->exposed.n) {
		strv_copy(ret, &g->exposed);
		return;
	}
	for (struct map_item *i = map_first(&d->own); i; i = map_next(&d->own, i)) {
		const struct strv *own = i->value;

		for (size_t j = 0; j < own->n; j++)
			(void)strv_add_unique(ret, own->s[j]);
	}
	if (ret->n)
		return;
	for (size_t i = 0; i < listen->n; i++) {
		struct netaddr a;
		char text[NETADDR_TEXT_MAX];

		if (netaddr_from_text_port(listen->s[i], 53, &a) == 0 && is_of_use(&a))
			(void)strv_add_unique(ret, netaddr_to_text(&a, text));
	}
}

void delegation_addresses(const struct delegation *d, struct strv *ret)
{
	own_addresses(d, ret);
	strv_sort(ret);
}

/* --- endpoints ----------------------------------------------------------------------------- */

static void add_addresses(struct endpoint_list *l, const char *name, int64_t ttl,
			  const struct strv *addresses)
{
	static const char *const types[] = { "A", "AAAA" };

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		struct endpoint *e = endpoint_new(name, types[t], ttl);

		for (size_t i = 0; i < addresses->n; i++) {
			struct netaddr a;

			if (netaddr_from_text(addresses->s[i], &a) == 0 &&
			    a.family == (t == 0 ? 4 : 6))
				strv_add(&e->targets, addresses->s[i]);
		}
		strv_sort(&e->targets);
		if (e->targets.n)
			endpoint_list_take(l, e);
		else
			endpoint_free(e);
	}
}

/* Names of clusters that nobody hears any more: the others take them out of the shared set. */
static void add_withdrawals(const struct gslb *g, const struct lbzone *z, struct endpoint *ns)
{
	struct strv gone = { 0 };

	for (size_t i = 0; i < g->peer_tags.n; i++)
		if (peers_is_withdrawn(g->peers, i, z))
			strv_take(&gone, lbzone_ns_name(g->ns_prefix, g->peer_tags.s[i], z->name,
							z->parent));
	strv_sort(&gone);
	char *text = strv_join(&gone, ",");
	if (gone.n)
		endpoint_set_prop(ns, WITHDRAW, text);
	free(text);
	strv_fini(&gone);
}

static void own_endpoints(const struct gslb *g, const struct lbzone *z, const struct strv *own,
			  struct endpoint_list *l)
{
	struct endpoint *ns = endpoint_new(z->name, "NS", g->ns_ttl_s);

	ns->shared = true;
	strv_add(&ns->targets, z->own_ns);
	add_withdrawals(g, z, ns);
	endpoint_list_take(l, ns);
	add_addresses(l, z->own_ns, g->ns_ttl_s, own);
}

/* k8gb's form: NS of all whose names can be resolved now, sorted, and our own address. */
static void extdns_endpoints(const struct gslb *g, const struct lbzone *z, const struct strv *own,
			     struct endpoint_list *l)
{
	struct endpoint *ns = endpoint_new(z->name, "NS", g->ns_ttl_s);

	strv_add(&ns->targets, z->own_ns);
	for (size_t i = 0; i < g->peer_tags.n; i++) {
		struct strv found = { 0 };

		peers_addresses(g->peers, i, z, &found);
		if (found.n && !peers_is_withdrawn(g->peers, i, z))
			strv_take(&ns->targets, lbzone_ns_name(g->ns_prefix, g->peer_tags.s[i],
							       z->name, z->parent));
		strv_fini(&found);
	}
	strv_uniq(&ns->targets);
	endpoint_list_take(l, ns);
	add_addresses(l, z->own_ns, g->ns_ttl_s, own);
}

static char *print(const struct endpoint_list *l)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < l->n; i++) {
		const struct endpoint *e = l->e[i];
		const char *withdraw = endpoint_prop(e, WITHDRAW);

		buf_printf(&b, "%s %s %lld %s", e->dns_name, e->record_type,
			   (long long)e->record_ttl, withdraw ? withdraw : "");
		for (size_t j = 0; j < e->targets.n; j++)
			buf_printf(&b, " %s", e->targets.s[j]);
		buf_putc(&b, '\n');
	}
	return buf_take(&b);
}

static void give(struct given *v, struct endpoint_list *l)
{
	const struct gslb *g = v->d->g;
	char *text = print(l);

	if ((v->text == NULL && l->n == 0) || (v->text && strcmp(v->text, text) == 0)) {
		free(text);
	} else {
		free(v->text);
		v->text = text;
		parent_changed(g->parent);
		if (g->env.on_export)
			g->env.on_export(g->env.ctx, v->object, l->e, l->n);
	}
	endpoint_list_fini(l);
}

/* --- status -------------------------------------------------------------------------------- */

static void add_rows(struct strv *rows, const char *name, const struct strv *addresses)
{
	for (size_t i = 0; i < addresses->n; i++)
		strv_take(rows, mem_printf("%s %s", name, addresses->s[i]));
}

static void tell_status(struct given *v, const struct lbzone *z, const struct strv *own,
			bool finalized)
{
	const struct gslb *g = v->d->g;
	struct strv rows = { 0 };

	if (z)
		add_rows(&rows, z->own_ns, own);
	for (size_t i = 0; z && i < g->peer_tags.n; i++) {
		struct strv found = { 0 };
		char *name = lbzone_ns_name(g->ns_prefix, g->peer_tags.s[i], z->name, z->parent);

		peers_addresses(g->peers, i, z, &found);
		add_rows(&rows, name, &found);
		strv_fini(&found);
		free(name);
	}
	strv_uniq(&rows);
	char *joined = strv_join(&rows, "\n");
	char *text = mem_printf("%s\n%s\n%d", v->id, joined, finalized);
	if ((v->status == NULL || strcmp(v->status, text) != 0) && g->env.on_zone_status)
		g->env.on_zone_status(g->env.ctx, v->id, &rows, finalized);
	free(v->status);
	v->status = text;
	free(joined);
	strv_fini(&rows);
}

/* --- deletion ----------------------------------------------------------------------------------
 */

static void finalize(struct given *v)
{
	v->finalized = true;
	tell_status(v, NULL, NULL, true);
}

static void on_parent_ns(void *ctx, const struct dns_reply *reply)
{
	struct given *v = ctx;
	bool there = false;

	v->request = NULL;
	for (size_t i = 0; i < reply->nrecords; i++) {
		const struct dns_record *r = &reply->records[i];
		char *text = r->type == RRTYPE_NS ? dname_text(r->rdata) : NULL;

		there = there || (text && strcmp(text, v->own_ns) == 0);
		free(text);
	}
	if ((reply->err == 0 && !there) || v->checks >= CHECKS_MAX)
		finalize(v);
	else
		loop_timer_set(v->timer, CHECK_MS);
}

/* Has the provider taken our name out of the parent? */
static void on_check(void *ctx)
{
	struct given *v = ctx;
	const struct gslb *g = v->d->g;
	uint8_t name[DNAME_MAX];
	struct dns_question q = { .servers = g->edge,
				  .nservers = g->nedge,
				  .name = name,
				  .type = RRTYPE_NS,
				  .recursion_desired = false,
				  .on_done = on_parent_ns,
				  .ctx = v };

	if (v->request || v->finalized)
		return;
	v->checks++;
	if (g->nedge == 0 || dname_from_text(v->zone, name)) {
		finalize(v);
		return;
	}
	v->request = dns_client_ask(g->env.dns, &q);
}

static void withdraw(struct given *v)
{
	struct endpoint_list none = { 0 };

	give(v, &none);
	if (!v->finalized && !v->request && !loop_timer_is_set(v->timer))
		loop_timer_set(v->timer, v->d->g->nedge ? CHECK_MS : 0);
}

/* --- all ----------------------------------------------------------------------------------------
 */

static struct given *given_for(struct delegation *d, const struct lbzone *z)
{
	struct given *v = map_get(&d->given, z->name);
	char *dashed;

	if (v) {
		mem_strset(&v->id, z->id);
		return v;
	}
	v = MEM_NEW(struct given);
	v->d = d;
	v->zone = mem_strdup(z->name);
	v->id = mem_strdup(z->id);
	v->own_ns = mem_strdup(z->own_ns);
	v->timer = loop_timer_new(d->g->env.loop, on_check, v);
	dashed = mem_strdup(z->name);
	for (char *p = dashed; *p; p++)
		if (*p == '.')
			*p = '-';
	v->object = d->is_extdns ? mem_printf(EXTDNS_OBJECT "%s", dashed) : mem_strdup(z->name);
	free(dashed);
	(void)map_put(&d->given, z->name, v); /* was not there */
	return v;
}

static void export_zone(struct delegation *d, const struct lbzone *z)
{
	struct given *v = given_for(d, z);
	struct endpoint_list list = { 0 };
	struct strv own = { 0 };

	if (z->deleting) {
		withdraw(v);
		return;
	}
	v->finalized = false;
	v->checks = 0;
	own_addresses(d, &own);
	if (d->is_extdns)
		extdns_endpoints(d->g, z, &own, &list);
	else
		own_endpoints(d->g, z, &own, &list);
	give(v, &list);
	tell_status(v, z, &own, false);
	strv_fini(&own);
}

void delegation_export(struct delegation *d)
{
	for (struct map_item *i = map_first(&d->g->zones); i; i = map_next(&d->g->zones, i))
		export_zone(d, i->value);
	for (struct map_item *i = map_first(&d->given), *next; i; i = next) {
		struct given *v = i->value;
		struct endpoint_list none = { 0 };

		next = map_next(&d->given, i);
		if (map_get(&d->g->zones, v->zone))
			continue;
		give(v, &none);
		(void)map_remove(&d->given, v->zone);
		given_free(v);
	}
}

#include "gslb/explain.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/choose.h"
#include "gslb/commands.h"
#include "gslb/compile.h"
#include "gslb/history.h"
#include "gslb/inside.h"
#include "gslb/parent.h"
#include "gslb/peers.h"
#include "gslb/policy.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/status.h"

#define HISTORY_SHOWN 200

/* --- members ------------------------------------------------------------------------------ */

static const char *source_text(const struct site *s)
{
	switch (s->source) {
	case SITE_LOCAL:
		return "local";
	case SITE_PEER:
		return "peer";
	case SITE_STATIC:
		return "static";
	}
	return "";
}

static cJSON *member_json(const struct site *s, const struct member *m)
{
	cJSON *o = cJSON_CreateObject();
	char text[NETADDR_TEXT_MAX];

	if (m)
		cJSON_AddStringToObject(o, "target", netaddr_to_text(&m->addr, text));
	else
		cJSON_AddNullToObject(o, "target");
	cJSON_AddStringToObject(o, "geo_tag", s->geo_tag);
	if (s->name)
		cJSON_AddStringToObject(o, "name", s->name);
	cJSON_AddStringToObject(o, "health", s->is_known ? health_text(s->health) : "Unknown");
	cJSON_AddStringToObject(o, "reason", m && m->reason ? m->reason : s->state ? s->state : "");
	if ((m && m->detail) || s->detail)
		cJSON_AddStringToObject(o, "detail", m && m->detail ? m->detail : s->detail);
	if (s->weight == SITE_NO_WEIGHT)
		cJSON_AddNullToObject(o, "weight");
	else
		cJSON_AddNumberToObject(o, "weight", s->weight);
	cJSON_AddNumberToObject(o, "tier", s->tier);
	cJSON_AddStringToObject(o, "source", source_text(s));
	cJSON_AddBoolToObject(o, "answered", m && m->is_answered);
	return o;
}

static cJSON *members_json(const struct decision *d)
{
	cJSON *a = cJSON_CreateArray();

	for (size_t i = 0; i < d->nsites; i++) {
		const struct site *s = &d->sites[i];

		for (size_t j = 0; j < s->n; j++)
			cJSON_AddItemToArray(a, member_json(s, &d->members[s->first + j]));
		if (s->n == 0)
			cJSON_AddItemToArray(a, member_json(s, NULL));
	}
	return a;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static void add_claims(const struct host *h, cJSON *o)
{
	cJSON *losers = NULL;

	if (h->nclaims)
		cJSON_AddStringToObject(o, "object", h->claims[0].object->d->id);
	for (size_t i = 1; i < h->nclaims; i++) {
		if (losers == NULL)
			losers = cJSON_AddArrayToObject(o, "also_claimed_by");
		cJSON_AddItemToArray(losers, cJSON_CreateString(h->claims[i].object->d->id));
	}
}

static void fill_host(const struct host *h, cJSON *o)
{
	const struct decision *d = &h->d;
	char time[40];

	cJSON_AddStringToObject(o, "strategy",
				d->decl && d->decl->strategy ? d->decl->strategy : "");
	cJSON_AddStringToObject(o, "zone", h->zone ? h->zone->name : "");
	cJSON_AddNumberToObject(o, "ttl", h->ttl_s);
	cJSON_AddItemToObject(o, "answer", json_from_strv(&h->answer));
	cJSON_AddItemToObject(o, "members", members_json(d));
	cJSON_AddStringToObject(o, "reason",
				h->zone == NULL ? "OutsideZones"
				: d->reason     ? d->reason
						: "Pending");
	if (d->message)
		cJSON_AddStringToObject(o, "message", d->message);
	if (h->note || h->skipped)
		cJSON_AddStringToObject(o, "note", h->note ? h->note : h->skipped);
	if (h->nclaims && h->claims[0].object->is_stale)
		cJSON_AddBoolToObject(o, "stale", true);
	if (h->policy)
		cJSON_AddStringToObject(o, "policy", h->policy->id);
	cJSON_AddStringToObject(o, "local_health", health_text(h->local));
	cJSON_AddItemToObject(o, "local_targets", json_from_strv(&h->local_targets));
	add_claims(h, o);
	if (h->changed_ms)
		cJSON_AddStringToObject(o, "changed_at", clock_rfc3339(h->changed_ms / 1000, time));
	else
		cJSON_AddNullToObject(o, "changed_at");
}

static void section_hosts(void *ctx, cJSON *out)
{
	struct gslb *g = ctx;

	gslb_pass(g);
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		const struct host *h = i->value;
		cJSON *o;

		if (h->nclaims == 0)
			continue;
		o = cJSON_AddObjectToObject(out, h->name);
		fill_host(h, o);
	}
}

static void section_peers(void *ctx, cJSON *out)
{
	const struct gslb *g = ctx;

	peers_explain(g->peers, out);
}

static void section_delegation(void *ctx, cJSON *out)
{
	const struct gslb *g = ctx;

	parent_explain(g->parent, out);
}

static void section_history(void *ctx, cJSON *out)
{
	const struct gslb *g = ctx;

	history_explain(g->history, NULL, HISTORY_SHOWN, cJSON_AddArrayToObject(out, "entries"));
}

/* --- explain NAME [CLIENT]
 * ------------------------------------------------------------------------ */

struct host *explain_find(const struct gslb *g, const char *name)
{
	char *normal = dname_text_normal(name);
	struct host *h = map_get(&g->hosts, normal);

	for (const char *dot = strchr(normal, '.'); dot && (!h || !h->nclaims);
	     dot = strchr(dot + 1, '.')) {
		char *wild = mem_printf("*%s", dot);

		h = map_get(&g->hosts, wild);
		free(wild);
		if (map_get(&g->hosts, dot + 1))
			break; /* the closest encloser: what is above does not match (RFC 4592) */
	}
	free(normal);
	return h && h->nclaims ? h : NULL;
}

static void add_variant(const struct decision *d, const struct compiled_variant *v, double share,
			cJSON *shares)
{
	cJSON *o = cJSON_CreateObject(), *a = cJSON_AddArrayToObject(o, "answer");

	for (size_t i = 0; i < v->n; i++) {
		char text[NETADDR_TEXT_MAX];

		cJSON_AddItemToArray(a, cJSON_CreateString(netaddr_to_text(
						&d->members[v->members[i]].addr, text)));
	}
	cJSON_AddNumberToObject(o, "share", share);
	cJSON_AddItemToArray(shares, o);
}

static void add_answer(const struct decision *d, const struct compiled_variant *v,
		       struct strv *answer)
{
	for (size_t i = 0; i < v->n; i++) {
		char text[NETADDR_TEXT_MAX];

		(void)strv_add_unique(answer,
				      netaddr_to_text(&d->members[v->members[i]].addr, text));
	}
}

static unsigned selected(const struct compiled *c, const struct netaddr *client)
{
	struct selector_client k = { .family = client->family,
				     .prefix_len = client->family == 4 ? 32 : 128 };
	uint8_t scope;

	memcpy(k.bytes, client->bytes, sizeof(k.bytes));
	return c->selector->select(c->selector, &k, 0, &scope);
}

/* What CLIENT gets of one family: the same selector as the workers run. */
static uint8_t client_answer(const struct decision *d, const struct geo *geo, uint8_t family,
			     const struct netaddr *client, struct strv *answer, cJSON *shares)
{
	struct compiled c;
	uint8_t scope = 0;
	double sum = 0;

	compile_run(d, family, geo, &c);
	if (c.nvariants && c.selector == NULL) {
		add_answer(d, &c.variants[0], answer);
		add_variant(d, &c.variants[0], 1, shares);
	} else if (c.nvariants && choose_is_sticky(c.selector)) {
		unsigned v = selected(&c, client);

		(void)choose_class_of(c.selector, client, &scope);
		add_answer(d, &c.variants[v], answer);
		add_variant(d, &c.variants[v], 1, shares);
	} else if (c.nvariants) {
		const struct choose_class *k =
			&c.classes[choose_class_of(c.selector, client, &scope)];

		for (size_t i = 0; i < k->n; i++)
			sum += k->options[i].weight;
		for (size_t i = 0; i < k->n; i++) {
			add_answer(d, &c.variants[k->options[i].variant], answer);
			add_variant(d, &c.variants[k->options[i].variant],
				    sum > 0 ? k->options[i].weight / sum : 1, shares);
		}
	}
	compile_fini(&c);
	return scope;
}

void explain_client(const struct decision *d, const struct geo *geo, const struct netaddr *client,
		    cJSON *out)
{
	cJSON *shares = cJSON_CreateArray();
	struct strv answer = { 0 };
	uint8_t scope = client_answer(d, geo, 4, client, &answer, shares);
	uint8_t scope6 = client_answer(d, geo, 6, client, &answer, shares);

	strv_sort(&answer);
	cJSON_DeleteItemFromObject(out, "answer");
	cJSON_AddItemToObject(out, "answer", json_from_strv(&answer));
	cJSON_AddItemToObject(out, "shares", shares);
	cJSON_AddNumberToObject(out, "scope", scope > scope6 ? scope : scope6);
	strv_fini(&answer);
}

int explain_fail(cJSON *out, int err, const char *text)
{
	cJSON_AddStringToObject(out, "error", text);
	return err;
}

int explain_read_client(const cJSON *args, cJSON *out, struct netaddr *ret)
{
	const char *from = json_text(args, "client");
	struct netprefix prefix = { .addr.family = 4 };

	if (from && *from && netprefix_from_text(from, &prefix))
		return explain_fail(out, ERR_INVALID, "client is no address");
	*ret = prefix.addr;
	return 0;
}

int explain_read_host(struct gslb *g, const cJSON *args, cJSON *out, struct host **ret)
{
	const char *name = json_text(args, "name");

	if (name == NULL || !*name)
		return explain_fail(out, ERR_INVALID, "name is missing");
	gslb_pass(g);
	*ret = explain_find(g, name);
	if (*ret)
		return 0;
	char *text = mem_printf("no object declares the host %s", name);
	int err = explain_fail(out, ERR_NOT_FOUND, text);
	free(text);
	return err;
}

static int cmd_explain(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	const char *from = json_text(args, "client");
	struct netaddr client;
	struct host *h = NULL;
	int err = explain_read_client(args, out, &client);

	if (!err)
		err = explain_read_host(g, args, out, &h);
	if (err)
		return err;
	cJSON_AddStringToObject(out, "name", json_text(args, "name"));
	cJSON_AddStringToObject(out, "host", h->name);
	cJSON_AddStringToObject(out, "cluster", g->own_tag);
	if (from && *from)
		cJSON_AddStringToObject(out, "client", from);
	fill_host(h, out);
	explain_client(&h->d, g->geo, &client, out);
	history_explain(g->history, h->name, 5, cJSON_AddArrayToObject(out, "history"));
	return 0;
}

static int cmd_history(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	const char *name = json_text(args, "name");
	char *normal = name && *name ? dname_text_normal(name) : NULL;

	history_explain(g->history, normal, HISTORY_SHOWN, cJSON_AddArrayToObject(out, "history"));
	free(normal);
	return 0;
}

void explain_register(struct gslb *g)
{
	status_section("hosts", section_hosts, g);
	status_section("peers", section_peers, g);
	status_section("delegation", section_delegation, g);
	status_section("history", section_history, g);
	status_command("explain", false, cmd_explain, g);
	status_command("history", false, cmd_history, g);
	commands_register(g);
}

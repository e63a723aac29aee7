#include "gslb/commands.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gslb/drain.h"
#include "gslb/explain.h"
#include "gslb/inside.h"
#include "gslb/parent.h"
#include "gslb/policy.h"
#include "lib/clock.h"
#include "lib/dname.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/status.h"

/* --- drain ------------------------------------------------------------------------------ */

#define FORCED "force-" /* before the names of what was forced up */

static const char *arg(const cJSON *args, const char *name)
{
	const char *text = json_text(args, name);

	return text && *text ? text : NULL;
}

static bool is_yes(const cJSON *args, const char *name)
{
	const char *text = arg(args, name);

	return json_bool(args, name, false) || (text && strcmp(text, "false") && strcmp(text, "0"));
}

static bool list_has(const struct strv *v, const char *tag)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcasecmp(v->s[i], tag) == 0)
			return true;
	return false;
}

static void add_list(cJSON *what, const char *field, const char *text)
{
	struct strv v = { 0 };

	if (text == NULL)
		return;
	strv_split(&v, text, ",");
	cJSON_AddItemToObject(what, field, json_from_strv(&v));
	strv_fini(&v);
}

/* "until" as a time, or "for" as a duration from now. */
static int add_until(cJSON *spec, const cJSON *args, cJSON *out)
{
	const char *until = arg(args, "until"), *time = arg(args, "for");
	char text[40];
	int64_t ms;

	if (until) {
		cJSON_AddStringToObject(spec, "until", until);
		return 0;
	}
	if (time == NULL)
		return 0;
	if (clock_duration_ms(time, &ms) || ms <= 0)
		return explain_fail(out, ERR_INVALID, "for is no duration like 90m");
	cJSON_AddStringToObject(spec, "until",
				clock_rfc3339(clock_real_s() + (ms + 999) / 1000, text));
	return 0;
}

static bool is_tag(const struct gslb *g, const char *text)
{
	return strcasecmp(text, g->own_tag) == 0 || list_has(&g->peer_tags, text);
}

/* "target" is whatever a human calls it: a geo tag, an address, a member "ns/name", a host. */
static const char *target_as(const struct gslb *g, const cJSON *args, const char *kind)
{
	const char *given = arg(args, kind), *target = arg(args, "target"), *is = "host";
	struct netaddr a;

	if (given || target == NULL)
		return given;
	if (is_tag(g, target))
		is = "geo_tag";
	else if (netaddr_from_text(target, &a) == 0)
		is = "address";
	else if (strchr(target, '/'))
		is = "member";
	return strcmp(is, kind) == 0 ? target : NULL;
}

/* The arguments as a Drain's spec; the caller deletes it. */
static int drain_spec(const struct gslb *g, const cJSON *args, cJSON *out, cJSON **ret)
{
	cJSON *spec = cJSON_CreateObject(), *what = cJSON_AddObjectToObject(spec, "what");
	const char *tag = target_as(g, args, "geo_tag"), *member = target_as(g, args, "member");

	if (tag)
		cJSON_AddStringToObject(what, "geoTag", tag);
	if (member)
		cJSON_AddStringToObject(what, "member", member);
	add_list(what, "hosts", target_as(g, args, "host"));
	add_list(what, "addresses", target_as(g, args, "address"));
	if (arg(args, "action"))
		cJSON_AddStringToObject(spec, "action", arg(args, "action"));
	cJSON_AddStringToObject(spec, "reason", arg(args, "reason") ? arg(args, "reason") : "");
	if (arg(args, "author"))
		cJSON_AddStringToObject(spec, "author", arg(args, "author"));
	if (arg(args, "from"))
		cJSON_AddStringToObject(spec, "from", arg(args, "from"));
	cJSON_AddBoolToObject(spec, "force", is_yes(args, "force"));
	int err = add_until(spec, args, out);
	if (err)
		cJSON_Delete(spec);
	else
		*ret = spec;
	return err;
}

/* Hosts that would lose their last live member, named; 0 if there are none or it is forced. */
static int refuse_last(struct gslb *g, const cJSON *args, const cJSON *spec, cJSON *out)
{
	struct strv hosts = { 0 };
	char *why = NULL;
	int err = drains_check(g->drains, spec, &hosts, &why);

	if (!err && hosts.n && !is_yes(args, "force")) {
		size_t shown = hosts.n > 5 ? 5 : hosts.n;
		struct strv some = { .s = hosts.s, .n = shown };
		char *list = strv_join(&some, ", ");

		why = mem_printf("%zu host%s would be left without a live member: %s%s; use force "
				 "to drain all the same",
				 hosts.n, hosts.n == 1 ? "" : "s", list,
				 shown < hosts.n ? " …" : "");
		err = ERR_DENIED;
		free(list);
	}
	if (err)
		(void)explain_fail(out, err, why ? why : error_text(err));
	free(why);
	strv_fini(&hosts);
	return err;
}

static void add_normal(struct strv *to, const char *list)
{
	struct strv words = { 0 };

	strv_split(&words, list, ",");
	for (size_t i = 0; i < words.n; i++)
		strv_take(to, dname_text_normal(words.s[i]));
	strv_fini(&words);
}

/* A word that is no tag, address, member or host here is a slip of the pen, unless forced. */
static int refuse_nothing(struct gslb *g, const cJSON *args, cJSON *out)
{
	const char *target = target_as(g, args, "host");
	struct strv hosts = { 0 };
	bool found = false;

	if (target == NULL || arg(args, "host") || is_yes(args, "force"))
		return 0;
	add_normal(&hosts, target);
	for (struct map_item *i = map_first(&g->hosts); i && !found; i = map_next(&g->hosts, i))
		found = policy_list_has_host(&hosts, i->key);
	strv_fini(&hosts);
	if (found)
		return 0;
	char *why = mem_printf("%s is no geo tag, address, member or host here", target);
	int err = explain_fail(out, ERR_NOT_FOUND, why);
	free(why);
	return err;
}

static char *drain_name(const struct gslb *g, const cJSON *args)
{
	const char *name = arg(args, "name") ? arg(args, "name") : arg(args, "target");
	const char *action = arg(args, "action");
	char *id;

	if (name) /* a target may be forced up before and after it is drained */
		return mem_printf("ctl/%s%s",
				  action && strcmp(action, "ForceUp") == 0 ? FORCED : "", name);
	for (unsigned i = 1;; i++) {
		id = mem_printf("ctl/%s-%u", arg(args, "geo_tag") ? arg(args, "geo_tag") : "drain",
				i);
		if (!drains_has(g->drains, id))
			return id;
		free(id);
	}
}

static int cmd_drain(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	cJSON *spec = NULL;
	char *why = NULL;
	int err = drain_spec(g, args, out, &spec);

	if (err)
		return err;
	gslb_pass(g);
	err = refuse_nothing(g, args, out);
	if (!err)
		err = refuse_last(g, args, spec, out);
	if (!err) {
		char *id = drain_name(g, args);

		err = drains_put(g->drains, id, spec, &why);
		if (err)
			(void)explain_fail(out, err, why);
		else
			cJSON_AddStringToObject(out, "name", id + 4);
		free(id);
		free(why);
		gslb_pass(g);
	}
	cJSON_Delete(spec);
	return err;
}

static int cmd_undrain(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	const char *name = arg(args, "name") ? arg(args, "name") : arg(args, "target");
	int err = ERR_NOT_FOUND;

	if (name == NULL)
		return explain_fail(out, ERR_INVALID, "target is missing");
	char *id = strncmp(name, "ctl/", 4) == 0 ? mem_strdup(name) : mem_printf("ctl/%s", name);
	if (drains_has(g->drains, id))
		err = drains_put(g->drains, id, NULL, NULL);
	if (err)
		(void)explain_fail(
			out, err,
			"no drain of this name was made with gslbctl here; Drain objects "
			"are deleted where they are kept");
	free(id);
	gslb_pass(g);
	return err;
}

/* "force TARGET": up, whatever health and probes say. */
static int cmd_force(void *ctx, const cJSON *args, cJSON *out)
{
	cJSON *up = cJSON_Duplicate(args, true);

	cJSON_DeleteItemFromObjectCaseSensitive(up, "action");
	cJSON_AddStringToObject(up, "action", "ForceUp");
	int err = cmd_drain(ctx, up, out);
	cJSON_Delete(up);
	return err;
}

static int cmd_unforce(void *ctx, const cJSON *args, cJSON *out)
{
	const char *target = arg(args, "name") ? arg(args, "name") : arg(args, "target");
	char *name = target ? mem_printf(FORCED "%s", target) : NULL;
	cJSON *named = cJSON_CreateObject();

	if (name)
		cJSON_AddStringToObject(named, "name", name);
	int err = cmd_undrain(ctx, named, out);
	cJSON_Delete(named);
	free(name);
	return err;
}

static int cmd_drains(void *ctx, const cJSON *args, cJSON *out)
{
	const struct gslb *g = ctx;

	(void)args;
	drains_explain(g->drains, cJSON_AddObjectToObject(out, "drains"));
	return 0;
}

/* --- failback ----------------------------------------------------------------------------- */

static int cmd_failback(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	struct host *h = NULL;
	int err = explain_read_host(g, args, out, &h);

	if (err)
		return err;
	if (h->memory.better_ms == 0)
		return explain_fail(out, ERR_INVALID, "nothing waits: the best fit tier answers");
	h->memory.release = true;
	host_touch(h, "failback", NULL);
	gslb_pass(g);
	cJSON_AddStringToObject(out, "host", h->name);
	cJSON_AddItemToObject(out, "answer", json_from_strv(&h->answer));
	return 0;
}

/* --- simulate -------------------------------------------------------------------------------- */

struct what_if {
	struct strv down, up, drained; /* geo tags */
	struct gslb_weight *weights;
	size_t nweights;
};

static void what_if_fini(struct what_if *w)
{
	for (size_t i = 0; i < w->nweights; i++)
		free(w->weights[i].geo_tag);
	free(w->weights);
	strv_fini(&w->down);
	strv_fini(&w->up);
	strv_fini(&w->drained);
}

static int read_what_if(const cJSON *args, cJSON *out, struct what_if *w)
{
	struct strv pairs = { 0 };
	int err = 0;

	strv_split(&w->down, arg(args, "down") ? arg(args, "down") : "", ",");
	strv_split(&w->up, arg(args, "up") ? arg(args, "up") : "", ",");
	strv_split(&w->drained, arg(args, "drain") ? arg(args, "drain") : "", ",");
	strv_split(&pairs, arg(args, "weights") ? arg(args, "weights") : "", ",");
	w->weights = mem_calloc(pairs.n, sizeof(*w->weights));
	for (size_t i = 0; i < pairs.n && !err; i++) {
		char *eq = strchr(pairs.s[i], '='), *end = NULL;
		unsigned long n = eq ? strtoul(eq + 1, &end, 10) : 0;

		if (eq == NULL || end == eq + 1 || *end || n > 1000) {
			err = explain_fail(out, ERR_INVALID,
					   "weights are TAG=0..1000, separated by commas");
			break;
		}
		*eq = '\0';
		w->weights[w->nweights].geo_tag = mem_strdup(pairs.s[i]);
		w->weights[w->nweights++].weight = (unsigned)n;
	}
	strv_fini(&pairs);
	return err;
}

/* The decision of H as it would be.  DECL is scratch that D borrows. */
static void imagine(const struct host *h, const struct what_if *w, struct gslb_decl *decl,
		    struct decision *d)
{
	struct decide_memory memory = h->memory;
	uint64_t wake_ms;

	*decl = *h->d.decl;
	if (w->nweights) {
		decl->weights = w->weights;
		decl->nweights = w->nweights;
	}
	*d = (struct decision){ .decl = decl, .policy = h->d.policy };
	for (size_t i = 0; i < h->d.nsites; i++) {
		const struct site *s = &h->d.sites[i];
		struct site copy = *s;

		copy.geo_tag = mem_strdup(s->geo_tag);
		copy.name = mem_strdup(s->name);
		copy.detail = mem_strdup(s->detail);
		(void)decide_add_site(d, &copy);
		for (size_t m = 0; m < s->n; m++) {
			const struct member *from = &h->d.members[s->first + m];

			decide_add_member(d, &from->addr);
			struct member *to = &d->members[d->nmembers - 1];
			to->is_live = from->is_live;
			to->is_drained = from->is_drained;
			to->reason = from->is_live ? NULL : from->reason;
			if (list_has(&w->up, s->geo_tag))
				to->is_live = true;
			if (list_has(&w->down, s->geo_tag))
				to->is_live = false;
			if (list_has(&w->drained, s->geo_tag))
				to->is_live = !(to->is_drained = true);
			if (!to->is_live && from->is_live)
				to->reason = "Simulated";
		}
	}
	/* a what-if does not wait for delays */
	memory = (struct decide_memory){ .release = memory.release };
	decide_run(d, strategy_find(decl->strategy), &memory, clock_mono_ms(), &wake_ms);
}

static void simulate_host(const struct host *h, const struct what_if *w,
			  const struct netaddr *client, cJSON *out)
{
	struct gslb_decl decl;
	struct decision d;

	imagine(h, w, &decl, &d);
	cJSON_AddStringToObject(out, "host", h->name);
	explain_client(&h->d, h->g->geo, client, cJSON_AddObjectToObject(out, "now"));
	cJSON *then = cJSON_AddObjectToObject(out, "then");
	explain_client(&d, h->g->geo, client, then);
	cJSON_AddStringToObject(then, "reason", d.reason ? d.reason : "");
	decide_fini(&d);
}

/* "clients": networks separated by commas, the shares of each before and after. */
static int simulate_groups(const struct host *h, const struct what_if *w, const char *list,
			   cJSON *out)
{
	cJSON *groups = cJSON_AddArrayToObject(out, "groups");
	struct strv clients = { 0 };
	int err = 0;

	strv_split(&clients, list, ",");
	for (size_t i = 0; i < clients.n && !err; i++) {
		struct netprefix p;

		if (netprefix_from_text(clients.s[i], &p)) {
			err = explain_fail(
				out, ERR_INVALID,
				"clients are addresses or networks, separated by commas");
			break;
		}
		cJSON *o = cJSON_CreateObject();
		cJSON_AddStringToObject(o, "client", clients.s[i]);
		simulate_host(h, w, &p.addr, o);
		cJSON_AddItemToArray(groups, o);
	}
	strv_fini(&clients);
	return err;
}

/* Without a name: every host whose answer would change. */
static void simulate_all(struct gslb *g, const struct what_if *w, const struct netaddr *client,
			 cJSON *out)
{
	cJSON *list = cJSON_AddArrayToObject(out, "hosts");
	size_t down = 0, n = 0;

	gslb_pass(g);
	for (struct map_item *i = map_first(&g->hosts); i; i = map_next(&g->hosts, i)) {
		const struct host *h = i->value;
		cJSON *o;

		if (h->nclaims == 0 || h->zone == NULL)
			continue;
		o = cJSON_CreateObject();
		simulate_host(h, w, client, o);
		n++;
		down += cJSON_GetArraySize(json_get(o, "then.answer")) == 0;
		if (json_equal(json_get(o, "now.shares"), json_get(o, "then.shares")))
			cJSON_Delete(o);
		else
			cJSON_AddItemToArray(list, o);
	}
	cJSON_AddNumberToObject(out, "hosts_all", (double)n);
	cJSON_AddNumberToObject(out, "hosts_without_answer", (double)down);
}

static int cmd_simulate(void *ctx, const cJSON *args, cJSON *out)
{
	struct gslb *g = ctx;
	struct what_if w = { 0 };
	struct netaddr client;
	struct host *h = NULL;
	int err = explain_read_client(args, out, &client);

	if (!err)
		err = read_what_if(args, out, &w);
	if (!err && arg(args, "name"))
		err = explain_read_host(g, args, out, &h);
	if (!err && h && h->zone == NULL)
		err = explain_fail(out, ERR_INVALID, "the host is in no load-balanced zone");
	if (!err && h)
		simulate_host(h, &w, &client, out);
	if (!err && h && arg(args, "clients"))
		err = simulate_groups(h, &w, arg(args, "clients"), out);
	else if (!err && !h)
		simulate_all(g, &w, &client, out);
	what_if_fini(&w);
	return err;
}

static int cmd_check_delegation(void *ctx, const cJSON *args, cJSON *out)
{
	const struct gslb *g = ctx;
	const char *zone = arg(args, "zone");
	cJSON *zones = cJSON_AddObjectToObject(out, "zones"), *z, *next;
	char *normal = zone ? dname_text_normal(zone) : NULL;

	parent_explain(g->parent, zones);
	for (z = zones->child; z; z = next) {
		next = z->next;
		if (normal && strcmp(z->string, normal) != 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(zones, z));
	}
	free(normal);
	if (zone && zones->child == NULL)
		return explain_fail(out, ERR_NOT_FOUND, "no such load-balanced zone");
	return 0;
}

void commands_register(struct gslb *g)
{
	status_command("drain", true, cmd_drain, g);
	status_command("undrain", true, cmd_undrain, g);
	status_command("force", true, cmd_force, g);
	status_command("unforce", true, cmd_unforce, g);
	status_command("drains", false, cmd_drains, g);
	status_command("failback", true, cmd_failback, g);
	status_command("check-delegation", false, cmd_check_delegation, g);
	status_command("simulate", false, cmd_simulate, g);
}

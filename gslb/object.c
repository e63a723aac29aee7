/*
 * object - a declaration (Gslb, annotated Ingress): which one is in force, which
 * hosts it claims, and what is told back about it.  Control thread.
 *
 * A declaration with an error changes nothing: the last good one of the same
 * object stays in force, and the error is told.
 */
#include <stdlib.h>
#include <string.h>

#include "gslb/host_metrics.h"
#include "gslb/inside.h"
#include "gslb/persist.h"
#include "gslb/policy.h"
#include "lib/buf.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/metric.h"

/* --- put and remove -------------------------------------------------------------- */

static void unclaim_all(struct object *o)
{
	host_metrics_object_gone(o);
	for (size_t i = 0; o->good && i < o->good->nhosts; i++)
		if (o->hosts[i])
			host_unclaim(o->hosts[i], o);
	free(o->hosts);
	o->hosts = NULL;
}

static void claim_all(struct gslb *g, struct object *o)
{
	o->hosts = mem_calloc(o->good->nhosts, sizeof(*o->hosts));
	for (size_t i = 0; i < o->good->nhosts; i++) {
		const struct gslb_host_decl *h = &o->good->hosts[i];

		o->hosts[i] = host_get(g, h->host);
		if (o->hosts[i])
			host_claim(o->hosts[i], o, h);
	}
}

/* What the decision needs and k8s cannot know. */
static void check(struct gslb_decl *d)
{
	if (d->error || strategy_find(d->strategy))
		return;
	char *known = strategy_names();

	d->error = mem_printf("spec.strategy.type: '%s' is none of %s",
			      d->strategy ? d->strategy : "", known);
	mem_strset(&d->error_reason, "InvalidStrategy");
	free(known);
}

void object_touch(struct gslb *g, struct object *o)
{
	if (!o->is_dirty) {
		o->is_dirty = true;
		o->next_dirty = g->dirty_objects;
		g->dirty_objects = o;
	}
	gslb_soon(g);
}

static void free_decls(struct object *o)
{
	if (o->d != o->good)
		gslb_decl_free(o->d);
	gslb_decl_free(o->good);
	o->d = o->good = NULL;
}

/* A broken policy leaves the last good one in force; the policy's own object tells its error. */
static void take_policy(const struct gslb *g, struct object *o)
{
	cJSON *spec = o->good->policy_json ? cJSON_Parse(o->good->policy_json) : NULL;
	char *id = mem_printf("%s/%s", o->good->namespace ? o->good->namespace : "",
			      o->good->name ? o->good->name : "");
	struct policy *p = NULL;
	char *why = NULL;

	if (spec == NULL || policy_parse(id, spec, g->is_trusting, &p, &why) == 0) {
		policy_unref(o->policy);
		o->policy = p;
	}
	free(why);
	free(id);
	cJSON_Delete(spec);
}

void object_put(struct gslb *g, struct gslb_decl *d)
{
	struct object *o = map_get(&g->objects, d->id);

	if (o == NULL) {
		o = MEM_NEW(struct object);
		(void)map_put(&g->objects, d->id, o); /* was not there */
	}
	check(d);
	if (o->is_stale) {
		o->is_stale = false;
		g->nstale--;
	}
	if (d->error) {
		if (o->d != o->good)
			gslb_decl_free(o->d);
		o->d = d;
	} else {
		unclaim_all(o);
		free_decls(o);
		o->d = o->good = d;
		take_policy(g, o);
		claim_all(g, o);
		persist_decl(g, d);
	}
	object_touch(g, o);
}

void object_free(struct object *o)
{
	free_decls(o);
	policy_unref(o->policy);
	free(o->hosts);
	free(o->told);
	free(o->told_error);
	free(o);
}

void object_remove(struct gslb *g, const char *id)
{
	struct object *o = map_remove(&g->objects, id);

	if (o == NULL)
		return;
	persist_decl_gone(g, id);
	unclaim_all(o);
	for (struct object **p = &g->dirty_objects; *p; p = &(*p)->next_dirty) {
		if (*p == o) {
			*p = o->next_dirty;
			break;
		}
	}
	object_free(o);
	gslb_soon(g);
}

/* --- status ---------------------------------------------------------------------- */

static void host_message(const struct host *h, const struct object *o, struct gslb_host_status *s)
{
	if (h == NULL) {
		s->reason = mem_strdup("InvalidHost");
		s->message = mem_printf("'%s' is no host name", s->host);
	} else if (h->zone == NULL) {
		s->reason = mem_strdup("OutsideZones");
		s->message = mem_printf("%s is in no load-balanced zone of this cluster", s->host);
	} else if (h->nclaims && h->claims[0].object != o) {
		s->reason = mem_strdup("HostConflict");
		s->message = mem_printf("%s is claimed by %s, which is older", s->host,
					h->claims[0].object->d->id);
	} else {
		s->reason = mem_strdup(h->d.reason ? h->d.reason : "Pending");
		s->message = mem_strdup(h->d.message ? h->d.message
					: h->note    ? h->note
					: h->skipped ? h->skipped
						     : "");
	}
}

static void fill_host(const struct object *o, size_t i, struct gslb_host_status *s)
{
	const struct gslb_host_decl *d = &o->good->hosts[i];
	const struct host *h = o->hosts[i];

	s->host = mem_strdup(d->host);
	s->health = health_text(h && h->nclaims && h->claims[0].object == o && h->is_resolved
					? h->local
					: health_of(d, o->good->health_policy, NULL));
	host_message(h, o, s);
	if (h && h->zone && h->nclaims && h->claims[0].object == o)
		strv_copy(&s->healthy_records, &h->answer);
}

static void fill_exposed(const struct object *o, struct strv *v)
{
	for (size_t i = 0; o->good && i < o->good->nhosts; i++) {
		const struct host *h = o->hosts[i];

		if (h == NULL || h->d.nsites == 0 || h->claims[0].object != o)
			continue;
		for (size_t j = 0; j < h->d.sites[0].n; j++) {
			char text[NETADDR_TEXT_MAX];

			(void)strv_add_unique(v, netaddr_to_text(&h->d.members[j].addr, text));
		}
		strv_sort(v);
		return; /* the same for every host of an object */
	}
}

/* The worst of the hosts' states speaks for the object. */
static void fill_object(const struct object *o, struct gslb_status *s)
{
	static const char *const bad[] = { "InvalidHost", "OutsideZones", "HostConflict" };
	size_t good = 0;
	const struct gslb_host_status *first = NULL;

	if (o->d->error) {
		s->reason = mem_strdup(o->d->error_reason ? o->d->error_reason : "Invalid");
		s->message = mem_strdup(o->d->error);
		return;
	}
	for (size_t i = 0; i < s->nhosts; i++) {
		bool is_bad = false;

		for (size_t j = 0; j < ARRAY_SIZE(bad); j++)
			is_bad = is_bad || strcmp(s->hosts[i].reason, bad[j]) == 0;
		if (is_bad && !first)
			first = &s->hosts[i];
		good += !is_bad;
	}
	s->accepted = good > 0 && !first;
	s->reason = mem_strdup(first ? first->reason : good ? "Accepted" : "NoHosts");
	s->message = first  ? mem_strdup(first->message)
		     : good ? mem_printf("%zu host%s decided", good, good == 1 ? " is" : "s are")
			    : mem_strdup("the object names no host");
}

static struct gslb_status *make_status(const struct gslb *g, const struct object *o)
{
	struct gslb_status *s = MEM_NEW(struct gslb_status);

	s->geo_tag = g->own_tag;
	if (o->good) {
		s->nhosts = o->good->nhosts;
		s->hosts = mem_calloc(s->nhosts, sizeof(*s->hosts));
		for (size_t i = 0; i < s->nhosts; i++)
			fill_host(o, i, &s->hosts[i]);
		fill_exposed(o, &s->exposed_ips);
	}
	fill_object(o, s);
	return s;
}

static void print_list(struct buf *b, const struct strv *v)
{
	for (size_t i = 0; i < v->n; i++)
		buf_printf(b, " %s", v->s[i]);
	buf_putc(b, '\n');
}

/* All that a reader of the status could see, to find out whether it changed. */
static char *print_status(const struct object *o, const struct gslb_status *s)
{
	struct buf b = { 0 };

	buf_printf(&b, "%lld %d %s %s\n", (long long)o->d->generation, s->accepted, s->reason,
		   s->message);
	print_list(&b, &s->exposed_ips);
	for (size_t i = 0; i < s->nhosts; i++) {
		const struct gslb_host_status *h = &s->hosts[i];

		buf_printf(&b, "%s %s %s %s", h->host, h->health, h->reason, h->message);
		print_list(&b, &h->healthy_records);
	}
	return buf_take(&b);
}

/* --- metrics by k8gb's names ------------------------------------------------------- */

static void count_status(const struct gslb_decl *d, const struct gslb_status *s)
{
	static const char *const words[] = { "Healthy", "Unhealthy", "NotFound" };
	size_t records = 0;

	for (size_t w = 0; w < ARRAY_SIZE(words); w++) {
		size_t n = 0;

		for (size_t i = 0; i < s->nhosts; i++)
			n += strcmp(s->hosts[i].health, words[w]) == 0;
		metric_set(METRIC_K8GB_SERVICE_STATUS_NUM, (double)n, d->namespace, d->name,
			   words[w]);
	}
	for (size_t i = 0; i < s->nhosts; i++)
		records += s->hosts[i].healthy_records.n;
	metric_set(METRIC_K8GB_HEALTHY_RECORDS, (double)records, d->namespace, d->name);
	metric_add(METRIC_K8GB_RECONCILIATION_LOOPS_TOTAL, 1, d->namespace, d->name);
}

void object_tell(struct gslb *g, struct object *o)
{
	const struct gslb_decl *d = o->d;

	if (o->is_stale)
		return; /* its source will say how it is */
	if (d->error && (o->told_error == NULL || strcmp(o->told_error, d->error) != 0)) {
		if (g->env.on_event)
			g->env.on_event(g->env.ctx, d->id, true,
					d->error_reason ? d->error_reason : "Invalid", d->error);
		if (d->namespace && d->name)
			metric_add(METRIC_K8GB_ERRORS_TOTAL, 1, d->namespace, d->name);
	}
	if (d->namespace && d->name)
		metric_add(METRIC_K8GB_ERRORS_TOTAL, 0, d->namespace,
			   d->name); /* it is there from the start */
	mem_strset(&o->told_error, d->error);
	struct gslb_status *s = make_status(g, o);
	char *text = print_status(o, s);
	if (d->namespace && d->name)
		count_status(d, s);
	host_metrics_object(o);
	if (o->told == NULL || strcmp(o->told, text) != 0) {
		if (g->env.on_resolved)
			g->env.on_resolved(g->env.ctx, d->id, s);
		free(o->told);
		o->told = text;
		text = NULL;
	}
	free(text);
	gslb_status_free(s);
}

/*
 * host_metrics - numbers about hosts and their Gslbs; see host_metrics.h.
 */
#include "gslb/host_metrics.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "gslb/inside.h"
#include "lib/mem.h"
#include "lib/metric.h"

static const enum health healths[] = { HEALTH_HEALTHY, HEALTH_UNHEALTHY, HEALTH_NOT_FOUND };

static struct gslb *shown;

static void count_hosts(void *ctx)
{
	(void)ctx;
	metric_clear(METRIC_HOSTS);
	if (!shown)
		return;
	for (struct map_item *i = map_first(&shown->hosts); i; i = map_next(&shown->hosts, i)) {
		const struct host *h = i->value;

		if (h->is_resolved && h->d.decl && h->d.decl->strategy)
			metric_add(METRIC_HOSTS, 1, h->d.decl->strategy);
	}
}

void host_metrics_start(struct gslb *g)
{
	shown = g;
	metric_collector(count_hosts, NULL);
}

void host_metrics_stop(const struct gslb *g)
{
	if (shown == g)
		shown = NULL;
}

void host_metrics_resolved(const struct host *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++) {
		size_t n = 0;

		for (size_t m = 0; m < h->d.nmembers; m++)
			n += h->d.sites[h->d.members[m].site].health == healths[i];
		metric_set(METRIC_HOST_MEMBERS, (double)n, h->name, health_text(healths[i]));
	}
	metric_set(METRIC_HOST_ANSWER, (double)h->answer.n, h->name);
}

void host_metrics_gone(const struct host *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++)
		metric_drop(METRIC_HOST_MEMBERS, h->name, health_text(healths[i]));
	metric_drop(METRIC_HOST_ANSWER, h->name);
}

/* k8gb's gauge for a strategy; METRIC_COUNT for those that k8gb does not have. */
static enum metric gauge_of(const char *strategy)
{
	static const struct {
		const char *strategy;
		enum metric metric;
	} rows[] = {
		{ "failover", METRIC_K8GB_STATUS_COUNT_FOR_FAILOVER },
		{ "roundRobin", METRIC_K8GB_STATUS_COUNT_FOR_ROUNDROBIN },
		{ "geoip", METRIC_K8GB_STATUS_COUNT_FOR_GEOIP },
	};

	for (size_t i = 0; strategy && i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].strategy, strategy))
			return rows[i].metric;
	}
	return METRIC_COUNT;
}

/* "Healthy", for failover "Healthy_primary" or "Healthy_secondary", as k8gb says it. */
static const char *status_label(const struct gslb_decl *d, enum health health, const char *own_tag,
				char *text, size_t size)
{
	const char *part = "";

	if (gauge_of(d->strategy) == METRIC_K8GB_STATUS_COUNT_FOR_FAILOVER)
		part = d->primary_geo_tag && !strcasecmp(d->primary_geo_tag, own_tag)
			       ? "_primary"
			       : "_secondary";
	snprintf(text, size, "%s%s", health_text(health), part);
	return text;
}

/* Own targets of the object's hosts whose own health is HEALTH. */
static size_t count_targets(const struct object *o, enum health health)
{
	size_t n = 0;

	for (size_t i = 0; i < o->good->nhosts; i++) {
		const struct host *h = o->hosts[i];

		if (!h || !h->is_resolved || h->local != health)
			continue;
		for (size_t m = 0; m < h->d.nmembers; m++)
			n += h->d.sites[h->d.members[m].site].source == SITE_LOCAL;
	}
	return n;
}

/* The cluster's tag, by way of a host; NULL if the object has none, and so no numbers. */
static const char *own_tag_of(const struct object *o)
{
	if (!o->good || !o->good->namespace || !o->good->name)
		return NULL;
	for (size_t i = 0; o->hosts && i < o->good->nhosts; i++) {
		if (o->hosts[i])
			return o->hosts[i]->g->own_tag;
	}
	return NULL;
}

void host_metrics_object(const struct object *o)
{
	const char *own_tag = own_tag_of(o);
	const struct gslb_decl *d = o->good;
	char text[64];
	size_t local = 0;

	if (!own_tag)
		return;
	enum metric gauge = gauge_of(d->strategy);

	for (size_t i = 0; gauge != METRIC_COUNT && i < ARRAY_SIZE(healths); i++)
		metric_set(gauge, (double)count_targets(o, healths[i]), d->namespace, d->name,
			   status_label(d, healths[i], own_tag, text, sizeof(text)));
	for (size_t i = 0; i < d->nhosts; i++) {
		const struct host *h = o->hosts[i];

		if (!h || !h->is_resolved)
			continue;
		local += h->local_targets.n;
		metric_set(METRIC_K8GB_ENDPOINT_STATUS_NUM, (double)h->answer.n, d->namespace,
			   d->name, h->name);
	}
	metric_set(METRIC_K8GB_HEALTHY_LOCAL_RECORDS, (double)local, d->namespace, d->name,
		   own_tag);
}

void host_metrics_object_gone(const struct object *o)
{
	const char *own_tag = own_tag_of(o);
	const struct gslb_decl *d = o->good;
	static const enum metric gauges[] = { METRIC_K8GB_STATUS_COUNT_FOR_FAILOVER,
					      METRIC_K8GB_STATUS_COUNT_FOR_ROUNDROBIN,
					      METRIC_K8GB_STATUS_COUNT_FOR_GEOIP };
	static const char *const parts[] = { "", "_primary", "_secondary" };
	char text[64];

	if (!own_tag)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(healths); i++) {
		for (size_t p = 0; p < ARRAY_SIZE(parts); p++) {
			snprintf(text, sizeof(text), "%s%s", health_text(healths[i]), parts[p]);
			for (size_t g = 0; g < ARRAY_SIZE(gauges); g++)
				metric_drop(gauges[g], d->namespace, d->name, text);
		}
		metric_drop(METRIC_K8GB_SERVICE_STATUS_NUM, d->namespace, d->name,
			    health_text(healths[i]));
	}
	for (size_t i = 0; i < d->nhosts; i++)
		metric_drop(METRIC_K8GB_ENDPOINT_STATUS_NUM, d->namespace, d->name,
			    d->hosts[i].host);
	metric_drop(METRIC_K8GB_HEALTHY_RECORDS, d->namespace, d->name);
	metric_drop(METRIC_K8GB_HEALTHY_LOCAL_RECORDS, d->namespace, d->name, own_tag);
}

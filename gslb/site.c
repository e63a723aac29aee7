/*
 * site - who offers addresses for a host: this cluster by k8gb's order of
 * precedence, and the peers.  Control thread.
 */
#include "gslb/site.h"

#include <stdlib.h>

#include "gslb/names.h"
#include "gslb/policy.h"
#include "lib/mem.h"

static void add_texts(struct decision *d, const struct strv *v, const char **ret_why)
{
	for (size_t i = 0; i < v->n; i++) {
		struct netaddr a;

		if (netaddr_from_text(v->s[i], &a) == 0)
			decide_add_member(d, &a);
		else
			*ret_why = "InvalidAddress";
	}
}

static void add_names(struct gslb *g, struct decision *d, const struct strv *v,
		      const char **ret_why)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct strv *found = names_get(g->names, v->s[i]);

		if (found)
			add_texts(d, found, ret_why);
		if (found == NULL || found->n == 0)
			*ret_why = "UnresolvedHostname";
	}
}

/* k8gb's order: the annotations, then the cluster's addresses, then the object's status. */
static void add_own_targets(struct gslb *g, struct decision *d, const char **ret_why)
{
	const struct gslb_decl *decl = d->decl;

	if (decl->exposed_hostnames.n) {
		add_names(g, d, &decl->exposed_hostnames, ret_why);
	} else if (decl->exposed_ips.n) {
		add_texts(d, &decl->exposed_ips, ret_why);
	} else if (g->exposed.n) {
		add_texts(d, &g->exposed, ret_why);
	} else {
		add_texts(d, &decl->status_ips, ret_why);
		add_names(g, d, &decl->status_hostnames, ret_why);
	}
}

static int by_address(const void *a, const void *b)
{
	return netaddr_compare(&((const struct member *)a)->addr,
			       &((const struct member *)b)->addr);
}

static void sort_site(struct decision *d, const struct site *s)
{
	if (s->n > 1)
		qsort(&d->members[s->first], s->n, sizeof(*d->members), by_address);
}

void site_add_own(struct host *h)
{
	struct decision *d = &h->d;
	const char *why = NULL;
	struct site *s = decide_add_site(d, &(struct site){ .geo_tag = mem_strdup(h->g->own_tag),
							    .source = SITE_LOCAL,
							    .is_known = true,
							    .weight = SITE_NO_WEIGHT });

	s->health = h->local = health_of(h->claims[0].decl, d->decl->health_policy,
					 h->policy ? &h->policy->readiness : NULL);
	add_own_targets(h->g, d, &why);
	sort_site(d, s);
	if (s->health != HEALTH_HEALTHY)
		s->state = health_text(s->health);
	else if (s->n == 0)
		s->state = why ? why : "NoTargets";
}

void site_add_peer(struct host *h, size_t peer)
{
	struct decision *d = &h->d;
	const struct offer *o = host_offer(h, peer);
	struct site *s =
		decide_add_site(d, &(struct site){ .geo_tag = mem_strdup(h->g->peer_tags.s[peer]),
						   .source = SITE_PEER,
						   .is_known = o && o->is_known,
						   .health = HEALTH_UNHEALTHY,
						   .weight = SITE_NO_WEIGHT });

	if (!s->is_known) {
		s->state = "Unknown";
		return;
	}
	s->health = o->health;
	s->detail = mem_strdup(o->detail);
	for (size_t i = 0; i < o->ntargets; i++)
		decide_add_member(d, &o->targets[i]);
	if (s->n == 0)
		s->state = health_text(s->health == HEALTH_HEALTHY ? HEALTH_UNHEALTHY : s->health);
	/* those that the peer has but does not offer */
	for (size_t i = 0, n = s->n; i < o->nothers; i++) {
		decide_add_member(d, &o->others[i]);
		if (s->n > n)
			d->members[s->first + s->n - 1].reason = "Unhealthy";
		n = s->n;
	}
}

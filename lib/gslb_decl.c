#include "lib/gslb_decl.h"

#include <stdlib.h>
#include <string.h>

static void host_fini(struct gslb_host_decl *h)
{
	for (size_t i = 0; i < h->nbackends; i++) {
		free(h->backends[i].namespace);
		free(h->backends[i].name);
	}
	free(h->backends);
	free(h->host);
}

void gslb_decl_drop_host(struct gslb_decl *d, size_t i)
{
	host_fini(&d->hosts[i]);
	d->nhosts--;
	memmove(&d->hosts[i], &d->hosts[i + 1], (d->nhosts - i) * sizeof(*d->hosts));
}

void gslb_decl_free(struct gslb_decl *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->nhosts; i++)
		host_fini(&d->hosts[i]);
	for (size_t i = 0; i < d->nweights; i++)
		free(d->weights[i].geo_tag);
	free(d->hosts);
	free(d->weights);
	free(d->id);
	free(d->api_group);
	free(d->namespace);
	free(d->name);
	free(d->uid);
	free(d->strategy);
	free(d->primary_geo_tag);
	free(d->policy_json);
	free(d->error);
	free(d->error_reason);
	strv_fini(&d->exposed_hostnames);
	strv_fini(&d->exposed_ips);
	strv_fini(&d->status_ips);
	strv_fini(&d->status_hostnames);
	free(d);
}

void zone_decl_free(struct zone_decl *z)
{
	if (z == NULL)
		return;
	free(z->id);
	free(z->load_balanced_zone);
	free(z->parent_zone);
	free(z->error);
	free(z);
}

void gslb_status_free(struct gslb_status *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->nhosts; i++) {
		free(s->hosts[i].host);
		free(s->hosts[i].reason);
		free(s->hosts[i].message);
		strv_fini(&s->hosts[i].healthy_records);
	}
	free(s->hosts);
	strv_fini(&s->exposed_ips);
	free(s->reason);
	free(s->message);
	free(s);
}

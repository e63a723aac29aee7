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

bool gslb_decl_is_target(const struct gslb_decl *d, const char *namespace, const char *kind,
			 const char *name)
{
	bool is_ingress = d->api_group && strcmp(d->api_group, "networking.k8s.io") == 0;

	if (d->namespace == NULL || d->name == NULL || strcmp(d->namespace, namespace) != 0)
		return false;
	if (strcmp(kind ? kind : "Gslb", is_ingress ? "Ingress" : "Gslb") == 0)
		return strcmp(d->name, name) == 0;
	return kind && d->ref_kind && d->ref_name && strcmp(kind, d->ref_kind) == 0 &&
	       strcmp(name, d->ref_name) == 0;
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
	free(d->ref_kind);
	free(d->ref_name);
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

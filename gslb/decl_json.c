#include "gslb/decl_json.h"

#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/mem.h"

static void put_text(cJSON *o, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(o, name, text);
}

static void put_list(cJSON *o, const char *name, const struct strv *v)
{
	if (v->n)
		cJSON_AddItemToObject(o, name, json_from_strv(v));
}

static cJSON *host_to_json(const struct gslb_host_decl *h)
{
	cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "backends");

	put_text(o, "host", h->host);
	for (size_t i = 0; i < h->nbackends; i++) {
		const struct gslb_backend *b = &h->backends[i];
		cJSON *x = cJSON_CreateObject();

		put_text(x, "namespace", b->namespace);
		put_text(x, "name", b->name);
		cJSON_AddBoolToObject(x, "found", b->found);
		cJSON_AddNumberToObject(x, "ready", b->ready);
		cJSON_AddNumberToObject(x, "serving", b->serving);
		cJSON_AddNumberToObject(x, "total", b->total);
		cJSON_AddItemToArray(list, x);
	}
	return o;
}

cJSON *decl_to_json(const struct gslb_decl *d)
{
	cJSON *o = cJSON_CreateObject(), *weights, *hosts;

	put_text(o, "id", d->id);
	put_text(o, "api_group", d->api_group);
	put_text(o, "namespace", d->namespace);
	put_text(o, "name", d->name);
	put_text(o, "uid", d->uid);
	cJSON_AddNumberToObject(o, "created_s", (double)d->created_s);
	cJSON_AddNumberToObject(o, "generation", (double)d->generation);
	put_text(o, "strategy", d->strategy);
	put_text(o, "ref_kind", d->ref_kind);
	put_text(o, "ref_name", d->ref_name);
	put_text(o, "primary_geo_tag", d->primary_geo_tag);
	cJSON_AddNumberToObject(o, "dns_ttl_s", d->dns_ttl_s);
	cJSON_AddBoolToObject(o, "all", d->health_policy == GSLB_HEALTH_ALL);
	weights = cJSON_AddObjectToObject(o, "weights");
	for (size_t i = 0; i < d->nweights; i++)
		cJSON_AddNumberToObject(weights, d->weights[i].geo_tag, d->weights[i].weight);
	hosts = cJSON_AddArrayToObject(o, "hosts");
	for (size_t i = 0; i < d->nhosts; i++)
		cJSON_AddItemToArray(hosts, host_to_json(&d->hosts[i]));
	put_list(o, "exposed_hostnames", &d->exposed_hostnames);
	put_list(o, "exposed_ips", &d->exposed_ips);
	put_list(o, "status_ips", &d->status_ips);
	put_list(o, "status_hostnames", &d->status_hostnames);
	put_text(o, "policy_json", d->policy_json);
	return o;
}

static void host_from_json(const cJSON *o, struct gslb_host_decl *h)
{
	const cJSON *list = json_get(o, "backends"), *x = NULL;

	h->host = mem_strdup(json_text(o, "host"));
	h->backends = mem_calloc((size_t)cJSON_GetArraySize(list), sizeof(*h->backends));
	cJSON_ArrayForEach(x, list) {
		struct gslb_backend *b = &h->backends[h->nbackends++];

		b->namespace = mem_strdup(json_text(x, "namespace"));
		b->name = mem_strdup(json_text(x, "name"));
		b->found = json_bool(x, "found", false);
		b->ready = (unsigned)json_number(x, "ready", 0);
		b->serving = (unsigned)json_number(x, "serving", 0);
		b->total = (unsigned)json_number(x, "total", 0);
	}
}

static void lists_from_json(const cJSON *o, struct gslb_decl *d)
{
	const cJSON *list = json_get(o, "weights"), *x = NULL;

	d->weights = mem_calloc((size_t)cJSON_GetArraySize(list), sizeof(*d->weights));
	cJSON_ArrayForEach(x, list) {
		d->weights[d->nweights].geo_tag = mem_strdup(x->string);
		d->weights[d->nweights++].weight = (unsigned)x->valuedouble;
	}
	list = json_get(o, "hosts");
	d->hosts = mem_calloc((size_t)cJSON_GetArraySize(list), sizeof(*d->hosts));
	cJSON_ArrayForEach(x, list)
		host_from_json(x, &d->hosts[d->nhosts++]);
	json_strings(o, "exposed_hostnames", &d->exposed_hostnames);
	json_strings(o, "exposed_ips", &d->exposed_ips);
	json_strings(o, "status_ips", &d->status_ips);
	json_strings(o, "status_hostnames", &d->status_hostnames);
}

struct gslb_decl *decl_from_json(const cJSON *o)
{
	struct gslb_decl *d;

	if (!json_text(o, "id") || !json_text(o, "strategy"))
		return NULL;
	d = MEM_NEW(struct gslb_decl);
	d->id = mem_strdup(json_text(o, "id"));
	d->api_group = mem_strdup(json_text(o, "api_group"));
	d->namespace = mem_strdup(json_text(o, "namespace"));
	d->name = mem_strdup(json_text(o, "name"));
	d->uid = mem_strdup(json_text(o, "uid"));
	d->created_s = json_number(o, "created_s", 0);
	d->generation = json_number(o, "generation", 0);
	d->strategy = mem_strdup(json_text(o, "strategy"));
	d->ref_kind = mem_strdup(json_text(o, "ref_kind"));
	d->ref_name = mem_strdup(json_text(o, "ref_name"));
	d->primary_geo_tag = mem_strdup(json_text(o, "primary_geo_tag"));
	d->dns_ttl_s = (unsigned)json_number(o, "dns_ttl_s", 30);
	d->health_policy = json_bool(o, "all", false) ? GSLB_HEALTH_ALL : GSLB_HEALTH_ANY;
	d->policy_json = mem_strdup(json_text(o, "policy_json"));
	lists_from_json(o, d);
	return d;
}

cJSON *zone_decl_to_json(const struct zone_decl *z)
{
	cJSON *o = cJSON_CreateObject();

	put_text(o, "id", z->id);
	put_text(o, "load_balanced_zone", z->load_balanced_zone);
	put_text(o, "parent_zone", z->parent_zone);
	cJSON_AddNumberToObject(o, "neg_ttl_s", z->neg_ttl_s);
	cJSON_AddBoolToObject(o, "do_finalize", z->do_finalize);
	return o;
}

struct zone_decl *zone_decl_from_json(const cJSON *o)
{
	struct zone_decl *z;

	if (!json_text(o, "id") || !json_text(o, "load_balanced_zone") ||
	    !json_text(o, "parent_zone"))
		return NULL;
	z = MEM_NEW(struct zone_decl);
	z->id = mem_strdup(json_text(o, "id"));
	z->load_balanced_zone = mem_strdup(json_text(o, "load_balanced_zone"));
	z->parent_zone = mem_strdup(json_text(o, "parent_zone"));
	z->neg_ttl_s = (unsigned)json_number(o, "neg_ttl_s", 30);
	z->do_finalize = json_bool(o, "do_finalize", false);
	return z;
}

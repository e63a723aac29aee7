#include "k8s/dns_endpoint_writer.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/cluster.h"
#include "k8s/writer.h"
#include "lib/endpoint.h"
#include "lib/json.h"
#include "lib/mem.h"

#define PREFIX "k8gb-ns-extdns-"

static cJSON *props(const struct endpoint_prop *p, size_t n)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < n; i++) {
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(o, "name", p[i].name);
		(void)cJSON_AddStringToObject(o, "value", p[i].value);
		(void)cJSON_AddItemToArray(list, o);
	}
	return list;
}

static cJSON *endpoint_json(const struct endpoint *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "dnsName", e->dns_name);
	(void)cJSON_AddStringToObject(o, "recordType", e->record_type);
	if (e->record_ttl)
		(void)cJSON_AddNumberToObject(o, "recordTTL", (double)e->record_ttl);
	(void)cJSON_AddItemToObject(o, "targets", json_from_strv(&e->targets));
	if (*e->set_identifier)
		(void)cJSON_AddStringToObject(o, "setIdentifier", e->set_identifier);
	if (e->nlabels) {
		cJSON *labels = cJSON_AddObjectToObject(o, "labels");

		for (size_t i = 0; i < e->nlabels; i++)
			(void)cJSON_AddStringToObject(labels, e->labels[i].name,
						      e->labels[i].value);
	}
	if (e->nprovider_specific)
		(void)cJSON_AddItemToObject(o, "providerSpecific",
					    props(e->provider_specific, e->nprovider_specific));
	return o;
}

static void mark(cJSON *meta, const char *what)
{
	cJSON *o = cJSON_AddObjectToObject(meta, what);

	(void)cJSON_AddStringToObject(o, "k8gb.io/dnstype", "extdns");
	(void)cJSON_AddStringToObject(o, "k8gb.absa.oss/dnstype", "extdns");
}

static void own(cJSON *meta, const struct object *owner, const struct cluster *c)
{
	char *version = owner ? cluster_api_version(c, owner->kind) : NULL;
	cJSON *ref;

	if (version == NULL)
		return;
	ref = cJSON_CreateObject();
	(void)cJSON_AddStringToObject(ref, "apiVersion", version);
	(void)cJSON_AddStringToObject(ref, "kind", kinds[owner->kind].name);
	(void)cJSON_AddStringToObject(ref, "name", owner->name);
	(void)cJSON_AddStringToObject(ref, "uid", owner->uid);
	(void)cJSON_AddBoolToObject(ref, "controller", true);
	(void)cJSON_AddBoolToObject(ref, "blockOwnerDeletion", true);
	(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(meta, "ownerReferences"), ref);
	free(version);
}

static char *body(const struct cluster *c, const char *version, const char *namespace,
		  const char *name, struct endpoint *const *endpoints, size_t n,
		  const struct object *owner)
{
	cJSON *doc = cJSON_CreateObject(), *meta, *list;

	(void)cJSON_AddStringToObject(doc, "apiVersion", version);
	(void)cJSON_AddStringToObject(doc, "kind", "DNSEndpoint");
	meta = cJSON_AddObjectToObject(doc, "metadata");
	(void)cJSON_AddStringToObject(meta, "name", name);
	(void)cJSON_AddStringToObject(meta, "namespace", namespace);
	mark(meta, "labels");
	mark(meta, "annotations");
	own(meta, owner, c);
	list = cJSON_AddArrayToObject(cJSON_AddObjectToObject(doc, "spec"), "endpoints");
	for (size_t i = 0; i < n; i++)
		(void)cJSON_AddItemToArray(list, endpoint_json(endpoints[i]));
	char *text = json_print(doc);
	cJSON_Delete(doc);
	return text;
}

static char *object_name(const char *name)
{
	char *made = strchr(name, '.') ? mem_printf(PREFIX "%s", name) : mem_strdup(name);

	for (char *p = made; *p; p++)
		if (*p == '.')
			*p = '-';
	return made;
}

void dns_endpoint_write(struct writer *w, const struct cluster *c, const char *namespace,
			const char *name, struct endpoint *const *endpoints, size_t n,
			const struct object *owner)
{
	char *made = object_name(name), *key = mem_printf("dnsendpoint %s/%s", namespace, made);
	char *version = cluster_api_version(c, KIND_DNS_ENDPOINT);
	char *path =
		version ? cluster_path(c, KIND_DNS_ENDPOINT, namespace, made, NULL)
			: mem_printf(
				  "/apis/externaldns.k8s.io/v1alpha1/namespaces/%s/dnsendpoints/%s",
				  namespace, made);
	char *text = n ? body(c, version ? version : "externaldns.k8s.io/v1alpha1", namespace, made,
			      endpoints, n, owner)
		       : NULL;

	writer_put(w, key,
		   &(struct write){
			   .kind = n ? WRITE_APPLY : WRITE_DELETE, .path = path, .body = text });
	free(text);
	free(path);
	free(version);
	free(key);
	free(made);
}

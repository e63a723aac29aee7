#include <stdlib.h>
#include <string.h>

#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"

enum address_from {
	FROM_SLICE,
	FROM_HOST,
	FROM_NODE,
};

struct headless {
	struct draft *d;
	const char *name;
	enum address_from from;
	bool not_ready;     /* addresses that are not ready count too */
	bool failed;        /* a node is not known: nothing is published, as half would be wrong */
	struct map targets; /* name -> struct strv */
};

static struct strv *targets_of(struct headless *h, const char *name)
{
	struct strv *v = map_get(&h->targets, name);

	if (v == NULL) {
		v = MEM_NEW(struct strv);
		(void)map_put(&h->targets, name, v);
	}
	return v;
}

static void free_targets(void *targets)
{
	strv_fini(targets);
	free(targets);
}

static void node_targets(struct headless *h, const struct object *pod, struct strv *v)
{
	const char *name = json_text(object_spec(pod), "nodeName");
	const struct object *node = name ? source_get(h->d->run, KIND_NODE, "", name) : NULL;

	if (node == NULL) {
		h->failed = true;
		return;
	}
	node_addresses(node, "ExternalIP", false, v);
	if (h->d->settings->expose_internal_ipv6)
		node_addresses(node, "InternalIP", true, v);
}

/* The pod's own target annotation, else what the Service asks for. */
static void pod_targets(struct headless *h, const struct object *pod, const cJSON *endpoint,
			struct strv *v)
{
	const char *text = NULL;

	annotation_targets(&h->d->settings->prefixes, pod, v);
	if (v->n)
		return;
	switch (h->from) {
	case FROM_NODE:
		node_targets(h, pod, v);
		return;
	case FROM_HOST:
		text = json_text(object_status(pod), "hostIP");
		break;
	case FROM_SLICE: /* further addresses have no defined meaning */
		text = cJSON_GetStringValue(cJSON_GetArrayItem(json_get(endpoint, "addresses"), 0));
		break;
	}
	if (text && *text)
		strv_add(v, text);
}

static void add_targets(struct headless *h, const char *name, const struct strv *targets)
{
	struct strv *v = targets_of(h, name);

	for (size_t i = 0; i < targets->n; i++)
		(void)strv_add_unique(v, targets->s[i]);
}

static void each_endpoint(struct headless *h, const cJSON *endpoint)
{
	const char *name = json_text(endpoint, "targetRef.name");
	const char *kind = json_text(endpoint, "targetRef.kind");
	const struct object *pod;
	const char *hostname;
	struct strv targets = { 0 };

	if (!json_bool(endpoint, "conditions.ready", true) && !h->not_ready)
		return;
	if (name == NULL || kind == NULL || strcmp(kind, "Pod") != 0)
		return;
	pod = source_get(h->d->run, KIND_POD, h->d->obj->namespace, name);
	if (pod == NULL || !service_selects(h->d->obj, pod))
		return;
	pod_targets(h, pod, endpoint, &targets);
	add_targets(h, h->name, &targets);
	hostname = json_text(object_spec(pod), "hostname");
	if (hostname && *hostname) {
		char *long_name = mem_printf("%s.%s", hostname, h->name);

		add_targets(h, long_name, &targets);
		free(long_name);
	}
	strv_fini(&targets);
}

static void each_slice(void *ctx, const struct object *slice)
{
	struct headless *h = ctx;
	const char *type = json_text(slice->json, "addressType");
	const cJSON *it = NULL;

	if (h->from == FROM_SLICE && type && strcmp(type, "IPv4") != 0 && strcmp(type, "IPv6") != 0)
		return;
	cJSON_ArrayForEach(it, json_get(slice->json, "endpoints"))
		each_endpoint(h, it);
}

static enum address_from address_from(const struct draft *d)
{
	const char *type =
		annotation_get(&d->settings->prefixes, d->obj, ANNOTATION_ENDPOINTS_TYPE);

	if (type && strcmp(type, "NodeExternalIP") == 0)
		return FROM_NODE;
	if ((type && strcmp(type, "HostIP") == 0) || d->settings->publish_host_ip)
		return FROM_HOST;
	return FROM_SLICE;
}

void service_headless_add(struct draft *d, const char *name)
{
	struct headless h = {
		.d = d,
		.name = name,
		.from = address_from(d),
		.not_ready = d->settings->always_publish_not_ready_addresses ||
			     json_bool(object_spec(d->obj), "publishNotReadyAddresses", false),
	};

	source_each_slice(d->run, d->obj->namespace, d->obj->name, each_slice, &h);
	for (struct map_item *it = map_first(&h.targets); it && !h.failed;
	     it = map_next(&h.targets, it))
		draft_add(d, it->key, it->value);
	map_fini(&h.targets, free_targets);
}

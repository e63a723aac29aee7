#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"

/* How good a node is for externalTrafficPolicy: Local; the best tier that any node has counts. */
enum node_tier {
	TIER_NONE,
	TIER_RUNNING,     /* a pod runs */
	TIER_TERMINATING, /* … and is ready, but ends */
	TIER_READY,
};

struct addresses {
	struct draft *d;
	struct strv external, internal, internal_v6;
};

struct local_nodes {
	struct draft *d;
	struct map tiers; /* node name -> (void *)enum node_tier */
};

const char *service_type(const struct object *svc)
{
	const char *type = json_text(object_spec(svc), "type");

	return type && *type ? type : "ClusterIP";
}

bool node_counts(const struct source_settings *s, const struct object *node)
{
	return !s->exclude_unschedulable || !json_bool(object_spec(node), "unschedulable", false);
}

void node_addresses(const struct object *node, const char *type, bool v6_only, struct strv *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(node), "addresses")) {
		const char *t = json_text(it, "type"), *address = json_text(it, "address");

		if (t && address && *address && strcmp(t, type) == 0 &&
		    (!v6_only || strcmp(endpoint_suitable_type(address), "AAAA") == 0))
			strv_add(v, address);
	}
}

static void add_node(void *ctx, const struct object *node)
{
	struct addresses *a = ctx;

	if (!node_counts(a->d->settings, node))
		return;
	node_addresses(node, "ExternalIP", false, &a->external);
	node_addresses(node, "InternalIP", false, &a->internal);
	node_addresses(node, "InternalIP", true, &a->internal_v6);
}

struct pod_visit {
	const struct object *svc;
	void (*cb)(void *ctx, const struct object *pod);
	void *ctx;
};

bool service_selects(const struct object *svc, const struct object *pod)
{
	const cJSON *it = NULL;

	/* a Service's selector is a plain map; none selects every pod, as in ExternalDNS */
	cJSON_ArrayForEach(it, json_get(object_spec(svc), "selector")) {
		const char *label = object_label(pod, it->string);

		if (label == NULL || !cJSON_IsString(it) || strcmp(label, it->valuestring) != 0)
			return false;
	}
	return true;
}

static void visit_pod(void *ctx, const struct object *pod)
{
	struct pod_visit *v = ctx;

	if (service_selects(v->svc, pod))
		v->cb(v->ctx, pod);
}

void service_each_pod(struct draft *d, void (*cb)(void *ctx, const struct object *pod), void *ctx)
{
	struct pod_visit v = { d->obj, cb, ctx };

	source_each(d->run, KIND_POD, d->obj->namespace, visit_pod, &v);
}

static bool pod_is_ready(const struct object *pod)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(pod), "conditions")) {
		const char *type = json_text(it, "type"), *status = json_text(it, "status");

		if (type && strcmp(type, "Ready") == 0)
			return status && strcmp(status, "True") == 0;
	}
	return false;
}

static void rate_node(void *ctx, const struct object *pod)
{
	struct local_nodes *l = ctx;
	const char *phase = json_text(object_status(pod), "phase");
	const char *node = json_text(object_spec(pod), "nodeName");
	enum node_tier tier = TIER_RUNNING;

	if (phase == NULL || strcmp(phase, "Running") != 0 || node == NULL)
		return;
	if (pod_is_ready(pod))
		tier = json_text(pod->json, "metadata.deletionTimestamp") ? TIER_TERMINATING
									  : TIER_READY;
	if ((uintptr_t)map_get(&l->tiers, node) < tier)
		(void)map_put(&l->tiers, node, (void *)(uintptr_t)tier);
}

static void add_local_nodes(struct draft *d, struct addresses *a)
{
	struct local_nodes l = { .d = d };
	uintptr_t best = TIER_NONE;

	service_each_pod(d, rate_node, &l);
	for (struct map_item *it = map_first(&l.tiers); it; it = map_next(&l.tiers, it)) {
		const struct object *node = source_get(d->run, KIND_NODE, "", it->key);

		if (node == NULL || !node_counts(d->settings, node))
			it->value = (void *)TIER_NONE;
		if ((uintptr_t)it->value > best)
			best = (uintptr_t)it->value;
	}
	for (struct map_item *it = map_first(&l.tiers); it && best; it = map_next(&l.tiers, it))
		if ((uintptr_t)it->value == best)
			add_node(a, source_get(d->run, KIND_NODE, "", it->key));
	map_fini(&l.tiers, NULL);
}

static void add_all(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->s[i]);
}

void service_node_targets(struct draft *d, struct strv *targets)
{
	const char *policy = json_text(object_spec(d->obj), "externalTrafficPolicy");
	const char *access = annotation_get(&d->settings->prefixes, d->obj, ANNOTATION_ACCESS);
	struct addresses a = { .d = d };
	bool public;

	if (policy && strcmp(policy, "Local") == 0)
		add_local_nodes(d, &a);
	else
		source_each(d->run, KIND_NODE, NULL, add_node, &a);
	if (access && strcmp(access, "public") == 0)
	public = true;
	else if (access && strcmp(access, "private") == 0) public = false;
	else public = a.external.n > 0;
	add_all(targets, public ? &a.external : &a.internal);
	if (public && d->settings->expose_internal_ipv6)
		add_all(targets, &a.internal_v6);
	strv_fini(&a.external);
	strv_fini(&a.internal);
	strv_fini(&a.internal_v6);
}

void service_add_srv(struct draft *d, const char *name)
{
	const cJSON *it = NULL;
	size_t len = strlen(name);

	if (len && name[len - 1] == '.')
		len--;
	cJSON_ArrayForEach(it, json_get(object_spec(d->obj), "ports")) {
		int64_t port = json_number(it, "nodePort", 0);
		const char *protocol = json_text(it, "protocol");
		struct strv target = { 0 };
		char *owner;

		if (port <= 0)
			continue;
		if (protocol == NULL || *protocol == '\0')
			protocol = "tcp";
		/* RFC 2782; the draft makes it lower case */
		owner = mem_printf("_%s._%s.%.*s", d->obj->name, protocol, (int)len, name);
		strv_take(&target, mem_printf("0 50 %d %.*s.", (int)port, (int)len, name));
		draft_add_typed(d, owner, "SRV", &target);
		strv_fini(&target);
		free(owner);
	}
}

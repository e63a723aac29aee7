/*
 * source_nameserver - the addresses at which our name server is reached, for the
 * delegation: as k8gb finds them, the LoadBalancer Service of the name server, or the
 * Ingress labelled k8gb.io/ip-source.  Passed on as {"addresses": […]} of kind NameServer.
 * On whenever source gslb is; CLUSTER_EXPOSED_IPS beats it.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "lib/config.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/netaddr.h"

#define NAME      "app.kubernetes.io/name"
#define COMPONENT "app.kubernetes.io/component"
#define IP_SOURCE "k8gb.io/ip-source"

static const enum kind_id primary[] = { KIND_SERVICE, KIND_INGRESS, KIND_COUNT };

/* Without them there is CLUSTER_EXPOSED_IPS. */
static const enum kind_id none[] = { KIND_COUNT };

static bool label_is(const struct object *o, const char *label, const char *value)
{
	const char *text = object_label(o, label);

	return text && strcmp(text, value) == 0;
}

static bool is_ours(const struct config *c, const struct object *o)
{
	bool takes_services = !strcmp(config_text(c, OPT_COREDNS_SERVICE_TYPE), "LoadBalancer");
	const char *type = json_text(object_spec(o), "type");

	if (o->kind == KIND_INGRESS)
		return !takes_services && label_is(o, IP_SOURCE, "true");
	if (!type || strcmp(type, "LoadBalancer") != 0 || label_is(o, COMPONENT, "metrics") ||
	    strcmp(o->namespace, config_text(c, OPT_POD_NAMESPACE)) != 0)
		return false;
	return label_is(o, NAME, "gslbd") || (takes_services && label_is(o, NAME, "coredns"));
}

static void tell(struct source_run *run, const struct object *o, const char *spec)
{
	const struct endpoint_sink *sink = source_sink(run);
	char *key = object_key(o), *id = mem_printf("%s %s", kinds[o->kind].name, key);

	if (sink->policy)
		sink->policy(sink->ctx, "NameServer", id, spec);
	free(key);
	free(id);
}

static void collect(struct source_run *run, const struct object *o)
{
	struct strv found = { 0 }, addresses = { 0 };

	if (!is_ours(source_config(run), o)) {
		if (source_unsay(run, ""))
			tell(run, o, NULL);
		return;
	}
	draft_load_balancer_targets(o, false, &found);
	for (size_t i = 0; i < found.n; i++) {
		struct netaddr a;

		if (netaddr_from_text(found.s[i], &a))
			source_resolve(run, found.s[i], &addresses);
		else
			(void)strv_add_unique(&addresses, found.s[i]);
	}
	cJSON *spec = cJSON_CreateObject();
	cJSON_AddItemToObject(spec, "addresses", json_from_strv(&addresses));
	char *text = json_print(spec);
	if (source_is_new(run, "", text))
		tell(run, o, text);
	cJSON_Delete(spec);
	free(text);
	strv_fini(&found);
	strv_fini(&addresses);
}

static void removed(struct source_run *run, const struct object *o)
{
	if (source_unsay(run, ""))
		tell(run, o, NULL);
}

const struct source_ops source_nameserver = {
	.name = "nameserver",
	.primary = primary,
	.collect = collect,
	.removed = removed,
	.must = none,
};

#include <stdlib.h>
#include <string.h>

#include "k8s/service.h"
#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/mem.h"

/* What was there before ExternalDNS: zalando's mate, molecule, and kops' dns-controller. */

#define MATE_NAME      "zalando.org/dnsname"
#define MOLECULE_LABEL "dns"
#define MOLECULE_NAME  "domainName"
#define KOPS_EXTERNAL  "dns.alpha.kubernetes.io/external"
#define KOPS_INTERNAL  "dns.alpha.kubernetes.io/internal"
#define KOPS_NODE_ROLE "node-role.kubernetes.io/node"

struct kops {
	bool external;
	struct strv targets;
};

static void add_load_balancer_names(struct draft *d, const char *names)
{
	struct strv list = { 0 }, targets = { 0 };

	annotation_split(names, &list);
	draft_load_balancer_targets(d->obj, false, &targets);
	draft_add_names(d, &list, &targets);
	strv_fini(&list);
	strv_fini(&targets);
}

static void add_mate(struct draft *d)
{
	const char *name = object_annotation(d->obj, MATE_NAME);

	if (name)
		add_load_balancer_names(d, name);
}

static void add_molecule(struct draft *d)
{
	const char *label = object_label(d->obj, MOLECULE_LABEL);
	const char *names = object_annotation(d->obj, MOLECULE_NAME);

	if (label && names && strcmp(label, "route53") == 0)
		add_load_balancer_names(d, names);
}

static void add_kops_node(void *ctx, const struct object *node)
{
	struct kops *k = ctx;

	if (object_label(node, KOPS_NODE_ROLE) == NULL)
		return;
	if (k->external)
		node_addresses(node, "ExternalIP", false, &k->targets);
	/* IPv6 addresses are called internal although they can be reached from outside */
	node_addresses(node, "InternalIP", k->external, &k->targets);
}

static void add_kops(struct draft *d)
{
	const char *external = object_annotation(d->obj, KOPS_EXTERNAL);
	const char *internal = object_annotation(d->obj, KOPS_INTERNAL);
	const char *type = service_type(d->obj);
	struct kops k = { .external = external != NULL };

	if ((external == NULL) ==
	    (internal == NULL)) /* both give nothing, as dns-controller has it */
		return;
	if (strcmp(type, "LoadBalancer") == 0) {
		add_load_balancer_names(d, external ? external : internal);
	} else if (strcmp(type, "NodePort") == 0) {
		struct strv names = { 0 };

		annotation_split(external ? external : internal, &names);
		source_each(d->run, KIND_NODE, NULL, add_kops_node, &k);
		draft_add_names(d, &names, &k.targets);
		strv_fini(&names);
		strv_fini(&k.targets);
	}
}

void service_add_compatible(struct draft *d)
{
	if (strcmp(d->settings->compatibility, "mate") == 0)
		add_mate(d);
	else if (strcmp(d->settings->compatibility, "molecule") == 0)
		add_molecule(d);
	else
		add_kops(d);
}

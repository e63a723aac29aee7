/*
 * source_ambassador_host - Hosts of Ambassador (Emissary) that name their Service in an
 * annotation: spec.hostname at that Service's load balancer.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

#define SERVICE_ANNOTATION "external-dns.ambassador-service"

static const enum kind_id primary[] = { KIND_AMBASSADOR_HOST, KIND_COUNT };
static const enum kind_id also[] = { KIND_SERVICE, KIND_COUNT };

/* "namespace/name", "name.namespace" or "name" (beside the Host). */
static const struct object *find_service(struct source_run *run, const struct object *host,
					 const char *text)
{
	const char *slash = strchr(text, '/'), *dot = strchr(text, '.');
	char *namespace, *name;
	const struct object *svc;

	if (slash) {
		namespace = mem_strndup(text, (size_t)(slash - text));
		name = mem_strdup(slash + 1);
	} else if (dot) {
		namespace = mem_strdup(dot + 1);
		name = mem_strndup(text, (size_t)(dot - text));
	} else {
		namespace = mem_strdup(host->namespace);
		name = mem_strdup(text);
	}
	svc = source_get(run, KIND_SERVICE, namespace, name);
	free(namespace);
	free(name);
	return svc;
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	const char *service = object_annotation(obj, SERVICE_ANNOTATION);
	const char *hostname = json_text(object_spec(obj), "hostname");
	struct strv targets = { 0 };
	const struct object *svc;
	struct draft d;

	if (!source_filter_passes(s, obj) || service == NULL || hostname == NULL)
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (targets.n == 0) {
		svc = find_service(run, obj, service);
		if (svc)
			draft_load_balancer_targets(svc, false, &targets);
		else
			source_error(run, obj, "ServiceNotFound",
				     "annotation %s: there is no Service %s", SERVICE_ANNOTATION,
				     service);
	}
	draft_begin(&d, run, obj, "ambassador-host", "host");
	draft_add(&d, hostname, &targets);
	draft_emit(&d);
	strv_fini(&targets);
}

const struct source_ops source_ambassador_host = {
	.name = "ambassador-host",
	.primary = primary,
	.also = also,
	.collect = collect,
};

/*
 * source_istio_virtualservice - VirtualServices of Istio: their hosts, at the Gateways that they
 * bind to.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/istio.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

static const enum kind_id primary[] = { KIND_VIRTUAL_SERVICE, KIND_COUNT };
static const enum kind_id also[] = { KIND_ISTIO_GATEWAY, KIND_SERVICE, KIND_INGRESS, KIND_GATEWAY,
				     KIND_COUNT };

/* exportTo: "*", the Gateway's namespace, or "." when it is the object's own. */
static bool exported_to(const struct object *vs, const struct object *gateway)
{
	const cJSON *list = json_get(object_spec(vs), "exportTo"), *it = NULL;

	if (cJSON_GetArraySize(list) == 0)
		return true;
	cJSON_ArrayForEach(it, list) {
		const char *ns = cJSON_GetStringValue(it);

		if (ns &&
		    (strcmp(ns, "*") == 0 || strcmp(ns, gateway->namespace) == 0 ||
		     (strcmp(ns, ".") == 0 && strcmp(gateway->namespace, vs->namespace) == 0)))
			return true;
	}
	return false;
}

/* The namespace part of a server's host lets VS in. */
static bool namespace_lets_in(const char *host, const struct object *vs,
			      const struct object *gateway)
{
	const char *slash = strchr(host, '/');
	size_t n = slash ? (size_t)(slash - host) : 0;

	if (slash == NULL || (n == 1 && *host == '*'))
		return true;
	if (n == 1 && *host == '.')
		return strcmp(vs->namespace, gateway->namespace) == 0;
	return strncmp(host, vs->namespace, n) == 0 && vs->namespace[n] == '\0';
}

static bool host_covers(const char *host, const char *name)
{
	size_t h = strlen(host), n = strlen(name);

	if (strcmp(host, "*") == 0 || strcmp(host, name) == 0)
		return true;
	return strncmp(host, "*.", 2) == 0 && n >= h - 1 &&
	       strcmp(name + n - (h - 1), host + 1) == 0;
}

static bool binds(const struct object *vs, const struct object *gateway, const char *name)
{
	const cJSON *server = NULL, *it = NULL;

	if (!exported_to(vs, gateway))
		return false;
	cJSON_ArrayForEach(server, json_get(object_spec(gateway), "servers"))
		cJSON_ArrayForEach(it, json_get(server, "hosts")) {
			const char *host = cJSON_GetStringValue(it);
			const char *slash = host ? strchr(host, '/') : NULL;

			if (host == NULL || (slash && strchr(slash + 1, '/')))
				continue;
			if (namespace_lets_in(host, vs, gateway) &&
			    host_covers(istio_host_name(host), name))
				return true;
		}
	return false;
}

static const struct object *find_gateway(struct source_run *run, const struct object *vs,
					 const char *text)
{
	const char *slash = strchr(text, '/');
	char *namespace;
	const struct object *gateway;

	if (*text == '\0' || strcmp(text, "mesh") == 0) /* the sidecars; nothing to publish */
		return NULL;
	namespace = slash ? mem_strndup(text, (size_t)(slash - text)) : mem_strdup(vs->namespace);
	gateway = source_get(run, KIND_ISTIO_GATEWAY, namespace, slash ? slash + 1 : text);
	free(namespace);
	return gateway;
}

static void name_targets(struct draft *d, const char *name, struct strv *targets)
{
	const cJSON *it = NULL;

	annotation_targets(&d->settings->prefixes, d->obj, targets);
	if (targets->n)
		return;
	cJSON_ArrayForEach(it, json_get(object_spec(d->obj), "gateways")) {
		const char *text = cJSON_GetStringValue(it);
		const struct object *gateway = text ? find_gateway(d->run, d->obj, text) : NULL;
		struct strv v = { 0 };

		if (gateway == NULL || !binds(d->obj, gateway, name))
			continue;
		istio_gateway_targets(d->run, gateway, &v);
		for (size_t i = 0; i < v.n; i++)
			(void)strv_add_unique(targets, v.s[i]);
		strv_fini(&v);
	}
}

static void add_name(struct draft *d, const char *name, void *ctx)
{
	struct strv targets = { 0 };

	(void)ctx;
	name_targets(d, name, &targets);
	draft_add(d, name, &targets);
	strv_fini(&targets);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	const cJSON *it = NULL;
	struct strv names = { 0 };
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	draft_begin(&d, run, obj, "istio-virtualservice", "virtualservice");
	cJSON_ArrayForEach(it, json_get(object_spec(obj), "hosts")) {
		const char *host = cJSON_GetStringValue(it);

		if (host && *host && strcmp(host, "*") != 0)
			add_name(&d, istio_host_name(host), NULL);
	}
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	for (size_t i = 0; i < names.n; i++)
		add_name(&d, names.s[i], NULL);
	draft_add_templated(&d, add_name, NULL);
	draft_emit(&d);
	strv_fini(&names);
}

const struct source_ops source_istio_virtualservice = {
	.name = "istio-virtualservice",
	.primary = primary,
	.also = also,
	.collect = collect,
};

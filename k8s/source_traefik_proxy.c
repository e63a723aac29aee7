/*
 * source_traefik_proxy - IngressRoutes of Traefik (HTTP, TCP, UDP): names in the matchers Host,
 * HostHeader and HostSNI; targets only from the target annotation.  Control thread.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/draft.h"
#include "k8s/fqdn_template.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

static const enum kind_id also[] = { KIND_COUNT };

/* What stands between back-ticks up to the closing parenthesis; AT is behind the opening one. */
static const char *take_values(const char *at, struct strv *names)
{
	while (*at && *at != ')') {
		const char *end;

		if (*at++ != '`')
			continue;
		end = strchr(at, '`');
		if (end == NULL)
			return at + strlen(at);
		char *name = mem_strndup(at, (size_t)(end - at));
		if (strcmp(name, "*") != 0) /* HostSNI(`*`): whatever passes TLS through */
			(void)strv_add_unique(names, name);
		free(name);
		at = end + 1;
	}
	return at;
}

/* Behind one of the matchers and its opening parenthesis, or NULL. */
static const char *after_matcher(const char *at)
{
	static const char *const matchers[] = { "HostSNI", "HostHeader", "Host" };

	for (size_t i = 0; i < ARRAY_SIZE(matchers); i++) {
		size_t n = strlen(matchers[i]);
		const char *open = at + n;

		if (strncmp(at, matchers[i], n) != 0)
			continue;
		open += strspn(open, " \t\r\n");
		if (*open == '(')
			return open + 1;
	}
	return NULL;
}

static void match_names(const char *match, struct strv *names)
{
	for (const char *at = match; *at; at++) {
		bool starts = at == match || !isalnum((unsigned char)at[-1]);
		const char *values = starts ? after_matcher(at) : NULL;

		if (values == NULL)
			continue;
		at = take_values(values, names);
		if (*at == '\0')
			return;
	}
}

static const char *resource_of(const struct object *obj)
{
	if (obj->kind == KIND_INGRESS_ROUTE_TCP || obj->kind == KIND_INGRESS_ROUTE_TCP_LEGACY)
		return "ingressroutetcp";
	if (obj->kind == KIND_INGRESS_ROUTE_UDP || obj->kind == KIND_INGRESS_ROUTE_UDP_LEGACY)
		return "ingressrouteudp";
	return "ingressroute";
}

static void add_name(struct draft *d, const char *name, void *ctx)
{
	struct strv targets = { 0 };
	char *why = NULL;

	(void)ctx;
	if (fqdn_template_targets(d->settings->templates, d->obj, d->source, &targets, &why) < 0)
		draft_template_failed(d, why);
	draft_add(d, name, &targets);
	strv_fini(&targets);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const struct source_settings *s = source_settings(run);
	struct strv names = { 0 }, targets = { 0 };
	const cJSON *it = NULL;
	struct draft d;

	if (!source_filter_passes(s, obj))
		return;
	annotation_targets(&s->prefixes, obj, &targets);
	if (!s->ignore_hostname_annotation)
		annotation_names(&s->prefixes, obj, ANNOTATION_HOSTNAME, &names);
	cJSON_ArrayForEach(it, json_get(object_spec(obj), "routes"))
		if (json_text(it, "match"))
			match_names(json_text(it, "match"), &names);
	draft_begin(&d, run, obj, "traefik-proxy", resource_of(obj));
	draft_add_names(&d, &names, &targets);
	draft_add_templated(&d, add_name, NULL);
	draft_emit(&d);
	strv_fini(&names);
	strv_fini(&targets);
}

const struct source_ops source_traefik_proxy = {
	.name = "traefik-proxy",
	.primary = kind_traefik,
	.also = also,
	.collect = collect,
};

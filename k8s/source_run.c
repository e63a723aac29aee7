/* source_run - one collection of one object, as the source sees it: its part of k8s/source.h. */
#include "k8s/source.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/dependency.h"
#include "k8s/endpoint_check.h"
#include "k8s/host_resolver.h"
#include "k8s/source_parts.h"
#include "k8s/store.h"
#include "k8s/subject.h"
#include "k8s/zone_allow.h"
#include "lib/config.h"
#include "lib/mem.h"

const struct store *source_store(const struct source_run *run)
{
	return run->set->store;
}

const struct config *source_config(const struct source_run *run)
{
	return run->set->config;
}

const struct source_settings *source_settings(const struct source_run *run)
{
	return run->set->settings;
}

const struct endpoint_sink *source_sink(const struct source_run *run)
{
	return run->set->sink;
}

const struct object *source_get(struct source_run *run, enum kind_id kind, const char *namespace,
				const char *name)
{
	const char *ns = kinds[kind].namespaced && namespace ? namespace : "";

	dependency_add(run->subject, dependency_object(kind, ns, name));
	return store_get(run->set->store, kind, ns, name);
}

void source_each(struct source_run *run, enum kind_id kind, const char *namespace,
		 void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	const char *ns = !kinds[kind].namespaced ? "" : namespace ? namespace : "*";

	dependency_add(run->subject, dependency_kind(kind, ns));
	store_each(run->set->store, kind, kinds[kind].namespaced ? namespace : NULL, cb, ctx);
}

void source_each_slice(struct source_run *run, const char *namespace, const char *service,
		       void (*cb)(void *ctx, const struct object *o), void *ctx)
{
	dependency_add(run->subject, dependency_slice(namespace, service));
	store_each_slice(run->set->store, namespace, service, cb, ctx);
}

void source_resolve(struct source_run *run, const char *hostname, struct strv *v)
{
	dependency_add(run->subject, dependency_host(hostname));
	host_resolver_get(run->set->resolver, hostname, v);
}

void source_keep(struct source_run *run)
{
	run->keep = true;
}

/* Postprocess leaves it out and counts it; the object's owner is to know. */
static void report_invalid(struct source_run *run, const struct endpoint *e)
{
	const char *why = endpoint_check(e);

	if (why && !config_bool(run->set->config, OPT_FORCE_DEFAULT_TARGETS))
		source_error(run, NULL, "InvalidEndpoint", "\"%s\" %s is left out: %s", e->dns_name,
			     e->record_type, why);
}

void source_emit(struct source_run *run, struct endpoint *e)
{
	if (endpoint_label(e, "resource") == NULL) {
		char *resource = subject_resource(run->subject);

		endpoint_set_label(e, "resource", resource);
		free(resource);
	}
	const char *namespace = run->subject ? run->subject->namespace : NULL;
	/* an endpoint that no object gave (source fake) is nobody's claim */
	if (namespace && !zone_allow_host(source_config(run), namespace, e->dns_name)) {
		source_error(run, NULL, "HostNotAllowed",
			     "%s: namespace %s may not claim it (--zone-allow)", e->dns_name,
			     namespace);
		endpoint_free(e);
		return;
	}
	report_invalid(run, e);
	endpoint_list_take(&run->emitted, e);
}

static void add_fault(struct source_run *run, bool warning, const char *reason, char *message)
{
	run->faults = mem_array(run->faults, run->nfaults + 1, sizeof(*run->faults));
	run->faults[run->nfaults++] = (struct fault){ mem_strdup(reason), message, warning };
}

void source_error(struct source_run *run, const struct object *obj, const char *reason,
		  const char *fmt, ...)
{
	va_list ap;

	(void)obj; /* always the run's own object today */
	va_start(ap, fmt);
	add_fault(run, false, reason, mem_vprintf(fmt, ap));
	va_end(ap);
}

void source_warning(struct source_run *run, const struct object *obj, const char *reason,
		    const char *fmt, ...)
{
	va_list ap;

	(void)obj;
	va_start(ap, fmt);
	add_fault(run, true, reason, mem_vprintf(fmt, ap));
	va_end(ap);
}

bool source_unsay(struct source_run *run, const char *key)
{
	void *said = map_remove(&run->subject->said, key);
	bool was = said != NULL;

	free(said);
	return was;
}

bool source_is_new(struct source_run *run, const char *key, const char *signature)
{
	struct map *m = &run->subject->said;
	struct said *said = map_get(m, key);
	uint64_t hash = map_hash(signature, strlen(signature));

	if (said == NULL) {
		said = MEM_NEW(struct said);
		(void)map_put(m, key, said);
	} else if (said->hash == hash) {
		said->again = true;
		return false;
	}
	said->hash = hash;
	said->again = true;
	return true;
}

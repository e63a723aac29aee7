/*
 * source - one way to read objects: ExternalDNS's --source names, plus gslb
 * and zonedelegation.  One file each (k8s/source_NAME.c) and one line in
 * k8s/Makefile.inc.  Control thread.
 *
 * The driver (source.c, k8s/source_parts.h) keeps, for every primary object, what collect said it
 * depends on; any change of those makes the object dirty, and it is collected
 * again at the end of the loop pass.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "k8s/object.h"
#include "lib/endpoint.h"
#include "lib/mem.h"

struct store;
struct config;
struct endpoint_sink;
struct source_settings;
struct strv;
struct source_run; /* one collection of one object */

struct source_ops {
	const char *name;            /* "gateway-httproute" */
	const enum kind_id *primary; /* kinds whose objects are collected; ends with KIND_COUNT */
	const enum kind_id *also;    /* kinds that collect reads besides; ends with KIND_COUNT */
	/*
	 * Turn OBJ into endpoints by source_emit (ExternalDNS sources), or into declarations by the
	 * sink (gslb, zonedelegation).  Reads other objects only through source_get/source_each,
	 * which note the dependency.  Errors about the object: source_error.
	 */
	void (*collect)(struct source_run *run, const struct object *obj);
	/* OBJ is gone; NULL if the removal of its endpoints is all. */
	void (*removed)(struct source_run *run, const struct object *obj);
	/* Emit what needs no object, once at start; may be NULL. */
	void (*begin)(struct source_run *run);
	/* Whether, with these flags, collect reads KIND of also; NULL: it always does. */
	bool (*reads)(const struct source_settings *s, enum kind_id kind);
	/*
	 * Primary kinds without which the source is not synced, ends with KIND_COUNT; NULL = all.
	 * The others may be forbidden (narrow RBAC).
	 */
	const enum kind_id *must;
};

const struct store *source_store(const struct source_run *run);
const struct config *source_config(const struct source_run *run);
/* The flags of sources, parsed at start by source_settings_new (k8s/source_settings.h). */
const struct source_settings *source_settings(const struct source_run *run);
const struct endpoint_sink *source_sink(const struct source_run *run);
/* Get and depend on exactly this object, whether or not it exists now. */
const struct object *source_get(struct source_run *run, enum kind_id kind, const char *namespace,
				const char *name);
/* Visit and depend on every object of KIND in NAMESPACE (NULL = all). */
void source_each(struct source_run *run, enum kind_id kind, const char *namespace,
		 void (*cb)(void *ctx, const struct object *o), void *ctx);
/* EndpointSlices of a Service; depends on those. */
void source_each_slice(struct source_run *run, const char *namespace, const char *service,
		       void (*cb)(void *ctx, const struct object *o), void *ctx);
/*
 * Add the addresses of HOSTNAME as last resolved to V, and collect the object again when they
 * change.  Adds nothing while they are not known yet.
 */
void source_resolve(struct source_run *run, const char *hostname, struct strv *v);
/*
 * This collection could not find out what the object gives (its template failed): what it gave
 * before stays, as nothing says that it is wrong.
 */
void source_keep(struct source_run *run);
/* Takes E; sets its resource label ("KIND/NS/NAME") if missing. */
void source_emit(struct source_run *run, struct endpoint *e);
/* The object cannot be used (fully): logged once per change, counted, shown in status, event on the
 * object. */
void source_error(struct source_run *run, const struct object *obj, const char *reason,
		  const char *fmt, ...) MEM_PRINTF(4, 5);

/*
 * True when SIGNATURE differs from what OBJ's collection last said under KEY ("" if one thing
 * only): lets declarations be passed on only when they changed.  What a collection does not say
 * again is forgotten.
 */
bool source_is_new(struct source_run *run, const char *key, const char *signature);
/* KEY was said by the collection before and shall not be any more. */
bool source_unsay(struct source_run *run, const char *key);
/* As source_error, but a warning that leaves the object usable: not counted as an error. */
void source_warning(struct source_run *run, const struct object *obj, const char *reason,
		    const char *fmt, ...) MEM_PRINTF(4, 5);

/* --- the driver; for k8s.c and tests -------------------------------------------------- */

struct loop;
struct source_set;

/* An error of an object that was not there before this collection; for events.  May be NULL. */
typedef void (*source_error_cb)(void *ctx, const struct object *obj, const char *reason,
				const char *message);

/*
 * The sources NAMES out of TABLE (NULL = all that are built in); their endpoints go to SINK
 * through postprocess.  Borrows everything.
 * 0, or ERR_INVALID / ERR_SYNTAX with *ret_why (caller frees): an unknown name, with the known
 * ones; a bad flag of source_settings or postprocess.
 */
int source_set_new(struct loop *loop, const struct config *config, struct store *store,
		   const struct endpoint_sink *sink, const struct strv *names,
		   const struct source_ops *const *table, struct source_set **ret, char **ret_why);
void source_set_free(struct source_set *set);
/* Tell the sink of every source that it is not synced yet: it shall wait for all. */
void source_set_announce(struct source_set *set);
/* True if some source reads KIND. */
bool source_set_needs(const struct source_set *set, enum kind_id kind);
/* The namespaces in which KIND is read (--namespace, --gateway-namespace), added to V; none: all.
 */
void source_set_namespaces(const struct source_set *set, enum kind_id kind, struct strv *v);
bool source_set_has(const struct source_set *set, const char *name);
void source_set_on_error(struct source_set *set, source_error_cb cb, void *ctx);
/* After each collection: N endpoints came of it, ERROR is the first thing wrong or NULL. */
typedef void (*source_collected_cb)(void *ctx, const char *source, const struct object *obj,
				    size_t n, const char *error);
void source_set_on_collected(struct source_set *set, source_collected_cb cb, void *ctx);
/* Collect now what is due, instead of at the end of the loop pass (tests). */
void source_set_flush(struct source_set *set);
/* Collect everything again (configuration was reloaded). */
void source_set_dirty(struct source_set *set);

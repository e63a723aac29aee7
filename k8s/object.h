/*
 * object - a Kubernetes object in the store: identity and its JSON, slimmed
 * (no managedFields, no last-applied annotation).  Immutable once stored;
 * a change is a new object.  Control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

/* A kind we may watch.  One static struct each, in k8s/kinds.def. */
struct kind {
	const char *name;     /* "Ingress" */
	const char *group;    /* "networking.k8s.io"; "" = core */
	const char *versions; /* accepted, best first: "v1" or "v1 v1beta1" */
	const char *plural;   /* "ingresses" */
	bool namespaced;
};

enum kind_id {
#define KIND(id, name, group, versions, plural, namespaced) KIND_##id,
#include "k8s/kinds.def"
#undef KIND
	KIND_COUNT,
};
extern const struct kind *const kinds; /* [KIND_COUNT] */
/* By apiVersion and kind text; KIND_COUNT if we do not know it. */
enum kind_id kind_find(const char *api_version, const char *kind);

/*
 * Kinds that the user names, in the slots KIND_CUSTOM_1 …: found by kind_find like any other.
 * RESOURCE is "PLURAL.VERSION.GROUP", "PLURAL.VERSION" for the core group.  0, ERR_SYNTAX,
 * ERR_LIMIT when the 8 slots are used up.  A resource that is built in gives its own kind.
 */
int kind_define(const char *resource, enum kind_id *ret);
/* What discovery says of a named kind; before that NAME is "" or was learnt from an object. */
void kind_learn(enum kind_id id, const char *name, bool namespaced);
/* Empty the slots and the lists below. */
void kind_forget_custom(void);
#define KIND_LIST_MAX 8
/* Of --unstructured-resource and --crd-source-kind; end with KIND_COUNT. */
extern enum kind_id kind_unstructured[KIND_LIST_MAX + 1], kind_crd[2], kind_route_group[2];
/* Traefik's kinds, of the groups that the flags choose; ends with KIND_COUNT. */
extern enum kind_id kind_traefik[7];

struct object {
	enum kind_id kind;
	const char *namespace; /* "" if cluster-scoped; these four point into json */
	const char *name;
	const char *uid; /* "" from manifests without one */
	const char *resource_version;
	int64_t created_s; /* 0 if unknown */
	int64_t generation;
	cJSON *json;
	unsigned refs;
};

/*
 * Takes JSON, slims it, and puts namespaced objects without a namespace into "default".
 * 0, or ERR_INVALID with *ret_why (caller frees): no kind, name, … ; JSON is freed then.
 */
int object_new(cJSON *json, struct object **ret, char **ret_why);
struct object *object_ref(const struct object *o);
void object_unref(const struct object *o); /* NULL is fine */
/* metadata.annotations[NAME] / labels[NAME], or NULL. */
const char *object_annotation(const struct object *o, const char *name);
const char *object_label(const struct object *o, const char *name);
const cJSON *object_spec(const struct object *o);   /* may be NULL */
const cJSON *object_status(const struct object *o); /* may be NULL */
/* metadata.deletionTimestamp is set. */
bool object_is_deleting(const struct object *o);
/* "namespace/name" or "name"; caller frees. */
char *object_key(const struct object *o);
/*
 * A label selector ("a=b,c in (d,e),!f"; wrong text matches nothing; k8s/selector.h has the
 * same in two steps) or LabelSelector JSON against labels.  As in Kubernetes an empty
 * LabelSelector selects everything and a missing one (NULL) nothing.
 */
bool object_matches_labels(const struct object *o, const char *selector);
bool object_matches_label_selector(const cJSON *selector, const cJSON *labels);

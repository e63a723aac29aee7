#include "k8s/slim.h"

/* clang-format off */
static const struct json_keep annotations[] = {
	{ "-kubectl.kubernetes.io/last-applied-configuration", 0 }, { "*", 0 }, { 0, 0 },
};
static const struct json_keep metadata[] = {
	{ "-managedFields", 0 }, { "annotations", annotations }, { "*", 0 }, { 0, 0 },
};
static const struct json_keep anything[] = { { "metadata", metadata }, { "*", 0 }, { 0, 0 } };

/* Of what there are many: only what some source reads. */
/* A bookmark is an object of the kind too: this tells that the list is whole. */
static const struct json_keep slice_annotations[] = {
	{ "k8s.io/initial-events-end", 0 }, { 0, 0 },
};
static const struct json_keep slice_metadata[] = {
	{ "name", 0 }, { "namespace", 0 }, { "uid", 0 }, { "resourceVersion", 0 }, { "labels", 0 },
	{ "creationTimestamp", 0 }, { "deletionTimestamp", 0 },
	{ "annotations", slice_annotations }, { 0, 0 },
};
static const struct json_keep slice_target[] = {
	{ "kind", 0 }, { "name", 0 }, { "namespace", 0 }, { 0, 0 },
};
static const struct json_keep slice_conditions[] = {
	{ "ready", 0 }, { "serving", 0 }, { "terminating", 0 }, { 0, 0 },
};
static const struct json_keep slice_endpoints[] = {
	{ "addresses", 0 }, { "conditions", slice_conditions }, { "hostname", 0 },
	{ "nodeName", 0 }, { "targetRef", slice_target }, { 0, 0 },
};
static const struct json_keep slice[] = {
	{ "apiVersion", 0 }, { "kind", 0 }, { "metadata", slice_metadata },
	{ "addressType", 0 }, { "endpoints", slice_endpoints }, { 0, 0 },
};
/* Without those who Pods are: for sources that only count. */
static const struct json_keep counted_endpoints[] = {
	{ "addresses", 0 }, { "conditions", slice_conditions }, { 0, 0 },
};
static const struct json_keep counted_slice[] = {
	{ "apiVersion", 0 }, { "kind", 0 }, { "metadata", slice_metadata },
	{ "addressType", 0 }, { "endpoints", counted_endpoints }, { 0, 0 },
};

static const struct json_keep pod_spec[] = {
	{ "hostname", 0 }, { "hostNetwork", 0 }, { "nodeName", 0 }, { "subdomain", 0 },
	{ "serviceAccountName", 0 }, { 0, 0 },
};
static const struct json_keep pod_status[] = {
	{ "hostIP", 0 }, { "hostIPs", 0 }, { "podIP", 0 }, { "podIPs", 0 }, { "phase", 0 },
	{ "conditions", 0 }, { 0, 0 },
};
static const struct json_keep pod[] = {
	{ "apiVersion", 0 }, { "kind", 0 }, { "metadata", metadata },
	{ "spec", pod_spec }, { "status", pod_status }, { 0, 0 },
};

static const struct json_keep node_status[] = {
	{ "addresses", 0 }, { "conditions", 0 }, { 0, 0 },
};
static const struct json_keep node[] = {
	{ "apiVersion", 0 }, { "kind", 0 }, { "metadata", metadata },
	{ "spec", 0 }, { "status", node_status }, { 0, 0 },
};

/* Secrets are never kept. */
static const struct json_keep bare[] = {
	{ "apiVersion", 0 }, { "kind", 0 }, { "metadata", metadata }, { "type", 0 }, { 0, 0 },
};
/* clang-format on */

static enum slim_degree degree = SLIM_ALL;

void slim_set(enum slim_degree d)
{
	degree = d;
}

const struct json_keep *slim_object(enum kind_id kind)
{
	if (kind == KIND_SECRET)
		return bare;
	if (degree == SLIM_LITTLE)
		return anything;
	if (kind == KIND_ENDPOINT_SLICE)
		return degree == SLIM_ALL ? counted_slice : slice;
	if (kind == KIND_POD)
		return pod;
	return kind == KIND_NODE ? node : anything;
}

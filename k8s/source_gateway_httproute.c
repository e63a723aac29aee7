/* source_gateway_httproute - HTTPRoutes of the Gateway API, on HTTP and HTTPS listeners.  Control
 * thread. */
#include "k8s/gateway.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_HTTP_ROUTE, KIND_COUNT };
static const struct gateway_route route = {
	.source = "gateway-httproute",
	.kind = "HTTPRoute",
	.resource = "httproute",
	.protocol = "HTTP",
};

static void collect(struct source_run *run, const struct object *obj)
{
	gateway_collect(run, obj, &route);
}

const struct source_ops source_gateway_httproute = {
	.name = "gateway-httproute",
	.primary = primary,
	.also = gateway_also,
	.collect = collect,
	.reads = gateway_reads,
};

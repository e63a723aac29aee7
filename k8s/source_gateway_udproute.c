/* source_gateway_udproute - UDPRoutes of the Gateway API, on UDP listeners.  Control thread. */
#include "k8s/gateway.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_UDP_ROUTE, KIND_COUNT };
static const struct gateway_route route = {
	.source = "gateway-udproute",
	.kind = "UDPRoute",
	.resource = "udproute",
	.protocol = "UDP",
};

static void collect(struct source_run *run, const struct object *obj)
{
	gateway_collect(run, obj, &route);
}

const struct source_ops source_gateway_udproute = {
	.name = "gateway-udproute",
	.primary = primary,
	.also = gateway_also,
	.collect = collect,
	.reads = gateway_reads,
};

/* source_gateway_grpcroute - GRPCRoutes of the Gateway API, on HTTP and HTTPS listeners.  Control
 * thread. */
#include "k8s/gateway.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_GRPC_ROUTE, KIND_COUNT };
static const struct gateway_route route = {
	.source = "gateway-grpcroute",
	.kind = "GRPCRoute",
	.resource = "grpcroute",
	.protocol = "HTTP",
};

static void collect(struct source_run *run, const struct object *obj)
{
	gateway_collect(run, obj, &route);
}

const struct source_ops source_gateway_grpcroute = {
	.name = "gateway-grpcroute",
	.primary = primary,
	.also = gateway_also,
	.collect = collect,
	.reads = gateway_reads,
};

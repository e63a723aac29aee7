/* source_gateway_tlsroute - TLSRoutes of the Gateway API, on TLS listeners.  Control thread. */
#include "k8s/gateway.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_TLS_ROUTE, KIND_COUNT };
static const struct gateway_route route = {
	.source = "gateway-tlsroute",
	.kind = "TLSRoute",
	.resource = "tlsroute",
	.protocol = "TLS",
};

static void collect(struct source_run *run, const struct object *obj)
{
	gateway_collect(run, obj, &route);
}

const struct source_ops source_gateway_tlsroute = {
	.name = "gateway-tlsroute",
	.primary = primary,
	.also = gateway_also,
	.collect = collect,
	.reads = gateway_reads,
};

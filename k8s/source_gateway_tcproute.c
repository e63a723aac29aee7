/* source_gateway_tcproute - TCPRoutes of the Gateway API, on TCP and TLS listeners.  Control
 * thread. */
#include "k8s/gateway.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_TCP_ROUTE, KIND_COUNT };
static const struct gateway_route route = {
	.source = "gateway-tcproute",
	.kind = "TCPRoute",
	.resource = "tcproute",
	.protocol = "TCP",
};

static void collect(struct source_run *run, const struct object *obj)
{
	gateway_collect(run, obj, &route);
}

const struct source_ops source_gateway_tcproute = {
	.name = "gateway-tcproute",
	.primary = primary,
	.also = gateway_also,
	.collect = collect,
	.reads = gateway_reads,
};

/* source_f5_virtualserver - VirtualServers of F5's container ingress services.  Control thread. */
#include "k8s/f5.h"
#include "k8s/source.h"

static const enum kind_id primary[] = { KIND_F5_VIRTUAL_SERVER, KIND_COUNT };
static const enum kind_id also[] = { KIND_COUNT };

static void collect(struct source_run *run, const struct object *obj)
{
	f5_collect(run, obj, "f5-virtualserver");
}

const struct source_ops source_f5_virtualserver = {
	.name = "f5-virtualserver",
	.primary = primary,
	.also = also,
	.collect = collect,
};

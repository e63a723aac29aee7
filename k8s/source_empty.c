/*
 * source_empty - no objects and no endpoints: with the policy sync it takes away all that we own.
 * Control thread.
 */
#include "k8s/source.h"

static const enum kind_id none[] = { KIND_COUNT };

static void collect(struct source_run *run, const struct object *obj)
{
	(void)run;
	(void)obj;
}

const struct source_ops source_empty = {
	.name = "empty",
	.primary = none,
	.also = none,
	.collect = collect,
};

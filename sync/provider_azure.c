/*
 * provider_azure - Azure DNS, public zones (Resource Manager API 2018-05-01).
 * AZURE_RESOURCE_MANAGER_ENDPOINT chooses another endpoint.  The work is in azure.c.
 */
#include "sync/azure.h"

extern const struct provider_ops provider_azure;

static int open_public(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	return azure_open(env, false, ret, ret_why);
}

const struct provider_ops provider_azure = {
	.name = "azure",
	.open = open_public,
	.close = azure_close,
	.records = azure_records,
	.apply = azure_apply,
	.zones = azure_zones,
	.adjust = azure_adjust,
	.keeps = azure_keeps,
	.adjust_reads_view = true,
};

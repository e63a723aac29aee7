/*
 * provider_azure_private - Azure Private DNS zones (Resource Manager API 2018-09-01):
 * no NS records, so no delegation.  The work is in azure.c.
 */
#include <string.h>

#include "sync/azure.h"

extern const struct provider_ops provider_azure_private;

static int open_private(const struct provider_env *env, struct provider **ret, char **ret_why)
{
	return azure_open(env, true, ret, ret_why);
}

static bool supports(struct provider *p, const char *record_type)
{
	(void)p;
	return strcmp(record_type, "NS") != 0 && strcmp(record_type, "CAA") != 0 &&
	       strcmp(record_type, "DS") != 0;
}

const struct provider_ops provider_azure_private = {
	.name = "azure-private-dns",
	.open = open_private,
	.close = azure_close,
	.records = azure_records,
	.apply = azure_apply,
	.zones = azure_zones,
	.adjust = azure_adjust,
	.keeps = azure_keeps,
	.adjust_reads_view = true,
	.supports = supports,
};

/*
 * config_env - options from the environment: GSLBD_<ID>, EXTERNAL_DNS_<ID>, and
 * the name in the option's row (k8gb's), in this order.  A variable that is set
 * to nothing counts as not set, as with kingpin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_store.h"
#include "lib/error.h"
#include "lib/mem.h"

static const char *env_get(char *const *env, const char *prefix, const char *name)
{
	size_t np = strlen(prefix), nn = strlen(name);

	for (; env && *env; env++) {
		if (!strncmp(*env, prefix, np) && !strncmp(*env + np, name, nn) &&
		    (*env)[np + nn] == '=')
			return (*env)[np + nn + 1] ? *env + np + nn + 1 : NULL;
	}
	return NULL;
}

int config_env_put(struct config *c, char *const *env, char **ret_why)
{
	for (size_t i = 0; i < OPT_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		const char *prefix = "GSLBD_", *name = row->id;
		const char *text = env_get(env, prefix, name);
		char *why = NULL;

		if (!text) {
			prefix = "EXTERNAL_DNS_";
			text = env_get(env, prefix, name);
		}
		if (!text && row->env) {
			prefix = "";
			name = row->env;
			text = env_get(env, prefix, name);
		}
		if (!text)
			continue;
		if (config_put(c, (enum option)i, text, FROM_ENV, &why)) {
			*ret_why = mem_printf("environment %s%s: %s", prefix, name, why);
			free(why);
			return ERR_INVALID;
		}
	}
	return 0;
}

#include "k8s/zone_allow.h"

#include <string.h>

#include "lib/config.h"
#include "lib/dname.h"

bool zone_allow_host(const struct config *c, const char *namespace, const char *host)
{
	const struct strv *rows = config_list(c, OPT_ZONE_ALLOW);

	if (rows->n == 0)
		return true;
	for (size_t i = 0; i < rows->n; i++) {
		const char *eq = strchr(rows->s[i], '='); /* config checked that it is there */
		size_t n = (size_t)(eq - rows->s[i]);
		bool is_ours = strncmp(rows->s[i], namespace, n) == 0 && namespace[n] == '\0';
		bool is_every = n == 1 && rows->s[i][0] == '*';

		if ((is_ours || is_every) && dname_text_is_below(host, eq + 1))
			return true;
	}
	return false;
}

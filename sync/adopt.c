#include "sync/adopt.h"

#include <string.h>

#include "lib/dname.h"

#define LABEL_ADOPT " adopt"

static bool is_adopt(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash ? slash + 1 : name, "adopt") == 0;
}

bool adopt_is_asked(const struct endpoint *e, const struct strv *domains)
{
	if (endpoint_label(e, LABEL_ADOPT))
		return true;
	for (size_t i = 0; domains && i < domains->n; i++)
		if (dname_text_is_below(e->dns_name, domains->s[i]))
			return true;
	return false;
}

void adopt_strip(struct endpoint *e)
{
	for (size_t i = 0; i < e->nprovider_specific; i++) {
		struct endpoint_prop *p = &e->provider_specific[i];

		if (!is_adopt(p->name))
			continue;
		/* labels with a leading blank stay inside the process */
		if (strcmp(p->value, "true") == 0)
			endpoint_set_label(e, LABEL_ADOPT, "true");
		endpoint_set_prop(e, p->name, NULL);
		return;
	}
}

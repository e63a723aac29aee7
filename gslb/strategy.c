#include "gslb/strategy.h"

#include <string.h>
#include <strings.h>

#include "gslb/strategy_table.h"
#include "lib/strv.h"

const struct strategy_ops *strategy_find(const char *name)
{
	for (size_t i = 0; name && strategy_table[i]; i++)
		if (strcmp(strategy_table[i]->name, name) == 0)
			return strategy_table[i];
	return NULL;
}

char *strategy_names(void)
{
	struct strv v = { 0 };

	for (size_t i = 0; strategy_table[i]; i++)
		strv_add(&v, strategy_table[i]->name);
	char *text = strv_join(&v, ", ");
	strv_fini(&v);
	return text;
}

unsigned strategy_weight(const struct gslb_decl *decl, const char *tag)
{
	for (size_t i = 0; i < decl->nweights; i++)
		if (strcasecmp(decl->weights[i].geo_tag, tag) == 0)
			return decl->weights[i].weight;
	return SITE_NO_WEIGHT;
}

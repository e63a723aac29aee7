#include "sync/registry.h"

#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/idna.h"
#include "lib/mem.h"

int registry_new(const struct config *c, struct registry **ret, char **ret_why)
{
	const char *name = config_text(c, OPT_REGISTRY);

	if (strcmp(name, "txt") == 0)
		return txt_registry_new(c, ret, ret_why);
	if (strcmp(name, "noop") == 0)
		return registry_noop_new(c, ret, ret_why);
	*ret_why = mem_printf("--registry=%s: not supported; txt and noop are", name);
	return ERR_INVALID;
}

void registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	map_fini(&r->zones, NULL);
	r->ops->free(r);
}

void registry_set_zones(struct registry *r, const struct strv *zones)
{
	map_fini(&r->zones, NULL);
	r->zones = (struct map){ 0 };
	for (size_t i = 0; zones && i < zones->n; i++) {
		char *zone = idna_normal(zones->s[i]);

		(void)map_put(&r->zones, zone, r); /* a set: any value */
		free(zone);
	}
}

const char *registry_zone_of(const struct registry *r, const char *name)
{
	while (name && map_get(&r->zones, name) == NULL) {
		name = strchr(name, '.');
		name = name ? name + 1 : NULL;
	}
	return name;
}

bool registry_is_ours(const struct endpoint *e)
{
	return strcmp(e->record_type, "TXT") == 0 && endpoint_label(e, " heritage") != NULL;
}

void registry_put(struct registry *r, struct view *v, struct endpoint *e)
{
	bool is_txt = strcmp(e->record_type, "TXT") == 0;

	view_put(v, e);
	if (is_txt)
		r->ops->note(r, v, e);
}

void registry_expand(struct registry *r, const struct view *v, struct plan *p,
		     struct change_list *out)
{
	r->ops->expand(r, v, p, out);
}

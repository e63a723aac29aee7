/*
 * registry_noop - no ownership at all: every record of a managed type that
 * passes the filters counts as ours.  With --policy=sync all that nobody wants
 * is deleted, so without a domain filter deletes are held.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "lib/mem.h"
#include "sync/registry.h"

static void note(struct registry *r, struct view *v, struct endpoint *e)
{
	(void)r;
	(void)v;
	(void)e;
}

static void lookup(struct registry *r, const struct view *v, const struct endpoint *e,
		   struct plan_record *ret)
{
	(void)r;
	(void)v;
	*ret = (struct plan_record){ .e = e, .resource = endpoint_label(e, "resource") };
}

/* The name servers of a hosted zone itself are never ours. */
static bool is_apex_ns(const struct registry *r, const struct endpoint *e)
{
	return (strcmp(e->record_type, "NS") == 0 || strcmp(e->record_type, "SOA") == 0) &&
	       map_get(&r->zones, e->dns_name);
}

static void expand(struct registry *r, const struct view *v, struct plan *p,
		   struct change_list *out)
{
	static const enum change_kind kinds[] = { [PLAN_DELETE] = CHANGE_DELETE,
						  [PLAN_UPDATE] = CHANGE_UPDATE,
						  [PLAN_CREATE] = CHANGE_CREATE };

	(void)v;
	for (size_t i = 0; i < p->nchanges; i++) {
		const struct plan_change *c = &p->changes[i];
		const struct endpoint *e = c->after ? c->after : c->before.e;

		if (c->kind == PLAN_DELETE && is_apex_ns(r, e))
			continue;
		change_list_add(out, kinds[c->kind], c->before.e, c->after, e, false);
	}
}

static void noop_free(struct registry *r)
{
	free(r);
}

static const struct registry_ops noop = {
	.name = "noop", .note = note, .lookup = lookup, .expand = expand, .free = noop_free
};

int registry_noop_new(const struct config *c, struct registry **ret, char **ret_why)
{
	struct registry *r = MEM_NEW(struct registry);

	(void)ret_why;
	r->ops = &noop;
	if (config_list(c, OPT_DOMAIN_FILTER)->n == 0 &&
	    *config_text(c, OPT_REGEX_DOMAIN_FILTER) == '\0')
		r->hold_deletes = "--registry=noop without --domain-filter would delete every "
				  "record that no object wants";
	*ret = r;
	return 0;
}

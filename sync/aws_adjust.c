/*
 * aws_adjust - what a wish becomes at Route 53: ALIAS records for AWS's own
 * endpoints, routing policies, TTLs.  Called by provider_aws.c.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"
#include "sync/aws.h"
#include "sync/route53_alias.h"
#include "sync/route53_record.h"

/* Does a CNAME become an ALIAS?  The object's own word, else AWS's endpoints do. */
static bool becomes_alias(const struct provider *p, const struct endpoint *e)
{
	const char *alias = endpoint_prop(e, "alias");

	if (alias)
		return strcmp(alias, "true") == 0;
	return strcmp(e->record_type, "CNAME") == 0 && e->targets.n == 1 &&
	       !config_bool(p->env.config, OPT_AWS_PREFER_CNAME) &&
	       route53_alias_zone(e->targets.s[0]) != NULL;
}

static void adjust_one(struct provider *p, struct endpoint *e, struct endpoint_list *more)
{
	bool is_cname = strcmp(e->record_type, "CNAME") == 0;
	bool is_address = strcmp(e->record_type, "A") == 0 || strcmp(e->record_type, "AAAA") == 0;
	const char *health = endpoint_prop(e, "aws/evaluate-target-health");

	route53_record_adjust(e);
	if (!(is_cname || is_address) || !becomes_alias(p, e)) {
		endpoint_set_prop(e, "alias", is_cname ? "false" : NULL);
		endpoint_set_prop(e, "aws/evaluate-target-health", NULL);
		return;
	}
	endpoint_set_prop(e, "alias", "true");
	if (e->record_ttl > 0)
		e->record_ttl = ROUTE53_DEFAULT_TTL; /* an alias has none */
	if (health == NULL)
		health = config_bool(p->env.config, OPT_AWS_EVALUATE_TARGET_HEALTH) ? "true"
										    : "false";
	else if (strcmp(health, "true") != 0)
		health = "false";
	endpoint_set_prop(e, "aws/evaluate-target-health", health);
	if (!is_cname)
		return;
	struct endpoint *v6 = endpoint_copy(e);
	mem_strset(&v6->record_type, "AAAA");
	mem_strset(&e->record_type, "A");
	endpoint_list_take(more, v6);
}

void aws_adjust(struct provider *p, struct endpoint_list *desired)
{
	struct endpoint_list more = { 0 };

	for (size_t i = 0; i < desired->n; i++)
		adjust_one(p, desired->e[i], &more);
	for (size_t i = 0; i < more.n; i++)
		endpoint_list_take(desired, more.e[i]);
	free(more.e);
	endpoint_list_sort(desired);
}

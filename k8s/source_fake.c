/*
 * source_fake - one made-up endpoint of each record type below the domain of --fqdn-template
 * (example.com without it): to try a provider with, no cluster needed.  The names are the same in
 * each run, so that a second pass is at rest.  Control thread.
 */
#include <stdlib.h>
#include <string.h>

#include "k8s/source.h"
#include "lib/config.h"
#include "lib/mem.h"

static const enum kind_id none[] = { KIND_COUNT };

/* TARGET: "%s" is the domain. */
static const struct {
	const char *type, *label, *target;
} rows[] = {
	{ "A", "fake-a", "192.0.2.10" },
	{ "AAAA", "fake-aaaa", "2001:db8::10" },
	{ "CNAME", "fake-cname", "fake-a.%s" },
	{ "DNAME", "fake-dname", "fake-target.%s" },
	{ "TXT", "fake-txt", "a fake record" },
	{ "SRV", "_sip._udp.fake-srv", "10 20 5060 fake-a.%s." },
	{ "NS", "fake-ns", "ns1.%s" },
	{ "PTR", NULL, "fake-a.%s" },
	{ "MX", "fake-mx", "10 fake-a.%s" },
	{ "NAPTR", "fake-naptr", "100 10 \"U\" \"E2U+sip\" \"!^.*$!sip:info@%s!\" ." },
};

static char *fill(const char *text, const char *domain)
{
	const char *mark = strstr(text, "%s");

	return mark ? mem_printf("%.*s%s%s", (int)(mark - text), text, domain, mark + 2)
		    : mem_strdup(text);
}

static void begin(struct source_run *run)
{
	const struct strv *templates = config_list(source_config(run), OPT_FQDN_TEMPLATE);
	const char *domain = templates->n && *templates->s[0] ? templates->s[0] : "example.com";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *name = rows[i].label ? mem_printf("%s.%s", rows[i].label, domain)
					   : mem_strdup("10.2.0.192.in-addr.arpa");
		char *resource = mem_printf("fake/default/%s", name);
		struct endpoint *e = endpoint_new(name, rows[i].type, 0);

		strv_take(&e->targets, fill(rows[i].target, domain));
		mem_strset(&e->set_identifier, "fake");
		endpoint_set_label(e, "resource", resource);
		source_emit(run, e);
		free(resource);
		free(name);
	}
}

static void collect(struct source_run *run, const struct object *obj)
{
	(void)run;
	(void)obj;
}

const struct source_ops source_fake = {
	.name = "fake",
	.primary = none,
	.also = none,
	.collect = collect,
	.begin = begin,
};

#include "k8s/draft.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/fqdn_template.h"
#include "k8s/source.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

#define LABEL_MAX 63

static void read_ttl(struct draft *d, const struct object *from)
{
	const char *bad = NULL;
	int64_t ttl = annotation_ttl(&d->settings->prefixes, from, &bad);

	if (bad)
		source_error(d->run, d->obj, "InvalidTTL",
			     "annotation ttl: \"%s\" is neither seconds (1 to 2147483647) nor a "
			     "duration; the records have no TTL",
			     bad);
	if (ttl)
		d->common->record_ttl = ttl;
}

void draft_begin(struct draft *d, struct source_run *run, const struct object *obj,
		 const char *source, const char *resource)
{
	const struct source_settings *s = source_settings(run);

	*d = (struct draft){ .run = run, .obj = obj, .settings = s, .source = source };
	d->common = endpoint_new("", "", 0);
	read_ttl(d, obj);
	annotation_properties(&s->prefixes, obj, d->common);
	if (resource == NULL) {
		endpoint_set_label(d->common, "resource", ""); /* postprocess takes it off again */
	} else {
		char *label = *obj->namespace
				      ? mem_printf("%s/%s/%s", resource, obj->namespace, obj->name)
				      : mem_printf("%s/%s", resource, obj->name);

		endpoint_set_label(d->common, "resource", label);
		free(label);
	}
}

void draft_drop_properties(struct draft *d)
{
	while (d->common->nprovider_specific)
		endpoint_set_prop(d->common, d->common->provider_specific[0].name, NULL);
	mem_strset(&d->common->set_identifier, "");
}

void draft_no_annotations(struct draft *d)
{
	draft_drop_properties(d);
	d->common->record_ttl = 0;
}

void draft_add_annotations(struct draft *d, const struct object *from)
{
	read_ttl(d, from);
	annotation_properties(&d->settings->prefixes, from, d->common);
}

/* NAME in lower case without one final dot; NULL, and reported, if it cannot be a name. */
static char *clean_name(struct draft *d, const char *name)
{
	size_t n = strlen(name), label = 0;
	char *clean;

	if (n && name[n - 1] == '.')
		n--;
	if (n == 0)
		return NULL;
	clean = mem_strndup(name, n);
	for (char *c = clean; *c; c++) {
		label = *c == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || isspace((unsigned char)*c) || *c == '<' || *c == '>') {
			source_error(d->run, d->obj, "InvalidName", "\"%s\": %s", name,
				     label > LABEL_MAX ? "a label is longer than 63 octets"
						       : "not a host name");
			free(clean);
			return NULL;
		}
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	}
	return clean;
}

static struct endpoint *endpoint_of(const struct draft *d, const char *name, const char *type)
{
	struct endpoint *e = endpoint_copy(d->common);

	mem_strset(&e->dns_name, name);
	mem_strset(&e->record_type, type);
	return e;
}

/* Final dots stay where they mean something (TXT, NAPTR, SRV). */
static void add_target(struct endpoint *e, const char *target)
{
	size_t n = strlen(target);
	bool keep = strcmp(e->record_type, "TXT") == 0 || strcmp(e->record_type, "NAPTR") == 0 ||
		    strcmp(e->record_type, "SRV") == 0;

	if (n && target[n - 1] == '.' && !keep)
		n--;
	strv_take(&e->targets, mem_strndup(target, n));
}

void draft_add_typed(struct draft *d, const char *name, const char *type,
		     const struct strv *targets)
{
	char *clean = clean_name(d, name);

	if (clean) {
		struct endpoint *e = endpoint_of(d, clean, type);

		for (size_t i = 0; i < targets->n; i++)
			add_target(e, targets->s[i]);
		endpoint_list_take(&d->list, e);
	}
	free(clean);
}

void draft_add(struct draft *d, const char *name, const struct strv *targets)
{
	static const char *const types[] = { "A", "AAAA", "CNAME" };
	char *clean = targets->n ? clean_name(d, name) : NULL;

	for (size_t t = 0; clean && t < ARRAY_SIZE(types); t++) {
		struct endpoint *e = NULL;

		for (size_t i = 0; i < targets->n; i++) {
			if (targets->s[i][0] == '\0' ||
			    strcmp(endpoint_suitable_type(targets->s[i]), types[t]) != 0)
				continue;
			if (e == NULL)
				e = endpoint_of(d, clean, types[t]);
			add_target(e, targets->s[i]);
		}
		if (e)
			endpoint_list_take(&d->list, e);
	}
	free(clean);
}

void draft_add_names(struct draft *d, const struct strv *names, const struct strv *targets)
{
	for (size_t i = 0; i < names->n; i++)
		draft_add(d, names->s[i], targets);
}

void draft_add_name_with_targets(struct draft *d, const char *name, void *ctx)
{
	draft_add(d, name, ctx);
}

void draft_template_failed(struct draft *d, char *why)
{
	source_error(d->run, d->obj, "TemplateFailed", "%s", why);
	source_keep(d->run);
	free(why);
}

static void add_pair(struct draft *d, const char *pair)
{
	static const char blanks[] = " \t\r\n";
	struct strv target = { 0 };
	char *name = mem_strdup(pair), *colon = strchr(name, ':');

	if (colon) { /* a pair that is not whole yet is no error: status may still be empty */
		char *end = colon;

		while (end > name && strchr(blanks, end[-1]))
			end--;
		*end = '\0';
		colon++;
		strv_add(&target, colon + strspn(colon, blanks));
		draft_add(d, name, &target);
	}
	strv_fini(&target);
	free(name);
}

static void add_pairs(struct draft *d)
{
	struct strv pairs = { 0 };
	char *why = NULL;

	if (fqdn_template_pairs(d->settings->templates, d->obj, d->source, &pairs, &why) < 0)
		draft_template_failed(d, why);
	for (size_t i = 0; i < pairs.n; i++)
		add_pair(d, pairs.s[i]);
	strv_fini(&pairs);
}

void draft_add_templated(struct draft *d,
			 void (*add_name)(struct draft *d, const char *name, void *ctx), void *ctx)
{
	const struct fqdn_template *t = d->settings->templates;
	struct strv names = { 0 };
	char *why = NULL;

	if (d->list.n == 0 || fqdn_template_combines(t))
		add_pairs(d);
	if (d->list.n && !fqdn_template_combines(t))
		return;
	if (fqdn_template_names(t, d->obj, d->source, &names, &why) < 0)
		draft_template_failed(d, why);
	for (size_t i = 0; i < names.n; i++)
		add_name(d, names.s[i], ctx);
	strv_fini(&names);
}

void draft_emit(struct draft *d)
{
	for (size_t i = 0; i < d->list.n; i++)
		source_emit(d->run, d->list.e[i]); /* takes */
	free(d->list.e);
	endpoint_free(d->common);
	*d = (struct draft){ 0 };
}

void draft_load_balancer_targets(const struct object *obj, bool either, struct strv *v)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(obj), "loadBalancer.ingress")) {
		const char *ip = json_text(it, "ip"), *hostname = json_text(it, "hostname");

		if (ip && *ip)
			strv_add(v, ip);
		if (hostname && *hostname && !(either && ip && *ip))
			strv_add(v, hostname);
	}
}

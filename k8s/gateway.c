#include "k8s/gateway.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "k8s/draft.h"
#include "k8s/fqdn_template.h"
#include "k8s/gateway_parent.h"
#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/map.h"
#include "lib/mem.h"

const enum kind_id gateway_also[] = { KIND_GATEWAY, KIND_LISTENER_SET, KIND_NAMESPACE, KIND_COUNT };

bool gateway_reads(const struct source_settings *s, enum kind_id kind)
{
	return kind != KIND_LISTENER_SET || s->gateway_listener_sets;
}

struct walk {
	struct draft *d;
	const struct gateway_route *route;
	struct strv names;  /* the route's; "" stands for whatever the listener has */
	struct map targets; /* name -> struct strv */
};

/* Labels of letters, digits and inner dashes, at most 63 octets; as RFC 1123 has host names. */
static bool is_domain(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > 255)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (n == 0 || n > 63 || !isalnum((unsigned char)s[0]) ||
		    !isalnum((unsigned char)s[n - 1]))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!isalnum((unsigned char)s[i]) && s[i] != '-')
				return false;
		if (s[n] == '\0' || s[n + 1] == '\0') /* one final dot is let through */
			return true;
		s += n + 1;
	}
}

/* In lower case, or NULL if it is no name. */
static char *canonical(const char *name)
{
	char *low;

	if (*name && (strcmp(endpoint_suitable_type(name), "CNAME") != 0 ||
		      !is_domain(strncmp(name, "*.", 2) == 0 ? name + 2 : name)))
		return NULL;
	low = mem_strdup(name);
	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return low;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

char *gateway_match_names(const char *listener, const char *route)
{
	char *a = canonical(listener), *b = canonical(route), *found = NULL;
	size_t na, nb;

	if (a == NULL || b == NULL)
		goto out;
	if (*a == '\0' || *b == '\0' || strcmp(a, b) == 0) {
		found = mem_strdup(*a ? a : b);
		goto out;
	}
	na = strlen(a);
	nb = strlen(b);
	if (nb < na || (na == nb && strncmp(b, "*.", 2) == 0)) { /* the wider one is A */
		char *swap = a;

		a = b;
		b = swap;
	}
	if (strncmp(a, "*.", 2) == 0 && ends_with(b, a + 1))
		found = mem_strdup(b);
out:
	free(a);
	free(b);
	return found;
}

static void add_template_names(struct walk *w)
{
	const struct fqdn_template *t = w->d->settings->templates;
	char *why = NULL;

	if (w->names.n && !fqdn_template_combines(t))
		return;
	if (fqdn_template_names(t, w->d->obj, w->d->source, &w->names, &why) < 0)
		draft_template_failed(w->d, why);
}

static void add_annotated(struct walk *w)
{
	if (!w->d->settings->ignore_hostname_annotation)
		annotation_names(&w->d->settings->prefixes, w->d->obj, ANNOTATION_HOSTNAME,
				 &w->names);
}

static void collect_names(struct walk *w)
{
	const struct source_settings *s = w->d->settings;
	const char *from =
		annotation_get(&s->prefixes, w->d->obj, ANNOTATION_GATEWAY_HOSTNAME_SOURCE);
	bool has_own;

	if (from && strcasecmp(from, "annotation-only") == 0) {
		add_annotated(w);
		return;
	}
	json_strings(object_spec(w->d->obj), "hostnames", &w->names);
	has_own = w->names.n > 0;
	add_template_names(w);
	if (from && strcasecmp(from, "defined-hosts-only") == 0)
		return;
	if (from)
		source_error(
			w->d->run, w->d->obj, "InvalidAnnotation",
			"annotation gateway-hostname-source: \"%s\" is neither annotation-only "
			"nor defined-hosts-only; it is ignored",
			from);
	if (!has_own)
		strv_add(&w->names, "");
	add_annotated(w);
}

static bool protocol_fits(const char *route, const char *listener)
{
	if (listener == NULL)
		return false;
	return strcmp(route, listener) == 0 ||
	       (strcmp(route, "HTTP") == 0 && strcmp(listener, "HTTPS") == 0) ||
	       (strcmp(route, "TCP") == 0 && strcmp(listener, "TLS") == 0);
}

static void free_targets(void *targets)
{
	strv_fini(targets);
	free(targets);
}

static void add_match(struct walk *w, const char *name, const struct strv *targets)
{
	struct strv *v = map_get(&w->targets, name);

	if (v == NULL) {
		v = MEM_NEW(struct strv);
		(void)map_put(&w->targets, name, v);
	}
	for (size_t i = 0; i < targets->n; i++)
		(void)strv_add_unique(v, targets->s[i]);
}

static void match_listener(void *ctx, const struct gateway_parent *parent, const cJSON *listener)
{
	struct walk *w = ctx;
	const char *hostname = json_text(listener, "hostname");

	if (!protocol_fits(w->route->protocol, json_text(listener, "protocol")) ||
	    !gateway_parent_allows(parent, listener, w->d->obj, w->route->kind))
		return;
	for (size_t i = 0; i < w->names.n; i++) {
		char *name;

		if (w->names.s[i][0] == '\0' && (hostname == NULL || *hostname == '\0'))
			continue; /* both take any name: there is none to publish */
		name = gateway_match_names(hostname ? hostname : "", w->names.s[i]);
		if (name)
			add_match(w, name, &parent->targets);
		free(name);
	}
}

static int compare_items(const void *a, const void *b)
{
	const struct map_item *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* In the order of names, so that equal input gives equal output. */
static void add_endpoints(struct walk *w)
{
	struct map_item **items = mem_calloc(w->targets.n + 1, sizeof(struct map_item *));
	size_t n = 0;

	for (struct map_item *it = map_first(&w->targets); it; it = map_next(&w->targets, it))
		items[n++] = it;
	qsort(items, n, sizeof(struct map_item *), compare_items);
	for (size_t i = 0; i < n; i++) {
		strv_sort(items[i]->value);
		draft_add(w->d, items[i]->key, items[i]->value);
	}
	free(items);
}

void gateway_collect(struct source_run *run, const struct object *obj,
		     const struct gateway_route *route)
{
	struct draft d;
	struct walk w = { .d = &d, .route = route };
	const cJSON *it = NULL;

	if (!source_filter_passes(source_settings(run), obj))
		return;
	draft_begin(&d, run, obj, route->source, route->resource);
	collect_names(&w);
	cJSON_ArrayForEach(it, json_get(object_status(obj), "parents"))
		gateway_parent_each_listener(&d, it, match_listener, &w);
	add_endpoints(&w);
	draft_emit(&d);
	strv_fini(&w.names);
	map_fini(&w.targets, free_targets);
}

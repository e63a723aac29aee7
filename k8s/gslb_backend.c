#include "k8s/gslb_backend.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/source.h"
#include "lib/dname.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"

/* Letters, digits, hyphens and underscores by labels; a first label may be "*". */
static bool is_host(const char *s)
{
	uint8_t wire[DNAME_MAX];

	if (*s == '\0' || strcmp(s, ".") == 0 || dname_from_text(s, wire) != 0)
		return false;
	if (s[0] == '*' && s[1] == '.')
		s += 2;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '-' && *s != '_' && *s != '.')
			return false;
	return true;
}

struct gslb_host_decl *gslb_backend_host(struct source_run *run, const struct object *of,
					 const char *where, const char *text, struct gslb_decl *d)
{
	const char *from = text + strspn(text, " \t");
	size_t n = strcspn(from, " \t");

	if (n > 1 && from[n - 1] == '.')
		n--;
	char *host = mem_strndup(from, n);
	for (char *p = host; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!is_host(host) || from[strcspn(from, " \t")] != '\0') {
		source_error(run, of, "InvalidHost", "%s: \"%s\" is not a host name", where, text);
		free(host);
		return NULL;
	}
	for (size_t i = 0; i < d->nhosts; i++)
		if (strcmp(d->hosts[i].host, host) == 0) {
			free(host);
			return &d->hosts[i];
		}
	d->hosts = mem_array(d->hosts, d->nhosts + 1, sizeof(*d->hosts));
	d->hosts[d->nhosts] = (struct gslb_host_decl){ .host = host };
	return &d->hosts[d->nhosts++];
}

static struct gslb_backend *new_backend(struct gslb_host_decl *h, const char *namespace,
					const char *name)
{
	for (size_t i = 0; i < h->nbackends; i++)
		if (strcmp(h->backends[i].namespace, namespace) == 0 &&
		    strcmp(h->backends[i].name, name) == 0)
			return NULL;
	h->backends = mem_array(h->backends, h->nbackends + 1, sizeof(*h->backends));
	struct gslb_backend *b = &h->backends[h->nbackends++];
	*b = (struct gslb_backend){ .namespace = mem_strdup(namespace), .name = mem_strdup(name) };
	return b;
}

/* A dual-stack Service has every endpoint once in IPv4 slices and once in IPv6 slices. */
struct counts {
	unsigned ready, serving, total;
};

struct families {
	struct counts of[3]; /* IPv4, IPv6, FQDN */
};

static void count_endpoint(struct counts *c, const cJSON *endpoint)
{
	const cJSON *conditions = json_get(endpoint, "conditions");

	if (cJSON_GetArraySize(json_get(endpoint, "addresses")) == 0)
		return;
	c->total++;
	if (json_bool(conditions, "ready", true))
		c->ready++;
	else if (json_bool(conditions, "serving", false))
		c->serving++;
}

static void count_slice(void *ctx, const struct object *slice)
{
	struct families *f = ctx;
	const char *type = json_text(slice->json, "addressType");
	const cJSON *it = NULL;
	struct counts *c = &f->of[type == NULL || strcmp(type, "IPv4") == 0 ? 0
				  : strcmp(type, "IPv6") == 0               ? 1
									    : 2];

	cJSON_ArrayForEach(it, json_get(slice->json, "endpoints"))
		count_endpoint(c, it);
}

void gslb_backend_add(struct source_run *run, struct gslb_host_decl *h, const char *namespace,
		      const char *name)
{
	struct gslb_backend *b = new_backend(h, namespace, name);
	struct families f = { 0 };
	const struct counts *best = &f.of[0];

	if (b == NULL)
		return;
	b->found = source_get(run, KIND_SERVICE, namespace, name) != NULL;
	source_each_slice(run, namespace, name, count_slice, &f);
	for (size_t i = 1; i < ARRAY_SIZE(f.of); i++)
		if (f.of[i].ready > best->ready ||
		    (f.of[i].ready == best->ready && f.of[i].total > best->total))
			best = &f.of[i];
	b->ready = best->ready;
	b->serving = best->serving;
	b->total = best->total;
}

void gslb_backend_missing(struct gslb_host_decl *h, const char *namespace, const char *name)
{
	(void)new_backend(h, namespace, name);
}

#include "tests/k8s/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "k8s/store.h"
#include "lib/config.h"
#include "lib/gslb_decl.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/status.h"
#include "lib/yaml.h"

static void describe_endpoint(struct buf *out, const struct endpoint *e)
{
	char *targets = strv_join(&e->targets, ",");

	buf_printf(out, "%s %s %lld %s", e->dns_name, e->record_type, (long long)e->record_ttl,
		   targets);
	free(targets);
	if (*e->set_identifier)
		buf_printf(out, " id=%s", e->set_identifier);
	for (size_t i = 0; i < e->nlabels; i++)
		buf_printf(out, " %s=%s", e->labels[i].name, e->labels[i].value);
	for (size_t i = 0; i < e->nprovider_specific; i++)
		buf_printf(out, " prop:%s=%s", e->provider_specific[i].name,
			   e->provider_specific[i].value);
	buf_putc(out, '\n');
}

static void forget(struct map *m, const char *key)
{
	free(map_remove(m, key));
}

static void sink_endpoints(void *ctx, const char *source, const char *object,
			   struct endpoint *const *endpoints, size_t n)
{
	struct fixture *f = ctx;
	struct buf text = { 0 };
	char *key = mem_printf("%s %s", source, object);

	f->calls++;
	for (size_t i = 0; i < n; i++)
		describe_endpoint(&text, endpoints[i]);
	forget(&f->endpoints, key);
	if (n)
		(void)map_put(&f->endpoints, key, buf_take(&text));
	buf_fini(&text);
	free(key);
}

static void put_list(struct buf *out, const char *name, const struct strv *v)
{
	char *text = strv_join(v, ",");

	if (v->n)
		buf_printf(out, " %s=%s", name, text);
	free(text);
}

static void sink_gslb_put(void *ctx, struct gslb_decl *d)
{
	struct fixture *f = ctx;
	struct buf t = { 0 };

	f->calls++;
	buf_printf(&t, "strategy=%s", d->strategy ? d->strategy : "");
	if (d->primary_geo_tag)
		buf_printf(&t, " primary=%s", d->primary_geo_tag);
	for (size_t i = 0; i < d->nweights; i++)
		buf_printf(&t, " weight:%s=%u", d->weights[i].geo_tag, d->weights[i].weight);
	buf_printf(&t, " ttl=%u", d->dns_ttl_s);
	if (d->health_policy == GSLB_HEALTH_ALL)
		buf_puts(&t, " health=All");
	if (d->deleting)
		buf_puts(&t, " deleting");
	put_list(&t, "exposed-names", &d->exposed_hostnames);
	put_list(&t, "exposed", &d->exposed_ips);
	put_list(&t, "ips", &d->status_ips);
	put_list(&t, "names", &d->status_hostnames);
	if (d->policy_json)
		buf_printf(&t, " policy=%s", d->policy_json);
	for (size_t i = 0; i < d->nhosts; i++) {
		const struct gslb_host_decl *h = &d->hosts[i];

		buf_printf(&t, "\nhost %s", h->host);
		for (size_t j = 0; j < h->nbackends; j++) {
			const struct gslb_backend *b = &h->backends[j];

			buf_printf(&t, " %s/%s:", b->namespace, b->name);
			if (b->found)
				buf_printf(&t, "%u/%u/%u", b->ready, b->serving, b->total);
			else
				buf_puts(&t, "missing");
		}
	}
	if (d->error)
		buf_printf(&t, "\nerror %s: %s", d->error_reason, d->error);
	forget(&f->decls, d->id);
	(void)map_put(&f->decls, d->id, buf_take(&t));
	gslb_decl_free(d);
}

static void sink_gslb_remove(void *ctx, const char *id)
{
	struct fixture *f = ctx;

	f->calls++;
	forget(&f->decls, id);
}

static void sink_zone_put(void *ctx, struct zone_decl *z)
{
	struct fixture *f = ctx;
	char *text = mem_printf("zone %s parent=%s negttl=%u%s%s%s%s", z->load_balanced_zone,
				z->parent_zone, z->neg_ttl_s, z->do_finalize ? " finalize" : "",
				z->deleting ? " deleting" : "", z->error ? " error: " : "",
				z->error ? z->error : "");

	f->calls++;
	forget(&f->decls, z->id);
	(void)map_put(&f->decls, z->id, text);
	zone_decl_free(z);
}

static void sink_zone_remove(void *ctx, const char *id)
{
	sink_gslb_remove(ctx, id);
}

static void sink_synced(void *ctx, const char *source, bool synced)
{
	struct fixture *f = ctx;

	buf_printf(&f->synced, "%s%s ", synced ? "" : "!", source);
}

static void sink_policy(void *ctx, const char *kind, const char *id, const char *spec_json)
{
	struct fixture *f = ctx;
	char *key = mem_printf("%s %s", kind, id);

	f->calls++;
	forget(&f->decls, key);
	if (spec_json)
		(void)map_put(&f->decls, key, mem_strdup(spec_json));
	free(key);
}

static void on_error(void *ctx, const struct object *obj, const char *reason, const char *message)
{
	struct fixture *f = ctx;
	char *key = object_key(obj);

	buf_printf(&f->errors, "%s %s: %s: %s\n", kinds[obj->kind].name, key, reason, message);
	free(key);
}

struct fixture *fixture_new(const char *sources, const char *const *options)
{
	static const char *const none[] = { NULL };
	struct fixture *f = MEM_NEW(struct fixture);
	struct strv names = { 0 };
	char *why = NULL;

	f->loop = loop_new();
	f->store = store_new();
	f->config = config_for_test(options ? options : none);
	assert_non_null(f->config);
	f->sink = MEM_NEW(struct endpoint_sink);
	*f->sink = (struct endpoint_sink){ .ctx = f,
					   .gslb_put = sink_gslb_put,
					   .gslb_remove = sink_gslb_remove,
					   .zone_put = sink_zone_put,
					   .zone_remove = sink_zone_remove,
					   .endpoints = sink_endpoints,
					   .synced = sink_synced,
					   .policy = sink_policy };
	strv_split(&names, sources, " ");
	if (source_set_new(f->loop, f->config, f->store, f->sink, &names, NULL, &f->set, &why))
		fail_msg("%s", why);
	source_set_on_error(f->set, on_error, f);
	strv_fini(&names);
	return f;
}

void fixture_free(struct fixture *f)
{
	if (f == NULL)
		return;
	source_set_free(f->set);
	store_free(f->store);
	config_free(f->config);
	loop_free(f->loop);
	map_fini(&f->endpoints, free);
	map_fini(&f->decls, free);
	buf_fini(&f->synced);
	buf_fini(&f->errors);
	free(f->sink);
	free(f);
	status_clear();
}

void fixture_sync(struct fixture *f)
{
	for (int i = 0; i < KIND_COUNT; i++)
		store_set_synced(f->store, (enum kind_id)i, true);
	source_set_flush(f->set);
}

static void put_doc(void *ctx, cJSON *doc, unsigned line)
{
	struct fixture *f = ctx;
	struct object *o = NULL;
	char *why = NULL;

	if (object_new(doc, &o, &why) != 0)
		fail_msg("line %u: %s", line, why);
	store_put(f->store, o);
}

void fixture_apply(struct fixture *f, const char *yaml)
{
	struct yaml_error e;

	if (yaml_parse(yaml, strlen(yaml), put_doc, f, &e) != 0)
		fail_msg("line %u: %s", e.line, e.text);
	fixture_sync(f);
}

void fixture_delete(struct fixture *f, enum kind_id kind, const char *namespace, const char *name)
{
	store_remove(f->store, kind, namespace, name);
	source_set_flush(f->set);
}

static void add_lines(struct strv *lines, const char *text, bool with_resource)
{
	struct strv v = { 0 };

	strv_split(&v, text, "\n");
	for (size_t i = 0; i < v.n; i++) {
		char *at = with_resource ? NULL : strstr(v.s[i], " resource=");

		if (at) {
			size_t n = 1 + strcspn(at + 1, " ");

			memmove(at, at + n, strlen(at + n) + 1);
		}
		strv_add(lines, v.s[i]);
	}
	strv_fini(&v);
}

char *fixture_endpoints(const struct fixture *f, bool with_resource)
{
	struct strv lines = { 0 };
	struct buf out = { 0 };

	for (struct map_item *it = map_first(&f->endpoints); it; it = map_next(&f->endpoints, it))
		add_lines(&lines, it->value, with_resource);
	strv_sort(&lines);
	for (size_t i = 0; i < lines.n; i++)
		buf_printf(&out, "%s\n", lines.s[i]);
	strv_fini(&lines);
	return buf_take(&out);
}

void fixture_expect_(const struct fixture *f, const char *want, const char *file, int line)
{
	char *have = fixture_endpoints(f, false);

	if (strcmp(have, want) != 0) {
		print_error("wanted:\n%shave:\n%s", want, have);
		free(have);
		_fail(file, line);
	}
	free(have);
}

const char *fixture_decl(const struct fixture *f, const char *id)
{
	return map_get(&f->decls, id);
}

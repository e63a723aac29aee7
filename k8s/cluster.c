#include "k8s/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "k8s/api.h"
#include "k8s/discovery.h"
#include "k8s/kubeconfig.h"
#include "k8s/store.h"
#include "k8s/watch.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/status.h"
#include "lib/strv.h"

struct cluster {
	struct api *api;
	struct discovery *discovery;
	struct watch_env env;
	bool wanted[KIND_COUNT];
	struct watch **watches;
	size_t n;
	bool watching, ready;
	uint64_t started_ms;
};

/* All watches of a kind together.  A kind that was listed once never becomes pending again. */
static enum store_state state_of(const struct cluster *c, enum kind_id kind)
{
	unsigned count[4] = { 0 };

	for (size_t i = 0; i < c->n; i++)
		if (watch_kind(c->watches[i]) == kind)
			count[watch_state(c->watches[i])]++;
	if (count[STORE_PENDING])
		return STORE_PENDING;
	if (count[STORE_FORBIDDEN])
		return STORE_FORBIDDEN;
	return count[STORE_SYNCED] ? STORE_SYNCED : STORE_ABSENT;
}

/* "services (HTTP 403: …), …": what is still missing. */
static char *pending(const struct cluster *c)
{
	struct strv list = { 0 };

	for (size_t i = 0; i < c->n; i++) {
		const struct watch *w = c->watches[i];
		const char *why = watch_trouble(w), *plural = kinds[watch_kind(w)].plural;

		if (watch_state(w) == STORE_PENDING)
			strv_take(&list,
				  why ? mem_printf("%s (%s)", plural, why) : mem_strdup(plural));
	}
	char *text = list.n ? strv_join(&list, ", ") : NULL;
	strv_fini(&list);
	return text;
}

/* Not one kind may be read: nothing that we could do would be right. */
static bool is_shut_out(const struct cluster *c)
{
	bool forbidden = false;

	for (size_t i = 0; i < c->n; i++) {
		if (watch_state(c->watches[i]) == STORE_SYNCED)
			return false;
		forbidden = forbidden || watch_state(c->watches[i]) == STORE_FORBIDDEN;
	}
	return forbidden;
}

static void tell_ready(struct cluster *c)
{
	char *missing = is_shut_out(c) ? mem_strdup("the right to read anything") : pending(c);
	char *why = missing ? mem_printf("waiting for %s", missing) : NULL;

	if (missing == NULL && !c->ready)
		log_info("%s: all %zu kinds are listed after %llu ms", api_server(c->api), c->n,
			 (unsigned long long)(clock_mono_ms() - c->started_ms));
	c->ready = c->ready || missing == NULL;
	status_ready_set("kubernetes", c->ready, why);
	free(missing);
	free(why);
}

static void on_state(void *ctx, struct watch *w)
{
	struct cluster *c = ctx;
	enum kind_id kind = watch_kind(w);
	enum store_state state = state_of(c, kind);

	if (state != STORE_PENDING)
		store_set_state(c->env.store, kind, state);
	tell_ready(c);
}

static void on_discovery(void *ctx)
{
	struct cluster *c = ctx;

	for (size_t i = 0; i < c->n; i++)
		if (c->watching)
			watch_discovered(c->watches[i]);
		else
			watch_start(c->watches[i]);
	c->watching = true;
	tell_ready(c);
}

static const char *state_text(enum store_state s)
{
	switch (s) {
	case STORE_PENDING:
		return "pending";
	case STORE_SYNCED:
		return "synced";
	case STORE_ABSENT:
		return "absent";
	case STORE_FORBIDDEN:
		return "forbidden";
	}
	return "?";
}

static void describe(void *ctx, cJSON *out)
{
	const struct cluster *c = ctx;
	cJSON *list;

	(void)cJSON_AddStringToObject(out, "server", api_server(c->api));
	(void)cJSON_AddStringToObject(out, "from", api_from(c->api));
	(void)cJSON_AddBoolToObject(out, "ready", c->ready);
	list = cJSON_AddArrayToObject(out, "watches");
	for (size_t i = 0; i < c->n; i++) {
		const struct watch *w = c->watches[i];
		enum kind_id kind = watch_kind(w);
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(o, "kind", kinds[kind].name);
		(void)cJSON_AddStringToObject(o, "group", kinds[kind].group);
		if (watch_namespace(w))
			(void)cJSON_AddStringToObject(o, "namespace", watch_namespace(w));
		(void)cJSON_AddStringToObject(o, "state", state_text(watch_state(w)));
		(void)cJSON_AddNumberToObject(o, "objects",
					      (double)store_count(c->env.store, kind));
		(void)cJSON_AddStringToObject(o, "resourceVersion", watch_resource_version(w));
		if (watch_trouble(w))
			(void)cJSON_AddStringToObject(o, "trouble", watch_trouble(w));
		(void)cJSON_AddItemToArray(list, o);
	}
}

static void add_watch(struct cluster *c, enum kind_id kind, const char *namespace)
{
	c->watches = mem_array(c->watches, c->n + 1, sizeof(struct watch *));
	c->watches[c->n++] = watch_new(&c->env, kind, namespace);
}

struct cluster *cluster_new(struct loop *loop, const struct config *config,
			    struct http_client *http, struct store *store, struct kube_config *k,
			    const bool *wanted, const struct strv *namespaces)
{
	struct cluster *c = MEM_NEW(struct cluster);

	memcpy(c->wanted, wanted, sizeof(c->wanted));
	c->api = api_new(loop, config, http, k);
	c->discovery = discovery_new(loop, c->api, c->wanted, on_discovery, c);
	c->env = (struct watch_env){ .loop = loop,
				     .api = c->api,
				     .discovery = c->discovery,
				     .store = store,
				     .on_state = on_state,
				     .ctx = c };
	for (int i = 0; i < KIND_COUNT; i++) {
		if (!wanted[i])
			continue;
		if (namespaces[i].n == 0 || !kinds[i].namespaced)
			add_watch(c, (enum kind_id)i, NULL);
		else
			for (size_t j = 0; j < namespaces[i].n; j++)
				add_watch(c, (enum kind_id)i, namespaces[i].s[j]);
	}
	status_ready_declare("kubernetes");
	status_section("kubernetes", describe, c);
	return c;
}

void cluster_free(struct cluster *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		watch_free(c->watches[i]);
	discovery_free(c->discovery);
	api_free(c->api);
	free(c->watches);
	free(c);
}

void cluster_start(struct cluster *c)
{
	log_info("objects come from %s (%s)", api_server(c->api), api_from(c->api));
	c->started_ms = clock_mono_ms();
	if (c->n)
		discovery_start(c->discovery);
	else
		tell_ready(c);
}

struct api *cluster_api(struct cluster *c)
{
	return c->api;
}

char *cluster_api_version(const struct cluster *c, enum kind_id kind)
{
	const char *version = discovery_version(c->discovery, kind);

	if (version == NULL)
		return NULL;
	return *kinds[kind].group ? mem_printf("%s/%s", kinds[kind].group, version)
				  : mem_strdup(version);
}

static void add_part(struct buf *b, const char *part)
{
	if (part && *part)
		buf_printf(b, "/%s", part);
}

char *cluster_path(const struct cluster *c, enum kind_id kind, const char *namespace,
		   const char *name, const char *sub)
{
	char *version = cluster_api_version(c, kind);
	struct buf b = { 0 };

	if (version == NULL)
		return NULL;
	buf_printf(&b, "%s/%s", *kinds[kind].group ? "/apis" : "/api", version);
	if (namespace && *namespace)
		buf_printf(&b, "/namespaces/%s", namespace);
	add_part(&b, kinds[kind].plural);
	add_part(&b, name);
	add_part(&b, sub);
	free(version);
	return buf_take(&b);
}

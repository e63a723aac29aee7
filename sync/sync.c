#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/config.h"
#include "lib/dns_client.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/map.h"
#include "lib/mem.h"
#include "lib/status.h"
#include "sync/desired.h"
#include "sync/instance.h"
#include "sync/provider_table.h"
#include "sync/webhook_server.h"

#define STOP_MS 10000 /* for a batch that is under way */

struct sync {
	struct loop *loop;
	const struct config *config;
	struct http_client *http;
	struct dns_client *dns;
	struct desired desired;
	struct map sources; /* name -> whether it is synced (the map itself, or the struct) */
	struct map held;    /* "source object" -> struct held: lost their targets, but may get them
			       back */
	struct loop_timer *held_timer;
	bool leader;
	struct instance **instances;
	size_t n;
	size_t first_passes; /* that have ended */
	int once_err;
	void (*on_once)(void *ctx, int err);
	void *once_ctx;
	void (*on_result)(void *ctx, const struct sync_result *r);
	void *result_ctx;
	struct webhook_server *webhook; /* NULL without --webhook-server */
	size_t running;                 /* instances that still stop */
	struct loop_timer *stop_timer;
	void (*on_stopped)(void *ctx);
	void *stopped_ctx;
};

struct held {
	char *source, *object;
	uint64_t until_ms;
};

/* --- making -------------------------------------------------------------------------- */

static const struct provider_ops *find_ops(const char *name)
{
	static const char *const aliases[][2] = { { "azure-dns", "azure" },
						  { "azure-private-dns", "azure-private" },
						  { "powerdns", "pdns" } };

	for (size_t i = 0; provider_table[i]; i++)
		if (strcmp(provider_table[i]->name, name) == 0)
			return provider_table[i];
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (strcmp(aliases[i][0], name) == 0)
			return find_ops(aliases[i][1]);
		if (strcmp(aliases[i][1], name) == 0)
			for (size_t k = 0; provider_table[k]; k++)
				if (strcmp(provider_table[k]->name, aliases[i][0]) == 0)
					return provider_table[k];
	}
	return NULL;
}

static char *unknown_provider(const char *name)
{
	struct strv known = { 0 };

	if (strcmp(name, "infoblox") == 0)
		return mem_strdup(
			"--provider=infoblox: not supported; Infoblox takes RFC 2136 updates "
			"(--provider=rfc2136), or put a webhook before it "
			"(--provider=webhook)");
	if (strcmp(name, "aws-sd") == 0)
		return mem_strdup(
			"--provider=aws-sd: Cloud Map is not supported; --provider=aws writes to a "
			"hosted zone of Route 53, also to a private one (--aws-zone-type=private)");
	for (size_t i = 0; provider_table[i]; i++)
		strv_add(&known, provider_table[i]->name);
	strv_sort(&known);
	char *list = strv_join(&known, ", ");
	char *why =
		mem_printf("--provider=%s: unknown; there are %s, and --provider=webhook for all "
			   "others",
			   name, list);
	free(list);
	strv_fini(&known);
	return why;
}

static void instance_result(void *ctx, const struct sync_result *r)
{
	struct sync *s = ctx;

	if (s->on_result)
		s->on_result(s->result_ctx, r);
}

static void instance_first_pass(void *ctx, struct instance *i, int err)
{
	struct sync *s = ctx;

	(void)i;
	if (s->once_err == 0)
		s->once_err = err;
	if (++s->first_passes == s->n && s->on_once)
		s->on_once(s->once_ctx, s->once_err);
}

/* PROVIDER as the user calls it, NAME for logs. */
static int add_instance(struct sync *s, const char *provider, const char *name,
			const struct config *config, struct zonedb *zonedb, char **ret_why)
{
	const struct provider_ops *ops = find_ops(provider);
	struct instance_env env = { .loop = s->loop,
				    .http = s->http,
				    .dns = s->dns,
				    .zonedb = zonedb,
				    .desired = &s->desired,
				    .ctx = s,
				    .on_result = instance_result,
				    .on_first_pass = instance_first_pass };
	struct instance *i = NULL;
	int err;

	if (ops == NULL) {
		*ret_why = unknown_provider(provider);
		return ERR_INVALID;
	}
	err = instance_new(&env, name, ops, config, &i, ret_why);
	if (err)
		return err;
	s->instances = mem_array(s->instances, s->n + 1, sizeof(struct instance *));
	s->instances[s->n++] = i;
	return 0;
}

/* What the environment said before an entry's own was put in its place. */
static void exchange_environment(const struct strv *lines, struct strv *old, bool put)
{
	for (size_t i = 0; i < lines->n; i++) {
		size_t n = strcspn(lines->s[i], "=");
		char *name = mem_strndup(lines->s[i], n);
		const char *was = getenv(name); // NOLINT(concurrency-mt-unsafe): start, one thread

		if (put) {
			strv_take(old, mem_printf("%s%s", was ? "=" : "", was ? was : ""));
			(void)setenv(name, lines->s[i] + n + 1, 1); // NOLINT(concurrency-mt-unsafe)
		} else if (old->s[i][0] == '=') {
			(void)setenv(name, old->s[i] + 1, 1); // NOLINT(concurrency-mt-unsafe)
		} else {
			(void)unsetenv(name); // NOLINT(concurrency-mt-unsafe)
		}
		free(name);
	}
}

/* The providers of the configuration file. */
static int add_entries(struct sync *s, const struct config *config, struct zonedb *zonedb,
		       char **ret_why)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < config_providers(config); i++) {
		const struct config *own = config_provider(config, i);
		const struct strv *lines = config_provider_environment(config, i);
		const char *name = config_provider_name(config, i);
		struct strv old = { 0 };
		char *why = NULL;

		exchange_environment(lines, &old, true);
		err = add_instance(s, config_list(own, OPT_PROVIDER)->s[0], name, own, zonedb,
				   &why);
		exchange_environment(lines, &old, false);
		if (err)
			*ret_why =
				mem_printf("providers: %s: %s", name, why ? why : error_text(err));
		free(why);
		strv_fini(&old);
	}
	return err;
}

/*
 * --webhook-server: others feed the zones that we serve, or, as ExternalDNS does it, the one
 * provider that is named.  *ret_served: that provider, which then has no loop of its own.
 */
static int add_webhook(struct sync *s, const struct strv *providers, struct zonedb *zonedb,
		       const char **ret_served, char **ret_why)
{
	const char *name =
		providers->n == 0 || strv_has(providers, "zonedb") ? "zonedb" : providers->s[0];
	const struct provider_ops *ops = find_ops(name);
	struct provider_env env = { .loop = s->loop,
				    .config = s->config,
				    .http = s->http,
				    .dns = s->dns,
				    .zonedb = zonedb };

	if (ops == NULL) {
		*ret_why = unknown_provider(name);
		return ERR_INVALID;
	}
	*ret_served = name;
	return webhook_server_new(&env, ops, &s->webhook, ret_why);
}

/* --- status and commands ---------------------------------------------------------------- */

static void status(void *ctx, cJSON *out)
{
	struct sync *s = ctx;
	cJSON *providers = cJSON_AddArrayToObject(out, "providers");
	cJSON *sources = cJSON_AddObjectToObject(out, "sources");

	(void)cJSON_AddBoolToObject(out, "leader", s->leader);
	(void)cJSON_AddNumberToObject(out, "endpoints", (double)s->desired.n);
	for (struct map_item *it = map_first(&s->sources); it; it = map_next(&s->sources, it))
		(void)cJSON_AddBoolToObject(sources, it->key, it->value == s);
	for (size_t i = 0; i < s->n; i++) {
		cJSON *o = cJSON_CreateObject();

		instance_status(s->instances[i], o);
		cJSON_AddItemToArray(providers, o);
	}
}

static struct instance *chosen(struct sync *s, const cJSON *args, size_t i)
{
	const cJSON *want = cJSON_GetObjectItemCaseSensitive(args, "provider");

	if (cJSON_IsString(want) && strcmp(want->valuestring, instance_name(s->instances[i])) != 0)
		return NULL;
	return s->instances[i];
}

static int command_plan(void *ctx, const cJSON *args, cJSON *out)
{
	struct sync *s = ctx;
	cJSON *changes = cJSON_AddArrayToObject(out, "changes");

	for (size_t i = 0; i < s->n; i++)
		if (chosen(s, args, i))
			instance_preview(s->instances[i], changes);
	return 0;
}

static int command_release(void *ctx, const cJSON *args, cJSON *out)
{
	struct sync *s = ctx;

	(void)out;
	for (size_t i = 0; i < s->n; i++)
		if (chosen(s, args, i))
			instance_release(s->instances[i]);
	return 0;
}

static int command_verify(void *ctx, const cJSON *args, cJSON *out)
{
	struct sync *s = ctx;

	(void)out;
	for (size_t i = 0; i < s->n; i++)
		if (chosen(s, args, i))
			instance_verify(s->instances[i]);
	return 0;
}

static void set_desired(struct sync *s, const char *source, const char *object,
			struct endpoint *const *endpoints, size_t n)
{
	struct strv changed = { 0 };

	desired_set(&s->desired, source, object, endpoints, n, &changed);
	for (size_t i = 0; changed.n && i < s->n; i++)
		instance_changed(s->instances[i], &changed);
	strv_fini(&changed);
}

static void held_free(void *p)
{
	struct held *h = p;

	if (h == NULL)
		return;
	free(h->source);
	free(h->object);
	free(h);
}

static uint64_t hold_ms(const struct sync *s)
{
	int64_t hold = config_ms(s->config, OPT_LOST_TARGETS_HOLD);
	int64_t half = config_ms(s->config, OPT_INTERVAL) / 2;

	if (config_bool(s->config, OPT_ONCE))
		return 0;
	/* ExternalDNS would look once an interval: no longer than it takes on average */
	if (!config_is_set(s->config, OPT_LOST_TARGETS_HOLD) && half < hold)
		hold = half;
	return hold > 0 ? (uint64_t)hold : 0;
}

/* The time of some is over: now their records may go. */
static void release_held(void *ctx)
{
	struct sync *s = ctx;
	uint64_t now = clock_mono_ms(), first = UINT64_MAX;
	struct map_item *next;

	for (struct map_item *it = map_first(&s->held); it; it = next) {
		struct held *h = it->value;

		next = map_next(&s->held, it);
		if (h->until_ms > now) {
			first = h->until_ms < first ? h->until_ms : first;
			continue;
		}
		set_desired(s, h->source, h->object, NULL, 0);
		held_free(map_remove(&s->held, it->key));
	}
	if (first != UINT64_MAX)
		loop_timer_set(s->held_timer, first - now);
}

/* None is complete before it says so: nothing is deleted, and the first plan waits. */
static void declare_sources(struct sync *s)
{
	const struct strv *names = config_list(s->config, OPT_SOURCE);

	for (size_t i = 0; i < names->n; i++)
		(void)map_put(&s->sources, names->s[i], &s->config);
	if (*config_text(s->config, OPT_CLUSTER_GEO_TAG) ||
	    config_list(s->config, OPT_DNS_ZONES)->n)
		(void)map_put(&s->sources, "gslb", &s->config);
}

/* --- the door --------------------------------------------------------------------------- */

int sync_new(struct loop *loop, const struct config *config, struct zonedb *zonedb,
	     struct sync **ret, char **ret_why)
{
	const struct strv *providers = config_list(config, OPT_PROVIDER);
	bool serves = config_bool(config, OPT_WEBHOOK_SERVER);
	const char *served = "";
	int err = 0;

	if (providers->n == 0 && config_providers(config) == 0 && !serves) {
		*ret = NULL;
		return 0;
	}
	struct sync *s = MEM_NEW(struct sync);
	s->loop = loop;
	s->config = config;
	s->leader = true;
	s->http = http_client_new(loop);
	s->dns = dns_client_new(loop);
	s->held_timer = loop_timer_new(loop, release_held, s);
	desired_init(&s->desired, config_list(config, OPT_SOURCE));
	declare_sources(s);
	if (serves)
		err = add_webhook(s, providers, zonedb, &served, ret_why);
	for (size_t i = 0; err == 0 && i < providers->n; i++)
		if (strcmp(providers->s[i], served) != 0)
			err = add_instance(s, providers->s[i], providers->s[i], config, zonedb,
					   ret_why);
	if (err == 0)
		err = add_entries(s, config, zonedb, ret_why);
	if (err) {
		sync_free(s);
		return err;
	}
	status_section("sync", status, s);
	status_command("plan", false, command_plan, s);
	status_command("sync-release", true, command_release, s);
	status_command("sync-verify", true, command_verify, s);
	*ret = s;
	return 0;
}

void sync_free(struct sync *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++)
		instance_free(s->instances[i]);
	webhook_server_free(s->webhook);
	free(s->instances);
	desired_fini(&s->desired);
	map_fini(&s->sources, NULL);
	map_fini(&s->held, held_free);
	loop_timer_free(s->held_timer);
	loop_timer_free(s->stop_timer);
	dns_client_free(s->dns);
	http_client_free(s->http);
	free(s);
}

static bool all_synced(const struct sync *s)
{
	for (struct map_item *it = map_first(&s->sources); it; it = map_next(&s->sources, it))
		if (it->value != s)
			return false;
	return true;
}

static void gate(struct sync *s)
{
	for (size_t i = 0; i < s->n; i++)
		instance_gate(s->instances[i], all_synced(s), s->leader);
}

void sync_start(struct sync *s)
{
	gate(s);
	for (size_t i = 0; i < s->n; i++)
		instance_start(s->instances[i]);
}

static void stopped(struct sync *s)
{
	void (*done)(void *ctx) = s->on_stopped;

	s->on_stopped = NULL;
	loop_timer_cancel(s->stop_timer);
	if (done)
		done(s->stopped_ctx);
}

static void instance_stopped(void *ctx)
{
	struct sync *s = ctx;

	if (s->running && --s->running == 0)
		stopped(s);
}

static void stop_late(void *ctx)
{
	struct sync *s = ctx;

	log_warning("a provider has not answered within %d s: its batch is abandoned",
		    STOP_MS / 1000);
	s->running = 0;
	stopped(s);
}

void sync_stop(struct sync *s, void (*done)(void *ctx), void *ctx)
{
	s->on_stopped = done;
	s->stopped_ctx = ctx;
	s->running = s->n;
	s->stop_timer = loop_timer_new(s->loop, stop_late, s);
	loop_timer_set(s->stop_timer, STOP_MS);
	for (size_t i = 0; i < s->n; i++)
		instance_stop(s->instances[i], instance_stopped, s);
	if (s->n == 0) {
		s->running = 1;
		loop_post(s->loop, instance_stopped, s);
	}
}

void sync_set_desired(struct sync *s, const char *source, const char *object,
		      struct endpoint *const *endpoints, size_t n)
{
	char *key = mem_printf("%s %s", source, object);
	struct held *h = map_get(&s->held, key);
	uint64_t hold = n == 0 && endpoints ? hold_ms(s) : 0;

	if (hold && h == NULL && map_get(&s->desired.objects, key)) {
		h = MEM_NEW(struct held);
		*h = (struct held){ mem_strdup(source), mem_strdup(object),
				    clock_mono_ms() + hold };
		(void)map_put(&s->held, key, h); /* was not there */
		log_info("%s %s has no targets any more: its records stay for %llu ms", source,
			 object, (unsigned long long)hold);
		if (!loop_timer_is_set(s->held_timer))
			loop_timer_set(s->held_timer, hold);
	}
	if (!hold) {
		held_free(map_remove(&s->held, key));
		set_desired(s, source, object, endpoints, n);
	}
	free(key);
}

void sync_set_synced(struct sync *s, const char *source, bool synced)
{
	/* the value says it: the struct itself for true, its config for false */
	(void)map_put(&s->sources, source, synced ? (void *)s : (void *)&s->config);
	gate(s);
}

void sync_on_once(struct sync *s, void (*cb)(void *ctx, int err), void *ctx)
{
	s->on_once = cb;
	s->once_ctx = ctx;
}

void sync_set_leader(struct sync *s, bool leader)
{
	s->leader = leader;
	gate(s);
}

void sync_on_result(struct sync *s, void (*cb)(void *ctx, const struct sync_result *r), void *ctx)
{
	s->on_result = cb;
	s->result_ctx = ctx;
}

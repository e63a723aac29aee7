/*
 * rig - one instance on a loop of its own, for tests of the engine and of
 * providers: flags, objects that want lines (tests/sync/words.h), waiting.
 */
#pragma once

#include <cjson/cJSON.h>

#include "lib/config.h"
#include "lib/dns_client.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "sync/instance.h"
#include "sync/sync.h"
#include "tests/sync/words.h"

/* Run the loop until COND, at most five seconds. */
#define WAIT_FOR(loop, cond)                                         \
	do {                                                         \
		for (int wait_ = 0; wait_ < 500 && !(cond); wait_++) \
			loop_once((loop), 10);                       \
		assert_true(cond);                                   \
	} while (0)

struct rig {
	struct loop *loop;
	struct config *config;
	struct desired desired;
	struct http_client *http;
	struct dns_client *dns;
	struct instance *i;
	int first_err;
	bool first_done, stopped;
	struct strv results; /* "object name err" */
};

static inline void rig_on_result(void *ctx, const struct sync_result *result)
{
	struct rig *r = ctx;

	strv_take(&r->results,
		  mem_printf("%s %s %d", result->object, result->record->dns_name, result->err));
}

static inline void rig_on_first(void *ctx, struct instance *i, int err)
{
	struct rig *r = ctx;

	(void)i;
	r->first_err = err;
	r->first_done = true;
}

static inline void rig_on_stopped(void *ctx)
{
	((struct rig *)ctx)->stopped = true;
}

static inline void rig_up_on(struct rig *r, struct loop *loop, const struct provider_ops *ops,
			     struct zonedb *zonedb, const char *const *flags)
{
	const char *pairs[12] = { "txt-owner-id=me", "txt-prefix=_x.", "interval=1h" };
	char *why = NULL;

	for (size_t n = 3; *flags; flags++)
		pairs[n++] = *flags;
	*r = (struct rig){ .loop = loop, .config = config_for_test(pairs) };
	log_setup(getenv("RIG_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, 0);
	r->http = http_client_new(r->loop);
	r->dns = dns_client_new(r->loop);
	desired_init(&r->desired, NULL);
	struct instance_env env = { .loop = r->loop,
				    .http = r->http,
				    .dns = r->dns,
				    .zonedb = zonedb,
				    .desired = &r->desired,
				    .ctx = r,
				    .on_result = rig_on_result,
				    .on_first_pass = rig_on_first };

	if (instance_new(&env, ops->name, ops, r->config, &r->i, &why))
		fail_msg("%s", why);
}

static inline void rig_up(struct rig *r, const struct provider_ops *ops, struct zonedb *zonedb,
			  const char *const *flags)
{
	rig_up_on(r, loop_new(), ops, zonedb, flags);
}

/* What else lives on the loop is freed between these two. */
static inline void rig_stop(struct rig *r)
{
	instance_stop(r->i, rig_on_stopped, r);
	WAIT_FOR(r->loop, r->stopped);
	instance_free(r->i);
	desired_fini(&r->desired);
	dns_client_free(r->dns);
	http_client_free(r->http);
}

static inline void rig_free(struct rig *r)
{
	strv_fini(&r->results);
	config_free(r->config);
	loop_free(r->loop);
}

static inline void rig_down(struct rig *r)
{
	rig_stop(r);
	rig_free(r);
}

static inline void want(struct rig *r, const char *object, const char *line)
{
	struct endpoint *e = line ? words_endpoint(line) : NULL;
	struct strv changed = { 0 };

	desired_set(&r->desired, "test", object, &e, line ? 1 : 0, &changed);
	instance_changed(r->i, &changed);
	strv_fini(&changed);
	endpoint_free(e);
}

static inline void run_first(struct rig *r)
{
	instance_gate(r->i, true, true);
	instance_start(r->i);
	WAIT_FOR(r->loop, r->first_done);
}

#define FLAGS(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
#define MINE       "'\"heritage=external-dns,external-dns/owner=me\"'"

static inline bool is_idle(struct rig *r)
{
	cJSON *o = cJSON_CreateObject();

	instance_status(r->i, o);
	bool idle = strcmp(json_text(o, "phase"), "idle") == 0 && json_number(o, "pending", 1) == 0;
	cJSON_Delete(o);
	return idle;
}

/*
 * instance - the loop of one provider: read, plan, apply, wait; on changes of
 * objects plan and apply only the names they touch.
 *
 *	      ┌────────────── interval, doubt ───────────────┐
 *	      ▼                                               │
 *	  READING ──► (ADJUSTING) ──► APPLYING ──► IDLE ──────┤
 *	      │            ▲                        │         │
 *	      └─ error ─► back-off                  └─ changed names
 *
 * It never ends on trouble of the provider.  Control thread.
 */
#pragma once

#include <stdbool.h>

#include "sync/desired.h"
#include "sync/provider.h"

struct cJSON;
struct instance;
struct sync_result;

/* What all instances share; borrowed for their life. */
struct instance_env {
	struct loop *loop;
	struct http_client *http;
	struct dns_client *dns;
	struct zonedb *zonedb;
	const struct desired *desired;
	void *ctx; /* for the callbacks */
	/* A record landed, went or failed; may be NULL. */
	void (*on_result)(void *ctx, const struct sync_result *r);
	/* The first full pass has ended, with its result; called once. */
	void (*on_first_pass)(void *ctx, struct instance *i, int err);
};

/*
 * NAME: for logs and metrics, unique.  CONFIG: borrowed.
 * 0, or an error with *ret_why (caller frees) that names flag or variable.
 */
int instance_new(const struct instance_env *env, const char *name, const struct provider_ops *ops,
		 const struct config *config, struct instance **ret, char **ret_why);
void instance_free(struct instance *i);
void instance_start(struct instance *i);
/* No new pass begins; DONE once the running one has ended. */
void instance_stop(struct instance *i, void (*done)(void *ctx), void *ctx);
/* The candidates of these names may have changed. */
void instance_changed(struct instance *i, const struct strv *names);
/* SYNCED: all sources are complete, so deletes are safe.  LEADER: we may write. */
void instance_gate(struct instance *i, bool synced, bool leader);
/* Let the deletes go that the mass-delete limit holds, this time. */
void instance_release(struct instance *i);
/* Read everything again soon. */
void instance_verify(struct instance *i);
const char *instance_name(const struct instance *i);
void instance_status(const struct instance *i, struct cJSON *out);
/* What a pass would do now, into the array OUT; nothing is changed. */
void instance_preview(struct instance *i, struct cJSON *out);

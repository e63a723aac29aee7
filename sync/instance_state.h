/*
 * instance_state - what instance.c, pass.c and report.c know of one instance.
 * No other file includes it.
 */
#pragma once

#include "lib/backoff.h"
#include "lib/map.h"
#include "sync/change_list.h"
#include "sync/domain_filter.h"
#include "sync/instance.h"
#include "sync/plan.h"
#include "sync/registry.h"
#include "sync/view.h"

enum instance_phase { PHASE_IDLE, PHASE_READING, PHASE_ADJUSTING, PHASE_APPLYING };

/* A name that the provider refuses: left alone until the time comes. */
struct quarantine {
	struct backoff backoff;
	uint64_t until_ms;
	int err;
	char *err_text;
};

/* The candidates of a name as this provider takes them. */
struct wanted {
	struct endpoint_list l;
	uint32_t pass; /* the full pass that has planned it */
};

struct instance {
	struct instance_env env;
	char *name;
	const struct provider_ops *ops;
	struct provider *provider;
	const struct config *config;
	struct domain_filter *filter;
	struct registry *registry;
	struct strv managed, excluded;
	enum plan_policy policy;
	struct strv adopt;

	struct view view;
	struct map
		rows; /* name -> struct endpoint_list: its candidates as this provider takes them */
	struct map shared; /* names for which a shared set was wanted since the start */
	struct map dirty;  /* names to plan; the candidates of all are fresh once it is empty */
	struct map
		asked; /* the dirty names that the provider is being asked about (adjust_remote) */
	struct map quarantined; /* name -> struct quarantine */
	size_t owned;           /* records that are ours, at the last full pass */
	size_t deleted;         /* since then */
	uint32_t pass;          /* number of the full pass */

	enum instance_phase phase;
	struct loop_timer *timer;
	bool started, stopping, synced, leader, once, dry_run;
	bool loaded;   /* the view is true */
	bool doubtful; /* it may not be: read soon */
	bool full;     /* the running pass is over all names */
	bool first_done;
	bool release_deletes;
	uint64_t started_ms;
	uint64_t read_ms;  /* start of the last full read */
	uint64_t pass_ms;  /* start of the last pass */
	uint64_t dirty_ms; /* when the first of the dirty names became so */
	uint64_t retry_ms; /* not before; 0 = at once */
	struct backoff backoff;
	unsigned stale; /* passes that met changes by others */
	void (*on_stopped)(void *ctx);
	void *stopped_ctx;

	/* The running pass. */
	struct plan plan;
	struct change_list changes;
	struct strv names; /* that it plans, if not full */
	int pass_err;

	/* For reports. */
	char *last_error;
	int64_t last_error_s, last_read_s, last_sync_s;
	size_t held;  /* deletes that the limit holds */
	size_t drift; /* changes that the last full pass found though no object had changed */
	struct cJSON *skips; /* of the last full pass */
	uint64_t created_total, updated_total, deleted_total, failed_total;
};

/* pass.c */

/* Bring the candidates of the dirty names up to date, without asking the provider remotely. */
void pass_refresh(struct instance *i);
/* Replace the candidates of the names that were asked about by what the provider made of them
 * (taken). */
void pass_take_adjusted(struct instance *i, struct endpoint_list *adjusted);
/* All candidates of dirty names, copied. */
void pass_collect(const struct instance *i, struct endpoint_list *out);
/* Plan NAMES, or everything (NULL), and expand into i->changes; the mass-delete limit is applied.
 */
void pass_plan(struct instance *i, const struct strv *names);
void pass_clear(struct instance *i);
/* Take over the result of an apply: view, quarantine, reports.  First error of the changes. */
int pass_landed(struct instance *i);
/* Claims that landed though their record was refused: deletes for them, as the new i->changes. */
bool pass_compensate(struct instance *i);
void quarantine_free(void *q);
void wanted_free(void *w);

/* report.c */

void report_pass(struct instance *i); /* after planning a full pass: metrics and skips */
/* QUIET: only for who looks closely. */
void report_change(const struct instance *i, const struct change *c, bool quiet);
void report_dry_run(const struct instance *i);
void report_fault(struct instance *i, const char *what, int err, const char *err_text);

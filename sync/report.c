/*
 * report - what an instance says of itself: log lines, metrics, status, and
 * plans as table and JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/mem.h"
#include "lib/metric.h"
#include "lib/status.h"
#include "sync/batch.h"
#include "sync/instance_state.h"

#define SKIPS_SHOWN 100

static const char *const actions[] = {
	[CHANGE_CREATE] = "create", [CHANGE_UPDATE] = "update", [CHANGE_DELETE] = "delete"
};
static const char *const phases[] = { [PHASE_IDLE] = "idle",
				      [PHASE_READING] = "reading",
				      [PHASE_ADJUSTING] = "adjusting",
				      [PHASE_APPLYING] = "applying" };

/* "60 A 192.0.2.1,192.0.2.2"; caller frees. */
static char *words(const struct endpoint *e)
{
	char *targets = strv_join(&e->targets, ",");
	char ttl[24] = "";

	if (e->record_ttl)
		(void)snprintf(ttl, sizeof(ttl), "%lld ", (long long)e->record_ttl);
	char *text = mem_printf("%s%s %s", ttl, e->record_type, targets);
	free(targets);
	return text;
}

void report_change(const struct instance *i, const struct change *c, bool quiet)
{
	const struct endpoint *e = change_endpoint(c);
	const char *resource = endpoint_label(e, "resource");
	char *was = c->before && c->after ? words(c->before) : NULL, *is = words(e);
	enum log_level level = quiet    ? LOG_LEVEL_DEBUG
			       : c->err ? LOG_LEVEL_WARNING
					: LOG_LEVEL_INFO;
	const char *text = c->err ? c->err_text ? c->err_text : error_text(c->err) : "";

	log_msg(level, __FILE__, "provider %s: %s%s %s%s%s %s%s%s%s%s%s%s", i->name,
		i->dry_run ? "would " : "", actions[c->kind], e->dns_name,
		*e->set_identifier ? " set " : "", e->set_identifier, was ? was : "",
		was ? " -> " : "", is, resource ? " for " : "", resource ? resource : "",
		c->err ? " failed: " : "", text);
	free(was);
	free(is);
}

void report_fault(struct instance *i, const char *what, int err, const char *err_text)
{
	const char *text = err_text && *err_text ? err_text : error_text(err);
	char *all = mem_printf("%s: %s", what, text);

	/* the same trouble is told once, and its end */
	if (i->last_error == NULL || strcmp(i->last_error, all) != 0)
		log_warning("provider %s: %s (tried again with back-off)", i->name, all);
	free(i->last_error);
	i->last_error = all;
	i->last_error_s = clock_real_s();
	metric_add(METRIC_EXTDNS_REGISTRY_ERRORS_TOTAL, 1);
	metric_add(METRIC_SYNC_RUNS_TOTAL, 1, i->name, "error");
	status_touch();
}

/* The parent of a name, as ExternalDNS labels its metric: few series. */
static const char *naked_domain(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && strchr(dot + 1, '.') ? dot + 1 : name;
}

static cJSON *skip_json(const struct plan_skipped *s)
{
	cJSON *o = cJSON_CreateObject();
	const char *resource = endpoint_label(s->e, "resource");

	(void)cJSON_AddStringToObject(o, "name", s->e->dns_name);
	(void)cJSON_AddStringToObject(o, "type", s->e->record_type);
	(void)cJSON_AddStringToObject(o, "why", plan_skip_text(s->reason));
	if (resource)
		(void)cJSON_AddStringToObject(o, "object", resource);
	if (s->because)
		(void)cJSON_AddStringToObject(o, "because", s->because->record_type);
	if (s->reason == PLAN_SKIP_FOREIGN)
		(void)cJSON_AddStringToObject(o, "owner", s->foreign_owner ? s->foreign_owner : "");
	return o;
}

static void report_skips(struct instance *i)
{
	const char *owner = i->registry->owner ? i->registry->owner : "";
	size_t shown = 0;

	cJSON_Delete(i->skips);
	i->skips = cJSON_CreateArray();
	for (size_t k = 0; k < i->plan.nskips; k++) {
		const struct plan_skipped *s = &i->plan.skips[k];

		if (s->reason == PLAN_SKIP_FOREIGN)
			metric_add(METRIC_EXTDNS_REGISTRY_SKIPPED_OWNER_MISMATCH, 1,
				   s->e->record_type, owner,
				   s->foreign_owner ? s->foreign_owner : "",
				   naked_domain(s->e->dns_name));
		log_debug("provider %s: %s %s is left alone: %s", i->name, s->e->dns_name,
			  s->e->record_type, plan_skip_text(s->reason));
		if (shown++ < SKIPS_SHOWN)
			cJSON_AddItemToArray(i->skips, skip_json(s));
	}
	if (i->plan.nskips)
		log_info("provider %s: %zu records are left alone (see \"gslbctl status\")",
			 i->name, i->plan.nskips);
}

void report_pass(struct instance *i)
{
	size_t a = 0, aaaa = 0, ours = 0, a_verified = 0, aaaa_verified = 0;

	report_skips(i);
	for (struct map_item *it = map_first(&i->view.rows); it; it = map_next(&i->view.rows, it)) {
		const struct view_row *row = it->value;

		for (size_t k = 0; k < row->n; k++) {
			a += strcmp(row->e[k]->record_type, "A") == 0;
			aaaa += strcmp(row->e[k]->record_type, "AAAA") == 0;
			ours += registry_is_ours(row->e[k]);
		}
	}
	for (size_t k = 0; k < i->plan.n; k++) {
		if (i->plan.changes[k].kind != PLAN_KEEP || i->plan.changes[k].wanted == NULL)
			continue;
		const char *type = i->plan.changes[k].before.e->record_type;

		a_verified += strcmp(type, "A") == 0;
		aaaa_verified += strcmp(type, "AAAA") == 0;
	}
	metric_set(METRIC_SYNC_RECORDS, (double)i->owned, i->name, "true");
	metric_set(METRIC_SYNC_RECORDS, (double)(i->view.n - ours - i->owned), i->name, "false");
	metric_set(METRIC_SYNC_QUARANTINED, (double)i->quarantined.n, i->name);
	metric_set(METRIC_EXTDNS_REGISTRY_ENDPOINTS_TOTAL, (double)(i->view.n - ours));
	metric_set(METRIC_EXTDNS_REGISTRY_RECORDS, (double)a, "a");
	metric_set(METRIC_EXTDNS_REGISTRY_RECORDS, (double)aaaa, "aaaa");
	metric_set(METRIC_EXTDNS_REGISTRY_A_RECORDS, (double)a);
	metric_set(METRIC_EXTDNS_REGISTRY_AAAA_RECORDS, (double)aaaa);
	metric_set(METRIC_EXTDNS_CONTROLLER_VERIFIED_RECORDS, (double)a_verified, "a");
	metric_set(METRIC_EXTDNS_CONTROLLER_VERIFIED_RECORDS, (double)aaaa_verified, "aaaa");
	metric_set(METRIC_EXTDNS_CONTROLLER_VERIFIED_A_RECORDS, (double)a_verified);
	metric_set(METRIC_EXTDNS_CONTROLLER_VERIFIED_AAAA_RECORDS, (double)aaaa_verified);
}

/* --- plans for people and programs -------------------------------------------------- */

static cJSON *endpoint_json(const struct endpoint *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "dnsName", e->dns_name);
	(void)cJSON_AddStringToObject(o, "recordType", e->record_type);
	cJSON_AddItemToObject(o, "targets", json_from_strv(&e->targets));
	if (e->record_ttl)
		(void)cJSON_AddNumberToObject(o, "recordTTL", (double)e->record_ttl);
	if (*e->set_identifier)
		(void)cJSON_AddStringToObject(o, "setIdentifier", e->set_identifier);
	return o;
}

static cJSON *change_json(const struct instance *i, const struct change *c, bool is_txt)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "provider", i->name);
	(void)cJSON_AddStringToObject(o, "action", actions[c->kind]);
	(void)cJSON_AddBoolToObject(o, "registry", is_txt);
	if (c->before)
		cJSON_AddItemToObject(o, "before", endpoint_json(c->before));
	if (c->after)
		cJSON_AddItemToObject(o, "after", endpoint_json(c->after));
	return o;
}

void instance_preview(struct instance *i, cJSON *out)
{
	/* a running pass owns the plan; what it does is what we would say */
	if (i->phase == PHASE_IDLE || i->phase == PHASE_READING) {
		if (!i->loaded)
			return;
		pass_refresh(i);
		size_t owned = i->owned, deleted = i->deleted;
		pass_plan(i, NULL);
		i->owned = owned;
		i->deleted = deleted;
	}
	for (size_t k = 0; k < i->changes.n; k++)
		cJSON_AddItemToArray(out, change_json(i, &i->changes.c[k], i->changes.is_txt[k]));
	if (i->phase == PHASE_IDLE || i->phase == PHASE_READING)
		pass_clear(i);
}

void report_dry_run(const struct instance *i)
{
	printf("provider %s: %zu changes\n", i->name, i->changes.n);
	for (size_t k = 0; k < i->changes.n; k++) {
		const struct change *c = &i->changes.c[k];
		const struct endpoint *e = change_endpoint(c);
		char *was = c->before && c->after ? words(c->before) : NULL, *is = words(e);

		printf("%-6s  %-40s  %s%s%s\n", actions[c->kind], e->dns_name, was ? was : "",
		       was ? " -> " : "", is);
		free(was);
		free(is);
	}
	(void)fflush(stdout); /* a lost line of a dry run is no harm */
}

static void status_quarantine(const struct instance *i, cJSON *out)
{
	uint64_t now = clock_mono_ms();

	for (struct map_item *it = map_first(&i->quarantined); it;
	     it = map_next(&i->quarantined, it)) {
		const struct quarantine *q = it->value;
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(o, "name", it->key);
		(void)cJSON_AddStringToObject(o, "error",
					      q->err_text ? q->err_text : error_text(q->err));
		(void)cJSON_AddNumberToObject(o, "retryInMs",
					      q->until_ms > now ? (double)(q->until_ms - now) : 0);
		cJSON_AddItemToArray(out, o);
	}
}

static void add_time(cJSON *o, const char *name, int64_t at_s)
{
	char text[32];

	if (at_s)
		(void)cJSON_AddStringToObject(o, name, clock_rfc3339(at_s, text));
}

void instance_status(const struct instance *i, cJSON *out)
{
	const struct strv *zones = i->ops->zones ? i->ops->zones(i->provider) : NULL;

	(void)cJSON_AddStringToObject(out, "name", i->name);
	(void)cJSON_AddStringToObject(out, "provider", i->ops->name);
	(void)cJSON_AddStringToObject(out, "registry", i->registry->ops->name);
	(void)cJSON_AddStringToObject(out, "phase", phases[i->phase]);
	(void)cJSON_AddBoolToObject(out, "leader", i->leader);
	(void)cJSON_AddBoolToObject(out, "sourcesSynced", i->synced);
	if (zones)
		cJSON_AddItemToObject(out, "zones", json_from_strv(zones));
	(void)cJSON_AddNumberToObject(out, "records", (double)i->view.n);
	(void)cJSON_AddNumberToObject(out, "owned", (double)i->owned);
	(void)cJSON_AddNumberToObject(out, "desired", (double)i->rows.n);
	(void)cJSON_AddNumberToObject(out, "pending", (double)(i->dirty.n + i->changes.n));
	(void)cJSON_AddNumberToObject(out, "created", (double)i->created_total);
	(void)cJSON_AddNumberToObject(out, "updated", (double)i->updated_total);
	(void)cJSON_AddNumberToObject(out, "deleted", (double)i->deleted_total);
	(void)cJSON_AddNumberToObject(out, "failed", (double)i->failed_total);
	(void)cJSON_AddNumberToObject(out, "drift", (double)i->drift);
	(void)cJSON_AddNumberToObject(out, "heldDeletes", (double)i->held);
	if (i->registry->hold_deletes)
		(void)cJSON_AddStringToObject(out, "deletesHeldBecause", i->registry->hold_deletes);
	add_time(out, "lastRead", i->last_read_s);
	add_time(out, "lastSync", i->last_sync_s);
	add_time(out, "lastErrorTime", i->last_error ? i->last_error_s : 0);
	if (i->last_error)
		(void)cJSON_AddStringToObject(out, "lastError", i->last_error);
	(void)cJSON_AddBoolToObject(out, "circuitOpen", i->backoff.tries >= 5);
	status_quarantine(i, cJSON_AddArrayToObject(out, "quarantined"));
	cJSON_AddItemToObject(out, "skipped",
			      i->skips ? cJSON_Duplicate(i->skips, true) : cJSON_CreateArray());
}

#include "k8s/object_status.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/gslb_decl.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/strv.h"

#define MAX_MESSAGE 4096 /* the CRD allows 32768 */

/* --- conditions ----------------------------------------------------------------------- */

struct condition {
	const char *type;
	bool is_true;
	const char *reason; /* CamelCase, never empty */
	const char *message;
};

static const cJSON *condition_of(const struct object *obj, const char *type)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(object_status(obj), "conditions")) {
		const char *t = json_text(it, "type");

		if (t && strcmp(t, type) == 0)
			return it;
	}
	return NULL;
}

static void add_condition(cJSON *list, const struct object *obj, const struct condition *c,
			  int64_t now_s)
{
	const cJSON *old = condition_of(obj, c->type);
	const char *status = c->is_true ? "True" : "False";
	const char *was = json_text(old, "status"), *since = json_text(old, "lastTransitionTime");
	cJSON *o = cJSON_CreateObject();
	char now[32];

	(void)cJSON_AddStringToObject(o, "type", c->type);
	(void)cJSON_AddStringToObject(o, "status", status);
	(void)cJSON_AddNumberToObject(o, "observedGeneration", (double)obj->generation);
	(void)cJSON_AddStringToObject(
		o, "lastTransitionTime",
		was && since && strcmp(was, status) == 0 ? since : clock_rfc3339(now_s, now));
	(void)cJSON_AddStringToObject(o, "reason", c->reason && *c->reason ? c->reason : "Unknown");
	(void)cJSON_AddStringToObject(o, "message", c->message ? c->message : "");
	(void)cJSON_AddItemToArray(list, o);
}

/* "host: Reason: message" of each host; caller frees. */
static char *hosts_message(const struct gslb_status *s)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < s->nhosts; i++) {
		const struct gslb_host_status *h = &s->hosts[i];

		if (b.len > MAX_MESSAGE) {
			buf_printf(&b, "; and %zu more", s->nhosts - i);
			break;
		}
		buf_printf(&b, "%s%s: %s", b.len ? "; " : "", h->host, h->reason ? h->reason : "?");
		if (h->message && *h->message)
			buf_printf(&b, ": %s", h->message);
	}
	return buf_take(&b);
}

/* The first host without an answer, or NULL. */
static const struct gslb_host_status *unanswered(const struct gslb_status *s)
{
	for (size_t i = 0; i < s->nhosts; i++)
		if (s->hosts[i].healthy_records.n == 0)
			return &s->hosts[i];
	return NULL;
}

static cJSON *gslb_conditions(const struct object *obj, const struct gslb_status *s, int64_t now_s)
{
	cJSON *list = cJSON_CreateArray();
	char *hosts = hosts_message(s);
	const struct gslb_host_status *empty = unanswered(s);
	struct condition accepted = { "Accepted", s->accepted, s->reason, s->message };
	struct condition ready = { "Ready", s->accepted && s->nhosts && !empty, "Answered", hosts };

	if (s->accepted && (s->reason == NULL || *s->reason == '\0'))
		accepted.reason = "Accepted";
	if (!s->accepted) {
		ready.reason = accepted.reason;
		ready.message = s->message;
	} else if (empty) {
		ready.reason = empty->reason;
	} else if (s->nhosts == 0) {
		ready.reason = "NoHosts";
	}
	add_condition(list, obj, &accepted, now_s);
	add_condition(list, obj, &ready, now_s);
	free(hosts);
	return list;
}

/* --- k8gb's fields -------------------------------------------------------------------- */

cJSON *object_status_servers(const struct gslb_decl *d)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < d->nhosts; i++) {
		const struct gslb_host_decl *h = &d->hosts[i];
		cJSON *server = cJSON_CreateObject(), *services;

		(void)cJSON_AddStringToObject(server, "host", h->host);
		services = cJSON_AddArrayToObject(server, "services");
		for (size_t j = 0; j < h->nbackends; j++) {
			cJSON *b = cJSON_CreateObject();

			(void)cJSON_AddStringToObject(b, "namespace", h->backends[j].namespace);
			(void)cJSON_AddStringToObject(b, "name", h->backends[j].name);
			(void)cJSON_AddItemToArray(services, b);
		}
		(void)cJSON_AddItemToArray(list, server);
	}
	return list;
}

static void add_hosts(cJSON *status, const struct gslb_status *s)
{
	cJSON *health = cJSON_AddObjectToObject(status, "serviceHealth");
	cJSON *records = cJSON_AddObjectToObject(status, "healthyRecords");
	struct strv names = { 0 };

	for (size_t i = 0; i < s->nhosts; i++) {
		const struct gslb_host_status *h = &s->hosts[i];

		strv_add(&names, h->host);
		(void)cJSON_AddStringToObject(health, h->host, h->health ? h->health : "NotFound");
		(void)cJSON_AddItemToObject(records, h->host, json_from_strv(&h->healthy_records));
	}
	char *joined = strv_join(&names, ", ");
	(void)cJSON_AddStringToObject(status, "hosts", joined);
	free(joined);
	strv_fini(&names);
}

cJSON *object_status_gslb(const struct object *obj, const struct gslb_status *s,
			  const cJSON *servers, bool conditions, int64_t now_s)
{
	cJSON *status = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(status, "geoTag", s->geo_tag ? s->geo_tag : "");
	add_hosts(status, s);
	(void)cJSON_AddItemToObject(cJSON_AddObjectToObject(status, "loadBalancer"), "exposedIps",
				    json_from_strv(&s->exposed_ips));
	(void)cJSON_AddItemToObject(status, "servers",
				    servers ? cJSON_Duplicate(servers, true) : cJSON_CreateArray());
	if (!conditions)
		return status;
	(void)cJSON_AddNumberToObject(status, "observedGeneration", (double)obj->generation);
	(void)cJSON_AddItemToObject(status, "conditions", gslb_conditions(obj, s, now_s));
	return status;
}

cJSON *object_status_zone(const struct object *obj, const struct strv *dns_servers,
			  const char *error, bool conditions, int64_t now_s)
{
	cJSON *status = cJSON_CreateObject();
	cJSON *rows = cJSON_AddArrayToObject(status, "dnsServers"), *list;
	struct condition ready = { "Ready", error == NULL, error ? "InvalidZone" : "Served",
				   error ? error : "the zone is answered" };

	for (size_t i = 0; i < dns_servers->n; i++) {
		const char *row = dns_servers->s[i];
		size_t n = strcspn(row, " ");
		char *name = mem_strndup(row, n);
		cJSON *o = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(o, "name", name);
		(void)cJSON_AddStringToObject(o, "address", row[n] ? row + n + 1 : "");
		(void)cJSON_AddItemToArray(rows, o);
		free(name);
	}
	if (!conditions)
		return status;
	(void)cJSON_AddNumberToObject(status, "observedGeneration", (double)obj->generation);
	list = cJSON_AddArrayToObject(status, "conditions");
	add_condition(list, obj, &ready, now_s);
	return status;
}

cJSON *object_status_dns_endpoint(const struct object *obj, const char *error, bool conditions,
				  int64_t now_s)
{
	struct condition accepted = { "Accepted", error == NULL, error ? "Invalid" : "Accepted",
				      error ? error : "every endpoint is taken" };
	cJSON *status = cJSON_CreateObject();

	(void)cJSON_AddNumberToObject(status, "observedGeneration", (double)obj->generation);
	if (conditions)
		add_condition(cJSON_AddArrayToObject(status, "conditions"), obj, &accepted, now_s);
	return status;
}

/* --- writing -------------------------------------------------------------------------- */

char *object_status_body(const struct object *obj, const char *api_version, cJSON *status)
{
	cJSON *doc = cJSON_CreateObject(), *meta;

	(void)cJSON_AddStringToObject(doc, "apiVersion", api_version);
	(void)cJSON_AddStringToObject(doc, "kind", kinds[obj->kind].name);
	meta = cJSON_AddObjectToObject(doc, "metadata");
	(void)cJSON_AddStringToObject(meta, "name", obj->name);
	if (*obj->namespace)
		(void)cJSON_AddStringToObject(meta, "namespace", obj->namespace);
	(void)cJSON_AddItemToObject(doc, "status", status);
	char *text = json_print(doc);
	cJSON_Delete(doc);
	return text;
}

bool object_status_is_there(const struct object *obj, const cJSON *status)
{
	const cJSON *have = object_status(obj);

	return have && json_equal(have, status);
}

/*
 * source_crd - DNSEndpoint objects: endpoints written down as they are.  Control thread.
 *
 * One illegal endpoint is left out and reported; the others of the object count.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/source.h"
#include "k8s/source_filter.h"
#include "k8s/source_settings.h"
#include "lib/json.h"
#include "lib/mem.h"

#define TTL_MAX INT32_MAX

static const enum kind_id also[] = { KIND_COUNT };

/* What a final dot of a target means for a type. */
enum final_dot {
	DOT_FREE, /* part of the text */
	DOT_CUT,  /* may be there; is cut, so that the record is at rest at every provider */
	DOT_MUST,
	DOT_ILLEGAL,
};

static enum final_dot final_dot(const char *type)
{
	static const struct {
		const char *type;
		enum final_dot dot;
	} rows[] = {
		{ "TXT", DOT_FREE },  { "MX", DOT_FREE },   { "SRV", DOT_FREE },
		{ "CNAME", DOT_CUT }, { "DNAME", DOT_CUT }, { "NAPTR", DOT_MUST },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].type, type) == 0)
			return rows[i].dot;
	return DOT_ILLEGAL;
}

/* False, and reported, if a target is illegal. */
static bool read_targets(struct source_run *run, const struct object *obj, const cJSON *json,
			 struct endpoint *e)
{
	enum final_dot dot = final_dot(e->record_type);

	json_strings(json, "targets", &e->targets);
	for (size_t i = 0; i < e->targets.n; i++) {
		char *t = e->targets.s[i];
		size_t n = strlen(t);
		bool has = n && t[n - 1] == '.';

		if (has && dot == DOT_CUT)
			t[n - 1] = '\0';
		if ((has && dot == DOT_ILLEGAL) || (!has && dot == DOT_MUST)) {
			source_error(run, obj, "InvalidTarget",
				     "spec.endpoints \"%s\" %s: target \"%s\" must%s end in a dot",
				     e->dns_name, e->record_type, t, has ? " not" : "");
			return false;
		}
	}
	return true;
}

static void read_labels(const cJSON *json, struct endpoint *e)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(json, "labels"))
		if (cJSON_IsString(it))
			endpoint_set_label(e, it->string, it->valuestring);
}

static void read_properties(const cJSON *json, struct endpoint *e)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, json_get(json, "providerSpecific")) {
		const char *name = json_text(it, "name"), *value = json_text(it, "value");

		if (name && *name)
			endpoint_set_prop(e, name, value ? value : "");
	}
}

static void lower(char *name)
{
	size_t n = strlen(name);

	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	for (; *name; name++)
		if (*name >= 'A' && *name <= 'Z')
			*name = (char)(*name | 0x20);
}

static void add_endpoint(struct source_run *run, const struct object *obj, const cJSON *json)
{
	const char *name = json_text(json, "dnsName"), *type = json_text(json, "recordType");
	const char *set = json_text(json, "setIdentifier");
	int64_t ttl = json_number(json, "recordTTL", 0);
	struct endpoint *e;
	char *label;

	if (name == NULL || *name == '\0' || type == NULL || *type == '\0') {
		source_error(run, obj, "InvalidEndpoint", "spec.endpoints: one has no %s",
			     name == NULL || *name == '\0' ? "dnsName" : "recordType");
		return;
	}
	e = endpoint_new(name, type, ttl > 0 && ttl <= TTL_MAX ? ttl : 0);
	lower(e->dns_name);
	if (!read_targets(run, obj, json, e)) {
		endpoint_free(e);
		return;
	}
	mem_strset(&e->set_identifier, set ? set : "");
	read_labels(json, e);
	read_properties(json, e);
	label = mem_printf("crd/%s/%s", obj->namespace, obj->name);
	endpoint_set_label(e, "resource", label);
	free(label);
	source_emit(run, e);
}

static void collect(struct source_run *run, const struct object *obj)
{
	const cJSON *it = NULL;

	if (!source_filter_passes(source_settings(run), obj))
		return;
	cJSON_ArrayForEach(it, json_get(object_spec(obj), "endpoints"))
		add_endpoint(run, obj, it);
}

const struct source_ops source_crd = {
	.name = "crd",
	.primary = kind_crd,
	.also = also,
	.collect = collect,
};

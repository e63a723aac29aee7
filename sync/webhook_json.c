#include "sync/webhook_json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/error.h"
#include "lib/idna.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "sync/change_list.h"
#include "sync/target.h"

#define TTL_MAX 2147483647.0 /* RFC 2181 8 */

/* --- writing -------------------------------------------------------------------- */

static void put_labels(cJSON *o, const struct endpoint *e)
{
	cJSON *labels = NULL;

	for (size_t i = 0; i < e->nlabels; i++) {
		if (e->labels[i].name[0] == ' ')
			continue;
		if (labels == NULL)
			labels = cJSON_AddObjectToObject(o, "labels");
		(void)cJSON_AddStringToObject(labels, e->labels[i].name, e->labels[i].value);
	}
}

cJSON *webhook_json_endpoint(const struct endpoint *e)
{
	cJSON *o = cJSON_CreateObject();

	(void)cJSON_AddStringToObject(o, "dnsName", e->dns_name);
	if (e->targets.n)
		cJSON_AddItemToObject(o, "targets", json_from_strv(&e->targets));
	(void)cJSON_AddStringToObject(o, "recordType", e->record_type);
	if (*e->set_identifier)
		(void)cJSON_AddStringToObject(o, "setIdentifier", e->set_identifier);
	if (e->record_ttl)
		(void)cJSON_AddNumberToObject(o, "recordTTL", (double)e->record_ttl);
	put_labels(o, e);
	cJSON *props = e->nprovider_specific ? cJSON_AddArrayToObject(o, "providerSpecific") : NULL;
	for (size_t i = 0; i < e->nprovider_specific; i++) {
		cJSON *p = cJSON_CreateObject();

		(void)cJSON_AddStringToObject(p, "name", e->provider_specific[i].name);
		(void)cJSON_AddStringToObject(p, "value", e->provider_specific[i].value);
		cJSON_AddItemToArray(props, p);
	}
	return o;
}

/* What is owned says so, as ExternalDNS has it: all but ownership records and shared sets. */
static void put_owner(cJSON *o, const struct endpoint *e, const char *owner)
{
	cJSON *labels = cJSON_GetObjectItemCaseSensitive(o, "labels");

	if (owner == NULL || e->shared || endpoint_label(e, "owner") ||
	    endpoint_label(e, "ownedRecord"))
		return;
	if (labels == NULL)
		labels = cJSON_AddObjectToObject(o, "labels");
	(void)cJSON_AddStringToObject(labels, "owner", owner);
}

static void add_to(cJSON **list, const struct endpoint *e, const char *owner)
{
	cJSON *o = webhook_json_endpoint(e);

	if (*list == NULL)
		*list = cJSON_CreateArray();
	put_owner(o, e, owner);
	cJSON_AddItemToArray(*list, o);
}

cJSON *webhook_json_changes(struct change *const *c, size_t n, const char *owner, bool capitals)
{
	static const char *const keys[2][4] = { { "create", "updateOld", "updateNew", "delete" },
						{ "Create", "UpdateOld", "UpdateNew", "Delete" } };
	cJSON *lists[4] = { NULL }, *o = cJSON_CreateObject();

	for (size_t i = 0; i < n; i++) {
		switch (c[i]->kind) {
		case CHANGE_CREATE:
			add_to(&lists[0], c[i]->after, owner);
			break;
		case CHANGE_UPDATE:
			add_to(&lists[1], c[i]->before, owner);
			add_to(&lists[2], c[i]->after, owner);
			break;
		case CHANGE_DELETE:
			add_to(&lists[3], c[i]->before, owner);
			break;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		if (lists[i] == NULL && capitals)
			lists[i] = cJSON_CreateNull();
		if (lists[i])
			cJSON_AddItemToObject(o, keys[capitals][i], lists[i]);
	}
	return o;
}

/* --- reading -------------------------------------------------------------------- */

/* Go matches keys in any case; the exact one wins. */
static const cJSON *member(const cJSON *o, const char *key)
{
	const cJSON *exact = cJSON_GetObjectItemCaseSensitive(o, key);

	return exact ? exact : cJSON_GetObjectItem(o, key);
}

static int wrong(const char *what, char **ret_why)
{
	*ret_why = mem_printf("endpoint: %s", what);
	return ERR_SYNTAX;
}

static int read_text(const cJSON *o, const char *key, char **to)
{
	const cJSON *v = member(o, key);

	if (v == NULL || cJSON_IsNull(v))
		return 0;
	if (!cJSON_IsString(v))
		return ERR_SYNTAX;
	mem_strset(to, v->valuestring);
	return 0;
}

static int read_targets(const cJSON *o, struct endpoint *e)
{
	const cJSON *list = member(o, "targets"), *t;

	if (list == NULL || cJSON_IsNull(list))
		return 0;
	if (!cJSON_IsArray(list))
		return ERR_SYNTAX;
	cJSON_ArrayForEach(t, list) {
		if (!cJSON_IsString(t))
			return ERR_SYNTAX;
		strv_add(&e->targets, t->valuestring);
	}
	return 0;
}

static int read_labels(const cJSON *o, struct endpoint *e)
{
	const cJSON *labels = member(o, "labels"), *l;

	if (labels == NULL || cJSON_IsNull(labels))
		return 0;
	if (!cJSON_IsObject(labels))
		return ERR_SYNTAX;
	cJSON_ArrayForEach(l, labels) {
		if (!cJSON_IsString(l))
			return ERR_SYNTAX;
		if (l->string[0] != ' ') /* those are our own */
			endpoint_set_label(e, l->string, l->valuestring);
	}
	return 0;
}

static int read_properties(const cJSON *o, struct endpoint *e)
{
	const cJSON *list = member(o, "providerSpecific"), *p;

	if (list == NULL || cJSON_IsNull(list))
		return 0;
	if (!cJSON_IsArray(list))
		return ERR_SYNTAX;
	cJSON_ArrayForEach(p, list) {
		const cJSON *name = member(p, "name"), *value = member(p, "value");

		if (!cJSON_IsString(name) || (value && !cJSON_IsString(value)))
			return ERR_SYNTAX;
		endpoint_set_prop(e, name->valuestring, value ? value->valuestring : "");
	}
	return 0;
}

int webhook_json_read_endpoint(const cJSON *o, struct endpoint **ret, char **ret_why)
{
	struct endpoint *e = endpoint_new("", "", 0);
	const cJSON *ttl = member(o, "recordTTL");
	int err = ERR_SYNTAX;

	if (!cJSON_IsObject(o))
		(void)wrong("not an object", ret_why);
	else if (read_text(o, "dnsName", &e->dns_name) || *e->dns_name == '\0')
		(void)wrong("dnsName is missing or no text", ret_why);
	else if (read_text(o, "recordType", &e->record_type) || *e->record_type == '\0')
		(void)wrong("recordType is missing or no text", ret_why);
	else if (read_text(o, "setIdentifier", &e->set_identifier))
		(void)wrong("setIdentifier is no text", ret_why);
	else if (ttl && !cJSON_IsNull(ttl) &&
		 (!cJSON_IsNumber(ttl) || ttl->valuedouble < 0 || ttl->valuedouble > TTL_MAX))
		(void)wrong("recordTTL is no number of seconds", ret_why);
	else if (read_targets(o, e))
		(void)wrong("targets is no list of texts", ret_why);
	else if (read_labels(o, e))
		(void)wrong("labels is no object of texts", ret_why);
	else if (read_properties(o, e))
		(void)wrong("providerSpecific is no list of name and value", ret_why);
	else
		err = 0;
	if (err) {
		endpoint_free(e);
		return err;
	}
	if (ttl && cJSON_IsNumber(ttl))
		e->record_ttl = (int64_t)ttl->valuedouble;
	char *name = idna_normal(e->dns_name);
	free(e->dns_name);
	e->dns_name = name;
	target_normalise(e);
	*ret = e;
	return 0;
}

int webhook_json_read_list(const cJSON *a, struct endpoint_list *out, char **ret_why)
{
	const cJSON *o;

	if (a == NULL || cJSON_IsNull(a))
		return 0;
	if (!cJSON_IsArray(a)) {
		*ret_why = mem_strdup("a list of endpoints is expected");
		return ERR_SYNTAX;
	}
	cJSON_ArrayForEach(o, a) {
		struct endpoint *e = NULL;
		int err = webhook_json_read_endpoint(o, &e, ret_why);

		if (err)
			return err;
		endpoint_list_take(out, e);
	}
	return 0;
}

void webhook_changes_fini(struct webhook_changes *c)
{
	endpoint_list_fini(&c->create);
	endpoint_list_fini(&c->update_old);
	endpoint_list_fini(&c->update_new);
	endpoint_list_fini(&c->remove);
}

int webhook_json_read_changes(const cJSON *o, struct webhook_changes *ret, char **ret_why)
{
	struct webhook_changes c = { 0 };
	int err = 0;

	if (!cJSON_IsObject(o)) {
		*ret_why = mem_strdup("an object of changes is expected");
		return ERR_SYNTAX;
	}
	err = webhook_json_read_list(member(o, "create"), &c.create, ret_why);
	if (err == 0)
		err = webhook_json_read_list(member(o, "updateOld"), &c.update_old, ret_why);
	if (err == 0)
		err = webhook_json_read_list(member(o, "updateNew"), &c.update_new, ret_why);
	if (err == 0)
		err = webhook_json_read_list(member(o, "delete"), &c.remove, ret_why);
	if (err == 0 && c.update_old.n != c.update_new.n) {
		*ret_why = mem_strdup("updateOld and updateNew differ in length");
		err = ERR_SYNTAX;
	}
	if (err) {
		webhook_changes_fini(&c);
		return err;
	}
	*ret = c;
	return 0;
}

#include "tests/k8s/fake_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "lib/loop.h"
#include "lib/mem.h"
#include "lib/strv.h"
#include "lib/yaml.h"
#include "tests/fake_http.h"

struct resource {
	char *group, *version, *plural, *kind;
	bool namespaced;
};

struct stored {
	char *plural, *group;
	cJSON *json;
};

struct watcher {
	struct fake_api *api;
	struct watcher *prev, *next;
	struct fake_conn *conn;
	char *plural, *group, *version, *namespace;
};

struct event {
	unsigned long rv;
	char *plural, *group, *namespace;
	char *type;
	cJSON *json;
};

struct fake_api {
	struct loop *loop;
	struct fake_http *http;
	unsigned port;
	char url[64];
	struct resource *r;
	size_t nr;
	struct stored *o;
	size_t no;
	struct event *e;
	size_t ne;
	unsigned long rv, oldest;
	struct watcher *watchers;
	struct fake_rules rules;
	struct buf log;
};

/* --- a request's parts ---------------------------------------------------------------- */

struct target {
	char group[128], version[32], namespace[128], plural[64], name[128], sub[32];
	char query[2048];
};

static void next_part(const char **p, char *out, size_t size)
{
	size_t n = strcspn(*p, "/?");

	(void)snprintf(out, size, "%.*s", (int)n, *p);
	*p += n;
	if (**p == '/')
		++*p;
}

static bool parse_target(const char *path, struct target *t)
{
	const char *p = path;

	memset(t, 0, sizeof(*t));
	if (strncmp(p, "/apis/", 6) == 0) {
		p += 6;
		next_part(&p, t->group, sizeof(t->group));
	} else if (strncmp(p, "/api/", 5) == 0) {
		p += 5;
	} else {
		return false;
	}
	next_part(&p, t->version, sizeof(t->version));
	next_part(&p, t->plural, sizeof(t->plural));
	if (strcmp(t->plural, "namespaces") == 0 && *p && *p != '?') {
		next_part(&p, t->namespace, sizeof(t->namespace));
		next_part(&p, t->plural, sizeof(t->plural));
	}
	next_part(&p, t->name, sizeof(t->name));
	next_part(&p, t->sub, sizeof(t->sub));
	if (*p == '?')
		(void)snprintf(t->query, sizeof(t->query), "&%s", p + 1);
	return true;
}

static bool param(const struct target *t, const char *name, char *out, size_t size)
{
	char *key = mem_printf("&%s=", name);
	const char *at = strstr(t->query, key);
	size_t skip = strlen(key);

	free(key);
	if (at == NULL)
		return false;
	(void)snprintf(out, size, "%.*s", (int)strcspn(at + skip, "&"), at + skip);
	return true;
}

static bool is_param(const struct target *t, const char *name, const char *value)
{
	char have[256];

	return param(t, name, have, sizeof(have)) && strcmp(have, value) == 0;
}

/* --- answers -------------------------------------------------------------------------- */

static void reply_status(struct fake_conn *c, int code, const char *reason, const char *message,
			 const char *retry_after)
{
	char *body = mem_printf(
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":"
		"\"%s\",\"reason\":\"%s\",\"code\":%d}",
		message, reason, code);
	char *headers =
		retry_after ? mem_printf("Retry-After: %s\r\n", retry_after) : mem_strdup("");

	fake_conn_reply(c, code, headers, body);
	free(headers);
	free(body);
}

static void reply_json(struct fake_conn *c, int code, const cJSON *json)
{
	char *text = json_print(json);

	fake_conn_reply(c, code, "Content-Type: application/json\r\n", text);
	free(text);
}

static void discovery(struct fake_api *a, struct fake_conn *c, const struct fake_request *r)
{
	cJSON *doc = cJSON_CreateObject(), *items;
	char accept[512] = "";
	bool whole = a->rules.aggregated &&
		     fake_request_header(r, "accept", accept, sizeof(accept)) &&
		     strstr(accept, "APIGroupDiscoveryList");

	(void)cJSON_AddStringToObject(doc, "kind",
				      whole ? "APIGroupDiscoveryList" : "APIGroupList");
	items = cJSON_AddArrayToObject(doc, whole ? "items" : "groups");
	for (size_t i = 0; i < a->nr; i++) {
		const struct resource *x = &a->r[i];
		cJSON *g = cJSON_CreateObject(), *versions, *v = cJSON_CreateObject();

		if (*x->group == '\0') {
			cJSON_Delete(g);
			cJSON_Delete(v);
			continue;
		}
		if (whole)
			(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(g, "metadata"),
						      "name", x->group);
		else
			(void)cJSON_AddStringToObject(g, "name", x->group);
		versions = cJSON_AddArrayToObject(g, "versions");
		(void)cJSON_AddItemToArray(versions, v);
		(void)cJSON_AddStringToObject(v, "version", x->version);
		if (whole) {
			cJSON *one = cJSON_CreateObject();

			(void)cJSON_AddStringToObject(one, "resource", x->plural);
			(void)cJSON_AddStringToObject(cJSON_AddObjectToObject(one, "responseKind"),
						      "kind", x->kind);
			(void)cJSON_AddStringToObject(one, "scope",
						      x->namespaced ? "Namespaced" : "Cluster");
			(void)cJSON_AddItemToArray(cJSON_AddArrayToObject(v, "resources"), one);
		}
		(void)cJSON_AddItemToArray(items, g);
	}
	reply_json(c, 200, doc);
	cJSON_Delete(doc);
}

static void group_resources(struct fake_api *a, struct fake_conn *c, const struct target *t)
{
	cJSON *doc = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(doc, "resources");

	for (size_t i = 0; i < a->nr; i++) {
		const struct resource *x = &a->r[i];
		cJSON *one;

		if (strcmp(x->group, t->group) != 0 || strcmp(x->version, t->version) != 0)
			continue;
		one = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(one, "name", x->plural);
		(void)cJSON_AddStringToObject(one, "kind", x->kind);
		(void)cJSON_AddBoolToObject(one, "namespaced", x->namespaced);
		(void)cJSON_AddItemToArray(list, one);
	}
	reply_json(c, 200, doc);
	cJSON_Delete(doc);
}

/* --- objects -------------------------------------------------------------------------- */

static const struct resource *find_resource(const struct fake_api *a, const char *group,
					    const char *version, const char *plural)
{
	for (size_t i = 0; i < a->nr; i++)
		if (strcmp(a->r[i].group, group) == 0 && strcmp(a->r[i].plural, plural) == 0 &&
		    (version == NULL || strcmp(a->r[i].version, version) == 0))
			return &a->r[i];
	return NULL;
}

static const char *ns_of(const cJSON *json)
{
	const char *ns = json_text(json, "metadata.namespace");

	return ns ? ns : "";
}

static size_t find_object(const struct fake_api *a, const char *group, const char *plural,
			  const char *ns, const char *name)
{
	size_t i = 0;

	for (; i < a->no; i++)
		if ((group == NULL || strcmp(a->o[i].group, group) == 0) &&
		    strcmp(a->o[i].plural, plural) == 0 &&
		    strcmp(json_text(a->o[i].json, "metadata.name"), name) == 0 &&
		    strcmp(ns_of(a->o[i].json), ns ? ns : "") == 0)
			break;
	return i;
}

static char *event_line(const char *type, const cJSON *json)
{
	char *text = json_print(json);
	char *line = mem_printf("{\"type\":\"%s\",\"object\":%s}\n", type, text);

	free(text);
	return line;
}

static bool is_watched(const struct watcher *w, const char *group, const char *plural,
		       const char *ns)
{
	return strcmp(w->group, group) == 0 && strcmp(w->plural, plural) == 0 &&
	       (*w->namespace == '\0' || strcmp(w->namespace, ns) == 0);
}

static void tell(struct fake_api *a, const char *group, const char *plural, const char *type,
		 const cJSON *json)
{
	char *line = event_line(type, json);

	a->e = mem_array(a->e, a->ne + 1, sizeof(*a->e));
	a->e[a->ne++] = (struct event){ a->rv,
					mem_strdup(plural),
					mem_strdup(group),
					mem_strdup(ns_of(json)),
					mem_strdup(type),
					cJSON_Duplicate(json, true) };
	for (struct watcher *w = a->watchers; w; w = w->next)
		if (is_watched(w, group, plural, ns_of(json)))
			fake_conn_chunk(w->conn, line);
	free(line);
}

static void set_text(cJSON *o, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(o, name);
	(void)cJSON_AddStringToObject(o, name, value);
}

/* Takes JSON. */
static void store(struct fake_api *a, const struct resource *r, cJSON *json)
{
	cJSON *meta = json_get(json, "metadata");
	char rv[32];
	size_t i;

	if (r->namespaced && *ns_of(json) == '\0')
		(void)cJSON_AddStringToObject(meta, "namespace", "default");
	(void)snprintf(rv, sizeof(rv), "%lu", ++a->rv);
	set_text(meta, "resourceVersion", rv);
	if (json_text(meta, "uid") == NULL)
		set_text(meta, "uid", rv);
	i = find_object(a, r->group, r->plural, ns_of(json), json_text(meta, "name"));
	bool is_new = i == a->no;
	if (is_new) {
		a->o = mem_array(a->o, a->no + 1, sizeof(*a->o));
		a->o[a->no++] =
			(struct stored){ mem_strdup(r->plural), mem_strdup(r->group), NULL };
	}
	cJSON_Delete(a->o[i].json);
	a->o[i].json = json;
	tell(a, r->group, r->plural, is_new ? "ADDED" : "MODIFIED", json);
}

static const struct resource *resource_of(const struct fake_api *a, const cJSON *json)
{
	const char *version = json_text(json, "apiVersion"), *kind = json_text(json, "kind");
	const char *slash = version ? strchr(version, '/') : NULL;
	char *group = slash ? mem_strndup(version, (size_t)(slash - version)) : mem_strdup("");
	const struct resource *found = NULL;

	for (size_t i = 0; i < a->nr; i++)
		if (strcmp(a->r[i].group, group) == 0 && strcmp(a->r[i].kind, kind) == 0)
			found = &a->r[i];
	free(group);
	return found;
}

static void put_doc(void *ctx, cJSON *doc, unsigned line)
{
	const struct resource *r = resource_of(ctx, doc);

	(void)line;
	assert_non_null(r);
	store(ctx, r, doc);
}

void fake_api_put(struct fake_api *a, const char *yaml)
{
	struct yaml_error e;

	if (yaml_parse(yaml, strlen(yaml), put_doc, a, &e) != 0)
		fail_msg("%u: %s", e.line, e.text);
}

void fake_api_delete(struct fake_api *a, const char *plural, const char *namespace,
		     const char *name)
{
	size_t i = find_object(a, NULL, plural, namespace, name);
	char rv[32];

	assert_true(i < a->no);
	(void)snprintf(rv, sizeof(rv), "%lu", ++a->rv);
	set_text(json_get(a->o[i].json, "metadata"), "resourceVersion", rv);
	tell(a, a->o[i].group, plural, "DELETED", a->o[i].json);
	cJSON_Delete(a->o[i].json);
	free(a->o[i].plural);
	free(a->o[i].group);
	memmove(a->o + i, a->o + i + 1, (a->no - i - 1) * sizeof(*a->o));
	a->no--;
}

const cJSON *fake_api_get(const struct fake_api *a, const char *plural, const char *namespace,
			  const char *name)
{
	size_t i = find_object(a, NULL, plural, namespace, name);

	return i < a->no ? a->o[i].json : NULL;
}

/* --- list and watch ------------------------------------------------------------------- */

static void list(struct fake_api *a, struct fake_conn *c, const struct target *t)
{
	char limit_text[32] = "", token[64] = "0:0", rv[32];
	unsigned long from, token_rv, limit;
	cJSON *doc = cJSON_CreateObject(), *meta, *items;
	size_t seen = 0, given = 0;

	(void)param(t, "limit", limit_text, sizeof(limit_text));
	limit = strtoul(limit_text, NULL, 10);
	if (a->rules.page && limit > a->rules.page)
		limit = a->rules.page;
	bool goes_on = param(t, "continue", token, sizeof(token));
	if (sscanf(token, "%lu%%3A%lu", &from, &token_rv) != 2)
		from = token_rv = 0;
	if (goes_on && token_rv < a->oldest) {
		reply_status(c, 410, "Expired", "The provided continue parameter is too old", NULL);
		cJSON_Delete(doc);
		return;
	}
	(void)cJSON_AddStringToObject(doc, "kind", "List");
	meta = cJSON_AddObjectToObject(doc, "metadata");
	(void)snprintf(rv, sizeof(rv), "%lu", a->rv);
	(void)cJSON_AddStringToObject(meta, "resourceVersion", rv);
	items = cJSON_AddArrayToObject(doc, "items");
	for (size_t i = 0; i < a->no; i++) {
		if (strcmp(a->o[i].plural, t->plural) != 0 ||
		    strcmp(a->o[i].group, t->group) != 0 ||
		    (*t->namespace && strcmp(ns_of(a->o[i].json), t->namespace) != 0) ||
		    seen++ < from)
			continue;
		if (limit && given == limit) {
			char more[64];

			(void)snprintf(more, sizeof(more), "%lu:%lu", from + given, a->rv);
			(void)cJSON_AddStringToObject(meta, "continue", more);
			break;
		}
		cJSON *copy = cJSON_Duplicate(a->o[i].json, true);
		cJSON_DeleteItemFromObjectCaseSensitive(copy, "kind");
		cJSON_DeleteItemFromObjectCaseSensitive(copy, "apiVersion");
		(void)cJSON_AddItemToArray(items, copy);
		given++;
	}
	reply_json(c, 200, doc);
	cJSON_Delete(doc);
}

static void watcher_gone(void *ctx)
{
	struct watcher *w = ctx;

	if (w->prev)
		w->prev->next = w->next;
	else
		w->api->watchers = w->next;
	if (w->next)
		w->next->prev = w->prev;
	free(w->plural);
	free(w->group);
	free(w->version);
	free(w->namespace);
	free(w);
}

static void bookmark(struct fake_api *a, struct watcher *w, bool end)
{
	char *line = mem_printf(
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"X\",\"metadata\":{"
		"\"resourceVersion\":\"%lu\"%s}}}\n",
		a->rv, end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");

	fake_conn_chunk(w->conn, line);
	free(line);
}

static void initial_events(struct fake_api *a, struct watcher *w)
{
	for (size_t i = 0; i < a->no; i++)
		if (is_watched(w, a->o[i].group, a->o[i].plural, ns_of(a->o[i].json))) {
			char *line = event_line("ADDED", a->o[i].json);

			fake_conn_chunk(w->conn, line);
			free(line);
		}
	bookmark(a, w, true);
}

static void missed_events(struct fake_api *a, struct watcher *w, unsigned long since)
{
	for (size_t i = 0; i < a->ne; i++)
		if (a->e[i].rv > since &&
		    is_watched(w, a->e[i].group, a->e[i].plural, a->e[i].namespace)) {
			char *line = event_line(a->e[i].type, a->e[i].json);

			fake_conn_chunk(w->conn, line);
			free(line);
		}
}

static void watch(struct fake_api *a, struct fake_conn *c, const struct target *t)
{
	bool initial = is_param(t, "sendInitialEvents", "true");
	char rv[32] = "";

	if (initial && !a->rules.watch_list) {
		reply_status(c, 422, "Invalid",
			     "sendInitialEvents: Forbidden: sendInitialEvents is forbidden", NULL);
		return;
	}
	(void)param(t, "resourceVersion", rv, sizeof(rv));
	unsigned long since = strtoul(rv, NULL, 10);
	fake_conn_begin(c, 200);
	if (!initial && since < a->oldest) {
		fake_conn_chunk(c, "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":"
				   "410,\"message\":"
				   "\"too old resource version\",\"reason\":\"Expired\"}}\n");
		fake_conn_end(c);
		return;
	}
	struct watcher *w = MEM_NEW(struct watcher);
	w->api = a;
	w->conn = c;
	w->plural = mem_strdup(t->plural);
	w->group = mem_strdup(t->group);
	w->version = mem_strdup(t->version);
	w->namespace = mem_strdup(t->namespace);
	w->next = a->watchers;
	if (w->next)
		w->next->prev = w;
	a->watchers = w;
	fake_conn_on_close(c, watcher_gone, w);
	if (initial)
		initial_events(a, w);
	else
		missed_events(a, w, since);
}

/* --- writes --------------------------------------------------------------------------- */

/* RFC 7396 is near enough to server-side apply by one manager. */
static void merge(cJSON *to, const cJSON *patch)
{
	const cJSON *it = NULL;

	cJSON_ArrayForEach(it, patch) {
		cJSON *have = cJSON_GetObjectItemCaseSensitive(to, it->string);

		if (cJSON_IsNull(it)) {
			cJSON_DeleteItemFromObjectCaseSensitive(to, it->string);
		} else if (cJSON_IsObject(it) && cJSON_IsObject(have)) {
			merge(have, it);
		} else {
			cJSON_DeleteItemFromObjectCaseSensitive(to, it->string);
			(void)cJSON_AddItemToObject(to, it->string, cJSON_Duplicate(it, true));
		}
	}
}

static void patch(struct fake_api *a, struct fake_conn *c, const struct target *t,
		  const struct resource *r, const cJSON *body)
{
	size_t i = find_object(a, t->group, t->plural, t->namespace, t->name);
	cJSON *json;

	if (i == a->no && *t->sub) {
		reply_status(c, 404, "NotFound", "not found", NULL);
		return;
	}
	json = i == a->no ? cJSON_CreateObject() : cJSON_Duplicate(a->o[i].json, true);
	if (*t->sub)
		cJSON_DeleteItemFromObjectCaseSensitive(json, t->sub);
	merge(json, body);
	store(a, r, json);
	i = find_object(a, t->group, t->plural, t->namespace, t->name);
	reply_json(c, 200, a->o[i].json);
}

static bool is_stale(const cJSON *have, const cJSON *body)
{
	const char *rv = json_text(body, "metadata.resourceVersion");

	return rv && *rv && strcmp(rv, json_text(have, "metadata.resourceVersion")) != 0;
}

static void write_object(struct fake_api *a, struct fake_conn *c, const struct fake_request *q,
			 const struct target *t, const struct resource *r)
{
	cJSON *body = cJSON_Parse(q->body);
	const char *name = *t->name ? t->name : json_text(body, "metadata.name");
	size_t i = name ? find_object(a, t->group, t->plural, t->namespace, name) : a->no;

	if (strcmp(q->method, "PATCH") == 0) {
		patch(a, c, t, r, body);
	} else if (strcmp(q->method, "POST") == 0 && i < a->no) {
		reply_status(c, 409, "AlreadyExists", "already exists", NULL);
	} else if (strcmp(q->method, "PUT") == 0 && (i == a->no || is_stale(a->o[i].json, body))) {
		reply_status(c, i == a->no ? 404 : 409, "Conflict", "the object has been modified",
			     NULL);
	} else if (strcmp(q->method, "DELETE") == 0) {
		if (i < a->no)
			fake_api_delete(a, t->plural, t->namespace, t->name);
		reply_status(c, i < a->no ? 200 : 404, "", "", NULL);
	} else {
		if (json_text(body, "metadata.name") == NULL) { /* generateName */
			char *made = mem_printf("%s%lu", json_text(body, "metadata.generateName"),
						a->rv);

			(void)cJSON_AddStringToObject(json_get(body, "metadata"), "name", made);
			free(made);
		}
		char *copy = mem_strdup(json_text(body, "metadata.name"));
		store(a, r, cJSON_Duplicate(body, true));
		i = find_object(a, t->group, t->plural, t->namespace, copy);
		reply_json(c, strcmp(q->method, "POST") == 0 ? 201 : 200, a->o[i].json);
		free(copy);
	}
	cJSON_Delete(body);
}

/* --- the door ------------------------------------------------------------------------- */

static bool is_denied(struct fake_api *a, struct fake_conn *c, const struct fake_request *r,
		      const char *plural)
{
	char authorization[256] = "";
	const struct fake_rules *x = &a->rules;

	if (x->token) {
		char *want = mem_printf("Bearer %s", x->token);

		(void)fake_request_header(r, "authorization", authorization, sizeof(authorization));
		bool wrong = strcmp(authorization, want) != 0;
		free(want);
		if (wrong) {
			reply_status(c, 401, "Unauthorized", "Unauthorized", NULL);
			return true;
		}
	}
	if (x->deny == 0 || (x->deny_plural && strcmp(x->deny_plural, plural) != 0))
		return false;
	reply_status(c, x->deny, "X", "denied", x->retry_after);
	return true;
}

static void serve(void *ctx, struct fake_conn *c, const struct fake_request *r)
{
	struct fake_api *a = ctx;
	struct target t;
	const struct resource *res;

	buf_printf(&a->log, "%s %s\n", r->method, r->target);
	if (strcmp(r->target, "/version") == 0) {
		char *v = mem_printf("{\"major\":\"1\",\"minor\":\"%s\"}", a->rules.minor);

		fake_conn_reply(c, 200, "", v);
		free(v);
	} else if (strcmp(r->target, "/apis") == 0) {
		if (!is_denied(a, c, r, "/apis"))
			discovery(a, c, r);
	} else if (!parse_target(r->target, &t)) {
		reply_status(c, 404, "NotFound", "no such path", NULL);
	} else if (*t.plural == '\0') {
		group_resources(a, c, &t);
	} else if (is_denied(a, c, r, t.plural)) {
		return;
	} else if ((res = find_resource(a, t.group, t.version, t.plural)) == NULL) {
		fake_conn_reply(c, 404, "Content-Type: text/plain\r\n", "404 page not found\n");
	} else if (strcmp(r->method, "GET") != 0) {
		write_object(a, c, r, &t, res);
	} else if (*t.name) {
		size_t i = find_object(a, t.group, t.plural, t.namespace, t.name);

		if (i < a->no)
			reply_json(c, 200, a->o[i].json);
		else
			reply_status(c, 404, "NotFound", "not found", NULL);
	} else if (is_param(&t, "watch", "true")) {
		watch(a, c, &t);
	} else {
		list(a, c, &t);
	}
}

struct fake_api *fake_api_new(struct loop *loop)
{
	struct fake_api *a = MEM_NEW(struct fake_api);

	a->loop = loop;
	a->rv = 100;
	a->rules = (struct fake_rules){ .watch_list = true, .aggregated = true, .minor = "36" };
	a->http = fake_http_new(loop, 0, serve, a);
	a->port = fake_http_port(a->http);
	(void)snprintf(a->url, sizeof(a->url), "%s", fake_http_url(a->http));
	return a;
}

static void events_free(struct fake_api *a)
{
	for (size_t i = 0; i < a->ne; i++) {
		free(a->e[i].plural);
		free(a->e[i].group);
		free(a->e[i].namespace);
		free(a->e[i].type);
		cJSON_Delete(a->e[i].json);
	}
	a->ne = 0;
}

void fake_api_down(struct fake_api *a)
{
	fake_http_free(a->http);
	a->http = NULL;
	while (a->watchers)
		watcher_gone(a->watchers);
}

void fake_api_up(struct fake_api *a)
{
	a->http = fake_http_new(a->loop, a->port, serve, a);
}

void fake_api_free(struct fake_api *a)
{
	if (a == NULL)
		return;
	fake_api_down(a);
	events_free(a);
	for (size_t i = 0; i < a->no; i++) {
		free(a->o[i].plural);
		free(a->o[i].group);
		cJSON_Delete(a->o[i].json);
	}
	for (size_t i = 0; i < a->nr; i++) {
		free(a->r[i].group);
		free(a->r[i].version);
		free(a->r[i].plural);
		free(a->r[i].kind);
	}
	free(a->e);
	free(a->o);
	free(a->r);
	buf_fini(&a->log);
	free(a);
}

const char *fake_api_url(const struct fake_api *a)
{
	return a->url;
}

void fake_api_add(struct fake_api *a, const char *group, const char *version, const char *plural,
		  const char *kind, bool namespaced)
{
	a->r = mem_array(a->r, a->nr + 1, sizeof(*a->r));
	a->r[a->nr++] = (struct resource){ mem_strdup(group), mem_strdup(version),
					   mem_strdup(plural), mem_strdup(kind), namespaced };
}

void fake_api_remove(struct fake_api *a, const char *group, const char *plural)
{
	for (size_t i = a->nr; i-- > 0;)
		if (strcmp(a->r[i].group, group) == 0 && strcmp(a->r[i].plural, plural) == 0) {
			free(a->r[i].group);
			free(a->r[i].version);
			free(a->r[i].plural);
			free(a->r[i].kind);
			memmove(a->r + i, a->r + i + 1, (a->nr - i - 1) * sizeof(*a->r));
			a->nr--;
		}
}

void fake_api_compact(struct fake_api *a)
{
	a->oldest = ++a->rv;
	events_free(a);
}

void fake_api_break(struct fake_api *a, bool half)
{
	while (a->watchers) {
		struct watcher *w = a->watchers;
		struct fake_conn *c = w->conn;

		if (half)
			fake_conn_chunk(c, "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Serv");
		watcher_gone(w);
		fake_conn_on_close(c, NULL, NULL);
		fake_conn_close(c, !half);
	}
}

void fake_api_say(struct fake_api *a, const char *text)
{
	for (struct watcher *w = a->watchers; w; w = w->next)
		fake_conn_chunk(w->conn, text);
}

unsigned fake_api_watchers(const struct fake_api *a)
{
	unsigned n = 0;

	for (const struct watcher *w = a->watchers; w; w = w->next)
		n++;
	return n;
}

struct fake_rules *fake_api_rules(struct fake_api *a)
{
	return &a->rules;
}

struct buf *fake_api_log(struct fake_api *a)
{
	return &a->log;
}

const cJSON *fake_api_object(const struct fake_api *a, const char *plural, unsigned i)
{
	for (size_t j = 0; j < a->no; j++)
		if (strcmp(a->o[j].plural, plural) == 0 && i-- == 0)
			return a->o[j].json;
	return NULL;
}

unsigned fake_api_objects(const struct fake_api *a, const char *plural)
{
	unsigned n = 0;

	while (fake_api_object(a, plural, n))
		n++;
	return n;
}

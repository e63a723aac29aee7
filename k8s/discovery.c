#include "k8s/discovery.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "k8s/api.h"
#include "k8s/json_read.h"
#include "lib/backoff.h"
#include "lib/clock.h"
#include "lib/error.h"
#include "lib/http_client.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/mem.h"

/* One request for all groups where the server can (1.26 and later), else group by group. */
#define AGGREGATED                                                                   \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"      \
	"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList," \
	"application/json"
#define LOOK_AGAIN_MS 3000
#define DENIED_MS     5000

struct discovery {
	struct loop *loop;
	struct api *api;
	const bool *wanted;
	void (*cb)(void *ctx);
	void *ctx;
	struct loop_timer *timer;
	struct backoff backoff;
	uint64_t denied_ms; /* since when we may not ask; 0 = we may */
	struct api_call *call, *version_call;
	char *etag;
	bool known, told;
	unsigned minor;
	char *versions[KIND_COUNT]; /* NULL = not there */
	/* group by group */
	struct strv groups; /* "group/version" to ask still */
	bool found[KIND_COUNT];
};

/* --- what an answer says -------------------------------------------------------------- */

/* Place of VERSION in the kind's list, best first; -1 = not accepted. */
static int rank(const struct kind *k, const char *version)
{
	size_t n = strlen(version);
	int i = 0;

	for (const char *p = k->versions; *p; p += strspn(p, " "), i++) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, version, n) == 0)
			return i;
		p += len;
	}
	return -1;
}

static void note(struct discovery *d, const char *group, const char *version, const char *plural,
		 const char *kind, bool namespaced)
{
	for (int i = 0; i < KIND_COUNT; i++) {
		const struct kind *k = &kinds[i];

		if (!d->wanted[i] || strcmp(k->group, group) != 0 ||
		    strcmp(k->plural, plural) != 0 || rank(k, version) < 0)
			continue;
		if (kind)
			kind_learn((enum kind_id)i, kind, namespaced);
		if (d->found[i] && rank(k, d->versions[i]) <= rank(k, version))
			continue;
		d->found[i] = true;
		mem_strset(&d->versions[i], version);
	}
}

static void read_aggregated(struct discovery *d, const cJSON *doc)
{
	const cJSON *group = NULL, *version = NULL, *r = NULL;

	cJSON_ArrayForEach(group, json_get(doc, "items"))
		cJSON_ArrayForEach(version, json_get(group, "versions"))
			cJSON_ArrayForEach(r, json_get(version, "resources")) {
				const char *g = json_text(group, "metadata.name");
				const char *v = json_text(version, "version");
				const char *plural = json_text(r, "resource");
				const char *scope = json_text(r, "scope");

				if (v && plural)
					note(d, g ? g : "", v, plural,
					     json_text(r, "responseKind.kind"),
					     scope == NULL || strcmp(scope, "Cluster") != 0);
			}
}

static void begin_answer(struct discovery *d)
{
	memset(d->found, 0, sizeof(d->found));
	for (int i = 0; i < KIND_COUNT; i++) /* the core group is always there */
		if (d->wanted[i] && *kinds[i].group == '\0') {
			char *best =
				mem_strndup(kinds[i].versions, strcspn(kinds[i].versions, " "));

			note(d, "", best, kinds[i].plural, NULL, true);
			free(best);
		}
}

static bool is_all_there(const struct discovery *d)
{
	for (int i = 0; i < KIND_COUNT; i++)
		if (d->wanted[i] && d->versions[i] == NULL)
			return false;
	return true;
}

/* A group of which nothing is there is named as a whole. */
static void add_missing(const struct discovery *d, struct strv *missing, enum kind_id kind)
{
	const char *group = kinds[kind].group;
	bool some = false;

	for (int i = 0; i < KIND_COUNT; i++)
		some = some || (d->versions[i] && strcmp(kinds[i].group, group) == 0);
	if (some)
		strv_take(missing, mem_printf("%s.%s", kinds[kind].plural, group));
	else
		(void)strv_add_unique(missing, group);
}

/* Kinds that are missing are named once, together. */
static void tell_missing(struct discovery *d)
{
	struct strv missing = { 0 };

	if (d->told)
		return;
	d->told = true;
	for (int i = 0; i < KIND_COUNT; i++)
		if (d->wanted[i] && d->versions[i] == NULL)
			add_missing(d, &missing, (enum kind_id)i);
	char *list = strv_join(&missing, ", ");
	if (missing.n)
		log_warning("the API server does not have %s; taken up as soon as it does", list);
	free(list);
	strv_fini(&missing);
}

static void end_answer(struct discovery *d)
{
	for (int i = 0; i < KIND_COUNT; i++)
		if (!d->found[i])
			mem_strset(&d->versions[i], NULL);
	d->known = true;
	backoff_reset(&d->backoff);
	tell_missing(d);
	if (!is_all_there(d))
		loop_timer_set(d->timer, LOOK_AGAIN_MS);
	d->cb(d->ctx);
}

/* We may not ask: every kind is taken to be there in its best version, the watches will see. */
static void assume_all(struct discovery *d)
{
	begin_answer(d);
	for (int i = 0; i < KIND_COUNT; i++)
		if (d->wanted[i] && *kinds[i].versions) {
			char *best =
				mem_strndup(kinds[i].versions, strcspn(kinds[i].versions, " "));

			note(d, kinds[i].group, best, kinds[i].plural, NULL, true);
			free(best);
		}
	end_answer(d);
}

/* --- asking --------------------------------------------------------------------------- */

static void failed(struct discovery *d, const struct http_response *r)
{
	char *why = api_message(r);
	uint64_t now = clock_mono_ms();
	bool denied = r->err == 0 && r->status == 403;

	if (!denied)
		d->denied_ms = 0;
	else if (d->denied_ms == 0)
		d->denied_ms = now; /* a server that starts may not know our rights yet */
	if (denied && !d->known && now - d->denied_ms >= DENIED_MS) {
		log_warning("discovery is forbidden (%s): every kind is tried", why);
		assume_all(d);
	} else {
		if (d->backoff.tries == 0 && !d->known)
			log_warning("discovery at %s: %s", api_server(d->api), why);
		else
			log_debug("discovery at %s: %s", api_server(d->api), why);
		loop_timer_set(d->timer, backoff_next_ms(&d->backoff));
	}
	free(why);
}

static void next_group(struct discovery *d);

static void on_group(void *ctx, const struct http_response *r)
{
	struct discovery *d = ctx;
	cJSON *doc = NULL;
	const cJSON *it = NULL;
	size_t at;

	d->call = NULL;
	if (r->err || (r->status != 200 && r->status != 404)) {
		failed(d, r);
		return;
	}
	if (r->status == 200 && json_read(buf_str(&r->body), r->body.len, NULL, &doc, &at) == 0) {
		const char *slash = strchr(d->groups.s[0], '/');
		char *group = mem_strndup(d->groups.s[0], (size_t)(slash - d->groups.s[0]));

		cJSON_ArrayForEach(it, json_get(doc, "resources")) {
			const char *plural = json_text(it, "name");

			if (plural)
				note(d, group, slash + 1, plural, json_text(it, "kind"),
				     json_bool(it, "namespaced", true));
		}
		free(group);
	}
	cJSON_Delete(doc);
	strv_remove(&d->groups, 0);
	next_group(d);
}

static void next_group(struct discovery *d)
{
	if (d->groups.n == 0) {
		end_answer(d);
		return;
	}
	char *path = mem_printf("/apis/%s", d->groups.s[0]);
	d->call = api_send(
		d->api,
		&(struct api_request){ .path = path, .free = true, .on_done = on_group, .ctx = d });
	free(path);
}

/* APIGroupList: of each group that we want, the versions that we accept. */
static void read_groups(struct discovery *d, const cJSON *doc)
{
	const cJSON *group = NULL, *version = NULL;

	strv_fini(&d->groups);
	cJSON_ArrayForEach(group, json_get(doc, "groups"))
		cJSON_ArrayForEach(version, json_get(group, "versions")) {
			const char *g = json_text(group, "name"),
				   *v = json_text(version, "version");

			for (int i = 0; g && v && i < KIND_COUNT; i++)
				if (d->wanted[i] && strcmp(kinds[i].group, g) == 0 &&
				    rank(&kinds[i], v) >= 0) {
					char *both = mem_printf("%s/%s", g, v);

					(void)strv_add_unique(&d->groups, both);
					free(both);
				}
		}
	next_group(d);
}

static const struct json_keep resource_kind[] = { { "kind", 0 }, { 0, 0 } };
static const struct json_keep resources[] = {
	{ "resource", 0 }, { "responseKind", resource_kind }, { "scope", 0 }, { 0, 0 }
};
static const struct json_keep versions_keep[] = { { "version", 0 },
						  { "resources", resources },
						  { 0, 0 } };
static const struct json_keep meta[] = { { "name", 0 }, { 0, 0 } };
static const struct json_keep items[] = { { "metadata", meta },
					  { "versions", versions_keep },
					  { 0, 0 } };
static const struct json_keep answer[] = {
	{ "kind", 0 }, { "groups", 0 }, { "items", items }, { 0, 0 }
};

static void on_apis(void *ctx, const struct http_response *r)
{
	struct discovery *d = ctx;
	cJSON *doc = NULL;
	size_t at = 0;

	d->call = NULL;
	if (r->err == 0 && r->status == 304) { /* nothing changed since the last answer */
		loop_timer_set(d->timer, LOOK_AGAIN_MS);
		return;
	}
	if (r->err || r->status != 200 ||
	    json_read(buf_str(&r->body), r->body.len, answer, &doc, &at) != 0) {
		failed(d, r);
		return;
	}
	mem_strset(&d->etag, http_response_header(r, "etag"));
	begin_answer(d);
	if (json_get(doc, "groups")) {
		read_groups(d, doc);
	} else {
		read_aggregated(d, doc);
		end_answer(d);
	}
	cJSON_Delete(doc);
}

static void on_version(void *ctx, const struct http_response *r)
{
	struct discovery *d = ctx;

	d->version_call = NULL;
	if (r->err == 0 && r->status == 200) {
		cJSON *doc = cJSON_ParseWithLength(buf_str(&r->body), r->body.len);
		const char *minor = json_text(doc, "minor"); /* "36", "27+" */

		d->minor = minor ? (unsigned)strtoul(minor, NULL, 10) : 0;
		cJSON_Delete(doc);
	}
	if (d->call == NULL)
		d->call = api_send(d->api, &(struct api_request){ .path = "/apis",
								  .accept = AGGREGATED,
								  .etag = d->etag,
								  .free = true,
								  .on_done = on_apis,
								  .ctx = d });
}

static void ask(void *ctx)
{
	struct discovery *d = ctx;

	if (d->call || d->version_call)
		return;
	d->version_call = api_send(d->api, &(struct api_request){ .path = "/version",
								  .free = true,
								  .on_done = on_version,
								  .ctx = d });
}

/* --- for the watches ------------------------------------------------------------------ */

struct discovery *discovery_new(struct loop *loop, struct api *api, const bool *wanted,
				void (*cb)(void *ctx), void *ctx)
{
	struct discovery *d = MEM_NEW(struct discovery);

	d->loop = loop;
	d->api = api;
	d->wanted = wanted;
	d->cb = cb;
	d->ctx = ctx;
	d->backoff = (struct backoff){ .min_ms = 250, .max_ms = 5000 };
	d->timer = loop_timer_new(loop, ask, d);
	return d;
}

void discovery_free(struct discovery *d)
{
	if (d == NULL)
		return;
	api_cancel(d->call);
	api_cancel(d->version_call);
	loop_timer_free(d->timer);
	strv_fini(&d->groups);
	for (int i = 0; i < KIND_COUNT; i++)
		free(d->versions[i]);
	free(d->etag);
	free(d);
}

void discovery_start(struct discovery *d)
{
	ask(d);
}

bool discovery_is_known(const struct discovery *d)
{
	return d->known;
}

const char *discovery_version(const struct discovery *d, enum kind_id kind)
{
	return d->versions[kind];
}

unsigned discovery_minor(const struct discovery *d)
{
	return d->minor;
}

void discovery_refresh(struct discovery *d)
{
	free(d->etag); /* an answer, even if it is the same */
	d->etag = NULL;
	loop_timer_set(d->timer, 0);
}

/*
 * ctl_status - sections of the status: hosts, zones, peers …, and `status`, the
 * summary of all.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cjson/cJSON.h>

#include "lib/json.h"
#include "lib/mem.h"
#include "server/ctl.h"

bool ctl_status_knows(const char *name)
{
	static const char *const names[] = { "status", "hosts",   "zones",    "peers", "sources",
					     "sync",   "history", "commands", "about" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

static int count(const cJSON *o)
{
	return o ? cJSON_GetArraySize(o) : 0;
}

static bool is_healthy(const cJSON *member)
{
	const char *h = json_text(member, "health");

	return h && !strcasecmp(h, "healthy");
}

struct sums {
	int hosts, mute, members, healthy;
};

static struct sums sum_hosts(const cJSON *hosts)
{
	struct sums s = { 0 };
	const cJSON *h, *m;

	cJSON_ArrayForEach(h, hosts) {
		s.hosts++;
		s.mute += !count(json_get(h, "answer"));
		cJSON_ArrayForEach(m, json_get(h, "members")) {
			s.members++;
			s.healthy += is_healthy(m);
		}
	}
	return s;
}

static int peers_up(const cJSON *peers)
{
	const cJSON *p;
	int n = 0;

	cJSON_ArrayForEach(p, peers) {
		const char *state = json_text(p, "state");

		n += state && (!strcasecmp(state, "up") || !strcasecmp(state, "ok") ||
			       !strcasecmp(state, "alive"));
	}
	return n;
}

/* Hosts that answer nothing or have members down, at most 20. */
static void print_sick(const cJSON *hosts)
{
	const cJSON *h, *m;
	int left = 20;

	cJSON_ArrayForEach(h, hosts) {
		const char *reason = json_text(h, "reason");
		int down = 0;

		cJSON_ArrayForEach(m, json_get(h, "members"))
			down += !is_healthy(m);
		if ((!down && count(json_get(h, "answer"))) || left-- <= 0)
			continue;
		printf("  %s: %s%d of %d members not healthy%s%s\n", h->string,
		       count(json_get(h, "answer")) ? "" : "no answer, ", down,
		       count(json_get(h, "members")), reason ? "; " : "", reason ? reason : "");
	}
}

/* A column of a section's table. */
struct column {
	const char *head, *member;
};

static const struct view {
	const char *section, *first;
	const char *list; /* rows are in this array and have a "name"; NULL: rows are the members */
	struct column columns[10];
} views[] = {
	{ "peers",
	  "geo_tag",
	  NULL,
	  { { "state", "state" },
	    { "last_seen_ms_ago", "last_seen_ms_ago" },
	    { "rtt_ms", "rtt_ms" },
	    { "kind", "kind" },
	    { "addresses", "addresses" },
	    { "error", "error" } } },
	{ "zones",
	  "zone",
	  NULL,
	  { { "serial", "serial" },
	    { "rrsets", "rrsets" },
	    { "file", "file" },
	    { "error", "error" } } },
	{ "sources",
	  "source",
	  NULL,
	  { { "synced", "synced" },
	    { "objects", "objects" },
	    { "endpoints", "endpoints" },
	    { "faulty", "faulty" },
	    { "errors", "errors" } } },
	{ "sync",
	  "provider",
	  "providers",
	  { { "phase", "phase" },
	    { "leader", "leader" },
	    { "records", "records" },
	    { "owned", "owned" },
	    { "desired", "desired" },
	    { "pending", "pending" },
	    { "held", "heldDeletes" },
	    { "last_sync", "lastSync" },
	    { "error", "lastError" } } },
};

static void add_row(cJSON *rows, const struct view *v, const char *name, const cJSON *from)
{
	cJSON *row = cJSON_CreateArray();

	cJSON_AddItemToArray(row, cJSON_CreateString(name ? name : ""));
	for (const struct column *c = v->columns; c->head; c++) {
		const cJSON *value = cJSON_GetObjectItemCaseSensitive(from, c->member);

		cJSON_AddItemToArray(row,
				     value ? cJSON_Duplicate(value, true) : cJSON_CreateNull());
	}
	cJSON_AddItemToArray(rows, row);
}

/* What a section's table needs to show, without what only programs want (--output=json). */
static cJSON *view_table(const struct view *v, const cJSON *section)
{
	cJSON *t = cJSON_CreateObject(), *heads = cJSON_AddArrayToObject(t, "columns"), *rows;
	const cJSON *i;

	cJSON_AddItemToArray(heads, cJSON_CreateString(v->first));
	for (const struct column *c = v->columns; c->head; c++)
		cJSON_AddItemToArray(heads, cJSON_CreateString(c->head));
	rows = cJSON_AddArrayToObject(t, "rows");
	if (v->list)
		section = json_get(section, v->list);
	cJSON_ArrayForEach(i, section)
		add_row(rows, v, v->list ? json_text(i, "name") : i->string, i);
	return t;
}

static const struct view *view_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		if (!strcmp(views[i].section, name))
			return &views[i];
	}
	return NULL;
}

static void print_view(const struct view *v, const cJSON *section)
{
	cJSON *t = view_table(v, section);

	if (count(json_get(t, "rows")))
		ctl_print(stdout, t);
	else
		printf("no %s\n", v->section);
	cJSON_Delete(t);
}

/* Hosts with their members counted, which a list of lists would hide. */
static cJSON *hosts_table(const cJSON *hosts)
{
	static const char *const heads[] = { "host", "strategy", "answer", "healthy", "reason" };
	cJSON *t = cJSON_CreateObject(), *rows;
	const cJSON *h, *m;

	cJSON_AddItemToObject(t, "columns", cJSON_CreateStringArray(heads, ARRAY_SIZE(heads)));
	rows = cJSON_AddArrayToObject(t, "rows");
	cJSON_ArrayForEach(h, hosts) {
		cJSON *row = cJSON_CreateArray();
		const char *strategy = json_text(h, "strategy"), *reason = json_text(h, "reason");
		int healthy = 0;
		char *of;

		cJSON_ArrayForEach(m, json_get(h, "members"))
			healthy += is_healthy(m);
		of = mem_printf("%d/%d", healthy, count(json_get(h, "members")));
		cJSON_AddItemToArray(row, cJSON_CreateString(h->string));
		cJSON_AddItemToArray(row, cJSON_CreateString(strategy ? strategy : ""));
		cJSON_AddItemToArray(row, json_get(h, "answer")
						  ? cJSON_Duplicate(json_get(h, "answer"), true)
						  : cJSON_CreateArray());
		cJSON_AddItemToArray(row, cJSON_CreateString(of));
		cJSON_AddItemToArray(row, cJSON_CreateString(reason ? reason : ""));
		cJSON_AddItemToArray(rows, row);
		free(of);
	}
	return t;
}

static void print_summary(const cJSON *all)
{
	const char *tag = json_text(all, "about.geo_tag"),
		   *version = json_text(all, "about.version"),
		   *started = json_text(all, "about.started_at");
	const cJSON *hosts = json_get(all, "hosts"), *peers = json_get(all, "peers"), *i;
	struct sums s = sum_hosts(hosts);

	printf("gslbd %s%s%s%s, %s, started %s\n", version ? version : "", tag ? " (" : "",
	       tag ? tag : "", tag ? ")" : "",
	       json_bool(all, "about.ready", false) ? "ready" : "NOT ready",
	       started ? started : "");
	cJSON_ArrayForEach(i, json_get(all, "about.not_ready"))
		printf("  %s\n", cJSON_IsString(i) ? i->valuestring : "");
	printf("zones: %d\n", count(json_get(all, "zones")));
	printf("hosts: %d, %d without an answer; members: %d, %d healthy\n", s.hosts, s.mute,
	       s.members, s.healthy);
	print_sick(hosts);
	printf("peers: %d, %d up\n", count(peers), peers_up(peers));
	cJSON_ArrayForEach(i, peers) {
		const char *error = json_text(i, "error");

		if (error && *error)
			printf("  %s: %s\n", i->string, error);
	}
	if (count(json_get(all, "sync.providers")))
		print_view(view_of("sync"), json_get(all, "sync"));
}

/* Of the history, the changes of HOST only. */
static void only_host(cJSON *history, const char *host)
{
	cJSON *list = cJSON_IsArray(history) ? history : history->child, *next;

	for (cJSON *e = list ? list->child : NULL; e; e = next) {
		const char *name = json_text(e, "host");

		next = e->next;
		if (!name || strcasecmp(name, host) != 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(list, e));
	}
}

static char *path_of(const char *name, const char *text)
{
	if (!strcmp(name, "commands"))
		return mem_strdup("/api/v1/command");
	if (!strcmp(name, "status"))
		return mem_strdup("/api/v1/status");
	if (text && !strcmp(name, "hosts")) {
		/* a host's name needs no escapes; anything else is refused by the caller */
		return mem_printf("/api/v1/status/hosts?match=%s", text);
	}
	return mem_printf("/api/v1/status/%s", name);
}

static void print_section(const char *name, const cJSON *reply)
{
	if (!strcmp(name, "status")) {
		print_summary(reply);
	} else if (!strcmp(name, "hosts")) {
		cJSON *t = hosts_table(reply);

		ctl_print(stdout, t);
		cJSON_Delete(t);
	} else if (view_of(name)) {
		print_view(view_of(name), reply);
	} else if (count(reply)) {
		ctl_print(stdout, reply);
	} else {
		printf("no %s\n", name);
	}
}

int ctl_status(const struct ctl *c, const char *name, const struct strv *words)
{
	const char *text = words->n > 1 ? words->s[1] : NULL;
	char *path;
	cJSON *reply;
	int status = 0;

	if (words->n > 2 || (text && strcmp(name, "hosts") != 0 && strcmp(name, "history") != 0)) {
		fprintf(stderr, "%s: %s: unexpected argument '%s'\n", c->program, name,
			words->s[words->n - 1]);
		return 2;
	}
	if (text && (*text == '-' || strpbrk(text, " %&?#+"))) {
		fprintf(stderr, "%s: %s: '%s' is no part of a name\n", c->program, name, text);
		return 2;
	}
	path = path_of(name, text);
	reply = ctl_ask(c, path, NULL, &status);
	if (reply) {
		if (text && !strcmp(name, "history"))
			only_host(reply, text);
		if (c->json)
			ctl_print_json(stdout, reply);
		else
			print_section(name, reply);
	}
	cJSON_Delete(reply);
	free(path);
	return status;
}

#include "gslb/history.h"

#include <stdlib.h>
#include <string.h>

#include "gslb/inside.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/mem.h"

#define ENTRIES 4096

struct entry {
	int64_t real_ms;
	char *host, *cause, *detail, *reason;
	struct strv before, after;
};

struct history {
	struct entry e[ENTRIES]; /* a ring */
	uint64_t n;              /* ever added */
};

static void entry_fini(struct entry *e)
{
	free(e->host);
	free(e->cause);
	free(e->detail);
	free(e->reason);
	strv_fini(&e->before);
	strv_fini(&e->after);
}

struct history *history_new(void)
{
	return MEM_NEW(struct history);
}

void history_free(struct history *h)
{
	if (h == NULL)
		return;
	for (size_t i = 0; i < ENTRIES; i++)
		entry_fini(&h->e[i]);
	free(h);
}

void history_add(struct history *h, const struct host *host, const struct strv *before)
{
	struct entry *e = &h->e[h->n++ % ENTRIES];

	entry_fini(e);
	*e = (struct entry){ .real_ms = clock_real_ms(),
			     .host = mem_strdup(host->name),
			     .cause = mem_strdup(host->cause),
			     .detail = mem_strdup(host->cause_detail),
			     .reason = mem_strdup(host->d.reason) };
	strv_copy(&e->before, before);
	strv_copy(&e->after, &host->answer);
}

static cJSON *entry_json(const struct entry *e)
{
	cJSON *o = cJSON_CreateObject();
	char time[40];

	(void)clock_rfc3339(e->real_ms / 1000, time);
	cJSON_AddStringToObject(o, "time", time);
	cJSON_AddNumberToObject(o, "time_ms", (double)e->real_ms);
	cJSON_AddStringToObject(o, "host", e->host);
	cJSON_AddStringToObject(o, "cause", e->cause ? e->cause : "");
	if (e->detail)
		cJSON_AddStringToObject(o, "detail", e->detail);
	if (e->reason)
		cJSON_AddStringToObject(o, "reason", e->reason);
	cJSON_AddItemToObject(o, "before", json_from_strv(&e->before));
	cJSON_AddItemToObject(o, "after", json_from_strv(&e->after));
	return o;
}

void history_explain(const struct history *h, const char *host, size_t max, cJSON *array)
{
	for (uint64_t i = 0; i < h->n && i < ENTRIES && max; i++) {
		const struct entry *e = &h->e[(h->n - 1 - i) % ENTRIES];

		if (host && strcmp(e->host, host) != 0)
			continue;
		cJSON_AddItemToArray(array, entry_json(e));
		max--;
	}
}
